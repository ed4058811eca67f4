"""What a run did."""

from dataclasses import dataclass
from datetime import datetime

from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.finding import ScannerInfo
from package_gate.core.request import LineError, Request


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What a run did about one request."""

    request: Request
    decision: RequestDecision
    packages: tuple[PackageDecision, ...]
    """The closure's decisions, those that exist, in the order of `decision.packages`."""
    decided_now: bool
    """False when an earlier run had decided it and this one had nothing left to do."""
    seconds: float = 0.0
    """How long it took, its packages included, which other requests may have shared."""

    @property
    def is_waiting(self) -> bool:
        """Whether it is undecided for the sake of a cooldown alone: time decides it."""
        return self.decision.verdict is Verdict.UNDECIDED and bool(self.decision.waits_until)


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run has to report."""

    outcomes: tuple[RequestOutcome, ...]
    """In the order of the request file."""
    line_errors: tuple[LineError, ...]
    scanners: tuple[ScannerInfo, ...]
    policy_digest: str
    gate_version: str
    """See `core.version`."""
    started_at: datetime
    """UTC."""
    finished_at: datetime
    """UTC."""
    warnings: tuple[str, ...] = ()
    """What the reader must see first: a policy that refuses nothing, a package withdrawn, an email
    that could not be sent. That the advisories are samples is said by `sample_advisories`."""
    sample_advisories: bool = False
    """Whether verdicts rest on the small hand-written advisory set."""
    unfinished: bool = False
    """Whether something besides undecided requests is left to the next run: an unsent email, a
    package that could not be taken back, a record that could not be written."""

    @property
    def waiting(self) -> int:
        """How many requests wait for a cooldown to end, and for nothing else."""
        return sum(outcome.is_waiting for outcome in self.outcomes)

    @property
    def overdue(self) -> int:
        """How many of those have waited for longer than was said."""
        return sum(
            outcome.is_waiting
            and outcome.decision.overdue_from is not None
            and outcome.decision.overdue_from < self.finished_at
            for outcome in self.outcomes
        )
