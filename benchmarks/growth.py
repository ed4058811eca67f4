"""How the gate's own time and memory grow with the number of requests, without scanners' work.

Usage: ./shell/run-benchmark.sh growth [ROWS...]

For each number of rows (default: 10, 100, 1,000 and 10,000) a process of its own reads the request
file, takes each request through all steps, publishes to a folder, records, writes the emails and
the reports; then another one meets the same file, in which all is decided; then a third one with
another policy, by which all is decided again from its evidence. Sources and scanners are stand-ins
that take no time. Aim: at most 50 ms a new request, 1 ms one that is decided again. docs/growth.svg
is the picture.
"""

import hashlib
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import MIB, PROJECT, print_table
from benchmarks.svg import GRID, dot, line, picture, text
from package_gate.advisories.interface import NamedPackage
from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    RemoteFile,
    Resolution,
    ResolvedPackage,
    UnpackedPackage,
)
from package_gate.core.decision import Verdict
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.inventory import Inventory, Unpacked
from package_gate.core.policy import Policy, Refuse
from package_gate.core.request import PyPISource, Request
from package_gate.core.request_file import read_requests
from package_gate.notifications.outbox import Outbox
from package_gate.pipeline.assembly import Options, Outside, Scanners, open_gate
from package_gate.pipeline.settings import Silent
from package_gate.publishers.local import LocalFolder
from package_gate.records.storage import FolderStorage
from package_gate.report.write import write_reports

ROWS = (10, 100, 1_000, 10_000)
PICTURE = PROJECT / "docs" / "growth.svg"
FIRST, AGAIN, POLICY = "new requests", "the same, decided", "the same, by another policy"
COLOURS = {FIRST: "#1d4ed8", AGAIN: "#047857", POLICY: "#b45309"}
WIDTH, HEIGHT, LEFT, TOP, PANEL, TALL = 860, 380, 62, 56, 340, 260


@dataclass(frozen=True, slots=True)
class Grown:
    """One run."""

    rows: int
    run: str
    """One of `COLOURS`."""
    seconds: float
    peak: int
    """Bytes: the process's largest resident set."""


class Sources:
    """Stand for the index: one package a request."""

    def resolve(self, request: Request) -> Resolution:
        """Name a wheel."""
        filename = f"{request.name}-1.0-py3-none-any.whl"
        file = RemoteFile(
            filename,
            f"https://files.example/{filename}",
            digest_of(filename),
            uploaded=datetime(2020, 1, 1, tzinfo=UTC),
        )
        return Resolution((ResolvedPackage(request.name, "1.0", Origin.PYPI, (file,)),))

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Write a few bytes."""
        path = folder / file.filename
        content = file.filename.encode()
        path.write_bytes(content)
        artifact = Artifact(file.filename, digest_of(file.filename), len(content), file.url)
        return ArtifactFile(artifact, path)


class Scanner:
    """Stands for a scanner: finds an assert."""

    version = "1"

    def __init__(self, name: str) -> None:
        """Stand for the scanner of this name."""
        self.name = name
        self.info = ScannerInfo(name, self.version)

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """See `Scanner.scan`."""
        if self.name == "ruff":
            yield Finding("ruff", "S101", Kind.CODE, Severity.LOW, "An assert.", count=12)


class Unpacker:
    """Stands for the scanner that unpacks."""

    name = "archive"
    version = "1"
    info = ScannerInfo("archive", "1")

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """See `UnpackingScanner.unpack`."""
        inventories = (Inventory(each.artifact.filename, "zip") for each in package.artifacts)
        return Unpacked((), tuple(inventories))


class Advisories:
    """Stand for a source that knows of nothing."""

    name = "osv"
    info = ScannerInfo("osv", "1")

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        return [() for _ in packages]

    def close(self) -> None:
        """See `AdvisorySource.close`."""


def digest_of(filename: str) -> str:
    """Give the digest of a wheel's stand-in."""
    return hashlib.sha256(filename.encode()).hexdigest()


