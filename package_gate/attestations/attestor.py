"""Who signs what the gate decides, in whose name, and for which repository."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from package_gate.attestations import standing_list, statement
from package_gate.attestations.envelope import sealed
from package_gate.attestations.interface import Signer
from package_gate.core.attestation import Envelope
from package_gate.core.decision import PackageDecision
from package_gate.core.finding import ScannerInfo
from package_gate.core.standing_list import Withdrawn

DEFAULT_VERIFIER = "urn:package-gate"
DEFAULT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Attestor:
    """Signs decisions and standing lists."""

    signer: Signer
    repository: str
    """Where approved packages go, a URI; a statement counts for no other one."""
    verifier: str = DEFAULT_VERIFIER
    """Who decides, a URI."""
    days: int = DEFAULT_DAYS
    """For how many days a standing list counts."""

    @property
    def identity(self) -> str:
        """All that must be the same for a statement to stand as it is."""
        return " ".join((self.signer.key_id, self.verifier, self.repository))

    def attest(self, decision: PackageDecision) -> Envelope:
        """Sign what was decided about a package.

        Raises:
            SigningError: the signer could not.
        """
        return sealed(statement.PAYLOAD_TYPE, self._statement(decision), self.signer)

    def holds(self, decision: PackageDecision) -> bool:
        """Whether a decision's statement is by today's key, and says what the decision does."""
        envelope = decision.attestation
        return (
            envelope is not None
            and [each.keyid for each in envelope.signatures] == [self.signer.key_id]
            and envelope.payload == base64.b64encode(self._statement(decision)).decode()
        )

    def list_standing(
        self, withdrawn: Iterable[Withdrawn], advisories: Sequence[ScannerInfo], now: datetime
    ) -> Envelope:
        """Sign what was approved and is refused.

        Raises:
            SigningError: the signer could not.
        """
        names = {"verifier": self.verifier, "repository": self.repository}
        payload = standing_list.standing_list(withdrawn, advisories, now, self.days, names)
        return sealed(standing_list.PAYLOAD_TYPE, payload, self.signer)

    def _statement(self, decision: PackageDecision) -> bytes:
        return statement.statement_of(decision, self.verifier, self.repository)
