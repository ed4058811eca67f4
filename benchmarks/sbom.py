"""How long it takes to write the bill of materials of all approvals.

Usage: ./shell/run-benchmark.sh sbom [APPROVALS]

So many packages (default: 10,000) are approved with stand-ins for scanners, then `package-gate
inventory --format cyclonedx` runs. The aim for 10,000 is 2 s.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.growth import approve
from benchmarks.measure import MIB, PROJECT, measure, print_table


def main(approvals: int) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        approve(output, approvals)
        command: list[str | Path] = [sys.executable, "-m", "package_gate", "inventory"]
        command += ["--format", "cyclonedx", "--output", output]
        done = measure(command, {"PYTHONPATH": str(PROJECT)}, Path(folder))
        found = len(json.loads(done.output)["components"]) if done.status == 0 else 0
        if found != approvals:
            sys.exit(f"It ended with {done.status} and names {found}:\n{done.output[:2000]}")
        peak = max(done.peaks.values()) / MIB
    print_table(
        f"The bill of materials of {approvals:,} approved packages",
        ("seconds", "aim", "peak MiB"),
        [(f"{done.seconds:.1f}", "2", f"{peak:.0f}")],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1].replace(",", "")) if sys.argv[1:] else 10_000))
