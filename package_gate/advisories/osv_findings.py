"""From the advisories that affect a version to the findings that a person reads.

One flaw often stands in several databases. Records that name each other as aliases, directly or
through others, become one finding.
"""

import re
from collections.abc import Iterable, Iterator

from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]  # it ships no types
from cvss.exceptions import CVSSError  # type: ignore[import-untyped]

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_records import (
    MALWARE_PREFIX,
    Rating,
    Record,
    Specific,
    first_fixed_version,
    ordered_version,
)
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.service_text import MAX_MESSAGE, addresses, first_sentences
from package_gate.core.text import one_line

SCANNER = "osv"
_MAX_DETAILS = 4000

_PREFERRED_IDS = (MALWARE_PREFIX, "PYSEC-", "GHSA-", "CVE-")
"""Which id names the finding: malware first, then the database of the ecosystem itself, the one
that most tools show, and the number that everything else is filed under."""

_WORDS = {
    "none": Severity.INFO,
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}

_HEADING = re.compile(r"^\s{0,3}(?:#.*|=+|-{2,})\s*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")


def findings(records: Iterable[Record], package: NamedPackage) -> Iterator[Finding]:
    """Make one finding of each flaw.

    Args:
        records: those that affect the package, each id once.
        package: the package and version.
    """
    for group in _by_flaw(records):
        ids = {each for record in group for each in record.ids}
        rule = group[0].id
        malware = any(record.is_malware for record in group)
        fixed = None if malware else first_fixed_version(group, package)
        yield Finding(
            scanner=SCANNER,
            rule=rule,
            kind=Kind.MALWARE if malware else Kind.VULNERABILITY,
            severity=Severity.CRITICAL if malware else _highest(group, package.name),
            message=_message(group, package),
            recommendation=_recommendation(fixed, malware=malware),
            references=addresses(each.url for record in group for each in record.references or ()),
            aliases=tuple(sorted(ids - {rule}, key=_preference)),
            fixed_in=None if malware else ((fixed,) if fixed else ()),
        )


def severity_of(record: Record, name: str) -> Severity | None:
    """Return the highest severity that the record gives for the package; None when it gives none.

    CVSS base scores are rated by the tables of https://www.first.org/cvss/ (a version 2 score has
    no `critical`). A vector that can't be read is left out.
    """
    known = [*_ratings(record.severity), *_words(record.database_specific)]
    for entry in record.about(name):
        known += _ratings(entry.severity)
        known += _words(entry.database_specific)
        known += _words(entry.ecosystem_specific)
    return max(known, default=None)


def _highest(group: list[Record], name: str) -> Severity | None:
    known = (severity_of(record, name) for record in group)
    return max((severity for severity in known if severity is not None), default=None)


def _ratings(ratings: list[Rating] | None) -> Iterator[Severity]:
    for rating in ratings or ():
        word = _cvss_rating(rating)
        if word is not None:
            yield _WORDS[word.casefold()]


def _cvss_rating(rating: Rating) -> str | None:
    """Return FIRST's word for a vector's base score, or None when the vector is no good."""
    vector = rating.score.strip()
    try:
        if vector.startswith("CVSS:4"):
            return str(CVSS4(vector).severity)
        if vector.startswith("CVSS:3"):
            return str(CVSS3(vector).severities()[0])
        if rating.type == "CVSS_V2":
            return str(CVSS2(vector.strip("()")).severities()[0])
    except CVSSError:
        pass
    return None


def _words(specific: Specific | None) -> Iterator[Severity]:
    if specific is not None and isinstance(specific.severity, str):
        severity = _WORDS.get(specific.severity.strip().casefold())
        if severity is not None:
            yield severity


def _by_flaw(records: Iterable[Record]) -> list[list[Record]]:
    """Group records that share an id or alias; in each group the preferred record is the first."""
    groups: list[tuple[set[str], list[Record]]] = []
    for record in records:
        ids, members, apart = set(record.ids), [record], []
        for group in groups:
            if ids.isdisjoint(group[0]):
                apart.append(group)
            else:
                ids |= group[0]
                members += group[1]
        groups = [*apart, (ids, members)]
    return sorted(
        (sorted(members, key=lambda each: _preference(each.id)) for _, members in groups),
        key=lambda members: _preference(members[0].id),
    )


def _preference(advisory_id: str) -> tuple[int, str]:
    ranks = (rank for rank, prefix in enumerate(_PREFERRED_IDS) if advisory_id.startswith(prefix))
    return next(ranks, len(_PREFERRED_IDS)), advisory_id


def _message(group: list[Record], package: NamedPackage) -> str:
    """Say what the flaw is, in the words of the first record that has a summary or details."""
    comparable = ordered_version(package) is not None
    after = "" if comparable else " Its version can't be compared, so it counts as affected."
    summaries = [(record.summary or "").strip() for record in group]
    details = [_first_sentences(record.details or "") for record in group]
    said = next(filter(None, summaries + details), "The advisory does not say what is wrong.")
    said = one_line(said, MAX_MESSAGE - len(after) - 1)
    return said + ("" if said.endswith((".", "!", "?", "…")) else ".") + after


def _first_sentences(details: str) -> str:
    """Return the first sentences of a Markdown text, without headings and link targets."""
    text = _LINK.sub(r"\1", _HEADING.sub("", details[:_MAX_DETAILS])).replace("`", "").strip()
    return first_sentences(text)


def _recommendation(fixed: str | None, *, malware: bool) -> str:
    if malware:
        return "Do not install it, and remove it where it is installed."
    return f"Upgrade to {fixed} or newer." if fixed else "No fixed version is known."
