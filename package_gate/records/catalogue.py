"""The catalogue as it is on record: kept up with each decision, written once a run.

`inventory.json` is written at the end of a run. Before its first decision is recorded, a run notes
that it is owed (`owed/inventory.json`). A run that finds it owed, missing or of another layout
makes it anew from all records (`records.reading`). So a kill costs that, and no decision stays
missing.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from package_gate.core.catalogue import (
    CATALOGUE_SCHEMA,
    Catalogue,
    PackageRow,
    Reevaluated,
    RequestRow,
    declared,
    key_text,
    moment,
    package_row,
    request_row,
)
from package_gate.core.decision import PackageDecision, RequestDecision
from package_gate.core.evidence import Evidence
from package_gate.core.inventory import Licence
from package_gate.core.reevaluation import LastReevaluation
from package_gate.records.storage import Storage

DOCUMENT, PAGE = "inventory.json", "inventory.html"
OWED_KEY = "owed/inventory.json"


class _Declaring(msgspec.Struct, frozen=True):
    """Of an artifact's inventory, what it says of its licence."""

    licence: Licence = Licence()


class _Licences(msgspec.Struct, frozen=True):
    """Of evidence, the same."""

    inventories: tuple[_Declaring, ...] | None = None


read_package_row = msgspec.json.Decoder(PackageRow).decode
read_request_row = msgspec.json.Decoder(RequestRow).decode
_read_catalogue = msgspec.json.Decoder(Catalogue).decode
_encode = msgspec.json.Encoder().encode
_read_licences = msgspec.json.Decoder(_Licences).decode


@dataclass(slots=True)
class Changes:
    """What a run has put on record."""

    packages: dict[str, tuple[PackageRow, str]] = field(default_factory=dict)
    """Key → row without the licence, and the digest of the evidence."""
    requests: dict[str, RequestRow] = field(default_factory=dict)
    reevaluated: Reevaluated | None = None


class CatalogueRecords:
    """Takes down what is decided, and gives the catalogue."""

    def __init__(self, storage: Storage) -> None:
        """Keep it in `storage`."""
        self._storage = storage
        self._noting = threading.Lock()
        self._is_owed = self._was_owed = False
        self._changes = Changes()
        self._licences: dict[str, tuple[Licence, ...]] = {}
        """Digest of evidence that was seen → what it declares."""
        self._content: bytes | None = None
        """Of the document, as it was read."""

    def owe(self) -> None:
        """Note that the catalogue lacks something of what is on record; before it is put there.

        Raises:
            StoreError: it could not be noted.
        """
        with self._noting:
            if self._is_owed:
                return
            self._was_owed = self._storage.read(OWED_KEY) is not None
            if not self._was_owed:
                self._storage.write(OWED_KEY, b"{}")
            self._is_owed = True

    def take_package(self, decision: PackageDecision) -> None:
        """Take down what was decided about a package."""
        key = key_text(decision.origin, decision.name, decision.version)
        self._changes.packages[key] = package_row(decision, ""), decision.evidence

    def take_request(
        self, digest: str, decision: RequestDecision, earlier: RequestDecision | None
    ) -> None:
        """Take down what was decided about a request, and what had been."""
        before = earlier.packages if earlier else ()
        keys = [key_text(each.origin, each.name, each.version) for each in before]
        known = self._changes.requests.get(digest)
        self._changes.requests[digest] = request_row(
            decision, (*keys, *(known.earlier if known else ()))
        )

    def take_reevaluation(self, last: LastReevaluation) -> None:
        """Take down what a re-evaluation found."""
        self._changes.reevaluated = reevaluated(last)

    def take_evidence(self, digest: str, evidence: Evidence) -> None:
        """Take down what evidence declares, so that it need not be read for that."""
        self._licences[digest] = tuple(each.licence for each in evidence.inventories or ())

    def load(self) -> Catalogue | None:
        """Give the catalogue with this run's changes; None when it has to be made anew.

        Raises:
            StoreError: it could not be told.
        """
        stale = self._was_owed if self._is_owed else self._storage.read(OWED_KEY) is not None
        content = None if stale else self._storage.read(DOCUMENT)
        try:
            kept = _read_catalogue(content) if content else None
            self._content = content
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return self._changed(kept) if kept and kept.schema == CATALOGUE_SCHEMA else None

    def licence(self, evidence: str) -> str:
        """Say what a package's files declare.

        Args:
            evidence: the digest of its evidence; "" for none.

        Raises:
            StoreError: it could not be told.
        """
        if evidence and evidence not in self._licences:
            content = self._storage.read(f"evidence/{evidence}.json")
            try:
                found = _read_licences(content).inventories if content else None
            except (msgspec.DecodeError, UnicodeDecodeError):
                found = None  # who decides by it says so
            self._licences[evidence] = tuple(each.licence for each in found or ())
        return declared(self._licences[evidence]) if evidence else ""

    def keep(
        self,
        catalogue: Catalogue,
        page: Callable[[bytes], bytes],
        now: datetime,
        *,
        complete: bool,
    ) -> dict[str, bytes]:
        """Write the catalogue and its page over those that say something else.

        Args:
            catalogue: with all changes.
            page: makes the page of the document.
            now: the time (UTC), should it have changed.
            complete: whether every record is in it; else it stays owed.

        Returns:
            What is on record now, by file name.

        Raises:
            StoreError: they could not be written.
        """
        if not complete:
            self.owe()
        document = _encode(catalogue)
        if document != self._content:
            document = _encode(msgspec.structs.replace(catalogue, changed_at=moment(now)))
        documents = {DOCUMENT: document, PAGE: page(document)}
        for key, content in documents.items():
            there = self._content if key == DOCUMENT else None
            if (there or self._storage.read(key)) != content:
                self._storage.write(key, content)
        if complete and (self._is_owed or self._storage.read(OWED_KEY) is not None):
            self._storage.remove(OWED_KEY)
            self._is_owed = False
        return documents

    def _changed(self, kept: Catalogue) -> Catalogue:
        packages, requests = dict(kept.packages), dict(kept.requests)
        for key, (row, evidence) in self._changes.packages.items():
            packages[key] = raw(msgspec.structs.replace(row, licence=self.licence(evidence)))
        for key, each in self._changes.requests.items():
            known = read_request_row(requests[key]).earlier if key in requests else ()
            earlier = (k for k in dict.fromkeys((*each.earlier, *known)) if k not in each.packages)
            requests[key] = raw(msgspec.structs.replace(each, earlier=tuple(earlier)))
        return msgspec.structs.replace(
            kept,
            packages=dict(sorted(packages.items())),
            requests=dict(sorted(requests.items())),
            reevaluated=self._changes.reevaluated or kept.reevaluated,
        )


def raw(row: PackageRow | RequestRow) -> msgspec.Raw:
    """Give a row as the catalogue holds it."""
    return msgspec.Raw(msgspec.json.encode(row))


def reevaluated(last: LastReevaluation) -> Reevaluated:
    """Give what the catalogue says of a re-evaluation."""
    return Reevaluated(
        ended_at=moment(last.ended_at),
        advisories={each.name: each.data_date for each in last.advisories},
        reported={
            key_text(each.origin, each.name, each.version): each.names or each.findings
            for each in last.reported
        },
    )
