"""Looking at packages in stages: one plans what must be looked at, others look, one concludes.

What a scan wrote on another machine is hostile text: it counts for a package only when it was made
of exactly the planned bytes, by exactly the scanners that were wanted, in the versions that this
gate has.
"""

import shutil
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    RemoteFile,
    ResolvedPackage,
    UnpackedArtifact,
    UnpackedPackage,
)
from package_gate.core.errors import ScannerError, SourceError, StoreError, describe
from package_gate.core.evidence import EVIDENCE_SCHEMA, Evidence, Scan, package_digest
from package_gate.core.finding import ScannerInfo
from package_gate.core.text import one_line, printable
from package_gate.observation import findings as observation
from package_gate.pipeline.answers import Answers, raised
from package_gate.pipeline.looking import Fetch, Files, Looker
from package_gate.pipeline.observed import observed_key, scan_of
from package_gate.pipeline.scan import looked_at
from package_gate.sandbox.finding_checks import checked
from package_gate.sandbox.inventory_checks import checked_inventories
from package_gate.scanners.registry import worker_spec
from package_gate.staging.documents import Batch, Task
from package_gate.staging.place import Place, evidence_key

MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
"""Of what one scan of a package wrote."""
MAX_FAILURES = 50
_read_evidence = msgspec.json.Decoder(Evidence).decode


class Tasks:
    """The packages of a plan, by their bytes. Several threads may use it."""

    def __init__(self, batches: Mapping[int, Batch]) -> None:
        """Take those that are planned, by the number of their batch."""
        self._lock = threading.Lock()
        self._planned: dict[str, list[tuple[int, Task]]] = {}
        for number, batch in batches.items():
            for task in batch.tasks:
                self._planned.setdefault(task.digest, []).append((number, task))
        self._new: dict[str, Task] = {}

    def planned(self, digest: str, wanted: Collection[str]) -> tuple[int, Task] | None:
        """Give the task in which these scanners look at a package, with its batch."""
        for number, task in self._planned.get(digest, ()):
            if set(wanted) <= set(task.wanted):
                return number, task
        return None

    def add(self, task: Task) -> None:
        """Take in a package that no batch has yet."""
        with self._lock:
            known = self._new.get(task.digest)
            wanted = {*task.wanted, *(known.wanted if known else ())}
            self._new[task.digest] = replace(task, wanted=tuple(sorted(wanted)))

    @property
    def new(self) -> tuple[Task, ...]:
        """Those that no batch has yet."""
        with self._lock:
            return tuple(self._new.values())


class StagingLooker:
    """Puts what must be looked at into the plan; implements `Looker`."""

    def __init__(
        self, looker: Looker, fetch: Fetch, answers: Answers, tasks: Tasks, place: Place
    ) -> None:
        """Take who would look at packages, and `fetch`, which puts files into staging."""
        self.versions = looker.versions
        self._fetch = fetch
        self._answers = answers
        self._tasks = tasks
        self._place = place
        self._collected = CollectingLooker(looker, answers, tasks, place)

    def look(
        self,
        package: ResolvedPackage,
        files: Files,
        folder: Path,
        known: Evidence | None,
        wanted: Collection[str],
    ) -> Evidence:
        """See `Looker.look`: what was found meanwhile, else it waits to be looked at."""
        if self._tasks.planned(_digest(self._answers.identified(package)), wanted):
            return self._collected.look(package, files, folder, known, wanted)
        artifacts = self._stage(package.files, folder)
        self._tasks.add(Task(self._answers.identified(package), artifacts, tuple(wanted)))
        raise SourceError(f"{package.name} {package.version} waits to be scanned")

    def keep(self, files: Sequence[RemoteFile], folder: Path) -> None:
        """See `Looker.keep`: the files are put into staging."""
        self._stage(files, folder)

    def close(self) -> None:
        """See `Looker.close`."""

    def _stage(self, files: Sequence[RemoteFile], folder: Path) -> tuple[Artifact, ...]:
        """See that all of a package's files are in staging; say what they are."""
        return tuple(self._staged(file, folder) for file in files)

    def _staged(self, file: RemoteFile, folder: Path) -> Artifact:
        known = self._answers.artifact(file)
        if known and self._place.has_file(known.sha256, known.size):
            return known
        downloads = folder / "to-staging"
        downloads.mkdir(parents=True, exist_ok=True)
        try:
            return self._fetch(file, downloads).artifact
        finally:
            shutil.rmtree(downloads)


