"""What every report and email tells in the same words: what refuses, and what to do next."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from package_gate.core.decision import (
    Cause,
    JudgedFinding,
    PackageDecision,
    PackageSummary,
    RequestDecision,
    Verdict,
)
from package_gate.core.finding import Finding, Kind, is_known_malware
from package_gate.core.judge import refusal
from package_gate.core.notebooks import notebooks
from package_gate.core.request import PyPISource, Request
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import one_line, printable

SAMPLE_WARNING = (
    "SAMPLE ADVISORIES. The real ones could not be reached: the verdict rests on a small "
    "hand-written set that covers a few packages only. Don't rely on it; give a real snapshot "
    "with --advisories."
)
WAIVER_DAYS = 90
"""The expiry that a waiver is proposed with."""
INSTEAD = "Request instead: "
"""What stands before a line for the request file."""
COMMAND_LIMIT = 4000
"""Characters of an install command: far more than any is long, as a cut one would be wrong."""


@dataclass(frozen=True, slots=True)
class Member:
    """One package of a request's closure."""

    summary: PackageSummary
    decision: PackageDecision | None
    """None when the package was not decided, for example because it could not be fetched."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A finding because of which a package is refused."""

    package: PackageDecision
    judged: JudgedFinding

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return self.judged.finding


def closure(outcome: RequestOutcome) -> list[Member]:
    """Pair each package that the request's record names with its decision.

    Decisions that the record does not name come last: none is left out of a report.
    """
    decisions = {(package.name, package.version): package for package in outcome.packages}
    members = [
        Member(summary, decisions.pop((summary.name, summary.version), None))
        for summary in outcome.decision.packages
    ]
    return members + [Member(left.summary, left) for left in decisions.values()]


def subject(request: Request) -> str:
    """What people call the request: `scikit-learn==1.5.2`, or an archive's name."""
    source = request.source
    if isinstance(source, PyPISource):
        return one_line(" with ".join((source.requirement, *source.constraints)))
    return one_line(request.name)


def package_title(package: PackageDecision | PackageSummary) -> str:
    """A package in a heading or a sentence: `scikit-learn 1.5.2`."""
    return one_line(f"{package.name} {package.version}")


def purpose(summary: PackageSummary) -> str:
    """For what and for which notebooks a package is there, when not to be installed on all."""
    parts = ["to build others"] if summary.for_build else []
    parts += [f"for {notebooks(summary.targets)}"] if summary.targets else []
    return ", ".join(parts)


