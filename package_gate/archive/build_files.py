"""Judges the files that decide what a build of a source tree runs (PEP 517, PEP 518).

Whoever follows them, installers and scanners alike, must follow them to the same code. So what is
spelled in a way that some readers resolve and others don't is a finding, and so is what is larger
than the scanners read.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from package_gate.archive.declared import check_declared
from package_gate.archive.metadata import read_start
from package_gate.archive.paths import on_disk
from package_gate.archive.placing import Placer
from package_gate.core.limits import MIB
from package_gate.inventory.formats.setup_cfg import everywhere, read_setup_cfg

MAX_BYTES = MIB
"""Bytes of a build file; scanners read no more of it."""
_NAMES = ("MANIFEST.in", "hatch.toml", "pyproject.toml", "setup.cfg", "setup.py")
_EXACT = {name.lower(): name for name in _NAMES}
_COMPILED = re.compile(r"(.*/)?\w+(\.[\w-]+)?\.(so|pyd)", re.IGNORECASE)
_BY_ADDRESS = re.compile(r"@|://")
"""In a requirement: it comes from elsewhere than the index, unseen by the gate."""
_PROJECT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_ELSEWHERE = {"url", "git", "index"}
"""What uv's source of a requirement has that is not the index of the notebook; see `_is_inside`."""
_FETCHED = ("setup_requires", "setup_requires_dist")
"""The options of `setup.cfg` that name what a build needs: setuptools' and pbr's."""
_OTHER_INDEX = ("find_links", "index_url", "dependency_links")
_MOST_TABLES = 20_000
_BACKEND = re.compile(r"\w+(\.\w+)*(:\w+(\.\w+)*)?")


