"""What the records answer: the story of a package, and what an advisory or a name hits."""

from dataclasses import dataclass
from datetime import date, datetime

from package_gate.core.catalogue import Reevaluated, package_state
from package_gate.core.decision import PackageDecision


@dataclass(frozen=True, slots=True)
class Asker:
    """A request that needs a package, as its record has it."""

    name: str
    source: str
    state: str
    """One of `core.catalogue.STATES`."""
    decided_at: datetime
    """UTC."""
    requesters: tuple[str, ...]
    """Who was told the verdict; "" for a line that named nobody."""
    needs: bool = True
    """Whether its closure holds the package; else an earlier one did."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a package."""

    at: datetime
    """UTC."""
    what: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is on record of one version of a package."""

    decision: PackageDecision
    """As it stood on the day; its findings are those of the last judgement that is kept whole."""
    askers: tuple[Asker, ...]
    events: tuple[Event, ...]
    """The oldest first: the whole history, whatever the day."""
    known_from: datetime
    """The time of the first decision on record (UTC)."""
    policies: dict[str, str | None]
    """Digest of each policy that judged it → its text, or None where none was kept."""
    reported: tuple[str, ...] = ()
    """What the latest re-evaluation reported, though it stays approved."""
    inexact: str = ""
    """What is not known of that day; "" for nothing."""

    @property
    def state(self) -> str:
        """How it stood, one of `core.catalogue.STATES`."""
        return package_state(self.decision)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is on record of a name, or of one version."""

    name: str
    version: str
    """"" for all."""
    on: date | None
    """The day that was asked for; None for now."""
    stories: tuple[Story, ...]
    undecided: tuple[Asker, ...]
    """Requests of that name of which no package is on record."""
    later: tuple[str, ...] = ()
    """Versions of which nothing was on record on that day, with the day of the first decision."""
    reevaluated: Reevaluated | None = None
    unreadable: tuple[str, ...] = ()
    """One message for each record that could not be read."""

    @property
    def on_record(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.stories or self.undecided)


@dataclass(frozen=True, slots=True)
class Affected:
    """One version of a package that an advisory or a name hits."""

    decision: PackageDecision
    findings: tuple[str, ...]
    """How each finding that is meant counts, such as `PYSEC-2024-1: high, refuses`."""
    askers: tuple[Asker, ...]

    @property
    def installable(self) -> bool:
        """Whether notebooks may be able to install it."""
        return self.decision.may_be_published


@dataclass(frozen=True, slots=True)
class Hits:
    """What an advisory or a name hits."""

    asked: str
    names: tuple[str, ...]
    """All ids of the advisory, as findings on record have them; () for a name of a package."""
    affected: tuple[Affected, ...]
    reevaluated: Reevaluated | None = None
    unreadable: tuple[str, ...] = ()

    @property
    def any_installable(self) -> bool:
        """Whether notebooks may be able to install something of it."""
        return any(each.installable for each in self.affected)
