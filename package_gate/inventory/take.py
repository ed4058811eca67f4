"""Takes an artifact's inventory from its unpacked tree.

Everything in the tree is hostile, so this runs where nothing can come of it: in the sandboxed
process that has unpacked the artifact. It runs nothing of the package, follows no link and reads no
more than `bounds` allows. What can't be read is named in the inventory; an error means that there
is no inventory.
"""

import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from package_gate.core.addresses import addresses_in_code, has_one_owner
from package_gate.core.finding import MAX_LOCATIONS, Location
from package_gate.core.inventory import Component, EntryPoint, Inventory, UnreadableFile
from package_gate.core.source import read_source
from package_gate.core.text import one_line, printable
from package_gate.inventory.bounds import (
    MAX_ADDRESSES,
    MAX_COMPONENTS,
    MAX_ENTRY_POINTS,
    MAX_FIELD,
    MAX_INVENTORY_BYTES,
    MAX_METADATA_BYTES,
    MAX_PATH,
    MAX_REQUIRES,
    MAX_SHORT,
    MAX_SOURCE_BYTES,
    MAX_UNREADABLE,
)
from package_gate.inventory.formats.core_metadata import CoreMetadata, read_core_metadata
from package_gate.inventory.formats.entry_points import read_entry_points
from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.pyproject import PyProject, read_pyproject
from package_gate.inventory.formats.requires_txt import read_requires_txt
from package_gate.inventory.formats.setup_requires import setup_cfg_requires, setup_py_requires
from package_gate.inventory.pins import PinnedDependency, find_pins
from package_gate.inventory.reading import names_in, read_regular

T = TypeVar("T")

_OVERHEAD = 512 * 1024
"""Bytes of the JSON of an inventory whose long lists are empty, at most."""
_UNREADABLE_BYTES = 2 * 1024 * 1024
"""Kept free: what could not be read is always said."""
_RESERVED = 4
"""Places among the unreadable files: for each list that is cut short, and for the rest."""


