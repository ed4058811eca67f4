"""Lock files, taken as they are: which releases they hold, and who needs whom.

Read are `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml` (PEP 751) and `Pipfile.lock`. A package
that doesn't come from a package index that this scan knows is a problem: advisories speak of
releases in the public index.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from package_gate.dependency_scan.indexes import same_address
from package_gate.dependency_scan.models import ClosurePackage, LockedFile, Problem
from package_gate.dependency_scan.repository import Format
from package_gate.dependency_scan.requirements_text import parse, shown
from package_gate.inventory.bounds import NAME, VERSION
from package_gate.inventory.dependency_files import json_line, quoted_lines, read_toml, table_of
from package_gate.inventory.formats.items import FormatProblem as FileProblem
from package_gate.inventory.pins import MAX_PINS

_LOCAL = ("editable", "virtual", "directory")
"""How `uv.lock` names the projects of the repository itself."""


@dataclass
class LockContent:
    """What a lock says."""

    packages: list[ClosurePackage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Of everything in it, what comes from elsewhere and the repository's own projects included."""
    projects: list[str] = field(default_factory=list)
    """Folders of the projects that it locks, relative to the lock."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A package as a lock names it, unchecked."""

    name: object
    version: object
    line: int | None
    needs: tuple[str, ...] = ()
    elsewhere: str = ""
    """Where it comes from when that is no package index."""
    index: str = ""
    """The address of its index, when the lock names one."""
    local: str | None = None
    """The folder of a project of the repository itself."""
    files: tuple[LockedFile, ...] = ()


def read_lock(path: str, kind: Format, data: bytes, indexes: Collection[str]) -> LockContent:
    """Read a lock.

    Args:
        path: relative to the repository.
        kind: one of `repository.LOCKS`.
        data: its content.
        indexes: addresses of the package indexes that this scan knows, without credentials.
    """
    content = LockContent()
    entries = _READERS[kind](data)
    if isinstance(entries, FileProblem):
        content.problems.append(Problem(path, entries.line, entries.text))
        return content
    needed_by: dict[str, list[str]] = {}
    found: list[tuple[str, _Entry]] = []
    for entry in entries:
        if len(found) == MAX_PINS:
            content.problems.append(Problem(path, None, f"It has more than {MAX_PINS} packages."))
            break
        name = entry.name if isinstance(entry.name, str) else ""
        if not NAME.fullmatch(name):
            content.problems.append(Problem(path, entry.line, "A package in it has no valid name."))
            continue
        name = canonicalize_name(name)
        content.names.add(name)
        for needed in entry.needs:
            needed_by.setdefault(canonicalize_name(needed), []).append(name)
        if entry.local is not None:
            content.projects.append(entry.local)
        elif problem := _problem(name, entry, indexes):
            content.problems.append(Problem(path, entry.line, problem))
        elif isinstance(entry.version, str) and VERSION.fullmatch(entry.version):
            found.append((name, entry))
        else:
            content.problems.append(Problem(path, entry.line, f"{shown(name)} has no version."))
    content.packages = [
        ClosurePackage(
            name,
            str(entry.version),
            tuple(dict.fromkeys(needed_by.get(name, ()))),
            entry.line,
            files=entry.files,
            index=entry.index,
        )
        for name, entry in found
    ]
    return content


def _problem(name: str, entry: _Entry, indexes: Collection[str]) -> str:
    if entry.elsewhere:
        return (
            f"{shown(name)} comes from {shown(entry.elsewhere)}, which is neither fetched nor "
            "scanned: advisories are about releases of the package index."
        )
    if entry.index and same_address(entry.index) not in map(same_address, indexes):
        return (
            f"{shown(name)} comes from another package index ({shown(entry.index)}). Advisories "
            "about the name may mean another package; name that index in uv's configuration if "
            "they don't."
        )
    return ""


def _toml(table: str, entry: Callable[[dict[str, Any], int | None], _Entry]) -> "_Reader":
    """Make a reader of a lock whose packages are an array of tables of this name."""

    def reader(data: bytes) -> Iterator[_Entry] | FileProblem:
        document = read_toml(data)
        if isinstance(document, FileProblem):
            return document
        packages = document.get(table, [])
        if not isinstance(packages, list) or not all(isinstance(each, dict) for each in packages):
            return FileProblem(f"Its [[{table}]] is no array of tables.")
        header = f"[[{table}]]".encode()
        lines = [n for n, line in enumerate(data.splitlines(), 1) if line.strip() == header]
        # The headers stand in the order of the array, unless some of them are in a string.
        known = lines if len(lines) == len(packages) else [None] * len(packages)
        return (entry(package, line) for package, line in zip(packages, known, strict=True))

    return reader


