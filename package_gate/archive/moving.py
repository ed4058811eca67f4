"""Which files of a source tree the settings of its build move, and to where: one list a build tool.

Names and meanings are those of the tools' own pages: Hatch (`force-include`, `shared-data`,
`shared-scripts`, `sources`), PDM (`wheel-data`), setuptools (`data-files`, `script-files`,
`package-dir`), Flit (`external-data`), Poetry (`packages`, `include`), maturin (`data`, `include`),
scikit-build-core (`wheel.packages`, `wheel.install-dir`) and uv (`data`).
"""

import configparser
import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from package_gate.archive.placing import below
from package_gate.inventory.formats.setup_cfg import lines

LIBRARY, SCRIPTS, DATA = "lib", "scripts", "data"
"""Where in an environment: among the modules, among the programs, or anywhere."""
_SCHEMES = {
    **dict.fromkeys(("purelib", "platlib", "lib"), LIBRARY),
    "scripts": SCRIPTS,
    "data": DATA,
}
"""What a wheel's `.data` folder, PDM and uv call it; headers have a folder of their own."""
_OF_A_WHEEL = re.compile(r"[^/]+\.data/(\w+)/(.+)")
_PATTERN = re.compile(r"[*?\[]")
_HATCH = ("tool.hatch.build", "tool.hatch.build.targets.wheel", "tool.hatch.build.targets.editable")
_INCLUDE = (
    *(f"{keys}.{option}" for keys in _HATCH for option in ("artifacts", "include", "only-include")),
    "tool.pdm.build.includes",
)


class Move(NamedTuple):
    """What a setting says."""

    origin: str
    """A file or a folder of the project, or a pattern of such."""
    scheme: str
    place: str
    """Where it lands; with a final `/`, or empty, the folder that it lands in."""
    base: str | None = None
    """Files of a pattern land as they lie below this folder; None: by their names alone."""


class Moved(NamedTuple):
    """A file that lands in the environment."""

    origin: str
    """In the tree, from its root."""
    scheme: str
    place: str


def moves_of_project(project: Mapping[str, Any]) -> Iterator[Move]:
    """Give what `pyproject.toml`, with `hatch.toml` in it, moves."""
    for move in (*_hatch(project), *_included_as_they_lie(project), *_others(project)):
        match = _OF_A_WHEEL.fullmatch(posixpath.normpath(move.place))
        if move.scheme == LIBRARY and match:
            if match[1] in _SCHEMES:
                yield Move(move.origin, _SCHEMES[match[1]], match[2])
        else:
            yield move


def moves_of_setup(sections: configparser.RawConfigParser) -> Iterator[Move]:
    """Give what `setup.cfg` moves, for setuptools and for pbr."""
    for section in ("options.data_files", "files.data_files"):
        for target in sections.options(section) if sections.has_section(section) else ():
            for origin in lines(sections, section, target):
                yield Move(origin, DATA, f"{target}/")
    target = ""
    for line in lines(sections, "files", "data_files"):  # pbr: a line for a folder, or a file
        before, sign, after = line.partition("=")
        target = before.strip() if sign else target
        for origin in (after if sign else line).split():
            yield Move(origin, DATA, f"{target}/")
    for section in ("options", "files"):
        for origin in lines(sections, section, "scripts"):
            yield Move(origin, SCRIPTS, "")


def modules_of_project(project: Mapping[str, Any]) -> Iterator[str]:
    """Name the modules and packages that `pyproject.toml` says there will be."""
    for keys in (
        "tool.setuptools.py-modules",
        "tool.setuptools.packages",
        "tool.uv.build-backend.module-name",
    ):
        yield from texts(_value(project, keys))
    yield from filter(None, at(project, "tool.setuptools.package-dir"))
    for keys in ("tool.flit.module.name", "tool.flit.metadata.module", "tool.maturin.module-name"):
        yield from texts(_value(project, keys))


def modules_of_setup(sections: configparser.RawConfigParser) -> Iterator[str]:
    """Name the modules and packages that `setup.cfg` says there will be."""
    for section, option in (
        *(("options", "py_modules"), ("options", "packages")),
        *(("files", "packages"), ("files", "modules")),
    ):
        yield from (each for each in lines(sections, section, option) if ":" not in each)
    for line in lines(sections, "options", "package_dir"):
        yield line.partition("=")[0].strip()


