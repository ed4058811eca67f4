"""Advisories in the OSV format: reading a record, and whether it affects a version.

The format and its evaluation: https://ossf.github.io/osv-schema/. A record is data from outside:
it is decoded into the few fields used here, with their types checked, and one that doesn't fit is
an error, never skipped.

Where the format leaves a question open, the answer is the one that reports too much:

- A range without an `introduced` event starts before every version.
- Of a fix and an introduction at the same version the introduction counts, so that ranges that
  touch leave no hole (PYSEC-2023-72 has such).
- A bound that PEP 440 can't order counts by its leading release number, and a fix there comes
  after that number. Without such a number the range is open on that side.
- A version that PEP 440 can't order counts as affected by every record about its package that
  says which versions it means; the finding says so.
- A record with neither versions nor ranges of versions affects nothing, as the format has it,
  unless it is a malware record: then it is about the whole package.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from packaging.version import Version

from package_gate.advisories.interface import NamedPackage
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import ScannerError

ADVISORY_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[-_.:](?=[A-Za-z0-9])){0,127}")
"""What an advisory's id looks like: safe in an address, a message and a waiver."""

MALWARE_PREFIX = "MAL-"
"""Ids of the OpenSSF's malicious-packages database."""

_RELEASE_NUMBER = re.compile(r"\s*v?\d+(?:\.\d+)*", re.IGNORECASE)


class Rating(msgspec.Struct, frozen=True, gc=False):
    """A `severity[]` item: a CVSS vector."""

    type: str
    score: str


class Specific(msgspec.Struct, frozen=True):
    """What is used of a `database_specific` or `ecosystem_specific` object."""

    severity: Any = None
    """A word in GHSA records; each database has its own idea of this object."""


class Package(msgspec.Struct, frozen=True, gc=False):
    """An `affected[].package` object."""

    ecosystem: str
    name: str


class Event(msgspec.Struct, frozen=True, gc=False):
    """A point of a range's timeline; the format has one of the fields set in each."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True):
    """An `affected[].ranges[]` item."""

    type: str
    events: list[Event]


class Affected(msgspec.Struct, frozen=True):
    """An `affected[]` item: a package and the versions of it that are affected."""

    package: Package | None = None
    ranges: list[Range] | None = None
    versions: list[str] | None = None
    severity: list[Rating] | None = None
    database_specific: Specific | None = None
    ecosystem_specific: Specific | None = None


class Reference(msgspec.Struct, frozen=True, gc=False):
    """A `references[]` item."""

    url: str


class Record(msgspec.Struct, frozen=True):
    """One advisory, with the fields that the gate uses."""

    id: str
    modified: Annotated[datetime, msgspec.Meta(tz=True)]
    withdrawn: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    aliases: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[Rating] | None = None
    affected: list[Affected] | None = None
    references: list[Reference] | None = None
    database_specific: Specific | None = None

    @property
    def ids(self) -> Iterator[str]:
        """Its own id, then those of its aliases that look like one."""
        yield self.id
        yield from (alias for alias in self.aliases or () if ADVISORY_ID.fullmatch(alias))

    @property
    def is_malware(self) -> bool:
        """Whether it says that a package was published to do harm."""
        return any(each.startswith(MALWARE_PREFIX) for each in self.ids)

    def about(self, name: str) -> Iterator[Affected]:
        """Its entries for the PyPI package of this normalised name."""
        return (entry for entry in self.affected or () if _pypi_name(entry) == name)

    def pypi_names(self) -> set[str]:
        """The normalised names of the PyPI packages that it is about."""
        return {name for entry in self.affected or () if (name := _pypi_name(entry)) is not None}


_DECODER = msgspec.json.Decoder(Record)


def decode_record(data: bytes, where: str) -> Record:
    """Read one record from its JSON text.

    Args:
        data: the JSON text, in UTF-8.
        where: what to call it in an error: a file, an address.

    Raises:
        ScannerError: it is no OSV record.
    """
    try:
        record = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"{where} is not an OSV record: {error}.") from error
    if not ADVISORY_ID.fullmatch(record.id):
        raise ScannerError(f"{where} is not an OSV record: its id is {record.id[:80]!r}.")
    return record


@lru_cache(maxsize=65536)
def parse_version(text: str) -> Version | None:
    """Read a PEP 440 version; None when it is none, or has a number too long to be read."""
    try:
        return Version(text)
    except ValueError:
        return None


def ordered_version(package: NamedPackage) -> Version | None:
    """Give a package's version without its local part, which advisories don't speak of; None when
    PEP 440 can't order it."""
    parsed = parse_version(package.version)
    return Version(parsed.public) if parsed is not None and parsed.local else parsed


