"""How long it takes to sign verdicts with a key in a file, and how large the statements are.

Usage: ./shell/run-benchmark.sh sign [STATEMENTS]

So many decisions (default: 10,000), each on a package with one file and with 20 files, are signed
as a run signs them; then it is asked of each whether its statement holds, as a run asks of what is
decided again. A key in KMS is asked over the network, so there its answers are the time.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import print_table
from package_gate.attestations.attestor import Attestor
from package_gate.attestations.signers import FileSigner
from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import DECISION_SCHEMA, PackageDecision, Verdict
from package_gate.core.finding import ScannerInfo

FILES = (1, 20)
SCANNERS = ("archive", "behaviour", "guarddog", "osv", "ruff")


def main(statements: int) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key.pem")
        curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        subprocess.run(["openssl", "genpkey", *curve, "-out", path], check=True)
        attestor = Attestor(FileSigner(path), "https://packages.example/simple")
    rows = []
    for files in FILES:
        decisions = [_decision(number, files) for number in range(statements)]
        began = time.perf_counter()
        signed = [replace(each, attestation=attestor.attest(each)) for each in decisions]
        after = time.perf_counter()
        if not all(map(attestor.holds, signed)):
            sys.exit("A statement does not hold.")
        held = time.perf_counter() - after
        envelope = signed[0].attestation
        size = len(envelope.content) if envelope else 0
        rows.append((str(files), f"{after - began:.1f}", f"{held:.1f}", f"{size:,}"))
    print_table(
        f"{statements:,} statements",
        ("files", "seconds to sign", "seconds to see that they hold", "bytes each"),
        rows,
    )
    return 0


def _decision(number: int, files: int) -> PackageDecision:
    name = f"package-{number}"
    return PackageDecision(
        name=name,
        version="1.0",
        origin=Origin.PYPI,
        verdict=Verdict.APPROVED,
        reasons=("All scanners finished and no finding reaches the policy's thresholds.",),
        notes=(),
        artifacts=tuple(
            Artifact(f"{name}-1.0-cp311-cp311-manylinux_{each}_x86_64.whl", f"{each:064x}", 1000)
            for each in range(files)
        ),
        findings=(),
        scanners=tuple(ScannerInfo(each, "1.0", "2026-06-01") for each in SCANNERS),
        policy_digest="ab" * 32,
        decided_at=datetime(2026, 6, 1, tzinfo=UTC),
        gate_version="0.2.0",
        evidence="cd" * 32,
        schema=DECISION_SCHEMA,
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
