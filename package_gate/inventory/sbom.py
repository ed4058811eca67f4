"""Software bills of materials in CycloneDX 1.5, https://cyclonedx.org/docs/1.5/json/.

Written as plain JSON from what inventories name: `cyclonedx-python-lib` takes seconds for a
thousand components, and a time that grows with the square of their number.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from package_gate.core.artifact import Artifact
from package_gate.core.ecosystem import PYPI, ecosystem_of
from package_gate.core.evidence import Evidence
from package_gate.core.inventory import Component, Inventory, Licence

RELATION = "package-gate:relation"
"""The property that says whether an artifact `holds` a component or `pins` it."""


def sbom_of(evidence: Evidence, now: datetime | None = None) -> dict[str, Any]:
    """Write what a package's artifacts are, hold and pin.

    Each artifact is a component of its own, with its digest and licence, and has as components
    what its inventory names. Evidence without inventories gives artifacts without any.

    Args:
        evidence: of the package.
        now: the time (UTC) that the document bears; None for the present.
    """
    inventories = {each.artifact: each for each in evidence.inventories or ()}
    purl = ecosystem_of(evidence.origin).purl(evidence.name, evidence.version)
    subject = library(evidence.name, evidence.version, purl, f"package:{evidence.name}")
    files = [
        _file(artifact, number, inventories.get(artifact.filename))
        for number, artifact in enumerate(evidence.artifacts, start=1)
    ]
    return document(files, subject, now)


def document(
    components: Sequence[dict[str, Any]],
    subject: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Make a document, ready to be written as JSON.

    Args:
        components: each with a `bom-ref` of its own.
        subject: the component that the document is about; None for none.
        now: the time (UTC) that it bears; None for the present.
    """
    metadata: dict[str, Any] = {"timestamp": (now or datetime.now(UTC)).isoformat()}
    if subject is not None:
        metadata["component"] = subject
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": metadata,
        "components": list(components),
    }


def library(name: str, version: str, purl: str, reference: str) -> dict[str, Any]:
    """Make the component of a package; `reference` is its `bom-ref`."""
    component = {"type": "library", "bom-ref": reference, "name": name, "version": version}
    return {**component, "purl": purl} if purl else component


def _file(artifact: Artifact, number: int, inventory: Inventory | None) -> dict[str, Any]:
    reference = f"file:{number}"
    component: dict[str, Any] = {
        "type": "file",
        "bom-ref": reference,
        "name": artifact.filename,
        "hashes": [{"alg": "SHA-256", "content": artifact.sha256}],
    }
    if inventory is None:
        return component
    if inventory.summary:
        component["description"] = inventory.summary
    if licences := _licences(inventory.licence):
        component["licenses"] = licences
    own = PYPI.normalise_name(inventory.name), inventory.version
    named = (each for each in inventory.components if (each.name, each.version) != own)
    if parts := list(_parts(named, reference)):
        component["components"] = parts
    return component


def _parts(components: Iterable[Component], file: str) -> Iterable[dict[str, Any]]:
    for number, component in enumerate(components, start=1):
        purl = PYPI.purl(component.name, component.version)
        paths = dict.fromkeys(location.path for location in component.locations)
        yield {
            **library(component.name, component.version, purl, f"{file}/{number}"),
            "evidence": {"occurrences": [{"location": path} for path in paths]},
            "properties": [{"name": RELATION, "value": "holds" if component.held else "pins"}],
        }


def _licences(licence: Licence) -> list[dict[str, Any]]:
    """Give a valid SPDX expression, or what else is written, by name."""
    try:
        return [{"expression": str(canonicalize_license_expression(licence.expression))}]
    except InvalidLicenseExpression:
        names = [licence.expression, *(each.rpartition("::")[2] for each in licence.classifiers)]
        named = dict.fromkeys(name.strip() for name in names if name.strip())
        return [{"license": {"name": name}} for name in named or [licence.text] if name]
