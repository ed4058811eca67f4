"""How long it takes to judge all approvals again by the advisories of a day.

Usage: ./shell/run-benchmark.sh reevaluate [APPROVALS]

So many packages (default: 10,000) are approved with stand-ins for scanners, then `package-gate
reevaluate` runs with a snapshot of 3,000 advisories and one of 30,000, of which 15 hit. Aims: 3 s
and 10 s for 10,000.
"""

import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.growth import approve
from benchmarks.measure import MIB, PROJECT, measure, print_table

SNAPSHOTS = {3_000: 3, 30_000: 10}
"""Advisories → the aim in seconds."""
HITS = 15


def main(approvals: int) -> int:
    """Measure and print."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        approved = Path(folder, "approved")
        approve(approved, approvals)
        for records, aim in SNAPSHOTS.items():
            output = Path(folder, str(records))
            shutil.copytree(approved, output)
            advisories = Path(folder, f"advisories-{records}")
            write_snapshot(advisories, records)
            command: list[str | Path] = [
                sys.executable,
                "-m",
                "package_gate",
                "reevaluate",
                "--output",
                output,
            ]
            done = measure(
                [*command, "--advisories", advisories], {"PYTHONPATH": str(PROJECT)}, Path(folder)
            )
            report = json.loads((output / "reevaluation.json").read_bytes())
            found = len(report["decided_again"]) + len(report["reported"])
            if done.status or found != HITS or report["packages"] != approvals:
                sys.exit(f"It ended with {done.status} and found {found}:\n{done.output}")
            peak = max(done.peaks.values()) / MIB
            rows.append((f"{records:,}", f"{done.seconds:.1f}", str(aim), f"{peak:.0f}"))
    print_table(
        f"{approvals:,} approved packages judged again",
        ("advisories", "seconds", "aim", "peak MiB"),
        rows,
    )
    return 0


def write_snapshot(folder: Path, records: int) -> None:
    """Write advisories in OSV's layout; the first of them are about approved packages."""
    folder.mkdir()
    modified = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for number in range(records):
        name = f"new{number * 7}" if number < HITS else f"other{number}"
        record = {
            "id": f"PYSEC-2026-{number}",
            "modified": modified,
            "published": modified,
            "summary": "A hole.",
            "severity": [
                {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
            ],
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": name},
                    "ranges": [
                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}
                    ],
                }
            ],
        }
        (folder / f"{record['id']}.json").write_text(json.dumps(record))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1].replace(",", "")) if sys.argv[1:] else 10_000))
