"""What installing a wheel would put into an environment, and whose place it takes (PEP 427).

The root of a wheel and the folders `purelib` and `platlib` of its `.data` become site-packages,
`scripts` and the entry points become programs, `data` is spread over the whole environment.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from package_gate.archive.entry_points import check_entry_points
from package_gate.archive.environment import (
    MAX_SETTINGS,
    Own,
    is_settings,
    judge_place,
    judge_settings,
)
from package_gate.archive.metadata import read_start
from package_gate.archive.owners import (
    is_foreign_command,
    is_foreign_entry,
    is_foreign_module,
    is_foreign_part,
    is_foreign_path_file,
    is_standard_module,
)
from package_gate.archive.paths import fold
from package_gate.archive.placing import Placer, mark_of_place
from package_gate.archive.startup import PATH_FILES, added_folders, check_startup
from package_gate.inventory.formats.entry_points import read_entry_points

_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
IMPORTED = (".py", ".pyc", ".pyd", ".so")
"""Suffixes of files that are modules."""
_METADATA = (".dist-info", ".egg-info", ".egg-link", ".egg")
"""Suffixes of what a distribution is listed by where it is installed."""
_WRITTEN_BY_INSTALLERS = ("direct_url.json",)
"""Where a package came from (PEP 610); `pip freeze` repeats it."""


class _Landed(NamedTuple):
    """A file of the wheel and where it lands."""

    path: str
    """In the wheel."""
    scheme: str
    place: str
    """Below the folder of its scheme."""


def check_installed(placer: Placer, info: str, data: Iterable[str], name: str) -> None:
    """Look at where the files of an unpacked wheel land.

    Args:
        placer: has unpacked it.
        info: its `.dist-info` folder.
        data: its `.data` folders.
        name: the distribution's normalised name.
    """
    landed = list(_land(placer, frozenset(data)))
    modules = frozenset(
        module for file in landed if file.scheme == "lib" and (module := _module(file.place))
    )
    whole = _whole_modules([file.place for file in landed if file.scheme == "lib"])
    own = Own(name, modules)
    places: dict[str, str] = {}
    for file in landed:
        folder = {"scripts": "bin/", "data": ""}.get(file.scheme, f"{file.scheme}/")
        _take(placer, places, folder + file.place, file.path)
        if file.scheme == "lib":
            _check_metadata(placer, file, info, name)
            _check_part(placer, file.path, file.place, name)
        elif file.scheme == "scripts" or file.place.startswith("bin/"):
            check_script(placer, file.path, file.place.removeprefix("bin/"), name)
        elif file.scheme == "data":
            _check_data(placer, file, own)
    for module in sorted(modules):
        check_module(placer, module, module, name, whole=module in whole)
    entry_points = f"{info}/entry_points.txt"
    for script in check_entry_points(placer, entry_points):
        _take(placer, places, f"bin/{script}", entry_points)
        check_script(placer, entry_points, script, name)
    if entry_points in placer.files:
        for entry in read_entry_points(read_start(placer, entry_points)):
            if is_foreign_entry(entry.group, entry.name, name):
                placer.add("entry-point-shadow", entry_points, f"{entry.group}: {entry.name}")
    libraries = [(file.path, file.place) for file in landed if file.scheme == "lib"]
    check_startup(placer, libraries)
    check_added(placer, libraries, name)


def _land(placer: Placer, data: frozenset[str]) -> Iterable[_Landed]:
    for path in placer.files:
        folder, _, rest = path.partition("/")
        if folder not in data:
            yield _Landed(path, "lib", path)
            continue
        scheme, _, place = rest.partition("/")
        if scheme not in _SCHEMES or not place:
            placer.add("data-folder", path, "in no known scheme")
        else:
            yield _Landed(path, "lib" if scheme in ("purelib", "platlib") else scheme, place)


def _module(place: str) -> str:
    """Name the top-level module that a file in site-packages is, or is part of; "" for none."""
    first, inside, _ = place.partition("/")
    if inside:
        return "" if first.lower().endswith(_METADATA) else first
    return first.partition(".")[0] if first.lower().endswith(IMPORTED) else ""


def whole_module(place: str) -> str:
    """Name the module that a file in site-packages is, or is the `__init__` of; "" for none."""
    _, inside, rest = place.partition("/")
    if inside and not rest.lower().startswith("__init__."):
        return ""
    return _module(place)


def _whole_modules(places: Collection[str]) -> set[str]:
    """Name the top-level modules that are no part of a namespace.

    A part is a package of its own in a folder that others share; what lies in that folder outside
    of one may be written over another distribution's file.
    """
    packages = {place.rpartition("/")[0] for place in places if _is_a_package(place)}
    found = set()
    for place in places:
        folders = place.split("/")[:-1]
        inside = {"/".join(folders[:count]) for count in range(2, len(folders) + 1)}
        if (module := _module(place)) and (whole_module(place) or inside.isdisjoint(packages)):
            found.add(module)
    return found


def _is_a_package(place: str) -> bool:
    return place.lower().rpartition("/")[2].startswith("__init__.")


def check_added(placer: Placer, libraries: Collection[tuple[str, str]], name: str) -> None:
    """Judge modules and metadata in folders that a `.pth` file makes Python import from.

    `libraries` gives each file by its path in the archive and in site-packages.
    """
    for folder in added_folders(placer, libraries):
        for path, installed in libraries:
            below = installed.removeprefix(folder)
            if below == installed:
                continue
            if module := whole_module(below):
                check_module(placer, path, module, name, whole=True)
            if _is_of_another(below, name):
                placer.add("dist-info", path, f"metadata of something else than {name}")


def _is_of_another(place: str, name: str) -> bool:
    """Whether a file is, or lies in, metadata of another distribution."""
    first = place.partition("/")[0].lower()
    own = canonicalize_name(first.rpartition(".")[0].partition("-")[0])
    return first.endswith(_METADATA) and own != name


def _take(placer: Placer, places: dict[str, str], place: str, path: str) -> None:
    """Note when two files of a wheel land at one place; which of them stays is up to the installer.

    `places` has those that were taken, with the file that took each.
    """
    if places.setdefault(fold(place), path) != path:
        placer.add("install-collision", path, f"{place} is taken by {places[fold(place)]}")


def check_module(placer: Placer, path: str, module: str, name: str, *, whole: bool = False) -> None:
    """Judge the name of a module, or of a package, that something at `path` brings.

    `whole` as `is_foreign_module` has it.
    """
    if is_foreign_module(module, name, whole=whole):
        placer.add("foreign-module", path, f"{module} is not of {name or 'it'}")
    elif is_standard_module(module, name):
        placer.add("standard-module", path, module)


def _check_part(placer: Placer, path: str, place: str, name: str) -> None:
    if is_foreign_part(place, name):
        placer.add("foreign-module", path, f"{place} is not of {name or 'it'}")


def _check_metadata(placer: Placer, file: _Landed, info: str, name: str) -> None:
    first, _, rest = file.place.partition("/")
    lower = first.lower()
    if lower.endswith(_METADATA) and file.path != f"{info}/{rest}":
        placer.add("dist-info", file.path, f"metadata of something else than {name}")
    elif file.path.startswith(f"{info}/") and rest in _WRITTEN_BY_INSTALLERS:
        placer.add("installer-file", file.path)
    elif lower.endswith(PATH_FILES):
        _check_path_file(placer, file.path, first, name)


def _check_path_file(placer: Placer, path: str, file: str, name: str) -> None:
    if is_foreign_path_file(file.lower().rpartition(".")[0], name):
        placer.add("foreign-module", path, f"{file} is not of {name}")


def check_library(placer: Placer, path: str, place: str, name: str) -> None:
    """Judge what lands at `place` in site-packages because of a setting in the file `path`."""
    first = place.partition("/")[0]
    lower = first.lower()
    if _is_of_another(place, name):
        placer.add("dist-info", path, f"metadata of something else than {name}")
    elif lower.endswith(PATH_FILES):
        _check_path_file(placer, path, first, name)
    elif module := _module(place):
        check_module(placer, path, module, name, whole=bool(whole_module(place)))
        _check_part(placer, path, place, name)


def check_script(placer: Placer, path: str, script: str, name: str) -> None:
    """Judge a program's name; `path` is the file that brings it."""
    if "\\" in script or script in (".", "..") or script.startswith("/"):
        placer.add("entry-point-path", path, script)
        return
    first, inside, _ = script.partition("/")
    if inside and path.endswith("/entry_points.txt"):
        placer.add("entry-point-path", path, script)
    elif inside:
        placer.add("data-place", path, "a folder among the scripts")
    elif script.lower().endswith((".so", ".pyd")):
        placer.add("data-place", path, "a library among the scripts")
    # A script's own folder is the first place that Python imports from when any of them runs.
    module = _module(script)
    if is_foreign_command(first, name):
        placer.add("entry-point-shadow", path, script)
    elif module and (
        is_foreign_module(module, name, whole=True) or is_standard_module(module, name)
    ):
        placer.add("script-module", path, script)


def mark_of_landed(rule: str, place: str) -> str:
    """Give the fingerprint of what lands where nobody reads it unasked; see `Location`.

    What others read is nothing that one gets used to.
    """
    return mark_of_place(place) if rule == "data-place" else ""


def _check_data(placer: Placer, file: _Landed, own: Own) -> None:
    if {"site-packages", "dist-packages"} & set(file.place.lower().split("/")):
        placer.add("hidden-install", file.path)
    elif rule := judge_place(file.place, own):
        placer.add(rule, file.path, "", mark_of_landed(rule, file.place))
    elif is_settings(file.place):
        content = read_start(placer, file.path, MAX_SETTINGS + 1)
        if problem := judge_settings(file.place, content, own):
            placer.add("environment-file", file.path, problem)
        elif file.place.startswith("etc/jupyter/jupyter_"):
            placer.add("startup-extension", file.path)
