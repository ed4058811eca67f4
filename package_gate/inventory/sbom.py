"""What a package is, as a software bill of materials in CycloneDX 1.5.

https://cyclonedx.org/docs/1.5/json/. A PyPI package is one component. An archive has no name and
version of its own, so its components are the packages that its tree holds and pins.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from package_gate.core.artifact import Origin, UnpackedPackage
from package_gate.core.finding import MAX_LOCATIONS, Finding, Location
from package_gate.core.inventory import UnreadableFile
from package_gate.inventory.pins import find_pins
from package_gate.inventory.unreadable_files import unreadable_files

MOST_COMPONENTS = 1000
"""In one SBOM. Inspector takes 5,000 by its API page, 2,000 by the model that boto3 ships, and
answers with 10 MB at most, which 5,000 vulnerable packages can exceed."""


@dataclass(frozen=True, slots=True)
class NamedPackage:
    """A PyPI package that is looked up."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    subject: str = ""
    """How a message begins that is about it, as `The archive pins pyyaml 5.3.1`; "" when it is
    the scanned package itself."""
    artifact: str = ""
    """The file name of the artifact that names it; "" when it is the scanned package itself."""
    locations: tuple[Location, ...] = ()
    """Where it is named; at most the first `MAX_LOCATIONS` places of `count`."""
    count: int = 1

    @property
    def release(self) -> str:
        """The version without its local part: advisories speak of public versions only."""
        return self.version.partition("+")[0] or self.version

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is to look up in a package."""

    packages: tuple[NamedPackage, ...]
    """Each name and version once for each artifact."""
    findings: tuple[Finding, ...]
    """What could not be read."""


def take_inventory(target: UnpackedPackage, scanner: str) -> Inventory:
    """Name the packages that a scan target consists of.

    Args:
        target: the unpacked package.
        scanner: the name for its findings.
    """
    if target.origin is Origin.PYPI:
        return Inventory((NamedPackage(canonicalize_name(target.name), target.version),), ())
    packages: list[NamedPackage] = []
    findings: list[Finding] = []
    for artifact in target.artifacts:
        filename = artifact.artifact.filename
        places: dict[tuple[str, str], list[Location]] = {}
        held: set[tuple[str, str]] = set()
        unreadable: list[UnreadableFile] = []
        for pin in find_pins(Path(artifact.tree)):
            if isinstance(pin, UnreadableFile):
                unreadable.append(pin)
                continue
            key = pin.name, pin.version
            places.setdefault(key, []).append(Location(pin.path, pin.line))
            if pin.held:
                held.add(key)
        for key, where in places.items():
            verb = "holds" if key in held else "pins"
            packages.append(
                NamedPackage(
                    *key,
                    subject=f"The archive {verb} {key[0]} {key[1]}",
                    artifact=filename,
                    locations=tuple(where[:MAX_LOCATIONS]),
                    count=len(where),
                )
            )
        if unreadable:
            findings.append(unreadable_files(unreadable, filename, scanner))
    return Inventory(tuple(packages), tuple(findings))


def in_batches(packages: Sequence[NamedPackage]) -> Iterator[dict[str, NamedPackage]]:
    """Give the packages in groups that one SBOM takes, by the `bom-ref` of their component."""
    for start in range(0, len(packages), MOST_COMPONENTS):
        batch = packages[start : start + MOST_COMPONENTS]
        yield {f"comp-{number}": package for number, package in enumerate(batch, start=1)}


def cyclonedx(packages: Mapping[str, NamedPackage], subject: str = "") -> dict[str, Any]:
    """Write packages as a CycloneDX 1.5 document.

    Args:
        packages: `bom-ref` → package.
        subject: the application that consists of them; "" for none.

    Returns:
        The document, ready to be written as JSON.
    """
    bom = Bom(
        components=[
            Component(
                name=package.name,
                version=package.release,
                type=ComponentType.LIBRARY,
                bom_ref=reference,
                purl=PackageURL("pypi", name=package.name, version=package.release),
            )
            for reference, package in packages.items()
        ]
    )
    if subject:
        bom.metadata.component = Component(name=subject, type=ComponentType.APPLICATION)
    document: dict[str, Any] = json.loads(JsonV1Dot5(bom).output_as_string())
    return document
