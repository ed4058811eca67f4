"""What a source tree says its installation puts into an environment, where that is written down.

The wheel that pip builds of it is scanned by nobody, so the rules of `installed` are applied to
what the metadata declares: scripts, files that settings move (`moving`), and packages. What a
`setup.py` works out while it runs is code's matter, which the scanners read.
"""

import codecs
import configparser
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from package_gate.archive.commands import judge_setting, moves_of_builds, settings_of_commands
from package_gate.archive.declared_scripts import (
    files_of_scripts,
    scripts_of_file,
    scripts_of_project,
    scripts_of_setup,
)
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
    mark_of_landed,
)
from package_gate.archive.metadata import read_start
from package_gate.archive.moving import (
    LIBRARY,
    SCRIPTS,
    Moved,
    as_in_a_wheel,
    at,
    data_of_project,
    data_of_setup,
    found_in,
    modules_of_project,
    modules_of_setup,
    moves_of_project,
    moves_of_setup,
    roots_of_packages,
    table,
    texts,
)
from package_gate.archive.owners import (
    is_foreign_command,
    is_foreign_module,
    is_standard_module,
)
from package_gate.archive.placing import Placer, below
from package_gate.archive.startup import (
    PATH_FILES,
    check_startup,
    is_path_file,
    is_startup_module,
)
from package_gate.inventory.formats.setup_cfg import lines, read_setup_cfg

_PROJECT = "pyproject.toml"
_SETUP = "setup.cfg"
_NO_PACKAGES = frozenset(
    {"src", "ci", "bin", "doc", "docs", "test", "tests", "example", "examples", "scripts", "tools"}
    | {"util", "utils", "build", "benchmark", "benchmarks"}
)
"""Folders that setuptools doesn't take for packages when it looks by itself."""
_NO_MODULES = frozenset(
    {"benchmark", "benchmarks", "build", "conanfile", "conftest", "dodo", "example", "examples"}
    | {"exercise", "exercises", "fabfile", "manage", "noxfile", "pavement", "setup", "tasks"}
    | {"test", "tests", "toxfile", "versioneer", "ez_setup", "hatch_build", "pdm_build"}
)
"""Files beside a `pyproject.toml` that builds don't take for modules, or that are for the build."""
_NO_TEXT = 8192
"""Bytes: where so many first ones are no UTF-8, `site` executes none of a file's lines."""
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
    settings = list(settings_of_commands(project, sections))
    for setting in settings:
        if problem := judge_setting(setting):
            placer.add("build-file", prefix + setting.file, problem)
    roots = {"", "src/", *(f"{root}/" for root in roots_of_packages(project, sections))}
    any_folder = _takes_any_folder(placer, prefix, project, sections)
    modules = _packages(placer, prefix, roots, any_folder=any_folder)
    paths = sorted({*placer.files, *placer.copies})
    if not any(modules.values()):
        modules |= dict.fromkeys(_lone_modules(paths, prefix, project), True)
    source = _Source(placer, paths, prefix, Own(named, frozenset(modules)))
    # What an archive is called that is no sdist is its repository's name, not the distribution's.
    known = named if named != name or source.has(f"{prefix}PKG-INFO") else ""
    for module in sorted(modules):
        whole = is_foreign_module(module, known, whole=modules[module])
        if whole or is_foreign_module(module, named):
            placer.add("foreign-module", prefix + module, f"{module} is not of {named or 'it'}")
    for module in sorted(_standard_modules(source, project, sections, modules)):
        placer.add("standard-module", prefix + module, module)
    for root in sorted(roots):
        _check_start(source, root)
    for script in scripts_of_project(project):
        _check_script(source, _PROJECT, script)
    for script in scripts_of_setup(sections):
        _check_script(source, _SETUP, script)
    for named_file in files_of_scripts(project, sections):
        file = posixpath.normpath(prefix + named_file)
        if source.has(file):
            for script in scripts_of_file(read_start(placer, file)):
                _check_script(source, file.removeprefix(prefix), script)
    _check_data(source, _PROJECT, data_of_project(project))
    _check_data(source, _SETUP, data_of_setup(sections))
    _check_modules(source, _PROJECT, modules_of_project(project))
    _check_modules(source, _SETUP, modules_of_setup(sections))
    landed: list[tuple[str, str]] = []
    number = 0
    moves = [
        *((_PROJECT, move) for move in moves_of_project(project)),
        *((_SETUP, move) for move in moves_of_setup(sections)),
        *moves_of_builds(paths, prefix, settings),
    ]
    for file, move in moves:
        for moved in map(as_in_a_wheel, found_in(paths, prefix, move)):
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


