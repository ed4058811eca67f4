"""What is known of a package from outside, by name and version; true on the day it is asked."""

import hashlib
from dataclasses import dataclass

import msgspec

from package_gate.core.finding import Finding, ScannerInfo


@dataclass(frozen=True, slots=True)
class Standing:
    """What the sources of advisories said of one package."""

    findings: tuple[Finding, ...]
    scanners: tuple[ScannerInfo, ...]
    """The sources that answered, with the dates of their data."""
    failures: tuple[str, ...] = ()
    """One sentence for each source that did not answer; with any, the package is undecided."""

    @property
    def digest(self) -> str:
        """SHA-256 of the findings: the same while nothing new is known."""
        return hashlib.sha256(msgspec.json.encode(self.findings)).hexdigest()
