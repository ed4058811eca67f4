"""What a run asks of the network, asked by its plan and answered again from the document."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from package_gate.core.artifact import Artifact, ArtifactFile, RemoteFile, ResolvedPackage
from package_gate.core.decision import RequestDecision
from package_gate.core.errors import (
    AgesUnknownError,
    DigestError,
    GateError,
    NotOfferedError,
    SourceError,
    SourceRefusedError,
    TooFreshError,
    UnfitError,
    UnresolvedError,
)
from package_gate.core.plan import Plan
from package_gate.core.policy import HistoryRules
from package_gate.core.provenance import FileProvenance
from package_gate.core.request import Request
from package_gate.core.text import one_line
from package_gate.pipeline.looking import Fetch
from package_gate.pipeline.plan import Planning
from package_gate.sources.interface import Attestations, History
from package_gate.staging.documents import (
    MAX_TEXT,
    Failure,
    FileAnswer,
    PlanDocument,
    PrecedentAnswer,
    ProvenanceAnswer,
    RequestAnswer,
)
from package_gate.staging.place import Place

_NAMING = {kind.__name__: kind for kind in (UnresolvedError, NotOfferedError, UnfitError)}
_PLAIN = {kind.__name__: kind for kind in (SourceRefusedError, DigestError, AgesUnknownError)}
_LASTING = frozenset({*_NAMING, *_PLAIN, TooFreshError.__name__})
"""Failures that asking again an hour later would not mend."""


class Answers:
    """The answers of a plan. Several threads may use it."""

    def __init__(self, document: PlanDocument) -> None:
        """Begin with those of a document; what failed for a passing reason is none."""
        self._lock = threading.Lock()
        self._requests = {(each.name, each.source): each for each in document.requests}
        self._precedents = {_key(each): each for each in document.precedents}
        self._provenance = {(each.name, _pairs(each.digests)): each for each in document.provenance}
        self._files = {(each.url, each.sha256): each for each in document.files}

    def added_to(self, document: PlanDocument) -> PlanDocument:
        """Write them into a document."""
        with self._lock:
            return replace(
                document,
                requests=tuple(self._requests[key] for key in sorted(self._requests)),
                precedents=tuple(self._precedents[key] for key in sorted(self._precedents)),
                provenance=tuple(self._provenance[key] for key in sorted(self._provenance)),
                files=tuple(self._files[key] for key in sorted(self._files)),
            )

    @property
    def failures(self) -> list[tuple[str, Failure]]:
        """The requests that have no plan, by name, and why."""
        return [(each.name, each.failure) for each in self._requests.values() if each.failure]

    def request(self, request: Request) -> RequestAnswer | None:
        """Give what a request needs, or None."""
        return self._requests.get((request.name, str(request.source)))

    def add_request(self, answer: RequestAnswer) -> None:
        """Take in what a request needs."""
        with self._lock:
            self._requests[answer.name, answer.source] = answer

    def precedent(self, name: str, version: str, files: Iterable[str]) -> PrecedentAnswer | None:
        """Give what is known of a release's precedent, or None."""
        return self._precedents.get((name, version, tuple(sorted(files))))

    def add_precedent(self, answer: PrecedentAnswer) -> None:
        """Take in what is known of a release's precedent."""
        with self._lock:
            self._precedents[_key(answer)] = answer

    def provenance(self, name: str, files: Mapping[str, str]) -> ProvenanceAnswer | None:
        """Give what is known of who has attested a release's files, or None."""
        return self._provenance.get((name, _pairs(files)))

    def add_provenance(self, answer: ProvenanceAnswer) -> None:
        """Take in what is known of who has attested a release's files."""
        with self._lock:
            self._provenance[answer.name, _pairs(answer.digests)] = answer

    def artifact(self, file: RemoteFile) -> Artifact | None:
        """Give what a file is, or None when only fetching it can tell."""
        if file.sha256 and file.size is not None:
            return Artifact(file.filename, file.sha256, file.size, file.url, file.uploaded)
        answer = self._files.get(_key_of(file))
        return answer.artifact if answer else None

    def identified(self, package: ResolvedPackage) -> ResolvedPackage:
        """Give a package with the digests of its files, as far as they are known."""
        known = [self.artifact(file) for file in package.files]
        files = tuple(
            replace(file, sha256=artifact.sha256) if artifact else file
            for file, artifact in zip(package.files, known, strict=True)
        )
        return replace(package, files=files)

    def file_failure(self, file: RemoteFile) -> Failure | None:
        """Give why a file could not be fetched, or None."""
        answer = self._files.get(_key_of(file))
        return answer.failure if answer else None

    def add_file(self, answer: FileAnswer) -> None:
        """Take in what was found at an address."""
        with self._lock:
            self._files[answer.url, answer.sha256] = answer


