"""The record store in S3: one build at a time, and no document overwritten unseen.

All documents of requests are known from two objects and a list: an index that the last build left,
and the ETags of what stands there. What has another ETag than in the index is read by itself, so
that the index can be old, missing or wrong about nothing but the time a build takes. It holds those
documents of packages, too, that the last build has read or written: refused requests need theirs.
"""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from package_gate.core.errors import StoreError, TurnError
from package_gate.records.lease import Lease, now
from package_gate.records.s3_objects import Objects, OverwrittenError, Place, Stored
from package_gate.records.storage import Hold
from package_gate.records.turn import Turn

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INDEX_KEY = "index/requests.gz"
INDEXED = "requests/"
PACKAGES = "packages/"
DEPTHS = {"codeartifact/": 2, "github/": 3}
"""Below which folders the records of repositories are, and how many deep."""
MAX_INDEXED_BYTES = 64 * 1024 * 1024
"""Of the packages' documents in the index."""


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the records are and how builds take turns."""

    bucket: str
    prefix: str = ""
    """Ends with `/` when it isn't empty."""
    kms_key_id: str = ""
    """The KMS key that encrypts them; "" for the AWS managed key of S3."""
    lease_seconds: float = 60
    """How long a lease that nobody renews stands before another build takes it over."""
    wait_seconds: float = 1800
    """How long a build waits for its turn."""


class IndexedDocument(msgspec.Struct, frozen=True, array_like=True):
    """One document in the index."""

    key: str
    etag: str
    turn: int
    body: bytes


_read_index = msgspec.msgpack.Decoder(list[IndexedDocument]).decode