def affects(record: Record, package: NamedPackage) -> bool:
    """Whether the record is about this version; a withdrawn one never is.

    This is the format's own evaluation: the version is listed, or lies in a range.
    """
    if record.withdrawn is not None:
        return False
    return any(_entry_affects(record, entry, package) for entry in record.about(package.name))


def first_fixed_version(records: Iterable[Record], package: NamedPackage) -> str | None:
    """Return the lowest fixed version above the package's own that none of the records affects."""
    release = ordered_version(package)
    if release is None:
        return None
    records = list(records)
    fixes: dict[Version, str] = {}
    for record in records:
        for entry in record.about(package.name):
            for event in _version_events(entry):
                fixed = parse_version(event.fixed) if event.fixed is not None else None
                if fixed is not None and fixed > release:
                    fixes.setdefault(fixed, str(fixed))
    for fixed in sorted(fixes):
        candidate = NamedPackage(package.name, fixes[fixed])
        if not any(affects(record, candidate) for record in records):
            return candidate.version
    return None


def _pypi_name(entry: Affected) -> str | None:
    """Return the normalised name of the entry's PyPI package; None for other ecosystems.

    The format allows a suffix after the ecosystem, such as the address of an index.
    """
    wanted = PYPI.osv_name.casefold()
    if entry.package is None or entry.package.ecosystem.partition(":")[0].casefold() != wanted:
        return None
    return PYPI.normalise_name(entry.package.name)


def _version_ranges(entry: Affected) -> list[Range]:
    """Return the ranges of versions; ranges of commits say nothing about a release."""
    return [each for each in entry.ranges or () if each.type != "GIT"]


def _version_events(entry: Affected) -> Iterator[Event]:
    return (event for each in _version_ranges(entry) for event in each.events)


def _entry_affects(record: Record, entry: Affected, package: NamedPackage) -> bool:
    ranges, versions = _version_ranges(entry), entry.versions or []
    if not ranges and not versions:
        return record.is_malware
    release = ordered_version(package)
    if release is None:
        return True
    return any(_in_range(release, each) for each in ranges) or _is_listed(package, versions)


def _is_listed(package: NamedPackage, versions: list[str]) -> bool:
    wanted = (ordered_version(package), parse_version(package.version))
    return any(parse_version(each) in wanted for each in versions)


class _Change(IntEnum):
    """What happens at a point of the timeline, in the order in which it counts at one version.

    A last affected version goes after the introduction of that same version, which it ends.
    """

    FIXED = 0
    INTRODUCED = 1
    LAST_AFFECTED = 2


_Point = tuple[Version, _Change]


def _in_range(release: Version, versions: Range) -> bool:
    if not _before_limits(release, versions.events):
        return False
    affected, points = _timeline(versions.events)
    for at, change in points:
        if change is _Change.INTRODUCED and release >= at:
            affected = True
        elif (change is _Change.FIXED and release >= at) or (
            change is _Change.LAST_AFFECTED and release > at
        ):
            affected = False
    return affected


def _timeline(events: list[Event]) -> tuple[bool, list[_Point]]:
    """Return whether versions before all points are affected, and the points in order."""
    affected_from_the_start = not any(event.introduced is not None for event in events)
    points: list[_Point] = []
    for event in events:
        if event.introduced is not None:
            at, _ = _bound(event.introduced)
            if at is None or event.introduced == "0":
                affected_from_the_start = True
            else:
                points.append((at, _Change.INTRODUCED))
        if event.fixed is not None:
            at, exact = _bound(event.fixed)
            if at is not None:
                points.append((at, _Change.FIXED if exact else _Change.LAST_AFFECTED))
        if event.last_affected is not None:
            at, _ = _bound(event.last_affected)
            if at is not None:
                points.append((at, _Change.LAST_AFFECTED))
    return affected_from_the_start, sorted(points)


def _before_limits(release: Version, events: list[Event]) -> bool:
    limits = [event.limit for event in events if event.limit is not None]
    if not limits:
        return True
    return any("*" in limit or (at := _bound(limit)[0]) is None or release < at for limit in limits)


def _bound(text: str) -> tuple[Version | None, bool]:
    """Return the version at which something changes, and whether it is exactly that one."""
    version = parse_version(text)
    if version is not None:
        return version, True
    number = _RELEASE_NUMBER.match(text)
    return (parse_version(number.group()) if number else None), False