def utc(moment: datetime) -> str:
    """A UTC time as people read it: `2026-11-22 10:15 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def install_command(decision: RequestDecision) -> str:
    """What the requester runs; "" for anything that is not approved, whatever its record says."""
    return decision.install_command if decision.verdict is Verdict.APPROVED else ""


def earlier_scanners(run: Run) -> dict[tuple[str, ...], int]:
    """Say what decided the requests that this run did not: scanners with versions → how many."""
    return Counter(
        outcome.decision.basis.scanners
        for outcome in run.outcomes
        if not outcome.decided_now and outcome.decision.basis
    )


def totals(run: Run) -> str:
    """Count the verdicts of a run, in one line."""
    counts = [
        f"{sum(outcome.decision.verdict is verdict for outcome in run.outcomes)} {verdict}"
        for verdict in Verdict
    ]
    if run.waiting:
        counts[-1] += f" ({run.waiting} of them until a cooldown ends)"
    bad = len(run.line_errors)
    lines = [f"{bad} bad line{'' if bad == 1 else 's'}"] if bad else []
    return ", ".join(counts + lines)


def blockers(packages: Sequence[PackageDecision]) -> list[Blocker]:
    """Every finding that refuses, the worst first."""
    found = [
        Blocker(package, judged)
        for package in packages
        for judged in package.findings
        if judged.refuses
    ]
    return sorted(found, key=lambda each: each.judged.severity, reverse=True)


def summary(blocking: Sequence[Blocker]) -> str:
    """Say what refuses, in one line: the worst finding, and how many more there are."""
    worst, more = blocking[0], len(blocking) - 1
    what = f"{worst.judged.rating} {worst.finding.kind}"
    if is_suspicion(worst.finding):
        what = f"{worst.judged.rating} suspicion"
    told = f"{what} {worst.finding.rule} in {package_title(worst.package)}"
    return one_line(told) + (f" (and {more} more)" if more else "")


def withdrawn(packages: Sequence[PackageDecision]) -> list[str]:
    """Name what of these the gate had published and took back."""
    return [package_title(each) for each in packages if each.withdrawn_at is not None]


def next_steps(decision: RequestDecision, packages: Sequence[PackageDecision]) -> list[str]:
    """What the requester does now, a sentence or two each.

    Commands and waivers are not among them: see `install_command` and `waiver_block`.
    """
    if decision.verdict is Verdict.APPROVED:
        only = [f"It is for {notebooks(decision.targets)} only; the notes say why."]
        if install_command(decision):
            return [*(only if decision.targets else ()), "Install it with this command."]
        return ["It is not published: a dry run publishes nothing. Run the gate without it."]
    if decision.verdict is Verdict.UNDECIDED:
        when = _when(decision)
        return [_WHO_ACTS[cause].format(**when) for cause in decision.causes] or [when["again"]]
    steps: list[str] = []
    if decision.instead:
        steps.append(f"{INSTEAD}{decision.instead}")
    if back := withdrawn(packages):
        steps.append(
            f"Approved before, and withdrawn now: {', '.join(back)}. Uninstall wherever installed."
        )
    blocking = blockers(packages)
    if any(is_known_malware(each.finding) for each in blocking):
        steps.append(
            "It is reported as malware. Don't look for a way around the gate. If it was ever "
            "installed, tell InfoSec now."
        )
    suspicions = [each for each in blocking if is_suspicion(each.finding)]
    if suspicions:
        steps.append(
            "A rule suspects something; that is no proof. A person has to look: ask InfoSec, and "
            "send them this report. Meanwhile, an older version may do."
        )
    if not decision.instead and any(
        each.finding.recommendation
        for each in blocking
        if each not in suspicions and not is_known_malware(each.finding)
    ):
        steps.append("Request a version that fixes the findings: each says what would.")
    if suspicions and waiver_block(decision, packages):
        steps.append(
            "For InfoSec: read the lines that are shown, and what each finding says to look at. If "
            "they are harmless, fill in the waiver below and add it to the policy file. If not, "
            "tell those who have the package."
        )
    if len(suspicions) < len(blocking) and waiver_block(decision, packages):
        steps.append(
            "If it has to be this version, ask InfoSec for a waiver. They check the findings, "
            "fill in who approves it and why, and add it to the policy file."
        )
    if not blocking and not decision.instead:
        steps.append(
            "Request another source or version, as the reason says. Where it is the policy that "
            "forbids this one, ask InfoSec whether it should."
        )
    return steps


_WHO_ACTS = {
    Cause.REQUEST: "You act: this line can't be fulfilled as it stands. Change it as the reason "
    "says. {again}",
    Cause.GATE: "Those who run the gate act: a part of it did not finish. Send them this when the "
    "next run says the same. {again}",
    Cause.OUTSIDE: "Something outside the gate did not answer as it should. Correct the line when "
    "the reason says so; otherwise nobody acts yet. {again} When it says the same for two days, "
    "tell those who run the gate.",
    Cause.COOLDOWN: "Nobody has to act: a release is too fresh. {later} InfoSec can let it through "
    'earlier, with a waiver for "cooldown".',
}


def _when(decision: RequestDecision) -> dict[str, str]:
    """Say when an undecided request is tried again."""
    until = f" from {utc(decision.waits_until)} on" if decision.waits_until else ""
    return {
        "again": "The next run, after a push or on the gate's schedule, tries again.",
        "later": f"The first run{until or ' after the date in the reason'} decides it.",
    }


def is_suspicion(finding: Finding) -> bool:
    """Whether a finding is what a rule makes of code: a reason to look, no proof."""
    return finding.kind is Kind.MALWARE and not is_known_malware(finding)


def reasons_besides(decision: RequestDecision, packages: Sequence[PackageDecision]) -> list[str]:
    """Give the reasons of a verdict: what its findings say themselves is one line."""
    blocking = blockers(packages)
    said = {f"{b.package.name} {b.package.version}: {refusal(b.judged)}" for b in blocking}
    reasons = [reason for reason in decision.reasons if reason not in said]
    if blocking:
        number = f"{len(blocking)} findings refuse" if len(blocking) > 1 else "One finding refuses"
        reasons.insert(0, f"{number} it: {summary(blocking)}")
    return reasons or ["No reason was recorded."]


def waiver_block(decision: RequestDecision, packages: Sequence[PackageDecision]) -> str:
    """The `[[waivers]]` tables that would let a refused request pass, "" when there are none.

    Approver and reason are empty, which the policy refuses to load: only a person can fill them
    in. Reported malware gets no table.
    """
    blocking = blockers(packages)
    if decision.verdict is not Verdict.REFUSED or any(
        is_known_malware(each.finding) for each in blocking
    ):
        return ""
    expires = (decision.decided_at + timedelta(days=WAIVER_DAYS)).date()
    tables = (
        "[[waivers]]\n"
        f"package = {_toml_string(each.package.name)}\n"
        f"version = {_toml_string(each.package.version)}\n"
        f"finding = {_toml_string(each.finding.rule)}\n"
        f"expires = {expires:%Y-%m-%d}\n"
        'approved_by = ""\n'
        'reason = ""\n'
        for each in blocking
    )
    return "\n".join(dict.fromkeys(tables))


def places(finding: Finding) -> Iterator[str]:
    """Where a finding is, one place each, with what stands there: `demo.whl: demo/x.py:12: f()`."""
    artifact = one_line(finding.artifact)
    if not finding.locations and artifact:
        yield artifact
    for location in finding.locations:
        line = "" if location.line is None else f":{location.line}"
        code = f": {printable(location.code, 200)}" if location.code else ""
        yield f"{artifact}{': ' if artifact else ''}{printable(location.path, 300)}{line}{code}"
    if (more := finding.count - len(finding.locations)) > 0 and finding.locations:
        yield f"and {more} more"


def web_address(reference: str) -> str | None:
    """The reference, when it is an address that a person may be led to by a click.

    That is `https://`, in printable ASCII, without a user name that poses as the host.
    """
    if not reference.isascii() or any(
        not character.isprintable() or character in ' "<>\\^`{|}' for character in reference
    ):
        return None
    try:
        parts = urlsplit(reference)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    leads_there = reference.startswith("https://") and host and "@" not in parts.netloc
    return reference if leads_there else None


def _toml_string(text: str) -> str:
    r"""A TOML basic string (toml.io, "String"), in ASCII: who copies it sees what it holds."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    escaped = "".join(
        character if " " <= character <= "~" else f"\\U{ord(character):08x}"
        for character in valid.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'
