"""What scanners and advisories report, without judgement."""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from package_gate.core.word import Word

MAX_LOCATIONS = 20
"""A finding names at most so many places; its `count` tells how many there are."""


@functools.total_ordering
class Severity(Word):
    """How bad a finding is, from `INFO` to `CRITICAL`; members compare in this order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `INFO` to 4 for `CRITICAL`."""
        return _SEVERITY_ORDER[self.value]

    def __lt__(self, other: Any) -> bool:
        return self.rank < other.rank if isinstance(other, Severity) else NotImplemented


_SEVERITY_ORDER = {severity.value: rank for rank, severity in enumerate(Severity)}


class Kind(Word):
    """What sort of thing a finding is about; the policy has one threshold for each."""

    VULNERABILITY = "vulnerability"
    MALWARE = "malware"
    CODE = "code"
    ARCHIVE = "archive"
    LICENSE = "license"


class Exploited(Word):
    """Whether attackers use a vulnerability."""

    KNOWN = "known"
    """It stands in CISA's catalogue of known exploited vulnerabilities."""
    LIKELY = "likely"
    """FIRST's forecast (EPSS) gives it the policy's probability or more for the next 30 days."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an artifact."""

    path: str
    """Relative to the root of the unpacked artifact, with `/`."""
    line: int | None = None
    """From 1."""
    code: str = ""
    """What stands there, shortened to a line."""
    fingerprint: str = ""
    """SHA-256 (hexadecimal) of what leads there, by which it is found again in another release of
    the package; "" where the scanner makes none."""


def quoted(places: Iterable[Location]) -> str:
    """Give the code of the first two places that differ, as a message quotes it."""
    return "; ".join(list(dict.fromkeys(each.code for each in places if each.code))[:2])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a scanner reports."""

    scanner: str
    rule: str
    """The scanner's id for it: `PYSEC-2021-142`, `S602`, `path-traversal`; a waiver names it."""
    kind: Kind
    severity: Severity | None
    """None when the source gives none; the policy says what that counts as."""
    message: str
    """One or two plain sentences."""
    recommendation: str = ""
    """What would mend it, for example the first version with the fix."""
    references: tuple[str, ...] = ()
    """Addresses to read on."""
    aliases: tuple[str, ...] = ()
    """Other ids of the same thing; a waiver may name any of them."""
    artifact: str = ""
    """The file name of the artifact; "" when it concerns the whole package."""
    locations: tuple[Location, ...] = ()
    """Where; at most the first `MAX_LOCATIONS` places of `count`."""
    count: int = 1
    """In how many places the rule matched."""
    waits: bool = False
    """Whether it is about code that waits to be called: then it counts more where it is new, see
    `core.precedent`."""
    fixed_in: tuple[str, ...] | None = None
    """The versions that mend a vulnerability, as far as its advisory knows them; () when there is
    none. None where nobody was asked for one."""
    exploited: Exploited | None = None


@dataclass(frozen=True, slots=True)
class ScannerInfo:
    """Which scanner it was, for the record."""

    name: str
    version: str
    data_date: str = ""
    """The date of the rules or advisories it used (ISO 8601), "" when it has none."""
    data: str = ""
    """Which rules or advisories: an address, a path, or `sample advisories`."""
    isolation: str = ""
    """What the kernel kept its process from, or why nothing; "" for a service."""
    entries: int = 0
    """How many advisories its data holds; 0 where nobody knows."""


def is_known_malware(finding: Finding) -> bool:
    """Whether an advisory reports the package as malware; a scanner's suspicion is not that."""
    return finding.kind is Kind.MALWARE and any(
        name.startswith("MAL-") for name in (finding.rule, *finding.aliases)
    )


def fingerprint_of(parts: Iterable[str]) -> str:
    """Make the fingerprint of a `Location`: one SHA-256 of several texts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
