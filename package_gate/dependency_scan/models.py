"""The nouns of a dependency scan, beside the gate's own (`package_gate.models`)."""

from dataclasses import dataclass, field
from datetime import datetime

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from package_gate.core.decision import JudgedFinding, Verdict
from package_gate.core.finding import Location, ScannerInfo
from package_gate.inventory.formats.locks import LockedFile

PackageKey = tuple[str, str]
"""Normalised name, and version as written."""
MAX_CHAINS = 20
"""Ways to one package that a report names."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be determined; it makes a clean result impossible."""

    path: str
    """The dependency file, relative to the repository; "" when it is about all of it."""
    line: int | None
    """From 1; None when it is about the whole file."""
    text: str
    """What is wrong and what to do, without credentials."""


@dataclass(frozen=True, slots=True)
class Direct:
    """A requirement that a person wrote."""

    requirement: Requirement
    """Its name is normalised (PEP 503)."""
    place: Location
    """The dependency file, relative to the repository, and the line."""
    hashes: tuple[str, ...] = ()
    """`sha256:…` and the like, as `--hash` gives them."""
    written: str = ""
    """How it stands in the file, where that is not `str(requirement)`."""

    @property
    def name(self) -> str:
        """The normalised name."""
        return self.requirement.name

    @property
    def pins(self) -> list[PackageKey]:
        """The release that it names exactly; none where it leaves a choice."""
        return [
            (self.name, each.version)
            for each in self.requirement.specifier
            if each.operator in ("==", "===") and not each.version.endswith(".*")
        ]

    def __str__(self) -> str:
        return self.written or str(self.requirement)


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """Requirements that are installed together, to be resolved."""

    name: str
    """A file's path, with the extra or group where there are several: `pyproject.toml [dev]`."""
    path: str
    requirements: tuple[Direct, ...]
    constraints: tuple[Direct, ...] = ()
    prereleases: bool = False
    """Whether the file asks for pre-releases (`--pre`)."""
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)


@dataclass(frozen=True, slots=True)
class ClosurePackage:
    """A package that installing something brings in."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    needed_by: tuple[str, ...] = ()
    """Normalised names of the packages that depend on it, as far as they are known."""
    line: int | None = None
    """Where a lock names it."""
    yanked: str = ""
    """Why its authors have yanked it, "" when they haven't or nobody says."""
    files: tuple[LockedFile, ...] = ()
    """What a lock says of its files."""
    index: str = ""
    """The address of its index, when a lock names one."""

    @property
    def key(self) -> PackageKey:
        """What it is looked up by."""
        return self.name, self.version


@dataclass(frozen=True, slots=True)
class ScannedClosure:
    """Everything that one set of requirements brings in."""

    name: str
    """As `RequirementSet.name`, or the lock's path."""
    path: str
    directs: tuple[Direct, ...]
    packages: tuple[ClosurePackage, ...]
    locked: bool = False
    """Whether a lock says so; else it was resolved for this scan."""
    targets: tuple[str, ...] = ()
    """For which Python and platform it was resolved."""
    notes: tuple[str, ...] = ()
    source: RequirementSet | None = None
    """What was resolved; None for a lock."""
    unmarked: tuple[Direct, ...] = ()
    """Those of `directs` whose markers fit no target; resolved one by one, without the marker."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a package comes in: from a direct requirement down to it."""

    direct: Direct
    names: tuple[str, ...]
    """The names from the direct requirement to the package, both included."""

    def __str__(self) -> str:
        return " → ".join(self.names)


@dataclass(frozen=True, slots=True)
class ScannedPackage:
    """A package of the repository's closures with what the policy makes of its findings."""

    name: str
    version: str
    verdict: Verdict
    reasons: tuple[str, ...]
    findings: tuple[JudgedFinding, ...]
    scanners: tuple[ScannerInfo, ...]
    """Those that finished."""
    chains: tuple[Chain, ...]
    """At most one for each direct requirement that brings it in."""
    locked_at: tuple[Location, ...] = ()
    """Where locks name it."""

    @property
    def key(self) -> PackageKey:
        """Name and version."""
        return self.name, self.version

    @property
    def refusing(self) -> list[JudgedFinding]:
        """The findings because of which it is refused."""
        return [judged for judged in self.findings if judged.refuses]


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement of a proposed file."""

    place: Location
    """Where it stands; without a line when it is new."""
    name: str
    before: str
    """The requirement as it stands; "" when it is new."""
    after: str
    fixes: tuple[str, ...]
    """The rules of the findings that go away."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A dependency file as it would be without refusing findings."""

    path: str
    content: bytes = field(repr=False)
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Unfixed:
    """Why no better file can be proposed."""

    name: str
    """The set of requirements, as `Closure.name`."""
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class DependencyScan:
    """Everything that a scan has to say."""

    repository: str
    """What people call it."""
    branch: str
    commit: str
    author: str
    """Who made the commit, or pushed it; "" when nobody says."""
    closures: tuple[ScannedClosure, ...]
    packages: tuple[ScannedPackage, ...]
    """Each name and version once; what refuses first."""
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    unfixed: tuple[Unfixed, ...]
    scanners: tuple[ScannerInfo, ...]
    policy_digest: str
    gate_version: str
    """See `core.version`."""
    started_at: datetime
    finished_at: datetime
    old_advisories: str = ""
    """A warning when what was asked is old."""

    @property
    def verdict(self) -> Verdict:
        """Refused before undecided before approved, which reads as "clean" here."""
        verdicts = {package.verdict for package in self.packages}
        if Verdict.REFUSED in verdicts:
            return Verdict.REFUSED
        if self.problems or Verdict.UNDECIDED in verdicts:
            return Verdict.UNDECIDED
        return Verdict.APPROVED


class Graph:
    """Who needs whom in a closure."""

    def __init__(self, closure: ScannedClosure) -> None:
        self._parents: dict[str, list[str]] = {}
        for package in closure.packages:
            self._parents.setdefault(package.name, []).extend(package.needed_by)
        self._directs: dict[str, list[Direct]] = {}
        for direct in closure.directs:
            self._directs.setdefault(direct.name, []).append(direct)

    def chains(self, name: str) -> list[Chain]:
        """Find the shortest way to a package from each direct requirement that brings it in.

        The shortest first, at most `MAX_CHAINS`; none in a lock that doesn't say who needs whom.
        """
        chains: list[Chain] = []
        waiting: list[tuple[str, ...]] = [(name,)]
        seen = {name}
        for names in waiting:
            chains += [Chain(direct, names) for direct in self._directs.get(names[0], ())]
            if len(chains) >= MAX_CHAINS:
                break
            for parent in self._parents.get(names[0], ()):
                if parent not in seen:
                    seen.add(parent)
                    waiting.append((parent, *names))
        return chains[:MAX_CHAINS]