def roots_of_packages(
    project: Mapping[str, Any], sections: configparser.RawConfigParser
) -> set[str]:
    """Name the folders, besides the project's own and `src`, that packages are looked for in."""
    found = {*texts(_value(project, "tool.setuptools.packages.find.where"))}
    found |= {*texts(at(project, "tool.setuptools.package-dir").get(""))}
    found |= {*texts(_value(project, "tool.pdm.build.package-dir"))}
    found |= {each for keys in _HATCH for each in texts(at(project, keys).get("sources"))}
    found |= {*texts(_value(project, "tool.maturin.python-source"))}
    found |= {*texts(_value(project, "tool.uv.build-backend.module-root"))}
    found |= {*lines(sections, "options.packages.find", "where")}
    for line in lines(sections, "options", "package_dir"):
        package, _, folder = line.partition("=")
        if not package.strip():
            found.add(folder.strip())
    return {posixpath.normpath(folder) for folder in found} - {".", "src"}


def data_of_project(project: Mapping[str, Any]) -> Iterator[str]:
    """Give the patterns for setuptools of files that lie in packages, in `pyproject.toml`."""
    for values in at(project, "tool.setuptools.package-data").values():
        yield from texts(values)


def data_of_setup(sections: configparser.RawConfigParser) -> Iterator[str]:
    """Give those of `setup.cfg`."""
    section = "options.package_data"
    for package in sections.options(section) if sections.has_section(section) else ():
        yield from lines(sections, section, package)


def found_in(paths: list[str], folder: str, move: Move) -> Iterator[Moved]:
    """Give the files that a setting moves; one name when the build makes them.

    Args:
        paths: of all files in the tree, sorted.
        folder: of the project, with a final `/` unless it is the root.
        move: what its setting says.
    """
    start = posixpath.normpath(folder + move.origin)
    if _PATTERN.search(move.origin):
        pattern = start.replace("**/", "*")
        for path in below(paths, _PATTERN.split(start, maxsplit=1)[0]):
            if fnmatchcase(path, pattern):
                base = posixpath.normpath(folder + (move.base or "")) + "/"
                near = path.removeprefix(base) if base != "./" else path
                place = posixpath.basename(path) if move.base is None else near
                yield Moved(path, move.scheme, posixpath.join(move.place, place))
        return
    number = bisect_left(paths, start)
    if number < len(paths) and paths[number] == start:
        into_folder = move.place.endswith("/") or not move.place
        name = posixpath.basename(start) if into_folder else ""
        yield Moved(start, move.scheme, move.place + name)
        return
    inside = list(below(paths, f"{start}/" if start != "." else ""))
    if inside and move.scheme == LIBRARY and posixpath.normpath(move.place) != ".":
        del inside[1:]  # all of it becomes one module
    for path in inside:
        near = path[len(start) + 1 :] if start != "." else path
        yield Moved(path, move.scheme, posixpath.join(move.place, near))
    if not inside:  # the build makes it
        by_its_name = move.place.endswith("/") or not move.place
        name = posixpath.basename(start) if by_its_name else "made"
        yield Moved(start, move.scheme, posixpath.join(move.place, name))
        if move.scheme == LIBRARY:
            yield Moved(start, move.scheme, move.place)


def as_in_a_wheel(moved: Moved) -> Moved:
    """Give a file's place in the environment, when it lands in a wheel's `.data` folder."""
    match = _OF_A_WHEEL.fullmatch(posixpath.normpath(moved.place))
    if moved.scheme == LIBRARY and match and match[1] in _SCHEMES:
        return Moved(moved.origin, _SCHEMES[match[1]], match[2])
    return moved


def _hatch(project: Mapping[str, Any]) -> Iterator[Move]:
    for keys in _HATCH:
        build = at(project, keys)
        for option, scheme in (
            *(("force-include", LIBRARY), ("force-include-editable", LIBRARY)),
            *(("sources", LIBRARY), ("shared-data", DATA)),
        ):
            for origin, place in table(build, option).items():
                yield Move(origin, scheme, str(place))
        for origin, place in table(build, "shared-scripts").items():
            yield Move(origin, SCRIPTS, posixpath.basename(str(place)))
        for origin in texts(build.get("packages")):
            yield Move(origin, LIBRARY, posixpath.basename(posixpath.normpath(origin)))


