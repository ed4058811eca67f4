"""The packages that an unpacked tree pins, or holds, by name and version; found without running it.

Read are: requirements and constraints files as pip has them
(https://pip.pypa.io/en/stable/reference/requirements-file-format/), the requirement lists of
`pyproject.toml` (PEP 621, PEP 735), `pylock.toml` (PEP 751), `poetry.lock`, `uv.lock`, `pdm.lock`,
`Pipfile.lock`, and the static name and version in `METADATA`, `PKG-INFO` and `pyproject.toml`.
Files count wherever they lie in the tree.

All of it is hostile: sizes are limited, links are not followed, and a file that can't be read is
reported, once.
"""

import os
import re
import stat
import tomllib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_TREE_BYTES = 100 * 1024 * 1024
"""All files of one tree that are read here."""
MAX_PINS = 20_000
MAX_REQUIREMENT = 2000
"""Characters of one requirement, without its options; a bound on what the parsers are given."""


@dataclass(frozen=True, slots=True)
class PinnedDependency:
    """A package at one version, named by a file of the tree."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    """As written; printable ASCII without spaces."""
    path: str
    """The file, relative to the tree, with `/`."""
    line: int | None
    """From 1; None when the format leaves no way to tell."""
    held: bool = False
    """Whether the tree holds the package itself, by its own metadata."""


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file whose dependencies are not known, or not all of them."""

    path: str
    line: int | None
    problem: str
    """One sentence."""


def find_pins(tree: Path) -> list[PinnedDependency | UnreadableFile]:
    """Read all dependency files of a tree.

    Args:
        tree: the folder with what an installer would install, or a repository's content.

    Returns:
        What is pinned or held, in the order of paths and lines, and the files that can't be read.
    """
    return list(_Search(tree).run())


@dataclass(frozen=True, slots=True)
class _Pin:
    name: str
    version: str
    line: int | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class _Include:
    """A requirements file that names another one."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str
    line: int | None = None


_Item = _Pin | _Include | _Problem
_Reader = Callable[[bytes], Iterable[_Item]]


class _Search:
    """One walk over one tree."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree.resolve()
        self._bytes_left = MAX_TREE_BYTES
        self._pins_left = MAX_PINS
        self._waiting: deque[tuple[str, _Reader]] = deque()
        self._seen: set[str] = set()

    def run(self) -> Iterator[PinnedDependency | UnreadableFile]:
        unlisted: list[OSError] = []
        for folder, folders, files in os.walk(self._tree, onerror=unlisted.append):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file).relative_to(self._tree).as_posix()
                reader = _reader_for(PurePosixPath(path))
                if reader is not None:
                    self._add(path, reader)
        for error in unlisted:
            path = os.path.relpath(error.filename, self._tree)
            yield UnreadableFile(_shown(path), None, "The folder can't be listed.")
        while self._waiting:
            yield from self._file(*self._waiting.popleft())

    def _add(self, path: str, reader: _Reader) -> None:
        if path not in self._seen:
            self._seen.add(path)
            self._waiting.append((path, reader))

    def _file(self, path: str, reader: _Reader) -> Iterator[PinnedDependency | UnreadableFile]:
        problem: _Problem | None = None
        for item in self._items(path, reader):
            if isinstance(item, _Problem):
                problem = problem or item
            elif isinstance(item, _Include):
                included = self._inside(path, item.path)
                if included is None:
                    problem = problem or _Problem("It includes a file outside the tree.", item.line)
                else:
                    self._add(included, _requirements)
            elif not _NAME.fullmatch(item.name) or not _VERSION.fullmatch(item.version):
                problem = problem or _Problem("A name or version in it is not valid.", item.line)
            elif not self._pins_left:
                problem = _Problem(f"The tree pins more than {MAX_PINS} packages.", item.line)
                break
            else:
                self._pins_left -= 1
                name = canonicalize_name(item.name)
                yield PinnedDependency(name, item.version, _shown(path), item.line, item.held)
        if problem is not None:
            yield UnreadableFile(_shown(path), problem.line, problem.text)

    def _items(self, path: str, reader: _Reader) -> Iterable[_Item]:
        try:
            data = _read(self._tree / path)
        except OSError as error:
            return [_Problem(f"It can't be read: {error.strerror or error}.")]
        if data is None:
            return []
        self._bytes_left -= len(data)
        if len(data) > MAX_FILE_BYTES or self._bytes_left < 0:
            return [_Problem("It, or all such files together, are too large.")]
        return reader(data)

    def _inside(self, path: str, included: str) -> str | None:
        """Return an included file's path in the tree, or None when it is none or behind a link."""
        target = Path(os.path.normpath(self._tree / Path(path).parent / included))
        try:
            is_inside = target.resolve() == target and target.is_relative_to(self._tree)
        except (OSError, ValueError, RuntimeError):
            return None
        return target.relative_to(self._tree).as_posix() if is_inside else None


