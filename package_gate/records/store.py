"""The record: one JSON document for each evidence and each decision.

`Records` knows which document holds what; a `Storage` holds the bytes. Documents are validated as
they are read, and a decision that is replaced by another verdict is kept under `history/`, so that
the record answers "why was this approved, by what, when" a year later.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from package_gate.core.artifact import Origin
from package_gate.core.decision import DECISION_SCHEMA, PackageDecision, RequestDecision
from package_gate.core.errors import StoreError, UnreadableRecordError
from package_gate.core.evidence import EVIDENCE_SCHEMA, Evidence
from package_gate.core.owed import PackageKey
from package_gate.core.reevaluation import REEVALUATION_SCHEMA, LastReevaluation
from package_gate.core.request import Request
from package_gate.core.standing_list import STANDING_SCHEMA, LastStanding
from package_gate.records import legacy
from package_gate.records.catalogue import CatalogueRecords
from package_gate.records.owed import OwedRecords
from package_gate.records.storage import Storage

WRITES_AT_ONCE = 16
"""A write waits for the disk or the network."""
REMEMBERED = 1000
"""Decisions on packages that need not be read again."""
ENDING_SECONDS = 10
"""How long the end of a run waits for what was begun before."""

REQUESTS = "requests/"
PACKAGES = "packages/"
REEVALUATION_KEY = "reevaluation/last.json"
STANDING_KEY = "standing/last.json"

Decision = PackageDecision | RequestDecision
Document = TypeVar("Document", PackageDecision, RequestDecision, Evidence)
_READERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (PackageDecision, RequestDecision, Evidence, LastReevaluation, LastStanding)
}
"""Made before there are threads: msgspec 0.22 can crash when two are the first to read a class."""


class _Layout(msgspec.Struct, frozen=True):
    """What every version of the gate writes of a document's layout."""

    schema: int = 1


_read_layout = msgspec.json.Decoder(_Layout).decode
_SCHEMAS = {
    PackageDecision: DECISION_SCHEMA,
    RequestDecision: DECISION_SCHEMA,
    Evidence: EVIDENCE_SCHEMA,
    LastReevaluation: REEVALUATION_SCHEMA,
    LastStanding: STANDING_SCHEMA,
}


