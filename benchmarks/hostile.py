"""A thousand hostile archives, and honest ones among them, in one run of the gate.

Usage: ./shell/run-benchmark.sh hostile [COUNT] [SEED]

The named archives of tests/archive come first, by address, then those that can be the release of a
project as PyPI requests, then the tars compressed in other ways, then all of them with bytes
changed, cut or doubled, from SEED (default: 0) on. Aim: each is refused or undecided with a reason
that names what is wrong, each has its email, the honest one is approved by address and as a PyPI
request, and nothing is lost. The status is 1 otherwise.
"""

import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measure import MIB, Measured, measure, print_table
from tests.archive.hostile_run import HONEST, run_hostile
from tests.archive.hostile_variants import variants
from tests.local_run import LocalRun

COUNT = 1000


def main(arguments: list[str]) -> int:
    """Run and print; give the exit status."""
    numbers = [int(argument.replace(",", "")) for argument in arguments]
    count, seed = (numbers + [COUNT, 0][len(numbers) :])[:2]
    logging.disable(logging.CRITICAL)
    measured: list[Measured] = []

    def start(local: LocalRun, requests: str) -> tuple[int, str]:
        measured.append(measure(local.command(requests), local.environ(), local.folder))
        return measured[0].status, measured[0].output

    everything = list(variants(count, seed))
    with tempfile.TemporaryDirectory() as folder:
        run = run_hostile(everything, Path(folder), start)
    for fault in run.faults:
        print(fault, file=sys.stderr)
    of_index = {variant.name for variant in everything if variant.project} | {HONEST[1]}
    verdicts = Counter(
        f"{verdict}, {'PyPI' if name in of_index else 'by address'}"
        for name, verdict in run.verdicts.items()
    )
    print_table(
        f"{count:,} hostile archives and an honest one, twice, in one run",
        ("what", "figure"),
        [
            *((verdict, f"{number:,}") for verdict, number in sorted(verdicts.items())),
            ("faults", str(len(run.faults))),
            ("seconds", f"{measured[0].seconds:.0f}"),
            *(
                (f"peak of {name}", f"{peak / MIB:,.0f} MiB")
                for name, peak in sorted(measured[0].peaks.items())
                if peak > MIB
            ),
        ],
    )
    return bool(run.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
