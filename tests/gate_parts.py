"""A gate made of small in-memory parts, for tests of the order of the steps."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.attestations.attestor import Attestor
from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    RemoteFile,
    Resolution,
    ResolvedPackage,
    UnpackedPackage,
)
from package_gate.core.decision import PackageSummary
from package_gate.core.errors import DigestError, GateError, PublishError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Component, Inventory, Unpacked
from package_gate.core.policy import HistoryRules, Policy
from package_gate.core.reevaluation import Reevaluated
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import Run
from package_gate.notifications.outbox import Email
from package_gate.pipeline.assembly import Options, Outside, Scanners, open_gate
from package_gate.pipeline.gate import Gate
from package_gate.pipeline.reevaluate import Reevaluation
from package_gate.pipeline.settings import Progress, Silent
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.records.storage import FolderStorage
from package_gate.records.store import Records
from package_gate.sources.interface import Attestations

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the gate catches it."""


def request(name: str, requester: str = "", line: int = 1) -> Request:
    return Request(name, PyPISource(name), requester, line)


def archive(name: str) -> Request:
    return Request(name, ArchiveSource(f"https://host.example/{name}.zip"), "", 1)


@dataclass
class World:
    """Everything outside the gate, and what the gate did to it."""

    folder: Path
    now: datetime = datetime(2026, 6, 1, tzinfo=UTC)
    policy: Policy = field(default_factory=Policy)
    closures: dict[str, list[str]] = field(default_factory=dict)
    """Request name → names of the packages it needs; itself when it isn't here."""
    versions: dict[str, str] = field(default_factory=dict)
    """Package name → version; 1.0 when it isn't here."""
    uploaded: dict[str, datetime | None] = field(default_factory=dict)
    """Package name → when its file came to the index; long ago when it isn't here."""
    resolve_errors: dict[str, GateError] = field(default_factory=dict)
    fetch_errors: dict[str, GateError] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    """Package name, or name and version → what each of the scanners that a finding names finds in
    its bytes."""
    advisories: dict[str, list[Finding]] = field(default_factory=dict)
    """Package name → what is known of it from outside."""
    advisory_error: str = ""
    advisory_date: str = ""
    """Of the data of `osv`; the day when it isn't here."""
    advisory_entries: int = 0
    sources: list[AdvisorySource] = field(default_factory=list)
    """Sources of advisories besides `osv`."""
    precedents: dict[str, ResolvedPackage] = field(default_factory=dict)
    """Project → what its index gives for an old release."""
    history_error: GateError | None = None
    components: dict[str, tuple[Component, ...]] = field(default_factory=dict)
    """Package name → what its inventories hold and pin."""
    scanners: dict[str, str] = field(default_factory=lambda: {"malware": "1"})
    """The scanners of content besides the unpacker → their versions."""
    scan_errors: dict[str, Exception] = field(default_factory=dict)
    unpack_errors: dict[str, Exception] = field(default_factory=dict)
    requires_python: dict[str, str] = field(default_factory=dict)
    """Package name → what its inventories say."""
    summaries: dict[str, str] = field(default_factory=dict)
    """The same."""
    publish_errors: dict[str, GateError] = field(default_factory=dict)
    email_error: GateError | None = None
    finish_error: GateError | None = None
    attestations: Attestations | None = None
    """Who knows who has attested files; a re-evaluation asks nobody."""
    attestor: Attestor | None = None
    attest_errors: dict[str, GateError] = field(default_factory=dict)
    """Package name → why its statement can't be put beside it."""
    statements: dict[str, bytes] = field(default_factory=dict)
    """`NAME VERSION` → what stands beside the package."""
    standing_lists: list[bytes] = field(default_factory=list)
    """All that were posted."""
    finished: int = 0
    kill_at: str = ""
    """The call at which the process dies, such as `publish idna` or `email idna`."""
    calls: list[str] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    """`NAME VERSION` → SHA-256 of the bytes that stand in the repository."""
    hidden: dict[str, str] = field(default_factory=dict)
    """The same of those that it hides."""
    emails: list[Email] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    progress: Progress = field(default_factory=Silent)

    @property
    def records(self) -> Records:
        return Records(FolderStorage(self.folder))

    def count(self, call: str) -> int:
        return sum(entry == call for entry in self.calls)

    def called(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)
        if self.kill_at == call:
            raise Killed(call)

    def run(self, *requests: Request, rescan: bool = False, dry_run: bool = False) -> Run:
        with self.gate(Options(rescan=rescan, dry_run=dry_run)) as gate:
            return gate.run(RequestFile(requests, ()))

    def reevaluate(self, *, report_only: bool = False, confirmed: int | None = None) -> Reevaluated:
        with self.gate(Options(reevaluates=True)) as gate:
            return Reevaluation(gate).run(report_only=report_only, confirmed=confirmed)

    @contextmanager
    def gate(self, options: Options) -> Iterator[Gate]:
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        outside = Outside(
            sources={PyPISource: self, ArchiveSource: self},
            fetch=self.fetch,
            publisher=self,
            storage=FolderStorage(self.folder),
            notifier=self,
            now=self.tick,
            progress=self.progress,
            history=self,
            attestations=None if options.reevaluates else self.attestations,
            attestor=self.attestor,
        )
        scanners = Scanners(
            FakeScanner("archive", "1", self),
            [FakeScanner(*each, self) for each in self.scanners.items()],
            [FakeAdvisories(self), *self.sources],
        )
        with open_gate(outside, scanners, self.policy, options, scratch) as gate:
            yield gate

    def tick(self) -> datetime:
        with self.lock:
            self.now += timedelta(milliseconds=1)
            return self.now

    def resolve(self, asked: Request) -> Resolution:
        self.called(f"resolve {asked.name}")
        if asked.name in self.resolve_errors:
            raise self.resolve_errors[asked.name]
        if isinstance(asked.source, ArchiveSource):
            file = RemoteFile(f"{asked.name}.zip", asked.source.url, asked.source.sha256 or None)
            return Resolution((ResolvedPackage(asked.name, "", Origin.ARCHIVE, (file,)),))
        return Resolution(
            tuple(self.package(name) for name in self.closures.get(asked.name, [asked.name]))
        )

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        self.called(f"history {name}")
        assert list(files)
        if self.history_error is not None:
            raise self.history_error
        return self.precedents.get(name)

    def package(self, name: str, version: str = "") -> ResolvedPackage:
        version = version or self.versions.get(name, "1.0")
        filename = f"{name}-{version}-py3-none-any.whl"
        file = RemoteFile(
            filename,
            f"https://host.example/{filename}",
            hashlib.sha256(self.content(filename)).hexdigest(),
            uploaded=self.uploaded.get(name, LONG_AGO),
        )
        return ResolvedPackage(name, version, Origin.PYPI, (file,))

    def content(self, filename: str) -> bytes:
        return f"content of {filename}".encode()

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        name = file.filename.split("-")[0].removesuffix(".zip")
        self.called(f"fetch {name}")
        if name in self.fetch_errors:
            raise self.fetch_errors[name]
        content = self.content(file.filename)
        digest = hashlib.sha256(content).hexdigest()
        if file.sha256 not in (None, digest):
            raise DigestError("wrong digest")
        path = folder / file.filename
        path.write_bytes(content)
        artifact = Artifact(file.filename, digest, len(content), file.url, file.uploaded)
        return ArtifactFile(artifact, path)

    def publish(self, package: ApprovedPackage) -> str:
        self.called(f"publish {package.name}")
        if package.name in self.publish_errors:
            raise self.publish_errors[package.name]
        for file in package.files:
            digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
            assert digest == file.artifact.sha256
            self.published[f"{package.name} {package.version}"] = digest
        self.called(f"published {package.name}")
        return f"repository/{package.name}"

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        self.called(f"attest {package.name}")
        if package.name in self.attest_errors:
            raise self.attest_errors[package.name]
        self.statements[f"{package.name} {package.version}"] = statement

    def post_standing_list(self, content: bytes) -> None:
        self.called("post")
        self.standing_lists.append(content)

    def offer(self, asked: Request, packages: Sequence[PublishedPackage]) -> str:
        self.called(f"offer {asked.name}")
        missing = [p.name for p in packages if f"{p.name} {p.version}" not in self.published]
        if missing:
            raise PublishError(f"not published: {missing}")
        return f"pip install {asked.name}"

    def withdraw(self, package: PublishedPackage) -> bool:
        self.called(f"withdraw {package.name}")
        if package.name in self.publish_errors:
            raise self.publish_errors[package.name]
        subject = f"{package.name} {package.version}"
        digest = self.published.pop(subject, None)
        if digest and not package.malware:
            self.hidden[subject] = digest
        return digest is not None

    def restore(self, package: PublishedPackage) -> str:
        self.called(f"restore {package.name}")
        subject = f"{package.name} {package.version}"
        if subject in self.hidden:
            assert self.hidden[subject] == package.artifacts[0].sha256
            self.published[subject] = self.hidden.pop(subject)
        return f"repository/{package.name}" if subject in self.published else ""

    def repair(self, package: PackageSummary) -> None:
        self.called(f"repair {package.name}")

    def finish(self) -> None:
        self.finished += 1
        if self.finish_error is not None:
            raise self.finish_error

    def send(self, email: Email) -> None:
        self.called(f"email {email.package}")
        if self.email_error is not None:
            raise self.email_error
        self.emails.append(email)


