"""What a person at a terminal sees: progress while the gate works, and the verdicts after it.

Where the output is no terminal (a build log, a file) the same is told in plain lines. Text from
outside is escaped twice: control characters by `text`, rich's own markup by never parsing it.
"""

import re
import textwrap
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from package_gate.core.decision import Verdict
from package_gate.core.notebooks import notebooks
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import one_line, printable
from package_gate.report.reading import (
    COMMAND_LIMIT,
    INSTEAD,
    SAMPLE_WARNING,
    blockers,
    install_command,
    next_steps,
    package_title,
    subject,
    summary,
    totals,
)

MAX_EARLIER = 20
"""Requests decided by earlier runs that are listed; the rest is counted."""
MAX_SUBJECTS = 10
"""Requests that are named before advice that concerns them all."""
TABLE_WIDTH = 90
"""Columns that a terminal must have for a table."""
WHY_CHARACTERS = 600
"""Of a reason."""
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
    print_warnings(run, console)
    for error in run.line_errors:
        where = f"line {error.line}" if error.line else "request file"
        _print_prose(console, f"{where}: {one_line(error.message, 500)}", style="yellow")
        print_line(console, f"    {one_line(error.text)}", "dim")
        print_line(console, f"    Write: {one_line(error.suggestion, 5000)}")
    shown, hidden = _choose(run)
    if quiet:
        for outcome in shown:
            if outcome.decision.verdict is not Verdict.APPROVED:
                print_line(console, _line(outcome))
        print_line(console, f"\n{totals(run)}", "bold")
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
        _print_prose(console, f"and {hidden} more that earlier runs decided: see verdicts.json")
    _print_next([outcome for outcome in shown if outcome.decided_now], console)
    print_line(console, f"\n{totals(run)}", "bold")


def print_warnings(run: Run, console: Console) -> None:
    """Print what the reader must see first."""
    warnings = [SAMPLE_WARNING] if run.sample_advisories else []
    for warning in [*warnings, *run.warnings]:
        _print_warning(one_line(warning, 1000), console)


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
        self._steps: dict[str, tuple[str, float, Callable[[], int] | None]] = {}
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

    def step(self, subject: str, what: str, arrived: Callable[[], int] | None = None) -> None:
        """Tell that something begins.

        Args:
            subject: the request or package it is about.
            what: what is being done, such as `resolving`.
            arrived: says how many bytes of a long download are here.
        """
        subject, what = one_line(subject, 80), one_line(what)
        if self._live is None:
            self._say(f"{subject}: {what}")
            return
        with self._lock:
            self._steps.pop(subject, None)
            self._steps[subject] = (what, time.monotonic(), arrived)

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
            Text(
                f"  {subject}: {what}{_so_far(arrived)} ({now - since:.0f} s)",
                no_wrap=True,
                overflow="ellipsis",
            )
            for subject, (what, since, arrived) in steps
        ]
        done = ", ".join(self._counts[kind] for kind in sorted(self._counts, reverse=True))
        self._spinner.update(text=done)
        return Group(self._spinner, *rows) if rows or done else Group()


def _so_far(arrived: Callable[[], int] | None) -> str:
    return f", {arrived() / 1000**2:,.0f} MB so far" if arrived else ""


def _choose(run: Run) -> tuple[list[RequestOutcome], int]:
    """What this run decided, some of what was decided before, and how many more there are.

    Of those, what is not approved is listed first of all: somebody has to do something about it.
    """
    earlier = [outcome for outcome in run.outcomes if not outcome.decided_now]
    by_need = sorted(earlier, key=lambda each: each.decision.verdict is Verdict.APPROVED)
    listed = {id(outcome) for outcome in by_need[:MAX_EARLIER]}
    shown = [outcome for outcome in run.outcomes if outcome.decided_now or id(outcome) in listed]
    return shown, len(earlier) - len(listed)


def _table(outcomes: Iterable[RequestOutcome]) -> Table:
    table = Table(show_lines=False, header_style="bold")
    table.add_column("Request", overflow="fold", ratio=3)
    table.add_column("Verdict", min_width=len("advisories)"))
    table.add_column("Packages", justify="right", no_wrap=True)
    table.add_column("Which version, or why not", overflow="fold", ratio=5)
    for outcome in outcomes:
        verdict = outcome.decision.verdict
        samples = "\n(sample advisories)" if outcome.decision.sample_advisories else ""
        table.add_row(
            Text(subject(outcome.request)),
            Text(f"{verdict}{samples}", STYLES[verdict]),
            str(len(outcome.decision.packages)),
            Text(_why(outcome)),
        )
    return table


def _print_stacked(outcome: RequestOutcome, console: Console) -> None:
    """Print what a row of the table says, for a terminal that is too narrow for it."""
    verdict = outcome.decision.verdict
    head = Text.assemble((str(verdict), STYLES[verdict]), ": ", (subject(outcome.request), "bold"))
    console.print(head, soft_wrap=True)
    _print_prose(console, f"{_packages(outcome)}: {_why(outcome)}", "    ")


def _packages(outcome: RequestOutcome) -> str:
    count = len(outcome.decision.packages)
    samples = ", sample advisories" if outcome.decision.sample_advisories else ""
    return f"{count} package{'' if count == 1 else 's'}{samples}"


def _line(outcome: RequestOutcome) -> str:
    return (
        f"{outcome.decision.verdict}: {subject(outcome.request)} ({_packages(outcome)}): "
        f"{_why(outcome)}"
    )


def _why(outcome: RequestOutcome) -> str:
    """What is approved, the worst finding that refuses, or else the first reason."""
    if blocking := blockers(outcome.packages):
        return summary(blocking)
    reasons, packages = outcome.decision.reasons, outcome.decision.packages
    if outcome.decision.verdict is Verdict.APPROVED and packages:
        only = f" for {notebooks(outcome.decision.targets)}" if outcome.decision.targets else ""
        return package_title(packages[0]) + only
    return one_line(reasons[0], WHY_CHARACTERS) if reasons else "no reason was recorded"


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
            if step.startswith(INSTEAD):  # to be copied
                print_line(console, f"    {step}")
            else:
                _print_prose(console, step, "    ")


def _print_warning(warning: str, console: Console) -> None:
    if console.is_terminal:
        console.print(Panel(Text(warning), title="Warning", style="bold yellow"), soft_wrap=False)
    else:
        print_line(console, f"WARNING: {warning}")


def _print_prose(console: Console, text: str, indent: str = "", style: str = "") -> None:
    """Print a text of one paragraph, broken between words where a terminal would break words."""
    wrapped = textwrap.wrap(
        text,
        console.width,
        initial_indent=indent,
        subsequent_indent=indent or "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapped if console.is_terminal else [indent + text]:
        print_line(console, line, style)


def print_line(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is: neither markup nor wrapping, which would break a command.

    What a build service would obey (GitHub's and Azure's logging commands) is broken.
    """
    line = _COMMAND.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", line)
    text = Text(line, style if console.is_terminal else "")
    console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)
