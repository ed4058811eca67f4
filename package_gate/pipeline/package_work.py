"""Deciding one package: fetch, unpack, scan, judge.

What `Gate` runs once for each package of a run, whichever requests need it. The downloaded files
stay until the last of those requests is done, because they are what gets published.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from package_gate.advisories.interface import AdvisorySource
from package_gate.advisories.standing import standing
from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    RemoteFile,
    ResolvedPackage,
    UnpackedArtifact,
    UnpackedPackage,
)
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import PublishError, ScannerError, SourceError
from package_gate.core.evidence import Evidence
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Inventory
from package_gate.core.judge import judge
from package_gate.core.policy import ARCHIVE_VERSION, Policy
from package_gate.core.version import gate_version
from package_gate.publishers.interface import ApprovedPackage
from package_gate.records.decisions import Decisions
from package_gate.scanners.interface import Scanner, UnpackingScanner
from package_gate.sources.pypi.yanked import yanked_release

PACKAGES_AT_ONCE = 4
SCANS_AT_ONCE = 16


@dataclass(slots=True)
class PackageWork:
    """One package on its way, shared by the requests that need it."""

    key: object
    subject: str
    """Its name and version, for messages."""
    folder: Path
    """Its scratch folder."""
    downloads: Path
    """A folder in it for the downloaded files, whose names others have chosen."""
    lock: threading.Lock
    """Of its name and version: held while that is decided, published or withdrawn."""
    decided: Future[PackageDecision] = field(default_factory=Future)
    decision: PackageDecision | None = None
    """What was decided; replaced when it is published or withdrawn."""
    files: tuple[ArtifactFile, ...] = ()
    """The downloaded files; none when an earlier decision made fetching unnecessary."""
    users: int = 0
    """How many requests need it now."""


class PackageWorker:
    """Fetches, unpacks, scans and judges packages, several at a time."""

    def __init__(
        self,
        fetch: Callable[[RemoteFile, Path], ArtifactFile],
        unpacker: UnpackingScanner,
        scanners: Sequence[Scanner],
        advisories: Sequence[AdvisorySource],
        policy: Policy,
        policy_digest: str,
        decisions: Decisions,
        scratch: Path,
        now: Callable[[], datetime],
        progress: Callable[[str, str], None],
        *,
        record: bool,
        rescan: bool,
        sample_advisories: bool,
    ) -> None:
        """Put the parts together.

        Args:
            fetch: downloads a file into a folder, checked against what is known of it.
            unpacker: makes the trees.
            scanners: look at them.
            advisories: who is asked about names and versions.
            policy: InfoSec's policy.
            policy_digest: SHA-256 of its file.
            decisions: the record store.
            scratch: an empty folder for everything that is downloaded and unpacked.
            now: the time (UTC).
            progress: is told the subject and the step that begins.
            record: whether decisions are stored.
            rescan: whether to decide again what an earlier run decided.
            sample_advisories: whether verdicts rest on the hand-written advisory set.
        """
        self._fetch = fetch
        self._unpacker = unpacker
        self._scanners = scanners
        self._advisories = advisories
        self._policy = policy
        self._policy_digest = policy_digest
        self._decisions = decisions
        self._scratch = scratch
        self._now = now
        self._progress = progress
        self._record = record
        self._rescan = rescan
        self._decided_now: set[tuple[Origin, str, str]] = set()
        self._sample_advisories = sample_advisories
        self._works: dict[object, PackageWork] = {}
        self._works_lock = threading.Lock()
        self._version_locks: dict[tuple[Origin, str, str], threading.Lock] = {}
        self._package_pool = ThreadPoolExecutor(PACKAGES_AT_ONCE, "package")
        self._scan_pool = ThreadPoolExecutor(SCANS_AT_ONCE, "scan")

    def claim(self, package: ResolvedPackage) -> PackageWork:
        """Give the one piece of work for a package, however many requests need it.

        Its `decided` ends with the decision, or raises SourceError (it could not be fetched),
        SourceRefusedError (the policy or the address guard forbids it) or StoreError.
        """
        key = (package.origin, package.name, package.version, tuple(f.url for f in package.files))
        with self._works_lock:
            work = self._works.get(key)
            if work is None:
                subject = f"{package.name} {package.version}".strip()
                # The version of an archive is known later.
                version = package.version if package.origin is Origin.PYPI else ""
                lock = self._version_locks.setdefault(
                    (package.origin, package.name, version), threading.Lock()
                )
                folder = Path(tempfile.mkdtemp(dir=self._scratch))
                (folder / "downloads").mkdir()
                work = PackageWork(key, subject, folder, folder / "downloads", lock)
                work.decided = self._package_pool.submit(self._decide, package, work)
                self._works[key] = work
            work.users += 1
            return work

    def release(self, work: PackageWork) -> None:
        """Remove a package's files once no request needs them any more."""
        with self._works_lock:
            work.users -= 1
            if work.users:
                return
            del self._works[work.key]
        work.decided.exception()  # it may still be writing
        shutil.rmtree(work.folder, ignore_errors=True)

    def _decide(self, package: ResolvedPackage, work: PackageWork) -> PackageDecision:
        """Decide one package and record the decision, one file set of a version after another."""
        with work.lock:
            if package.origin is Origin.ARCHIVE:
                return self._decide_archive(package, work)
            earlier = self._decisions.package(package.origin, package.name, package.version)
            if earlier and self._stands(earlier, [file.sha256 for file in package.files]):
                work.decision = earlier
                return earlier
            if earlier and earlier.verdict is Verdict.APPROVED:
                package = _with_files_of(package, earlier)
            fresh = self._too_fresh(package)
            if fresh and not (earlier and earlier.may_be_published):
                undecided = self._decision(package, Verdict.UNDECIDED, [fresh])
                return self._finish(work, undecided, earlier)
            self._fetch_files(package, work)
            decision = self._scan_and_judge(package, work)
            if fresh and decision.verdict is Verdict.APPROVED:
                decision = replace(decision, verdict=Verdict.UNDECIDED, reasons=(fresh,))
            return self._finish(work, decision, earlier)

    def _decide_archive(self, package: ResolvedPackage, work: PackageWork) -> PackageDecision:
        """Decide an archive, whose version is known once its bytes are."""
        self._fetch_files(package, work)
        digest = work.files[0].artifact.sha256
        # Half of the digest: of less, somebody could make two archives that share a waiver.
        package = replace(package, version=f"{ARCHIVE_VERSION}{digest[:32]}")
        earlier = self._decisions.package(package.origin, package.name, package.version)
        if earlier and self._stands(earlier, [digest]):
            work.decision = earlier
            return earlier
        return self._finish(work, self._scan_and_judge(package, work), earlier)

    def _fetch_files(self, package: ResolvedPackage, work: PackageWork) -> None:
        self._progress(f"{package.name} {package.version}".strip(), "fetching")
        work.files = tuple(self._fetch(file, work.downloads) for file in package.files)

    def approved(self, work: PackageWork) -> ApprovedPackage:
        """Give an approved package with its files, fetched again when they are not at hand.

        Raises:
            PublishError: the approved bytes can't be had any more.
        """
        decision = work.decision
        if decision is None or decision.verdict is not Verdict.APPROVED:
            raise PublishError("Only an approved package can be published.")
        recorded = self._decisions.package(decision.origin, decision.name, decision.version)
        if recorded and recorded.verdict is Verdict.REFUSED:
            raise PublishError(
                f"{decision.name} {decision.version} was refused meanwhile: another request needs "
                "more of its files."
            )
        if not work.files:
            try:
                work.files = tuple(
                    self._fetch(file, work.downloads) for file in remote_files(decision.artifacts)
                )
            except SourceError as error:
                raise PublishError(f"Its approved files can't be fetched again: {error}") from error
        paths = {file.artifact.sha256: file.path for file in work.files}
        return ApprovedPackage(
            decision.name,
            decision.version,
            decision.origin,
            decision.decided_at,
            tuple(ArtifactFile(file, paths[file.sha256]) for file in decision.artifacts),
        )

    def close(self) -> None:
        """Take no more work."""
        self._package_pool.shutdown(wait=False, cancel_futures=True)
        self._scan_pool.shutdown(wait=False, cancel_futures=True)

    def _stands(self, earlier: PackageDecision, digests: Sequence[str | None]) -> bool:
        """Tell whether an earlier decision holds for exactly these bytes under this policy."""
        if earlier.verdict is Verdict.UNDECIDED or earlier.policy_digest != self._policy_digest:
            return False
        # Not by its time: a clock may have been set back since.
        if self._rescan and _version_of(earlier) not in self._decided_now:
            return False
        if earlier.sample_advisories and not self._sample_advisories:
            return False
        known = set(_digests(earlier))
        if earlier.verdict is Verdict.REFUSED:
            return known == set(digests)
        if not known >= set(digests):
            return False
        finished = {scanner.name for scanner in earlier.scanners}
        scanners = {self._unpacker.name, *(scanner.name for scanner in self._scanners)}
        return finished >= scanners | {source.name for source in self._advisories}

    def _too_fresh(self, package: ResolvedPackage) -> str:
        """Say that a release is younger than the cooldown, or "" when it is not."""
        uploads = [file.uploaded for file in package.files if file.uploaded]
        until = self._policy.fresh_until(
            package.name, package.version, max(uploads, default=None), self._now()
        )
        if until is None:
            return ""
        return (
            f"Released on {max(uploads):%Y-%m-%d}, younger than the cooldown of "
            f"{self._policy.cooldown.days} days. It is decided from {until:%Y-%m-%d %H:%M} UTC on."
        )

    def _scan_and_judge(self, package: ResolvedPackage, work: PackageWork) -> PackageDecision:
        self._progress(f"{package.name} {package.version}", "scanning")
        trees = work.folder / "trees"  # the unpacker can write there and nowhere else
        trees.mkdir(exist_ok=True)
        target = UnpackedPackage(
            package.name,
            package.version,
            package.origin,
            tuple(
                UnpackedArtifact(file.artifact, str(file.path), str(trees / str(number)))
                for number, file in enumerate(work.files)
            ),
        )
        findings = _index_findings(package)
        finished: list[ScannerInfo] = []
        failures: list[str] = []

        def run(scanner: Scanner) -> list[Finding]:
            return list(scanner.scan(target))

        artifacts = tuple(unpacked.artifact for unpacked in target.artifacts)
        try:
            unpacked = self._scan_pool.submit(self._unpacker.unpack, target).result()
            findings += unpacked.findings
            finished.append(self._unpacker.info)
        except ScannerError as error:
            failures.append(f"The scanner {self._unpacker.name} did not finish: {error}")
        else:
            artifacts = tuple(
                replace(artifact, requires_python=inventory.requires_python, kind=inventory.kind)
                for artifact, inventory in zip(artifacts, unpacked.inventories, strict=True)
            )
            evidence = _evidence(package, artifacts, unpacked.inventories)
            known = self._scan_pool.submit(standing, evidence, self._advisories)
            running = [(each, self._scan_pool.submit(run, each)) for each in self._scanners]
            for scanner, future in running:
                try:
                    findings += future.result()
                    finished.append(scanner.info)
                except ScannerError as error:
                    failures.append(f"The scanner {scanner.name} did not finish: {error}")
            findings += known.result().findings
            finished += known.result().scanners
            failures += known.result().failures
        judgement = judge(
            package.name,
            package.version,
            findings,
            finished,
            failures,
            self._policy,
            self._now().date(),
        )
        for each in target.artifacts:
            shutil.rmtree(each.tree, ignore_errors=True)
        return replace(
            self._decision(package, judgement.verdict, judgement.reasons),
            artifacts=artifacts,
            findings=judgement.findings,
            scanners=tuple(finished),
        )

    def _decision(
        self, package: ResolvedPackage, verdict: Verdict, reasons: Sequence[str]
    ) -> PackageDecision:
        return PackageDecision(
            name=package.name,
            version=package.version,
            origin=package.origin,
            verdict=verdict,
            reasons=tuple(reasons),
            notes=package.notes,
            artifacts=(),
            findings=(),
            scanners=(),
            policy_digest=self._policy_digest,
            decided_at=self._now(),
            gate_version=gate_version(),
            sample_advisories=self._sample_advisories,
        )

    def _finish(
        self, work: PackageWork, decision: PackageDecision, earlier: PackageDecision | None
    ) -> PackageDecision:
        """Record a decision.

        What was published before stands there until it is withdrawn; new files of an approved
        package are still to be published, and so are all when it isn't certain which were.
        """
        if earlier is not None and earlier.may_be_published:
            decision = replace(decision, published_at=earlier.published_at)
            complete = decision.origin is Origin.ARCHIVE or (
                earlier.verdict is Verdict.APPROVED
                and set(_digests(decision)) <= set(_digests(earlier))
            )
            if complete or decision.verdict is not Verdict.APPROVED:
                decision = replace(decision, published_to=earlier.published_to)
        if self._record:
            self._decisions.put(decision)
            self._decided_now.add(_version_of(decision))
        work.decision = decision
        return decision


