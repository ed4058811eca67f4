"""Judges the files that decide what a build of a source tree runs (PEP 517, PEP 518).

Whoever follows them, installers and scanners alike, must follow them to the same code. So what is
spelled in a way that some readers resolve and others don't is a finding, and so is what is larger
than the scanners read.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from package_gate.archive.declared import check_declared
from package_gate.archive.metadata import read_start
from package_gate.archive.paths import on_disk
from package_gate.archive.placing import Placer
from package_gate.core.policy import MIB

MAX_BYTES = MIB
"""Bytes of a build file; scanners read no more of it."""
_NAMES = ("MANIFEST.in", "pyproject.toml", "setup.cfg", "setup.py")
_EXACT = {name.lower(): name for name in _NAMES}
_COMPILED = re.compile(r"(.*/)?\w+(\.[\w-]+)?\.(so|pyd)", re.IGNORECASE)
_BY_ADDRESS = re.compile(r"@|://")
"""In a requirement: it comes from elsewhere than the index, unseen by the gate."""
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
        check_declared(placer, folder, project, setup, name)


def _check_project(placer: Placer, path: str, folder: str, content: bytes) -> dict[str, Any]:
    """Judge a `pyproject.toml` and give what it says."""
    if len(content) > MAX_BYTES:
        return {}
    try:
        project = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        placer.add("build-file", path, "no TOML that Python reads")
        return {}
    _check_system(placer, path, folder, project.get("build-system", {}))
    return project


def _check_system(placer: Placer, path: str, folder: str, system: object) -> None:
    if not isinstance(system, Mapping):
        placer.add("build-file", path, "build-system is no table")
        return
    requires, backend = system.get("requires", []), system.get("build-backend", "setuptools")
    if not isinstance(requires, list) or any(not isinstance(each, str) for each in requires):
        placer.add("build-file", path, "requires is no list of requirements")
    for each in requires if isinstance(requires, list) else ():
        if isinstance(each, str) and _BY_ADDRESS.search(each):
            placer.add("build-file", path, f"requires {each!r:.80}, by an address of its own")
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
