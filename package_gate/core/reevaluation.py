"""What a re-evaluation finds and does, and what it leaves on record for the next one."""

from dataclasses import dataclass
from datetime import date, datetime

from package_gate.core.artifact import Origin, PackageIdentity
from package_gate.core.decision import PackageDecision
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.owed import PackageKey
from package_gate.core.run import Run


def key_of(package: PackageIdentity) -> PackageKey:
    """Say which package it is."""
    return package.origin, package.name, package.version


@dataclass(frozen=True, slots=True)
class Hit:
    """An approved package that the policy would refuse today."""

    decision: PackageDecision
    findings: tuple[Finding, ...]
    """Those that would refuse it."""
    since: date
    """The day of the first report (UTC)."""
    new: bool
    """Whether there is a finding that nobody was told of."""
    due: date
    """The day on which it is withdrawn; `date.max` when it is only reported."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the findings, sorted."""
        return tuple(sorted({finding.rule for finding in self.findings}))

    @property
    def names(self) -> tuple[str, ...]:
        """Their aliases as well."""
        return tuple(sorted({name for f in self.findings for name in (f.rule, *f.aliases)}))


@dataclass(frozen=True, slots=True)
class Reevaluated:
    """What a re-evaluation did."""

    packages: int
    """How many were looked up."""
    decided: tuple[Hit, ...]
    """What was decided again; whether it has left the repository, `run` says."""
    reported: tuple[Hit, ...]
    """What stays approved."""
    run: Run
    """The requests that were decided again."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A hit that stays approved, as the record has it."""

    origin: Origin
    name: str
    version: str
    findings: tuple[str, ...]
    """The rules that would refuse it, sorted."""
    since: date
    """The day of the first report (UTC)."""
    names: tuple[str, ...] = ()
    """All ids of what would refuse it, aliases too, sorted; empty in records of before 0.3."""


REEVALUATION_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class LastReevaluation:
    """The latest re-evaluation whose advisories could be believed."""

    ended_at: datetime
    """UTC."""
    advisories: tuple[ScannerInfo, ...]
    """The sources that it asked, with their data."""
    reported: tuple[Reported, ...]
    """What was told, and stays approved."""
    schema: int = REEVALUATION_SCHEMA
