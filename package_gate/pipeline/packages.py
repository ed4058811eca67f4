"""The packages of a run: each is fetched, scanned and decided once, whichever requests need it.

Downloaded files stay until the last of those requests is done, because they are what gets
published.
"""

import itertools
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.standing import standing, standing_of_releases
from package_gate.core.artifact import ArtifactFile, Origin, RemoteFile, ResolvedPackage
from package_gate.core.decision import PackageDecision, PackageSummary, Verdict
from package_gate.core.ecosystem import digest_version, ecosystem_of
from package_gate.core.errors import (
    DigestError,
    PublishError,
    SigningError,
    SourceError,
    SourceRefusedError,
)
from package_gate.core.evidence import Evidence, package_digest
from package_gate.core.finding import is_known_malware
from package_gate.core.freshness import Freshness, TooFresh
from package_gate.core.judge import judge
from package_gate.core.owed import Withdrawal
from package_gate.core.standing import Standing
from package_gate.pipeline.decide import decide_package, follow_package
from package_gate.pipeline.looking import Looking
from package_gate.pipeline.precedent import Precedents
from package_gate.pipeline.provenance import provenance_of
from package_gate.pipeline.reuse import (
    missing_scans,
    scans_that_hold,
    stands_undecided,
    unchanged,
    with_approved_files,
)
from package_gate.pipeline.settings import Settings
from package_gate.pipeline.signing import Signing
from package_gate.publishers.interface import ApprovedPackage
from package_gate.records.store import Records

PACKAGES_AT_ONCE = 4
SHOWN_BYTES = 10 * 1000**2
"""A download takes long enough to say how large it is."""


@dataclass(slots=True)
class PackageWork:
    """One package on its way, shared by the requests that need it."""

    key: object
    subject: str
    """Its name and version, for messages."""
    folder: Path
    """Its scratch folder, made when something is downloaded."""
    lock: threading.Lock
    """Of its name and version: held while that is decided, published or withdrawn."""
    decided: Future[PackageDecision] = field(default_factory=Future)
    decision: PackageDecision | None = None
    """What was decided; replaced when it is published or withdrawn."""
    files: tuple[ArtifactFile, ...] = ()
    """The downloaded files; none when evidence made fetching unnecessary."""
    users: int = 0
    """How many requests need it now."""


