"""What a scanner is: a class like this in a module of its own, named in `registry.SCANNERS`.

One of them unpacks the package for the others and is of another kind: `UnpackingScanner`.
"""

from collections.abc import Iterable
from typing import Protocol

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Unpacked


class Scanner(Protocol):
    """Looks at one unpacked package at a time; never imports, builds or executes any of it."""

    @property
    def name(self) -> str:
        """What the policy, the record and `--scanners` call it."""
        ...

    @property
    def version(self) -> str:
        """Its version with its rules, known before it is started; as in `info`."""
        ...

    @property
    def info(self) -> ScannerInfo:
        """Name, version and date of its data; all three go into the decision.

        Raises:
            ScannerError: it can't be started.
        """
        ...

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report what is found in the package.

        Raises:
            ScannerError: it could not finish; the package stays undecided.
        """
        ...


class UnpackingScanner(Protocol):
    """Goes first: makes the trees that scanners look at, and says what is in them."""

    @property
    def name(self) -> str:
        """What the policy and the record call it."""
        ...

    @property
    def version(self) -> str:
        """See `Scanner.version`."""
        ...

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        ...

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """Unpack each artifact into its tree, which must not exist yet.

        Raises:
            ScannerError: it could not finish, or take an inventory; the package stays undecided.
        """
        ...
