"""One kill and what follows: the gate is run, killed at a point, and run again to the end."""

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from tests.aws_run import STATUS_SECONDS, ScriptRun
from tests.fakes.relay import Moment
from tests.kill.builds import LEASE_SECONDS, Build, requests_of
from tests.kill.checks import (
    OWED_RESCAN,
    STATUS,
    at_the_end,
    at_the_kill,
    is_decided,
    is_refused,
    of_broken_connections,
    overturned,
    repeated_emails,
    signing_faults,
    still_published,
)
from tests.kill.processes import Mode, go_on, kill, stand_still

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
    happened = _run_until(build, point, partial(kill, mode=mode))
    took_over = build.store.turn_taken()
    faults = [f"at the kill: {fault}" for fault in at_the_kill(build)] if happened else []
    _clear(build)
    faults += at_the_end(build, build.rerun())
    return Killed(happened, faults, repeated_emails(build), took_over)


def overturning(build: Build) -> Undisturbed:
    """Run to the end, and again as a rescan that refuses what was approved."""
    build.start().wait(STATUS_SECONDS)
    for relay in build.relays.values():
        relay.requests.clear()
    with _rescan(build):
        begin = time.monotonic()
        build.start().wait(STATUS_SECONDS)
        seconds = time.monotonic() - begin
    did = Undisturbed(
        seconds,
        build.text("stdout").count("\n"),
        Counter(build.operations()),
        {name: requests_of(relay) for name, relay in build.relays.items()},
        [],
    )
    return replace(did, faults=_overturned_by_plain_runs(build))


def killed_rescan(build: Build, point: Point, mode: Mode) -> Killed:
    """Kill a rescan that refuses what was approved; plain runs must see it through."""
    build.start().wait(STATUS_SECONDS)
    with _rescan(build):
        happened = _run_until(build, point, partial(kill, mode=mode))
    faults = signing_faults(build, done=False)
    took_over = build.store.turn_taken()
    begun = OWED_RESCAN in build.store.documents() or is_refused(build, "dep")
    _clear(build)
    if happened and not begun:  # nobody can know that there was to be a rescan
        build.rerun()
        faults += at_the_end(build, build.rerun())
        return Killed(happened, faults, repeated_emails(build), took_over)
    faults += _overturned_by_plain_runs(build)
    return Killed(happened, faults, repeated_emails(build), took_over)


def stood_still(build: Build, point: Point, mode: Mode) -> Killed:
    """Stop a run for longer than its lease; another refuses meanwhile what the first approves."""
    build.run.environment["PACKAGE_GATE_LEASE_SECONDS"] = LEASE_SECONDS
    build.run.environment["KILL_GOES_ON"] = "1"
    stopped: list[int] = []
    goes_on = threading.Event()
    happened = _run_until(
        build, point, lambda process: stopped.extend(stand_still(process, mode)), goes_on
    )
    process = build.process
    assert process is not None
    _clear(build)
    if not happened:
        return Killed(False, [], 0, False)
    decided = is_decided(build, "app")
    status = build.other_refuses()
    go_on(process, stopped)
    goes_on.set()
    first = process.wait(STATUS_SECONDS)
    faults = [] if status == first == STATUS else [f"exit statuses {first} and {status}"]
    if isinstance(build.run, ScriptRun) and not decided:
        faults += [f"when both had ended: {f}" for f in still_published(build, "dep")]
        faults += _overturned_by_plain_runs(build)
    else:  # on one machine the lock keeps the other out
        at_last = at_the_end(build, build.rerun())
        faults += [fault for fault in at_last if not of_broken_connections(fault)]
    return Killed(happened, faults, repeated_emails(build), True)


@contextmanager
def _rescan(build: Build) -> Iterator[None]:
    """Let the dependency be refused from now on, and the runs of the block be rescans."""
    build.overturn(build.run)
    arguments = build.arguments
    build.arguments = (*arguments, "--rescan")
    yield
    build.arguments = arguments


def _overturned_by_plain_runs(build: Build) -> list[str]:
    faults = []
    for number in range(1, 4):
        status = build.rerun()
        settled = number > 2
        faults += [f"plain run {number}: {f}" for f in overturned(build, status, settled=settled)]
    return faults


def _clear(build: Build) -> None:
    for relay in build.relays.values():
        relay.moments.clear()


def _run_until(
    build: Build,
    point: Point,
    act: Callable[[subprocess.Popen[bytes]], object],
    goes_on: threading.Event | None = None,
) -> bool:
    """Run until a point and act then; tells whether it came before the run had ended.

    Args:
        build: the build.
        point: the point.
        act: stops the process.
        goes_on: tells when it goes on, and that it is not waited for.
    """
    begin = time.monotonic()
    stop_at = f"{point.number} {point.what}" if point.kind is Kind.OPERATION else ""
    acted = threading.Event()

    def once() -> None:
        assert build.process is not None
        if not acted.is_set():
            act(build.process)
            acted.set()

    if point.kind in (Kind.REQUEST, Kind.ANSWER):
        after, skip = point.kind is Kind.ANSWER, point.number - 1
        moment = Moment(point.what, once, after=after, skip=skip, hold=goes_on)
        build.relays[point.relay].moments.append(moment)
    process = build.start(stop_at)
    while not acted.is_set():
        state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT | os.WNOHANG)
        if state is not None and state.si_code != os.CLD_STOPPED:
            break
        passed = time.monotonic() - begin
        if (
            (state is not None and point.kind is Kind.OPERATION)
            or (point.kind is Kind.MOMENT and passed >= point.seconds)
            or (point.kind is Kind.LINE and build.text("stdout").count("\n") >= point.number)
        ):
            once()
            break
        assert passed < STATUS_SECONDS, f"the run hangs, waiting for {point}"
        time.sleep(LOOK_SECONDS)
    if goes_on is None:
        return process.wait(STATUS_SECONDS) < 0
    return acted.is_set()
