"""Signing what is decided: a statement in each package's record, and the standing list.

A record and its statement are one document, so a kill leaves both or neither. What could not be
signed is not approved; a refusal stands all the same, and the next run signs it.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import msgspec

from package_gate.attestations.attestor import Attestor
from package_gate.core.attestation import Envelope
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import (
    GateError,
    PublishError,
    SigningError,
    StoreError,
    UnreadableRecordError,
)
from package_gate.core.finding import ScannerInfo
from package_gate.core.owed import PackageKey, Withdrawal
from package_gate.core.standing_list import LastStanding, Withdrawn
from package_gate.pipeline.remarks import Remarks
from package_gate.publishers.interface import PublishedPackage, Publisher
from package_gate.records.store import Records

_NO_SIGNER = (
    "The verdicts on record are signed, and this run has no signer (--signer): what it has decided "
    "is not signed, and what it has withdrawn is not listed. Delete standing/last.json among the "
    "records if nothing is to be signed any more."
)


class Signing:
    """Signs and records; without an attestor it only records."""

    def __init__(
        self,
        attestor: Attestor | None,
        publisher: Publisher,
        records: Records,
        remarks: Remarks,
    ) -> None:
        """Sign with `attestor`; None when nothing is signed."""
        self._attestor = attestor
        self._publisher = publisher
        self._records = records
        self._remarks = remarks
        self._noted_unsigned = False
        self._refused: dict[PackageKey, Withdrawn] = {}
        """What this run has refused and an earlier one had approved."""

    def holds(self, decision: PackageDecision) -> bool:
        """Whether a record needs no other statement than it has."""
        if self._attestor is None or not _is_signed(decision):
            return decision.attestation is None
        return self._attestor.holds(decision)

    def signed(self, decision: PackageDecision) -> PackageDecision:
        """Give a decision with its statement; in the repository, too, where it has another key's.

        Raises:
            SigningError: there is none.
        """
        if self.holds(decision):
            return decision
        if self._attestor is None or not _is_signed(decision):
            return replace(decision, attestation=None)
        subject = f"{decision.name} {decision.version}"
        try:
            envelope = self._attestor.attest(decision)
            if decision.published_to and _keys(envelope) != _keys(decision.attestation):
                self._put_beside(decision, envelope)
        except PublishError as error:
            self._note_unsigned()
            raise SigningError(f"The verdict on {subject} could not be signed: {error}") from error
        return replace(decision, attestation=envelope)

    def put(self, decision: PackageDecision) -> PackageDecision:
        """Record a decision that stands, signed where that is possible, and give it so.

        Raises:
            StoreError: it could not be recorded.
        """
        try:
            decision = self.signed(decision)
        except SigningError as error:
            self._remarks.leave(f"{error} The next run tries again.")
            decision = replace(decision, attestation=None)
        self._records.put(decision)
        return decision

    def attest(self, decision: PackageDecision) -> None:
        """Put a published package's statement into the repository.

        Raises:
            PublishError: it failed.
            StoreError: it is not this run's turn any more.
        """
        if decision.attestation is not None:
            self._put_beside(decision, decision.attestation)

    def is_refused(self, decision: PackageDecision, earlier: PackageDecision | None) -> bool:
        """Take down what is refused and has been approved with a statement.

        Returns:
            Whether somebody may trust that statement.
        """
        trusted = (
            earlier is not None
            and earlier.verdict is Verdict.APPROVED
            and earlier.attestation is not None
        )
        if trusted or decision.may_be_published:
            withdrawn = _withdrawn(Withdrawal.of(decision, decision.decided_at))
            self._refused[withdrawn.key] = withdrawn
        return trusted

    def finish(
        self, judged_by: Sequence[ScannerInfo], asked: Sequence[ScannerInfo], now: datetime
    ) -> None:
        """Sign what is not signed yet, then write the standing list.

        Args:
            judged_by: the advisories by which this run has judged all that is approved; none when
                it has not.
            asked: those by which it has decided what it had to.
            now: the time (UTC).

        Raises:
            GateError: something could not be signed, recorded or published, or there is no signer
                although there was one; the next run tries again.
        """
        last = self._records.standing() or LastStanding()
        if self._attestor is None:
            if last.envelope is not None:
                raise SigningError(_NO_SIGNER)
            return
        complete = last.signed_as == self._attestor.identity and not self._noted_unsigned
        if not complete and not self._noted_unsigned:
            complete = self._sign_the_rest()
        withdrawn = tuple(self._still_refused(last.withdrawn))
        reevaluated = self._records.last_reevaluation()
        before = reevaluated.advisories if reevaluated else ()
        advisories = tuple(judged_by) or before or tuple(asked) or last.advisories
        envelope = self._attestor.list_standing(withdrawn, advisories, now)
        self._records.put_standing(
            LastStanding(
                withdrawn, advisories, self._attestor.identity if complete else "", envelope
            )
        )
        with self._records.turn.step():
            self._publisher.post_standing_list(envelope.content)

    def _still_refused(self, before: Iterable[Withdrawn]) -> list[Withdrawn]:
        """Give what was approved once, unless it is so again."""
        owed = (_withdrawn(each) for each in self._records.owed.withdrawals())
        known = {each.key: each for each in owed}
        known |= self._refused
        for each in before:
            later = known.get(each.key)
            files = (*each.files, *(later.files if later else ()))
            known[each.key] = msgspec.structs.replace(each, files=tuple(dict.fromkeys(files)))
        with ThreadPoolExecutor(self._records.readers) as pool:
            return [each for each in pool.map(self._without_approved, known.values()) if each.files]

    def _without_approved(self, withdrawn: Withdrawn) -> Withdrawn:
        """Leave out the files of a package that are approved again."""
        try:
            record = self._records.package(*withdrawn.key)
        except UnreadableRecordError as error:
            self._remarks.leave_once(str(error))
            return withdrawn
        if record is None or record.verdict is not Verdict.APPROVED:
            return withdrawn
        approved = {artifact.sha256 for artifact in record.artifacts}
        files = tuple(sha256 for sha256 in withdrawn.files if sha256 not in approved)
        return msgspec.structs.replace(withdrawn, files=files)

    def _sign_the_rest(self) -> bool:
        """Sign what has no statement by today's key in today's name; tells whether all have one."""
        with ThreadPoolExecutor(self._records.readers) as pool:
            return all(list(pool.map(self._sign_recorded, self._records.package_keys())))

    def _sign_recorded(self, key: PackageKey) -> bool:
        try:
            record = self._records.package(*key)
            if record is not None and not self.holds(record):
                self._records.put(self.signed(record))
        except GateError as error:
            self._remarks.leave(f"{error} The next run tries again.")
            return False
        return True

    def _put_beside(self, decision: PackageDecision, envelope: Envelope) -> None:
        with self._records.turn.step():
            self._publisher.attest(PublishedPackage.of(decision), envelope.content)

    def _note_unsigned(self) -> None:
        """Note at once that the next run has something to sign, also when this one is killed."""
        if self._noted_unsigned:
            return
        self._noted_unsigned = True
        try:
            last = self._records.standing() or LastStanding()
            self._records.put_standing(msgspec.structs.replace(last, signed_as=""))
        except StoreError as error:
            self._remarks.leave(f"That a verdict is not signed could not be noted: {error}")


def _is_signed(decision: PackageDecision) -> bool:
    """Whether it is about files, and says something of them."""
    return decision.verdict is not Verdict.UNDECIDED and bool(decision.artifacts)


def _keys(envelope: Envelope | None) -> list[str]:
    return [each.keyid for each in envelope.signatures] if envelope else []


def _withdrawn(owed: Withdrawal) -> Withdrawn:
    digests = tuple(dict.fromkeys(artifact.sha256 for artifact in owed.artifacts))
    return Withdrawn(owed.origin, owed.name, owed.version, digests, owed.refused_at)
