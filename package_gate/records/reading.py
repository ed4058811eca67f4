"""Records read into the catalogue: from the document that runs keep up, or from all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from package_gate.core.catalogue import (
    CATALOGUE_SCHEMA,
    Catalogue,
    PackageRow,
    RequestRow,
    key_text,
    package_row,
    request_row,
)
from package_gate.core.decision import PackageDecision
from package_gate.core.errors import UnreadableRecordError
from package_gate.core.owed import PackageKey
from package_gate.records.catalogue import (
    raw,
    read_package_row,
    read_request_row,
    reevaluated,
)
from package_gate.records.store import Records

Key = TypeVar("Key")
Row = TypeVar("Row", PackageRow, RequestRow, PackageDecision)


@dataclass(frozen=True, slots=True)
class ReadCatalogue:
    """The catalogue, and what is not in it."""

    catalogue: Catalogue
    unreadable: tuple[str, ...] = ()
    """One message for each record that could not be read."""


def read_catalogue(records: Records) -> ReadCatalogue:
    """Give the catalogue of all that is on record.

    Raises:
        StoreError: the records can't be read.
    """
    kept = records.catalogue.load()
    return ReadCatalogue(kept) if kept else _anew(records)


def _anew(records: Records) -> ReadCatalogue:
    """Read all records; those that can't be read are left out, and named."""

    def package(key: PackageKey) -> tuple[str, PackageRow] | None:
        decision = records.package(*key)
        if decision is None:
            return None
        return key_text(*key), package_row(decision, records.catalogue.licence(decision.evidence))

    def request(digest: str) -> tuple[str, RequestRow] | None:
        decision = records.request_by_id(digest)
        if decision is None:
            return None
        older = records.earlier_of_request(digest) if digest in older_ones else []
        earlier = (
            key_text(package.origin, package.name, package.version)
            for each in reversed(older)
            for package in each.packages
        )
        return digest, request_row(decision, earlier)

    records.look()
    older_ones = records.overturned_requests()
    unreadable: list[str] = []
    packages = _rows(records, package, records.package_keys(), unreadable)
    requests = _rows(records, request, records.request_ids(), unreadable)
    last = None
    try:
        last = records.last_reevaluation()
    except UnreadableRecordError as error:
        unreadable.append(str(error))
    catalogue = Catalogue(
        schema=CATALOGUE_SCHEMA,
        changed_at="",
        reevaluated=reevaluated(last) if last else None,
        packages={key: raw(row) for key, row in packages},
        requests={key: raw(row) for key, row in requests},
    )
    return ReadCatalogue(catalogue, tuple(unreadable))


def read_decisions(
    records: Records, keys: Sequence[PackageKey], unreadable: list[str]
) -> list[PackageDecision]:
    """Read the decisions on packages; `unreadable` takes a message for each that can't be read."""

    def read(key: PackageKey) -> tuple[str, PackageDecision] | None:
        decision = records.package(*key)
        return (key_text(*key), decision) if decision else None

    return [decision for _, decision in _rows(records, read, keys, unreadable)]


def _rows(
    records: Records,
    row_of: Callable[[Key], tuple[str, Row] | None],
    keys: Sequence[Key],
    unreadable: list[str],
) -> list[tuple[str, Row]]:
    return sorted(
        (row for row in _each(records, row_of, keys, unreadable) if row), key=lambda row: row[0]
    )


def _each(
    records: Records,
    read: Callable[[Key], tuple[str, Row] | None],
    keys: Iterable[Key],
    unreadable: list[str],
) -> Iterator[tuple[str, Row] | None]:
    """Read several at a time; what can't be read is noted."""

    def row(key: Key) -> tuple[str, Row] | None:
        try:
            return read(key)
        except UnreadableRecordError as error:
            unreadable.append(str(error))
            return None

    if records.readers == 1:
        yield from map(row, keys)
        return
    with ThreadPoolExecutor(records.readers) as pool:
        yield from pool.map(row, keys)


def package_rows(catalogue: Catalogue) -> Iterator[tuple[str, PackageRow]]:
    """Read the rows of packages, by their keys."""
    return ((key, read_package_row(row)) for key, row in catalogue.packages.items())


def request_rows(catalogue: Catalogue) -> Iterator[tuple[str, RequestRow]]:
    """Read the rows of requests, by the digests that name their records."""
    return ((key, read_request_row(row)) for key, row in catalogue.requests.items())


def of_requests(catalogue: Catalogue, name: str) -> Catalogue:
    """Give what belongs to the requests of this name; all when it is ""."""
    if not name:
        return catalogue
    requests = {key: row for key, row in request_rows(catalogue) if row.name == name}
    needed = {key for row in requests.values() for key in row.packages}
    return msgspec.structs.replace(
        catalogue,
        packages={key: row for key, row in catalogue.packages.items() if key in needed},
        requests={key: catalogue.requests[key] for key in requests},
    )
