"""What is known of a package from outside, by name and version; true on the day it is asked."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import msgspec

from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.policy import AdvisoryAges

SAMPLE_DATA = "sample advisories"
"""What the small hand-written set is called. Its age says nothing: it has a warning of its own."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the sources of advisories, and perhaps the index, said of one package."""

    findings: tuple[Finding, ...]
    scanners: tuple[ScannerInfo, ...]
    """The sources that answered, with the dates of their data."""
    failures: tuple[str, ...] = ()
    """One sentence for each source that did not answer; with any, the package is undecided."""
    provenance: str = ""
    """Who has attested its files, see `core.provenance`; "" where the policy does not ask."""

    @property
    def digest(self) -> str:
        """SHA-256 of the findings: the same while nothing new is known."""
        return hashlib.sha256(msgspec.json.encode(self.findings)).hexdigest()

    def joined(self, other: "Standing") -> "Standing":
        """Give what both say."""
        return Standing(
            (*self.findings, *other.findings),
            (*self.scanners, *other.scanners),
            (*self.failures, *other.failures),
            self.provenance or other.provenance,
        )

    def checked_age(self, ages: AdvisoryAges, today: date) -> "Standing":
        """Count sources as not having answered whose data is too old to approve by."""
        old = [
            f"{_of(info)}, {age} days old: they approve nothing, because "
            f"advisories.undecided_after_days is {ages.undecided_after_days} in the policy. Give "
            "newer ones."
            for info in self.scanners
            if (age := _age(info, today)) > ages.undecided_after_days
        ]
        return replace(self, failures=(*self.failures, *old)) if old else self


def old_advisories(infos: Iterable[ScannerInfo], ages: AdvisoryAges, today: date) -> str:
    """Warn of sources of advisories whose data is old; "" when none is.

    Args:
        infos: sources that answered.
        ages: what the policy calls old.
        today: the date (UTC).
    """
    old = {
        info.name: f"{_of(info)}, {age} days old"
        for info in infos
        if (age := _age(info, today)) > ages.warn_after_days
    }
    if not old:
        return ""
    return f"OLD ADVISORIES. {'; '.join(old.values())}. What became known since is not in them."


def _of(info: ScannerInfo) -> str:
    return f"The advisories of {info.name} are of {info.data_date}"


def _age(info: ScannerInfo, today: date) -> int:
    """Days since the date of a source's data; 0 when it has none, or is the sample."""
    try:
        return 0 if info.data == SAMPLE_DATA else (today - date.fromisoformat(info.data_date)).days
    except ValueError:
        return 0
