"""What observing a package takes over its import, and what was seen of the packages of a plan.

Usage: ./shell/run-benchmark.sh observing [WORK]

A pure wheel with one module, which is empty, is observed nine times: all that takes is over its
import. The aim is 1 s. WORK is a folder whose packages `package-gate observe` has observed; how
many have which finding is counted then, and those of high or more are shown (aim for honest ones:
none).
"""

import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.measure import print_table
from package_gate.core.finding import Severity
from package_gate.observation.observe import Observer
from package_gate.pipeline.observed import scan_of
from package_gate.scanners import versions
from tests.observation.samples import wheel_of

TIMES = 9


def main(work: Path | None) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        measured = _over_the_import(Path(folder))
    rows = [
        (name, *(f"{value:.2f}" for value in (min(all_), statistics.median(all_), max(all_))))
        for name, all_ in measured.items()
    ]
    columns = ("seconds of", "least", "median", "most")
    print_table("Observing over an import (aim: 1 s)", columns, rows)
    if work is not None:
        _print_seen(work)
    return 0


def _over_the_import(folder: Path) -> dict[str, list[float]]:
    """Give the seconds that observing takes, by the clock and of the processor."""
    observer = Observer(folder)
    wheel = wheel_of(folder, {"demo.py": ""})
    by_clock: list[float] = []
    processor: list[float] = []
    for _ in range(TIMES):
        begun, used = time.monotonic(), _processor_seconds()
        observer.observe(wheel, [])
        by_clock.append(time.monotonic() - begun)
        processor.append(_processor_seconds() - used)
    return {"the clock": by_clock, "the processor": processor}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print_seen(work: Path) -> None:
    """Count what was seen of each package of a work place."""
    counts: Counter[tuple[str, str]] = Counter()
    serious: list[str] = []
    documents = sorted(work.joinpath("observed").glob("*.json"))
    for document in documents:
        scan = scan_of(document.read_bytes(), document.stem, versions.observed(builds=False))
        for finding in scan.findings:
            counts[finding.rule, str(finding.severity)] += 1
            if finding.severity in (Severity.HIGH, Severity.CRITICAL):
                serious.append(f"{document.stem[:12]} {finding.rule}: {finding.message}")
    rows = [(rule, severity, str(number)) for (rule, severity), number in sorted(counts.items())]
    title = f"What was seen of {len(documents)} packages"
    print_table(title, ("rule", "severity", "packages"), rows)
    print(f"{len(serious)} findings of high or more", *serious, sep="\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else None))
