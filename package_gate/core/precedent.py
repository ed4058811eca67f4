"""What the world has lived with: what stood in an old release is no evidence today. Pure.

A suspicion is what a rule makes of code, or of what an archive has that no rule reads; it is not a
report. Each of its places has a fingerprint of what leads there. Those places whose fingerprint the
same rule found in the precedent too are set aside: reported, at `low`, or `info` of an archive. So
are those that lead to an address which stood in the precedent's code and is one owner's alone. What
is new stays what it was, but for code that waits to be called, which many an honest package has:
where it is new, and in a project without history, it is `high`. What many a young project does is
`low`, and is `high` only where a project with a history starts with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from package_gate.core.addresses import receiver_fingerprint
from package_gate.core.artifact import PackageIdentity
from package_gate.core.decision import PrecedentNote
from package_gate.core.evidence import Evidence
from package_gate.core.finding import Finding, Kind, Location, Severity, is_known_malware, quoted
from package_gate.core.judge import refuses
from package_gate.core.policy import HistoryRules, Policy


@dataclass(frozen=True, slots=True)
class Precedent:
    """An older release of a project, or the release itself once it is old."""

    name: str
    """The project's; of an archive, the one that it says it is."""
    version: str
    since: date
    """When the last of its files that count was uploaded."""
    evidence: Evidence
    """What is in them."""

    @property
    def note(self) -> PrecedentNote:
        """What a decision says of it."""
        return PrecedentNote(self.name, self.version, self.since, self.evidence.digest)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What suspicions were compared with."""

    precedent: Precedent | None
    """None: the project has no history, so all is new."""
    with_itself: bool = False
    """Whether the precedent is these very bytes."""


def latest_upload(
    rules: HistoryRules, now: datetime, made: datetime | None, *, itself: bool
) -> datetime:
    """Say when the files of a precedent must have been uploaded, at the latest.

    Who takes a project over is found out, and what they added is gone from its next release. So
    what had been public for a while when its maintainers made the next one, and is still in there,
    counts sooner than a release alone.

    Args:
        rules: the policy's.
        now: the moment of the run (UTC).
        made: when the release that is to be decided was uploaded; None for an archive by address.
        itself: whether the precedent would be, or may be, that very release.
    """
    alone = now - timedelta(days=rules.days)
    if itself:
        return alone
    return max(alone, (made or now) - timedelta(days=rules.carried_days))


def suspicions(
    package: PackageIdentity, findings: Iterable[Finding], policy: Policy, today: date
) -> list[Finding]:
    """Give the findings that refuse, and that a precedent may set aside."""
    return [
        finding
        for finding in findings
        if _is_suspicion(finding)
        and _is_known_again(finding)
        and refuses(package, _weighed(finding, has_history=True), policy, today)
    ]


def _is_suspicion(finding: Finding) -> bool:
    if finding.kind is Kind.ARCHIVE:
        return _is_known_again(finding)
    return finding.kind is Kind.MALWARE and not is_known_malware(finding)


def _is_known_again(finding: Finding) -> bool:
    """Whether any of its places could be found again in another release."""
    return any(place.fingerprint for place in finding.locations)


def compared(findings: Iterable[Finding], comparison: Comparison) -> list[Finding]:
    """Lower what stood in the precedent; a finding with old and new places becomes two."""
    precedent = comparison.precedent
    owned = {
        receiver_fingerprint(address)
        for inventory in (precedent.evidence.inventories or () if precedent else ())
        for address in inventory.addresses
    }
    stood = {
        (finding.scanner, finding.rule, place.fingerprint)
        for scan in (precedent.evidence.scans if precedent else ())
        for finding in scan.findings
        for place in finding.locations
        if _is_suspicion(finding) and place.fingerprint
    }
    result: list[Finding] = []
    for finding in findings:
        if not _is_suspicion(finding):
            result.append(finding)
            continue
        old = [
            place
            for place in finding.locations
            if place.fingerprint in owned
            or (finding.scanner, finding.rule, place.fingerprint) in stood
        ]
        # Of more places than are named nobody knows which stood there, but of the very release.
        all_named = finding.count == len(finding.locations) or comparison.with_itself
        if precedent is None or not old or not all_named:
            result.append(_weighed(finding, has_history=precedent is not None))
            continue
        new = [place for place in finding.locations if place not in old]
        result += [_weighed(_with_places(finding, new), has_history=True)] if new else []
        lowered = _lowered(_with_places(finding, old), precedent)
        result.append(lowered if new else replace(lowered, count=finding.count))
    return result


def _weighed(finding: Finding, *, has_history: bool) -> Finding:
    """Weigh what is new; what is low is only of interest where there is something to compare."""
    counts = {Severity.MEDIUM, Severity.LOW} if has_history else {Severity.MEDIUM}
    if not finding.waits or finding.severity not in counts:
        return finding
    said = f"{finding.message} No older release of the project has it."
    return replace(finding, severity=Severity.HIGH, message=said)


def _with_places(finding: Finding, places: Sequence[Location]) -> Finding:
    before, after = quoted(finding.locations), quoted(places)
    message = finding.message.replace(before, after) if before and after else finding.message
    return replace(finding, message=message, locations=tuple(places), count=len(places))


def _lowered(finding: Finding, precedent: Precedent) -> Finding:
    severity = finding.severity if finding.severity is not None else Severity.MEDIUM
    stands = f"has stood since {precedent.version} of {precedent.since.isoformat()}"
    return replace(
        finding,
        # Of archives, policies refuse what is low.
        severity=min(severity, Severity.INFO if finding.kind is Kind.ARCHIVE else Severity.LOW),
        message=f"{finding.message} Set aside: unchanged, it {stands}.",
        recommendation="",
    )