def _included_as_they_lie(project: Mapping[str, Any]) -> Iterator[Move]:
    """Give the patterns of Hatch and PDM for what a wheel has where the tree has it."""
    for keys in _INCLUDE:
        for pattern in texts(_value(project, keys)):
            plain = pattern.strip().removeprefix("/").removesuffix("/")
            if plain and plain != "." and not plain.startswith("!"):
                yield Move(plain, LIBRARY, "" if _PATTERN.search(plain) else plain, "")


def _others(project: Mapping[str, Any]) -> Iterator[Move]:
    for scheme, origins in at(project, "tool.pdm.build.wheel-data").items():
        for each in origins if isinstance(origins, list) else [origins]:
            origin = each.get("path") if isinstance(each, Mapping) else each
            if isinstance(origin, str) and scheme in _SCHEMES:
                base = each.get("relative-to") if isinstance(each, Mapping) else None
                yield Move(origin, _SCHEMES[scheme], "", base if isinstance(base, str) else None)
    for place, origins in at(project, "tool.setuptools.data-files").items():
        yield from (Move(origin, DATA, f"{place}/") for origin in texts(origins))
    for origin in texts(_value(project, "tool.setuptools.script-files")):
        yield Move(origin, SCRIPTS, "")
    for origin in texts(_value(project, "tool.flit.external-data.directory")):
        yield Move(origin, DATA, "")
    for keys in ("tool.poetry.packages", "tool.poetry.include", "tool.maturin.include"):
        listed = _value(project, keys)
        for each in listed if isinstance(listed, list) else ():
            yield from _included(each)
    for origin in texts(_value(project, "tool.maturin.data")):
        yield from (Move(f"{origin}/{name}", scheme, "") for name, scheme in _SCHEMES.items())
    for scheme, origin in at(project, "tool.uv.build-backend.data").items():
        if scheme in _SCHEMES and isinstance(origin, str):
            yield Move(origin, _SCHEMES[scheme], "")
    yield from _scikit_build(at(project, "tool.scikit-build.wheel"))


def _included(each: object) -> Iterator[Move]:
    """Give what an item of a list of Poetry's, or of maturin's, moves into a wheel."""
    if isinstance(each, str):
        each = {"include": each}
    if not isinstance(each, Mapping) or "wheel" not in texts(each.get("format", "wheel")):
        return
    origin, base, into = (each.get(key) for key in ("include", "from", "to"))
    origin = origin if isinstance(origin, str) else each.get("path")
    base, into = (text if isinstance(text, str) else "" for text in (base, into))
    if isinstance(origin, str):
        place = into if _PATTERN.search(origin) else posixpath.join(into, origin)
        yield Move(posixpath.join(base, origin), LIBRARY, place, base)


def _scikit_build(wheel: Mapping[str, Any]) -> Iterator[Move]:
    packages = wheel.get("packages")
    if isinstance(packages, Mapping):
        yield from (Move(str(origin), LIBRARY, place) for place, origin in packages.items())
    for origin in texts(packages):
        yield Move(origin, LIBRARY, posixpath.basename(posixpath.normpath(origin)))
    installed = wheel.get("install-dir")
    if isinstance(installed, str):
        top, _, rest = installed.lstrip("/").partition("/")
        known = installed.startswith("/") and top in _SCHEMES
        scheme, place = (_SCHEMES[top], rest) if known else (LIBRARY, installed)
        yield Move("/made", scheme, posixpath.join(place, "made"))


def texts(value: object) -> list[str]:
    """Give a text, or the texts of a list; none for anything else."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _value(value: Mapping[str, Any], keys: str) -> object:
    tables, _, last = keys.rpartition(".")
    return at(value, tables).get(last)


def table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give a table in a table; an empty one for anything else."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def at(value: Mapping[str, Any], keys: str) -> Mapping[str, Any]:
    """Give the table at dotted keys; an empty one for anything else."""
    for key in keys.split("."):
        value = table(value, key)
    return value
