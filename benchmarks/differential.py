"""Thousands of odd archives, unpacked by the gate and by five other readers; trees compared.

Usage: ./shell/run-benchmark.sh differential [COUNT] [SEED] [UV-EVERY]

COUNT archives (default: 20,000) are made from SEED (default: 0) on: half of them tars, the others
wheels and zips. Python's `tarfile` with its `data` filter, GNU tar and pip unpack each, `zipfile`
and pip each zip; pip installs each wheel, and uv reads one in UV-EVERY (default: 10). The status is
1 when a reader leaves a file that is another one in the gate's tree, or not there, and the gate had
no finding that refuses.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from benchmarks.measure import print_table
from tests.archive.differential import MAKERS, Difference, differences

COUNT, UV_EVERY = 20_000, 10
_SHARES = {"tar": 2, "wheel": 1, "zip": 1}


def main(arguments: list[str]) -> int:
    """Compare; give the exit status."""
    numbers = [int(argument.replace(",", "")) for argument in arguments]
    count, first, every = (numbers + [COUNT, 0, UV_EVERY][len(numbers) :])[:3]
    logging.disable(logging.CRITICAL)
    rows, status = [], 0
    for kind, share in _SHARES.items():
        refused = same = 0
        differing: list[tuple[int, list[Difference]]] = []
        start, total = time.perf_counter(), count * share // sum(_SHARES.values())
        make, readers = MAKERS[kind]
        with tempfile.TemporaryDirectory() as room:
            for seed in range(first, first + total):
                used = {name: readers[name] for name in readers if name != "uv" or not seed % every}
                found = differences(*make(Random(seed)), used, Path(room))
                refused += found is None
                same += found == []
                if found:
                    differing.append((seed, found))
        for seed, found in differing:
            shown = [(each.reader, each.path, each.theirs[:40], each.ours) for each in found[:3]]
            print(f"{kind} {seed}: {shown}", file=sys.stderr)
        status |= bool(differing)
        seconds = time.perf_counter() - start
        rows.append(
            (kind, f"{total:,}", f"{refused:,}", f"{same:,}", str(len(differing)), f"{seconds:.0f}")
        )
    print_table(
        "Trees compared", ("kind", "archives", "refused", "the same", "different", "seconds"), rows
    )
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
