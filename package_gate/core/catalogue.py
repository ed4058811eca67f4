"""The catalogue: every package and every request on record with how it stands, a row each.

`inventory.json` is the catalogue as it is kept, `inventory.html` shows it. Rows hold text that is
fit to be read (`core.text`). What is empty is left out of the document.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.finding import Finding, Kind, is_known_malware
from package_gate.core.inventory import Licence
from package_gate.core.licences import declared_licence
from package_gate.core.text import one_line

CATALOGUE_SCHEMA = 1
STATES = ("approved", "refused", "waiting", "undecided", "withdrawn")
"""How a package or a request stands: a verdict, or `waiting` for a cooldown and nothing else, or
`withdrawn`: approved once, refused now and gone from the repository."""
SOURCES = frozenset({"inspector", "osv", "snyk"})
"""The sources of advisories, as the table of scanners (`scanners/registry.py`) has them."""
COMMAND_LIMIT = 4000
MAX_EARLIER = 200
"""Packages that a request's row names which its closure holds no more."""
_CPYTHON = re.compile(r"cp3(\d+)")


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """What packages and requests have in common."""

    name: str
    state: str
    """One of `STATES`."""
    decided_at: str
    """RFC 3339, UTC; so are all moments here."""
    reason: str = ""
    """Why it is not approved: the first reason."""
    waits_until: str = ""


class PackageRow(Row, frozen=True, omit_defaults=True):
    """A package."""

    version: str = ""
    origin: str = ""
    pythons: tuple[str, ...] = ()
    """The versions of Python that its files are for, such as `3.11`; empty when one is for all."""
    requires_python: str = ""
    licence: str = ""
    """As declared, shortened."""
    advisories_of: str = ""
    """The date of the oldest advisories that it was decided by."""
    advisories: tuple[str, ...] = ()
    """The ids, aliases too, of the vulnerabilities and reports of malware that were known of it."""
    published_to: str = ""
    """"" when notebooks can't install it."""
    published_at: str = ""
    withdrawn_at: str = ""


class RequestRow(Row, frozen=True, omit_defaults=True):
    """A request."""

    source: str = ""
    install_command: str = ""
    packages: tuple[str, ...] = ()
    """The keys of the packages of its closure, the requested one first."""
    earlier: tuple[str, ...] = ()
    """Those of packages that its closure held before."""


class Reevaluated(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest re-evaluation."""

    ended_at: str
    advisories: dict[str, str]
    """Source of advisories → the date of its data."""
    reported: dict[str, tuple[str, ...]] = {}
    """Key of a package that stays approved → the names of the findings that would refuse it."""


class Catalogue(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document; rows stay as their bytes until somebody needs them."""

    schema: int
    changed_at: str
    """When something in it changed last."""
    reevaluated: Reevaluated | None = None
    packages: dict[str, msgspec.Raw] = {}
    """By `ORIGIN/NAME/VERSION`; each a `PackageRow`."""
    requests: dict[str, msgspec.Raw] = {}
    """By the digest that names the request's record; each a `RequestRow`."""


def package_row(decision: PackageDecision, licence: str) -> PackageRow:
    """Make the row of a package from the decision on it and what it declares as its licence."""
    dates = [s.data_date for s in decision.scanners if s.name in SOURCES and s.data_date]
    requires = {each.requires_python for each in decision.artifacts if each.requires_python}
    return PackageRow(
        name=one_line(decision.name),
        version=one_line(decision.version),
        origin=decision.origin.value,
        state=package_state(decision),
        decided_at=moment(decision.decided_at),
        reason=_reason(decision),
        waits_until=moment(decision.waits_until),
        pythons=_pythons(each.filename for each in decision.artifacts),
        requires_python=one_line(", ".join(sorted(requires)), 100),
        licence=licence,
        advisories_of=one_line(min(dates, default=""), 40),
        advisories=advisory_names(item.finding for item in decision.findings),
        published_to=one_line(decision.published_to, 500) if decision.may_be_published else "",
        published_at=moment(decision.published_at),
        withdrawn_at=moment(decision.withdrawn_at),
    )


def request_row(decision: RequestDecision, earlier: Iterable[str] = ()) -> RequestRow:
    """Make the row of a request.

    Args:
        decision: on it.
        earlier: the keys of packages that earlier decisions named.
    """
    keys = dict.fromkeys(key_text(p.origin, p.name, p.version) for p in decision.packages)
    superseded = (key_text(p.origin, p.name, p.version) for p in decision.superseded)
    gone = [key for key in dict.fromkeys((*superseded, *earlier)) if key not in keys]
    approved = decision.verdict is Verdict.APPROVED
    return RequestRow(
        name=one_line(decision.name),
        source=one_line(decision.source, 500),
        state=request_state(decision),
        decided_at=moment(decision.decided_at),
        reason=_reason(decision),
        waits_until=moment(decision.waits_until),
        install_command=one_line(decision.install_command, COMMAND_LIMIT) if approved else "",
        packages=tuple(keys),
        earlier=tuple(gone[:MAX_EARLIER]),
    )


def key_text(origin: Origin, name: str, version: str) -> str:
    """Say which package it is, as the catalogue does."""
    return f"{origin}/{name}/{version}"


def package_state(decision: PackageDecision) -> str:
    """Say how a package stands, see `STATES`."""
    if decision.verdict is Verdict.REFUSED and decision.withdrawn_at:
        return "withdrawn"
    return request_state(decision)


def request_state(decision: PackageDecision | RequestDecision) -> str:
    """Say how a request stands, see `STATES`."""
    if decision.verdict is Verdict.UNDECIDED and decision.waits_until:
        return "waiting"
    return decision.verdict.value


def advisory_names(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Give all names of the vulnerabilities and reports of malware among findings, sorted."""
    found = {
        name
        for finding in findings
        if finding.kind is Kind.VULNERABILITY or is_known_malware(finding)
        for name in (finding.rule, *finding.aliases)
    }
    return tuple(sorted(one_line(name, 100) for name in found))


def declared(licences: Iterable[Licence]) -> str:
    """Say which licence a package's files declare, in SPDX's words where it has some."""
    found = {
        declared_licence(licence)
        or licence.expression
        or ", ".join(each.rpartition("::")[2].strip() for each in licence.classifiers)
        or licence.text
        for licence in licences
    }
    return one_line(" / ".join(sorted(found - {""})), 120)


def moment(time: datetime | None) -> str:
    """RFC 3339 in UTC; "" for what has not happened."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else ""


def _reason(decision: PackageDecision | RequestDecision) -> str:
    if decision.verdict is Verdict.APPROVED or not decision.reasons:
        return ""
    return one_line(decision.reasons[0], 300)


def _pythons(filenames: Iterable[str]) -> tuple[str, ...]:
    """Read from wheels' names which CPython they are for; an sdist is for all."""
    found: set[int] = set()
    for filename in filenames:
        try:
            tags = parse_wheel_filename(filename)[3]
        except InvalidWheelFilename:
            return ()
        for tag in tags:
            of = _CPYTHON.fullmatch(tag.interpreter)
            if of is None or tag.abi == "abi3":
                return ()
            found.add(int(of[1]))
    return tuple(f"3.{minor}" for minor in sorted(found))
