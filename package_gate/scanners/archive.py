"""The `archive` scanner: unpacks each artifact for the others, and reports dangerous archives."""

from collections.abc import Iterable
from pathlib import Path

from package_gate import __version__
from package_gate.archive.unpack import unpack
from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ArchiveError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.policy import Limits

NAME = "archive"


class Archive:
    """Always on, and always first: it makes the trees that the other scanners read."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.info = ScannerInfo(NAME, __version__)

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Unpack each artifact into its tree, which must not exist yet.

        Raises:
            ScannerError: a fault of ours, such as a full disk.
        """
        for artifact in target.artifacts:
            try:
                yield from unpack(
                    artifact.artifact, Path(artifact.path), Path(artifact.tree), self._limits
                )
            except ArchiveError as error:
                raise ScannerError(str(error)) from error
