"""What still holds: every question of the kind "must this be done again?" is answered here. Pure.

- Evidence holds for the same bytes, the same scanners and the same version of each with its rules.
- A decision holds while evidence, policy and what depends on the day say the same. What is known
  from outside is asked again for every package that is decided again.
- A closure holds while the notebooks that it was resolved for are the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.decision import (
    Basis,
    PackageDecision,
    PackageSummary,
    PrecedentNote,
    RequestDecision,
    Verdict,
)
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.evidence import Evidence
from package_gate.core.owed import PackageKey
from package_gate.core.policy import HistoryRules, Policy
from package_gate.core.precedent import latest_upload


@dataclass(frozen=True)
class Conditions:
    """What a run decides by."""

    policy: Policy
    policy_digest: str
    unpacker: str
    """The name of the scanner that unpacks."""
    scanners: Mapping[str, str]
    """Each scanner of content, the unpacker too → its version with its rules."""
    advisories: Collection[str]
    """The names of the sources of advisories."""
    gate_version: str
    rescan: bool = False
    reevaluates: bool = False
    """Whether what is approved is decided again from its record, by what is known today."""
    sample_advisories: bool = False
    overturned: frozenset[PackageKey] = frozenset()
    """Packages that an earlier run refused and whose withdrawal was not seen through."""

    def basis(self, until: str) -> Basis:
        """What a decision of this run rests on, when all of these looked at all of it."""
        return replace(self._basis, until=until) if until else self._basis

    @cached_property
    def _basis(self) -> Basis:
        versions = [f"{name} {version}" for name, version in self.scanners.items()]
        return Basis(self.policy.targets_digest, tuple(sorted([*versions, *self.advisories])))


def request_holds(decision: RequestDecision, conditions: Conditions, today: date) -> bool:
    """Tell whether a request needs no new decision.

    One of a day that is yet to come was made by a wrong clock: for it, a waiver had ended.
    """
    return (
        not conditions.rescan
        and not (conditions.reevaluates and decision.verdict is Verdict.APPROVED)
        and decision.verdict is not Verdict.UNDECIDED
        and decision.decided_at.date() <= today
        and not _rests_on_overturned(decision, conditions)
        and decision.policy_digest == conditions.policy_digest
        and not (decision.sample_advisories and not conditions.sample_advisories)
        and decision.basis is not None
        and decision.basis == conditions.basis(decision.basis.until)
        and (not decision.basis.until or today.isoformat() <= decision.basis.until)
    )


def _rests_on_overturned(decision: RequestDecision, conditions: Conditions) -> bool:
    return decision.verdict is Verdict.APPROVED and not conditions.overturned.isdisjoint(
        (package.origin, package.name, package.version) for package in decision.packages
    )


def closure_holds(decision: RequestDecision, conditions: Conditions) -> bool:
    """Tell whether what a request resolved to need not be resolved again to decide it again."""
    if conditions.rescan or not decision.packages:
        return False
    if conditions.reevaluates:
        return True
    if decision.basis and decision.basis.targets != conditions.basis("").targets:
        return False
    if decision.verdict is Verdict.APPROVED:
        return True
    return decision.verdict is Verdict.REFUSED and decision.complete


def missing_scans(evidence: Evidence | None, conditions: Conditions) -> tuple[str, ...]:
    """Name the scanners that must still look at a package's bytes."""
    if evidence is None:
        return tuple(conditions.scanners)
    versions = {scan.scanner.name: scan.scanner.version for scan in evidence.scans}
    missing = [
        name for name, version in conditions.scanners.items() if versions.get(name) != version
    ]
    if evidence.inventories is None and conditions.unpacker not in missing:
        missing.append(conditions.unpacker)
    return tuple(missing)


def precedent_that_holds(
    earlier: PackageDecision | None, conditions: Conditions, now: datetime
) -> PrecedentNote | None:
    """Give the precedent of an approval, when it is old enough still; None: look for another.

    Of what is refused there may be a better one by now.
    """
    history = conditions.policy.history
    if earlier is None or earlier.precedent is None or conditions.rescan:
        return None
    note = earlier.precedent
    holds = (
        earlier.verdict is Verdict.APPROVED
        and history.precedent
        and note.since <= _latest_upload(earlier, note, history, now).date()
    )
    return note if holds else None


