"""A run in a comment of a pull request: each new line, its verdict so far, and what to do.

It is Markdown of ours around texts of others. These stand in indented code blocks, a line each,
where Markdown obeys nothing: no link, no mention, no markup (CommonMark 4.4, "Indented code
blocks").
"""

from package_gate.core.decision import Verdict
from package_gate.core.request import LineError
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import one_line
from package_gate.report.reading import INSTEAD, next_steps, reasons_besides, totals

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536."""
_MAX_LINES = 10
"""Of the reasons of one request."""
_MAX_WARNINGS = 5
_NOTHING = "No line is new, so there is nothing to try."


def headline(run: Run, left_out: int = 0) -> str:
    """Say what came of it, in one line.

    Args:
        run: of the new lines.
        left_out: how many new lines were not tried.
    """
    if not run.outcomes and not run.line_errors and not left_out:
        return _NOTHING
    return totals(run) + (f", {left_out} not tried" if left_out else "")


def write_comment(run: Run, commit: str, left_out: int = 0) -> str:
    """Write the comment.

    Args:
        run: of the new lines.
        commit: the SHA of what they were read from.
        left_out: how many new lines were not tried.
    """
    head = (
        f"**Package gate: {headline(run, left_out)}**\n\n"
        f"What the gate would decide of the new lines of `{commit}` today, by its own policy. "
        "Nothing is published; it decides when they are merged.\n"
    )
    if left_out:
        head += (
            f"\n{left_out} new lines were not tried here, as there are too many at once. Split the "
            "pull request to see what becomes of them.\n"
        )
    warnings = [one_line(warning, 1000) for warning in run.warnings[:_MAX_WARNINGS]]
    text = head + (f"\nWarnings:\n{_block(warnings)}" if warnings else "")
    entries = [(each.request.line, _request(each)) for each in run.outcomes]
    entries += [(each.line, _bad_line(each)) for each in run.line_errors]
    entries.sort(key=lambda entry: entry[0])
    for place, (_, entry) in enumerate(entries):
        if len(text) + len(entry) > MAX_CHARACTERS:
            return f"{text}\n{len(entries) - place} more lines are in the log of the check.\n"
        text += entry
    return text


def _request(outcome: RequestOutcome) -> str:
    decision, request = outcome.decision, outcome.request
    verdict = "would be approved" if decision.verdict is Verdict.APPROVED else str(decision.verdict)
    if outcome.is_waiting:
        verdict += ", until a cooldown ends"
    said = [one_line(f"{request.name}: {request.source}", 500)]
    said += [one_line(each, 600) for each in reasons_besides(decision, outcome.packages)][
        :_MAX_LINES
    ]
    text = f"\n**Line {request.line}: {verdict}**\n{_block(said)}"
    if decision.verdict is Verdict.APPROVED:
        return text
    steps = next_steps(decision, outcome.packages)
    for step in steps:
        if step.startswith(INSTEAD):
            text += f"\n{INSTEAD.strip()}\n{_block([one_line(step[len(INSTEAD) :], 5000)])}"
    rest = [one_line(step, 600) for step in steps if not step.startswith(INSTEAD)]
    return text + (f"\nWhat to do:\n{_block(rest)}" if rest else "")


def _bad_line(error: LineError) -> str:
    said = [one_line(error.text, 200), one_line(error.message, 500)]
    return (
        f"\n**Line {error.line}: can't be read**\n{_block(said)}"
        f"\nWrite instead:\n{_block([one_line(error.suggestion, 5000)])}"
    )


def _block(lines: list[str]) -> str:
    """Show texts as they are, a line each: none of them may be empty or hold a line break."""
    return "\n" + "".join(f"    {line or '-'}\n" for line in lines)
