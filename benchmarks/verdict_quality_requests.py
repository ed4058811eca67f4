"""Honest requests as data scientists write them, through the whole gate with the default policy.

Usage: python -m benchmarks.verdict_quality_requests REQUESTS [ADVISORIES]

Downloads and evidence are kept in .venv/verdict-quality, so a second run scans only with rules that
are new. Counted are the requests that a suspicion refuses: a malware rule's finding, no advisory.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import PROJECT, print_table
from benchmarks.scanners import ANY_AGE, default_scanners
from benchmarks.verdict_quality_packages import CACHE
from package_gate.commands.process import now
from package_gate.commands.scan_setup import describer
from package_gate.core.artifact import Artifact, ArtifactFile, RemoteFile
from package_gate.core.decision import PackageDecision, PackageSummary, Verdict
from package_gate.core.finding import Kind, is_known_malware
from package_gate.core.policy import Policy, Targets
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.core.request_file import read_requests
from package_gate.core.run import Run
from package_gate.net.download import Downloader
from package_gate.net.session import network_of
from package_gate.notifications.outbox import Email
from package_gate.pipeline.assembly import Options, Outside, open_gate
from package_gate.pipeline.settings import Silent
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.records.storage import FolderStorage
from package_gate.sources.archive_url import ArchiveURL
from package_gate.sources.pypi.history import PyPIHistory
from package_gate.sources.pypi.index import configured_indexes
from package_gate.sources.pypi.source import PyPI
from package_gate.sources.pypi.uv import index_settings

Fetch = Callable[[RemoteFile, Path], ArtifactFile]
ADVISORIES = PROJECT.parent / "shared" / "advisories" / "PyPI-all.zip"
ONE_TARGET = Policy(targets=Targets(python_versions=("3.11",)), advisories=ANY_AGE)
"""The default policy, for one notebook: each file is fetched and scanned once."""
WHAT_REFUSES = ("osv", "guarddog", "behaviour")
"""The default scanners but for `ruff`, whose findings the default policy only reports."""


class Nowhere:
    """Publishes nothing and emails nobody; implements `Publisher` and `Notifier`."""

    def publish(self, package: ApprovedPackage) -> str:
        """See `Publisher.publish`."""
        return f"nowhere/{package.name}"

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `Publisher.attest`."""

    def post_standing_list(self, content: bytes) -> None:
        """See `Publisher.post_standing_list`."""

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `Publisher.offer`."""
        return f"pip install {request.name}"

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `Publisher.withdraw`."""
        return False

    def restore(self, package: PublishedPackage) -> str:
        """See `Publisher.restore`."""
        return ""

    def repair(self, package: PackageSummary) -> None:
        """Nothing is left half done."""

    def finish(self) -> None:
        """See `Publisher.finish`."""

    def send(self, email: Email) -> None:
        """See `Notifier.send`."""


def kept(fetch: Fetch, folder: Path) -> Fetch:
    """Make a `Fetch` that downloads each file once, by the digest that the index gives."""

    def fetch_once(file: RemoteFile, into: Path) -> ArtifactFile:
        held = folder / (file.sha256 or "")
        path = into / file.filename
        if file.sha256 and held.exists():
            os.link(held, path)
            size = held.stat().st_size
            return ArtifactFile(
                Artifact(file.filename, file.sha256, size, file.url, file.uploaded), path
            )
        fetched = fetch(file, into)
        if file.sha256:
            os.link(fetched.path, held)
        return fetched

    return fetch_once


def judge_requests(requests: Path, advisories: Path, policy: Policy, folder: Path) -> Run:
    """Take a request file through the gate.

    Args:
        requests: the request file.
        advisories: an OSV snapshot.
        policy: InfoSec's policy.
        folder: an existing folder, where downloads and records are kept.
    """
    files = folder / "files"
    files.mkdir(exist_ok=True)
    nowhere = Nowhere()
    index = index_settings(os.environ, Path.home(), policy.sources)
    with TemporaryDirectory(dir=folder) as name:
        scratch = Path(name)
        with (
            Downloader(
                network_of(os.environ),
                policy.sources,
                policy.limits,
                indexes=partial(configured_indexes, index),
            ) as downloader,
            default_scanners(str(advisories), policy, scratch, WHAT_REFUSES) as scanners,
        ):
            fetch = kept(downloader.fetch, files)
            pypi = PyPI(index, policy, scratch, now(), fetch, describer(policy, scratch))
            outside = Outside(
                sources={ArchiveSource: ArchiveURL(), PyPISource: pypi},
                fetch=fetch,
                publisher=nowhere,
                storage=FolderStorage(folder),
                notifier=nowhere,
                now=now,
                progress=Silent(),
                history=PyPIHistory(pypi.index),
            )
            with open_gate(outside, scanners, policy, Options(), scratch) as gate:
                return gate.run(read_requests(requests))


def suspected(packages: Sequence[PackageDecision]) -> list[str]:
    """Name what a suspicion refuses: packages with a malware rule's finding that is no report."""
    return [
        f"{package.name} {package.version}: {item.finding.rule}"
        for package in packages
        for item in package.findings
        if item.refuses and item.finding.kind is Kind.MALWARE and not is_known_malware(item.finding)
    ]


def report_requests(title: str, run: Run, *, names: bool) -> None:
    """Print the counts; with `names`, which requests a suspicion refuses, and why."""
    packages = {
        (each.name, each.version): each for outcome in run.outcomes for each in outcome.packages
    }
    rows = [
        (
            "requests",
            str(len(run.outcomes)),
            *(str(sum(o.decision.verdict is v for o in run.outcomes)) for v in Verdict),
            str(sum(bool(suspected(o.packages)) for o in run.outcomes)),
        ),
        (
            "packages",
            str(len(packages)),
            *(str(sum(p.verdict is v for p in packages.values())) for v in Verdict),
            str(sum(bool(suspected([p])) for p in packages.values())),
        ),
    ]
    columns = ("of", "all", *(verdict.value for verdict in Verdict), "refused by suspicion")
    print_table(title, columns, rows)
    if names:
        print("\n".join(each for p in packages.values() for each in suspected([p])))
        for outcome in run.outcomes:
            if outcome.decision.verdict is Verdict.UNDECIDED:
                print(f"{outcome.request.name}: {' '.join(outcome.decision.reasons)[:300]}")


def main(requests: Path, advisories: Path, *, names: bool) -> int:
    """Measure and print."""
    CACHE.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    run = judge_requests(requests, advisories, ONE_TARGET, CACHE)
    report_requests(requests.name, run, names=names)
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--names"]
    sys.exit(
        main(
            Path(arguments[0]),
            Path(arguments[1]) if len(arguments) > 1 else ADVISORIES,
            names="--names" in sys.argv,
        )
    )
