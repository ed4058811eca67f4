"""The plan and its batches as documents; what another machine wrote is checked as it is read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from package_gate.core.artifact import Artifact, RemoteFile, ResolvedPackage
from package_gate.core.errors import StoreError
from package_gate.core.evidence import package_digest
from package_gate.core.patterns import DISTRIBUTION_FILE, PACKAGE_VERSION
from package_gate.core.plan import Plan
from package_gate.core.provenance import FileProvenance
from package_gate.core.text import printable

PLAN_SCHEMA = 1
MAX_TEXT = 4000
"""Characters of any text in a plan."""
MAX_PACKAGES = 200
"""Of one batch."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a question has no answer."""

    kind: str
    """The name of the error's class."""
    message: str
    asked: ResolvedPackage | None = None
    """The requested package, of an error that names it."""
    until: datetime | None = None
    """The end of a cooldown (UTC)."""


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """What a request needs."""

    name: str
    source: str
    """As the request file has it."""
    plan: Plan | None = None
    failure: Failure | None = None
    """Why there is no plan."""
    instead: str = ""
    """A line for the request file that would do, of a request that nothing fits."""


@dataclass(frozen=True, slots=True)
class PrecedentAnswer:
    """Which release of a project is the precedent of another."""

    name: str
    version: str
    files: tuple[str, ...]
    """The names of the other's files."""
    release: ResolvedPackage | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ProvenanceAnswer:
    """Who has attested the files of a release."""

    name: str
    digests: dict[str, str]
    """File name → SHA-256."""
    files: tuple[FileProvenance, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What was found at an address."""

    url: str
    sha256: str
    """What was wanted there; "" when nobody knew."""
    artifact: Artifact | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A package that is to be looked at."""

    package: ResolvedPackage
    """With its version, and the digest of each file."""
    artifacts: tuple[Artifact, ...]
    """Its files as they lie in staging."""
    wanted: tuple[str, ...]
    """The scanners that must look at it."""

    @property
    def digest(self) -> str:
        """The name of the package with its files."""
        files = {artifact.filename: artifact.sha256 for artifact in self.artifacts}
        return package_digest(self.package.origin, self.package.name, self.package.version, files)

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(artifact.size for artifact in self.artifacts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Packages that one machine looks at."""

    tasks: tuple[Task, ...]
    policy_digest: str
    """The policy whose limits bind the scanners."""
    schema: int = PLAN_SCHEMA


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """What was found out for a run while there was a network."""

    planned_at: datetime
    """When its first answer was asked for (UTC)."""
    gate_version: str
    policy_digest: str
    requests: tuple[RequestAnswer, ...] = ()
    precedents: tuple[PrecedentAnswer, ...] = ()
    provenance: tuple[ProvenanceAnswer, ...] = ()
    files: tuple[FileAnswer, ...] = ()
    batches: int = 0
    """How many there are."""
    schema: int = PLAN_SCHEMA


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A line of `batches.json`: what starts a scan."""

    batch: int
    packages: int
    bytes: int


Document = TypeVar("Document", PlanDocument, Batch)


def encoded(document: PlanDocument | Batch | list[OpenBatch]) -> bytes:
    """Write a document."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def decoded(content: bytes, kind: type[Document], address: str) -> Document:
    """Read a document that another machine may have written; what can't be seen in it is escaped.

    Raises:
        StoreError: it is damaged, is a newer gate's, or holds what no plan holds.
    """
    try:
        document = msgspec.convert(_to_be_seen(msgspec.json.decode(content)), kind)
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise StoreError(f"{address} is damaged ({error}). Plan again.") from error
    if document.schema != PLAN_SCHEMA:
        raise StoreError(f"{address} was written by another version of the gate. Plan again.")
    if problem := next(_problems(document), ""):
        raise StoreError(f"{address} is no plan of the gate: {problem}.")
    return document


def _problems(document: PlanDocument | Batch) -> Iterator[str]:
    for package in _packages(document):
        if "/" in package.name or package.name.startswith(".") or not package.name:
            yield f"{printable(package.name, 80)} is no name of a package"
        if package.version and not PACKAGE_VERSION.fullmatch(package.version):
            yield f"{printable(package.version, 80)} is no version"
        for file in package.files:
            yield from _wrong_with(file)
    artifacts = (
        [each.artifact for each in document.files if each.artifact]
        if isinstance(document, PlanDocument)
        else [artifact for task in document.tasks for artifact in task.artifacts]
    )
    for artifact in artifacts:
        yield from _wrong_with(artifact)
        if artifact.size < 0:
            yield f"{artifact.filename} has a size below nothing"
    if isinstance(document, Batch):
        for task in document.tasks:
            files = {file.filename: file.sha256 for file in task.package.files}
            if files != {artifact.filename: artifact.sha256 for artifact in task.artifacts}:
                yield f"the files of {task.package.name} are not those that lie in staging"


def _wrong_with(file: RemoteFile | Artifact) -> Iterator[str]:
    if not DISTRIBUTION_FILE.fullmatch(file.filename):
        yield f"{printable(file.filename, 80)} is no name of a file"
    if file.sha256 is not None and not is_digest(file.sha256):
        yield f"{printable(file.sha256, 80)} is no digest"


def is_digest(text: str) -> bool:
    """Whether this is a SHA-256 in lower-case hexadecimal digits."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _packages(document: PlanDocument | Batch) -> Iterator[ResolvedPackage]:
    if isinstance(document, Batch):
        yield from (task.package for task in document.tasks)
        return
    for request in document.requests:
        yield from request.plan.packages if request.plan else ()
        if request.failure and request.failure.asked:
            yield request.failure.asked
    yield from (each.release for each in document.precedents if each.release)


def _to_be_seen(value: object) -> object:
    """Escape what can't be seen in any text of a document, and shorten the longest."""
    if isinstance(value, str):
        return printable(value, MAX_TEXT)
    if isinstance(value, dict):
        return {_to_be_seen(key): _to_be_seen(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_to_be_seen(each) for each in value]
    return value


def spread(tasks: Iterable[Task], batches: int) -> list[list[Task]]:
    """Spread packages over batches of about as many bytes each.

    Args:
        tasks: the packages.
        batches: how many batches there should be at least, if there are so many packages.

    Returns:
        Batches of at most `MAX_PACKAGES`, none of them empty.
    """
    by_size = sorted(tasks, key=lambda task: (-task.size, task.digest))
    number = min(max(batches, -(-len(by_size) // MAX_PACKAGES)), len(by_size))
    spread_over: list[list[Task]] = [[] for _ in range(number)]
    sizes = [0] * number
    for task in by_size:
        room = (k for k in range(number) if len(spread_over[k]) < MAX_PACKAGES)
        lightest = min(room, key=lambda k: (sizes[k], len(spread_over[k])))
        spread_over[lightest].append(task)
        sizes[lightest] += task.size
    return spread_over
