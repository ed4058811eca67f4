"""What a source is: it names the packages a request needs, without fetching or running any."""

from typing import Protocol

from package_gate.core.artifact import Resolution
from package_gate.core.request import Request


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