def _latest_upload(
    earlier: PackageDecision, note: PrecedentNote, rules: HistoryRules, now: datetime
) -> datetime:
    uploads = [file.uploaded for file in earlier.artifacts if file.uploaded]
    itself = note.version == earlier.version
    return latest_upload(rules, now, min(uploads, default=None), itself=itself)


def scans_that_hold(evidence: Evidence, missing: Collection[str]) -> Evidence:
    """Leave out what scanners found whose part does not hold."""
    scans = tuple(scan for scan in evidence.scans if scan.scanner.name not in missing)
    return replace(evidence, scans=scans)


def stands_undecided(
    decision: PackageDecision | RequestDecision,
    earlier: PackageDecision | RequestDecision | None,
    conditions: Conditions,
) -> bool:
    """Tell whether an earlier verdict stays in the record although it could not be judged again.

    A rescan was asked for by somebody who doubts it, so there it does not.
    """
    return (
        not conditions.rescan
        and decision.verdict is Verdict.UNDECIDED
        and earlier is not None
        and earlier.verdict is not Verdict.UNDECIDED
        and not (earlier.sample_advisories and not conditions.sample_advisories)
    )


_OF_THE_DAY = {"decided_at", "judged_at", "judgements", "policy_digest", "gate_version"}
_said = attrgetter(*(f.name for f in fields(PackageDecision) if f.name not in _OF_THE_DAY))
"""All that a decision says but when it was made, and by which policy and gate."""


def unchanged(decision: PackageDecision, earlier: PackageDecision | None) -> bool:
    """Tell whether the record of a package already says this, though perhaps of another day."""
    return earlier is not None and _said(earlier) == _said(decision)


def same_package_verdict(decision: PackageDecision, earlier: PackageDecision) -> bool:
    """Tell whether a new decision says of the same files what the earlier one did."""
    if decision.verdict is Verdict.APPROVED is earlier.verdict:
        return _digests(decision) == _digests(earlier)
    return (decision.verdict, decision.reasons) == (earlier.verdict, earlier.reasons)


def same_request_verdict(decision: RequestDecision, earlier: RequestDecision) -> bool:
    """Tell whether a new decision says of the same closure what the earlier one did."""
    if decision.verdict is Verdict.APPROVED is earlier.verdict:
        return {(p.name, p.version) for p in decision.packages} == {
            (p.name, p.version) for p in earlier.packages
        }
    return (decision.verdict, decision.reasons) == (earlier.verdict, earlier.reasons)


def offer_holds(earlier: RequestDecision, packages: Sequence[PackageSummary]) -> bool:
    """Tell whether the command of an earlier approval still installs exactly these packages."""
    return (
        earlier.verdict is Verdict.APPROVED
        and bool(earlier.install_command)
        and all(package.published_to for package in packages)
        and [(p.name, p.version, p.artifacts, p.for_build) for p in packages]
        == [(p.name, p.version, p.artifacts, p.for_build) for p in earlier.packages]
    )


def with_approved_files(
    package: ResolvedPackage, earlier: PackageDecision | None
) -> ResolvedPackage:
    """Add the files that were approved for other notebooks: one decision covers a version."""
    if earlier is None or earlier.verdict is not Verdict.APPROVED:
        return package
    names = {file.filename for file in package.files}
    others = tuple(file.remote for file in earlier.artifacts if file.filename not in names)
    return replace(package, files=package.files + others) if others else package


def stays_published(decision: PackageDecision, earlier: PackageDecision) -> bool:
    """Tell whether what an earlier decision published is all that this one wants published.

    Where the files of a version grow, and not all of them were approved before, it isn't certain
    which were published.
    """
    grows = ecosystem_of(decision.origin).versions_grow
    if decision.verdict is not Verdict.APPROVED or not grows:
        return True
    return earlier.verdict is Verdict.APPROVED and _digests(earlier) >= _digests(decision)


def _digests(decision: PackageDecision) -> set[str]:
    return {artifact.sha256 for artifact in decision.artifacts}