class S3Storage:
    """Documents as objects; implements `Storage`."""

    readers = 16
    """A read waits for the network; `aws_destinations` lets the client keep as many connections."""

    def __init__(
        self,
        settings: S3Settings,
        client: "S3Client",
        lease_client: "S3Client",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = now,
    ) -> None:
        """Keep documents as `settings` says.

        Args:
            settings: where, and how builds take turns.
            client: boto3's, for documents.
            lease_client: boto3's, for the lease: with time-outs far below its time, and no retries.
            sleep: waits.
            clock: tells seconds.
        """
        place = Place(settings.bucket, settings.prefix, settings.kms_key_id)
        self._objects = Objects(place, client, sleep)
        self._lease = Lease(
            Objects(place, lease_client, sleep),
            settings.lease_seconds,
            settings.wait_seconds,
            sleep,
            clock,
        )
        self.turn = Turn(self._lease.check)
        self._etags: dict[str, str | None] = {}
        """Of what was read or written under each key; None where there was nothing."""
        self._unsure: dict[str, bytes] = {}
        """What may have been written under a key, though nobody said so."""
        self._gathered: dict[str, Stored] = {}
        """The documents of requests."""
        self._packages: dict[str, Stored] = {}
        """Those of packages that the index holds; each is given once, so that a later look sees
        what another run has written."""
        self._for_index: dict[str, Stored] = {}
        """Those of packages that this run has read or written."""
        self._for_index_bytes = 0
        self._indexing = threading.Lock()
        self._listed = False

    @property
    def took_over(self) -> bool:
        """See `Storage.took_over`."""
        return self._lease.took_over

    def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        if stored := self._gathered.get(key):
            return stored.body
        if self._listed and key.startswith(INDEXED) and self._etags.setdefault(key, None) is None:
            return None  # it is not in the list
        stored = self._packages.pop(key, None)
        if stored is None:
            stored = self._objects.get(key)
            self._remember(key, stored)
        self._take_for_index(key, stored)
        return stored.body if stored else None

    def read_now(self, key: str) -> bytes | None:
        """See `Storage.read_now`."""
        stored = self._objects.get(key)
        return stored.body if stored else None

    def write(self, key: str, document: bytes) -> None:
        """See `Storage.write`: over nothing but what this run has read."""
        self._lease.check()
        try:
            etag = self._objects.put(
                key, document, over=self._etags.get(key), turn=self._lease.turn
            )
        except OverwrittenError as error:
            raise OverwrittenError(f"{error} The next run goes by that one.") from error
        except StoreError:
            self._unsure[key] = document
            self._gathered.pop(key, None)
            self._packages.pop(key, None)
            self._take_for_index(key, None)
            raise
        self._etags[key] = etag
        stored = Stored(document, etag, self._lease.turn)
        if self._listed and key.startswith(INDEXED):
            self._gathered[key] = stored
        self._packages.pop(key, None)
        self._take_for_index(key, stored)

    def remove(self, key: str) -> None:
        """See `Storage.remove`."""
        self._lease.check()
        self._objects.remove(key)
        self._etags[key] = None

    def keys(self, prefix: str) -> list[str]:
        """See `Storage.keys`."""
        return sorted(self._objects.list(prefix))

    def look(self) -> None:
        """See `Storage.look`: the documents of requests, and what else the index holds."""
        if not self._listed:
            self._gather()

    def repositories(self) -> list[str]:
        """Give the prefixes below which records of repositories are, if there are any.

        Raises:
            StoreError: they could not be listed.
        """
        found = []
        for prefix, depth in DEPTHS.items():
            level = [prefix]
            for _ in range(depth):
                level = [below for each in level for below in self._objects.folders(each)]
            found += level
        return found

    @contextmanager
    def exclusive(self) -> Iterator[Hold]:
        """See `Storage.exclusive`: waits until no other build holds the lease."""
        self._lease.acquire()
        hold = Hold()
        try:
            with self._lease.renewed():
                indexed = self._gather()
                yield hold
                with suppress(StoreError):  # the next build reads what it lacks
                    self._write_index(indexed)
        finally:
            if not hold.kept:
                with suppress(StoreError):  # it runs out by itself
                    self._lease.free()

    def _remember(self, key: str, stored: Stored | None) -> None:
        """Take down what stands under a key; while it is this run's turn only it may change that.

        Raises:
            TurnError: another run has changed it.
        """
        etag = stored.etag if stored else None
        if self._lease.turn:
            changed = key in self._etags and self._etags[key] != etag
            if changed and stored and self._unsure.pop(key, None) == stored.body:
                changed = False
            if changed or (stored and stored.turn > self._lease.turn):
                raise TurnError(
                    f"Another run has written the record {self._objects.address(key)} meanwhile, "
                    "so it is not this run's turn any more. The next run goes by that one."
                )
        self._etags[key] = etag

    def _take_for_index(self, key: str, stored: Stored | None) -> None:
        """Take in what stands under a package's key, or that nobody knows."""
        if not key.startswith(PACKAGES):
            return
        with self._indexing:
            if earlier := self._for_index.pop(key, None):
                self._for_index_bytes -= len(earlier.body)
            if stored and self._for_index_bytes + len(stored.body) <= MAX_INDEXED_BYTES:
                self._for_index[key] = stored
                self._for_index_bytes += len(stored.body)

    def _gather(self) -> dict[str, str]:
        """Take in all documents of requests; gives the ETags that the index knows."""
        etags = self._objects.list(INDEXED)
        stored = self._objects.get(INDEX_KEY)
        self._remember(INDEX_KEY, stored)
        indexed = {each.key: each for each in _index(stored.body)} if stored else {}
        if any(key.startswith(PACKAGES) for key in indexed):
            etags |= self._objects.list(PACKAGES)
        missing = []
        for key, etag in etags.items():
            known = indexed.get(key)
            if known and known.etag == etag:
                found = self._gathered if key.startswith(INDEXED) else self._packages
                found[key] = Stored(known.body, etag, known.turn)
                self._remember(key, found[key])
            elif key.startswith(INDEXED):
                missing.append(key)
        with ThreadPoolExecutor(self.readers) as pool:
            for key, read in zip(missing, pool.map(self._objects.get, missing), strict=True):
                self._remember(key, read)
                if read:
                    self._gathered[key] = read
        self._listed = True
        return {key: each.etag for key, each in indexed.items()}

    def _write_index(self, indexed: dict[str, str]) -> None:
        known = {**self._gathered, **self._for_index}
        if indexed == {key: stored.etag for key, stored in known.items()}:
            return
        documents = [
            IndexedDocument(key, stored.etag, stored.turn, stored.body)
            for key, stored in sorted(known.items())
        ]
        self.write(INDEX_KEY, gzip.compress(msgspec.msgpack.encode(documents), 3, mtime=0))


def _index(content: bytes) -> list[IndexedDocument]:
    """Read the index; one that can't be read is as good as none."""
    try:
        return _read_index(gzip.decompress(content))
    except (OSError, EOFError, ValueError, msgspec.DecodeError):
        return []
