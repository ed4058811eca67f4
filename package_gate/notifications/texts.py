"""The texts of the emails: short, plain, and the same for the same decision.

They fit Amazon SNS (API reference, "Publish"): a subject of fewer than 100 ASCII characters
without control characters, and a message of at most 262,144 bytes in UTF-8.
"""

import hashlib
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.patterns import is_email
from package_gate.core.request import Request
from package_gate.core.text import one_line, printable
from package_gate.notifications.outbox import Email, without_encoded_words
from package_gate.report.encoding import json_bytes
from package_gate.report.reading import (
    COMMAND_LIMIT,
    SAMPLE_WARNING,
    Blocker,
    blockers,
    install_command,
    next_steps,
    package_title,
    places,
    purpose,
    reasons_besides,
    subject,
    utc,
    waiver_block,
    withdrawn,
)

MAX_SUBJECT_CHARACTERS = 99
MAX_BODY_BYTES = 262_144
TEXT_LIMIT = 2000
"""Characters of one message, reason or recommendation."""
WIDTH = 78


def compose(
    request: Request,
    decision: RequestDecision,
    packages: Sequence[PackageDecision],
    report_hint: str,
) -> Email:
    """Write the email that tells a requester the verdict.

    Args:
        request: the line that asked.
        decision: its verdict.
        packages: the decisions of its closure, the requested package first.
        report_hint: where the full report is, such as an address or a path; not a credential.
    """
    title = f"[package gate] {_verdict_words(decision, packages)}: {subject(request)}"
    body = "\n".join(_body(request, decision, packages, report_hint)) + "\n"
    return Email(
        subject=ascii_line(title, MAX_SUBJECT_CHARACTERS),
        body=fit(body, report_hint),
        verdict=decision.verdict,
        package=one_line(request.name),
        requester=address(request.requester),
    )


def notification_digest(decision: RequestDecision) -> str:
    """What of a decision an email says: SHA-256 of its verdict, and of why or of how to install it.

    A requester who was sent this digest needs no further email.
    """
    approved = decision.verdict is Verdict.APPROVED
    said = [decision.install_command] if approved else decision.reasons
    return hashlib.sha256(json_bytes([decision.verdict.value, said])).hexdigest()


def sent_before(decision: RequestDecision, earlier: RequestDecision) -> dict[str, str]:
    """Say who need not be emailed again, by the digests of today.

    Who was last sent something else is left out, before that is taken back: a run that is killed
    between sending and noting it must not leave on record that they know what was true before.
    Gate 0.1 (schema 1) knew an approval by its reasons, which name the scanners; what an email is
    for is the command.
    """
    digest = notification_digest(decision)
    known = {digest}
    same = (earlier.verdict, earlier.install_command) == (
        decision.verdict,
        decision.install_command,
    )
    if earlier.schema == 1 and same and decision.verdict is Verdict.APPROVED:
        said = [earlier.verdict, earlier.reasons]
        known.add(hashlib.sha256(json_bytes(said)).hexdigest())
    return {who: digest for who, sent in earlier.notified.items() if sent in known}


def fit(body: str, report_hint: str) -> str:
    """Cut a body that is too long for SNS at a line's end, and point to the full report."""
    if len(body.encode()) <= MAX_BODY_BYTES:
        return body
    pointer = f"\n[Cut here: too long for an email. Full report: {_hint(report_hint)}]\n"
    room = MAX_BODY_BYTES - len(pointer.encode())
    kept = body.encode()[:room].decode("utf-8", "ignore")
    return kept[: kept.rfind("\n") + 1] + pointer