class FakeScanner:
    """Finds what the world says of a package."""

    def __init__(self, name: str, version: str, world: World) -> None:
        self.name = name
        self.version = version
        self._world = world

    @property
    def info(self) -> ScannerInfo:
        return ScannerInfo(self.name, self.version)

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        if package.name in self._world.unpack_errors:
            raise self._world.unpack_errors[package.name]
        for unpacked in package.artifacts:
            Path(unpacked.tree).mkdir()
        python = self._world.requires_python.get(package.name, "")
        components = self._world.components.get(package.name, ())
        return Unpacked(
            (),
            tuple(
                Inventory(
                    unpacked.artifact.filename,
                    "zip",
                    requires_python=python,
                    summary=self._world.summaries.get(package.name, ""),
                    components=components,
                )
                for unpacked in package.artifacts
            ),
        )

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        self._world.called(f"scan {target.name}")
        if target.name in self._world.scan_errors:
            raise self._world.scan_errors[target.name]
        assert all(Path(unpacked.tree).is_dir() for unpacked in target.artifacts)
        known = self._world.findings
        found = known.get(f"{target.name} {target.version}", known.get(target.name, []))
        return [finding for finding in found if finding.scanner == self.name]


class FakeAdvisories:
    """Knows what the world says of a package; implements `AdvisorySource`."""

    name = "osv"

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def info(self) -> ScannerInfo:
        date = self._world.advisory_date or f"{self._world.now:%Y-%m-%d}"
        return ScannerInfo(self.name, "1", date, entries=self._world.advisory_entries)

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        for package in packages:
            self._world.called(f"ask {package.name}")
        if self._world.advisory_error:
            raise ScannerError(self._world.advisory_error)
        return [tuple(self._world.advisories.get(package.name, [])) for package in packages]

    def close(self) -> None: ...
