"""The cooldown at the moment of a run: which releases are too fresh, until when, and which of them
InfoSec has waived. The only place that knows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from package_gate.core.ecosystem import Ecosystem
from package_gate.core.errors import TooFreshError
from package_gate.core.policy import COOLDOWN, Policy, WaiverEntry

MAX_NAMED = 5
"""Releases that a message names."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TooFresh:
    """Why a release can't be approved yet."""

    reason: str
    until: datetime | None = None
    """When its cooldown ends (UTC); None when nobody knows, which waiting does not mend."""


class Freshness:
    """Whether releases of one ecosystem are too fresh. Pure."""

    def __init__(self, policy: Policy, ecosystem: Ecosystem, now: datetime) -> None:
        """Hold the policy's cooldown against `now` (UTC), at which waivers must hold too."""
        self.now = now
        self._days = policy.cooldown.days
        self._ecosystem = ecosystem
        self._waivers: dict[str, list[WaiverEntry]] = {}
        for entry in policy.waivers:
            if entry.finding == COOLDOWN and entry.holds(now.date()):
                name = ecosystem.normalise_name(entry.package)
                self._waivers.setdefault(name, []).append(entry)

    @property
    def cutoff(self) -> datetime | None:
        """What was released later is too fresh; None when there is no cooldown."""
        if not self._days:
            return None
        return max(self.now, _FIRST + timedelta(days=self._days)) - timedelta(days=self._days)

    @property
    def waived_names(self) -> Collection[str]:
        """Normalised names of packages of which at least one version is waived."""
        return self._waivers.keys()

    def is_waived(self, name: str, version: str) -> bool:
        """Whether a version may be as fresh as it is; `version` is "" for every version."""
        entries = self._waivers.get(self._ecosystem.normalise_name(name), ())
        return any(entry.covers(self._ecosystem, name, version) for entry in entries)

    def until(self, name: str, version: str, uploads: Iterable[datetime]) -> datetime | None:
        """Tell until when a version is too fresh, or None when it is old enough or waived.

        Args:
            name: the package's name.
            version: its version.
            uploads: when its files were received (UTC).
        """
        youngest = max(uploads, default=None)
        cutoff = self.cutoff
        if youngest is None or cutoff is None or youngest <= cutoff:
            return None
        return None if self.is_waived(name, version) else self.ends(youngest)

    def ends(self, uploaded: datetime) -> datetime:
        """Tell when what was received at a moment, which may be yet to come, is old enough."""
        return min(uploaded, _LAST - timedelta(days=self._days)) + timedelta(days=self._days)

    def reason(self, until: datetime) -> TooFresh:
        """Say of one release that it is too fresh."""
        released = until - timedelta(days=self._days)
        return TooFresh(
            f"Released on {released:%Y-%m-%d}, younger than the cooldown of {self._days} days. It "
            f"is decided from {until:%Y-%m-%d %H:%M} UTC on.",
            until,
        )

    def unknown(self, files: Iterable[str]) -> TooFresh:
        """Say of files of a release that nobody says when they were received."""
        return TooFresh(
            f"The package index doesn't say when {min(files)} was uploaded, so the cooldown of "
            f"{self._days} days can't be kept. Use an index that says it (upload-time, PEP 700), "
            "or set cooldown.days = 0 in the policy for this mirror."
        )

    def error(self, releases: list[str], until: datetime) -> TooFreshError:
        """Say of several releases, each as `NAME VERSION`, that they are too fresh."""
        more = len(releases) - MAX_NAMED
        named = ", ".join(releases[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        return TooFreshError(
            f"too fresh: {named}; a release must have been public for {self._days} "
            f"day{'s' * (self._days != 1)}, which is so from {until:%Y-%m-%d %H:%M} UTC; the "
            "request is tried again by then, or ask for an older release",
            until,
        )
