"""One new row among 10,000 decided ones, against a run with that row alone.

Usage: ./shell/run-benchmark.sh many_requests [ROWS]

The index is a server on this machine, so that the network's moods are not measured. The decided
rows are recorded as the gate records them: a request, and a package with a finding. Aim: at most
1.5 times a single-row run.
"""

import hashlib
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import measure, print_table
from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import (
    DECISION_SCHEMA,
    JudgedFinding,
    PackageDecision,
    RequestDecision,
    Verdict,
)
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.policy import load_policy
from package_gate.core.version import gate_version
from package_gate.notifications.texts import notification_digest
from package_gate.pipeline.reuse import Conditions
from package_gate.records.storage import FolderStorage
from package_gate.records.store import Records
from package_gate.scanners.registry import DEFAULTS, SCANNERS, UNPACKER, version_of
from tests.fakes.https_server import https_server
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun

RUNS = 5


def main(rows: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, https_server(Path(folder)) as server:
        index = PackageIndex(server)
        for run in range(2 * (RUNS + 1)):
            index.add_wheel(f"new{run}", "1.0")
        alone = LocalRun(Path(folder) / "alone", index)
        crowded = LocalRun(Path(folder) / "crowded", index)
        decided = "".join(f"old{n},pypi:old{n}==1.0\n" for n in range(rows))
        times: dict[str, list[float]] = {"alone": [], "crowded": []}
        for local in (alone, crowded):
            local.folder.mkdir()
            local.command("")
        record(crowded, rows)
        for run in range(RUNS + 1):
            for name, local, before in (("alone", alone, ""), ("crowded", crowded, decided)):
                new = f"new{2 * run + (name == 'crowded')}"
                command = local.command(f"{before}{new},pypi:{new}\n")
                measured = measure(command, local.environ(), local.folder)
                if measured.status != 0 or local.verdicts()[new] != "approved":
                    sys.exit(measured.output)
                if run:  # the first run of each warms the caches
                    times[name].append(measured.seconds)
    ratios = [b / a for a, b in zip(times["alone"], times["crowded"], strict=True)]
    print_table(
        f"One new row among {rows:,} decided ones ({RUNS} runs each, medians)",
        ("run", "seconds", "lowest", "highest"),
        [
            ("one row alone", *spread(times["alone"])),
            (f"one row among {rows:,}", *spread(times["crowded"])),
            ("ratio, pair by pair (aim: 1.50)", *spread(ratios)),
        ],
    )


def spread(values: list[float]) -> tuple[str, str, str]:
    """Give median, lowest and highest for a table."""
    return tuple(f"{v:.2f}" for v in (statistics.median(values), min(values), max(values)))  # type: ignore[return-value]  # three of them


def record(local: LocalRun, rows: int) -> None:
    """Record approved requests as a gate would have."""
    records = Records(FolderStorage(local.output))
    policy = load_policy(local.folder / "policy.toml")
    versions = {name: version_of(name) for name in (UNPACKER, *DEFAULTS) if SCANNERS[name].rules}
    conditions = Conditions(policy, policy.digest, UNPACKER, versions, ["osv"], gate_version())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    finding = Finding("ruff", "S101", Kind.CODE, Severity.LOW, "An assert.", count=12)
    for number in range(rows):
        name = f"old{number}"
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        package = PackageDecision(
            name=name,
            version="1.0",
            origin=Origin.PYPI,
            verdict=Verdict.APPROVED,
            reasons=("All scanners finished and no finding reaches the policy's thresholds.",),
            notes=(),
            artifacts=(Artifact(f"{name}-1.0-py3-none-any.whl", sha256, 1000, "", now),),
            findings=(JudgedFinding(finding, Severity.LOW, refuses=False),),
            scanners=tuple(ScannerInfo(s, "1") for s in (UNPACKER, *DEFAULTS)),
            policy_digest=policy.digest,
            decided_at=now,
            gate_version="1",
            published_to="file:///somewhere",
            schema=DECISION_SCHEMA,
        )
        request = RequestDecision(
            name=name,
            source=f"pypi:{name}==1.0",
            verdict=Verdict.APPROVED,
            reasons=package.reasons,
            notes=(),
            packages=(package.summary,),
            policy_digest=policy.digest,
            decided_at=now,
            gate_version="1",
            install_command=f"pip install {name}==1.0",
            complete=True,
            basis=conditions.basis(""),
            schema=DECISION_SCHEMA,
        )
        request.notified[""] = notification_digest(request)
        records.put(package)
        records.put(request)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
