"""Looking at a package's bytes: unpacked once, then by each scanner → evidence."""

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from package_gate.core.artifact import (
    RemoteFile,
    ResolvedPackage,
    UnpackedArtifact,
    UnpackedPackage,
)
from package_gate.core.errors import ScannerError
from package_gate.core.evidence import Evidence, Scan
from package_gate.core.finding import Finding
from package_gate.core.inventory import Inventory
from package_gate.pipeline.looking import Files
from package_gate.scanners.interface import Scanner, UnpackingScanner

SCANS_AT_ONCE = 16


class Scanning:
    """The scanners of a run, several at a time; implements `Looker`."""

    def __init__(
        self, unpacker: UnpackingScanner, scanners: Sequence[Scanner], now: Callable[[], datetime]
    ) -> None:
        """Take the scanners; `unpacker` goes first, because the others look at what it leaves."""
        self._unpacker = unpacker
        self._scanners = scanners
        self._now = now
        self._pool = ThreadPoolExecutor(SCANS_AT_ONCE, "scan")

    @property
    def versions(self) -> Mapping[str, str]:
        """Each scanner's name, the unpacker's too → its version with its rules."""
        scanners = {scanner.name: scanner.version for scanner in self._scanners}
        return {self._unpacker.name: self._unpacker.version, **scanners}

    def look(
        self,
        package: ResolvedPackage,
        files: Files,
        folder: Path,
        known: Evidence | None,
        wanted: Collection[str],
    ) -> Evidence:
        """See `Looker.look`: the unpacked trees are gone afterwards."""
        fetched = files()
        trees = folder / "trees"  # the unpacker can write there and nowhere else
        trees.mkdir(parents=True)
        target = UnpackedPackage(
            package.name,
            package.version,
            package.origin,
            tuple(
                UnpackedArtifact(file.artifact, str(file.path), str(trees / str(number)))
                for number, file in enumerate(fetched)
            ),
        )
        evidence = Evidence(
            name=package.name,
            version=package.version,
            origin=package.origin,
            artifacts=tuple(file.artifact for file in fetched),
            scans=tuple(scan for scan in known.scans if scan.scanner.name not in wanted)
            if known
            else (),
            inventories=known.inventories if known else None,
        )
        try:
            return self._scan(target, evidence, wanted)
        finally:
            shutil.rmtree(trees, ignore_errors=True)

    def keep(self, files: Sequence[RemoteFile], folder: Path) -> None:
        """See `Looker.keep`: this run publishes by itself."""

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _scan(
        self, target: UnpackedPackage, evidence: Evidence, wanted: Collection[str]
    ) -> Evidence:
        try:
            unpacked = self._pool.submit(self._unpacker.unpack, target).result()
        except ScannerError as error:
            return replace(evidence, failures=(_failure(self._unpacker.name, error),))
        scans = list(evidence.scans)
        failures = []
        if self._unpacker.name in wanted:
            scans.append(Scan(self._unpacker.info, tuple(unpacked.findings), self._now()))

        def run(scanner: Scanner) -> Scan:
            findings: tuple[Finding, ...] = tuple(scanner.scan(target))
            return Scan(scanner.info, findings, self._now())

        running = {
            scanner.name: self._pool.submit(run, scanner)
            for scanner in self._scanners
            if scanner.name in wanted
        }
        for name, future in running.items():
            try:
                scans.append(future.result())
            except ScannerError as error:
                failures.append(_failure(name, error))
        return looked_at(evidence, scans, unpacked.inventories, failures)


def looked_at(
    evidence: Evidence,
    scans: Iterable[Scan],
    inventories: Sequence[Inventory],
    failures: Iterable[str],
) -> Evidence:
    """Give what is known of a package once it is unpacked and scanned.

    Args:
        evidence: whose it is.
        scans: of those scanners that finished.
        inventories: one for each artifact.
        failures: of those that did not.
    """
    return replace(
        evidence,
        artifacts=tuple(
            replace(artifact, requires_python=inventory.requires_python, kind=inventory.kind)
            for artifact, inventory in zip(evidence.artifacts, inventories, strict=True)
        ),
        scans=tuple(sorted(scans, key=lambda scan: scan.scanner.name)),
        inventories=tuple(inventories),
        failures=tuple(failures),
    )


def _failure(scanner: str, error: ScannerError) -> str:
    return f"The scanner {scanner} did not finish: {error}"
