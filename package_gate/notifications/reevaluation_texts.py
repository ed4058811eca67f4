"""The emails of a re-evaluation: to requesters, and one to InfoSec about all that is new."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from package_gate.core.decision import Verdict
from package_gate.core.reevaluation import Hit, Reevaluated
from package_gate.core.request import Request
from package_gate.core.text import one_line, printable
from package_gate.notifications.outbox import Email
from package_gate.notifications.texts import (
    MAX_SUBJECT_CHARACTERS,
    address,
    ascii_line,
    bullets,
    fit,
    section,
    wrap,
)
from package_gate.report.reading import package_title, subject


def compose_warning(request: Request, hits: Sequence[Hit], report_hint: str) -> Email:
    """Tell a requester that what they have stays approved for now, and why it may not for long.

    Args:
        request: what they asked for.
        hits: packages of its closure.
        report_hint: where the report is.
    """
    due = min(hit.due for hit in hits)
    body = [
        f"{subject(request)}: APPROVED, WITH NEW FINDINGS",
        "",
        f"Request:   {one_line(request.name)}",
        *section("What is new", _hits(hits)),
        *section("What to do next", bullets(_advice(due))),
        *section("Full report", [one_line(report_hint, 500)]),
    ]
    title = f"[package gate] new findings: {subject(request)}"
    return Email(
        subject=ascii_line(title, MAX_SUBJECT_CHARACTERS),
        body=fit("\n".join(body) + "\n", report_hint),
        verdict=Verdict.APPROVED,
        package=one_line(request.name),
        requester=address(request.requester),
    )


def compose_digest(outcome: Reevaluated, report_hint: str) -> Email:
    """Tell InfoSec, at the topic itself, what a re-evaluation found and did.

    Args:
        outcome: what it did.
        report_hint: where the report is.
    """
    decided, reported = len(outcome.decided), len(outcome.reported)
    body = [
        f"{outcome.packages:,} packages on record were looked up: {decided} decided again, "
        f"{reported} reported.",
    ]
    if outcome.run.warnings:
        body += section("To look at first", bullets(outcome.run.warnings))
    if outcome.decided:
        body += section(f"Decided again ({decided})", _hits(outcome.decided))
    if outcome.reported:
        body += section(f"Approved still ({reported})", _hits(outcome.reported, dated=True))
    body += section("Full report", [one_line(report_hint, 500)])
    return Email(
        subject=f"[package gate] re-evaluation: {decided} decided again, {reported} reported",
        body=fit("\n".join(body) + "\n", report_hint),
        verdict=Verdict.REFUSED if decided else Verdict.APPROVED,
        package="",
        requester="",
    )


def _hits(hits: Iterable[Hit], *, dated: bool = False) -> Iterator[str]:
    for hit in hits:
        when = f", {_when(hit.due)}" if dated else ""
        yield f"* {package_title(hit.decision)}{when}"
        for finding in hit.findings:
            severity = finding.severity.value if finding.severity else "unrated"
            yield from wrap(f"{severity} {finding.kind} {printable(finding.rule)}", "  ")
            yield from wrap(finding.message, "    ")
            if finding.recommendation:
                yield from wrap(finding.recommendation, "    ")


def _when(due: date) -> str:
    return "stays" if due == date.max else f"to be withdrawn from {due}"


def _advice(due: date) -> list[str]:
    if due == date.max:
        return ["Ask for a version that fixes the findings, and use that one."]
    return [
        f"From {due} on it is refused and leaves the repository. Ask for a version that fixes the "
        "findings before that, and use that one.",
        "If it has to be this version, ask InfoSec for a waiver.",
    ]
