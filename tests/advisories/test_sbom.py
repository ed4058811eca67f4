"""The documents that services are asked with are valid CycloneDX, whatever packages are called."""

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.sbom import cyclonedx


def valid(document: dict[str, Any]) -> dict[str, Any]:
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(document)) is None
    return document


def test_hostile_names_and_versions_are_part_of_a_valid_document() -> None:
    packages = {
        f"comp-{number}": NamedPackage(name, version)
        for number, (name, version) in enumerate(
            [("a", "1@2?x=1#y"), ("b", "../../etc"), ("c", "%2e%00"), ("d", '"}{')]
        )
    }
    assert len(valid(cyclonedx(packages))["components"]) == 4
    assert valid(cyclonedx(packages, 'an "application"'))["metadata"]["component"]["name"]