def main(numbers: Sequence[int]) -> None:
    """Measure, print and draw."""
    grown = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in numbers:
            output = Path(folder, str(rows))
            output.mkdir()
            lines = "".join(f"new{n},pypi:new{n}\n" for n in range(rows))
            (output / "requests.csv").write_text(lines)
            for run in COLOURS:
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.growth", "--one", output, run],
                    check=True,
                    stdout=subprocess.PIPE,
                    cwd=PROJECT,
                )
                grown.append(Grown(rows, run, **json.loads(done.stdout)))
    print_table(
        "The gate's own time and memory",
        ("requests", "run", "seconds", "ms a request (aim: 50)", "peak MiB"),
        [
            (
                f"{each.rows:,}",
                each.run,
                f"{each.seconds:.2f}",
                f"{1000 * each.seconds / each.rows:.1f}",
                f"{each.peak / MIB:.0f}",
            )
            for each in grown
        ],
    )
    PICTURE.write_text(draw(grown))
    print(f"Picture: {PICTURE.relative_to(PROJECT)}")


def approve(output: Path, approvals: int) -> None:
    """Make the output folder of a run that has approved so many packages, called `new0` and on."""
    output.mkdir()
    lines = "".join(f"new{number},pypi:new{number}\n" for number in range(approvals))
    (output / "requests.csv").write_text(lines)
    measure_one(output, FIRST)


def measure_one(output: Path, run: str) -> dict[str, float]:
    """Run the gate once; gives seconds and peak memory."""
    begin = time.perf_counter()
    scratch = output / ".scratch"
    scratch.mkdir(exist_ok=True)
    sources = Sources()
    outside = Outside(
        sources={PyPISource: sources},
        fetch=sources.fetch,
        publisher=LocalFolder(output),
        storage=FolderStorage(output),
        notifier=Outbox(output / "outbox"),
        now=lambda: datetime.now(UTC),
        progress=Silent(),
    )
    scanners = Scanners(Unpacker(), [Scanner("guarddog"), Scanner("ruff")], [Advisories()])
    policy = Policy(refuse=Refuse(code="medium")) if run == POLICY else Policy()
    with open_gate(outside, scanners, policy, Options(), scratch) as gate:
        done = gate.run(read_requests(output / "requests.csv"))
    write_reports(done, output)
    seconds = time.perf_counter() - begin
    if any(outcome.decision.verdict is not Verdict.APPROVED for outcome in done.outcomes):
        sys.exit("A request was not approved.")
    if run == POLICY and any(o.decision.policy_digest != policy.digest for o in done.outcomes):
        sys.exit("A request was not decided again.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak": peak if sys.platform == "darwin" else peak * 1024}


def draw(grown: Sequence[Grown]) -> str:
    """Draw time and memory beside each other, the number of requests on a logarithmic axis."""
    parts = [text(LEFT, 26, "The gate's own work, scanners stubbed", size=15, weight="bold")]
    for number, (title, values) in enumerate(
        (
            ("milliseconds a request", [1000 * each.seconds / each.rows for each in grown]),
            ("peak memory, MiB", [each.peak / MIB for each in grown]),
        )
    ):
        parts += _panel(LEFT + number * (PANEL + 80), title, grown, values)
    return picture(WIDTH, HEIGHT, "Time and memory against the number of requests", parts)


def _panel(left: int, title: str, grown: Sequence[Grown], values: Sequence[float]) -> list[str]:
    numbers = sorted({each.rows for each in grown})
    top = _round_up(max(values))
    steps = max(len(numbers) - 1, 1)

    def x(rows: int) -> float:
        return left + numbers.index(rows) / steps * PANEL

    def y(value: float) -> float:
        return TOP + TALL - value / top * TALL

    parts = [text(left, TOP - 10, title)]
    for mark in range(5):
        value = top * mark / 4
        parts += [
            f'<path d="M{left} {y(value):.1f}H{left + PANEL}" stroke="{GRID}"/>',
            text(left - 8, y(value) + 4, f"{value:g}", anchor="end"),
        ]
    parts += [text(x(rows), TOP + TALL + 20, f"{rows:,}", anchor="middle") for rows in numbers]
    parts.append(text(left + PANEL / 2, TOP + TALL + 42, "requests", anchor="middle"))
    for number, (run, colour) in enumerate(COLOURS.items()):
        points = [
            (x(each.rows), y(value))
            for each, value in zip(grown, values, strict=True)
            if each.run == run
        ]
        parts.append(line(points, colour))
        parts += [dot(*point, colour, 4) for point in points]
        parts.append(text(left + 8, TOP + 18 + 18 * number, run, colour=colour))
    return parts


def _round_up(value: float) -> float:
    """Give a round number that is not smaller."""
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1, 2, 4, 6, 8, 10) if step * scale >= value)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure_one(Path(sys.argv[2]), sys.argv[3])))
    else:
        main([int(number.replace(",", "")) for number in sys.argv[1:]] or ROWS)
