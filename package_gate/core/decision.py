"""Verdicts, and the records of them."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from package_gate.core.artifact import (
    Artifact,
    Origin,
)
from package_gate.core.attestation import Envelope
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.word import Word


class Verdict(Word):
    """What the gate says of a package or a request."""

    APPROVED = "approved"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Cause(Word):
    """What keeps a request undecided, by who can change it."""

    REQUEST = "request"
    """Its line, which can't be fulfilled as it stands: the requester."""
    GATE = "gate"
    """A part of the gate that did not finish, or its configuration: those who run it."""
    OUTSIDE = "outside"
    """An index or a host that did not answer as it should: perhaps the next run."""
    COOLDOWN = "cooldown"
    """The age of a release: time."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """InfoSec's exception: this finding, in this package, until this date."""

    finding: str
    """A rule or an alias of a finding, or `cooldown`."""
    package: str
    """Normalised name for PyPI packages, request name for archives."""
    version: str
    """"" for every version of a PyPI package."""
    expires: str
    """The last day on which it holds (ISO 8601 date, UTC)."""
    approved_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class JudgedFinding:
    """A finding with what the policy makes of it."""

    finding: Finding
    severity: Severity
    """The finding's own, or the policy's for findings without one."""
    refuses: bool
    """Whether the package is refused because of it."""
    waiver: Waiver | None = None

    @property
    def rating(self) -> str:
        """Its severity in words, which says when nobody has rated it."""
        if self.finding.severity is None:
            return f"unrated, counts as {self.severity}"
        return str(self.severity)


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """A package as a request's record names it."""

    name: str
    version: str
    origin: Origin
    verdict: Verdict
    artifacts: tuple[Artifact, ...]
    published_to: str = ""
    for_build: bool = False
    """Whether only the build of an sdist needs it, see `ResolvedPackage`."""
    targets: tuple[str, ...] = ()
    """Those of the policy's notebooks that need it; empty for all."""


@dataclass(frozen=True, slots=True)
class PrecedentNote:
    """The older release because of which suspicions were set aside, see `core.precedent`."""

    name: str
    """The project's; of an archive, the one that it says it is."""
    version: str
    since: date
    """When the last of its files that count was uploaded."""
    evidence: str
    """The digest of what is in them."""


MAX_JUDGEMENTS = 20
"""The latest that a record keeps of those that came to its verdict before."""


@dataclass(frozen=True, slots=True)
class EarlierJudgement:
    """What is kept of a judgement that came to the same verdict as the one after it.

    One that came to another verdict is kept whole, see `records.store`.
    """

    judged_at: datetime
    """UTC."""
    policy_digest: str
    gate_version: str
    scanners: tuple[ScannerInfo, ...]
    """Those that had finished, without what they were kept from."""
    waived: tuple[str, ...]
    """The rules of findings that a waiver let pass."""


DECISION_SCHEMA = 2
"""The layout of decisions: 1 held evidence and judgement in one (gate 0.1)."""


