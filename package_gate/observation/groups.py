"""Control groups: bounds on what an observed package uses that the kernel keeps (cgroups(7)).

Version 1 needs root; version 2 a group whose children have the controllers, which root has, and a
user to whom one was delegated. Where there is none, what is used is counted from outside, as
always, and each process has its own limits.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from package_gate.observation.documents import Bounds, Held

CONTROLLERS: Mapping[str, Held] = {"memory": "memory", "pids": "processes", "cpu": "processor"}
"""The kernel's word → ours."""
_PERIOD_MICROSECONDS = 100_000
_MORE_MEMORY = 768 << 20
"""For the small file systems besides the home folder."""
_MORE_PROCESSES = 32
"""How many may be there before a count from outside notices, which ends the run."""
_REMOVING_LOOKS, _LOOK_SECONDS = 40, 0.05
_MET = {
    "memory.events": "oom_kill",
    "memory.oom_control": "oom_kill",
    "pids.events": "max",
}
"""Where the kernel counts how often a bound was met, and by which word."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that an observed package is put into."""

    folders: tuple[Path, ...] = ()
    """One of version 2, or one for each controller of version 1."""
    held: tuple[Held, ...] = ()
    """What they bound."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder in which groups could be made."""

    folder: Path
    controllers: frozenset[str]
    is_first_version: bool


def parents(mounts: str, own: str) -> Iterator[_Place]:
    """Give where groups could be made, the best first.

    Args:
        mounts: `/proc/self/mountinfo` (proc(5)).
        own: `/proc/self/cgroup` (cgroups(7)).
    """
    paths: dict[str, str] = {}
    for line in own.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths |= dict.fromkeys(controllers.split(","), path)
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        (_, _, _, root, mount, *_), (kind, *_, options) = left.split(" "), right.split(" ")
        if kind == "cgroup2" and "" in paths:
            own_folder = _below(mount, root, paths[""])
            for folder in (own_folder, *own_folder.parents):
                if not folder.is_relative_to(mount):
                    break
                given = _words(folder / "cgroup.subtree_control") & CONTROLLERS.keys()
                if given:
                    yield _Place(folder, frozenset(given), is_first_version=False)
        elif kind == "cgroup":
            given = {*options.split(",")} & CONTROLLERS.keys() & paths.keys()
            for name in sorted(given):
                yield _Place(_below(mount, root, paths[name]), frozenset({name}), True)


def _below(mount: str, root: str, path: str) -> Path:
    """Say where a group is, of whose hierarchy the part below `root` is mounted."""
    inside = os.path.relpath(path, root) if path.startswith(root) else "."
    return Path(mount, inside)


def _words(path: Path) -> set[str]:
    with suppress(OSError):
        return {*path.read_text().split()}
    return set()


@contextmanager
def made(bounds: Bounds) -> Iterator[Groups]:
    """Make groups, as far as this process may, and remove them at the end."""
    folders: list[Path] = []
    held: set[str] = set()
    try:
        with suppress(OSError, ValueError):
            mounts, own = (Path("/proc/self", name).read_text() for name in ("mountinfo", "cgroup"))
            for place in parents(mounts, own):
                wanted = place.controllers - held
                folder = place.folder / f"package-gate-{os.getpid()}-{next(_numbers)}"
                if wanted and _make(folder, place, bounds, wanted):
                    folders.append(folder)
                    held |= wanted
        yield Groups(tuple(folders), tuple(CONTROLLERS[name] for name in sorted(held)))
    finally:
        for folder in folders:
            _remove(folder)


def _make(folder: Path, place: _Place, bounds: Bounds, controllers: frozenset[str]) -> bool:
    """Make a group with its bounds; False where that may not be."""
    try:
        folder.mkdir()
    except OSError:
        return False
    try:
        for controller in controllers:
            for name, value in _settings(controller, bounds, place.is_first_version):
                folder.joinpath(name).write_text(value)
    except OSError:
        _remove(folder)
        return False
    with suppress(OSError):
        swap = "memory.memsw.limit_in_bytes" if place.is_first_version else "memory.swap.max"
        if "memory" in controllers and folder.joinpath(swap).exists():
            value = str(_memory(bounds)) if place.is_first_version else "0"
            folder.joinpath(swap).write_text(value)
    return True


def _settings(controller: str, bounds: Bounds, is_first_version: bool) -> Sequence[tuple[str, str]]:
    quota = str(bounds.processors * _PERIOD_MICROSECONDS)
    if controller == "memory":
        name = "memory.limit_in_bytes" if is_first_version else "memory.max"
        return [(name, str(_memory(bounds)))]
    if controller == "pids":
        return [("pids.max", str(bounds.processes + _MORE_PROCESSES))]
    if is_first_version:
        return [("cpu.cfs_period_us", str(_PERIOD_MICROSECONDS)), ("cpu.cfs_quota_us", quota)]
    return [("cpu.max", f"{quota} {_PERIOD_MICROSECONDS}")]


def _memory(bounds: Bounds) -> int:
    return bounds.memory_bytes + bounds.disk_bytes + _MORE_MEMORY


def _remove(folder: Path) -> None:
    """Remove a group once those in it have ended."""
    for _ in range(_REMOVING_LOOKS):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(_LOOK_SECONDS)
        else:
            return


def met(folders: Sequence[Path]) -> dict[str, int]:
    """Say how often the bounds of these groups were met: the file that counts it → how often."""
    found = {}
    for folder in folders:
        for name, word in _MET.items():
            with suppress(OSError, ValueError):
                pairs = (line.split() for line in folder.joinpath(name).read_text().splitlines())
                found[name.partition(".")[0]] = sum(
                    int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == word
                )
    return found
