"""What a person at a terminal sees: progress while the gate works, and the verdicts after it.

Where the output is no terminal (a build log, a file) the same is told in plain lines. Text from
outside is escaped twice: control characters by `text`, rich's own markup by never parsing it.
"""

import re
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from package_gate.core.decision import Verdict
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import one_line, printable
from package_gate.report.reading import (
    COMMAND_LIMIT,
    SAMPLE_WARNING,
    blockers,
    install_command,
    next_steps,
    subject,
)

MAX_EARLIER = 20
"""Requests decided by earlier runs that are listed; the rest is counted."""
MAX_SUBJECTS = 10
"""Requests that are named before advice that concerns them all."""
TABLE_WIDTH = 100
"""Columns that a terminal must have for a table."""
LIVE_ROWS = 8
"""Subjects that the live display shows, the latest ones."""
_COMMAND = re.compile(r"^\s*::|##(?:vso)?\[", re.IGNORECASE)
STYLES = {
    Verdict.APPROVED: "bold green",
    Verdict.REFUSED: "bold red",
    Verdict.UNDECIDED: "bold yellow",
}


def print_verdicts(run: Run, console: Console, *, quiet: bool = False) -> None:
    """Print warnings, bad lines, a verdict for each request, and what to do next.

    Args:
        run: what happened.
        console: a table when it is a terminal, plain lines when it is not.
        quiet: whether to leave out what is approved, and what to do next.
    """
    warnings = [SAMPLE_WARNING] if run.sample_advisories else []
    for warning in [*warnings, *run.warnings]:
        _print_warning(one_line(warning, 1000), console)
    for error in run.line_errors:
        where = f"line {error.line}" if error.line else "request file"
        print_line(console, f"{where}: {one_line(error.message, 500)}", "yellow")
        print_line(console, f"    {one_line(error.text)}", "dim")
        print_line(console, f"    Write: {one_line(error.suggestion, 5000)}")
    shown, hidden = _choose(run)
    if quiet:
        for outcome in shown:
            if outcome.decision.verdict is not Verdict.APPROVED:
                print_line(console, _line(outcome))
        print_line(console, _totals(run), "bold")
        return
    if console.is_terminal and console.width >= TABLE_WIDTH:
        if shown:
            console.print(_table(shown), soft_wrap=False)
    elif console.is_terminal:
        for outcome in shown:
            _print_stacked(outcome, console)
    else:
        for outcome in shown:
            print_line(console, _line(outcome))
    if hidden:
        print_line(console, f"and {hidden} more that earlier runs decided: see verdicts.json")
    _print_next([outcome for outcome in shown if outcome.decided_now], console)
    print_line(console, _totals(run), "bold")


class Progress:
    """Tells what the gate is doing; safe to use from several threads.

    A context manager. On a terminal the latest subjects stand in a live display that is gone at
    the end; elsewhere each step is a line such as `scikit-learn: resolving`.
    """

    def __init__(self, console: Console, *, quiet: bool = False, verbose: bool = False) -> None:
        """Show progress on `console`; nothing is shown before the first step.

        Args:
            console: where to.
            quiet: whether to show nothing at all.
            verbose: whether each step is a line with its time, on a terminal too.
        """
        self._console = console
        self._quiet = quiet
        self._verbose = verbose
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[str, float]] = {}
        self._counts: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = (
            Live(get_renderable=self._render, console=console, transient=True)
            if console.is_terminal and not quiet and not verbose
            else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, subject: str, what: str) -> None:
        """Tell that something begins.

        Args:
            subject: the request or package it is about.
            what: what is being done, such as `resolving`.
        """
        subject, what = one_line(subject, 80), one_line(what)
        if self._live is None:
            self._say(f"{subject}: {what}")
            return
        with self._lock:
            self._steps.pop(subject, None)
            self._steps[subject] = (what, time.monotonic())

    def end(self, subject: str, what: str = "") -> None:
        """Tell that nothing more is done with something, and perhaps what came of it."""
        subject, what = one_line(subject, 80), one_line(what)
        if self._live is not None:
            with self._lock:
                self._steps.pop(subject, None)
        elif what:
            self._say(f"{subject}: {what}")

    def count(self, kind: str, done: int, total: int) -> None:
        """Tell how many of a kind are done."""
        self._counts[kind] = f"{done:,}/{total:,} {kind}"

    def _say(self, line: str) -> None:
        if not self._quiet:
            at = f"{datetime.now(UTC):%H:%M:%S} " if self._verbose else ""
            print_line(self._console, at + line)

    def _render(self) -> RenderableType:
        now = time.monotonic()
        with self._lock:
            steps = list(self._steps.items())[-LIVE_ROWS:]
        rows = [
            Text(f"  {subject}: {what} ({now - since:.0f} s)", no_wrap=True, overflow="ellipsis")
            for subject, (what, since) in steps
        ]
        done = ", ".join(self._counts[kind] for kind in sorted(self._counts, reverse=True))
        self._spinner.update(text=done)
        return Group(self._spinner, *rows) if rows or done else Group()


