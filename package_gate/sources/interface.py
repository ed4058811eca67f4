"""What a source is: it names the packages a request needs, without fetching or running any.

The rules for the names and versions of what it names are the `Ecosystem` of their origin.
"""

from typing import Protocol

from package_gate.core.artifact import Resolution
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
