"""The precedent of a package: found, fetched and looked at only when there is a suspicion.

It is fetched and scanned as any package is, and what is in it is recorded, so each project pays
once. What could not be had leaves the package undecided; a precedent that could not be looked at is
none.
"""

import itertools
import shutil
from collections.abc import Collection

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.standing import standing_of_releases
from package_gate.core.artifact import ArtifactFile, ResolvedPackage
from package_gate.core.decision import PackageDecision
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import AgesUnknownError, SourceError
from package_gate.core.evidence import Evidence, package_digest
from package_gate.core.finding import Kind, is_known_malware
from package_gate.core.precedent import Comparison, Precedent, suspicions
from package_gate.core.standing import Standing
from package_gate.pipeline.looking import Looking
from package_gate.pipeline.reuse import missing_scans, precedent_that_holds
from package_gate.pipeline.settings import Settings
from package_gate.records.store import Records
from package_gate.sources.interface import History


class Precedents:
    """Finds precedents. Several threads may use it."""

    def __init__(
        self, history: History | None, looking: Looking, records: Records, settings: Settings
    ) -> None:
        """Take who knows the releases of projects; without, there are no precedents."""
        self._history = history
        self._looking = looking
        self._records = records
        self._settings = settings
        self._conditions = settings.conditions
        self._numbers = itertools.count(1)

    def compare(
        self,
        package: ResolvedPackage,
        evidence: Evidence,
        standing: Standing,
        earlier: PackageDecision | None,
    ) -> Comparison | None:
        """Give what the suspicions about a package are compared with; None: with nothing.

        Args:
            package: what it is.
            evidence: what is in its bytes.
            standing: what is known of it: a report of malware overrides what stood before.
            earlier: its decision, which may name the precedent.

        Raises:
            SourceError: the index, the files or what is known of the precedent can't be had.
            StoreError: a record can't be read.
        """
        rules = self._conditions.policy.history
        now = self._settings.now()
        suspected = suspicions(
            package,
            [finding for scan in evidence.scans for finding in scan.findings],
            self._conditions.policy,
            now.date(),
        )
        if not (self._history and rules.precedent and suspected):
            return None
        if any(map(is_known_malware, standing.findings)):
            return None
        scanners = {finding.scanner for finding in suspected}
        known = self._recorded(earlier, scanners)
        if known is None:
            name, version = _project(package, evidence)
            if not name:
                return None
            files = [file.filename for file in package.files]
            try:
                release = self._history.precedent(name, version, files, now, rules)
            except AgesUnknownError:
                return None
            known = self._looked_at(release, package, evidence, scanners) if release else None
        if known is None or self._is_reported(known):
            return Comparison(None)
        return Comparison(known, with_itself=known.evidence.digest == evidence.digest)

    def _recorded(
        self, earlier: PackageDecision | None, scanners: Collection[str]
    ) -> Precedent | None:
        """Give the precedent that a decision names, when it still is one."""
        note = precedent_that_holds(earlier, self._conditions, self._settings.now())
        evidence = self._records.evidence(note.evidence) if note else None
        if note is None or evidence is None or self._missing(evidence, scanners):
            return None
        return Precedent(note.name, note.version, note.since, evidence)

    def _looked_at(
        self,
        release: ResolvedPackage,
        package: ResolvedPackage,
        evidence: Evidence,
        scanners: Collection[str],
    ) -> Precedent | None:
        since = max(file.uploaded for file in release.files if file.uploaded).date()
        digests = {file.sha256 for file in release.files}
        if digests == {file.sha256 for file in package.files}:
            return Precedent(release.name, release.version, since, evidence)
        files = {file.filename: file.sha256 or "" for file in release.files}
        digest = package_digest(release.origin, release.name, release.version, files)
        known = self._records.evidence(digest)
        missing = self._missing(known, scanners)
        if known is None or missing:
            known = self._scan(release, known, missing)
        if known.failures:
            return None
        return Precedent(release.name, release.version, since, known)

    def _scan(
        self, release: ResolvedPackage, known: Evidence | None, missing: Collection[str]
    ) -> Evidence:
        subject = f"{release.name} {release.version}"
        folder = self._looking.scratch / f"precedent-{next(self._numbers)}"

        def files() -> tuple[ArtifactFile, ...]:
            self._settings.progress.step(subject, "fetching, as precedent")
            downloads = folder / "downloads"
            downloads.mkdir(parents=True)
            fetched = tuple(self._looking.fetch(file, downloads) for file in release.files)
            self._settings.progress.step(subject, "scanning, as precedent")
            return fetched

        try:
            evidence = self._looking.looker.look(release, files, folder, known, missing)
        finally:
            self._settings.progress.end(subject)
            shutil.rmtree(folder, ignore_errors=True)
        if not self._settings.dry_run and not evidence.failures:
            self._records.put_evidence(evidence)
        return evidence

    def _missing(self, known: Evidence | None, scanners: Collection[str]) -> set[str]:
        """Name those scanners, and the unpacker, that have not looked at a precedent."""
        missing = missing_scans(known, self._conditions)
        return set(missing) & {*scanners, self._conditions.unpacker}

    def _is_reported(self, precedent: Precedent) -> bool:
        """Whether the precedent itself is reported as malware."""
        release = NamedPackage(precedent.name, precedent.version)
        known = standing_of_releases([release], self._looking.advisories)[release]
        if known.failures:
            raise SourceError(
                f"what is known of {precedent.name} {precedent.version}, with which its suspicions "
                f"are compared, can't be had: {' '.join(known.failures)}"
            )
        return any(finding.kind is Kind.MALWARE for finding in known.findings)


def _project(package: ResolvedPackage, evidence: Evidence) -> tuple[str, str]:
    """Name the project of a package, and its version; an archive's as it says itself."""
    if ecosystem_of(package.origin).looked_up_by_name:
        return package.name, package.version
    for inventory in evidence.inventories or ():
        if inventory.name:
            return inventory.name, inventory.version
    return "", ""
