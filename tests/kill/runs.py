"""One kill and what follows: the gate is run, killed at a point, and run again to the end."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from tests.aws_run import STATUS_SECONDS
from tests.fakes.relay import Moment
from tests.kill.builds import Build, requests_of
from tests.kill.checks import at_the_end, at_the_kill, repeated_emails
from tests.kill.processes import Mode, kill

LOOK_SECONDS = 0.003


class Kind(StrEnum):
    """What a kill waits for."""

    OPERATION = "before an operation"
    """The gate's own: on a file, or the start of a program."""
    REQUEST = "before a request"
    """It has been sent and nothing is done yet."""
    ANSWER = "after a request"
    """It is done and the gate has not heard of it."""
    LINE = "line of progress"
    MOMENT = "random moment"


@dataclass(frozen=True)
class Point:
    """When to kill."""

    kind: Kind
    what: str = ""
    """The operation, or the request's beginning."""
    number: int = 1
    """Which of those; of a line, its number."""
    relay: str = ""
    """By which the request goes."""
    seconds: float = 0
    """Of a moment: after the start."""

    def __str__(self) -> str:
        if self.kind is Kind.MOMENT:
            return f"{self.kind}: {self.seconds:.3f} s"
        if self.kind is Kind.LINE:
            return f"{self.kind}: {self.number}"
        return f"{self.kind}: {self.relay} {self.what} ({self.number})"


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody kills: what it does, and how long it takes."""

    seconds: float
    lines: int
    operations: Counter[str]
    requests: dict[str, Counter[str]]
    """By relay."""
    faults: list[str]


@dataclass(frozen=True)
class Killed:
    """What came of one kill."""

    happened: bool
    """False when the run had ended before its point came."""
    faults: list[str]
    repeated_emails: int
    took_over: bool
    """Whether the rerun found the killed run's lease."""


def undisturbed(build: Build) -> Undisturbed:
    """Run to the end."""
    begin = time.monotonic()
    status = build.start().wait(STATUS_SECONDS)
    seconds = time.monotonic() - begin
    faults = at_the_end(build, status)
    if repeated := repeated_emails(build):
        faults.append(f"{repeated} emails twice")
    return Undisturbed(
        seconds,
        build.text("stdout").count("\n"),
        Counter(build.operations()),
        {name: requests_of(relay) for name, relay in build.relays.items()},
        faults,
    )


def killed(build: Build, point: Point, mode: Mode) -> Killed:
    """Kill a run, look, run again, and look again."""
    happened = _run_until_killed(build, point, mode)
    took_over = build.store.turn_taken()
    faults = [f"at the kill: {fault}" for fault in at_the_kill(build)] if happened else []
    for relay in build.relays.values():
        relay.moments.clear()
    faults += at_the_end(build, build.rerun())
    return Killed(happened, faults, repeated_emails(build), took_over)


def _run_until_killed(build: Build, point: Point, mode: Mode) -> bool:
    """Whether the run was killed; it may have ended before."""
    begin = time.monotonic()
    stop_at = f"{point.number} {point.what}" if point.kind is Kind.OPERATION else ""
    if point.kind in (Kind.REQUEST, Kind.ANSWER):
        act = partial(_kill_latest, build, mode)
        moment = Moment(point.what, act, after=point.kind is Kind.ANSWER, skip=point.number - 1)
        build.relays[point.relay].moments.append(moment)
    process = build.start(stop_at)
    while True:
        state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT | os.WNOHANG)
        if state is not None and state.si_code != os.CLD_STOPPED:
            break
        passed = time.monotonic() - begin
        if (
            (state is not None and point.kind is Kind.OPERATION)
            or (point.kind is Kind.MOMENT and passed >= point.seconds)
            or (point.kind is Kind.LINE and build.text("stdout").count("\n") >= point.number)
        ):
            kill(process, mode)
            break
        assert passed < STATUS_SECONDS, f"the run hangs, waiting for {point}"
        time.sleep(LOOK_SECONDS)
    return process.wait(STATUS_SECONDS) < 0


def _kill_latest(build: Build, mode: Mode) -> None:
    assert build.process is not None
    kill(build.process, mode)