def _lone_modules(paths: list[str], prefix: str, project: Mapping[str, Any]) -> set[str]:
    """Name the modules beside the settings that a build packs when it finds no package."""
    beside = (path[len(prefix) :] for path in below(paths, prefix))
    files = {path.removesuffix(".py") for path in beside if path.endswith(".py")}
    modules = {each for each in files if "/" not in each} - _NO_MODULES
    return modules if len(modules) == 1 or _backend(project).startswith("pdm") else set()


def _backend(project: Mapping[str, Any]) -> str:
    backend = table(project, "build-system").get("build-backend", "setuptools.build_meta")
    return backend if isinstance(backend, str) else ""


def _standard_modules(
    source: _Source,
    project: Mapping[str, Any],
    sections: configparser.RawConfigParser,
    modules: Mapping[str, bool],
) -> set[str]:
    """Name the modules that are called like Python's own and that the build looks for itself.

    Where packages are named, or `src` is one, others may lie beside them that nothing installs.
    """
    setup = f"{source.folder}setup.py"
    text = read_start(source.placer, setup, MAX_SETTINGS) if source.has(setup) else b""
    options = ("packages", "py_modules")
    named = {each for option in options for each in lines(sections, "options", option)}
    tool = at(project, "tool.setuptools")
    named |= {each for key in ("packages", "py-modules") for each in texts(tool.get(key))}
    if (
        any(not each.startswith("find") for each in named)
        or (text and b"find_" not in text and not named)
        or (text and source.has(f"{source.folder}src/__init__.py"))
        or not _backend(project).startswith(("setuptools", "pdm"))
    ):
        return set()
    return {each for each in modules if modules[each] and is_standard_module(each, source.own.name)}


def _check_start(source: _Source, root: str) -> None:
    """Judge what Python would run at each start, if a build put it from `root` where it looks."""
    folder = source.folder + root
    landed = [(path, path[len(folder) :]) for path in below(source.paths, folder)]
    starts = [
        (path, place)
        for path, place in landed
        if is_startup_module(place) or (is_path_file(place) and _is_text(source.placer, path))
    ]
    if any(is_path_file(place) for _, place in starts):
        starts += [each for each in landed if not is_path_file(each[1])]
    check_startup(source.placer, starts)
    check_added(source.placer, starts, source.own.name)


def _is_text(placer: Placer, path: str) -> bool:
    """Whether a file may be one of paths; that of a model's weights is called `.pth`, too."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(read_start(placer, path, _NO_TEXT))
    except UnicodeDecodeError:
        return False
    return True


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
        place = source.folder + file
        placer.add(rule, place, f"to {moved.place}", mark_of_landed(rule, plain))
    elif is_settings(plain) and source.has(moved.origin):
        content = read_start(placer, moved.origin, MAX_SETTINGS + 1)
        if problem := judge_settings(plain, content, own):
            placer.add("environment-file", moved.origin, problem)


def _is_like(origin: str, place: str) -> bool:
    """Whether a file is called Python, or a library, where it lies as well as where it lands."""
    return posixpath.splitext(origin)[1].lower() == posixpath.splitext(place)[1].lower()


def _check_data(source: _Source, file: str, patterns: Iterable[str]) -> None:
    """Judge patterns of what lies in a package, which may lead out of it."""
    for pattern in patterns:
        code = pattern.lower().endswith((*IMPORTED, *PATH_FILES, "*"))
        if code and ".." in pattern.split("/"):
            source.placer.add("build-file", source.folder + file, f"packs {pattern!r:.80}")


def _check_modules(source: _Source, file: str, names: Iterable[str]) -> None:
    for module in sorted({name.partition(".")[0] for name in names}):
        if is_startup_module(module):
            source.placer.add("startup-module", source.folder + file, module)
        check_module(source.placer, source.folder + file, module, source.own.name)
