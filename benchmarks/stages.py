"""A run in stages against a run in one piece, on this machine.

Usage: ./shell/run-benchmark.sh stages [PACKAGES] [CONCLUDED]

PACKAGES (default 1,000) small wheels lie on an index on this machine. They are decided once by
`run`, and once by `plan`, two `scan`s side by side, `plan` again and `conclude`: their verdicts
must be the same. Then the scans alone: one worker with a core of its own, and two with one each.
Last, `conclude` of CONCLUDED (default 10,000) packages whose evidence is made up: its memory.

Aims: at most 1.15 times the time of the run; two workers 0.9 as efficient as one; 300 MiB.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.growth import digest_of
from benchmarks.measure import MIB, measure, print_table
from package_gate.core.artifact import Artifact, Origin, ResolvedPackage
from package_gate.core.evidence import Evidence, Scan
from package_gate.core.finding import ScannerInfo
from package_gate.core.inventory import Inventory
from package_gate.core.plan import Plan
from package_gate.core.policy import load_policy
from package_gate.core.version import gate_version
from package_gate.pipeline.stages import WorkPlan, read_batch
from package_gate.scanners.registry import DEFAULTS, UNPACKER, Where, those, version_of
from package_gate.staging.documents import MAX_PACKAGES, PlanDocument, RequestAnswer, Task
from package_gate.staging.place import REQUESTS_KEY, FolderPlace, evidence_key
from tests.fakes.https_server import https_server
from tests.fakes.package_index import PackageIndex, metadata, wheel
from tests.local_run import LocalRun

WORKERS = 2
MODULES = 5
CODE = '''"""A module of package {name}."""

import os


def total(numbers: list[int]) -> int:
    """Add numbers."""
    result = 0
    for number in numbers:
        result += number
    return result


class Named{number}:
    def __init__(self, name: str) -> None:
        self.name = os.path.basename(name)
'''


def main(packages: int, concluded: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, https_server(Path(folder)) as server:
        index = PackageIndex(server)
        for number in range(packages):
            name = f"new{number}"
            content = {
                f"{name}/{'__init__' if not each else f'part{each}'}.py": CODE.format(
                    name=name, number=each
                ).encode()
                for each in range(MODULES)
            }
            index.add_file(name, *wheel(name, "1.0", metadata(name, "1.0"), content=content))
        requests = "".join(f"new{number},pypi:new{number}\n" for number in range(packages))
        whole = LocalRun(Path(folder) / "whole", index)
        staged = LocalRun(Path(folder) / "staged", index)
        for local in (whole, staged):
            local.folder.mkdir()
        in_a_piece = measure(whole.command(requests, "--quiet"), whole.environ(), whole.folder)
        if in_a_piece.status:
            sys.exit(in_a_piece.output)
        staged.command(requests)
        batches = WORKERS * math.ceil(packages / (WORKERS * MAX_PACKAGES))
        shares = [list(range(first, batches, WORKERS)) for first in range(WORKERS)]
        seconds = {
            "plan": run(staged, "plan", ["--batches", str(batches)]),
            f"{WORKERS} scans": scan(staged, shares, pinned=False),
            "plan again": run(staged, "plan", []),
            "conclude": run(staged, "conclude", []),
        }
        if plain(whole.report()) != plain(staged.report()):
            sys.exit("The verdicts are not the same.")
        alone = timed_scans(staged, [[*range(batches)]])
        side_by_side = timed_scans(staged, shares)
        memory = conclude_many(Path(folder) / "many", index, concluded)
    total = sum(seconds.values())
    ratio = total / in_a_piece.seconds
    efficiency = alone / (WORKERS * side_by_side)
    print_table(
        f"{packages:,} small wheels, in one piece and in stages",
        ("what", "seconds"),
        [
            ("run", f"{in_a_piece.seconds:.1f}"),
            *((name, f"{each:.1f}") for name, each in seconds.items()),
            ("all stages", f"{total:.1f}"),
            ("ratio (aim: 1.15)", f"{ratio:.2f}"),
            ("one worker on one core, all batches", f"{alone:.1f}"),
            (f"{WORKERS} workers on a core each", f"{side_by_side:.1f}"),
            ("efficiency (aim: 0.9)", f"{efficiency:.2f}"),
        ],
    )
    print_table(
        f"`conclude` of {concluded:,} packages",
        ("seconds", "peak MiB (aim: 300)"),
        [(f"{memory[0]:.1f}", f"{memory[1] / MIB:.0f}")],
    )


def command(local: LocalRun, stage: str, arguments: Sequence[str]) -> list[str]:
    """Give the command of a stage."""
    judges = ["--output", str(local.output), "--advisories", str(local.advisories)]
    requests = ["--requests", str(local.folder / "requests.csv")]
    return [
        sys.executable, "-P", "-s", "-m", "package_gate", stage, "--quiet",
        "--work", str(local.folder / "work"), "--policy", str(local.folder / "policy.toml"),
        *(judges if stage != "scan" else []), *(requests if stage == "plan" else []), *arguments,
    ]  # fmt: skip


def run(local: LocalRun, stage: str, arguments: Sequence[str]) -> float:
    """Run a stage to its end; gives its seconds."""
    measured = measure(command(local, stage, arguments), local.environ(), local.folder)
    if measured.status:
        sys.exit(measured.output)
    return measured.seconds


def timed_scans(local: LocalRun, shares: list[list[int]]) -> float:
    """Scan batches again, each share by a worker on a core of its own; gives the seconds."""
    shutil.rmtree(local.folder / "work" / "evidence")
    return scan(local, shares, pinned=True)


def scan(local: LocalRun, shares: list[list[int]], *, pinned: bool) -> float:
    """Scan batches, each share by a worker of its own; gives the seconds until the last is done."""
    cores = sorted(os.sched_getaffinity(0))
    begin = time.perf_counter()
    workers = []
    for number, share in enumerate(shares):
        steps = [command(local, "scan", ["--batch", str(batch)]) for batch in share]
        script = "import subprocess, sys, json\nfor step in json.loads(sys.argv[1]):\n"
        script += "    subprocess.run(step, check=True)\n"
        pin = ["taskset", "--cpu-list", str(cores[number % len(cores)])] if pinned else []
        workers.append(
            subprocess.Popen(
                [*pin, sys.executable, "-c", script, json.dumps(steps)],
                env=local.environ(),
                cwd=local.folder,
                stdout=subprocess.DEVNULL,
            )
        )
    ends = [worker.wait() for worker in workers]
    if any(ends):
        sys.exit("A scan failed.")
    return time.perf_counter() - begin


def conclude_many(folder: Path, index: PackageIndex, packages: int) -> tuple[float, int]:
    """Conclude a plan of so many packages that were approved by nobody yet.

    Returns:
        Its seconds, and the largest resident set of its process in bytes.
    """
    local = LocalRun(folder, index)
    folder.mkdir()
    requests = "".join(f"made{number},pypi:made{number}==1.0\n" for number in range(packages))
    local.command(requests)
    now = datetime.now(UTC)
    place = FolderPlace(folder / "work")
    policy = load_policy(folder / "policy.toml")
    answers, names = [], (UNPACKER, *those(DEFAULTS, Where.WORKER))
    work = WorkPlan(place, PlanDocument(now, gate_version(), policy.digest), {})
    made = folder / "made.whl"
    for number in range(packages):
        filename = f"made{number}-1.0-py3-none-any.whl"
        content = filename.encode()
        artifact = Artifact(
            filename, digest_of(filename), len(content), f"https://files.example/{filename}",
            datetime(2020, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        package = ResolvedPackage(f"made{number}", "1.0", Origin.PYPI, (artifact.remote,))
        answers.append(
            RequestAnswer(
                f"made{number}", f"pypi:made{number}==1.0", Plan((package,), (), recorded=False)
            )
        )
        work.tasks.add(Task(package, (artifact,), names))
        made.write_bytes(content)
        place.put_file(made, artifact.sha256)
        made.unlink()
    for answer in answers:
        work.answers.add_request(answer)
    work.write(1)
    place.write(REQUESTS_KEY, requests.encode())
    infos = {name: ScannerInfo(name, version_of(name), "", "", "none") for name in names}
    for key in place.keys("batches/"):
        batch = int(key.removeprefix("batches/").removesuffix(".json"))
        for task in read_batch(place, batch, policy.digest).tasks:
            evidence = Evidence(
                task.package.name,
                task.package.version,
                task.package.origin,
                task.artifacts,
                tuple(Scan(infos[name], (), now) for name in names),
                (Inventory(task.artifacts[0].filename, "zip", task.package.name, "1.0"),),
            )
            place.write_once(evidence_key(batch, task.digest), msgspec.json.encode(evidence))
    measured = measure(command(local, "conclude", []), local.environ(), folder)
    if measured.status or set(local.verdicts().values()) != {"approved"}:
        sys.exit(measured.output)
    return measured.seconds, max(measured.peaks.values())


def plain(report: Any) -> Any:
    """Leave out of a report what two runs never have in common."""
    if isinstance(report, dict):
        return {
            key: plain(value)
            for key, value in report.items()
            if not key.endswith(("_at", "seconds", "published_to", "command"))
            and key not in ("data", "isolation")
        }
    if isinstance(report, list):
        return [plain(value) for value in report]
    return report


if __name__ == "__main__":
    given = [int(number.replace(",", "")) for number in sys.argv[1:]]
    main(*[*given, *(1_000, 10_000)[len(given) :]])
