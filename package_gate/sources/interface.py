"""What a source is: it names the packages a request needs, without fetching or running any.

The rules for the names and versions of what it names are the `Ecosystem` of their origin.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from package_gate.core.artifact import Resolution, ResolvedPackage
from package_gate.core.policy import HistoryRules
from package_gate.core.provenance import FileProvenance
from package_gate.core.request import Request


class Source(Protocol):
    """Resolves the requests for packages of one ecosystem. Several threads may use it."""

    def resolve(self, request: Request) -> Resolution:
        """Name every package and file that the request needs, its dependencies included.

        Returns:
            The requested package first. Names are normalised; a version is "" when it follows
            from the file's digest (`Ecosystem.named_by_digest`). Each file has the SHA-256 that
            the ecosystem's index gives, where there is an index.

        Raises:
            SourceError: it can't be resolved now; undecided.
            SourceRefusedError: the policy forbids it.
            TooFreshError: the requested release is younger than the cooldown.
        """
        ...


Release = tuple[str, str]
"""Normalised name and version."""


class Steering(Protocol):
    """Resolves requests without releases that it is told of. Several threads may use it."""

    def resolve_without(
        self, request: Request, avoid: Collection[Release], *, any_release: bool
    ) -> Resolution:
        """Do as `Source.resolve`, with these releases left out of the whole closure.

        Args:
            request: the line that asked.
            avoid: what must not be in it.
            any_release: whether every release of the requested package will do, whatever the
                requirement says.

        Raises:
            GateError: there is no such closure, or it can't be resolved now.
        """
        ...

    def releases(self, name: str) -> Iterable[ResolvedPackage]:
        """List the releases of a project, the newest first, without pre-releases and files.

        Raises:
            SourceError: the index can't be asked.
        """
        ...


class History(Protocol):
    """Knows the releases of projects by age. Several threads may use it."""

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        """Name the newest release that has been public for long enough, with files of it.

        Args:
            name: of the project.
            version: of the release that is to be decided; "" when nobody knows.
            files: the names of its files.
            now: the moment of the run (UTC).
            rules: how long each file of the precedent must have been public.

        Raises:
            SourceError: the index can't be asked.
            AgesUnknownError: it doesn't say when files were uploaded.
        """
        ...


class Attestations(Protocol):
    """Knows who has attested the files of releases. Several threads may use it."""

    @property
    def version(self) -> str:
        """What verifies attestations, with its version."""
        ...

    def provenance(self, name: str, files: Mapping[str, str]) -> tuple[FileProvenance, ...]:
        """Say who has attested each of a release's files, and who older ones of the project.

        Args:
            name: of the project.
            files: file name → SHA-256.

        Raises:
            SourceError: the index can't be asked, or does not say enough.
            SourceRefusedError: what it names is at a forbidden address.
        """
        ...
