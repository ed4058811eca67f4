"""Packages as software bills of materials, which services are asked about."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from package_gate.advisories.interface import NamedPackage
from package_gate.core.cyclonedx import document, library
from package_gate.core.ecosystem import PYPI

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
    components = [
        library(
            package.name,
            package.public_version,
            PYPI.purl(package.name, package.public_version),
            reference,
        )
        for reference, package in packages.items()
    ]
    application = {"type": "application", "bom-ref": "subject", "name": subject}
    return document(components, application if subject else None)
