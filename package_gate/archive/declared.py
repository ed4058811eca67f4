"""What a source tree says its installation puts into an environment, where that is written down.

The wheel that pip builds of it is scanned by nobody, so the rules of `installed` are applied to
what the metadata declares: scripts, files that settings move (`moving`), and packages. What a
`setup.py` works out while it runs is code's matter, which the scanners read.
"""

import configparser
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from package_gate.archive.environment import (
    MAX_SETTINGS,
    Own,
    is_settings,
    judge_place,
    judge_settings,
)
from package_gate.archive.installed import (
    IMPORTED,
    check_added,
    check_library,
    check_module,
    check_script,
)
from package_gate.archive.metadata import read_start
from package_gate.archive.moving import (
    LIBRARY,
    SCRIPTS,
    Moved,
    at,
    found_in,
    lines,
    modules_of_project,
    modules_of_setup,
    moves_of_project,
    moves_of_setup,
    roots_of_packages,
    table,
)
from package_gate.archive.owners import is_foreign_command, is_foreign_module
from package_gate.archive.placing import Placer
from package_gate.archive.startup import PATH_FILES, check_startup
from package_gate.inventory.formats.setup_cfg import read_setup_cfg

_PROJECT = "pyproject.toml"
_SETUP = "setup.cfg"
_NO_PACKAGES = frozenset(
    {"src", "ci", "bin", "doc", "docs", "test", "tests", "example", "examples", "scripts", "tools"}
    | {"util", "utils", "build", "benchmark", "benchmarks"}
)
"""Folders that setuptools doesn't take for packages when it looks by itself."""
_ELSEWHERE = re.compile(
    r"install[_-](?!layout|egg|requires)|(?:root|prefix|home|exec[_-]prefix)$", re.IGNORECASE
)
"""Options of distutils' `install` commands that say where to, and take no part in a wheel."""
_MAX_MOVED = 20_000
"""Files that a project may put into the environment; jupyterlab has 1,000."""


class _Source(NamedTuple):
    """A project in the tree."""

    placer: Placer
    paths: list[str]
    """Of all files, sorted."""
    folder: str
    """Where it lies, with a final `/` unless it is the root."""
    own: Own

    def has(self, path: str) -> bool:
        """Whether there is such a file in the tree."""
        return path in self.placer.files or path in self.placer.copies


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
    written = table(project, "project").get("name") or at(project, "tool.poetry").get("name")
    named = name or canonicalize_name(written if isinstance(written, str) else "")
    sections = read_setup_cfg(setup)
    _check_commands(placer, prefix + _SETUP, sections)
    roots = {"", "src/", *(f"{root}/" for root in roots_of_packages(project, sections))}
    any_folder = _takes_any_folder(placer, prefix, project, sections)
    modules = _packages(placer, prefix, roots, any_folder=any_folder)
    paths = sorted({*placer.files, *placer.copies})
    source = _Source(placer, paths, prefix, Own(named, frozenset(modules)))
    # What an archive is called that is no sdist is its repository's name, not the distribution's.
    known = named if named != name or source.has(f"{prefix}PKG-INFO") else ""
    for module in sorted(modules):
        whole = is_foreign_module(module, known, whole=modules[module])
        if whole or is_foreign_module(module, named):
            placer.add("foreign-module", prefix + module, f"{module} is not of {named or 'it'}")
    for script in _scripts(project):
        _check_script(source, _PROJECT, script)
    for line in (*lines(sections, "options.entry_points", "console_scripts"),
                 *lines(sections, "options.entry_points", "gui_scripts")):  # fmt: skip
        _check_script(source, _SETUP, line.partition("=")[0].strip())
    _check_modules(source, _PROJECT, modules_of_project(project))
    _check_modules(source, _SETUP, modules_of_setup(sections))
    landed: list[tuple[str, str]] = []
    number = 0
    for file, moves in ((_PROJECT, moves_of_project(project)), (_SETUP, moves_of_setup(sections))):
        for moved in (moved for move in moves for moved in found_in(paths, prefix, move)):
            number += 1
            if number > _MAX_MOVED:
                placer.add("build-file", prefix + file, f"it moves more than {_MAX_MOVED} files")
                return
            _check_moved(source, file, moved)
            if moved.scheme == LIBRARY and source.has(moved.origin):
                landed.append((moved.origin, posixpath.normpath(moved.place)))
    check_startup(placer, landed)
    check_added(placer, landed, named)


