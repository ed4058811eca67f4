"""The gate's nouns: frozen dataclasses without behaviour that reaches outside.

The words are those of docs/architecture.md. Everything here can be written as JSON and read back
by `msgspec`, which checks types as it reads: records and worker messages are not trusted.
"""

import functools
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

MAX_LOCATIONS = 20
"""A finding names at most so many places; its `count` tells how many there are."""


class _Word(Enum):
    """An enumeration whose members are written as their values."""

    def __str__(self) -> str:
        return str(self.value)


@functools.total_ordering
class Severity(_Word):
    """How bad a finding is, from `INFO` to `CRITICAL`; members compare in this order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `INFO` to 4 for `CRITICAL`."""
        return _SEVERITY_ORDER[self.value]

    def __lt__(self, other: Any) -> bool:
        return self.rank < other.rank if isinstance(other, Severity) else NotImplemented


_SEVERITY_ORDER = {severity.value: rank for rank, severity in enumerate(Severity)}


class Kind(_Word):
    """What sort of thing a finding is about; the policy has one threshold for each."""

    VULNERABILITY = "vulnerability"
    MALWARE = "malware"
    CODE = "code"
    ARCHIVE = "archive"


class Verdict(_Word):
    """What the gate says of a package or a request."""

    APPROVED = "approved"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Origin(_Word):
    """Which source a package came from; it decides how the package is published."""

    PYPI = "pypi"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """An archive by its address."""

    url: str
    """`https://…`, without credentials or fragment."""

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class PyPISource:
    """A PyPI requirement."""

    requirement: str
    """A PEP 508 requirement without URL, such as `scikit-learn==1.5.2`."""

    def __str__(self) -> str:
        return f"pypi:{self.requirement}"


Source = ArchiveSource | PyPISource


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the request file."""

    name: str
    """As written by the requester; safe as a file, branch and package name."""
    source: Source
    requester: str
    """An email address, or "" when the line names none."""
    line: int
    """Line number in the request file, from 1."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of the request file that is no request."""

    line: int
    """Line number, from 1; 0 when the file as a whole can't be read."""
    text: str
    """The line as it stands, shortened, control characters escaped."""
    message: str
    """What is wrong and what to write instead."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that an index or a requester says can be downloaded."""

    filename: str
    url: str
    sha256: str | None = None
    """What the index says; None for an archive request, known once it is fetched."""
    size: int | None = None
    """Bytes, when known beforehand."""
    uploaded: datetime | None = None
    """When the index received it (UTC)."""
    yanked: str | None = None
    """The reason for which it was yanked ("" when none was given), or None when it was not."""


@dataclass(frozen=True, slots=True)
class ResolvedPackage:
    """A package of a closure before it is fetched."""

    name: str
    """Normalised (PEP 503) for PyPI, the request's name for an archive."""
    version: str
    """"" for an archive, whose version follows from its digest once it is fetched."""
    origin: Origin
    files: tuple[RemoteFile, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the decision must know, for example that dependencies are unknown."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Everything that a request needs."""

    packages: tuple[ResolvedPackage, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """One downloaded file."""

    filename: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size: int
    """Bytes."""
    url: str = ""
    """Where it came from."""
    uploaded: datetime | None = None
    """When the index received it (UTC)."""
    requires_python: str = ""
    """The `Requires-Python` of its metadata, once it is unpacked."""


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """An artifact on disk: the very bytes that its digest names."""

    artifact: Artifact
    path: Path


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an artifact."""

    path: str
    """Relative to the root of the unpacked artifact, with `/`."""
    line: int | None = None
    """From 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a scanner reports."""

    scanner: str
    rule: str
    """The scanner's id for it: `PYSEC-2021-142`, `S602`, `path-traversal`; a waiver names it."""
    kind: Kind
    severity: Severity | None
    """None when the source gives none; the policy says what that counts as."""
    message: str
    """One or two plain sentences."""
    recommendation: str = ""
    """What would mend it, for example the first version with the fix."""
    references: tuple[str, ...] = ()
    """Addresses to read on."""
    aliases: tuple[str, ...] = ()
    """Other ids of the same thing; a waiver may name any of them."""
    artifact: str = ""
    """The file name of the artifact; "" when it concerns the whole package."""
    locations: tuple[Location, ...] = ()
    """Where; at most the first `MAX_LOCATIONS` places of `count`."""
    count: int = 1
    """In how many places the rule matched."""


@dataclass(frozen=True, slots=True)
class ScannerInfo:
    """Which scanner it was, for the record."""

    name: str
    version: str
    data_date: str = ""
    """The date of the rules or advisories it used (ISO 8601), "" when it has none."""
    data: str = ""
    """Which rules or advisories: an address, a path, or `sample advisories`."""
    isolation: str = ""
    """What the kernel kept its process from, or why nothing; "" for a service."""


@dataclass(frozen=True, slots=True)
class UnpackedArtifact:
    """An artifact on disk with its unpacked tree, as scanners see it."""

    artifact: Artifact
    path: str
    """The downloaded file, absolute."""
    tree: str
    """The folder with what an installer would install, absolute."""


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """What a scanner is given: one package, unpacked."""

    name: str
    version: str
    origin: Origin
    artifacts: tuple[UnpackedArtifact, ...]


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


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """A package as a request's record names it."""

    name: str
    version: str
    origin: Origin
    verdict: Verdict
    artifacts: tuple[Artifact, ...]
    published_to: str = ""


@dataclass(frozen=True, slots=True)
class PackageDecision:
    """The stored record of a package's verdict."""

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
    """SHA-256 of the policy file that judged."""
    decided_at: datetime
    """UTC."""
    gate_version: str
    sample_advisories: bool = False
    """Whether it rests on the small hand-written advisory set; decided again with a real one."""
    published_to: str = ""
    """Where it was published; "" when it is not, or not yet."""
    published_at: datetime | None = None
    """When it was published; without `published_to`, when that was begun."""
    withdrawn_at: datetime | None = None
    """When it was taken back after a rescan refused it."""

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
    superseded: tuple[PackageSummary, ...] = ()
    """PyPI packages that earlier decisions published and the closure holds no more."""
    notified: dict[str, str] = field(default_factory=dict)
    """Requester → digest of the verdict that was emailed."""

    @property
    def published(self) -> tuple[PackageSummary, ...]:
        """What was published for it, now and earlier."""
        return tuple(p for p in (*self.packages, *self.superseded) if p.published_to)


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What a run did about one request."""

    request: Request
    decision: RequestDecision
    packages: tuple[PackageDecision, ...]
    """The closure's decisions, those that exist, in the order of `decision.packages`."""
    decided_now: bool
    """False when an earlier run had decided it and this one had nothing left to do."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run has to report."""

    outcomes: tuple[RequestOutcome, ...]
    """In the order of the request file."""
    line_errors: tuple[LineError, ...]
    scanners: tuple[ScannerInfo, ...]
    policy_digest: str
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
