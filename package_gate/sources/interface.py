"""What a source is: it names the packages a request needs, without fetching or running any."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from package_gate.models import Artifact, Request, Resolution


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file that was downloaded whole, with the digest of the bytes that are on disk."""

    artifact: Artifact
    path: Path


class Source(Protocol):
    """Resolves one sort of request."""

    def resolve(self, request: Request) -> Resolution:
        """Name every package and file that the request needs, its dependencies included.

        Raises:
            SourceError: it can't be resolved now; undecided.
            SourceRefusedError: the policy forbids it.
            TooFreshError: the requested release is younger than the cooldown.
        """
        ...
