"""Unpacking a single archive outside a scan.

A publisher needs an approved archive's files, and a resolver needs to know what source depends on.
Both hold credentials, so they read no archive themselves. The unpacking scanner does, in a process
without any.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from package_gate.core.artifact import ArtifactFile, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.files import copy_verified
from package_gate.core.inventory import Inventory
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.sandbox.spec import ScannerSpec


@contextmanager
def unpacked(
    file: ArtifactFile, *, spec: ScannerSpec, limits: Limits, scratch: Path
) -> Iterator[Path]:
    """Give the tree of an archive until the block ends.

    A process of its own makes it and is gone before it is given: nothing changes it any more. It
    may hold whatever that process could write, links included.

    Args:
        file: the archive.
        spec: the scanner that unpacks.
        limits: what it may use.
        scratch: an existing folder; the process sees nothing of it but the archive and its tree.

    Raises:
        ScannerError: it could not be unpacked, or is not the archive that its digest names.
    """
    with _unpacked(file, spec, limits, scratch) as (tree, _):
        yield tree


def inventory_of(
    file: ArtifactFile, *, spec: ScannerSpec, limits: Limits, scratch: Path
) -> Inventory:
    """Say what an archive is, holds and pins; arguments and errors as of `unpacked`."""
    with _unpacked(file, spec, limits, scratch) as (_, inventory):
        return inventory


@contextmanager
def _unpacked(
    file: ArtifactFile, spec: ScannerSpec, limits: Limits, scratch: Path
) -> Iterator[tuple[Path, Inventory]]:
    artifact = file.artifact
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(
                    dir=scratch, prefix="unpacking-", ignore_cleanup_errors=True
                )
            )
            archive, trees = Path(folder, "archive"), Path(folder, "trees")
            trees.mkdir()
            copy_verified(file.path, archive, artifact.sha256)
        except OSError as error:
            raise ScannerError(f"{artifact.filename} can't be copied: {error.strerror}") from error
        except ValueError as error:
            raise ScannerError(
                f"{artifact.filename} has SHA-256 {error} and not {artifact.sha256}"
            ) from error
        tree = trees / "0"
        target = UnpackedPackage(
            artifact.filename,
            "",
            Origin.ARCHIVE,
            (UnpackedArtifact(artifact, str(archive), str(tree)),),
        )
        with ScannerPool([spec], limits, Path(folder)) as pool:
            (inventory,) = pool.unpack(spec.name, target).inventories
        yield tree, inventory