def _packages(
    placer: Placer, prefix: str, roots: Iterable[str], *, any_folder: bool
) -> dict[str, bool]:
    """Name the packages in the folders that they are looked for in, and the modules of `src`.

    With each stands whether it is whole: no part of a namespace, which has no `__init__.py`.

    Args:
        placer: has unpacked the archive.
        prefix: the project's folder, with a final `/` unless it is the root.
        roots: those folders, each with a final `/`; "" for the project's own.
        any_folder: in the project's own folder, those without `__init__.py` are packages as well,
            as they are elsewhere; a build that looks by itself takes one where nothing else is.
    """
    found: dict[str, bool] = {}
    alone: set[str] = set()
    for path in (*placer.files, *placer.copies):
        for root in roots:
            if not path.endswith(".py") or not path.startswith(prefix + root):
                continue
            first, *below = path[len(prefix + root) :].split("/")
            if below == ["__init__.py"]:
                found[first] = True
            elif root and not below:
                found[first.removesuffix(".py")] = True
            elif below and (root or any_folder):
                found.setdefault(first, False)
            elif below and first not in _NO_PACKAGES:
                alone.add(first)
    return found or dict.fromkeys(alone if len(alone) == 1 else (), False)


def _check_commands(placer: Placer, path: str, sections: configparser.RawConfigParser) -> None:
    """Judge options of commands that are found elsewhere, or that install to elsewhere."""
    for section in sections.sections():
        for option in sections.options(section):
            moves = section.partition("_")[0] == "install" and _ELSEWHERE.match(option)
            if moves or option == "command_packages":
                placer.add("build-file", path, f"[{section}] has {option}")


def _takes_any_folder(
    source: Placer, prefix: str, project: Mapping[str, Any], sections: configparser.RawConfigParser
) -> bool:
    """Whether folders of the project are packages for its build that have no `__init__.py`."""
    setup = f"{prefix}setup.py"
    read = read_start(source, setup, MAX_SETTINGS) if setup in source.files else b""
    found = at(project, "tool.setuptools.packages").get("find")
    return (
        b"find_namespace" in read
        or "find_namespace:" in lines(sections, "options", "packages")
        or (isinstance(found, Mapping) and found.get("namespaces") is not False)
    )


def _check_script(source: _Source, file: str, script: str) -> None:
    if is_foreign_command(script, source.own.name):
        source.placer.add("entry-point-shadow", source.folder + file, script)


def _check_moved(source: _Source, file: str, moved: Moved) -> None:
    """Judge a file of the tree that lands in the environment, as one of a wheel is judged."""
    placer, own = source.placer, source.own
    plain = posixpath.normpath(moved.place)
    if (
        plain.lower().endswith((*IMPORTED, *PATH_FILES))
        and source.has(moved.origin)
        and not _is_like(moved.origin, plain)
    ):
        placer.add("build-file", source.folder + file, f"makes {plain} of {moved.origin}")
    if plain.startswith(("/", "..")):
        placer.add("environment-file", source.folder + file, f"to {moved.place}")
    elif moved.scheme == SCRIPTS or plain.startswith("bin/"):
        check_script(placer, source.folder + file, plain.removeprefix("bin/"), own.name)
    elif moved.scheme == LIBRARY:
        check_library(placer, source.folder + file, plain, own.name)
    elif rule := judge_place(plain, own):
        placer.add(rule, source.folder + file, f"to {moved.place}")
    elif is_settings(plain) and source.has(moved.origin):
        content = read_start(placer, moved.origin, MAX_SETTINGS + 1)
        if problem := judge_settings(plain, content, own):
            placer.add("environment-file", moved.origin, problem)


def _is_like(origin: str, place: str) -> bool:
    """Whether a file is called Python, or a library, where it lies as well as where it lands."""
    return posixpath.splitext(origin)[1].lower() == posixpath.splitext(place)[1].lower()


def _check_modules(source: _Source, file: str, names: Iterable[str]) -> None:
    for module in sorted({name.partition(".")[0] for name in names}):
        check_module(source.placer, source.folder + file, module, source.own.name)


def _scripts(project: Mapping[str, Any]) -> Iterator[str]:
    declared = table(project, "project")
    yield from table(declared, "scripts")
    yield from table(declared, "gui-scripts")
    yield from at(declared, "entry-points.console_scripts")
    yield from at(declared, "entry-points.gui_scripts")
    yield from at(project, "tool.poetry.scripts")
