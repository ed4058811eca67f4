"""What a file is, found out in this process: the gate's worker for it takes a second to start."""

import hashlib
import tempfile
from pathlib import Path

from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    UnpackedArtifact,
    UnpackedPackage,
)
from package_gate.core.inventory import Inventory
from package_gate.core.limits import Limits
from package_gate.scanners.archive import outermost


def describe(file: ArtifactFile) -> Inventory:
    """Unpack a file and take its inventory."""
    with tempfile.TemporaryDirectory() as folder:
        unpacked = UnpackedArtifact(file.artifact, str(file.path), str(Path(folder, "tree")))
        package = UnpackedPackage("", "", Origin.ARCHIVE, (unpacked,))
        (inventory,) = outermost(Limits()).unpack(package).inventories
        return inventory


def described(path: Path) -> Inventory:
    """Do so with any file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return describe(ArtifactFile(Artifact(path.name, digest, path.stat().st_size), path))
