"""Pauses, kills and lost answers between any two steps of two runs, on the real gate.

What must hold, whatever happens:
- no refused package is installable when a run has ended well;
- no approval stands over a newer refusal;
- nothing owed is forgotten: what is left is paid by the next runs, which are plain ones;
- each verdict is emailed at least once, and the last email says what is on record.

A run of one request makes one call at a time, so each of its calls can be tried. Here every call
is interrupted in some of the ways; `shell/run-benchmark.sh one_writer` tries each call in every
way, and all pairs of two interruptions.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from package_gate.core.decision import Verdict
from tests.protocol.runs import LEASE_SECONDS, MALWARE, Everything, Going, How, pypi

APP = pypi("app")
SHARE = 4
"""One of so many calls is interrupted here in each way, another one in each."""
PAIRS = 48
"""One of so many pairs of interruptions is tried here."""
Prepare = Callable[[Everything], None]


def new(everything: Everything) -> None:
    """The request is new."""


def approved(everything: Everything) -> None:
    """It was approved and published, and malware is reported since."""
    Going(everything, [APP]).finish()
    assert list(everything.published) == ["app 1.0"]
    everything.advisories["app"] = [MALWARE]


def overturned(everything: Everything) -> None:
    """It was refused, and the report has turned out to be wrong."""
    everything.advisories["app"] = [MALWARE]
    Going(everything, [APP]).finish()
    everything.advisories["app"] = []


def started(everything: Everything, *, rescan: bool) -> Going:
    return Going(everything, [APP], rescan=rescan)


def length(folder: Path, prepare: Prepare, *, rescan: bool) -> int:
    """How many calls a run makes that nobody disturbs."""
    everything = made(folder, prepare)
    run = started(everything, rescan=rescan)
    calls = 0
    while not run.ended:
        run.step()
        calls += 1
    assert run.is_well
    return calls


def made(folder: Path, prepare: Prepare) -> Everything:
    folder.mkdir(exist_ok=True)
    everything = Everything(folder)
    prepare(everything)
    return everything


def quiet_runs_pay(everything: Everything, *, last_email_counts: bool = True) -> None:
    """Nobody disturbs the next runs, which are plain ones."""
    before = everything.request(APP)
    for _ in range(4):
        last = started(everything, rescan=False)
        last.finish()
        nothing_refused_is_installable(everything, last)
    assert last.is_well, (last.error, last.run and last.run.warnings)
    assert everything.owed() == []
    request = everything.request(APP)
    package = everything.package("app")
    assert request
    assert package
    if before and before.verdict is Verdict.REFUSED and everything.advisories.get("app"):
        assert request.verdict is Verdict.REFUSED
    assert package.verdict is request.verdict
    if request.verdict is Verdict.APPROVED and not everything.published:
        # A withdrawal of the run that stood still came late. Of this a rescan knows.
        started(everything, rescan=True).finish()
    assert bool(everything.published) == (request.verdict is Verdict.APPROVED)
    said = [email.verdict for email in everything.emails]
    assert request.verdict in said
    if last_email_counts:
        assert said[-1] is request.verdict


def nothing_refused_is_installable(everything: Everything, run: Going) -> None:
    package = everything.package("app")
    if run.is_well and package and package.verdict is Verdict.REFUSED:
        assert not everything.published, run.trace


RUNS: tuple[tuple[Prepare, bool], ...] = (
    (new, False),
    (new, True),
    (approved, True),
    (overturned, True),
)
"""What has been before, and whether the run is a rescan."""
IDS = ["new", "new by a rescan", "overturned", "overturned back"]


def some_calls(folder: Path, prepare: Prepare, *, rescan: bool, way: int = 0) -> range:
    """Give some of the calls of a run; those of all ways are all calls."""
    begin = RUNS.index((prepare, rescan)) + way
    return range(begin % SHARE, length(folder, prepare, rescan=rescan), SHARE)


WAYS = pytest.mark.parametrize(("prepare", "rescan"), RUNS, ids=IDS)


@WAYS
def test_a_kill_at_any_call_is_made_good_by_plain_runs(
    tmp_path: Path, prepare: Prepare, rescan: bool
) -> None:
    for calls in some_calls(tmp_path, prepare, rescan=rescan):
        killed(tmp_path, prepare, calls, rescan=rescan)


def killed(folder: Path, prepare: Prepare, calls: int, *, rescan: bool) -> None:
    """Kill a run after so many calls, and look what plain runs make of it."""
    everything = made(folder, prepare)
    run = started(everything, rescan=rescan)
    for _ in range(calls):
        run.step()
    run.kill()
    begun = any("owed/rescan" in key for key in everything.bucket.objects)
    quiet_runs_pay(everything)
    if prepare is approved and begun:
        assert everything.published == {}, run.trace


@WAYS
@pytest.mark.parametrize("how", [How.FAILED, How.LOST])
def test_a_call_that_fails_is_made_good(
    tmp_path: Path, prepare: Prepare, rescan: bool, how: How
) -> None:
    for calls in some_calls(tmp_path, prepare, rescan=rescan, way=2 * (how is How.LOST)):
        failed(tmp_path, prepare, calls, rescan=rescan, how=how)


def failed(folder: Path, prepare: Prepare, calls: int, *, rescan: bool, how: How) -> None:
    """Let the call after so many fail or lose its answer, and look what runs make of it."""
    everything = made(folder, prepare)
    run = started(everything, rescan=rescan)
    for _ in range(calls):
        run.step()
    name = run.waiting[0]
    run.step(how)
    run.finish()
    nothing_refused_is_installable(everything, run)
    if how is How.LOST and name.startswith("after put"):
        assert run.is_well, (name, run.run and run.run.warnings)
    quiet_runs_pay(everything)


@WAYS
@pytest.mark.parametrize("second", [False, True], ids=["plain", "rescan"])
def test_a_run_that_stands_still_at_any_call_is_taken_over(
    tmp_path: Path, prepare: Prepare, rescan: bool, second: bool
) -> None:
    for calls in some_calls(tmp_path, prepare, rescan=rescan, way=2 * second):
        taken_over(tmp_path, prepare, calls, rescan=rescan, second=second)


def taken_over(
    folder: Path,
    prepare: Prepare,
    calls: int,
    *,
    rescan: bool,
    second: bool,
    then: int | None = None,
) -> bool:
    """Stop a run, let another take over while the world turns, and let the first go on.

    Args:
        folder: for the runs' files.
        prepare: what has been before.
        calls: after how many calls the first run stands still.
        rescan: whether it is a rescan.
        second: whether the run that takes over is one.
        then: after how many further calls the first is killed; None for never.

    Returns:
        Whether the first run came to its end before `then`.
    """
    everything = made(folder, prepare)
    run = started(everything, rescan=rescan)
    for _ in range(calls):
        run.step()
    everything.seconds += LEASE_SECONDS + 1
    bad = bool(everything.advisories.get("app"))
    everything.advisories["app"] = [] if bad else [MALWARE]
    other = started(everything, rescan=second)
    other.finish()
    nothing_refused_is_installable(everything, other)
    says = everything.request(APP)
    further = 0
    while not run.ended and further != then:
        run.step()
        further += 1
    ended = run.ended
    # What was handed over late by a process that died then can't be called back.
    died_of_an_email = not ended and any(c.startswith("send") for c in run.trace[calls:])
    if not ended:
        run.kill()
    elif says and other.run:
        now = everything.request(APP)
        assert now
        if says.verdict is Verdict.REFUSED and run.turn < other.turn:
            assert now.verdict is Verdict.REFUSED, run.trace
            assert not everything.published, run.trace
    quiet_runs_pay(everything, last_email_counts=not died_of_an_email)
    return ended


def pairs(folder: Path) -> Iterator[tuple[Prepare, bool, bool, int, int]]:
    """Give all pairs of a call at which a run stands still, and one at which it is killed then."""
    for prepare, rescan in ((new, False), (approved, True)):
        calls = length(folder, prepare, rescan=rescan)
        for second in (False, True):
            for first in range(calls):
                for then in range(1, 12):
                    yield prepare, rescan, second, first, then


def test_a_run_that_was_taken_over_may_be_killed_at_any_call(tmp_path: Path) -> None:
    for number, (prepare, rescan, second, first, then) in enumerate(pairs(tmp_path)):
        if number % PAIRS == 0:
            taken_over(tmp_path, prepare, first, rescan=rescan, second=second, then=then)


@pytest.mark.parametrize("seed", range(3))
def test_requests_that_share_packages(tmp_path: Path, seed: int) -> None:
    """Many threads: which of their calls is next is drawn, and not the same again."""
    shared_packages(tmp_path, seed)


def shared_packages(folder: Path, seed: int) -> None:
    """Run, kill, stand still and lose answers by chance, then look what quiet runs make of it."""
    chance = random.Random(seed)
    everything = Everything(folder)
    everything.closures = {"app": ["app", "dep"], "web": ["web", "dep"], "dep": ["dep"]}
    requests = [pypi(name) for name in everything.closures]
    going: list[Going] = []
    for _ in range(chance.randrange(40, 300)):
        if len(going) < 2 and chance.random() < 0.2:
            going.append(Going(everything, requests, rescan=chance.random() < 0.5))
        if chance.random() < 0.03:
            bad = chance.random() < 0.5
            everything.advisories[chance.choice(["app", "dep", "web"])] = [MALWARE] if bad else []
        if chance.random() < 0.03:
            everything.seconds += chance.choice([1, 30, 61])
        if not going:
            continue
        run = chance.choice(going)
        if chance.random() < 0.01:
            run.kill()
        elif chance.random() < 0.1:
            run.renew()
        else:
            how = chance.choices(list(How), [40, 1, 1])[0]
            run.step(how, chance.randrange(8))
        if run.ended or run.killed:
            going.remove(run)
    for run in going:
        run.finish()
    for _ in range(4):
        last = Going(everything, requests)
        last.finish()
    assert last.is_well, (seed, last.error, last.run and last.run.warnings)
    assert everything.owed() == []
    for request in requests:
        decision = everything.request(request)
        assert decision
        packages = [everything.package(name) for name in everything.closures[request.name]]
        if any(p and p.verdict is Verdict.REFUSED for p in packages):
            assert decision.verdict is Verdict.REFUSED
    for name in ("app", "dep", "web"):
        package = everything.package(name)
        if package and package.verdict is Verdict.REFUSED:
            assert f"{name} 1.0" not in everything.published
