"""Observing a package: what others of this program use."""

import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from package_gate.core.child import run_bounded
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.text import printable
from package_gate.observation import canaries, groups
from package_gate.observation.certificates import make_authority
from package_gate.observation.documents import MAX_REPORT_BYTES, Bounds, Held, Order, Report
from package_gate.observation.rooms import can_join, missing, outer_room

ISOLATION = (
    "namespaces of its own: user, network (no way out), processes, files, host name; no "
    "capabilities; traced"
)
"""What the kernel keeps an observed package from, for the record."""
_STARTING_SECONDS = 30
_ERROR_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on disk."""

    path: Path
    filename: str
    """As an index names it; it was checked to be a wheel's."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """An sdist on disk."""

    path: Path
    filename: str
    """As an index names it; it was checked to be a distribution's."""


class Observer:
    """Observes packages, each in a sandbox of its own that is thrown away."""

    def __init__(self, scratch: Path, bounds: Bounds | None = None) -> None:
        """See whether this machine can.

        Args:
            scratch: an existing folder, for orders.
            bounds: what a package may use; None for the usual.

        Raises:
            ConfigurationError: it can't isolate; the text says what is missing.
        """
        if problem := missing():
            raise ConfigurationError(
                f"Packages can't be observed here, because {problem}. Nothing of a package was run."
            )
        self._scratch = scratch
        self._bounds = bounds or Bounds()
        self._authority = make_authority()
        with groups.made(self._bounds) as trial:
            self._has_groups = bool(trial.folders) and can_join(trial.folders)
            self.isolation = isolation_of(trial.held if self._has_groups else ())

    def observe(self, wheel: Wheel, closure: Sequence[Wheel]) -> Report:
        """Install a wheel with its closure, and import and start what is in it, twice.

        Args:
            wheel: of the package.
            closure: the wheels of what it depends on, as far as they are there.

        Raises:
            ScannerError: the sandbox did not come to its end.
        """
        return self._report([wheel, *closure])

    def observe_build(
        self, sdist: Sdist, build: Sequence[Wheel], closure: Sequence[Wheel]
    ) -> Report:
        """Build a wheel of an sdist, then install it and do as `observe`; all of that twice.

        Args:
            sdist: of the package.
            build: the wheels that its build needs, as far as they are there.
            closure: as of `observe`.

        Raises:
            ScannerError: the sandbox did not come to its end.
        """
        return self._report(closure, sdist, build)

    def _report(
        self, wheels: Sequence[Wheel], sdist: Sdist | None = None, build: Sequence[Wheel] = ()
    ) -> Report:
        with groups.made(self._bounds) if self._has_groups else nullcontext(groups.Groups()) as own:
            return self._watched(wheels, sdist, build, own)

    def _watched(
        self,
        wheels: Sequence[Wheel],
        sdist: Sdist | None,
        build: Sequence[Wheel],
        own: groups.Groups,
    ) -> Report:
        values = canaries.make()
        order = Order(
            python=str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")),
            prefix=sys.base_prefix,
            wheels=[each.filename for each in wheels],
            hostname=values[canaries.HOST],
            canaries=values,
            authority=self._authority,
            bounds=self._bounds,
            sdist=sdist.filename if sdist else "",
            build=[each.filename for each in build],
            groups=len(own.folders),
        )
        files = {each.filename: each.path for each in (*wheels, *build)}
        if sdist is not None:
            files[sdist.filename] = sdist.path
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            file = Path(name, "order.json")
            file.write_bytes(msgspec.json.encode(order))
            ended = run_bounded(
                outer_room(file, files, own.folders),
                folder=Path(name),
                environment={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                seconds=2 * self._bounds.run_seconds + _STARTING_SECONDS,
                most_bytes=MAX_REPORT_BYTES,
                even_killed=True,
            )
        if ended.status:
            text = ended.errors.decode("utf-8", "replace").strip()[-_ERROR_CHARACTERS:]
            raise ScannerError(f"The sandbox failed: {printable(text, _ERROR_CHARACTERS)}")
        return msgspec.structs.replace(read_report(ended.output), held=list(own.held))


def isolation_of(held: Sequence[Held]) -> str:
    """Say what kept an observed package in, and by what its bounds were kept."""
    by_groups = f"{', '.join(sorted({*held}))} by control groups, " if held else ""
    return f"{ISOLATION}; bounds: {by_groups}all by counting and rlimits"


def read_report(content: bytes) -> Report:
    """Read what the sandbox answers, as hostile input.

    Raises:
        ScannerError: it is no report.
    """
    try:
        report = msgspec.json.decode(content, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"The sandbox answered with garbage: {printable(str(error))}") from error
    if not report.runs:
        raise ScannerError("The sandbox answered with garbage: no run")
    return report


def sdist_of(files: Sequence[tuple[str, str]]) -> Sdist | None:
    """Choose the sdist among files, which are paths with their names; None: there is none."""
    found = [Sdist(Path(path), name) for path, name in files if name.endswith((".tar.gz", ".zip"))]
    return found[0] if found else None


def fitting(wheels: Sequence[Wheel]) -> Wheel | None:
    """Choose the wheel that an installer would, for this Python and machine; None: none fits."""
    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    best: tuple[int, Wheel] | None = None
    for wheel in wheels:
        if not wheel.filename.endswith(".whl"):
            continue
        rank = min(
            (ranks[t] for t in parse_wheel_filename(wheel.filename)[3] if t in ranks), default=-1
        )
        if rank >= 0 and (best is None or rank < best[0]):
            best = rank, wheel
    return best[1] if best else None
