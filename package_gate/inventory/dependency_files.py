"""The files in which Python projects name packages with their versions, read without running any.

Read are: requirements and constraints files as pip has them
(https://pip.pypa.io/en/stable/reference/requirements-file-format/), the requirement lists of
`pyproject.toml` (PEP 621, PEP 735), `pylock.toml` (PEP 751), `poetry.lock`, `uv.lock`, `pdm.lock`,
`Pipfile.lock`, and the static name and version in `METADATA`, `PKG-INFO` and `pyproject.toml`.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from package_gate.inventory.formats.core_metadata import read_core_metadata
from package_gate.inventory.formats.items import FormatProblem

MAX_REQUIREMENT = 2000
"""Characters of one requirement, without its options; a bound on what the parsers are given."""
MAX_DOTS = 1000
"""On one line of a TOML file: the parser takes quadratic time for a key of many parts."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A name and a version as they are written, unchecked."""

    name: str
    version: str
    line: int | None
    """From 1; None when the format leaves no way to tell."""
    held: bool = False
    """Whether it is the project's own."""


@dataclass(frozen=True, slots=True)
class Include:
    """A requirements file that names another one."""

    path: str
    line: int


Item = Pin | Include | FormatProblem
Reader = Callable[[bytes], Iterable[Item]]
"""Takes a file's content; raises nothing, whatever is in it."""


def reader_for(path: PurePosixPath) -> Reader | None:
    """Return what reads a file of this name; None when it names no dependencies."""
    name, folder = path.name.lower(), path.parent.name.lower()
    if name in _READERS:
        return _READERS[name]
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return _pylock
    if name == "metadata" and folder.endswith(".dist-info"):
        return _metadata
    is_requirements = "requirements" in name or name.startswith("constraints")
    if name.endswith(".txt") and (is_requirements or folder in {"requirements", "constraints"}):
        return requirements
    return None


# Requirements files

