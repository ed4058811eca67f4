"""A dependency scan in this process: a fake index, advisories in a folder, a repository's files."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.core.artifact import Artifact, ArtifactFile, RemoteFile
from package_gate.core.ecosystem import PYPI
from package_gate.core.freshness import Freshness
from package_gate.core.policy import Policy, Targets
from package_gate.dependency_scan.closures import Closures
from package_gate.dependency_scan.collect import collect
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.fixing import Fixer
from package_gate.dependency_scan.hashes import LockedFiles
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.dependency_scan.models import DependencyScan
from package_gate.dependency_scan.repository import Checkout
from package_gate.dependency_scan.scan import Parts, Subject, scan
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.index import Index
from package_gate.sources.pypi.resolver import Resolver
from package_gate.sources.pypi.uv import IndexSettings, PythonTarget
from tests.fakes.advisories import advisory, write_snapshot
from tests.fakes.describing import describe
from tests.fakes.package_index import LOCAL, PackageIndex

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PLATFORM = "x86_64-manylinux_2_28"
INDEX = "https://index.test/simple"


@dataclass
class World:
    """What a test prepares, and what a scan then says."""

    folder: Path
    index: PackageIndex
    cache: Path
    policy: Policy = field(default_factory=lambda: Policy(targets=Targets(("3.11",), (PLATFORM,))))
    fetched: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository = self.folder / "repository"
        self.repository.mkdir()
        self.add_advisory("unrelated", "0.1")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Put files into the repository."""
        write_files(self.repository, files)

    def add_advisory(self, package: str, *versions: str, severity: str = "HIGH") -> None:
        """Add an advisory against these versions; its id names the package."""
        write_snapshot(
            self.folder / "advisories",
            advisory(
                f"PYSEC-2026-{package}",
                package,
                versions=list(versions),
                summary=f"{package} has a hole.",
                database_specific={"severity": severity},
            ),
        )

    def scan(self, files: Mapping[str, str | bytes] | None = None, **policy: Any) -> DependencyScan:
        """Scan the repository."""
        self.write(files or {})
        rules = replace_policy(self.policy, policy)
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        settings = IndexSettings(self.index.environment, cache_dir=self.cache, guard=LOCAL)
        index = Index(settings)
        targets = [PythonTarget(python, PLATFORM) for python in rules.targets.python_versions]
        resolver = Resolver(settings, index, self.fetch, describe, 20)
        closures = Closures(resolver, index, targets, scratch, self.step)
        with closing(OSV(OSVSettings(str(self.folder / "advisories")))) as osv:
            look_up = LookUp([osv], rules, NOW.date(), self.step)
            cooldown = IndexCooldown(Freshness(rules, PYPI, NOW))
            fixer = Fixer(closures, look_up, index, cooldown, self.step)
            return scan(
                lambda replaced: Checkout(self.repository, (), replaced),
                Subject("team/app"),
                Parts(
                    closures,
                    look_up,
                    fixer,
                    LockedFiles(index, [self.index.url], self.step),
                    [self.index.url],
                    "0" * 64,
                    lambda: NOW,
                ),
            )

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Stand in for the downloader."""
        self.fetched.append(file.filename)
        path, content = folder / file.filename, self.index.contents[file.url]
        path.write_bytes(content)
        return ArtifactFile(Artifact(file.filename, file.sha256 or "", len(content)), path)

    def step(self, subject: str, what: str) -> None:
        """Remember what was begun."""
        self.progress.append(f"{subject}: {what}")


def replace_policy(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """Change some keys."""
    import msgspec

    return msgspec.structs.replace(policy, **changes)


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def collected(folder: Path, files: Mapping[str, str | bytes], **more: Any) -> Collected:
    """Collect what these files ask for."""
    write_files(folder, files)
    return collect(Checkout(folder, **more), [INDEX])


def problems(found: Collected) -> list[tuple[str, int | None, str]]:
    """Give what could not be determined."""
    return [(each.path, each.line, each.text) for each in found.problems]


def asked(found: Collected) -> dict[str, list[str]]:
    """Give each set's requirements."""
    return {each.name: [str(direct) for direct in each.requirements] for each in found.sets}


def verdicts(result: DependencyScan) -> dict[str, str]:
    """Give each package's verdict."""
    return {f"{each.name} {each.version}": str(each.verdict) for each in result.packages}


def told(result: DependencyScan) -> list[str]:
    """Give the problems with their places."""
    return [f"{each.path}:{each.line}: {each.text}" for each in result.problems]


def proposed(result: DependencyScan) -> dict[str, str]:
    """Give the proposed files."""
    return {each.path: each.content.decode() for each in result.proposals}


def as_json(path: Path) -> Any:
    """Read a JSON report."""
    return json.loads(path.read_bytes())
