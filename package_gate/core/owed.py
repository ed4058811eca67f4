"""What is owed: written down before it is done, and removed when it is seen to be done.

Each run pays it first, whatever kind of run it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import PackageDecision, PackageSummary

PackageKey = tuple[Origin, str, str]
"""Origin, name and version."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A package that notebooks may be able to install, and that is refused now."""

    name: str
    version: str
    origin: Origin
    artifacts: tuple[Artifact, ...]
    refused_at: datetime
    """UTC."""
    malware: bool = False
    """Whether it is refused as malware."""

    @classmethod
    def of(cls, decision: PackageDecision, now: datetime) -> Self:
        """Take what is withdrawn from the package's decision."""
        return cls(
            decision.name,
            decision.version,
            decision.origin,
            decision.artifacts,
            now,
            decision.is_malware,
        )

    @property
    def key(self) -> PackageKey:
        """Which package it is."""
        return self.origin, self.name, self.version


@dataclass(frozen=True, slots=True)
class BegunPublication:
    """A closure whose publication has begun and whose request is not recorded yet."""

    name: str
    """The request's."""
    source: str
    packages: tuple[PackageSummary, ...]


@dataclass(frozen=True, slots=True)
class BegunRescan:
    """A rescan that has not come to its end."""

    begun_at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with those who asked for it."""

    name: str
    source: str
    requesters: tuple[str, ...]
    """Email addresses; "" for a line that named none."""


@dataclass(frozen=True, slots=True)
class BegunReevaluation:
    """A re-evaluation that decides these requests again, and has not told everybody yet."""

    requests: tuple[Asked, ...]
