"""Evidence, standing, policy and the day → a decision. Pure: no clock, no network, no record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.decision import (
    DECISION_SCHEMA,
    MAX_JUDGEMENTS,
    Cause,
    JudgedFinding,
    PackageDecision,
    RequestDecision,
    Verdict,
)
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import (
    SourceError,
    SourceRefusedError,
    TooFreshError,
    UnresolvedError,
    describe,
)
from package_gate.core.evidence import Evidence
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.freshness import TooFresh
from package_gate.core.inventory import Inventory
from package_gate.core.judge import judge
from package_gate.core.licences import licence_findings
from package_gate.core.policy import COOLDOWN
from package_gate.core.precedent import Comparison, compared, suspicions
from package_gate.core.request import Request
from package_gate.core.standing import Standing, old_advisories
from package_gate.core.text import one_line
from package_gate.pipeline.reuse import (
    Conditions,
    same_package_verdict,
    same_request_verdict,
    stays_published,
)
from package_gate.sources.index_findings import yanked_release
from package_gate.sources.installing import installing_notes, not_for

_GIVEN_UP = re.compile(
    r"\b(?:deprecated|obsolete|abandoned|unmaintained|superseded|renamed to|no longer "
    r"(?:maintained|developed|supported)|use \S+ instead)\b",
    re.IGNORECASE,
)
GRACE = timedelta(days=1)
"""How long after its cooldown a request may be undecided still, before somebody should look."""
UNKNOWN_DAYS = 30
"""After so many days an index is asked again for a project that it did not have."""
SUSPICION_DAYS = 30
"""After so many days a suspicion is compared with the project's precedent again."""


def decide_package(
    package: ResolvedPackage,
    evidence: Evidence | None,
    standing: Standing,
    conditions: Conditions,
    now: datetime,
    *,
    fresh: TooFresh | None = None,
    comparison: Comparison | None = None,
) -> PackageDecision:
    """Decide a package.

    Args:
        package: what it is.
        evidence: what is in its bytes; None when they were not looked at.
        standing: what is known of it from outside.
        conditions: the policy, and which scanners must have looked at it.
        now: the time (UTC).
        fresh: why its release is too young to be approved, if it is.
        comparison: with an older release, when there is a suspicion: what stood there is set
            aside.
    """
    standing = standing.checked_age(conditions.policy.advisories, now.date())
    scans = evidence.scans if evidence else ()
    yanked = {file.filename: file.yanked for file in package.files}
    artifacts = tuple(
        artifact
        if artifact.yanked == (reason := yanked.get(artifact.filename))
        else replace(artifact, yanked=reason)
        for artifact in (evidence.artifacts if evidence else ())
    )
    findings = [finding for scan in scans for finding in scan.findings]
    suspected = bool(suspicions(package, findings, conditions.policy, now.date()))
    if comparison is not None:
        findings = compared(findings, comparison)
    judgement = judge(
        package,
        [
            *_index_findings(package),
            *_licence_findings(evidence, conditions),
            *findings,
            *standing.findings,
        ],
        [*(scan.scanner for scan in scans), *standing.scanners],
        [*_unfinished(evidence, standing, conditions), *standing.failures],
        conditions.policy,
        now.date(),
    )
    verdict, reasons = judgement.verdict, judgement.reasons
    waits_until = None
    if fresh and verdict is Verdict.APPROVED:
        verdict, reasons = Verdict.UNDECIDED, (fresh.reason,)
        waits_until = fresh.until
    return PackageDecision(
        name=package.name,
        version=package.version,
        origin=package.origin,
        verdict=verdict,
        reasons=reasons,
        notes=_notes(package, evidence),
        artifacts=artifacts,
        findings=judgement.findings,
        scanners=tuple(sorted((*(s.scanner for s in scans), *standing.scanners), key=_by_name)),
        policy_digest=conditions.policy_digest,
        decided_at=now,
        judged_at=now,
        gate_version=conditions.gate_version,
        evidence=evidence.digest if evidence else "",
        standing=standing.digest,
        until=_until(package, judgement.findings, conditions, now.date(), suspected=suspected),
        waits_until=waits_until,
        precedent=comparison.precedent.note if comparison and comparison.precedent else None,
        sample_advisories=conditions.sample_advisories,
        provenance=standing.provenance,
        schema=DECISION_SCHEMA,
    )