class Records:
    """The record store."""

    def __init__(self, storage: Storage) -> None:
        """Keep documents in `storage`."""
        self._storage = storage
        self._locks = [threading.Lock() for _ in range(WRITES_AT_ONCE)]
        """Held by key while a document is written."""
        self._packages: dict[str, PackageDecision] = {}
        """By key, as they were read or written: while a run holds the store, nobody else writes."""
        self.owed = OwedRecords(storage)
        self.catalogue = CatalogueRecords(storage)
        self.turn = storage.turn
        self.all_written = True
        """Whether every document was kept that was to be."""

    @property
    def readers(self) -> int:
        """How many reads are worth making side by side."""
        return self._storage.readers

    @property
    def took_over(self) -> bool:
        """See `Storage.took_over`."""
        return self._storage.took_over

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the store for one run; see `Storage.exclusive`.

        Afterwards no step begins that others see: an interrupt leaves threads at work, and they
        take the end of everything around them for failures. Steps that are under way are waited
        for; when one lasts, the store stays held until the process has ended.
        """
        with self._storage.exclusive() as hold:
            try:
                yield
            finally:
                hold.kept = not self.turn.end(ENDING_SECONDS)

    def request(self, request: Request) -> RequestDecision | None:
        """Give what was decided about a request, or None.

        Raises:
            StoreError: the record can't be read, is damaged, or is another request's.
        """
        key = _request_key(request.name, str(request.source))
        decision = self._read(key, RequestDecision)
        if decision and (decision.name, decision.source) != (request.name, str(request.source)):
            raise _damaged(key, f"it is another request's: {decision.name}")
        return decision

    def package(self, origin: Origin, name: str, version: str) -> PackageDecision | None:
        """Give what was decided about a package, or None.

        Raises:
            StoreError: the record can't be read, is damaged, or is another package's.
        """
        key = _package_key(origin, name, version)
        if known := self._packages.get(key):
            return known
        decision = self._read(key, PackageDecision)
        if decision and (decision.origin, decision.name, decision.version) != (
            origin,
            name,
            version,
        ):
            raise _damaged(key, f"it is another package's: {decision.name}")
        return self._remember(key, legacy.with_yanked(decision)) if decision else None

    def package_now(self, origin: Origin, name: str, version: str) -> PackageDecision | None:
        """Give what is decided about a package now, though another run may have decided it.

        Raises:
            StoreError: as `package`.
        """
        key = _package_key(origin, name, version)
        content = self._storage.read_now(key)
        decision: PackageDecision | None = _decode(key, content, PackageDecision)
        return decision

    def request_now(self, request: Request) -> RequestDecision | None:
        """Give what is decided about a request now, though another run may have decided it.

        Raises:
            StoreError: as `request`.
        """
        key = _request_key(request.name, str(request.source))
        decision: RequestDecision | None = _decode(
            key, self._storage.read_now(key), RequestDecision
        )
        return decision

    def packages_now(self, decision: RequestDecision) -> tuple[PackageDecision, ...]:
        """Give what is decided now about the packages of a closure, see `request_now`.

        Raises:
            StoreError: as `package`.
        """
        recorded = [self.package_now(p.origin, p.name, p.version) for p in decision.packages]
        return tuple(package for package in recorded if package is not None)

    def packages(self, decision: RequestDecision) -> tuple[PackageDecision, ...]:
        """Give what was decided about the packages of a request's closure.

        Raises:
            StoreError: a record can't be read, is damaged, or is another package's.
        """
        recorded = [self.package(p.origin, p.name, p.version) for p in decision.packages]
        return tuple(package for package in recorded if package is not None)

    def evidence(self, digest: str, earlier: PackageDecision | None = None) -> Evidence | None:
        """Give what is known of a package's bytes, or None.

        Args:
            digest: of the package with its files, see `package_digest`.
            earlier: the package's decision, which holds the evidence itself in schema 1.

        Raises:
            StoreError: the record can't be read, is damaged, or is about something else.
        """
        key = _evidence_key(digest)
        evidence = self._read(key, Evidence)
        if evidence is None and earlier is not None:
            evidence = legacy.evidence_of(earlier)
            return evidence if evidence and evidence.digest == digest else None
        if evidence and evidence.digest != digest:
            raise _damaged(key, "it is about another package than its name says")
        if evidence:
            self.catalogue.take_evidence(digest, evidence)
        return evidence

    def put_evidence(self, evidence: Evidence) -> None:
        """Record what was found in a package's bytes, in place of what was known of them before.

        Raises:
            StoreError: it could not be recorded, or the run has ended.
        """
        digest = evidence.digest
        key = _evidence_key(digest)
        with self._writing(key):
            self._storage.read(key)  # a storage writes only over what it has read
            self._storage.write(key, _encode(evidence))
        self.catalogue.take_evidence(digest, evidence)

    def put(self, decision: Decision, earlier: Decision | None = None) -> None:
        """Record a decision; one that it overturns is kept under `history/`.

        Args:
            decision: on a package or a request.
            earlier: what this run has read of the same, which is not read again when it stays.

        Raises:
            StoreError: it could not be recorded, or the run has ended.
        """
        if isinstance(decision, PackageDecision):
            key = _package_key(decision.origin, decision.name, decision.version)
        else:
            key = _request_key(decision.name, decision.source)
        with self._writing(key):
            self.catalogue.owe()
            if earlier is None or earlier.decided_at != decision.decided_at:
                earlier = self._read_any(key, type(decision))
            if earlier and earlier.decided_at != decision.decided_at:
                moment = f"{earlier.decided_at:%Y%m%dT%H%M%S.%fZ}"
                history = f"history/{key[:-5]}/{moment}.json"
                # It is there already when a run was stopped between the two writes.
                if self._storage.read(history) is None:
                    self._storage.write(history, _encode(earlier))
            self._packages.pop(key, None)  # after a failure nobody knows what stands there
            self._storage.write(key, _encode(decision))
            if isinstance(decision, PackageDecision):
                self._remember(key, decision)
                self.catalogue.take_package(decision)
            else:
                before = earlier if isinstance(earlier, RequestDecision) else None
                self.catalogue.take_request(_id_of(key), decision, before)

    def keep_policy(self, digest: str, text: str) -> None:
        """Keep the text of a policy, unless one that means the same is kept.

        Args:
            digest: `Policy.digest`.
            text: of its file.

        Raises:
            StoreError: it could not be kept, or the run has ended.
        """
        key = _policy_key(digest)
        with self._writing(key):
            if self._storage.read(key) is None:
                self._storage.write(key, text.encode())

    def policy_text(self, digest: str) -> str | None:
        """Give the text of the policy with this digest, or None.

        Raises:
            StoreError: it can't be read.
        """
        content = self._storage.read(_policy_key(digest))
        return None if content is None else content.decode("utf-8", "replace")

    def earlier_of_package(self, origin: Origin, name: str, version: str) -> list[PackageDecision]:
        """Give the decisions on a package that others have overturned, the oldest first.

        Raises:
            StoreError: a record can't be read, or is damaged.
        """
        below = _package_key(origin, name, version).removesuffix(".json")
        keys = self._storage.keys(f"history/{below}/")
        return [each for key in keys if (each := self._read(key, PackageDecision))]

    def earlier_of_request(self, digest: str) -> list[RequestDecision]:
        """Give the decisions on a request that others have overturned, the oldest first.

        Args:
            digest: what names its record, see `request_ids`.

        Raises:
            StoreError: a record can't be read, or is damaged.
        """
        keys = self._storage.keys(f"history/{REQUESTS}{digest}/")
        return [each for key in keys if (each := self._read(key, RequestDecision))]

    def overturned_requests(self) -> set[str]:
        """Give the digests that name the records of requests which were decided otherwise before.

        Raises:
            StoreError: they could not be told.
        """
        below = f"history/{REQUESTS}"
        return {k.removeprefix(below).partition("/")[0] for k in self._storage.keys(below)}

    def request_ids(self) -> list[str]:
        """Give the digests that name the records of all requests.

        Raises:
            StoreError: they could not be told.
        """
        return [_id_of(key) for key in self.request_keys()]

    def request_by_id(self, digest: str) -> RequestDecision | None:
        """Give what was decided about the request whose record this digest names.

        Raises:
            StoreError: the record can't be read, or is damaged.
        """
        return self.request_at(f"{REQUESTS}{digest}.json")

    def look(self) -> None:
        """Take in at once what can be, before many records are read; see `Storage.look`.

        Raises:
            StoreError: it could not be read.
        """
        self._storage.look()

    def request_keys(self) -> list[str]:
        """Give the keys of the records of all requests, for `request_at`.

        Raises:
            StoreError: they could not be told.
        """
        return self._storage.keys(REQUESTS)

    def request_at(self, key: str) -> RequestDecision | None:
        """Give what was decided about the request with this key.

        Raises:
            StoreError: the record can't be read, or is damaged.
        """
        return self._read(key, RequestDecision)

    def package_keys(self) -> list[PackageKey]:
        """Name all packages that there are records of.

        Raises:
            StoreError: they could not be told.
        """
        found = []
        for key in self._storage.keys(PACKAGES):
            origin, name, version = key.removeprefix(PACKAGES).removesuffix(".json").split("/")
            found.append((Origin(origin), name, version))
        return found

    def last_reevaluation(self) -> LastReevaluation | None:
        """Give what the last re-evaluation left, or None.

        Raises:
            StoreError: the record can't be read, or is damaged.
        """
        last: LastReevaluation | None = self._read_any(REEVALUATION_KEY, LastReevaluation)
        return last

    def put_reevaluation(self, last: LastReevaluation) -> None:
        """Record what a re-evaluation leaves.

        Raises:
            StoreError: it could not be recorded, or the run has ended.
        """
        self._write_over(REEVALUATION_KEY, last)
        self.catalogue.take_reevaluation(last)

    def standing(self) -> LastStanding | None:
        """Give the standing list as the last run left it, or None.

        Raises:
            StoreError: the record can't be read, or is damaged.
        """
        last: LastStanding | None = self._read_any(STANDING_KEY, LastStanding)
        return last

    def put_standing(self, last: LastStanding) -> None:
        """Record the standing list.

        Raises:
            StoreError: it could not be recorded, or the run has ended.
        """
        self._write_over(STANDING_KEY, last)

    def _write_over(self, key: str, document: LastReevaluation | LastStanding) -> None:
        with self._writing(key):
            self._storage.read(key)  # a storage writes only over what it has read
            self._storage.write(key, _encode(document))

    @contextmanager
    def _writing(self, key: str) -> Iterator[None]:
        """Let nobody else write this document meanwhile, and nothing once the run has ended."""
        with self._locks[hash(key) % WRITES_AT_ONCE]:
            try:
                with self.turn.step():
                    yield
            except StoreError:
                self.all_written = False
                raise

    def _remember(self, key: str, decision: PackageDecision) -> PackageDecision:
        if len(self._packages) >= REMEMBERED:
            self._packages.clear()
        self._packages[key] = decision
        return decision

    def _read(self, key: str, kind: type[Document]) -> Document | None:
        document: Document | None = self._read_any(key, kind)
        return document

    def _read_any(self, key: str, kind: type) -> Any:
        return _decode(key, self._storage.read(key), kind)


def _decode(key: str, content: bytes | None, kind: type) -> Any:
    if content is None:
        return None
    try:
        if _read_layout(content).schema > _SCHEMAS[kind]:
            raise UnreadableRecordError(
                f"The record {key} was written by a newer version of the gate. Use that version; "
                "don't remove the record."
            )
        return _READERS[kind].decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(key, str(error)) from error


def _damaged(key: str, why: str) -> UnreadableRecordError:
    return UnreadableRecordError(
        f"The record {key} is damaged ({why}). Restore it, or remove it to decide again."
    )


def _encode(document: Decision | Evidence | LastReevaluation | LastStanding) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _request_key(name: str, source: str) -> str:
    digest = hashlib.sha256("\n".join((name, source)).encode()).hexdigest()
    return f"{REQUESTS}{digest[:40]}.json"


def _package_key(origin: Origin, name: str, version: str) -> str:
    if "/" in name + version or name.startswith(".") or version.startswith("."):
        raise StoreError(f"{name} {version} can't be the name of a record.")
    return f"{PACKAGES}{origin}/{name}/{version}.json"


def _id_of(key: str) -> str:
    return key.removeprefix(REQUESTS).removesuffix(".json")


def _policy_key(digest: str) -> str:
    return f"policies/{digest}.toml"


def _evidence_key(digest: str) -> str:
    return f"evidence/{digest}.json"
