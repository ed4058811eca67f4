"""A worker process: `python -m package_gate.sandbox.worker`, started by `pool`.

It serves one scanner, which loads its rules once, and scans one package after the other, each in a
fork of its own (see `alone`). It is started without credentials; it limits and isolates itself
before it loads the scanner, and each fork further before it sees its package. See `protocol` for
what goes over its standard input and output.
"""

import importlib
import inspect
import os
import resource
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import msgspec

from package_gate.core.artifact import Origin, UnpackedPackage
from package_gate.core.errors import GateError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Unpacked
from package_gate.core.limits import Limits
from package_gate.sandbox.fork import (
    Garbage,
    Orphans,
    Stopped,
    adopt_orphans,
    run_alone,
    write,
)
from package_gate.sandbox.isolation import hide, isolate
from package_gate.sandbox.protocol import (
    Answer,
    Failed,
    Findings,
    Job,
    Ready,
    Setup,
    Unpacking,
)
from package_gate.sandbox.spec import Needs

OPEN_FILES = 1024


class Sandboxed(Protocol):
    """What a factory makes: a scanner, as far as its worker is concerned."""

    @property
    def info(self) -> ScannerInfo:
        """Name, version and date of its data."""
        ...

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report what is found; a GateError fails the scan, anything else ends the worker too."""
        ...


class SandboxedUnpacker(Protocol):
    """What a factory makes when `Needs.unpacks`."""

    @property
    def info(self) -> ScannerInfo:
        """Name and version."""
        ...

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """Make the package's trees; errors are as those of a scan."""
        ...


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A scanner that is ready."""

    scanner: Sandboxed | SandboxedUnpacker
    needs: Needs
    limits: Limits
    isolation: str
    """What its scans are kept from."""


def main() -> int:
    """Serve the pool until it closes the standard input."""
    hide()
    orders, answers = _take_over_standard_streams()
    setup = msgspec.json.decode(orders.readline(), type=Setup)
    limit_resources(setup.limits)
    adopt_orphans()
    try:
        loaded = _load(setup, orders, answers)
    except MemoryError:
        write(answers, _line(Failed(_out_of_memory(setup.limits))))
        return 1
    except Exception as error:  # whatever is wrong with a scanner, the pool must hear of it
        write(answers, _line(Failed(_describe(error))))
        return 1
    write(answers, _line(Ready(loaded.scanner.info, loaded.isolation)))
    while line := orders.readline():
        write(answers, _answer(loaded, msgspec.json.decode(line, type=Job), orders, answers))
    return 0


def _answer(loaded: _Loaded, job: Job, orders: BinaryIO, answers: int) -> bytes:
    def scan() -> bytes:
        return _line(_scan(loaded, job))

    def confine(folder: Path) -> None:
        if sys.platform != "linux":
            return  # Seatbelt can't be drawn tighter
        if isolate_scan(loaded.needs, folder, job.target) != loaded.isolation:
            raise OSError("the isolation that was promised is not to be had any more")

    try:
        return run_alone(scan, confine, loaded.limits, orders.fileno(), answers)
    except Garbage as error:
        return _line(Failed(f"answered with garbage: {error}", job.number))
    except Orphans as error:
        return _line(Failed(str(error), job.number, ends=True))
    except Stopped as error:
        return _line(Failed(str(error), job.number, ends=error.orphans))


def limit_resources(limits: Limits) -> None:
    """Keep this process and its children to the policy's limits, and from dumping core.

    Processes are not counted (RLIMIT_NPROC): for root the kernel does not, and for others it counts
    all that their user has. Where none are needed, `seccomp` allows none.
    """
    os.umask(0o077)
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.scan_memory_bytes),
        (resource.RLIMIT_FSIZE, limits.unpacked_file_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        _lower(kind, amount)


def _lower(kind: int, amount: int) -> None:
    _, hard = resource.getrlimit(kind)
    amount = _at_most(amount, hard)
    try:
        resource.setrlimit(kind, (amount, amount))
    except (ValueError, OSError):
        # macOS doesn't limit address space; there the clock has to do.
        if sys.platform == "linux":
            raise


def _at_most(amount: int, hard: int) -> int:
    return amount if hard == resource.RLIM_INFINITY else min(amount, hard)


def _take_over_standard_streams() -> tuple[BinaryIO, int]:
    """Keep the pipes to the pool for ourselves: what a scanner prints goes to standard error."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, answers