@dataclass(frozen=True, slots=True)
class PackageOutcome:
    """How one package of a closure ended."""

    subject: str
    """Its name and version, for messages."""
    decision: PackageDecision | None
    """None when it could not be decided at all."""
    error: BaseException | None = None
    """Why not."""


def decide_request(
    request: Request,
    outcomes: Sequence[PackageOutcome],
    notes: Sequence[str],
    conditions: Conditions,
    now: datetime,
) -> RequestDecision:
    """Decide a request by its packages: refused before undecided before approved.

    Args:
        request: the line that asked.
        outcomes: of its whole closure, the requested package first.
        notes: what a reader must know besides the packages' own notes.
        conditions: what the run decides by.
        now: the time (UTC).
    """
    reasons: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for each in outcomes:
        if each.decision is None:
            refused = isinstance(each.error, SourceRefusedError)
            why = describe(each.error) if isinstance(each.error, Exception) else "was stopped."
            reasons[Verdict.REFUSED if refused else Verdict.UNDECIDED].append(
                f"{each.subject}: {why}"
            )
        else:
            approved = each.decision.verdict is Verdict.APPROVED  # for all by the same reasons
            subject = "" if approved else f"{each.decision.name} {each.decision.version}: "
            reasons[each.decision.verdict] += [f"{subject}{r}" for r in each.decision.reasons]
    verdict = next(
        (v for v in (Verdict.REFUSED, Verdict.UNDECIDED) if reasons[v]), Verdict.APPROVED
    )
    decisions = [each.decision for each in outcomes if each.decision is not None]
    all_notes = [*notes, *(note for d in decisions for note in _about(d))]
    until = min((d.until for d in decisions if d.until), default="")
    decision = RequestDecision(
        name=request.name,
        source=str(request.source),
        verdict=verdict,
        reasons=tuple(dict.fromkeys(reasons[verdict])),
        notes=tuple(dict.fromkeys(all_notes)),
        packages=tuple(decision.summary for decision in decisions),
        policy_digest=conditions.policy_digest,
        decided_at=now,
        gate_version=conditions.gate_version,
        sample_advisories=conditions.sample_advisories,
        old_advisories=old_advisories(
            (
                info
                for decision in decisions
                for info in decision.scanners
                if info.name in conditions.advisories
            ),
            conditions.policy.advisories,
            now.date(),
        ),
        complete=len(decisions) == len(outcomes) > 0,
        basis=None if verdict is Verdict.UNDECIDED else conditions.basis(until),
        causes=_causes(outcomes) if verdict is Verdict.UNDECIDED else (),
        schema=DECISION_SCHEMA,
    )
    return _waiting(decision, [_wait(each) for each in outcomes if not _is_approved(each)])


def refuse_unfit(
    decision: RequestDecision,
    packages: Sequence[ResolvedPackage],
    outcomes: Sequence[PackageOutcome],
    conditions: Conditions,
) -> RequestDecision:
    """Refuse an approval that could not be installed on a notebook that it is for.

    Args:
        decision: the approval.
        packages: its closure.
        outcomes: how each of these ended.
        conditions: what the run decides by.
    """
    pythons = conditions.policy.targets.python_versions
    reasons = [
        reason
        for package, outcome in zip(packages, outcomes, strict=True)
        if outcome.decision and (reason := not_for(package, outcome.decision, pythons))
    ]
    if not reasons:
        return decision
    return replace(decision, verdict=Verdict.REFUSED, reasons=tuple(reasons))