class CollectingLooker:
    """Gives what scans on other machines have found; implements `Looker`."""

    def __init__(self, looker: Looker, answers: Answers, tasks: Tasks, place: Place) -> None:
        """Take who would look at packages, for the versions of its scanners."""
        self.versions = looker.versions
        self._answers = answers
        self._tasks = tasks
        self._place = place

    def look(
        self,
        package: ResolvedPackage,
        files: Files,
        folder: Path,
        known: Evidence | None,
        wanted: Collection[str],
    ) -> Evidence:
        """See `Looker.look`: it needs no file."""
        subject = f"{package.name} {package.version}"
        digest = _digest(self._answers.identified(package))
        planned = self._tasks.planned(digest, wanted)
        if planned is None:
            for file in package.files:
                if failure := self._answers.file_failure(file):
                    raise raised(failure)
            raise SourceError(f"{subject} stands in no batch of the plan; the next plan has it")
        batch, task = planned
        try:
            content = self._place.read(evidence_key(batch, digest))
        except StoreError as error:
            raise SourceError(f"what was found in {subject} can't be told: {error}") from error
        if content is None:
            raise SourceError(
                f"{subject} was not scanned: the scan of batch {batch} did not come to it; the "
                "next run tries again"
            )
        try:
            found = self._with_observation(_checked(content, task, self.versions), task)
        except ScannerError as error:
            raise SourceError(
                f"what the scan of batch {batch} says of {subject} does not count: {error}; the "
                "next run scans it again"
            ) from error
        others = [scan for scan in known.scans if scan.scanner.name not in wanted] if known else []
        return replace(
            found,
            scans=tuple(
                sorted(
                    (*others, *(scan for scan in found.scans if scan.scanner.name in wanted)),
                    key=lambda scan: scan.scanner.name,
                )
            ),
        )

    def _with_observation(self, found: Evidence, task: Task) -> Evidence:
        """Add what was seen of a package as it ran, where the plan wants that."""
        if observation.NAME not in task.wanted:
            return found
        rules = self.versions.get(observation.NAME, "")
        try:
            seen = scan_of(self._place.read(observed_key(task.digest)), task.digest, rules)
        except (ScannerError, StoreError) as error:
            return replace(found, failures=(*found.failures, describe(error)))
        return replace(found, scans=(*found.scans, seen))

    def keep(self, files: Sequence[RemoteFile], folder: Path) -> None:
        """See `Looker.keep`: this run publishes by itself."""

    def close(self) -> None:
        """See `Looker.close`."""


def scan_task(task: Task, place: Place, looker: Looker, folder: Path) -> Evidence:
    """Look at a package whose files are in staging.

    Args:
        task: the package.
        place: where its files are.
        looker: who looks at it.
        folder: an empty folder for its files and trees.

    Returns:
        What is in it; whatever went wrong is among the failures.
    """
    downloads = folder / "downloads"
    downloads.mkdir()

    def files() -> tuple[ArtifactFile, ...]:
        for number, artifact in enumerate(task.artifacts):
            (downloads / str(number)).mkdir()
            place.get_file(artifact.sha256, downloads / str(number) / artifact.filename)
        return tuple(
            ArtifactFile(artifact, downloads / str(number) / artifact.filename)
            for number, artifact in enumerate(task.artifacts)
        )

    package = task.package
    try:
        return looker.look(package, files, folder, None, task.wanted)
    except Exception as error:
        return Evidence(
            package.name,
            package.version,
            package.origin,
            task.artifacts,
            (),
            failures=(describe(error),),
        )


def _digest(package: ResolvedPackage) -> str:
    files = {file.filename: file.sha256 or "" for file in package.files}
    return package_digest(package.origin, package.name, package.version, files)


def _checked(content: bytes, task: Task, versions: Mapping[str, str]) -> Evidence:
    """Read what a scan on another machine wrote of a package.

    Raises:
        ScannerError: it is not what a scan of these bytes by these scanners writes.
    """
    if len(content) > MAX_EVIDENCE_BYTES:
        raise ScannerError(f"it is longer than {MAX_EVIDENCE_BYTES >> 20} MiB")
    try:
        said = _read_evidence(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"it can't be read ({one_line(str(error), 200)})") from error
    package = task.package
    if said.schema != EVIDENCE_SCHEMA:
        raise ScannerError("another version of the gate wrote it")
    if said.digest != task.digest or (said.name, said.version, said.origin) != (
        package.name,
        package.version,
        package.origin,
    ):
        raise ScannerError("it is about other bytes")
    target = UnpackedPackage(
        package.name,
        package.version,
        package.origin,
        tuple(UnpackedArtifact(artifact, "", "") for artifact in task.artifacts),
    )
    failures = [one_line(failure, 1000) for failure in said.failures[:MAX_FAILURES]]
    evidence = Evidence(package.name, package.version, package.origin, task.artifacts, ())
    if said.inventories is None:
        return replace(evidence, failures=tuple(failures or ["It was not unpacked."]))
    scans = _checked_scans(said.scans, task, versions, target)
    inventories = checked_inventories(list(said.inventories), target)
    return looked_at(evidence, scans, inventories, failures)


def _checked_scans(
    scans: Iterable[Scan], task: Task, versions: Mapping[str, str], target: UnpackedPackage
) -> list[Scan]:
    taken: dict[str, Scan] = {}
    for scan in scans:
        name = scan.scanner.name
        if name not in task.wanted or name in taken or name == observation.NAME:
            raise ScannerError(f"the scanner {printable(name)} was not asked, or answers twice")
        if scan.scanner.version != versions.get(name):
            raise ScannerError(
                f"the scanner {name} has version {printable(scan.scanner.version)} there, and "
                f"{versions.get(name)} here"
            )
        if scan.scanned_at.tzinfo is None:
            raise ScannerError("a scan has no moment")
        findings = tuple(checked(list(scan.findings), worker_spec(name), target))
        taken[name] = Scan(_info(scan.scanner), findings, scan.scanned_at)
    return list(taken.values())


def _info(said: ScannerInfo) -> ScannerInfo:
    return ScannerInfo(
        said.name,
        said.version,
        printable(said.data_date, 40),
        one_line(said.data, 200),
        one_line(said.isolation, 1000),
        max(said.entries, 0),
    )
