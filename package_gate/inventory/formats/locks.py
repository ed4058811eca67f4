"""Lock files: which releases they hold, and who needs whom.

`uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml` (PEP 751) and `Pipfile.lock`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement

from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.names import Format
from package_gate.inventory.formats.requirements import parse_requirement
from package_gate.inventory.formats.structured import quoted_lines, read_json, read_toml, table_of

_LOCAL = ("editable", "virtual", "directory")
"""How `uv.lock` names the projects of the repository itself."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of a package as a lock names it, unchecked."""

    address: str
    """Where it is fetched, or its path; "" when the index is asked for it by name."""
    hashes: tuple[str, ...]
    """`sha256:…` and the like."""


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A package as a lock names it, unchecked."""

    name: str
    """"" when it has none."""
    version: str
    """"" when it has none, or none that is exact."""
    line: int | None
    """From 1; None when the format leaves no way to tell."""
    needs: tuple[str, ...] = ()
    """Names of the packages that it depends on."""
    elsewhere: str = ""
    """Where it comes from when that is no package index."""
    index: str = ""
    """The address of its index, when the lock names one."""
    local: str | None = None
    """The folder of a project of the repository itself."""
    files: tuple[LockedFile, ...] = ()


def read_lock(kind: Format, data: bytes) -> Iterator[LockEntry] | FormatProblem:
    """Read a lock.

    Args:
        kind: one of `names.LOCKS`.
        data: its content.
    """
    return _READERS[kind](data)


def _toml(table: str, read: Callable[[dict[str, Any], int | None], LockEntry]) -> "_Reader":
    """Make a reader of a lock whose packages are an array of tables of this name."""

    def reader(data: bytes) -> Iterator[LockEntry] | FormatProblem:
        document = read_toml(data)
        if isinstance(document, FormatProblem):
            return document
        packages = document.get(table, [])
        if not isinstance(packages, list) or not all(isinstance(each, dict) for each in packages):
            return FormatProblem(f"Its [[{table}]] is no array of tables.")
        header = f"[[{table}]]".encode()
        lines = [n for n, line in enumerate(data.splitlines(), 1) if line.strip() == header]
        # The headers stand in the order of the array, unless some of them are in a string.
        known = lines if len(lines) == len(packages) else [None] * len(packages)
        return (read(package, line) for package, line in zip(packages, known, strict=True))

    return reader


def _uv(package: dict[str, Any], line: int | None) -> LockEntry:
    source = table_of(package, "source")
    lists = [
        package.get("dependencies"),
        *table_of(package, "optional-dependencies").values(),
        *table_of(package, "dev-dependencies").values(),
    ]
    return LockEntry(
        _text(package, "name"),
        _text(package, "version"),
        line,
        needs=tuple(name for listed in lists for name in _names(listed)),
        elsewhere=_first(source, ("git", "url", "path")) or "",
        index=str(source.get("registry") or ""),
        local=_first(source, _LOCAL),
        files=_files(package.get("wheels"), [package.get("sdist")]),
    )


def _poetry(package: dict[str, Any], line: int | None) -> LockEntry:
    source = table_of(package, "source")
    is_index = source.get("type") in (None, "legacy")
    address = str(source.get("url") or "")
    return LockEntry(
        _text(package, "name"),
        _text(package, "version"),
        line,
        needs=tuple(table_of(package, "dependencies")),
        elsewhere="" if is_index else address or "somewhere else",
        index=address if is_index else "",
        files=_files(package.get("files")),
    )


def _pdm(package: dict[str, Any], line: int | None) -> LockEntry:
    return LockEntry(
        _text(package, "name"),
        _text(package, "version"),
        line,
        needs=tuple(_requirement_names(package.get("dependencies"))),
        elsewhere=_first(package, ("git", "hg", "svn", "url", "path")) or "",
        files=_files(package.get("files")),
    )


def _pylock(package: dict[str, Any], line: int | None) -> LockEntry:
    elsewhere = ""
    for key in ("vcs", "directory", "archive"):
        if table := table_of(package, key):
            elsewhere = str(table.get("url") or table.get("path") or key)
    return LockEntry(
        _text(package, "name"),
        _text(package, "version"),
        line,
        needs=tuple(_names(package.get("dependencies"))),
        elsewhere=elsewhere,
        index=str(package.get("index") or ""),
        files=_files(package.get("wheels"), [package.get("sdist")]),
    )


def _pipfile(data: bytes) -> Iterator[LockEntry] | FormatProblem:
    document = read_json(data)
    if isinstance(document, FormatProblem):
        return document
    sources = table_of(document, "_meta").get("sources")
    urls = {
        str(source.get("name")): str(source.get("url") or "")
        for source in (sources if isinstance(sources, list) else ())
        if isinstance(source, dict)
    }
    first = next(iter(urls.values()), "")  # where Pipenv looks for what names no source
    lines = quoted_lines(data)
    return (
        LockEntry(
            name,
            _exact(_text(entry, "version")),
            lines.get(name),
            elsewhere=_first(entry, ("git", "hg", "svn", "path", "file")) or "",
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


def _exact(version: str) -> str:
    return version.lstrip("=").strip() if version.startswith("==") else ""


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _first(table: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(table[key]) for key in keys if key in table), None)


def _names(listed: object) -> Iterator[str]:
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each["name"]


def _requirement_names(listed: object) -> Iterator[str]:
    for each in listed if isinstance(listed, list) else ():
        try:
            yield parse_requirement(each).name
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


_Reader = Callable[[bytes], Iterator[LockEntry] | FormatProblem]
_READERS: dict[Format, _Reader] = {
    Format.UV_LOCK: _toml("package", _uv),
    Format.POETRY_LOCK: _toml("package", _poetry),
    Format.PDM_LOCK: _toml("package", _pdm),
    Format.PYLOCK: _toml("packages", _pylock),
    Format.PIPFILE_LOCK: _pipfile,
}
