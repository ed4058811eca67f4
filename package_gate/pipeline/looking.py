"""How a package is looked at: as every package and every precedent is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from package_gate.advisories.interface import AdvisorySource
from package_gate.core.artifact import ArtifactFile, RemoteFile, ResolvedPackage
from package_gate.core.evidence import Evidence
from package_gate.sources.interface import Attestations

Fetch = Callable[[RemoteFile, Path], ArtifactFile]
"""Downloads a file into a folder, checked against what is known of it."""
Files = Callable[[], Sequence[ArtifactFile]]
"""Gives the files of a package, fetched when they are not at hand."""


class Looker(Protocol):
    """Tells what is in a package's bytes. Several threads may use it."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Each scanner's name, the unpacker's too → its version with its rules."""
        ...

    def look(
        self,
        package: ResolvedPackage,
        files: Files,
        folder: Path,
        known: Evidence | None,
        wanted: Collection[str],
    ) -> Evidence:
        """Look at a package.

        Args:
            package: what it is.
            files: gives all of its files.
            folder: its scratch folder, which is made when it is missing.
            known: what earlier runs found in the same files.
            wanted: the scanners whose part of that does not hold; the others don't run again.

        Returns:
            What is known now. A scanner that did not finish is among its failures, and not among
            its scans.

        Raises:
            SourceError: its files can't be had, or nobody has looked at it.
            SourceRefusedError: the policy or the address guard forbids to fetch them.
        """
        ...

    def keep(self, files: Sequence[RemoteFile], folder: Path) -> None:
        """Keep the files of an approved package at hand for who publishes it, if that is another.

        Args:
            files: all of its files, with their digests.
            folder: its scratch folder, which is made when it is missing.

        Raises:
            SourceError: they can't be had.
        """
        ...

    def close(self) -> None:
        """Take no more work."""
        ...


@dataclass(frozen=True, slots=True)
class Looking:
    """How packages are looked at."""

    fetch: Fetch
    looker: Looker
    advisories: Sequence[AdvisorySource]
    scratch: Path
    """An empty folder for what is downloaded."""
    attestations: Attestations | None = None
    """Who knows who has attested files; None where nobody is asked."""