def _uv(package: dict[str, Any], line: int | None) -> _Entry:
    source = table_of(package, "source")
    elsewhere = next((str(source[key]) for key in ("git", "url", "path") if key in source), "")
    local = next((str(source[key]) for key in _LOCAL if key in source), None)
    lists = [
        package.get("dependencies"),
        *table_of(package, "optional-dependencies").values(),
        *table_of(package, "dev-dependencies").values(),
    ]
    needs = tuple(name for listed in lists for name in _names(listed))
    index = str(source.get("registry") or "")
    return _Entry(
        package.get("name"),
        package.get("version"),
        line,
        needs,
        elsewhere,
        index,
        local,
        _files(package.get("wheels"), [package.get("sdist")]),
    )


def _poetry(package: dict[str, Any], line: int | None) -> _Entry:
    source = table_of(package, "source")
    is_index = source.get("type") in (None, "legacy")
    address = str(source.get("url") or "")
    return _Entry(
        package.get("name"),
        package.get("version"),
        line,
        tuple(table_of(package, "dependencies")),
        "" if is_index else address or "somewhere else",
        address if is_index else "",
        files=_files(package.get("files")),
    )


def _pdm(package: dict[str, Any], line: int | None) -> _Entry:
    keys = ("git", "hg", "svn", "url", "path")
    elsewhere = next((str(package[key]) for key in keys if key in package), "")
    needs = tuple(_requirement_names(package.get("dependencies")))
    files = _files(package.get("files"))
    return _Entry(package.get("name"), package.get("version"), line, needs, elsewhere, files=files)


def _pylock(package: dict[str, Any], line: int | None) -> _Entry:
    elsewhere = ""
    for key in ("vcs", "directory", "archive"):
        if table := table_of(package, key):
            elsewhere = str(table.get("url") or table.get("path") or key)
    needs = tuple(_names(package.get("dependencies")))
    index = str(package.get("index") or "")
    files = _files(package.get("wheels"), [package.get("sdist")])
    return _Entry(
        package.get("name"), package.get("version"), line, needs, elsewhere, index, files=files
    )


def _pipfile(data: bytes) -> Iterator[_Entry] | FileProblem:
    try:
        document = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return FileProblem(f"It is no valid JSON ({type(error).__name__}).", json_line(data))
    sources = table_of(document, "_meta").get("sources")
    urls = {
        str(source.get("name")): str(source.get("url") or "")
        for source in (sources if isinstance(sources, list) else ())
        if isinstance(source, dict)
    }
    first = next(iter(urls.values()), "")  # where Pipenv looks for what names no source
    lines = quoted_lines(data)
    keys = ("git", "hg", "svn", "path", "file")
    return (
        _Entry(
            name,
            _without_equals(entry.get("version")),
            lines.get(name),
            elsewhere=next((str(entry[key]) for key in keys if key in entry), ""),
            index=_pipfile_index(entry.get("index"), urls, first),
            files=(LockedFile("", _texts(entry.get("hashes"))),),
        )
        for group in document
        if group != "_meta"
        for name, entry in table_of(document, group).items()
        if isinstance(entry, dict)
    )


def _pipfile_index(name: object, urls: Mapping[str, str], first: str) -> str:
    return first if name is None else urls.get(str(name), str(name))


def _without_equals(version: object) -> object:
    return version.removeprefix("==") if isinstance(version, str) else version


def _names(listed: object) -> Iterator[str]:
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each["name"]


def _requirement_names(listed: object) -> Iterator[str]:
    for each in listed if isinstance(listed, list) else ():
        try:
            yield parse(each).name
        except (InvalidRequirement, TypeError, AttributeError):
            continue


def _files(*lists: object) -> tuple[LockedFile, ...]:
    """Read a package's files: uv and Poetry give one `hash`, PEP 751 a table of `hashes`."""
    entries = [each for listed in lists if isinstance(listed, list) for each in listed]
    return tuple(
        LockedFile(
            str(entry.get("url") or entry.get("path") or ""),
            (
                *_texts([entry.get("hash")]),
                *(f"{name}:{value}".lower() for name, value in table_of(entry, "hashes").items()),
            ),
        )
        for entry in entries
        if isinstance(entry, dict)
    )


def _texts(listed: object) -> tuple[str, ...]:
    entries = listed if isinstance(listed, list) else []
    return tuple(each.lower() for each in entries if isinstance(each, str))


_Reader = Callable[[bytes], Iterator[_Entry] | FileProblem]
_READERS: dict[Format, _Reader] = {
    Format.UV_LOCK: _toml("package", _uv),
    Format.POETRY_LOCK: _toml("package", _poetry),
    Format.PDM_LOCK: _toml("package", _pdm),
    Format.PYLOCK: _toml("packages", _pylock),
    Format.PIPFILE_LOCK: _pipfile,
}
