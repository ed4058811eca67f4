"""The documents of what is owed, see `core.owed`: one for each thing, below `owed/`."""

import hashlib
import threading
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from package_gate.core.errors import UnreadableRecordError
from package_gate.core.owed import (
    BegunPublication,
    BegunReevaluation,
    BegunRescan,
    Withdrawal,
)
from package_gate.core.request import Request
from package_gate.records.storage import Storage

RESCAN_KEY = "owed/rescan.json"
REEVALUATION_KEY = "owed/reevaluation.json"
WITHDRAWALS = "owed/withdraw/"
PUBLICATIONS = "owed/publish/"
UNREADABLE = "owed/tell/"
Owed = TypeVar("Owed", Withdrawal, BegunPublication, BegunRescan, BegunReevaluation)
_READERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (Withdrawal, BegunPublication, BegunRescan, BegunReevaluation)
}
_read_told = msgspec.json.Decoder(dict[str, str]).decode
"""Made before there are threads; see `store`."""


class OwedRecords:
    """What is owed, as it is on record. Every method raises `StoreError` when the store does."""

    def __init__(self, storage: Storage) -> None:
        """Keep documents in `storage`."""
        self._storage = storage
        self._unreadable: set[str] | None = None
        """The keys below `UNREADABLE`, once they have been listed."""
        self._listing = threading.Lock()

    def withdrawals(self) -> list[Withdrawal]:
        """Give the packages that are refused and not seen to be gone."""
        found = (self._read(key, Withdrawal) for key in self._storage.keys(WITHDRAWALS))
        return [each for each in found if each]

    def owe_withdrawal(self, withdrawal: Withdrawal) -> None:
        """Note that a package is to be withdrawn."""
        self._write(_withdrawal_key(withdrawal), withdrawal)

    def is_withdrawn(self, withdrawal: Withdrawal) -> None:
        """Note that a package was seen to be gone, or is approved again."""
        self._storage.remove(_withdrawal_key(withdrawal))

    def publications(self) -> list[BegunPublication]:
        """Give the publications that were begun and whose requests were not recorded."""
        found = (self._read(key, BegunPublication) for key in self._storage.keys(PUBLICATIONS))
        return [each for each in found if each]

    def owe_publication(self, publication: BegunPublication) -> None:
        """Note that a publication begins."""
        self._write(_publication_key(publication), publication)

    def is_published(self, publication: BegunPublication) -> None:
        """Note that it is done and recorded."""
        self._storage.remove(_publication_key(publication))

    def rescan(self) -> BegunRescan | None:
        """Give the rescan that was begun and did not end, or None."""
        return self._read(RESCAN_KEY, BegunRescan)

    def owe_rescan(self, begun_at: datetime) -> None:
        """Note that a rescan begins, unless an earlier one has not ended."""
        if self.rescan() is None:
            self._write(RESCAN_KEY, BegunRescan(begun_at))

    def is_rescanned(self) -> None:
        """Note that the rescan has ended."""
        if self.rescan() is not None:
            self._storage.remove(RESCAN_KEY)

    def reevaluation(self) -> BegunReevaluation | None:
        """Give what a re-evaluation began to decide and has not told to everybody, or None."""
        return self._read(REEVALUATION_KEY, BegunReevaluation)

    def owe_reevaluation(self, begun: BegunReevaluation) -> None:
        """Note what a re-evaluation begins to decide."""
        self._write(REEVALUATION_KEY, begun)

    def is_reevaluated(self) -> None:
        """Note that all have been told."""
        if self.reevaluation() is not None:
            self._storage.remove(REEVALUATION_KEY)

    def told_unreadable(self, request: Request) -> dict[str, str] | None:
        """Give who was told that a request's record can't be read; None when nobody was.

        They are owed what it says once it can be. See `RequestDecision.notified`.
        """
        with self._listing:
            if self._unreadable is None:
                self._unreadable = set(self._storage.keys(UNREADABLE))
        if not self._unreadable or (key := _unreadable_key(request)) not in self._unreadable:
            return None
        content = self._storage.read(key)
        if content is None:
            return None
        try:
            return _read_told(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def tell_unreadable(self, request: Request, told: dict[str, str]) -> None:
        """Note who is told that a request's record can't be read, or that somebody will be."""
        key = _unreadable_key(request)
        self._write(key, told)
        if self._unreadable is not None:
            self._unreadable.add(key)

    def is_readable(self, request: Request) -> None:
        """Note that all who were told otherwise know what a request's record says."""
        self._storage.remove(_unreadable_key(request))

    def _read(self, key: str, kind: type[Owed]) -> Owed | None:
        content = self._storage.read(key)
        if content is None:
            return None
        try:
            document: Owed = _READERS[kind].decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnreadableRecordError(
                f"The record {key} of what is owed is damaged ({error}). Restore it, or remove "
                "it and run with --rescan."
            ) from error
        return document

    def _write(
        self,
        key: str,
        document: Withdrawal | BegunPublication | BegunRescan | BegunReevaluation | dict[str, str],
    ) -> None:
        self._storage.turn.ask()
        self._storage.read(key)  # a storage writes only over what it has read
        self._storage.write(key, msgspec.json.encode(document))


def _withdrawal_key(withdrawal: Withdrawal) -> str:
    return f"{WITHDRAWALS}{withdrawal.origin}/{withdrawal.name}/{withdrawal.version}.json"


def _publication_key(publication: BegunPublication) -> str:
    return f"{PUBLICATIONS}{_digest(publication.name, publication.source)}.json"


def _unreadable_key(request: Request) -> str:
    return f"{UNREADABLE}{_digest(request.name, str(request.source))}.json"


def _digest(name: str, source: str) -> str:
    return hashlib.sha256("\n".join((name, source)).encode()).hexdigest()[:40]
