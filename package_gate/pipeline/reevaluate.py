"""What is approved, judged again by what is known today.

Nothing is resolved, fetched, scanned or approved. All names and versions on record are looked up at
once; only those that the policy would refuse today are read, with the requests that need them, and
decided again from their records. Malware is withdrawn at once, a vulnerability when its days of
grace are over. Since the advisories may be what is wrong, some things stand before that: see
`Reevaluation._doubts`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.standing import standing, standing_of_releases
from package_gate.core.artifact import PackageIdentity, ResolvedPackage
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import GateError, NotifyError, StoreError, UnreadableRecordError
from package_gate.core.finding import Finding, Kind, ScannerInfo
from package_gate.core.judge import refuses
from package_gate.core.owed import Asked, BegunReevaluation, PackageKey
from package_gate.core.reevaluation import Hit, LastReevaluation, Reevaluated, Reported, key_of
from package_gate.core.request import Request, request_source
from package_gate.core.request_file import RequestFile
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.standing import Standing
from package_gate.notifications.reevaluation_texts import compose_digest, compose_warning
from package_gate.notifications.texts import notification_digest
from package_gate.pipeline.gate import Gate
from package_gate.pipeline.packages import remote_files

MOST_LOST = 0.1
"""So large a part of the advisories may be gone since the last time; more is a broken snapshot."""


class Reevaluation:
    """Judges all that the records of a gate say is approved."""

    def __init__(self, gate: Gate) -> None:
        """Take a gate that decides from its records alone (`Conditions.reevaluates`)."""
        self._gate = gate
        self._records = gate.steps.records
        self._remarks = gate.steps.remarks
        self._advisories = gate.steps.packages.advisories
        self._settings = gate.settings
        self._policy = gate.settings.conditions.policy
        self._today = gate.settings.now().date()

    def run(self, *, report_only: bool, confirmed: int | None) -> Reevaluated:
        """Judge everything, withdraw what must be, and tell whom it concerns.

        Args:
            report_only: withdraw nothing.
            confirmed: so many withdrawals are right, and so are the advisories; None when nobody
                has looked.

        Raises:
            StoreError: the records can't be listed, or it can't be noted what is decided.
        """
        last = self._records.last_reevaluation()
        keys = self._records.package_keys()
        requests = list(self._requests())
        hits = {key_of(hit.decision): hit for hit in self._hits(keys, requests, last)}
        sources = tuple(self._sources())
        self._say_how_old(sources)
        due = {key for key, hit in hits.items() if hit.due <= self._today}
        decided = _together(due, hits, requests)
        doubts = self._doubts(sources, last, len(decided)) if confirmed is None else []
        if confirmed is not None and len(decided) > confirmed:
            doubts = [_too_many(len(decided), f"the {confirmed} that were confirmed")]
        if doubts or report_only:
            decided = set()
        for doubt in doubts:
            self._remarks.leave(doubt)
        judged_by = () if doubts else sources
        run = self._decide([hits[key] for key in sorted(decided)], requests, judged_by)
        outcome = Reevaluated(
            packages=len(keys),
            decided=tuple(hits[key] for key in sorted(decided)),
            reported=tuple(hits[key] for key in sorted(hits.keys() - decided)),
            run=self._with_remarks(run),
        )
        told = self._tell(outcome, requests)
        reported = [hit for hit in outcome.reported if told or not hit.new]
        if doubts:
            self._keep_doubted(last, reported)
        else:
            self._keep(LastReevaluation(self._settings.now(), sources, _reported(reported)))
        self._gate.keep_catalogue()
        return replace(outcome, run=self._with_remarks(run))

    def _with_remarks(self, run: Run) -> Run:
        """Give a run with all that was said since it ended."""
        warnings = tuple(self._remarks.warnings)
        return replace(run, warnings=warnings, unfinished=self._remarks.unfinished)

    def _requests(self) -> Iterator[RequestDecision]:
        """Give all requests on record; one that can't be read is named."""
        for key in self._records.request_keys():
            try:
                if decision := self._records.request_at(key):
                    yield decision
            except UnreadableRecordError as error:
                self._remarks.leave(str(error))

    def _hits(
        self,
        keys: Sequence[PackageKey],
        requests: Iterable[RequestDecision],
        last: LastReevaluation | None,
    ) -> Iterator[Hit]:
        """Find what would be refused today."""
        told = {key_of(each): each for each in (last.reported if last else ())}
        known = self._known(keys)
        to_read = {
            key_of(package)
            for decision in _approved(requests)
            if self._is_of_another_day(decision)
            for package in decision.packages
        }
        for key in keys:
            known_now = known.get(key)
            if known_now is not None and key not in to_read:
                origin, name, version = key
                package = ResolvedPackage(name, version, origin, ())
                if not self._refusing(package, known_now.findings):
                    continue
            if (record := self._record(key)) and record.may_be_published:
                known_now = known_now or self._standing_of_archive(record)
                if hit := self._hit(record, known_now, told.get(key)):
                    yield hit

    def _is_of_another_day(self, decision: RequestDecision) -> bool:
        """Whether an approval's packages must be read: a waiver ended, or the policy differs."""
        until = decision.basis.until if decision.basis else ""
        return (
            "" < until < self._today.isoformat()
            or decision.policy_digest != self._settings.conditions.policy_digest
        )

    def _known(self, keys: Sequence[PackageKey]) -> dict[PackageKey, Standing]:
        """Ask at once what is known of everything that advisories know by its name."""
        named = {
            key: NamedPackage(ecosystem_of(key[0]).normalise_name(key[1]), key[2])
            for key in keys
            if ecosystem_of(key[0]).looked_up_by_name
        }
        releases = list(dict.fromkeys(named.values()))
        known = standing_of_releases(releases, self._advisories) if releases else {}
        for each in known.values():
            self._leave_failures(each)
        return {key: known[release] for key, release in named.items()}

    def _standing_of_archive(self, record: PackageDecision) -> Standing:
        evidence = self._records.evidence(record.evidence, record) if record.evidence else None
        found = standing(evidence, self._advisories) if evidence else Standing((), ())
        self._leave_failures(found)
        return found

    def _leave_failures(self, known: Standing) -> None:
        for failure in known.failures:
            self._remarks.leave_once(f"Not everything could be judged again: {failure}")

    def _record(self, key: PackageKey) -> PackageDecision | None:
        try:
            return self._records.package(*key)
        except UnreadableRecordError as error:
            self._remarks.leave(str(error))
            return None

    def _refusing(
        self, package: PackageIdentity, findings: Iterable[Finding]
    ) -> tuple[Finding, ...]:
        return tuple(f for f in findings if refuses(package, f, self._policy, self._today))

    def _hit(self, record: PackageDecision, known: Standing, told: Reported | None) -> Hit | None:
        """Give a package with what would refuse it; what is in its bytes counts as it did."""
        asked = {source.name for source in self._advisories}
        stood = [each.finding for each in record.findings if each.finding.scanner not in asked]
        findings = self._refusing(record, [*stood, *known.findings])
        if not findings:
            return None
        rules = {each.rule for each in findings}
        before = set(told.findings) if told else set()
        since = told.since if told and rules & before else self._today
        waived = {each.finding.rule for each in record.findings if each.waiver is not None}
        at_once = any(each.kind is Kind.MALWARE or each.rule in waived for each in findings)
        return Hit(record, findings, since, not rules <= before, self._due(since, at_once=at_once))

    def _due(self, since: date, *, at_once: bool) -> date:
        rules = self._policy.reevaluate
        if at_once:
            return self._today
        if rules.vulnerabilities == "report":
            return date.max
        return since + timedelta(days=rules.grace_days)

    def _sources(self) -> Iterator[ScannerInfo]:
        """Say which advisories were asked, as far as they answered."""
        for source in self._advisories:
            try:
                yield source.info
            except GateError as error:
                self._remarks.leave_once(f"Not everything could be judged again: {error}")

    def _say_how_old(self, sources: Sequence[ScannerInfo]) -> None:
        """Say that advisories are old; what became known since is not judged by them."""
        ages = self._policy.advisories
        for too_old in Standing((), tuple(sources)).checked_age(ages, self._today).failures:
            self._remarks.leave_once(f"Not everything could be judged again: {too_old}")
        self._gate.warn_of_age(sources)

    def _doubts(
        self, sources: Iterable[ScannerInfo], last: LastReevaluation | None, withdrawals: int
    ) -> list[str]:
        """Say why nothing must be withdrawn before somebody has looked: it is too much at once, or
        the advisories are older than the last ones, or many of those are missing."""
        before = {(each.name, each.data): each for each in last.advisories} if last else {}
        found = []
        for each in sources:
            earlier = before.get((each.name, each.data), each)
            if each.data_date < earlier.data_date:
                found.append(
                    f"The advisories {each.data} are of {each.data_date}, older than at the last "
                    f"re-evaluation ({earlier.data_date}), so nothing was withdrawn. {_CONFIRM}"
                )
            elif each.entries < earlier.entries * (1 - MOST_LOST):
                found.append(
                    f"The advisories {each.data} are {each.entries} records, and were "
                    f"{earlier.entries} at the last re-evaluation, so nothing was withdrawn. "
                    f"{_CONFIRM}"
                )
        most = self._policy.reevaluate.most_withdrawals
        if withdrawals > most:
            found.append(_too_many(withdrawals, f"the policy's {most}"))
        return found

    def _decide(
        self,
        hits: Sequence[Hit],
        requests: Iterable[RequestDecision],
        judged_by: Sequence[ScannerInfo],
    ) -> Run:
        """Decide again what rests on these packages, and take them back."""
        keys = {key_of(hit.decision) for hit in hits}
        concerned = [each for each in _approved(requests) if not keys.isdisjoint(_closure(each))]
        covered = {key for each in concerned for key in _closure(each)}
        besides = [
            ResolvedPackage(each.name, each.version, each.origin, remote_files(each))
            for each in (hit.decision for hit in hits)
            if key_of(each) not in covered
        ]
        asked = {(each.name, each.source): each for each in self._untold()}
        asked |= {(each.name, each.source): _asked(each) for each in concerned}
        if asked:  # of who asked, the record of a new verdict says nothing until they are told
            self._records.owed.owe_reevaluation(BegunReevaluation(tuple(asked.values())))
        lines = tuple(line for each in asked.values() for line in _lines(each))
        run = self._gate.run(RequestFile(lines, ()), besides, judged_by)
        if all(_is_told(outcome) for outcome in run.outcomes):
            self._records.owed.is_reevaluated()
        return run

    def _untold(self) -> tuple[Asked, ...]:
        """Give what the last re-evaluation decided and could not tell everybody."""
        begun = self._records.owed.reevaluation()
        return begun.requests if begun else ()

    def _tell(self, outcome: Reevaluated, requests: Iterable[RequestDecision]) -> bool:
        """Tell requesters what stays approved with new findings, and InfoSec all that is new.

        Returns:
            Whether all emails were sent.
        """
        new = {key_of(hit.decision): hit for hit in outcome.reported if hit.new}
        hint = self._settings.report_hint
        emails = [
            compose_warning(line, hits, hint)
            for decision in _approved(requests)
            if (hits := [new[key] for key in _closure(decision) if key in new])
            for line in _lines(_asked(decision))
        ]
        if new or outcome.decided or outcome.run.unfinished:
            emails.append(compose_digest(outcome, hint))
        sent = True
        for email in emails:
            try:
                with self._records.turn.step():
                    self._gate.steps.notifier.send(email)
            except (NotifyError, StoreError) as error:
                sent = False
                self._remarks.leave(f"{email.subject!r} could not be sent: {error}")
        return sent

    def _keep_doubted(self, last: LastReevaluation | None, hits: Iterable[Hit]) -> None:
        """Put on record what was told, besides what was before: by advisories that may be wrong."""
        before = last or LastReevaluation(self._settings.now(), (), ())
        told = {key_of(each): each for each in (*before.reported, *_reported(hits))}
        self._keep(replace(before, reported=tuple(told.values())))

    def _keep(self, last: LastReevaluation) -> None:
        """Put on record what was told, and by which advisories."""
        try:
            self._records.put_reevaluation(last)
        except StoreError as error:
            self._remarks.leave(f"What was reported could not be recorded: {error}")


