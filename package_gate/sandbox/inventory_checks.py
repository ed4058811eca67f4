"""Checks of the inventories that a worker takes: they go into records, reports and SBOMs."""

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.inventory import Inventory
from package_gate.core.text import printable
from package_gate.inventory.bounds import problem_with


def checked_inventories(inventories: list[Inventory], target: UnpackedPackage) -> list[Inventory]:
    """Take a package's inventories for the gate; they are as `take_inventory` makes them.

    Raises:
        ScannerError: they are not one for each artifact, or hold what `take_inventory` never gives.
    """
    filenames = [artifact.artifact.filename for artifact in target.artifacts]
    if [inventory.artifact for inventory in inventories] != filenames:
        raise ScannerError("answered with garbage: inventories that are not of the artifacts")
    for inventory in inventories:
        if problem := problem_with(inventory):
            raise ScannerError(
                f"answered with garbage: in the inventory of {printable(inventory.artifact)} "
                f"{problem}"
            )
    return inventories
