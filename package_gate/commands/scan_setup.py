"""Which scanners of a run work in processes of their own."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from package_gate.core.artifact import ArtifactFile, UnpackedPackage
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Inventory, Unpacked
from package_gate.core.limits import Limits
from package_gate.core.policy import Policy
from package_gate.sandbox.pool import ScannerPool
from package_gate.sandbox.unpacking import inventory_of
from package_gate.scanners.interface import Scanner, UnpackingScanner
from package_gate.scanners.registry import (
    UNPACKER,
    Where,
    outer_unpacker,
    those,
    version_of,
    worker_spec,
)


class WorkerScanner:
    """A scanner of the pool, as the gate sees it; implements `Scanner`."""

    def __init__(self, name: str, pool: ScannerPool) -> None:
        """Stand for the pool's scanner of this name."""
        self.name = name
        self.version = version_of(name)
        self._pool = pool

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return replace(self._pool.info(self.name), isolation=self._pool.isolation(self.name))

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """See `Scanner.scan`."""
        return self._pool.scan(self.name, target)


class WorkerUnpacker:
    """The scanner of the pool that unpacks, as the gate sees it; implements `UnpackingScanner`."""

    name = UNPACKER

    def __init__(self, pool: ScannerPool) -> None:
        """Stand for the pool's unpacking scanner."""
        self.version = version_of(UNPACKER)
        self._pool = pool

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return replace(self._pool.info(self.name), isolation=self._pool.isolation(self.name))

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """See `UnpackingScanner.unpack`."""
        return self._pool.unpack(self.name, package)


class ScanSetup:
    """The scanners of a run that work in processes of their own; a context manager ends those."""

    def __init__(self, names: Sequence[str], limits: Limits, scratch: Path) -> None:
        """Choose scanners; no process is started before it is needed.

        Args:
            names: scanners; those that have no worker processes are left out.
            limits: what a scanner may use.
            scratch: where workers may write.
        """
        chosen = those(names, Where.WORKER)
        self._pool = ScannerPool(
            [worker_spec(name) for name in (UNPACKER, *chosen)], limits, scratch
        )
        self.unpacker: UnpackingScanner = WorkerUnpacker(self._pool)
        self.scanners: list[Scanner] = [WorkerScanner(name, self._pool) for name in chosen]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all worker processes."""
        self._pool.close()


def describer(policy: Policy, scratch: Path) -> Callable[[ArtifactFile], Inventory]:
    """Make what says of a single file what it is, in a worker of its own."""
    return partial(inventory_of, spec=outer_unpacker(), limits=policy.limits, scratch=scratch)