class Asking:
    """Asks what is not answered yet, and keeps the answers: the plan's side."""

    def __init__(self, answers: Answers, place: Place) -> None:
        """Keep answers here, and the bytes of files there."""
        self._answers = answers
        self._place = place

    def planner(self, planner: Planning) -> Planning:
        """Let a planner answer what requests need."""
        return _AskingPlanner(planner, self._answers)

    def history(self, history: History | None) -> History | None:
        """Let somebody who knows older releases answer which is a precedent."""
        return history and _AskingHistory(history, self._answers)

    def attestations(self, attestations: Attestations | None) -> Attestations | None:
        """Let somebody who can ask answer who has attested files."""
        return attestations and _AskingAttestations(attestations, self._answers)

    def fetch(self, fetch: Fetch) -> Fetch:
        """Let files be fetched into staging, unless they are there."""

        def fetched(file: RemoteFile, folder: Path) -> ArtifactFile:
            known = self._answers.artifact(file)
            if known and self._place.has_file(known.sha256, known.size):
                return _from_staging(self._place, file, known, folder)
            try:
                result = fetch(file, folder)
                self._place.put_file(result.path, result.artifact.sha256)
            except GateError as error:
                self._answers.add_file(FileAnswer(*_key_of(file), failure=failed(error)))
                raise
            self._answers.add_file(FileAnswer(*_key_of(file), result.artifact))
            return result

        return fetched


class Answering:
    """Answers from a plan, and asks nobody: the side of who concludes."""

    def __init__(self, answers: Answers, place: Place) -> None:
        """Answer from here, with the files from there."""
        self._answers = answers
        self._place = place

    def planner(self, planner: Planning) -> Planning:
        """Answer what requests need, in place of a planner."""
        return _AnsweringPlanner(self._answers)

    def history(self, history: History | None) -> History | None:
        """Answer which release is a precedent, in place of somebody who asks the index."""
        return _AnsweringHistory(self._answers)

    def attestations(self, attestations: Attestations | None) -> Attestations | None:
        """Answer who has attested files, in place of somebody who asks the index."""
        return attestations and _AnsweringAttestations(attestations, self._answers)

    def fetch(self, fetch: Fetch) -> Fetch:
        """Give files from staging, in place of the network."""

        def fetched(file: RemoteFile, folder: Path) -> ArtifactFile:
            known = self._answers.artifact(file)
            if known is None:
                failure = self._answers.file_failure(file)
                raise raised(failure) if failure else _unanswered(file.filename)
            return _from_staging(self._place, file, known, folder)

        return fetched


class _AskingPlanner:
    def __init__(self, planner: Planning, answers: Answers) -> None:
        self._planner = planner
        self._answers = answers

    def plan(self, request: Request, earlier: RequestDecision | None) -> Plan:
        answer = self._answers.request(request)
        if answer and (answer.plan or (answer.failure and answer.failure.kind in _LASTING)):
            return _plan_of(answer)
        answer = RequestAnswer(request.name, str(request.source))
        try:
            plan = self._planner.plan(request, earlier)
        except GateError as error:
            instead = self._planner.instead(request) if isinstance(error, UnfitError) else ""
            self._answers.add_request(replace(answer, failure=failed(error), instead=instead))
            raise
        self._answers.add_request(replace(answer, plan=plan))
        return plan

    def instead(self, request: Request) -> str:
        answer = self._answers.request(request)
        return answer.instead if answer else ""


