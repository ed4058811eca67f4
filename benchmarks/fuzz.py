"""Coverage-guided fuzzing of everything that reads hostile bytes.

Usage: ./shell/run-benchmark.sh fuzz [EXECUTIONS] [TARGET...]

EXECUTIONS is the number for all targets together (default: 1,000,000), shared by their weights.
What reaches new code goes into `tests/fuzz/corpus/`, which is kept small. An input that breaks a
target is printed, kept in the corpus, and makes the status 1: the tests fail on it until the fault
is fixed.
"""

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PROJECT, print_table
from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, Target

EXECUTIONS = 1_000_000
KEPT_BYTES = 10_000
"""Of the corpus of one target; the shortest inputs are kept."""
SECONDS_FOR_ONE = 60
MEMORY_MIB = 2048
PYTHON = PROJECT / ".venv" / "fuzz" / "bin" / "python"


@dataclass(frozen=True)
class Fuzzed:
    """What came of one target."""

    executions: int
    seconds: float
    covered: int
    """Edges of the gate's code."""
    broken: bytes | None


def main(arguments: list[str]) -> int:
    """Fuzz; give the exit status."""
    total = int(arguments[0].replace(",", "")) if arguments else EXECUTIONS
    names = arguments[1:] or list(TARGETS)
    weights = sum(TARGETS[name].weight for name in names)
    results = {}
    for name in names:
        share = -(-total * TARGETS[name].weight // weights)
        print(f"{name}: {share:,} executions…", file=sys.stderr)
        results[name] = done = fuzz(name, TARGETS[name], share)
        print(f"  {done.executions:,} in {done.seconds:.0f} s", file=sys.stderr)
    print_table(
        "Coverage-guided fuzzing",
        ("target", "executions", "seconds", "edges", "corpus", "result"),
        [
            (
                name,
                f"{done.executions:,}",
                f"{done.seconds:.0f}",
                f"{done.covered}",
                f"{len(corpus.read(name))}",
                "fine" if done.broken is None else "BROKEN: its corpus has the input",
            )
            for name, done in results.items()
        ],
    )
    print(f"{sum(done.executions for done in results.values()):,} executions in total")
    return 1 if any(done.broken is not None for done in results.values()) else 0


def fuzz(name: str, target: Target, executions: int) -> Fuzzed:
    """Run one target so often, or until it breaks, and keep what is worth keeping."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        found = room / "found"
        found.mkdir()
        for number, data in enumerate((*target.seeds, *corpus.read(name))):
            (found / str(number)).write_bytes(data)
        options = [
            f"-artifact_prefix={room}/broken-",
            f"-max_len={target.longest}",
            f"-timeout={SECONDS_FOR_ONE}",
            f"-rss_limit_mb={MEMORY_MIB}",
        ]
        started = time.monotonic()
        done = _run(name, [*options, f"-runs={executions}", "-print_final_stats=1", str(found)])
        seconds = time.monotonic() - started
        broken = next((path.read_bytes() for path in sorted(room.glob("broken-*"))), None)
        if broken is None and done.returncode != 0:
            raise SystemExit(
                f"{name}: the fuzzer ended with {done.returncode}\n{done.stderr[-3000:]}"
            )
        if broken is not None:
            print(done.stderr[-3000:], file=sys.stderr)
        _keep(name, target, [path.read_bytes() for path in found.iterdir()], broken)
        covered = [int(count) for count in re.findall(r"cov: (\d+)", done.stderr)]
        ran = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        return Fuzzed(int(ran[1]) if ran else 0, seconds, max(covered, default=0), broken)


def _run(name: str, options: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PYTHON), "-m", "tests.fuzz.guided", name, *options],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _keep(name: str, target: Target, inputs: list[bytes], broken: bytes | None) -> None:
    """Write the corpus: what broke the target, then the shortest of what reaches its code."""
    chosen, size = ([broken] if broken is not None else []), 0
    for data in sorted(set(inputs) - set(target.seeds), key=len):
        size += len(data)
        if size > KEPT_BYTES:
            break
        chosen.append(data)
    corpus.write(name, chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
