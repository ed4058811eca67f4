"""The record: one JSON document a decision, and who may write it.

`Decisions` knows which document holds what; a `Storage` holds the bytes: a folder here, S3 in
`package_gate.records.s3`. Documents are validated as they are read, and one that is replaced by
another verdict is kept under `history/`, so that the record answers "why was this approved, by
what, when" a year later.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, RequestDecision
from package_gate.core.errors import StoreError
from package_gate.core.files import locked, write_atomically
from package_gate.core.request import Request

Decision = PackageDecision | RequestDecision
D = TypeVar("D", bound=PackageDecision | RequestDecision)
_READERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (PackageDecision, RequestDecision)
}
"""Made before there are threads: msgspec 0.22 can crash when two are the first to read a class."""


class Storage(Protocol):
    """Where documents are kept, under keys such as `packages/pypi/idna/3.7.json`."""

    @property
    def readers(self) -> int:
        """How many reads are worth making side by side."""
        ...

    def read(self, key: str) -> bytes | None:
        """Give the document, or None when there is none.

        Raises:
            StoreError: it could not be told.
        """
        ...

    def write(self, key: str, document: bytes) -> None:
        """Keep the document; afterwards a reader sees the old one or the new one, never a part.

        Raises:
            StoreError: it was not kept, for example because another run wrote it meanwhile.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the store for one run, so that no two decide at once.

        Raises:
            StoreError: another run holds it.
        """
        ...


class FolderStorage:
    """Documents as files."""

    readers = 1
    """A file is read before a second thread would get its turn."""

    def __init__(self, folder: Path) -> None:
        """Keep documents below `folder`, which is made when it is missing."""
        self._folder = folder

    def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        try:
            with open(f"{self._folder}/{key}", "rb") as file:  # noqa: PTH123 - in half the time
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"The record {self._folder / key} can't be read: {error.strerror}."
            ) from error

    def write(self, key: str, document: bytes) -> None:
        """See `Storage.write`: written beside its place, then renamed over it."""
        path = self._folder / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, document)
        except OSError as error:
            raise StoreError(f"The record {path} can't be written: {error.strerror}.") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Storage.exclusive`: a lock on a file, which the system frees after a kill."""
        with ExitStack() as stack:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self._folder / ".lock"))
            except BlockingIOError as error:
                raise StoreError(
                    f"Another run is writing to {self._folder}. Wait until it is done."
                ) from error
            except OSError as error:
                raise StoreError(f"{self._folder} can't be written: {error.strerror}.") from error
            yield


class Decisions:
    """The record store."""

    def __init__(self, storage: Storage) -> None:
        """Keep decisions in `storage`."""
        self._storage = storage
        self._lock = threading.Lock()
        self.ended = False
        """Whether the run is over: what its threads decide from then on is worth nothing."""

    @property
    def readers(self) -> int:
        """How many reads are worth making side by side."""
        return self._storage.readers

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the store for one run; see `Storage.exclusive`.

        Afterwards nothing is recorded: an interrupt leaves threads at work, and they take the end
        of everything around them for failures.
        """
        with self._storage.exclusive():
            try:
                yield
            finally:
                with self._lock:
                    self.ended = True

    def request(self, request: Request) -> RequestDecision | None:
        """Give what was decided about a request, or None.

        Raises:
            StoreError: the record can't be read, is damaged, or is another request's.
        """
        key = _request_key(request.name, str(request.source))
        decision = self._read(key, RequestDecision)
        if decision and (decision.name, decision.source) != (request.name, str(request.source)):
            raise StoreError(f"The record {key} is another request's: {decision.name}.")
        return decision

    def package(self, origin: Origin, name: str, version: str) -> PackageDecision | None:
        """Give what was decided about a package, or None.

        Raises:
            StoreError: the record can't be read, is damaged, or is another package's.
        """
        key = _package_key(origin, name, version)
        decision = self._read(key, PackageDecision)
        if decision and (decision.origin, decision.name, decision.version) != (
            origin,
            name,
            version,
        ):
            raise StoreError(f"The record {key} is another package's: {decision.name}.")
        return decision

    def packages(self, decision: RequestDecision) -> tuple[PackageDecision, ...]:
        """Give what was decided about the packages of a request's closure.

        Raises:
            StoreError: a record can't be read, is damaged, or is another package's.
        """
        recorded = [self.package(p.origin, p.name, p.version) for p in decision.packages]
        return tuple(package for package in recorded if package is not None)

    def published(self, decision: RequestDecision) -> list[PackageDecision]:
        """Give those packages of a request, earlier ones too, that notebooks can still install.

        Raises:
            StoreError: a record can't be read, is damaged, or is another package's.
        """
        recorded = [self.package(p.origin, p.name, p.version) for p in decision.published]
        return [package for package in recorded if package and package.may_be_published]

    def put(self, decision: Decision) -> None:
        """Record a decision; one that it overturns is kept under `history/`.

        Raises:
            StoreError: it could not be recorded, or the run has ended.
        """
        if isinstance(decision, PackageDecision):
            key = _package_key(decision.origin, decision.name, decision.version)
        else:
            key = _request_key(decision.name, decision.source)
        with self._lock:
            if self.ended:
                raise StoreError("The run was stopped. The next run decides it.")
            earlier = self._read(key, type(decision))
            if earlier and earlier.decided_at != decision.decided_at:
                moment = f"{earlier.decided_at:%Y%m%dT%H%M%S.%fZ}"
                history = f"history/{key[:-5]}/{moment}.json"
                # It is there already when a run was stopped between the two writes.
                if self._storage.read(history) is None:
                    self._storage.write(history, _encode(earlier))
            self._storage.write(key, _encode(decision))

    def _read(self, key: str, kind: type[D]) -> D | None:
        document = self._storage.read(key)
        if document is None:
            return None
        try:
            decision: D = _READERS[kind].decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"The record {key} is damaged ({error}). Restore it, or remove it to decide again."
            ) from error
        return decision


def following(earlier: RequestDecision, decision: RequestDecision) -> RequestDecision:
    """Give a request's new decision what is kept of its earlier one.

    Those are who was told of what, and what the earlier one published and the new one leaves out;
    an unchanged one keeps the time of its first making.
    """
    closure = {(package.name, package.version) for package in decision.packages}
    superseded = tuple(
        package
        for package in earlier.published
        if package.origin is Origin.PYPI and (package.name, package.version) not in closure
    )
    decision = replace(decision, notified=earlier.notified, superseded=superseded)
    if (earlier.verdict, earlier.reasons) == (decision.verdict, decision.reasons):
        decision = replace(decision, decided_at=earlier.decided_at)
    return decision


def _encode(decision: Decision) -> bytes:
    return msgspec.json.format(msgspec.json.encode(decision), indent=1)


def _request_key(name: str, source: str) -> str:
    digest = hashlib.sha256("\n".join((name, source)).encode()).hexdigest()
    return f"requests/{digest[:40]}.json"


def _package_key(origin: Origin, name: str, version: str) -> str:
    if "/" in name + version or name.startswith(".") or version.startswith("."):
        raise StoreError(f"{name} {version} can't be the name of a record.")
    return f"packages/{origin}/{name}/{version}.json"
