"""What the policy makes of findings: the only place where a verdict on a package is made. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from package_gate.core.artifact import PackageIdentity
from package_gate.core.decision import JudgedFinding, Verdict
from package_gate.core.finding import (
    Exploited,
    Finding,
    Kind,
    ScannerInfo,
    Severity,
    is_known_malware,
)
from package_gate.core.policy import NEVER, Policy


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy makes of a package."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Why, one sentence each; for an approval what was checked."""
    findings: tuple[JudgedFinding, ...]
    """The worst first."""


def judge(
    package: PackageIdentity,
    findings: Sequence[Finding],
    finished: Sequence[ScannerInfo],
    failures: Sequence[str],
    policy: Policy,
    today: date,
) -> Judgement:
    """Make the verdict on one package.

    Args:
        package: which one it is, for its waivers.
        findings: everything that scanners reported.
        finished: the scanners that finished on all of the package's bytes.
        failures: one message for each scanner that did not; any makes an approval impossible.
        policy: InfoSec's policy.
        today: the date (UTC) on which waivers must hold.

    Returns:
        Refused when a finding refuses; else undecided when anything failed; else approved.
    """
    judged = sorted(
        (_judge_finding(package, finding, policy, today) for finding in findings),
        key=lambda item: (not item.refuses, -item.severity.rank, item.finding.rule),
    )
    refusing = [item for item in judged if item.refuses]
    if refusing:
        verdict = Verdict.REFUSED
        reasons = [refusal(item) for item in refusing]
    elif failures or not finished:
        verdict = Verdict.UNDECIDED
        reasons = list(failures) or ["No scanner has looked at it."]
    else:
        verdict = Verdict.APPROVED
        reasons = [_approval(finished, judged)]
    return Judgement(verdict, tuple(reasons), tuple(judged))


def refuses(package: PackageIdentity, finding: Finding, policy: Policy, today: date) -> bool:
    """Whether a package is refused because of a finding."""
    return _judge_finding(package, finding, policy, today).refuses


def _judge_finding(
    package: PackageIdentity, finding: Finding, policy: Policy, today: date
) -> JudgedFinding:
    severity = _severity(finding, policy)
    threshold = policy.refuse.threshold(finding.scanner, finding.kind)
    refuses = threshold != NEVER and severity >= Severity(threshold)
    if finding.fixed_in == () and not finding.exploited:
        refuses = refuses and policy.prioritise.no_fix == "refuse"
    waiver = policy.waiver_for(package, (finding.rule, *finding.aliases), today)
    return JudgedFinding(finding, severity, refuses and waiver is None, waiver)


def _severity(finding: Finding, policy: Policy) -> Severity:
    """Give what a finding counts as: more than its own severity when it is exploited."""
    unrated = policy.unrated_vulnerability if finding.kind is Kind.VULNERABILITY else "medium"
    severity = finding.severity or Severity(unrated)
    if finding.exploited is None:
        return severity
    known = finding.exploited is Exploited.KNOWN
    least = policy.prioritise.kev if known else policy.prioritise.epss
    return severity if least == NEVER else max(severity, Severity(least))


def refusal(item: JudgedFinding) -> str:
    """Say of a finding that refuses why a package is refused."""
    finding = item.finding
    suspected = finding.kind is Kind.MALWARE and not is_known_malware(finding)
    comma = "," * (finding.severity is None)
    what = f"{item.rating}{comma} {finding.kind}"
    if suspected:  # an index knows nothing of code
        what = "suspicious" if finding.scanner in ("index", "provenance") else "suspicious code"
    return f"{finding.rule} ({what}): {finding.message}"


def _approval(finished: Sequence[ScannerInfo], judged: Sequence[JudgedFinding]) -> str:
    names = ", ".join(sorted(scanner.name for scanner in finished))
    waived = sum(item.waiver is not None for item in judged)
    reason = f"All scanners finished ({names}) and no finding reaches the policy's thresholds."
    return reason + (f" {waived} waived." if waived else "")
