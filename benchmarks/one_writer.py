"""Interrupts runs of the gate at every call, and looks whether plain runs make it good.

Usage: ./shell/run-benchmark.sh one_writer [--seeds N] [--jobs N]

What `tests/protocol/test_one_writer.py` tries a share of: each call of a run killed, failed,
unanswered or stood still at; all pairs of standing still and a kill; and N drawn courses of two
runs that share packages (default 100). Aim: no fault.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import print_table
from tests.protocol.runs import How
from tests.protocol.test_one_writer import (
    RUNS,
    failed,
    killed,
    length,
    pairs,
    shared_packages,
    taken_over,
)

Attempt = Callable[[Path], object]


def main() -> int:
    """Try all of them in processes side by side, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100, metavar="N")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), metavar="N")
    options = parser.parse_args()
    begin = time.monotonic()
    tried: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        running = {
            pool.submit(fault_of, attempt): (kind, attempt)
            for kind, attempt in attempts(Path(folder), options.seeds)
        }
        for done in as_completed(running):
            kind, attempt = running[done]
            tried[kind] += 1
            if fault := done.result():
                faults[kind] += 1
                print(f"{kind}: {attempt}\n{fault}", flush=True)
    print_table(
        f"{tried.total()} courses in {time.monotonic() - begin:.0f} s",
        ("what is done to a run", "courses", "faults"),
        [(kind, str(number), str(faults[kind])) for kind, number in tried.items()],
    )
    return 1 if faults else 0


def attempts(folder: Path, seeds: int) -> Iterator[tuple[str, Attempt]]:
    """Give all courses, by what is done to a run; each is called with a folder of its own."""
    for prepare, rescan in RUNS:
        for calls in range(length(folder, prepare, rescan=rescan)):
            at = {"prepare": prepare, "calls": calls, "rescan": rescan}
            yield "killed", partial(_call, killed, at)
            for how in (How.FAILED, How.LOST):
                yield str(how), partial(_call, failed, {**at, "how": how})
            for second in (False, True):
                yield "stood still", partial(_call, taken_over, {**at, "second": second})
    for prepare, rescan, second, first, then in pairs(folder):
        at = {"prepare": prepare, "calls": first, "rescan": rescan}
        given = {**at, "second": second, "then": then}
        yield "stood still and killed", partial(_call, taken_over, given)
    for seed in range(seeds):
        yield "drawn", partial(_call, shared_packages, {"seed": seed})


def _call(attempt: Callable[..., object], given: Mapping[str, Any], folder: Path) -> None:
    attempt(folder, **given)


def fault_of(attempt: Attempt) -> str:
    """Tell what went wrong; "" when nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            attempt(Path(folder))
        except AssertionError:
            return traceback.format_exc()
    return ""


if __name__ == "__main__":
    sys.exit(main())