@dataclass(frozen=True, slots=True)
class PackageDecision:
    """The stored record of a package's verdict: what the policy makes of evidence and standing."""

    name: str
    version: str
    origin: Origin
    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    artifacts: tuple[Artifact, ...]
    findings: tuple[JudgedFinding, ...]
    scanners: tuple[ScannerInfo, ...]
    """Those that finished."""
    policy_digest: str
    """Of the policy that judged, see `Policy.digest`."""
    decided_at: datetime
    """When this verdict was first reached (UTC)."""
    gate_version: str
    evidence: str = ""
    """The digest of the file set whose evidence it rests on; "" when there is none."""
    standing: str = ""
    """The digest of what was known of it from outside, see `Standing.digest`."""
    until: str = ""
    """The last day on which it holds (ISO 8601, UTC): a waiver ends then, or there may be another
    precedent; "" for no such day."""
    precedent: PrecedentNote | None = None
    """What its suspicions were compared with; None when there was none, or no suspicion."""
    sample_advisories: bool = False
    """Whether it rests on the small hand-written advisory set; decided again with a real one."""
    published_to: str = ""
    """Where it was published; "" when it is not, or not yet."""
    published_at: datetime | None = None
    """When it was published; without `published_to`, when that was begun."""
    withdrawn_at: datetime | None = None
    """When it was taken back because it was refused later."""
    withdrawn_by_gate: bool = False
    """Whether it was the gate that took it from the repository, and not somebody before it, so that
    the gate may let it be installed again; False once that is done."""
    waits_until: datetime | None = None
    """When its cooldown ends (UTC), while nothing else keeps it undecided."""
    provenance: str = ""
    """Who had attested its files when it was judged, in words; "" where the policy did not ask."""
    attestation: Envelope | None = None
    """This decision as a signed statement; None without a signer, and while it is undecided."""
    judged_at: datetime | None = None
    """When it was judged last, with this verdict (UTC); None in records of before 0.3, which kept
    no earlier judgements either."""
    judgements: tuple[EarlierJudgement, ...] = ()
    """Those between `decided_at` and `judged_at`, at most the latest `MAX_JUDGEMENTS`."""
    schema: int = 1
    """`DECISION_SCHEMA`; 1 in records that name none."""

    @property
    def as_earlier(self) -> EarlierJudgement:
        """What is kept of this judgement when the next one comes to the same verdict."""
        return EarlierJudgement(
            self.judged_at or self.decided_at,
            self.policy_digest,
            self.gate_version,
            tuple(replace(s, isolation="") if s.isolation else s for s in self.scanners),
            tuple(sorted({item.finding.rule for item in self.findings if item.waiver})),
        )

    @property
    def is_malware(self) -> bool:
        """Whether malware is among what refuses it."""
        return any(item.refuses and item.finding.kind is Kind.MALWARE for item in self.findings)

    @property
    def may_be_published(self) -> bool:
        """Whether notebooks can install it, as far as is known after a kill."""
        return bool(self.published_to or self.published_at) and self.withdrawn_at is None

    @property
    def summary(self) -> PackageSummary:
        """What a request's record repeats of it."""
        return PackageSummary(
            self.name, self.version, self.origin, self.verdict, self.artifacts, self.published_to
        )


@dataclass(frozen=True, slots=True)
class Basis:
    """What a request's decision rests on besides its packages' bytes and the policy."""

    targets: str
    """The digest of the notebooks that it was resolved for, see `Policy.targets_digest`."""
    scanners: tuple[str, ...]
    """`NAME VERSION` of each scanner with its rules, `NAME` of each source of advisories, sorted:
    all that looked at all of its packages."""
    until: str = ""
    """The last day on which it holds (ISO 8601, UTC); "" for no such day."""


@dataclass(frozen=True, slots=True)
class RequestDecision:
    """The stored record of a request's verdict."""

    name: str
    source: str
    """As `str(request.source)`."""
    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    packages: tuple[PackageSummary, ...]
    """The closure; the requested package first when it is known."""
    policy_digest: str
    decided_at: datetime
    """UTC."""
    gate_version: str
    install_command: str = ""
    """What the requester runs; set when the request is approved and published."""
    sample_advisories: bool = False
    """Whether it rests on the small hand-written advisory set; decided again with a real one."""
    old_advisories: str = ""
    """A warning when it rests on old advisories, else ""."""
    superseded: tuple[PackageSummary, ...] = ()
    """PyPI packages that earlier decisions published and the closure holds no more."""
    notified: dict[str, str] = field(default_factory=dict)
    """Requester → digest of the verdict that was emailed."""
    complete: bool = False
    """Whether `packages` is the whole closure: what failed to be fetched is not in it."""
    targets: tuple[str, ...] = ()
    """Those of the policy's notebooks on which it can be installed; empty for all."""
    instead: str = ""
    """When it is refused: a line for the request file whose closure no advisory refuses."""
    basis: Basis | None = None
    """None in records of schema 1, and when something was not looked at."""
    causes: tuple[Cause, ...] = ()
    """What keeps it undecided; none in records of gate 0.2 and earlier."""
    waits_until: datetime | None = None
    """When the last cooldown ends (UTC), while nothing else keeps it undecided."""
    overdue_from: datetime | None = None
    """When it has waited for a day longer (UTC) than was said when it began to wait; later ends,
    because of newer releases, don't change it."""
    schema: int = 1
    """`DECISION_SCHEMA`; 1 in records that name none."""

    @property
    def published(self) -> tuple[PackageSummary, ...]:
        """What was published for it, now and earlier."""
        return tuple(p for p in (*self.packages, *self.superseded) if p.published_to)
