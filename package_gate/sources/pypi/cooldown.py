"""The cooldown for an index's files, as uv and the resolver need it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from packaging.version import Version

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError
from package_gate.core.freshness import Freshness
from package_gate.sources.pypi.index import Index, Release

Files = Mapping[tuple[str, Version], tuple[RemoteFile, ...]]
"""Normalised name and version → files."""


class IndexCooldown:
    """Keeps files that are too fresh, or of unknown age, out of a closure."""

    def __init__(self, freshness: Freshness) -> None:
        """Go by these rules."""
        self._freshness = freshness
        self.now = freshness.now
        self.cutoff = freshness.cutoff
        """Files uploaded later are too fresh; None when there is no cooldown."""

    @property
    def exempt(self) -> dict[str, datetime]:
        """Normalised name → the cutoff of a package with a waiver."""
        return dict.fromkeys(self._freshness.waived_names, self.now) if self.cutoff else {}

    def constraints(self, index: Index) -> tuple[str, ...]:
        """Rule out the fresh releases of packages of which only some versions are waived.

        uv's exemption knows packages, not versions. Pre-releases aren't named: naming one would
        make uv consider pre-releases of the package.
        """
        waived = self._freshness.waived_names
        names = [name for name in waived if not self._freshness.is_waived(name, "")]
        if not self.cutoff or not names:
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
        if file.uploaded is None:
            return bool(self.cutoff) and not self._freshness.is_waived(name, str(version))
        return self._freshness.until(name, str(version), [file.uploaded]) is not None

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
            until = max(self._ends(*key, entries) for key, entries in fresh.items())
            named = [f"{name} {version}" for name, version in sorted(fresh)]
            raise self._freshness.error(named, until)

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
            ages[release.version] = self._ends(name, release.version, release.files)
        if ages:
            named = [f"{name} {version}" for version in ages]
            raise self._freshness.error(named, min(ages.values()))

    def _ends(self, name: str, version: Version, files: Iterable[RemoteFile]) -> datetime:
        uploads = [file.uploaded for file in files]
        known = [upload for upload in uploads if upload is not None]
        if len(known) < len(uploads):
            raise SourceError(
                f"the package index doesn't say when the files of {name} {version} were uploaded, "
                "so the cooldown can't be kept; use an index that says it (upload-time, PEP 700), "
                "or set cooldown.days = 0 in the policy for this mirror"
            )
        return self._freshness.ends(max(known))
