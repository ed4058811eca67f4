"""Packages as a software bill of materials in CycloneDX 1.5, which services are asked about.

https://cyclonedx.org/docs/1.5/json/.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

from package_gate.advisories.interface import NamedPackage

MOST_COMPONENTS = 1000
"""In one SBOM. Inspector takes 5,000 by its API page, 2,000 by the model that boto3 ships, and
answers with 10 MB at most, which 5,000 vulnerable packages can exceed."""


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
                version=package.public_version,
                type=ComponentType.LIBRARY,
                bom_ref=reference,
                purl=PackageURL("pypi", name=package.name, version=package.public_version),
            )
            for reference, package in packages.items()
        ]
    )
    if subject:
        bom.metadata.component = Component(name=subject, type=ComponentType.APPLICATION)
    document: dict[str, Any] = json.loads(JsonV1Dot5(bom).output_as_string())
    return document
