"""A local run that signs: what of its statements and its standing list must hold after a kill."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature

from package_gate.attestations.attestor import Attestor
from package_gate.core.attestation import STATEMENT_SUFFIX, Envelope
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.owed import Withdrawal
from package_gate.core.standing_list import STANDING_LIST
from tests.attestations.signed import opened
from tests.kill.stores import LocalStore


@dataclass(frozen=True)
class SignedStore(LocalStore):
    """The output folder of a local run with a signer."""

    attestor: Attestor

    def faults(self, *, done: bool) -> list[str]:
        """The index as ever, and what is signed."""
        return [*super().faults(done=done), *self.signing_faults(done=done)]

    def signing_faults(self, *, done: bool) -> list[str]:
        """What is wrong with statements and list.

        Args:
            done: whether a run has ended since the kill.
        """
        return [
            *self._wrong_records(),
            *self._wrong_statements(done=done),
            *self._unlisted(done=done),
        ]

    def decisions(self) -> dict[str, PackageDecision]:
        """Read the packages on record that are decided, by key."""
        found = {
            key: msgspec.json.decode(content, type=PackageDecision)
            for key, content in self.documents().items()
            if key.removeprefix("history/").startswith("packages/")
        }
        return {key: each for key, each in found.items() if each.verdict is not Verdict.UNDECIDED}

    def _wrong_records(self) -> Iterator[str]:
        """A record and its statement are one document: there is none without the other."""
        for key, decision in self.decisions().items():
            if decision.attestation is None or not self.attestor.holds(decision):
                yield f"{key} is not signed"
            elif self._opened(decision.attestation) is None:
                yield f"the statement of {key} is not by the signer"

    def _wrong_statements(self, *, done: bool) -> Iterator[str]:
        """Beside a file stands that it is approved; in the end beside each."""
        files = [*self.output.glob("simple/*/*.whl"), *self.output.glob("generic/*/*/*.zip")]
        for file in files:
            path = file.with_name(f"{file.name}{STATEMENT_SUFFIX}")
            if path.exists():
                envelope = msgspec.json.decode(path.read_bytes(), type=Envelope)
                said = self._opened(envelope)
                if said is None:
                    yield f"{path} is not by the signer"
                    continue
                digests = [subject["digest"]["sha256"] for subject in said["subject"]]
                passed = said["predicate"]["verificationResult"] == "PASSED"
                if not passed or sha256(file.read_bytes()).hexdigest() not in digests:
                    yield f"{path} is not about the file beside it"
            elif done:
                yield f"nothing is signed beside {file}"

    def _unlisted(self, *, done: bool) -> Iterator[str]:
        """What was approved once and is refused is owed, or listed; in the end it is listed."""
        path = self.output / "simple" / STANDING_LIST
        listed: set[str] = set()
        if path.exists():
            envelope = msgspec.json.decode(path.read_bytes(), type=Envelope)
            said = self._opened(envelope)
            if said is None:
                yield "the standing list is not by the signer"
                return
            listed = {each["sha256"] for each in said["withdrawn"]}
        elif done:
            yield "there is no standing list"
        owed = {
            artifact.sha256
            for key, content in self.documents().items()
            if key.startswith("owed/withdraw/")
            for artifact in msgspec.json.decode(content, type=Withdrawal).artifacts
        }
        decisions = self.decisions()
        approved = {
            artifact.sha256
            for decision in decisions.values()
            if decision.verdict is Verdict.APPROVED
            for artifact in decision.artifacts
        }
        for key, decision in decisions.items():
            digests = {artifact.sha256 for artifact in decision.artifacts} & approved
            refused = decision.verdict is Verdict.REFUSED and not key.startswith("history/")
            if refused and not digests <= (listed if done else listed | owed):
                yield f"{key} was approved, is refused, and is not listed"
            if not refused and not key.startswith("history/") and digests & listed:
                yield f"{key} is approved and listed as withdrawn"

    def _opened(self, envelope: Envelope) -> Any | None:
        try:
            return opened(envelope, self.attestor.signer)
        except InvalidSignature:
            return None
