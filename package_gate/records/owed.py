"""The documents of what is owed, see `core.owed`: one for each thing, below `owed/`."""

import hashlib
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from package_gate.core.errors import UnreadableRecordError
from package_gate.core.owed import BegunPublication, BegunRescan, Withdrawal
from package_gate.records.storage import Storage

RESCAN_KEY = "owed/rescan.json"
WITHDRAWALS = "owed/withdraw/"
PUBLICATIONS = "owed/publish/"
Owed = TypeVar("Owed", Withdrawal, BegunPublication, BegunRescan)
_READERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Withdrawal, BegunPublication, BegunRescan)
}
"""Made before there are threads; see `store`."""


class OwedRecords:
    """What is owed, as it is on record. Every method raises `StoreError` when the store does."""

    def __init__(self, storage: Storage) -> None:
        """Keep documents in `storage`."""
        self._storage = storage

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

    def _read(self, key: str, kind: type[Owed]) -> Owed | None:
        content = self._storage.read(key)
        if content is None:
            return None
        try:
            document: Owed = _READERS[kind].decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnreadableRecordError(
                f"The record {key} of what is owed is damaged ({error}). Restore it, or run once "
                "with --rescan and remove it then."
            ) from error
        return document

    def _write(self, key: str, document: Withdrawal | BegunPublication | BegunRescan) -> None:
        self._storage.turn.ask()
        self._storage.read(key)  # a storage writes only over what it has read
        self._storage.write(key, msgspec.json.encode(document))


def _withdrawal_key(withdrawal: Withdrawal) -> str:
    return f"{WITHDRAWALS}{withdrawal.origin}/{withdrawal.name}/{withdrawal.version}.json"


def _publication_key(publication: BegunPublication) -> str:
    digest = hashlib.sha256("\n".join((publication.name, publication.source)).encode()).hexdigest()
    return f"{PUBLICATIONS}{digest[:40]}.json"
