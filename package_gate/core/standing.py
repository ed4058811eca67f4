"""What is known of a package from outside, by name and version; true on the day it is asked."""

from dataclasses import dataclass

from package_gate.core.finding import Finding, ScannerInfo


@dataclass(frozen=True, slots=True)
class Standing:
    """What the sources of advisories said of one package."""

    findings: tuple[Finding, ...]
    scanners: tuple[ScannerInfo, ...]
    """The sources that answered, with the dates of their data."""
    failures: tuple[str, ...] = ()
    """One sentence for each source that did not answer; with any, the package is undecided."""