def _reported(hits: Iterable[Hit]) -> tuple[Reported, ...]:
    return tuple(Reported(*key_of(h.decision), h.rules, h.since, h.names) for h in hits)


_CONFIRM = "When that is right, confirm it with --confirm and the number of withdrawals."


def _too_many(withdrawals: int, most: str) -> str:
    return (
        f"{withdrawals} approved packages would be withdrawn, more than {most}, so none was. Look "
        f"whether the advisories are right, and confirm it with --confirm {withdrawals}."
    )


def _together(
    due: set[PackageKey], hits: Collection[PackageKey], requests: Iterable[RequestDecision]
) -> set[PackageKey]:
    """Add what is decided along with these packages, since a request is decided as a whole."""
    closures = [set(hits).intersection(_closure(each)) for each in _approved(requests)]
    found = set(due)
    while more := {k for c in closures if not found.isdisjoint(c) for k in c} - found:
        found |= more
    return found


def _approved(requests: Iterable[RequestDecision]) -> list[RequestDecision]:
    return [each for each in requests if each.verdict is Verdict.APPROVED]


def _closure(decision: RequestDecision) -> dict[PackageKey, None]:
    return dict.fromkeys(key_of(package) for package in decision.packages)


def _asked(decision: RequestDecision) -> Asked:
    """Give a request with those who were told its verdict."""
    return Asked(decision.name, decision.source, tuple(decision.notified) or ("",))


def _lines(asked: Asked) -> list[Request]:
    source = request_source(asked.source)
    return [Request(asked.name, source, requester, 0) for requester in asked.requesters]


def _is_told(outcome: RequestOutcome) -> bool:
    decision = outcome.decision
    return decision.notified.get(outcome.request.requester) == notification_digest(decision)
