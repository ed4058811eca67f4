"""The 200 most downloaded projects of PyPI: fetched once, then judged as the gate judges.

`top_200.txt` pins them. Their wheels for Python 3.11 on Linux and their sdists are downloaded one
after another, checked against the index's digests, and kept, so a second run fetches nothing.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from uv import find_uv_bin

from benchmarks.measure import PROJECT
from benchmarks.scanners import default_scanners
from package_gate.core.artifact import Artifact, ArtifactFile, Origin, RemoteFile, ResolvedPackage
from package_gate.core.decision import PackageDecision
from package_gate.core.limits import Limits
from package_gate.core.policy import Policy, Sources
from package_gate.net.download import Downloader
from package_gate.net.session import Network, network_of
from package_gate.notifications.outbox import Outbox
from package_gate.pipeline.assembly import Options, Outside, open_gate
from package_gate.pipeline.settings import Silent
from package_gate.publishers.local import LocalFolder
from package_gate.records.storage import FolderStorage
from package_gate.sources.interface import History
from package_gate.sources.pypi.history import PyPIHistory
from package_gate.sources.pypi.index import Index, configured_indexes
from package_gate.sources.pypi.lock import as_utc
from package_gate.sources.pypi.uv import index_settings

LIST = Path(__file__).with_name("top_200.txt")
CACHE = PROJECT / ".venv" / "verdict-quality"
LOCK = "pylock.top-200.toml"
PYTHON = "3.11"
PLATFORM = "x86_64-manylinux_2_28"


@dataclass(frozen=True, slots=True)
class HonestPackage:
    """A popular release."""

    name: str
    version: str
    tuned_on: bool
    """Whether the rules were tuned with it from the beginning: every other line of the list."""
    wheels: tuple[RemoteFile, ...]
    sdist: tuple[RemoteFile, ...]


def honest_packages() -> list[HonestPackage]:
    """Name the releases of the list and their files; asks the index only the first time."""
    pins = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = CACHE / LOCK
    known = tomllib.loads(lock.read_text())["packages"] if lock.exists() else []
    if {f"{each['name']}=={each['version']}" for each in known} != set(pins):
        _lock(pins, lock)
        known = tomllib.loads(lock.read_text())["packages"]
    of_pin = {f"{each['name']}=={each['version']}": each for each in known}
    return [
        HonestPackage(
            of_pin[pin]["name"],
            of_pin[pin]["version"],
            number % 2 == 0,
            tuple(map(_remote_file, of_pin[pin]["wheels"])),
            tuple(map(_remote_file, [of_pin[pin]["sdist"]] if "sdist" in of_pin[pin] else [])),
        )
        for number, pin in enumerate(pins)
    ]


def _lock(pins: Sequence[str], lock: Path) -> None:
    """Let uv name the files; with a wheel for each there is nothing to build."""
    settings = index_settings(os.environ, Path.home(), Sources())
    config = f"--config-file={settings.user_config}" if settings.user_config else "--no-config"
    subprocess.run(
        [find_uv_bin(), "pip", "compile", "--quiet", "--no-deps", "--format=pylock.toml", config,
         f"--python-version={PYTHON}", f"--python-platform={PLATFORM}", f"--output-file={lock}",
         "-"],
        input="\n".join(pins),
        text=True,
        stdout=subprocess.DEVNULL,
        check=True,
        cwd=CACHE,
    )  # fmt: skip


def _remote_file(entry: dict[str, Any]) -> RemoteFile:
    name = unquote(urlsplit(entry["url"]).path.rpartition("/")[2])
    uploaded = as_utc(entry.get("upload-time"))
    return RemoteFile(name, entry["url"], entry["hashes"]["sha256"], entry.get("size"), uploaded)


def download(packages: Sequence[HonestPackage]) -> None:
    """Fetch what isn't there yet, one file after another."""
    files = [file for package in packages for file in (*package.wheels, *package.sdist)]
    missing = [file for file in files if not (CACHE / file.filename).exists()]
    if not missing:
        return
    size = sum(file.size or 0 for file in missing) / 1e6
    print(f"Downloading {len(missing)} files, {size:.0f} MB, to {CACHE}", file=sys.stderr)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    with Downloader(Network(ca_bundle=bundle), Sources(), Limits()) as downloader:
        for file in missing:
            downloader.fetch(file, CACHE)


def fetch_from_cache(file: RemoteFile, folder: Path) -> ArtifactFile:
    """Copy a downloaded file to where the gate wants it."""
    path = folder / file.filename
    copyfile(CACHE / file.filename, path)
    return ArtifactFile(
        Artifact(file.filename, file.sha256 or "", path.stat().st_size, file.url, file.uploaded),
        path,
    )


@contextmanager
def judging(
    fetch: Callable[[RemoteFile, Path], ArtifactFile],
    policy: Policy,
    advisories: Path,
    history: History | None = None,
) -> Iterator[Callable[[Sequence[ResolvedPackage]], list[PackageDecision]]]:
    """Set up the gate from fetching to the verdict, with its default scanners; nothing is kept."""
    with TemporaryDirectory() as name:
        scratch = Path(name, "scratch")
        scratch.mkdir()
        outside = Outside(
            sources={},
            fetch=fetch,
            publisher=LocalFolder(Path(name)),
            storage=FolderStorage(Path(name)),
            notifier=Outbox(Path(name, "outbox")),
            now=lambda: datetime.now(UTC),
            progress=Silent(),
            history=history,
        )
        with (
            default_scanners(str(advisories), policy, scratch) as scanners,
            open_gate(outside, scanners, policy, Options(dry_run=True), scratch) as gate,
        ):
            packages_of_run = gate.steps.packages

            def judge(packages: Sequence[ResolvedPackage]) -> list[PackageDecision]:
                works = [packages_of_run.claim(package) for package in packages]
                decisions = []
                for work in works:
                    decisions.append(work.decided.result())
                    packages_of_run.release(work)
                return decisions

            yield judge


@contextmanager
def judging_with_history(
    policy: Policy, advisories: Path
) -> Iterator[Callable[[Sequence[ResolvedPackage]], list[PackageDecision]]]:
    """Set up the same with the older releases that the index has, which are downloaded."""
    settings = index_settings(os.environ, Path.home(), policy.sources)
    network = network_of(os.environ)
    indexes = partial(configured_indexes, settings)
    with Downloader(network, policy.sources, policy.limits, indexes=indexes) as downloader:

        def fetch(file: RemoteFile, folder: Path) -> ArtifactFile:
            kept = (CACHE / file.filename).exists()
            return fetch_from_cache(file, folder) if kept else downloader.fetch(file, folder)

        with judging(fetch, policy, advisories, PyPIHistory(Index(settings))) as judge:
            yield judge


def resolved(name: str, version: str, files: Sequence[RemoteFile]) -> ResolvedPackage:
    """Describe a release as the index source does."""
    return ResolvedPackage(name, version, Origin.PYPI, tuple(files))