def _body(
    request: Request,
    decision: RequestDecision,
    packages: Sequence[PackageDecision],
    report_hint: str,
) -> Iterator[str]:
    yield f"{subject(request)}: {_verdict_words(decision, packages).upper()}"
    yield ""
    line = f"line {request.line}, " if request.line else ""
    yield f"Request:   {line}{one_line(request.name)}"
    yield f"Source:    {one_line(decision.source, 500)}"
    if request.requester:
        yield f"Requester: {one_line(request.requester)}"
    yield f"Decided:   {utc(decision.decided_at)}"
    if decision.sample_advisories:
        yield from section("WARNING", bullets([SAMPLE_WARNING]))
    if decision.old_advisories:
        yield from section("WARNING", bullets([decision.old_advisories]))
    yield from section("Why", bullets(reasons_besides(decision, packages)))
    yield from section("What to do next", _next(decision, packages))
    if decision.verdict is Verdict.APPROVED:
        yield from section("What was approved", _files(decision, packages))
    if blocking := blockers(packages):
        yield from section(f"What refuses it ({len(blocking)})", _findings(blocking))
    if waivers := waiver_block(decision, packages):
        yield from section("The waiver, for InfoSec to fill in", waivers.splitlines())
    if decision.notes:
        yield from section("Good to know", bullets(decision.notes))
    yield from section("Full report", [_hint(report_hint)])


def section(heading: str, content: Iterable[str]) -> Iterator[str]:
    """Write a heading with what stands below it."""
    yield ""
    yield heading
    yield "-" * len(heading)
    yield from content


def _next(decision: RequestDecision, packages: Sequence[PackageDecision]) -> Iterator[str]:
    yield from bullets(next_steps(decision, packages))
    if command := install_command(decision):
        yield ""
        for line in command.splitlines():
            yield f"    {printable(line, COMMAND_LIMIT)}"


def _files(decision: RequestDecision, packages: Sequence[PackageDecision]) -> Iterator[str]:
    purposes = {(each.name, each.version): purpose(each) for each in decision.packages}
    for package in packages:
        published = package.published_to
        why = purposes.get((package.name, package.version))
        yield f"* {package_title(package)}{f' ({why})' if why else ''}"
        yield f"  {f'published to {printable(published, 500)}' if published else 'not published'}"
        for artifact in package.artifacts:
            yield f"  {printable(artifact.filename)} ({artifact.size:,} bytes)"
            yield f"    sha256:{printable(artifact.sha256)}"


def _findings(blocking: Sequence[Blocker]) -> Iterator[str]:
    for number, each in enumerate(blocking, start=1):
        finding = each.finding
        if number > 1:
            yield ""
        yield f"{number}. {each.judged.rating.upper()} {one_line(finding.rule)}"
        yield f"   {finding.kind} in {package_title(each.package)}, found by " + one_line(
            finding.scanner
        )
        yield from wrap(finding.message, "   ")
        if finding.recommendation:
            yield from wrap(f"Recommendation: {finding.recommendation}", "   ")
        if finding.aliases:
            yield from wrap(f"Also known as: {', '.join(finding.aliases)}", "   ")
        yield from (f"   Where: {place}" for place in places(finding))
        yield from (f"   See: {one_line(reference, 1000)}" for reference in finding.references)


def bullets(texts: Iterable[str]) -> Iterator[str]:
    """Write texts as a list."""
    for text in texts:
        first, *rest = wrap(text, "  ") or [""]
        yield f"* {first.removeprefix('  ')}"
        yield from rest


def wrap(text: str, indent: str) -> list[str]:
    """Break a text into lines of `WIDTH` characters, on one line however it was written."""
    return textwrap.wrap(
        one_line(text, TEXT_LIMIT),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict_words(decision: RequestDecision, packages: Sequence[PackageDecision]) -> str:
    back = withdrawn(packages) if decision.verdict is Verdict.REFUSED else []
    if not back:
        return decision.verdict.value
    if package_title(packages[0]) in back:
        return "refused and withdrawn"
    return f"refused, {back[0] if len(back) == 1 else f'{len(back)} packages'} withdrawn"


def _hint(report_hint: str) -> str:
    return one_line(report_hint, 500)


def ascii_line(text: str, limit: int) -> str:
    """Write a text as one line of printable ASCII, cut with dots when it is too long.

    A mail reader finds no encoded word in it (RFC 2047), which could hold a line break.
    """
    plain = one_line(text, limit * 2).encode("ascii", "backslashreplace").decode("ascii")
    plain = without_encoded_words(plain)
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def address(requester: str) -> str:
    """The requester's address; "" for what is none, so that it can't become another header."""
    return requester if is_email(requester) else ""