def cause_of(error: BaseException | None) -> Cause:
    """Say what an error comes from, by who can change it."""
    if isinstance(error, TooFreshError):
        return Cause.COOLDOWN
    if isinstance(error, UnresolvedError):
        return Cause.REQUEST
    return Cause.OUTSIDE if isinstance(error, SourceError) else Cause.GATE


def _causes(outcomes: Sequence[PackageOutcome]) -> tuple[Cause, ...]:
    found = set()
    for each in outcomes:
        if each.decision is None:
            found.add(cause_of(each.error))
        elif each.decision.verdict is Verdict.UNDECIDED:
            found.add(Cause.COOLDOWN if each.decision.waits_until else Cause.GATE)
    return tuple(cause for cause in Cause if cause in found)


def _is_approved(outcome: PackageOutcome) -> bool:
    return outcome.decision is not None and outcome.decision.verdict is Verdict.APPROVED


def _wait(outcome: PackageOutcome) -> datetime | None:
    """When the cooldown of a package ends, if it waits for nothing else."""
    if outcome.decision is not None:
        return outcome.decision.waits_until
    return outcome.error.until if isinstance(outcome.error, TooFreshError) else None


def _waiting(decision: RequestDecision, ends: Sequence[datetime | None]) -> RequestDecision:
    """Say how long a request waits, when waiting is all that it needs.

    Args:
        decision: on the request.
        ends: of each package that is not approved, see `_wait`.
    """
    known = [end for end in ends if end is not None]
    if decision.verdict is not Verdict.UNDECIDED or not known or len(known) < len(ends):
        return decision
    return replace(decision, waits_until=max(known), overdue_from=_later(max(known)))


def _later(moment: datetime) -> datetime:
    """A day later, which is a day of grace for the run that decides."""
    return min(moment, datetime.max.replace(tzinfo=moment.tzinfo) - GRACE) + GRACE


def refuse_or_leave(
    request: Request,
    verdict: Verdict,
    reasons: Sequence[str],
    conditions: Conditions,
    now: datetime,
    *,
    passing: bool = False,
    error: Exception | None = None,
) -> RequestDecision:
    """Decide a request of which no package is known: refused, or left undecided.

    With `passing`, a refusal is thought over after `UNKNOWN_DAYS`. `error` is what keeps it
    undecided.
    """
    nothing = decide_request(request, (), (), conditions, now)
    until = (now.date() + timedelta(days=UNKNOWN_DAYS)).isoformat() if passing else ""
    basis = conditions.basis(until) if verdict is Verdict.REFUSED else None
    causes = (cause_of(error),) if verdict is Verdict.UNDECIDED else ()
    decision = replace(nothing, verdict=verdict, reasons=tuple(reasons), basis=basis, causes=causes)
    return _waiting(decision, [error.until if isinstance(error, TooFreshError) else None])


def follow_package(decision: PackageDecision, earlier: PackageDecision) -> PackageDecision:
    """Give a package's new decision what is kept of its earlier one.

    That is where it stands published, and the time of its verdict when it says what the earlier
    did.
    """
    published = earlier.may_be_published
    stays = published and stays_published(decision, earlier)
    same = same_package_verdict(decision, earlier)
    judgements = (*earlier.judgements, earlier.as_earlier)[-MAX_JUDGEMENTS:] if same else ()
    return replace(
        decision,
        decided_at=earlier.decided_at if same else decision.decided_at,
        judgements=judgements,
        attestation=earlier.attestation,
        published_to=earlier.published_to if stays else "",
        published_at=earlier.published_at if published else None,
        withdrawn_at=None if published else earlier.withdrawn_at,
        withdrawn_by_gate=earlier.withdrawn_by_gate,
    )


