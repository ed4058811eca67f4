"""The cooldown: which files are too fresh, for how long, and what InfoSec has waived."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError, TooFreshError
from package_gate.core.policy import COOLDOWN, Policy
from package_gate.sources.pypi.index import Index, Release

Files = Mapping[tuple[str, Version], tuple[RemoteFile, ...]]
"""Normalised name and version → files."""


class Cooldown:
    """The policy's cooldown at the moment of a run."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        """`now` is in UTC; a waiver holds up to and including its last day."""
        self._length = timedelta(days=policy.cooldown.days)
        self.now = now
        self._waived: dict[str, set[Version | None]] = {}
        for waiver in policy.waivers:
            if waiver.finding == COOLDOWN and now.date() <= waiver.expires:
                versions = self._waived.setdefault(canonicalize_name(waiver.package), set())
                with suppress(InvalidVersion):  # no release has it, so nothing is waived
                    versions.add(Version(waiver.version) if waiver.version else None)

    @property
    def cutoff(self) -> datetime | None:
        """Files uploaded later are too fresh; None when there is no cooldown."""
        return self.now - self._length if self._length else None

    @property
    def exempt(self) -> dict[str, datetime]:
        """Normalised name → the cutoff of a package with a waiver."""
        return dict.fromkeys(self._waived, self.now) if self._length else {}

    def constraints(self, index: Index) -> tuple[str, ...]:
        """Rule out the fresh releases of packages of which only some versions are waived.

        uv's exemption knows packages, not versions. Pre-releases aren't named: naming one would
        make uv consider pre-releases of the package.
        """
        names = [name for name, versions in self._waived.items() if None not in versions]
        if not self._length or not names:
            return ()
        return tuple(
            f"{name}!={release.version}"
            for name, project in sorted(index.projects(names).items())
            for release in (project.releases() if project else ())
            if not release.version.is_prerelease
            and any(self.is_fresh(name, release.version, file) for file in release.files)
        )

    def is_fresh(self, name: str, version: Version, file: RemoteFile) -> bool:
        """Tell whether the file is younger than the cooldown, or of unknown age, and not waived."""
        cutoff = self.cutoff
        if cutoff is None or self._waived.get(name, set()) & {None, version}:
            return False
        return file.uploaded is None or file.uploaded > cutoff

    def check(self, files: Files) -> None:
        """Raise unless every file of a closure is old enough or waived.

        Raises:
            TooFreshError: until the last of them is old enough.
            SourceError: the index doesn't say how old a file is.
        """
        fresh = {
            key: [file for file in entries if self.is_fresh(*key, file)]
            for key, entries in files.items()
        }
        fresh = {key: entries for key, entries in fresh.items() if entries}
        if fresh:
            until = max(self._until(*key, entries) for key, entries in fresh.items())
            raise self._too_fresh([f"{name} {version}" for name, version in sorted(fresh)], until)

    def check_releases(self, name: str, releases: Iterable[Release]) -> None:
        """Raise when each of the releases that a requirement allows is too fresh.

        Raises:
            TooFreshError: until the first of them is old enough.
            SourceError: the index doesn't say how old they are.
        """
        ages: dict[Version, datetime] = {}
        for release in releases:
            fresh = [self.is_fresh(name, release.version, file) for file in release.files]
            if not all(fresh):
                return
            ages[release.version] = self._until(name, release.version, release.files)
        if ages:
            raise self._too_fresh([f"{name} {version}" for version in ages], min(ages.values()))

    def _until(self, name: str, version: Version, files: Iterable[RemoteFile]) -> datetime:
        uploads = [file.uploaded for file in files]
        known = [upload for upload in uploads if upload is not None]
        if len(known) < len(uploads):
            raise SourceError(
                f"the package index doesn't say when the files of {name} {version} were uploaded, "
                "so the cooldown can't be kept; use an index that says it (upload-time, PEP 700), "
                "or set cooldown.days = 0 in the policy for this mirror"
            )
        return max(known) + self._length

    def _too_fresh(self, releases: list[str], until: datetime) -> TooFreshError:
        shown = ", ".join(releases[:5]) + (f" and {len(releases) - 5} more" * (len(releases) > 5))
        days = self._length.days
        return TooFreshError(
            f"too fresh: {shown}; a release must have been public for {days} "
            f"day{'s' * (days != 1)}, which is so from {until:%Y-%m-%d %H:%M} UTC; the request is "
            "tried again by then, or ask for an older release",
            until,
        )