def _read(path: Path) -> bytes | None:
    """Return a regular file's content, at most a byte more than is allowed; None for links."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return None
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _shown(path: str) -> str:
    """Return a file name as text that can be written as UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_VERSION = re.compile(r"[!-~]{1,128}")


def _reader_for(path: PurePosixPath) -> _Reader | None:
    name, folder = path.name.lower(), path.parent.name.lower()
    if name in _READERS:
        return _READERS[name]
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return _pylock
    if name == "metadata" and folder.endswith(".dist-info"):
        return _metadata
    is_requirements = "requirements" in name or name.startswith("constraints")
    if name.endswith(".txt") and (is_requirements or folder in {"requirements", "constraints"}):
        return _requirements
    return None


# Requirements files

_COMMENT = re.compile(r"(?:^|\s)#.*")
_INCLUDE = re.compile(r"(?:-[rc]\s*|--(?:requirement|constraint)(?:\s*=\s*|\s+))(.+)")
_OPTIONS = re.compile(r"\s--?[A-Za-z].*")
_LOOSE_PIN = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,]+)")
"""A pin whose version PEP 508 doesn't take, such as `==1.0-custom`."""
_STARTS_LIKE_A_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:$|[\[(<>=!~;@])")
_ADDRESS = re.compile(r"[^\s;]*[/\\]|[^\s;]+\.(?:whl|zip|tar\.\w+|tgz)\b", re.IGNORECASE)
"""A path or URL to install from; it names no version that could be looked up."""


def _requirements(data: bytes) -> Iterator[_Item]:
    # Windows PowerShell writes UTF-16 when the output of `pip freeze` is redirected.
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    for number, line in _logical_lines(text):
        if include := _INCLUDE.fullmatch(line):
            yield _Include(include.group(1).strip("\"'"), number)
        elif not line.startswith("-"):
            yield from _requirement(_OPTIONS.sub("", line), number)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give each line with those that continue it, without comments, and its first line's number."""
    start = 1
    parts: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if not parts:
            start = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        parts.append(line)
        whole = _COMMENT.sub("", "".join(parts)).strip()
        if whole:
            yield start, whole
        parts = []


def _requirement(text: str, line: int | None) -> Iterator[_Item]:
    """Give what a PEP 508 requirement pins."""
    if len(text) > MAX_REQUIREMENT:
        yield _Problem("A line in it is too long for a requirement.", line)
        return
    if "==" not in text:
        if not _STARTS_LIKE_A_REQUIREMENT.match(text) and not _ADDRESS.match(text):
            yield _Problem("A line in it is no requirement.", line)
        return
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        loose = _LOOSE_PIN.match(text)
        if loose:
            yield _Pin(loose.group(1), loose.group(2), line)
        elif not _ADDRESS.match(text):
            yield _Problem("A line in it is no requirement.", line)
        return
    for specifier in requirement.specifier:
        if specifier.operator in ("==", "===") and not specifier.version.endswith(".*"):
            yield _Pin(requirement.name, specifier.version, line)


# TOML and JSON


MAX_DOTS = 1000
"""On one line of a TOML file: the parser takes quadratic time for a key of many parts."""


def _toml(data: bytes) -> dict[str, Any] | _Problem:
    if any(line.count(b".") > MAX_DOTS for line in data.splitlines()):
        return _Problem("It has a line that no tool writes.")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        return _Problem(f"It is no valid TOML ({type(error).__name__}).")


def _pyproject(data: bytes) -> Iterator[_Item]:
    document = _toml(data)
    if isinstance(document, _Problem):
        yield document
        return
    lines = _quoted(data)
    project = _table(document, "project")
    for static in (project, _table(_table(document, "tool"), "poetry")):
        name, version = static.get("name"), static.get("version")
        if isinstance(name, str) and isinstance(version, str) and not _is_placeholder(version):
            yield _Pin(name, version, lines.get(version), held=True)
    lists = [
        project.get("dependencies"),
        _table(document, "build-system").get("requires"),
        *_table(project, "optional-dependencies").values(),
        *_table(document, "dependency-groups").values(),
    ]
    for requirements in lists:
        for requirement in requirements if isinstance(requirements, list) else ():
            if isinstance(requirement, str):
                yield from _requirement(requirement, lines.get(requirement))


def _is_placeholder(version: str) -> bool:
    """Whether it is 0.0.0 or the like, which plug-ins replace when they build the package."""
    try:
        return not any(Version(version).release)
    except ValueError:
        return False


def _lock(table: str) -> _Reader:
    """Make a reader of a lock file whose packages are an array of tables of this name."""

    def reader(data: bytes) -> Iterator[_Item]:
        document = _toml(data)
        if isinstance(document, _Problem):
            yield document
            return
        packages = document.get(table, [])
        if not isinstance(packages, list):
            yield _Problem(f"Its [[{table}]] is no array of tables.")
            return
        header = f"[[{table}]]".encode()
        lines = [n for n, line in enumerate(data.splitlines(), 1) if line.strip() == header]
        for position, package in enumerate(packages):
            # The headers stand in the order of the array, unless some of them are in a string.
            line = lines[position] if len(lines) == len(packages) else None
            name, version = _field(package, "name"), _field(package, "version")
            if isinstance(name, str) and isinstance(version, str):
                yield _Pin(name, version, line)
            elif not isinstance(name, str):
                yield _Problem("A package in it has no name.", line)

    return reader


_pylock = _lock("packages")


def _pipfile_lock(data: bytes) -> Iterator[_Item]:
    try:
        document = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        yield _Problem(f"It is no valid JSON ({type(error).__name__}).")
        return
    lines = _quoted(data)
    for group in document:
        for name, entry in _table(document, group).items():
            version = _field(entry, "version")
            if isinstance(version, str) and version.startswith("=="):
                yield _Pin(name, version.lstrip("=").strip(), lines.get(name))


def _metadata(data: bytes) -> Iterator[_Item]:
    """Read the name and version of core metadata: the first of each before the empty line."""
    fields: dict[str, str] = {}
    line = None
    for number, text in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if not text.strip():
            break
        key, colon, value = text.partition(":")
        if colon and key.lower() in ("name", "version"):
            fields.setdefault(key.lower(), value.strip())
            line = line or number
    if len(fields) == 2:
        yield _Pin(fields["name"], fields["version"], line, held=True)


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _field(table: object, key: str) -> object:
    return table.get(key) if isinstance(table, dict) else None


def _quoted(data: bytes) -> dict[str, int]:
    """Give the line on which each quoted string first stands."""
    lines: dict[str, int] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for double, single in re.findall(r"\"([^\"]*)\"|'([^']*)'", line):
            lines.setdefault(double or single, number)
    return lines


_READERS: dict[str, _Reader] = {
    "pyproject.toml": _pyproject,
    "poetry.lock": _lock("package"),
    "pdm.lock": _lock("package"),
    "uv.lock": _lock("package"),
    "pipfile.lock": _pipfile_lock,
    "pkg-info": _metadata,
}
