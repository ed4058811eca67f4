"""SBOMs are valid CycloneDX, whatever stands in an inventory."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.sbom import cyclonedx
from package_gate.core.artifact import Artifact, Origin
from package_gate.core.evidence import Evidence
from package_gate.core.finding import Location
from package_gate.core.inventory import Component, Inventory, Licence
from package_gate.inventory.sbom import RELATION, sbom_of

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ARTIFACT = Artifact("demo-1.0-py3-none-any.whl", "0" * 64, 1)


def evidence(inventory: Inventory | None, origin: Origin = Origin.PYPI) -> Evidence:
    inventories = None if inventory is None else (inventory,)
    return Evidence("demo", "1.0", origin, (ARTIFACT,), (), inventories)


def valid(document: dict[str, Any]) -> dict[str, Any]:
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(document)) is None
    return document


def test_a_package_is_described_with_what_its_artifacts_hold_and_pin() -> None:
    places = (Location("a.txt", 1), Location("a.txt", 2), Location("b.txt"))
    inventory = Inventory(
        ARTIFACT.filename,
        name="Demo",
        version="1.0",
        licence=Licence("mit or apache-2.0"),
        components=(
            Component("demo", "1.0", held=True),
            Component("urllib3", "1.26.5", True, (Location("demo/_vendor/vendor.txt", 3),)),
            Component("idna", "3.7+local", False, places, 3),
        ),
    )
    document = valid(sbom_of(evidence(inventory), NOW))
    assert document["metadata"]["timestamp"] == "2026-11-28T00:00:00+00:00"
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/demo@1.0"
    (file,) = document["components"]
    assert file["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
    assert file["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert [(each["purl"], each["properties"]) for each in file["components"]] == [
        ("pkg:pypi/urllib3@1.26.5", [{"name": RELATION, "value": "holds"}]),
        ("pkg:pypi/idna@3.7%2Blocal", [{"name": RELATION, "value": "pins"}]),
    ]
    occurrences = file["components"][1]["evidence"]["occurrences"]
    assert occurrences == [{"location": "a.txt"}, {"location": "b.txt"}]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        (Licence("Proprietary stuff"), [{"license": {"name": "Proprietary stuff"}}]),
        (
            Licence("", "text", ("License :: OSI Approved :: MIT License",)),
            [{"license": {"name": "MIT License"}}],
        ),
        (Licence(text="BSD"), [{"license": {"name": "BSD"}}]),
        (Licence("MIT AND"), [{"license": {"name": "MIT AND"}}]),
        (Licence("LicenseRef-mine"), [{"expression": "LicenseRef-mine"}]),
    ],
)
def test_a_licence_is_an_expression_when_it_is_one(
    licence: Licence, expected: list[dict[str, Any]]
) -> None:
    document = valid(sbom_of(evidence(Inventory(ARTIFACT.filename, licence=licence))))
    assert document["components"][0]["licenses"] == expected


@pytest.mark.parametrize("inventory", [None, Inventory(ARTIFACT.filename)])
def test_what_an_archive_does_not_say_is_left_out(inventory: Inventory | None) -> None:
    document = valid(sbom_of(evidence(inventory, Origin.ARCHIVE)))
    assert document["metadata"]["component"] == {
        "type": "library",
        "bom-ref": "package:demo",
        "name": "demo",
        "version": "1.0",
    }
    assert document["components"][0].keys() == {"type", "bom-ref", "name", "hashes"}


def test_hostile_names_and_versions_are_part_of_a_valid_document() -> None:
    packages = {
        f"comp-{number}": NamedPackage(name, version)
        for number, (name, version) in enumerate(
            [("a", "1@2?x=1#y"), ("b", "../../etc"), ("c", "%2e%00"), ("d", '"}{')]
        )
    }
    valid(cyclonedx(packages))
    valid(cyclonedx(packages, 'an "application"'))
    components = tuple(Component(each.name, each.version) for each in packages.values())
    valid(sbom_of(evidence(Inventory(ARTIFACT.filename, components=components))))


def test_ten_thousand_packages_take_no_time() -> None:
    packages = {f"comp-{n}": NamedPackage(f"name-{n}", "1.0") for n in range(10_000)}
    start = time.perf_counter()
    assert len(cyclonedx(packages)["components"]) == 10_000
    assert time.perf_counter() - start < 20
