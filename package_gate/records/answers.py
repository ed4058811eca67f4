"""Answers from the records alone. The catalogue says which records to read; nothing is written."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from package_gate.core.answers import Affected, Asker, Event, Explanation, Hits, Story
from package_gate.core.artifact import Origin
from package_gate.core.catalogue import RequestRow, key_text, request_state
from package_gate.core.decision import (
    EarlierJudgement,
    JudgedFinding,
    PackageDecision,
    RequestDecision,
    Verdict,
)
from package_gate.core.ecosystem import ECOSYSTEMS, ecosystem_of
from package_gate.core.errors import UnreadableRecordError
from package_gate.core.finding import Kind, is_known_malware
from package_gate.core.owed import PackageKey
from package_gate.core.request import PyPISource, request_source
from package_gate.records.reading import package_rows, read_catalogue, request_rows
from package_gate.records.store import Records

ADVISORY = re.compile(
    r"(?:CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|(?:PYSEC|MAL|OSV)-\d{4}-\d+|SNYK-[A-Z]+-\S+)",
    re.IGNORECASE,
)
"""How ids of advisories look; everything else is the name of a package."""
_PROJECT = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(slots=True)
class Answers:
    """Reads the records of one repository."""

    records: Records
    unreadable: list[str] = field(default_factory=list)

    def explain(self, name: str, version: str, on: date | None) -> Explanation:
        """Tell all that is on record of a package.

        Args:
            name: however it is spelled.
            version: "" for all.
            on: how it stood at the end of this day (UTC); None for now.

        Raises:
            StoreError: the records can't be read.
        """
        read = read_catalogue(self.records)
        requests = dict(request_rows(read.catalogue))
        reported = read.catalogue.reevaluated.reported if read.catalogue.reevaluated else {}
        stories: list[Story] = []
        later: list[str] = []
        for key in self._keys(read.catalogue.packages, name, version):
            for decisions in self._decisions(key):
                first = decisions[0].decided_at
                stood = _stood(decisions, on)
                if stood is None:
                    later.append(f"{key[2]} (first decided on {first:%Y-%m-%d})")
                    continue
                stories.append(
                    self._story(
                        stood,
                        decisions,
                        tuple(self._askers(key_text(*key), requests, on)),
                        reported.get(key_text(*key), ()) if on is None else (),
                    )
                )
        return Explanation(
            name,
            version,
            on,
            tuple(stories),
            tuple(self._without_packages(name, requests, on)),
            tuple(later),
            read.catalogue.reevaluated,
            (*read.unreadable, *self.unreadable),
        )

    def affected_by(self, asked: str) -> Hits:
        """Tell what an advisory or a name hits.

        Args:
            asked: the id of an advisory, any alias of it too, or the name of a package.

        Raises:
            StoreError: the records can't be read.
        """
        read = read_catalogue(self.records)
        rows = dict(package_rows(read.catalogue))
        reported = read.catalogue.reevaluated.reported if read.catalogue.reevaluated else {}
        known: dict[PackageKey, PackageDecision] = {}
        names: set[str] = set()
        spelled: dict[str, str] = {}
        if ADVISORY.fullmatch(asked):
            spelled = {asked.casefold(): asked}
            while spelled.keys() - names:  # an alias leads to findings that have no other id
                names = set(spelled)
                for text, row in rows.items():
                    ids = {each.casefold() for each in (*row.advisories, *reported.get(text, ()))}
                    if not ids.isdisjoint(names):
                        self._read(_key(text), known)
                for decision in known.values():
                    spelled |= _same(decision, names)
        else:
            for key in self._keys(rows, asked, ""):
                self._read(key, known)
        requests = dict(request_rows(read.catalogue))
        affected = tuple(
            Affected(
                decision,
                tuple(_counts(decision, names, reported.get(key_text(*key), ()))),
                tuple(each for each in self._askers(key_text(*key), requests, None) if each.needs),
            )
            for key, decision in sorted(known.items())
        )
        return Hits(
            asked,
            tuple(sorted(spelled.values())),
            affected,
            read.catalogue.reevaluated,
            (*read.unreadable, *self.unreadable),
        )

    def _read(self, key: PackageKey, known: dict[PackageKey, PackageDecision]) -> None:
        if key not in known:
            for decisions in self._decisions(key):
                known[key] = decisions[-1]

    def _keys(self, keys: Iterable[str], name: str, version: str) -> Iterator[PackageKey]:
        """Give the packages of this name, however it is spelled, of all ecosystems."""
        spelled = {origin: each.normalise_name(name) for origin, each in ECOSYSTEMS.items()}
        for key in map(_key, keys):
            ecosystem = ecosystem_of(key[0])
            if ecosystem.normalise_name(key[1]) == spelled[key[0]] and (
                not version or ecosystem.same_version(key[2], version)
            ):
                yield key

    def _decisions(self, key: PackageKey) -> Iterator[list[PackageDecision]]:
        """Give all decisions on a package, the oldest first; nothing when it has none."""
        try:
            now = self.records.package(*key)
            if now is not None:
                yield [*self.records.earlier_of_package(*key), now]
        except UnreadableRecordError as error:
            self.unreadable.append(str(error))

    def _askers(
        self, key: str, requests: dict[str, RequestRow], on: date | None
    ) -> Iterator[Asker]:
        """Give the requests that need a package, or did."""
        for digest, row in requests.items():
            if key in row.packages or key in row.earlier:
                yield from self._asker(digest, key, on)

    def _asker(self, digest: str, key: str, on: date | None) -> Iterator[Asker]:
        try:
            now = self.records.request_by_id(digest)
            earlier = self.records.earlier_of_request(digest)
        except UnreadableRecordError as error:
            self.unreadable.append(str(error))
            return
        decisions = [*earlier, *([now] if now else [])]
        stood = [each for each in decisions if on is None or each.decided_at.date() <= on]
        holding = [each for each in stood if key in _closure(each)]
        if holding:
            yield _asker(holding[-1], needs=holding[-1] is stood[-1])

    def _without_packages(
        self, name: str, requests: dict[str, RequestRow], on: date | None
    ) -> Iterator[Asker]:
        """Give requests of this name of which no package is known."""
        spelled = ECOSYSTEMS[Origin.PYPI].normalise_name(name)
        for digest, row in requests.items():
            if row.packages or spelled not in _projects(row):
                continue
            try:
                decision = self.records.request_by_id(digest)
            except UnreadableRecordError as error:
                self.unreadable.append(str(error))
                continue
            if decision and (on is None or decision.decided_at.date() <= on):
                yield _asker(decision)

    def _story(
        self,
        stood: tuple[PackageDecision, str],
        decisions: list[PackageDecision],
        askers: tuple[Asker, ...],
        reported: tuple[str, ...],
    ) -> Story:
        judged_by = [j.policy_digest for d in decisions for j in _judgements(d)]
        return Story(
            decision=stood[0],
            askers=askers,
            events=tuple(_events(decisions)),
            known_from=decisions[0].decided_at,
            policies={each: self.records.policy_text(each) for each in dict.fromkeys(judged_by)},
            reported=tuple(reported),
            inexact=stood[1],
        )


def _stood(decisions: list[PackageDecision], on: date | None) -> tuple[PackageDecision, str] | None:
    """Give how a package stood on a day, and what is not known of it; None before the first."""
    if on is None:
        return decisions[-1], ""
    until = [each for each in decisions if each.decided_at.date() <= on]
    if not until:
        return None
    decision = until[-1]
    published, withdrawn = decision.published_at, decision.withdrawn_at
    if published and published.date() > on:
        decision = replace(decision, published_to="", published_at=None)
    if withdrawn and withdrawn.date() > on:
        decision = replace(decision, withdrawn_at=None)
    judged = [each for each in _judgements(decision) if each.judged_at.date() <= on]
    if judged and judged[-1].judged_at == (decision.judged_at or decision.decided_at):
        return decision, ""
    if not judged:
        return decision, (
            "It was judged again since with the same verdict, and what was found on that day is "
            "not kept: findings and scanners below are of the later judgement."
        )
    then = judged[-1]
    decision = replace(
        decision,
        policy_digest=then.policy_digest,
        gate_version=then.gate_version,
        scanners=then.scanners,
        judged_at=then.judged_at,
    )
    waived = ", ".join(then.waived)
    return decision, (
        "It was judged again since with the same verdict: findings below are of the later "
        f"judgement, scanners and policy of that day. Waived then: {waived or 'nothing'}."
    )


def _judgements(decision: PackageDecision) -> list[EarlierJudgement]:
    return [*decision.judgements, decision.as_earlier]


def _events(decisions: list[PackageDecision]) -> Iterator[Event]:
    """Tell what happened, the oldest first."""
    found: dict[tuple[datetime, str], None] = {}
    for decision in decisions:
        why = "" if decision.verdict is Verdict.APPROVED else f" {' '.join(decision.reasons[:3])}"
        found[decision.decided_at, f"decided: {decision.verdict}.{why}"] = None
        for each in _judgements(decision):
            if each.judged_at != decision.decided_at:
                what = f"judged again, with the same verdict, by policy {each.policy_digest[:12]}."
                found[each.judged_at, what] = None
        if decision.published_at and decision.published_to:
            found[decision.published_at, f"published to {decision.published_to}."] = None
        elif decision.published_at and decision.verdict is Verdict.APPROVED:
            found[decision.published_at, "publication began."] = None
        if decision.withdrawn_at:
            found[decision.withdrawn_at, _withdrawal(decision)] = None
    for at, what in sorted(found):
        yield Event(at, what)


def _withdrawal(decision: PackageDecision) -> str:
    by_gate = "withdrawn from the repository by the gate."
    return by_gate if decision.withdrawn_by_gate else "withdrawn from the repository."


def _asker(decision: RequestDecision, *, needs: bool = True) -> Asker:
    return Asker(
        decision.name,
        decision.source,
        request_state(decision),
        decision.decided_at,
        tuple(sorted(decision.notified)),
        needs,
    )


def _closure(decision: RequestDecision) -> set[str]:
    return {key_text(each.origin, each.name, each.version) for each in decision.packages}


def _projects(row: RequestRow) -> set[str]:
    """Give the names by which somebody may mean a request."""
    names = {row.name}
    source = request_source(row.source)
    if isinstance(source, PyPISource) and (project := _PROJECT.match(source.requirement)):
        names.add(project[0])
    return {ECOSYSTEMS[Origin.PYPI].normalise_name(name) for name in names}


def _same(decision: PackageDecision, names: set[str]) -> dict[str, str]:
    """Give all ids of the findings that have one of these, by how they are compared."""
    found: dict[str, str] = {}
    for item in decision.findings:
        ids = {each.casefold(): each for each in (item.finding.rule, *item.finding.aliases)}
        if not names.isdisjoint(ids):
            found |= ids
    return found


def _counts(decision: PackageDecision, names: set[str], reported: tuple[str, ...]) -> Iterator[str]:
    """Say how each finding that is meant counts; without names all advisories are."""
    known: set[str] = set()
    for item in decision.findings:
        ids = {each.casefold() for each in (item.finding.rule, *item.finding.aliases)}
        advisory = item.finding.kind is Kind.VULNERABILITY or is_known_malware(item.finding)
        if advisory and (not names or not ids.isdisjoint(names)):
            known |= ids
            yield f"{item.finding.rule}: {item.rating}, {_outcome(item)}"
    since = [
        each
        for each in reported
        if each.casefold() not in known and (not names or each.casefold() in names)
    ]
    if since:
        yield f"{', '.join(since)}: reported since it was approved"


def _outcome(item: JudgedFinding) -> str:
    if item.waiver:
        return f"waived until {item.waiver.expires} by {item.waiver.approved_by}"
    return "refuses" if item.refuses else "below the policy's threshold"


def _key(text: str) -> PackageKey:
    origin, name, version = text.split("/")
    return Origin(origin), name, version