def follow_request(
    decision: RequestDecision, earlier: RequestDecision, notified: dict[str, str]
) -> RequestDecision:
    """Give a request's new decision what is kept of its earlier one.

    That is what the earlier one published and the new one leaves out; one that says the same keeps
    the time of its first making.

    Args:
        decision: the new one.
        earlier: the one on record.
        notified: who need not be told again.
    """
    closure = {(package.name, package.version) for package in decision.packages}
    superseded = tuple(
        package
        for package in earlier.published
        if not ecosystem_of(package.origin).named_by_digest
        and (package.name, package.version) not in closure
    )
    same = same_request_verdict(decision, earlier)
    waited = decision.overdue_from and earlier.overdue_from  # newer releases make nobody wait anew
    return replace(
        decision,
        superseded=superseded,
        notified=notified,
        decided_at=earlier.decided_at if same else decision.decided_at,
        overdue_from=earlier.overdue_from if waited else decision.overdue_from,
    )


def _unfinished(evidence: Evidence | None, standing: Standing, conditions: Conditions) -> list[str]:
    """Name what did not look at the package; with any, it can't be approved."""
    failures = list(evidence.failures if evidence else ())
    if failures or standing.failures:
        return failures
    looked = {scan.scanner.name for scan in evidence.scans} if evidence else set()
    looked |= {scanner.name for scanner in standing.scanners}
    return [
        f"The scanner {name} has not looked at it."
        for name in sorted({*conditions.scanners, *conditions.advisories} - looked)
    ]


def _notes(package: ResolvedPackage, evidence: Evidence | None) -> tuple[str, ...]:
    inventories = (evidence and evidence.inventories) or ()
    said = (*_given_up(evidence), *installing_notes(package, inventories))
    return tuple(dict.fromkeys((*package.notes, *said)))


def _index_findings(package: ResolvedPackage) -> list[Finding]:
    """Report what the index says against the project, and files that it has yanked."""
    reasons = [file.yanked for file in package.files if file.yanked is not None]
    yanked = [yanked_release(reasons[0], len(reasons))] if reasons else []
    return [*package.findings, *yanked]


def _licence_findings(evidence: Evidence | None, conditions: Conditions) -> list[Finding]:
    """Report what the policy has against the package's licence."""
    if evidence is None:
        return []
    # Files that nobody has taken an inventory of declare nothing that is known.
    unknown = tuple(Inventory(artifact.filename) for artifact in evidence.artifacts)
    inventories = unknown if evidence.inventories is None else evidence.inventories
    return licence_findings(inventories, conditions.policy.licenses)


def _about(decision: PackageDecision) -> list[str]:
    """Give a package's notes, each of which names it."""
    subject = f"{decision.name} {decision.version}"
    return [note if subject in note else f"{subject}: {note}" for note in decision.notes]


def _given_up(evidence: Evidence | None) -> list[str]:
    """Repeat what authors say of a project that they have given up, such as `sklearn`."""
    summaries = {each.summary for each in (evidence and evidence.inventories) or ()}
    return [
        f'its authors describe it as "{one_line(summary, 200)}"'
        for summary in sorted(summaries)
        if _GIVEN_UP.search(summary)
    ]


def _until(
    package: ResolvedPackage,
    judged: Sequence[JudgedFinding],
    conditions: Conditions,
    today: date,
    *,
    suspected: bool,
) -> str:
    """Give the last day on which a decision holds, or "".

    Then a waiver ends that was used, or the project may have another precedent.
    """
    cooldown = conditions.policy.waiver_for(package, [COOLDOWN], today)
    waivers = [item.waiver for item in judged if item.waiver] + ([cooldown] if cooldown else [])
    ends = [waiver.expires for waiver in waivers]
    if suspected and conditions.policy.history.precedent:
        ends.append((today + timedelta(days=SUSPICION_DAYS)).isoformat())
    return min(ends, default="")


def _by_name(scanner: ScannerInfo) -> str:
    return scanner.name
