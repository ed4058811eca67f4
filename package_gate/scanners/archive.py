"""The `archive` scanner: unpacks each artifact for the others, and reports dangerous archives.

It also takes the inventory of what it has unpacked, so that no process with credentials reads a
file of a package.
"""

from dataclasses import replace
from pathlib import Path

from package_gate.archive.kinds import archive_kind
from package_gate.archive.unpack import unpack
from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ArchiveError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Inventory, Unpacked
from package_gate.core.limits import Limits
from package_gate.inventory.take import take_inventory
from package_gate.sandbox.progress import note_file
from package_gate.scanners import versions

NAME = "archive"


class Archive:
    """Always on, and always first: it makes the trees that the other scanners read."""

    def __init__(self, limits: Limits, *, nested: bool = True) -> None:
        """Take the policy's limits, and whether archives within archives are unpacked too."""
        self._limits = limits
        self._nested = nested
        self.info = ScannerInfo(NAME, versions.ARCHIVE)

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """Unpack each artifact into its tree, which must not exist yet, and take its inventory.

        Raises:
            ScannerError: a fault of ours, such as a full disk.
        """
        findings: list[Finding] = []
        inventories: list[Inventory] = []
        for unpacked in package.artifacts:
            artifact, tree = unpacked.artifact, Path(unpacked.tree)
            note_file(artifact.filename)
            try:
                findings += unpack(
                    artifact, Path(unpacked.path), tree, self._limits, nested=self._nested
                )
                inventory = take_inventory(tree, artifact.filename)
                kind = archive_kind(Path(unpacked.path)) or ""
                inventories.append(replace(inventory, kind=kind))
            except ArchiveError as error:
                raise ScannerError(str(error)) from error
            except OSError as error:
                raise ScannerError(
                    f"can't take the inventory of {artifact.filename}: {error.strerror or error}"
                ) from error
        return Unpacked(tuple(findings), tuple(inventories))


def outermost(limits: Limits) -> Archive:
    """Make one that leaves archives within the archive as they are, as a publisher needs it."""
    return Archive(limits, nested=False)