def _load(setup: Setup, orders: BinaryIO, answers: int) -> _Loaded:
    """Import and make the scanner; from its making on it is isolated."""
    module, _, attribute = setup.factory.partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    arguments = _arguments(factory, setup)
    needs = setup.needs
    own_folder = str(Path.cwd())
    isolation = isolate(
        needs=needs,
        alone=False,
        readable=(setup.packages,),
        writable=(own_folder, setup.packages) if needs.unpacks else (own_folder,),
    )
    loaded = _Loaded(factory(**arguments), needs, setup.limits, isolation)
    if sys.platform != "linux":
        return loaded
    return replace(loaded, isolation=_try_isolation(loaded, orders.fileno(), answers))


def _try_isolation(loaded: _Loaded, orders: int, answers: int) -> str:
    """Isolate a scan of nothing, to see what the kernel can do."""
    said: list[str] = []

    def confine(folder: Path) -> None:
        said.append(isolate_scan(loaded.needs, folder, UnpackedPackage("", "", Origin.PYPI, ())))

    line = run_alone(lambda: said[0].encode() + b"\n", confine, loaded.limits, orders, answers)
    return line.decode().strip()


def isolate_scan(needs: Needs, folder: Path, target: UnpackedPackage) -> str:
    """Leave a scan the files of its package and, to write, a folder of its own."""
    trees = {str(Path(artifact.tree).parent) for artifact in target.artifacts}
    downloads = {artifact.path for artifact in target.artifacts}
    return isolate(
        needs=needs,
        alone=True,
        readable=(*trees, *downloads),
        writable=(str(folder), *(trees if needs.unpacks else ())),
    )


def _arguments(
    factory: Callable[..., Sandboxed | SandboxedUnpacker], setup: Setup
) -> dict[str, Any]:
    """Give a scanner what its factory names: `settings`, as annotated, and `limits`."""
    parameters = inspect.signature(factory, eval_str=True).parameters
    arguments: dict[str, Any] = {}
    if "settings" in parameters:
        kind = parameters["settings"].annotation
        arguments["settings"] = msgspec.json.decode(setup.settings, type=kind)
    if "limits" in parameters:
        arguments["limits"] = setup.limits
    return arguments


def _scan(loaded: _Loaded, job: Job) -> Answer:
    try:
        if loaded.needs.unpacks:
            unpacked = cast(SandboxedUnpacker, loaded.scanner).unpack(job.target)
            return Unpacking(job.number, list(unpacked.findings), list(unpacked.inventories))
        return Findings(job.number, list(cast(Sandboxed, loaded.scanner).scan(job.target)))
    except GateError as error:
        return Failed(str(error), job.number)
    except MemoryError:
        return Failed(_out_of_memory(loaded.limits), job.number, ends=True)
    except Exception as error:  # a scanner's fault is a failed scan, whatever it is
        return Failed(_describe(error), job.number, ends=True)


def _line(answer: Answer) -> bytes:
    try:
        line = msgspec.json.encode(answer)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        number = getattr(answer, "number", 0)
        line = msgspec.json.encode(Failed(f"its findings can't be written: {error!a}", number))
    return line + b"\n"


def _describe(error: Exception) -> str:
    message = str(error).encode("utf-8", "backslashreplace").decode()
    return message if isinstance(error, GateError) else f"{type(error).__name__}: {message}"


def _out_of_memory(limits: Limits) -> str:
    return f"ran out of memory: it may have {limits.scan_memory_bytes // 2**20} MiB"


if __name__ == "__main__":
    sys.exit(main())
