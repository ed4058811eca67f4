"""What a source tree says its installation puts into an environment, where that is written down.

The wheel that pip builds of it is scanned by nobody, so the rules of `installed` are applied to
what the metadata declares: scripts, files of the environment, and the packages of the tree. What a
`setup.py` works out while it runs is code's matter, which the scanners read.
"""

import configparser
import posixpath
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from package_gate.archive.environment import (
    MAX_SETTINGS,
    Own,
    is_settings,
    judge_place,
    judge_settings,
)
from package_gate.archive.metadata import read_start
from package_gate.archive.owners import is_foreign_command, is_foreign_module
from package_gate.archive.placing import Placer, below

_PROJECT = "pyproject.toml"
_SETUP = "setup.cfg"


_MAX_MOVED = 20_000
"""Files that a project may put into the environment; jupyterlab has 1,000."""


class _Moved(NamedTuple):
    """A file of the tree that lands in the environment."""

    file: str
    """The build file that says so."""
    origin: str
    """In the tree."""
    place: str
    """In the environment."""


class _Source(NamedTuple):
    """A project in the tree."""

    placer: Placer
    paths: list[str]
    """Of all files, sorted."""
    folder: str
    """Where it lies, with a final `/` unless it is the root."""
    own: Own


def check_declared(
    placer: Placer, folder: str, project: Mapping[str, Any], setup: str, name: str
) -> None:
    """Judge what the project in `folder` declares.

    Args:
        placer: has unpacked the archive.
        folder: the project's folder, "" for the root.
        project: what `pyproject.toml` says.
        setup: the text of `setup.cfg`.
        name: the distribution's normalised name, when the archive's file name has it.
    """
    prefix = f"{folder}/" if folder else ""
    written = _table(project, "project").get("name") or _at(project, "tool.poetry").get("name")
    named = name or canonicalize_name(written if isinstance(written, str) else "")
    modules = frozenset(_packages(placer, prefix))
    paths = sorted({*placer.files, *placer.copies})
    source = _Source(placer, paths, prefix, Own(named, modules))
    for module in sorted(modules):
        if is_foreign_module(module, named):
            placer.add("foreign-module", prefix + module, f"{module} is not of {named or 'it'}")
    sections = _sections(setup)
    for script in _scripts(project):
        _check_script(source, _PROJECT, script)
    for line in (*_lines(sections, "options.entry_points", "console_scripts"),
                 *_lines(sections, "options.entry_points", "gui_scripts")):  # fmt: skip
        _check_script(source, _SETUP, line.partition("=")[0].strip())
    moved = (*_moved(source, project), *_data_files(source, sections))
    if len(moved) > _MAX_MOVED:
        placer.add("build-file", f"{prefix}{_PROJECT}", f"it moves more than {_MAX_MOVED} files")
    for file, origin, place in moved[:_MAX_MOVED]:
        _check_place(source, file, origin, place)


def _packages(placer: Placer, prefix: str) -> Iterator[str]:
    """Name the packages at the project's top and in its `src`, and the modules in its `src`."""
    for path in (*placer.files, *placer.copies):
        if not path.startswith(prefix):
            continue
        parts = path[len(prefix) :].split("/")
        inside = parts[0] == "src" and len(parts) > 1
        parts = parts[1:] if inside else parts
        if len(parts) == 2 and parts[1] == "__init__.py":
            yield parts[0]
        elif inside and len(parts) == 1 and parts[0].endswith(".py"):
            yield parts[0].removesuffix(".py")


def _check_script(source: _Source, file: str, script: str) -> None:
    if is_foreign_command(script, source.own.name):
        source.placer.add("entry-point-shadow", source.folder + file, script)


def _check_place(source: _Source, file: str, origin: str, place: str) -> None:
    """Judge a file of the tree, `origin`, that lands at `place` in the environment."""
    plain = posixpath.normpath(place)
    if plain.startswith(("/", "..")):
        source.placer.add("environment-file", source.folder + file, f"to {place}")
    elif plain.startswith("bin/"):
        _check_script(source, file, plain.removeprefix("bin/"))
    elif rule := judge_place(plain, source.own):
        source.placer.add(rule, source.folder + file, f"to {place}")
    elif is_settings(plain) and (origin in source.placer.files or origin in source.placer.copies):
        content = read_start(source.placer, origin, MAX_SETTINGS + 1)
        if problem := judge_settings(plain, content, source.own):
            source.placer.add("environment-file", origin, problem)


def _scripts(project: Mapping[str, Any]) -> Iterator[str]:
    declared = _table(project, "project")
    hatch = _at(project, "tool.hatch.build.targets.wheel.shared-scripts")
    yield from (str(script).rpartition("/")[2] for script in hatch.values())
    yield from _table(declared, "scripts")
    yield from _table(declared, "gui-scripts")
    yield from _at(declared, "entry-points.console_scripts")
    yield from _at(declared, "entry-points.gui_scripts")
    yield from _at(project, "tool.poetry.scripts")


def _moved(source: _Source, project: Mapping[str, Any]) -> Iterator[_Moved]:
    """Give files of the tree that `pyproject.toml` puts into the environment."""
    pairs: list[tuple[str, str]] = []
    for origin, place in _at(project, "tool.hatch.build.targets.wheel.shared-data").items():
        pairs.append((origin, str(place)))
    for place, origins in _at(project, "tool.setuptools.data-files").items():
        for origin in map(str, origins if isinstance(origins, list) else ()):
            pairs.append((origin, f"{place}/{posixpath.basename(origin)}"))
    flit = _at(project, "tool.flit.external-data").get("directory")
    if isinstance(flit, str):
        pairs.append((flit, ""))
    each = (moved for origin, place in pairs for moved in _each(source, origin, place))
    yield from islice(each, _MAX_MOVED + 1)


def _data_files(source: _Source, sections: configparser.RawConfigParser) -> Iterator[_Moved]:
    """Give files of the tree that `setup.cfg` puts into the environment."""
    section = "options.data_files"
    for target in sections.options(section) if sections.has_section(section) else ():
        for origin in _lines(sections, section, target):
            place = f"{target}/{posixpath.basename(origin)}"
            yield _Moved(_SETUP, source.folder + origin, place)


def _each(source: _Source, origin: str, place: str) -> Iterator[_Moved]:
    """Give the file `origin`, or each file in that folder; one name when the build makes them."""
    start = posixpath.normpath(source.folder + origin)
    inside = list(below(source.paths, f"{start}/"))
    for path in inside:
        yield _Moved(_PROJECT, path, posixpath.join(place, path[len(start) + 1 :]))
    if not inside:
        is_file = start in source.placer.files or start in source.placer.copies
        yield _Moved(_PROJECT, start, place if is_file else posixpath.join(place, "made"))


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _at(value: Mapping[str, Any], keys: str) -> Mapping[str, Any]:
    for key in keys.split("."):
        value = _table(value, key)
    return value


def _sections(setup: str) -> configparser.RawConfigParser:
    """Read `setup.cfg`; one that can't be read, which setuptools refuses, declares nothing."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation has it
    try:
        parser.read_string(setup)
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def _lines(sections: configparser.RawConfigParser, section: str, option: str) -> list[str]:
    value = sections.get(section, option, fallback="") or ""
    return [part.strip() for line in value.splitlines() for part in line.split(",") if part.strip()]
