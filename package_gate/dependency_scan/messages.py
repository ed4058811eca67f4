"""What a scan says in an email, in a comment, and on the terminal."""

from collections.abc import Iterator

from rich.console import Console

from package_gate.core.decision import Verdict
from package_gate.core.text import one_line
from package_gate.dependency_scan.models import DependencyScan
from package_gate.dependency_scan.reports import PROPOSED
from package_gate.dependency_scan.results import CLEAN_MEANS, WORDS, brought_in
from package_gate.notifications.sns import SNS
from package_gate.notifications.texts import MAX_SUBJECT_CHARACTERS, ascii_line, fit
from package_gate.report.terminal import print_line

MAX_COMMENT_BYTES = 10_000
"""CodeCommit takes 10,240 characters ("Quotas in AWS CodeCommit")."""
MAX_LISTED = 50
"""Packages and problems that a text names; the report has all of them."""
_STYLES = {
    Verdict.APPROVED: "bold green",
    Verdict.REFUSED: "bold red",
    Verdict.UNDECIDED: "bold yellow",
}


def headline(scan: DependencyScan) -> str:
    """Say the result in one line."""
    refused = sum(package.verdict is Verdict.REFUSED for package in scan.packages)
    counts = [f"{refused} of {len(scan.packages)} packages refused"]
    if scan.problems:
        counts.append(f"{len(scan.problems)} not determined")
    return f"{WORDS[scan.verdict]}: {', '.join(counts)}"


def send_email(scan: DependencyScan, topic: SNS, report: str) -> None:
    """Tell the topic; subscribers choose by its attributes.

    Args:
        scan: what was found.
        topic: where to.
        report: where the full report is; "" when nobody says.

    Raises:
        NotifyError: SNS did not take it.
    """
    title = f"[dependency scan] {scan.repository} {scan.branch}".rstrip()
    hint = report or "the build's report"
    topic.publish(
        ascii_line(f"{title}: {headline(scan)}", MAX_SUBJECT_CHARACTERS),
        fit("\n".join(_body(scan, hint)) + "\n", hint),
        {
            "verdict": WORDS[scan.verdict],
            "repository": one_line(scan.repository, 250),
            "branch": one_line(scan.branch, 250),
            "author": one_line(scan.author, 250),
        },
    )


def comment(scan: DependencyScan, report: str) -> str:
    """Write a comment for a pull request: short, without anything that Markdown would obey."""
    text = "\n".join(_body(scan, report or "the build's report"))
    # Indented, it is shown as it is.
    text = "\n".join(f"    {line}" for line in text.splitlines())
    cut = text.encode()[:MAX_COMMENT_BYTES].decode("utf-8", "ignore")
    return f"**Dependency scan: {WORDS[scan.verdict]}**\n\n{cut}\n"


def print_scan(scan: DependencyScan, console: Console) -> None:
    """Print it for a person or a build log."""
    if scan.old_advisories:
        print_line(console, f"WARNING: {scan.old_advisories}", "bold yellow")
    for line in _findings(scan):
        print_line(console, line)
    print_line(console, f"\n{headline(scan)}", _STYLES[scan.verdict])


def _body(scan: DependencyScan, report: str) -> Iterator[str]:
    yield f"{one_line(scan.repository)}: {headline(scan)}"
    yield ""
    for name, value in (
        ("Branch", scan.branch), ("Commit", scan.commit), ("Author", scan.author),
        ("Report", report),
    ):  # fmt: skip
        if value:
            yield f"{name}: {one_line(value, 500)}"
    if scan.old_advisories:
        yield ""
        yield f"WARNING: {one_line(scan.old_advisories, 1000)}"
    yield from _findings(scan)
    yield ""
    yield CLEAN_MEANS
    for info in scan.scanners:
        data = f", data of {info.data_date}" if info.data_date else ""
        yield one_line(f"{info.name} {info.version}{data}: {info.data}", 300)


def _findings(scan: DependencyScan) -> Iterator[str]:
    refused = [package for package in scan.packages if package.verdict is Verdict.REFUSED]
    for package in refused[:MAX_LISTED]:
        yield ""
        yield one_line(f"{package.name} {package.version} is refused:")
        for judged in package.refusing[:MAX_LISTED]:
            finding = judged.finding
            said = f"{judged.rating} {finding.rule}: {finding.message} {finding.recommendation}"
            yield f"  {one_line(said, 600)}"
        for told in brought_in(package):
            yield f"  brought in by {one_line(told, 500)}"
    if len(refused) > MAX_LISTED:
        yield f"and {len(refused) - MAX_LISTED} more refused packages"
    if scan.problems:
        yield ""
        yield "Not determined:"
    for problem in scan.problems[:MAX_LISTED]:
        where = f"{problem.path}{f':{problem.line}' if problem.line else ''}: "
        told = where + problem.text if problem.path else problem.text
        yield f"  {one_line(told, 1000)}"
    if len(scan.problems) > MAX_LISTED:
        yield f"  and {len(scan.problems) - MAX_LISTED} more"
    for proposal in scan.proposals:
        yield ""
        yield f"Proposed instead, in {PROPOSED}/{one_line(proposal.path, 500)}:"
        for change in proposal.changes[:MAX_LISTED]:
            yield f"  {one_line(change.before) or '(new)'} -> {one_line(change.after)}"
    for each in scan.unfixed[:MAX_LISTED]:
        yield ""
        yield f"{one_line(each.name)}: {one_line(each.text, 800)}"