def check_build_files(placer: Placer, name: str) -> None:
    """Look at what a build could run: the files that steer it, and what it can import.

    A build takes the project at the top of the archive or in a folder there.

    Args:
        placer: has unpacked the archive.
        name: the distribution's normalised name, when the archive's file name has it, else "".
    """
    projects: dict[str, dict[str, bytes]] = {}
    for path in sorted({*placer.files, *placer.copies}):
        if _COMPILED.fullmatch(path) and read_start(placer, path, 1):
            placer.add("compiled-module", path)
        folder, _, file = path.rpartition("/")
        if "/" in folder or file.lower() not in _EXACT:
            continue
        if file != _EXACT[file.lower()]:
            placer.add("build-file", path, f"named unlike {_EXACT[file.lower()]}")
        content = read_start(placer, path, MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            placer.add("build-file", path, f"more than {MAX_BYTES} bytes")
        projects.setdefault(folder, {})[file] = content
    for folder, files in projects.items():
        project: dict[str, Any] = {}
        if "pyproject.toml" in files:
            path = f"{folder}/pyproject.toml" if folder else "pyproject.toml"
            project = _check_project(placer, path, folder, files["pyproject.toml"])
        setup = files.get("setup.cfg", b"").decode("utf-8", "replace")
        _check_setup(placer, f"{folder}/setup.cfg".lstrip("/"), setup)
        if "hatch.toml" in files:
            path = f"{folder}/hatch.toml".lstrip("/")
            hatch = _read(placer, path, files["hatch.toml"])
            _check_hooks(placer, path, hatch)
            project = _with_hatch(project, hatch)
        check_declared(placer, folder, project, setup, name)


def _check_project(placer: Placer, path: str, folder: str, content: bytes) -> dict[str, Any]:
    """Judge a `pyproject.toml` and give what it says."""
    project = _read(placer, path, content)
    system, tools = project.get("build-system", {}), project.get("tool")
    _check_system(placer, path, folder, system)
    if isinstance(system, Mapping) and isinstance(tools, Mapping):
        _check_sources(placer, path, folder, system.get("requires"), tools.get("uv"))
    _check_hooks(placer, path, tools.get("hatch") if isinstance(tools, Mapping) else {})
    return project


def _read(placer: Placer, path: str, content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        return {}
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        placer.add("build-file", path, "no TOML that Python reads")
        return {}


def _with_hatch(project: dict[str, Any], hatch: dict[str, Any]) -> dict[str, Any]:
    """Give a project as Hatch reads it: each table of `hatch.toml` takes the other's place."""
    tools = project.get("tool")
    tools = tools if isinstance(tools, dict) else {}
    own = tools.get("hatch")
    both = {**(own if isinstance(own, dict) else {}), **hatch}
    return {**project, "tool": {**tools, "hatch": both}}


def _check_hooks(placer: Placer, path: str, hatch: object) -> None:
    """Judge what Hatch's build hooks and targets require, which is fetched as the backend is."""
    waiting: list[tuple[str, object]] = [
        ("", hatch.get("build") if isinstance(hatch, Mapping) else {})
    ]
    for key, value in waiting:  # it grows meanwhile
        if isinstance(value, Mapping) and len(waiting) < _MOST_TABLES:
            waiting += value.items()
        elif isinstance(value, list) and key in ("dependencies", "requires"):
            _check_requirements(placer, path, value)


def _check_requirements(placer: Placer, path: str, requires: Iterable[object]) -> None:
    for each in requires:
        if isinstance(each, str) and _BY_ADDRESS.search(each):
            placer.add("build-file", path, f"requires {each!r:.80}, by an address of its own")


def _check_sources(
    placer: Placer, path: str, folder: str, requires: object, settings: object
) -> None:
    """Judge where uv would take what the build requires from (`tool.uv.sources`)."""
    sources = settings.get("sources") if isinstance(settings, Mapping) else None
    if not (isinstance(sources, Mapping) and isinstance(requires, list)):
        return
    found = [_PROJECT.match(each) for each in requires if isinstance(each, str)]
    needed = {canonicalize_name(each[1]) for each in found if each}
    for name, source in sources.items():
        given = source if isinstance(source, list) else [source]
        elsewhere = any(
            isinstance(each, Mapping)
            and (_ELSEWHERE & each.keys() or _is_inside(placer, folder, each.get("path")))
            for each in given
        )
        if elsewhere and canonicalize_name(name) in needed:
            placer.add("build-file", path, f"requires {name!r:.80}, by an address of its own")


def _is_inside(placer: Placer, folder: str, place: object) -> bool:
    """Whether the archive has a distribution or a project there, which nothing has looked at."""
    if not isinstance(place, str):
        return False
    plain = posixpath.normpath(f"{folder}/{place}").strip("/")
    return any(f"{path}/".startswith(f"{plain}/") for path in (*placer.files, *placer.copies))


def _check_setup(placer: Placer, path: str, setup: str) -> None:
    """Judge what `setup.cfg` has setuptools fetch for the build."""
    sections = read_setup_cfg(setup)
    fetched = [*everywhere(sections, *_FETCHED)]
    for value in fetched:
        _check_requirements(placer, path, re.split(r"[\n,]", value))
    for link in everywhere(sections, *_OTHER_INDEX) if fetched else ():
        if "://" in link:
            detail = f"fetches from an address of its own: {link.strip()!r:.80}"
            placer.add("build-file", path, detail)


def _check_system(placer: Placer, path: str, folder: str, system: object) -> None:
    if not isinstance(system, Mapping):
        placer.add("build-file", path, "build-system is no table")
        return
    requires, backend = system.get("requires", []), system.get("build-backend", "setuptools")
    if not isinstance(requires, list) or any(not isinstance(each, str) for each in requires):
        placer.add("build-file", path, "requires is no list of requirements")
    _check_requirements(placer, path, requires if isinstance(requires, list) else ())
    if not isinstance(backend, str) or not _BACKEND.fullmatch(backend):
        placer.add("build-file", path, f"build-backend is {backend!r:.80}")
    folders = system.get("backend-path", [])
    if not isinstance(folders, list):
        placer.add("build-file", path, "backend-path is no list")
        return
    for each in folders:
        if not _is_plain_folder(placer, folder, each):
            placer.add("build-file", path, f"backend-path {each!r:.80}")


def _is_plain_folder(placer: Placer, project: str, named: Any) -> bool:
    """Whether a `backend-path` is spelled in the one plain way, and is there."""
    if named == ".":
        return True
    if not isinstance(named, str) or on_disk(named) != named:
        return False
    if any(part in ("", ".", "..") for part in named.split("/")):
        return False
    prefix = f"{project}/{named}/" if project else f"{named}/"
    return any(path.startswith(prefix) for path in (*placer.files, *placer.copies))
