"""What is in the bytes of a package, without judgement; stored once for each set of files."""

import hashlib
from collections.abc import Iterable
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
        """The digest of the file set that it is about."""
        return file_set_digest(artifact.sha256 for artifact in self.artifacts)


def file_set_digest(digests: Iterable[str]) -> str:
    """Name a set of files: SHA-256 over their sorted SHA-256 digests, one a line."""
    return hashlib.sha256("\n".join(sorted(set(digests))).encode()).hexdigest()