def _choose(run: Run) -> tuple[list[RequestOutcome], int]:
    """What this run decided, the first of what was decided before, and how many more there are."""
    earlier = [outcome for outcome in run.outcomes if not outcome.decided_now]
    listed = {id(outcome) for outcome in earlier[:MAX_EARLIER]}
    shown = [outcome for outcome in run.outcomes if outcome.decided_now or id(outcome) in listed]
    return shown, len(earlier) - len(listed)


def _table(outcomes: Iterable[RequestOutcome]) -> Table:
    table = Table(show_lines=False, header_style="bold")
    table.add_column("Request", overflow="fold")
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Packages", justify="right")
    table.add_column("Why", overflow="fold")
    for outcome in outcomes:
        verdict = outcome.decision.verdict
        table.add_row(
            Text(subject(outcome.request)),
            Text(_verdict(outcome), STYLES[verdict]),
            str(len(outcome.decision.packages)),
            Text(_why(outcome)),
        )
    return table


def _print_stacked(outcome: RequestOutcome, console: Console) -> None:
    """Print what a row of the table says, for a terminal that is too narrow for it."""
    head = Text.assemble(
        (_verdict(outcome), STYLES[outcome.decision.verdict]),
        " ",
        (subject(outcome.request), "bold"),
    )
    console.print(head, soft_wrap=False)
    console.print(
        Padding(Text(f"{_packages(outcome)}: {_why(outcome)}"), (0, 0, 0, 4)), soft_wrap=False
    )


def _packages(outcome: RequestOutcome) -> str:
    count = len(outcome.decision.packages)
    return f"{count} package{'' if count == 1 else 's'}"


def _line(outcome: RequestOutcome) -> str:
    packages = _packages(outcome)
    return f"{_verdict(outcome)}: {subject(outcome.request)} ({packages}): {_why(outcome)}"


def _verdict(outcome: RequestOutcome) -> str:
    samples = " (sample advisories)" if outcome.decision.sample_advisories else ""
    return f"{outcome.decision.verdict}{samples}"


def _why(outcome: RequestOutcome) -> str:
    """The worst finding that refuses, or else the first reason."""
    if blocking := blockers(outcome.packages):
        worst = blocking[0]
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        return (
            one_line(
                f"{worst.judged.rating} {worst.finding.kind} {worst.finding.rule} "
                f"in {worst.package.name} {worst.package.version}"
            )
            + more
        )
    reasons = outcome.decision.reasons
    return one_line(reasons[0]) if reasons else "no reason was recorded"


def _print_next(outcomes: Iterable[RequestOutcome], console: Console) -> None:
    """Print each install command, and once for all whom it concerns what to do about the rest."""
    concerned: dict[tuple[str, ...], list[str]] = {}
    for outcome in outcomes:
        if command := install_command(outcome.decision):
            print_line(console, f"\n{subject(outcome.request)}", "bold")
            for line in command.splitlines():
                print_line(console, f"    {printable(line, COMMAND_LIMIT)}")
        else:
            steps = tuple(next_steps(outcome.decision, outcome.packages))
            concerned.setdefault(steps, []).append(subject(outcome.request))
    for steps, subjects in concerned.items():
        more = f" and {len(subjects) - MAX_SUBJECTS} more" if len(subjects) > MAX_SUBJECTS else ""
        print_line(console, f"\n{', '.join(subjects[:MAX_SUBJECTS])}{more}", "bold")
        for step in steps:
            print_line(console, f"    {step}")


def _print_warning(warning: str, console: Console) -> None:
    if console.is_terminal:
        console.print(Panel(Text(warning), title="Warning", style="bold yellow"), soft_wrap=False)
    else:
        print_line(console, f"WARNING: {warning}")


def _totals(run: Run) -> str:
    counts = [
        f"{sum(outcome.decision.verdict is verdict for outcome in run.outcomes)} {verdict}"
        for verdict in Verdict
    ]
    if run.waiting:
        counts[-1] += f" ({run.waiting} of them until a cooldown ends)"
    bad = len(run.line_errors)
    lines = [f"{bad} bad line{'' if bad == 1 else 's'}"] if bad else []
    return f"\n{', '.join(counts + lines)}"


def print_line(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is: neither markup nor wrapping, which would break a command.

    What a build service would obey (GitHub's and Azure's logging commands) is broken.
    """
    line = _COMMAND.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", line)
    text = Text(line, style if console.is_terminal else "")
    console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)