class _AnsweringPlanner:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def plan(self, request: Request, earlier: RequestDecision | None) -> Plan:
        answer = self._answers.request(request)
        if answer is None:
            raise _unanswered(request.name)
        return _plan_of(answer)

    def instead(self, request: Request) -> str:
        answer = self._answers.request(request)
        return answer.instead if answer else ""


class _AskingHistory:
    def __init__(self, history: History, answers: Answers) -> None:
        self._history = history
        self._answers = answers

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        names = tuple(sorted(files))
        known = self._answers.precedent(name, version, names)
        if known and (known.failure is None or known.failure.kind in _LASTING):
            return _release_of(known)
        answer = PrecedentAnswer(name, version, names)
        try:
            release = self._history.precedent(name, version, names, now, rules)
        except GateError as error:
            self._answers.add_precedent(replace(answer, failure=failed(error)))
            raise
        self._answers.add_precedent(replace(answer, release=release))
        return release


class _AnsweringHistory:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        answer = self._answers.precedent(name, version, files)
        if answer is None:
            raise _unanswered(f"the precedent of {name} {version}")
        return _release_of(answer)


class _AskingAttestations:
    def __init__(self, attestations: Attestations, answers: Answers) -> None:
        self._attestations = attestations
        self._answers = answers

    @property
    def version(self) -> str:
        return self._attestations.version

    def provenance(self, name: str, files: Mapping[str, str]) -> tuple[FileProvenance, ...]:
        known = self._answers.provenance(name, files)
        if known and (known.failure is None or known.failure.kind in _LASTING):
            return _said(known)
        answer = ProvenanceAnswer(name, dict(files))
        try:
            said = self._attestations.provenance(name, files)
        except GateError as error:
            self._answers.add_provenance(replace(answer, failure=failed(error)))
            raise
        self._answers.add_provenance(replace(answer, files=said))
        return said


class _AnsweringAttestations:
    def __init__(self, attestations: Attestations, answers: Answers) -> None:
        self._attestations = attestations
        self._answers = answers

    @property
    def version(self) -> str:
        return self._attestations.version  # the plan is one of the same gate

    def provenance(self, name: str, files: Mapping[str, str]) -> tuple[FileProvenance, ...]:
        answer = self._answers.provenance(name, files)
        if answer is None:
            raise _unanswered(f"who has attested the files of {name}")
        return _said(answer)


def failed(error: GateError) -> Failure:
    """Write an error into a document."""
    return Failure(
        type(error).__name__,
        one_line(str(error), MAX_TEXT),
        getattr(error, "asked", None),
        getattr(error, "until", None),
    )


def raised(failure: Failure) -> GateError:
    """Read an error from a document; one that no plan raises is a SourceError."""
    if failure.kind in _NAMING and failure.asked:
        return _NAMING[failure.kind](failure.message, failure.asked)
    if failure.kind == TooFreshError.__name__ and failure.until:
        return TooFreshError(failure.message, failure.until)
    return _PLAIN.get(failure.kind, SourceError)(failure.message)


def _plan_of(answer: RequestAnswer) -> Plan:
    if answer.plan is None:
        raise raised(answer.failure) if answer.failure else _unanswered(answer.name)
    return answer.plan


def _release_of(answer: PrecedentAnswer) -> ResolvedPackage | None:
    if answer.failure:
        raise raised(answer.failure)
    return answer.release


def _said(answer: ProvenanceAnswer) -> tuple[FileProvenance, ...]:
    if answer.failure:
        raise raised(answer.failure)
    return answer.files


def _from_staging(place: Place, file: RemoteFile, artifact: Artifact, folder: Path) -> ArtifactFile:
    path = folder / artifact.filename
    place.get_file(artifact.sha256, path)
    if path.stat().st_size != artifact.size:
        raise SourceError(f"{file.filename} in staging has another size than was planned")
    known = replace(artifact, url=file.url, uploaded=file.uploaded)
    return ArtifactFile(known, path)


def _unanswered(what: str) -> SourceError:
    return SourceError(f"the plan does not have {what}; the next plan asks for it")


def _pairs(files: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(files.items()))


def _key_of(file: RemoteFile) -> tuple[str, str]:
    return file.url, file.sha256 or ""


def _key(answer: PrecedentAnswer) -> tuple[str, str, tuple[str, ...]]:
    return answer.name, answer.version, answer.files
