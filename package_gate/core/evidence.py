"""What is in the bytes of a package, without judgement; stored once for each set of files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from package_gate.core.artifact import Artifact, Origin
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Inventory

EVIDENCE_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scanner found in all of a package's artifacts; it finished."""

    scanner: ScannerInfo
    findings: tuple[Finding, ...]
    scanned_at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is in the bytes of one package."""

    name: str
    version: str
    origin: Origin
    artifacts: tuple[Artifact, ...]
    scans: tuple[Scan, ...]
    """Of those scanners that finished, each once."""
    inventories: tuple[Inventory, ...] | None = None
    """One for each artifact; None where an earlier version of the gate took none."""
    failures: tuple[str, ...] = ()
    """One message for each scanner that did not finish; they stand for this run only."""
    schema: int = EVIDENCE_SCHEMA

    @property
    def digest(self) -> str:
        """The name of the package with its files, see `package_digest`."""
        return package_digest(
            self.origin, self.name, self.version, {a.filename: a.sha256 for a in self.artifacts}
        )


def package_digest(origin: Origin, name: str, version: str, files: Mapping[str, str]) -> str:
    """Name a package with its files: SHA-256 over its identity and each file's digest and name.

    Names count, since what a scanner makes of a file depends on them: a wheel must be what its file
    name says.

    Args:
        origin: where it came from.
        name: the package's name.
        version: its version.
        files: file name → SHA-256.
    """
    lines = [f"{origin}/{name}/{version}", *sorted(f"{files[each]} {each}" for each in files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
