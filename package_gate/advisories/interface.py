"""What a source of advisories is: a class like this in a module of its own beside this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from package_gate.core.finding import Finding, ScannerInfo

NOT_LOOKED_UP = "component-not-scanned"
"""The rule of a finding that says that a source did not look a package up, and will not by asking
again. Of what an archive pins that is a finding; of the package that is judged, a failure."""


@dataclass(frozen=True, slots=True)
class NamedPackage:
    """A release of a PyPI package, as advisories are asked about it."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    """As the package, or whoever names it, states it."""

    @property
    def public_version(self) -> str:
        """The version without its local part: advisories speak of public versions only."""
        return self.version.partition("+")[0] or self.version

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class AdvisorySource(Protocol):
    """Knows vulnerabilities and malware by name and version; many threads ask it at once.

    Nothing is loaded or connected to before the first question.
    """

    @property
    def name(self) -> str:
        """What the policy, the record and `--scanners` call it."""
        ...

    @property
    def info(self) -> ScannerInfo:
        """Name, version and date of its data; all three go into the decision.

        Raises:
            ScannerError: it can't be started, or has no data.
        """
        ...

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """Report what is known against each of the packages, in their order.

        The findings name no artifact and no place: whoever asks knows where a package stands. One
        with the rule `NOT_LOOKED_UP` says that nothing is known of its package.

        Raises:
            ScannerError: it could not be told; nothing is known of any of the packages.
        """
        ...

    def close(self) -> None:
        """Close files and connections; it is asked nothing afterwards."""
        ...