def take_inventory(tree: Path, artifact: str) -> Inventory:
    """Say what an unpacked artifact is, holds and pins.

    Args:
        tree: the folder with what an installer would install.
        artifact: the artifact's file name.

    Returns:
        What `bounds.problem_with` finds no fault with.

    Raises:
        OSError: the tree can't be read.
    """
    room = _Room()
    said = _describe(tree, artifact, room)
    path, core = said.path, said.core
    requires = room.keep(map(_requirement, said.requires), MAX_REQUIRES, path, "dependencies")
    building = map(_requirement, said.build_requires)
    build_requires = room.keep(building, MAX_REQUIRES, path, "build requirements")
    entry_points = room.keep(map(_short, said.entry_points), MAX_ENTRY_POINTS, path, "entry points")
    components = room.keep(_components(tree, room), MAX_COMPONENTS, "", "packages")
    addresses = room.keep(_addresses(tree), MAX_ADDRESSES)
    return Inventory(
        artifact=artifact,
        name=core.name,
        version=core.version,
        requires_python=core.requires_python,
        summary=core.summary,
        requires=requires,
        requires_may_change=said.requires_may_change,
        build_requires=build_requires,
        build_backend=one_line(said.build_backend, MAX_SHORT),
        licence=core.licence,
        entry_points=entry_points,
        components=components,
        addresses=addresses,
        unreadable=room.unreadable(),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What an artifact says of itself."""

    path: str = ""
    """The file that says it; "" for none."""
    core: CoreMetadata = field(default_factory=CoreMetadata)
    requires: Iterable[str] = ()
    requires_may_change: bool = False
    entry_points: Iterable[EntryPoint] = ()
    build_requires: Iterable[str] = ()
    build_backend: str = ""


class _Room:
    """What still fits into an inventory, and what did not."""

    def __init__(self) -> None:
        self._left = MAX_INVENTORY_BYTES - _OVERHEAD - _UNREADABLE_BYTES
        self._unreadable_left = _UNREADABLE_BYTES
        self._cut: list[UnreadableFile] = []
        self._unreadable: list[UnreadableFile] = []
        self._more = 0

    def keep(self, items: Iterable[T], most: int, path: str = "", what: str = "") -> tuple[T, ...]:
        """Give the first items, as many as fit, and note it when there are more of what counts."""
        kept: list[T] = []
        for item in items:
            size = len(msgspec.json.encode(item)) + 1
            if len(kept) == most or size > self._left:
                problem = f"It names more {what} than an inventory takes."
                if what:
                    self._cut.append(UnreadableFile(printable(path, MAX_PATH), None, problem))
                break
            self._left -= size
            kept.append(item)
        return tuple(kept)

    def note(self, path: str, line: int | None, problem: str) -> None:
        """Remember a file that can't be read, or not all of it."""
        file = UnreadableFile(printable(path, MAX_PATH), line, one_line(problem, MAX_SHORT))
        if file in self._unreadable:  # two readers may stumble over it
            return
        size = len(msgspec.json.encode(file)) + 1
        if len(self._unreadable) == MAX_UNREADABLE - _RESERVED or size > self._unreadable_left:
            self._more += 1
            return
        self._unreadable_left -= size
        self._unreadable.append(file)

    def unreadable(self) -> tuple[UnreadableFile, ...]:
        """Give them: first what was cut short, last one for all that are too many to be named."""
        found = [*self._cut, *self._unreadable]
        if self._more:
            found.append(UnreadableFile("", None, f"{self._more} more files can't be read."))
        return tuple(found)


def _describe(tree: Path, artifact: str, room: _Room) -> _Said:
    """Read the artifact's core metadata; of source without, its static project metadata."""
    path = _own_metadata(tree, artifact)
    folder = path.rpartition("/")[0]
    said = _Said()
    if not artifact.lower().endswith(".whl"):
        said = _project(tree, folder, room)
        setup_requires = _setup_requires(tree, folder) if folder else ()
        said = replace(said, build_requires=[*said.build_requires, *setup_requires])
    if not path:
        return said
    core = read_core_metadata(read_regular(tree, path, MAX_METADATA_BYTES + 1) or b"")
    if isinstance(core, FormatProblem):
        room.note(path, core.line, core.text)
        core = CoreMetadata()
    # An installed or built distribution has its dependencies; those of source a build may change.
    may_change = path.endswith("/PKG-INFO") and core.requires_may_change
    requires = itertools.chain(core.requires, _declared(tree, folder) if may_change else ())
    written = _read_if_there(tree, f"{folder}/entry_points.txt")
    entry_points = read_entry_points(written) if written else said.entry_points
    return replace(
        said,
        path=path,
        core=core,
        requires=requires,
        requires_may_change=may_change,
        entry_points=entry_points,
    )


def _setup_requires(tree: Path, folder: str) -> list[str]:
    """Give what setuptools would fetch before it builds, as far as that is written down."""
    return [
        *setup_cfg_requires(_read_if_there(tree, f"{folder}/setup.cfg")),
        *setup_py_requires(_read_if_there(tree, f"{folder}/setup.py")),
    ]


def _project(tree: Path, folder: str, room: _Room) -> _Said:
    """Read the `pyproject.toml` of source.

    Args:
        tree: the tree.
        folder: where its metadata lies; "" when it has none: then its top counts, and its one
            folder.
        room: where it is noted when it can't be read.
    """
    tops = names_in(tree, "")
    for each in [folder] if folder else ["", *(tops if len(tops) == 1 else ())]:
        path = f"{each}/pyproject.toml".lstrip("/")
        if data := _read_if_there(tree, path):
            project = read_pyproject(data)
            if isinstance(project, PyProject):
                core, may_change = project.metadata, project.requires_may_change
                return _Said(
                    path,
                    core,
                    core.requires,
                    may_change,
                    project.entry_points,
                    project.build_requires,
                    project.build_backend,
                )
            room.note(path, None, project.text)
    return _Said()


def _declared(tree: Path, folder: str) -> Iterable[str]:
    """Give what setuptools has written down of an sdist's dependencies."""
    for parent in (folder, f"{folder}/src"):
        for name in names_in(tree, parent):
            path = f"{parent}/{name}/requires.txt"
            if name.endswith(".egg-info") and (data := _read_if_there(tree, path)):
                return read_requires_txt(data)
    return ()


def _own_metadata(tree: Path, artifact: str) -> str:
    """Find the artifact's own core metadata: the path relative to the tree, or "" for none.

    A wheel's is in its `.dist-info`, an sdist's in its one folder, an egg's in `EGG-INFO`. Of
    several, which no installer takes, it is the one of the wheel's name, else the first.
    """
    top = names_in(tree, "")
    paths = [f"{name}/METADATA" for name in top if name.endswith(".dist-info")]
    try:
        name, *_ = parse_wheel_filename(artifact)
    except InvalidWheelFilename:
        paths += [f"{name}/PKG-INFO" for name in top]
    else:
        paths.sort(key=lambda path: canonicalize_name(path.split("-")[0]) != name)
    return next((path for path in paths if _is_there(tree, path)), "")


def _is_there(tree: Path, path: str) -> bool:
    try:
        return read_regular(tree, path, 0) is not None
    except FileNotFoundError:
        return False


def _read_if_there(tree: Path, path: str) -> bytes:
    try:
        return read_regular(tree, path, MAX_METADATA_BYTES) or b""
    except FileNotFoundError:
        return b""


def _requirement(text: str) -> str:
    return one_line(text, MAX_FIELD)


def _short(entry_point: EntryPoint) -> EntryPoint:
    return replace(
        entry_point,
        group=one_line(entry_point.group, MAX_SHORT),
        name=one_line(entry_point.name, MAX_SHORT),
        value=one_line(entry_point.value, MAX_FIELD),
    )


def _components(tree: Path, room: _Room) -> list[Component]:
    """Give each name and version once for held and once for pinned ones, in the order of paths."""
    places: dict[tuple[str, str, bool], list[Location]] = {}
    counts: dict[tuple[str, str, bool], int] = {}
    for each in find_pins(tree):
        if not isinstance(each, PinnedDependency):
            room.note(each.path, each.line, each.problem)
            continue
        key = each.name, each.version, each.held
        counts[key] = counts.get(key, 0) + 1
        where = places.setdefault(key, [])
        if len(where) < MAX_LOCATIONS:
            where.append(Location(printable(each.path, MAX_PATH), each.line))
    return [Component(*key, tuple(where), counts[key]) for key, where in places.items()]


def _addresses(tree: Path) -> list[str]:
    """Give the addresses that stand in Python files; none of files that are too large."""
    found: set[str] = set()
    for folder, _, files in os.walk(tree):
        for name in files:
            if name.endswith((".py", ".pyw")):
                path = Path(folder, name).relative_to(tree).as_posix()
                content = read_regular(tree, path, MAX_SOURCE_BYTES + 1) or b""
                if len(content) <= MAX_SOURCE_BYTES:
                    found |= addresses_in_code(read_source(content).text)
    owned = filter(has_one_owner, found)
    return sorted(each for each in owned if printable(each, MAX_SHORT) == each)