def _version_of(decision: PackageDecision) -> tuple[Origin, str, str]:
    return decision.origin, decision.name, decision.version


def _digests(decision: PackageDecision) -> list[str]:
    return [artifact.sha256 for artifact in decision.artifacts]


def _with_files_of(package: ResolvedPackage, earlier: PackageDecision) -> ResolvedPackage:
    """Add the files that were approved for other notebooks: one decision covers a version."""
    names = {file.filename for file in package.files}
    others = [file for file in earlier.artifacts if file.filename not in names]
    return replace(package, files=package.files + remote_files(others))


def remote_files(artifacts: Sequence[Artifact]) -> tuple[RemoteFile, ...]:
    """Turn recorded artifacts into files that can be fetched again."""
    return tuple(
        RemoteFile(file.filename, file.url, file.sha256, file.size, file.uploaded)
        for file in artifacts
    )


def _evidence(
    package: ResolvedPackage, artifacts: tuple[Artifact, ...], inventories: tuple[Inventory, ...]
) -> Evidence:
    """Give what is looked up of an unpacked package."""
    return Evidence(package.name, package.version, package.origin, artifacts, (), inventories)


def _index_findings(package: ResolvedPackage) -> list[Finding]:
    """Report files that the index has yanked."""
    yanked = [file.yanked for file in package.files if file.yanked is not None]
    return [yanked_release(yanked[0], len(yanked))] if yanked else []
