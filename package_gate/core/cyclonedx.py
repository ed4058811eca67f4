"""The frame of a software bill of materials in CycloneDX, https://cyclonedx.org/docs/.

Written as plain JSON: `cyclonedx-python-lib` takes seconds for a thousand components, and a time
that grows with the square of their number.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal


def document(
    components: Sequence[dict[str, Any]],
    subject: dict[str, Any] | None = None,
    now: datetime | None = None,
    version: Literal["1.5", "1.6"] = "1.5",
) -> dict[str, Any]:
    """Make a document, ready to be written as JSON.

    Args:
        components: each with a `bom-ref` of its own.
        subject: the component that the document is about; None for none.
        now: the time (UTC) that it bears; None for the present.
        version: of the specification.
    """
    metadata: dict[str, Any] = {"timestamp": (now or datetime.now(UTC)).isoformat()}
    if subject is not None:
        metadata["component"] = subject
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": metadata,
        "components": list(components),
    }


def library(name: str, version: str, purl: str, reference: str) -> dict[str, Any]:
    """Make the component of a package; `reference` is its `bom-ref`."""
    component = {"type": "library", "bom-ref": reference, "name": name, "version": version}
    return {**component, "purl": purl} if purl else component
