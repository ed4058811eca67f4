"""Kills the gate again and again, runs it to the end, and looks whether anything is wrong then.

Usage: ./shell/run-benchmark.sh kill_runs [--story NAME] [--kills N] [--target NAME] [--seed N]
                                          [--jobs N]

N kills of each target (default 80), spread over every boundary between two steps and random
moments; 0 for one at every boundary. Whom the signal reaches changes from kill to kill: the process
alone, its group, or all that it has started. The services are fakes on this machine. Aim: no fault.

The stories: a first run is killed, and the next one ends it (`new`); a rescan is killed that
refuses and withdraws what was approved, and plain runs end that (`rescan`); a first run stands
still for longer than its lease, another refuses meanwhile what it approves, and it goes on
(`pause`).
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree

from benchmarks.measure import print_table
from tests.fakes.aws import moto_server
from tests.kill.builds import TARGETS, Build, Upstream, build, upstream
from tests.kill.plan import plan
from tests.kill.processes import Mode
from tests.kill.runs import (
    Killed,
    Kind,
    Point,
    Undisturbed,
    killed,
    killed_rescan,
    overturning,
    stood_still,
    undisturbed,
)


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill to try."""

    story: str
    target: str
    number: int
    point: Point
    mode: Mode


class Worker:
    """What one process of the pool keeps from kill to kill."""

    upstream: Upstream
    folder: Path
    stack = ExitStack()


def set_up(folder: Path) -> None:
    """Begin a process of the pool."""
    Worker.folder = Path(tempfile.mkdtemp(dir=folder))
    moto_url = Worker.stack.enter_context(moto_server())
    Worker.upstream = Worker.stack.enter_context(upstream(Worker.folder, moto_url))


STORIES: dict[
    str, tuple[Callable[[Build], Undisturbed], Callable[[Build, Point, Mode], Killed]]
] = {
    "new": (undisturbed, killed),
    "rescan": (overturning, killed_rescan),
    "pause": (undisturbed, stood_still),
}
"""Name → the run that nobody disturbs, and the one that is."""


def look(story: str, target: str) -> Undisturbed:
    """Run a target undisturbed."""
    with build(target, Worker.folder / target, Worker.upstream) as made:
        return STORIES[story][0](made)


def attempt(kill: Kill) -> Killed:
    """Try one kill."""
    folder = Worker.folder / f"{kill.target}-{kill.number}"
    with build(kill.target, folder, Worker.upstream) as made:
        result = STORIES[kill.story][1](made, kill.point, kill.mode)
    if not result.faults:
        rmtree(folder)
    return result


def main() -> int:
    """Plan, kill, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=80, help="of each target; 0: every boundary")
    parser.add_argument("--target", choices=TARGETS, action="append", help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3, help="side by side; many wait for a lease")
    parser.add_argument("--story", choices=STORIES, default="new")
    options = parser.parse_args()
    story = options.story
    folder = Path(tempfile.mkdtemp(prefix="kill-runs-"))
    begin = time.monotonic()
    with ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), set_up, (folder,)
    ) as pool:
        targets = options.target or TARGETS
        runs = dict(zip(targets, pool.map(partial(look, story), targets), strict=True))
        for target, run in runs.items():
            if run.faults:
                sys.exit("\n".join([f"{target}: wrong even when nobody kills it", *run.faults]))
        kills = [
            Kill(story, target, number, point, mode)
            for target, run in runs.items()
            for number, (point, mode) in enumerate(plan(run, options.kills, options.seed))
        ]
        # The targets take turns: they keep different things busy.
        kills.sort(key=lambda kill: kill.number)
        results = []
        running = {pool.submit(attempt, kill): kill for kill in kills}
        for done in as_completed(running):
            kill, result = running[done], done.result()
            results.append((kill, result))
            for fault in result.faults:
                where = f"{kill.target} {kill.number}, {kill.point}, {kill.mode}"
                print(f"{where}: {fault}", flush=True)
            print(f"\r{len(results)} of {len(kills)}", end="", file=sys.stderr, flush=True)
    report(results, time.monotonic() - begin)
    faults = any(result.faults for _, result in results)
    if faults:
        print(f"What the faulty runs left is in {folder}")
    else:
        rmtree(folder)
    return 1 if faults else 0


def report(results: list[tuple[Kill, Killed]], seconds: float) -> None:
    """Print a row for each target and kind of point."""
    print_table(
        f"{sum(result.happened for _, result in results)} kills in {seconds:.0f} s",
        ("target", "kill", "kills", "ended before", "faults", "emails twice", "leases taken over"),
        list(rows(results)),
    )
    modes = Counter(kill.mode for kill, result in results if result.happened)
    print("Who was killed: " + ", ".join(f"{mode} {count}" for mode, count in modes.items()))


def rows(results: list[tuple[Kill, Killed]]) -> Iterator[tuple[str, ...]]:
    """Count what came of the kills."""
    for target in TARGETS:
        for kind in Kind:
            these = [r for k, r in results if (k.target, k.point.kind) == (target, kind)]
            if these:
                numbers = (
                    sum(r.happened for r in these),
                    sum(not r.happened for r in these),
                    sum(bool(r.faults) for r in these),
                    sum(r.repeated_emails for r in these),
                    sum(r.took_over for r in these),
                )
                yield target, kind, *map(str, numbers)


if __name__ == "__main__":
    sys.exit(main())
