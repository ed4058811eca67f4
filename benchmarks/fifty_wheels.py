"""Fifty real wheels: the gate, against the GuardDog and Bandit command lines one after another.

Usage: ./shell/run-benchmark.sh fifty_wheels [WHEELS]

The wheels are downloaded first, which is not measured. The gate's time is that of all its steps but
the download, cold: it starts its worker processes, unpacks, scans with all default scanners,
judges, and publishes to a folder. GuardDog scans each wheel, Bandit each unpacked tree.
Aim: at most a tenth of their time on two cores.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

from benchmarks.measure import PROJECT, print_table
from benchmarks.scanners import LATELY, default_scanners
from package_gate.commands.advisory_sources import SAMPLE_ADVISORIES
from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    RemoteFile,
    Resolution,
    ResolvedPackage,
)
from package_gate.core.decision import Verdict
from package_gate.core.policy import Policy, Sources
from package_gate.core.request import PyPISource, Request
from package_gate.core.request_file import RequestFile
from package_gate.notifications.outbox import Outbox
from package_gate.pipeline.assembly import Options, Outside, open_gate
from package_gate.pipeline.settings import Silent
from package_gate.publishers.local import LocalFolder
from package_gate.records.storage import FolderStorage
from package_gate.sources.pypi.uv import index_settings

PROJECTS = [
    "aiohttp",
    "attrs",
    "babel",
    "beautifulsoup4",
    "black",
    "boto3",
    "cachetools",
    "certifi",
    "cffi",
    "charset-normalizer",
    "click",
    "cryptography",
    "django",
    "docutils",
    "flask",
    "fsspec",
    "google-auth",
    "greenlet",
    "httpx",
    "idna",
    "jinja2",
    "jsonschema",
    "markupsafe",
    "matplotlib",
    "multidict",
    "mypy-extensions",
    "networkx",
    "numpy",
    "packaging",
    "pandas",
    "pillow",
    "pip",
    "pluggy",
    "protobuf",
    "psutil",
    "pyarrow",
    "pydantic",
    "pygments",
    "pyjwt",
    "pytest",
    "python-dateutil",
    "pytz",
    "pyyaml",
    "requests",
    "rich",
    "s3fs",
    "setuptools",
    "sqlalchemy",
    "tqdm",
    "urllib3",
    "werkzeug",
    "wheel",
]
"""From the most downloaded of PyPI; the first fifty are taken, pyarrow for its size."""
TOOLS = PROJECT / ".venv" / "benchmarks" / "bin"


class Wheels:
    """Stands for the sources: the wheels are on the disk."""

    def __init__(self, wheels: Sequence[Path]) -> None:
        """Serve these wheels."""
        self._wheels = {wheel.name: wheel for wheel in wheels}

    def resolve(self, request: Request) -> Resolution:
        """Name the request's wheel."""
        wheel = self._wheels[request.name]
        name, version = wheel.name.split("-")[:2]
        with wheel.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = wheel.stat().st_size
        remote = RemoteFile(wheel.name, wheel.as_uri(), digest, size, LATELY)
        return Resolution((ResolvedPackage(name.lower(), version, Origin.PYPI, (remote,)),))

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Copy a wheel."""
        path = folder / file.filename
        copyfile(self._wheels[file.filename], path)
        artifact = Artifact(file.filename, file.sha256 or "", path.stat().st_size, file.url)
        return ArtifactFile(artifact, path)


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = download(PROJECTS[:count], folder / "wheels")
        gate, approved = time_gate(wheels, folder / "output")
        guarddog = time_each(
            [[TOOLS / "guarddog", "pypi", "scan", wheel] for wheel in wheels], folder
        )
        trees = [unpack(wheel, folder / "trees") for wheel in wheels]
        bandit = time_each([[TOOLS / "bandit", "-q", "-r", tree] for tree in trees], folder)
    both = guarddog + bandit
    size = sum(1 for _ in wheels)
    print_table(
        f"{size} wheels, {os.cpu_count()} cores",
        ("what", "seconds", "a wheel", "share"),
        [
            ("guarddog, one after another", f"{guarddog:.1f}", f"{guarddog / size:.2f}", ""),
            ("bandit, one after another", f"{bandit:.1f}", f"{bandit / size:.2f}", ""),
            ("both", f"{both:.1f}", f"{both / size:.2f}", "1.00"),
            (
                "the gate, cold (aim: 0.10)",
                f"{gate:.1f}",
                f"{gate / size:.2f}",
                f"{gate / both:.2f}",
            ),
        ],
    )
    print(f"The gate approved {approved} of {size}.")


def download(projects: Sequence[str], folder: Path) -> list[Path]:
    """Fetch each project's newest wheel for Python 3.11 on Linux, from the configured index."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
         "--only-binary", ":all:", "--python-version", "3.11",
         "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64",
         *projects],
        check=True,
        env={**os.environ, **index_settings(os.environ, Path.home(), Sources()).environment},
    )  # fmt: skip
    return sorted(folder.glob("*.whl"))


def time_gate(wheels: Sequence[Path], output: Path) -> tuple[float, int]:
    """Take the wheels through the gate; gives seconds and how many were approved."""
    scratch = output / ".scratch"
    scratch.mkdir(parents=True)
    source = Wheels(wheels)
    policy = Policy()
    requests = tuple(
        Request(wheel.name, PyPISource(wheel.name), "", line)
        for line, wheel in enumerate(wheels, 1)
    )
    outside = Outside(
        sources={PyPISource: source},
        fetch=source.fetch,
        publisher=LocalFolder(output),
        storage=FolderStorage(output),
        notifier=Outbox(output / "outbox"),
        now=lambda: datetime.now(UTC),
        progress=Silent(),
    )
    begin = time.perf_counter()
    with (
        default_scanners(str(SAMPLE_ADVISORIES), policy, scratch) as scanners,
        open_gate(outside, scanners, policy, Options(), scratch) as gate,
    ):
        run = gate.run(RequestFile(requests, ()))
    seconds = time.perf_counter() - begin
    for outcome in run.outcomes:
        if outcome.decision.verdict is not Verdict.APPROVED:
            print(f"{outcome.decision.verdict}: {'; '.join(outcome.decision.reasons)[:300]}")
    approved = sum(o.decision.verdict is Verdict.APPROVED for o in run.outcomes)
    return seconds, approved


def time_each(commands: Sequence[Sequence[str | Path]], folder: Path) -> float:
    """Run commands one after another; gives seconds."""
    begin = time.perf_counter()
    for command in commands:
        subprocess.run(
            command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    return time.perf_counter() - begin


def unpack(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel for Bandit."""
    tree = folder / wheel.stem
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    return tree


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