class Packages:
    """Decides packages, several at a time."""

    def __init__(
        self,
        looking: Looking,
        records: Records,
        precedents: Precedents,
        signing: Signing,
        settings: Settings,
    ) -> None:
        """Put the parts together."""
        self._signing = signing
        self._fetch = looking.fetch
        self._looker = looking.looker
        self.advisories = looking.advisories
        self._attestations = looking.attestations
        self._records = records
        self._scratch = looking.scratch
        self._precedents = precedents
        self._settings = settings
        self._conditions = settings.conditions
        self._scanned_now: dict[str, Evidence] = {}
        self._works: dict[object, PackageWork] = {}
        self._works_lock = threading.Lock()
        self._counting = threading.Lock()
        self._claimed = self._decided = 0
        self._numbers = itertools.count(1)
        self._version_locks: dict[tuple[Origin, str, str], threading.Lock] = {}
        self._pool = ThreadPoolExecutor(PACKAGES_AT_ONCE, "package")

    def claim(self, package: ResolvedPackage) -> PackageWork:
        """Give the one piece of work for a package, however many requests need it.

        Its `decided` ends with the decision, or raises SourceError (it could not be fetched),
        SourceRefusedError (the policy or the address guard forbids it) or StoreError.
        """
        files = tuple((file.url, file.sha256) for file in package.files)
        key = (package.origin, package.name, package.version, files)
        with self._works_lock:
            work = self._works.get(key)
            if work is None:
                by_digest = ecosystem_of(package.origin).named_by_digest
                version = "" if by_digest else package.version
                lock = self._version_locks.setdefault(
                    (package.origin, package.name, version), threading.Lock()
                )
                folder = self._scratch / f"package-{next(self._numbers)}"
                work = PackageWork(key, _subject(package), folder, lock)
                self._claimed += 1
                work.decided = self._pool.submit(self._decide, package, work)
                work.decided.add_done_callback(lambda _: self._is_decided(work))
                self._works[key] = work
            work.users += 1
            return work

    def _is_decided(self, work: PackageWork) -> None:
        with self._counting:
            self._decided += 1
            decided, claimed = self._decided, self._claimed
        self._settings.progress.end(work.subject)
        self._settings.progress.count("packages", decided, claimed)

    def release(self, work: PackageWork) -> None:
        """Remove a package's files once no request needs them any more."""
        with self._works_lock:
            work.users -= 1
            if work.users:
                return
            del self._works[work.key]
        work.decided.exception()  # it may still be writing
        if work.folder.exists():
            shutil.rmtree(work.folder, ignore_errors=True)

    def approved(self, work: PackageWork) -> ApprovedPackage:
        """Give an approved package with its files, fetched again when they are not at hand.

        Raises:
            PublishError: the approved bytes can't be had any more.
        """
        decision = work.decision
        if decision is None or decision.verdict is not Verdict.APPROVED:
            raise PublishError("Only an approved package can be published.")
        recorded = self._records.package_now(decision.origin, decision.name, decision.version)
        if recorded and recorded.verdict is Verdict.REFUSED:
            raise PublishError(
                f"{decision.name} {decision.version} was refused meanwhile: another request needs "
                "more of its files."
            )
        if not work.files:
            try:
                work.files = self._fetch_files(remote_files(decision), work)
            except SourceError as error:
                raise PublishError(f"Its approved files can't be fetched again: {error}") from error
        paths = {file.artifact.sha256: file.path for file in work.files}
        digest = decision.evidence
        evidence = self._scanned_now.get(digest)
        if evidence is None and digest:
            evidence = self._records.evidence(digest)
        return ApprovedPackage(
            decision.name,
            decision.version,
            decision.origin,
            decision.decided_at,
            tuple(ArtifactFile(file, paths[file.sha256]) for file in decision.artifacts),
            (evidence and evidence.inventories) or (),
        )

    def keep_for_publication(self, works: Iterable[PackageWork]) -> None:
        """Keep what is approved and not published yet at hand for who publishes it.

        Raises:
            SourceError: its bytes can't be had any more.
        """
        for work in works:
            decision = work.decision
            if decision and decision.verdict is Verdict.APPROVED and not decision.published_to:
                self._looker.keep(remote_files(decision), work.folder)

    def ask_together(self, packages: Iterable[PackageSummary]) -> None:
        """Ask at once what is known of packages, so that the sources need not be asked for each.

        What can't be told is asked again for the package that needs it, which says so.
        """
        named = [
            NamedPackage(ecosystem_of(p.origin).normalise_name(p.name), p.version)
            for p in packages
            if ecosystem_of(p.origin).looked_up_by_name
        ]
        if named:
            standing_of_releases(list(dict.fromkeys(named)), self.advisories)

    def refused_unseen(self, package: ResolvedPackage) -> tuple[str, ...]:
        """Say why a package is refused whose files nobody has, by what is known of it; () when it
        is not.

        Of a package without a version only reports of malware count: each of its releases may be
        meant.
        """
        release = NamedPackage(
            ecosystem_of(package.origin).normalise_name(package.name), package.version
        )
        known = standing_of_releases([release], self.advisories)[release]
        findings = [
            finding for finding in known.findings if package.version or is_known_malware(finding)
        ]
        today = self._settings.now().date()
        judgement = judge(
            package, findings, known.scanners, known.failures, self._conditions.policy, today
        )
        return judgement.reasons if judgement.verdict is Verdict.REFUSED else ()

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._looker.close()

    def _decide(self, package: ResolvedPackage, work: PackageWork) -> PackageDecision:
        """Decide one package and record the decision, one file set of a version after another."""
        with work.lock:
            if not package.version:
                try:
                    work.files = self._fetch_files(package.files, work)
                except DigestError as error:
                    raise SourceRefusedError(f"{error} The request gives that one.") from error
                package = _with_digests(package, work.files)
            earlier = self._records.package(package.origin, package.name, package.version)
            package = with_approved_files(package, earlier)
            attested = provenance_of(
                package, earlier, self._attestations, self._conditions.policy.provenance
            )
            fresh = self._too_fresh(package, earlier)
            evidence = self._evidence(package, earlier)
            missing = missing_scans(evidence, self._conditions)
            if evidence is None or missing:
                decision = self._decide_without(missing, package, evidence, earlier, attested)
                if decision and decision.verdict is Verdict.REFUSED:
                    return self._finish(work, decision, earlier)
                if fresh and not (earlier and earlier.may_be_published):
                    undecided = decide_package(
                        package, None, Standing((), ()), self._conditions, self._settings.now()
                    )
                    undecided = replace(
                        undecided,
                        verdict=Verdict.UNDECIDED,
                        reasons=(fresh.reason,),
                        waits_until=fresh.until,
                    )
                    return self._finish(work, undecided, earlier)
                evidence = self._scan(package, work, evidence, missing)
            decision = self._judge(package, evidence, fresh, earlier, attested)
            return self._finish(work, decision, earlier)

    def _evidence(
        self, package: ResolvedPackage, earlier: PackageDecision | None
    ) -> Evidence | None:
        """Give what is known of exactly these files; of a rescan, what it found itself."""
        files = {file.filename: file.sha256 for file in package.files if file.sha256}
        if len(files) != len(package.files):
            return None
        digest = package_digest(package.origin, package.name, package.version, files)
        if self._conditions.rescan:
            return self._scanned_now.get(digest)
        return self._records.evidence(digest, earlier)

    def _decide_without(
        self,
        missing: Sequence[str],
        package: ResolvedPackage,
        evidence: Evidence | None,
        earlier: PackageDecision | None,
        attested: Standing,
    ) -> PackageDecision | None:
        """Decide by what is known without the missing scanners: they can't mend a refusal."""
        if evidence is None or self._conditions.unpacker in missing:
            return None
        return self._judge(package, scans_that_hold(evidence, missing), None, earlier, attested)

    def _judge(
        self,
        package: ResolvedPackage,
        evidence: Evidence,
        fresh: TooFresh | None,
        earlier: PackageDecision | None,
        attested: Standing,
    ) -> PackageDecision:
        known = standing(evidence, self.advisories).joined(attested)
        return decide_package(
            package,
            evidence,
            known,
            self._conditions,
            self._settings.now(),
            fresh=fresh,
            comparison=self._precedents.compare(package, evidence, known, earlier),
        )

    def _scan(
        self,
        package: ResolvedPackage,
        work: PackageWork,
        known: Evidence | None,
        missing: Sequence[str],
    ) -> Evidence:
        def files() -> tuple[ArtifactFile, ...]:
            if not work.files:
                work.files = self._fetch_files(package.files, work)
            self._settings.progress.step(_subject(package), "scanning")
            return work.files

        evidence = self._looker.look(package, files, work.folder, known, missing)
        finished = replace(evidence, failures=())
        if not self._settings.dry_run:
            self._records.put_evidence(finished)
        if not evidence.failures:
            self._scanned_now[evidence.digest] = finished
        return evidence

    def _fetch_files(
        self, files: Sequence[RemoteFile], work: PackageWork
    ) -> tuple[ArtifactFile, ...]:
        size = sum(file.size or 0 for file in files)
        downloads = work.folder / "downloads"  # their names others have chosen
        downloads.mkdir(parents=True, exist_ok=True)
        if size >= SHOWN_BYTES:
            what = f"fetching {size / 1000**2:,.0f} MB"
            self._settings.progress.step(work.subject, what, partial(_bytes_in, downloads))
        else:
            self._settings.progress.step(work.subject, "fetching")
        return tuple(self._fetch(file, downloads) for file in files)

    def _too_fresh(
        self, package: ResolvedPackage, earlier: PackageDecision | None
    ) -> TooFresh | None:
        """Say that a release is younger than the cooldown, or may be; None when it is not.

        What notebooks can install already is not taken back for it.
        """
        if (
            earlier
            and earlier.verdict is Verdict.APPROVED
            and earlier.may_be_published
            and not self._conditions.rescan
        ):
            return None
        ecosystem = ecosystem_of(package.origin)
        freshness = Freshness(self._conditions.policy, ecosystem, self._settings.now())
        uploads = [file.uploaded for file in package.files if file.uploaded]
        unknown = [file.filename for file in package.files if not file.uploaded]
        # A closure that the record holds may be of a time when there was no cooldown.
        if unknown and ecosystem.looked_up_by_name and freshness.cutoff:
            waived = freshness.is_waived(package.name, package.version)
            return None if waived else freshness.unknown(unknown)
        until = freshness.until(package.name, package.version, uploads)
        return freshness.reason(until) if until else None

    def _finish(
        self, work: PackageWork, decision: PackageDecision, earlier: PackageDecision | None
    ) -> PackageDecision:
        """Record a decision; what was published before stands there until it is withdrawn."""
        if earlier is not None:
            decision = follow_package(decision, earlier)
        work.decision = decision
        if self._settings.dry_run or stands_undecided(decision, earlier, self._conditions):
            return decision
        if (
            earlier
            and unchanged(decision, earlier)
            and self._signing.holds(earlier)
            and not self._records.took_over
        ):
            return decision
        if decision.verdict is Verdict.APPROVED:
            try:
                decision = self._signing.signed(decision)
            except SigningError as error:  # what should be signed and is not, nobody may install
                decision = replace(
                    decision, verdict=Verdict.UNDECIDED, reasons=(str(error),), attestation=None
                )
                work.decision = decision
                if stands_undecided(decision, earlier, self._conditions):
                    return decision
        owed = Withdrawal.of(decision, self._settings.now())
        if decision.verdict is Verdict.REFUSED and (
            self._signing.is_refused(decision, earlier) or decision.may_be_published
        ):
            self._records.owed.owe_withdrawal(owed)
        decision = work.decision = self._signing.put(decision)
        if decision.verdict is Verdict.APPROVED and owed.key in self._conditions.overturned:
            self._records.owed.is_withdrawn(owed)
        return decision


def _bytes_in(folder: Path) -> int:
    """Say how many bytes the files in a folder have, while others come and go."""
    size = 0
    with suppress(OSError), os.scandir(folder) as files:
        for file in files:
            with suppress(OSError):
                size += file.stat(follow_symlinks=False).st_size
    return size


def remote_files(decision: PackageDecision | PackageSummary) -> tuple[RemoteFile, ...]:
    """Turn recorded artifacts into files that can be fetched again."""
    return tuple(artifact.remote for artifact in decision.artifacts)


def _with_digests(package: ResolvedPackage, files: Sequence[ArtifactFile]) -> ResolvedPackage:
    """Give a package that is named by its bytes their version and digest."""
    known = tuple(
        replace(
            remote,
            filename=file.artifact.filename,
            sha256=file.artifact.sha256,
            size=file.artifact.size,
        )
        for remote, file in zip(package.files, files, strict=True)
    )
    return replace(package, version=digest_version(files[0].artifact.sha256), files=known)


def _subject(package: ResolvedPackage) -> str:
    return f"{package.name} {package.version}".strip()