_COMMENT = re.compile(r"(?:^|\s)#.*")
INCLUDE = re.compile(r"(?:-[rc]\s*|--(?:requirement|constraint)(?:\s*=\s*|\s+))(.+)")
OPTIONS = re.compile(r"\s--?[A-Za-z].*")
_LOOSE_PIN = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,]+)")
"""A pin whose version PEP 508 doesn't take, such as `==1.0-custom`."""
_STARTS_LIKE_A_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:$|[\[(<>=!~;@])")
ADDRESS = re.compile(r"[^\s;]*[/\\]|[^\s;]+\.(?:whl|zip|tar\.\w+|tgz)\b", re.IGNORECASE)
"""A path or URL to install from; it names no version that could be looked up."""


def requirements(data: bytes) -> Iterator[Item]:
    """Read a requirements or constraints file."""
    # Windows PowerShell writes UTF-16 when the output of `pip freeze` is redirected.
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    for number, _, line in logical_lines(text):
        if include := INCLUDE.fullmatch(line):
            yield Include(include.group(1).strip("\"'"), number)
        elif not line.startswith("-"):
            yield from _requirement(OPTIONS.sub("", line), number)


def logical_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Give each line of a requirements file with those that continue it, without comments.

    Returns:
        The numbers of its first and last line, from 1, and what stands there; never empty.
    """
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
            yield start, number, whole
        parts = []


def _requirement(text: str, line: int | None) -> Iterator[Item]:
    """Give what a PEP 508 requirement pins."""
    if len(text) > MAX_REQUIREMENT:
        yield FormatProblem("A line in it is too long for a requirement.", line)
        return
    if "==" not in text:
        if not _STARTS_LIKE_A_REQUIREMENT.match(text) and not ADDRESS.match(text):
            yield FormatProblem("A line in it is no requirement.", line)
        return
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError):  # brackets in a marker are parsed recursively
        loose = _LOOSE_PIN.match(text)
        if loose:
            yield Pin(loose.group(1), loose.group(2), line)
        elif not ADDRESS.match(text):
            yield FormatProblem("A line in it is no requirement.", line)
        return
    for specifier in requirement.specifier:
        if specifier.operator in ("==", "===") and not specifier.version.endswith(".*"):
            yield Pin(requirement.name, specifier.version, line)


# TOML and JSON


def read_toml(data: bytes) -> dict[str, Any] | FormatProblem:
    """Read a TOML document of hostile origin."""
    for number, line in enumerate(data.splitlines(), 1):
        if line.count(b".") > MAX_DOTS:
            return FormatProblem("It has a line that no tool writes.", number)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        text = f"It is no valid TOML ({type(error).__name__})."
        return FormatProblem(text, _toml_line(error, data))


def _toml_line(error: Exception, data: bytes) -> int | None:
    """Tell where a TOML document is broken, which `tomllib` says in words only."""
    if isinstance(error, UnicodeDecodeError):
        return data[: error.start].count(b"\n") + 1
    if found := re.search(r"\(at line (\d+), column \d+\)$", str(error)):
        return int(found[1])
    return data.count(b"\n") + 1 if str(error).endswith("(at end of document)") else None


def json_line(data: bytes) -> int | None:
    """Tell where a JSON document is broken; None when it isn't, or nobody can tell."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return None
    return None


def _pyproject(data: bytes) -> Iterator[Item]:
    document = read_toml(data)
    if isinstance(document, FormatProblem):
        yield FormatProblem(document.text)  # of the file as a whole
        return
    lines = quoted_lines(data)
    project = table_of(document, "project")
    for static in (project, table_of(table_of(document, "tool"), "poetry")):
        name, version = static.get("name"), static.get("version")
        if isinstance(name, str) and isinstance(version, str) and not _is_placeholder(version):
            yield Pin(name, version, lines.get(version), held=True)
    lists = [
        project.get("dependencies"),
        table_of(document, "build-system").get("requires"),
        *table_of(project, "optional-dependencies").values(),
        *table_of(document, "dependency-groups").values(),
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


def _lock(table: str) -> Reader:
    """Make a reader of a lock file whose packages are an array of tables of this name."""

    def reader(data: bytes) -> Iterator[Item]:
        document = read_toml(data)
        if isinstance(document, FormatProblem):
            yield FormatProblem(document.text)
            return
        packages = document.get(table, [])
        if not isinstance(packages, list):
            yield FormatProblem(f"Its [[{table}]] is no array of tables.")
            return
        header = f"[[{table}]]".encode()
        lines = [n for n, line in enumerate(data.splitlines(), 1) if line.strip() == header]
        for position, package in enumerate(packages):
            # The headers stand in the order of the array, unless some of them are in a string.
            line = lines[position] if len(lines) == len(packages) else None
            name, version = _field(package, "name"), _field(package, "version")
            if isinstance(name, str) and isinstance(version, str):
                yield Pin(name, version, line)
            elif not isinstance(name, str):
                yield FormatProblem("A package in it has no name.", line)

    return reader


_pylock = _lock("packages")


def _pipfile_lock(data: bytes) -> Iterator[Item]:
    try:
        document = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        yield FormatProblem(f"It is no valid JSON ({type(error).__name__}).")
        return
    lines = quoted_lines(data)
    for group in document:
        for name, entry in table_of(document, group).items():
            version = _field(entry, "version")
            if isinstance(version, str) and version.startswith("=="):
                yield Pin(name, version.lstrip("=").strip(), lines.get(name))


def _metadata(data: bytes) -> Iterator[Item]:
    """Give the distribution that core metadata is of."""
    core = read_core_metadata(data)
    if isinstance(core, FormatProblem):
        yield core
    elif core.name and core.version:
        yield Pin(core.name, core.version, core.line, held=True)


def table_of(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """Give the table under a key; an empty one when there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _field(table: object, key: str) -> object:
    return table.get(key) if isinstance(table, dict) else None


def quoted_lines(data: bytes) -> dict[str, int]:
    """Give the line on which each quoted string first stands."""
    lines: dict[str, int] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for double, single in re.findall(r"\"([^\"]*)\"|'([^']*)'", line):
            lines.setdefault(double or single, number)
    return lines


_READERS: dict[str, Reader] = {
    "pyproject.toml": _pyproject,
    "poetry.lock": _lock("package"),
    "pdm.lock": _lock("package"),
    "uv.lock": _lock("package"),
    "pipfile.lock": _pipfile_lock,
    "pkg-info": _metadata,
}
