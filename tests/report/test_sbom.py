"""The bill of materials of what notebooks can install is valid CycloneDX 1.6 and says it all."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import JudgedFinding, PackageDecision, Verdict, Waiver
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.report.sbom import packages_sbom

NOW = datetime(2026, 11, 28, tzinfo=UTC)
WAIVER = Waiver("CVE-1", "demo", "1.0", "2026-12-31", "Jo", "Not reachable.")
HOLE = Finding(
    "osv",
    "PYSEC-1",
    Kind.VULNERABILITY,
    Severity.HIGH,
    "A hole.",
    recommendation="Upgrade to 2.0 or newer.",
    references=("https://example.com/a", "javascript:alert(1)", "https://[oops"),
    aliases=("CVE-1",),
)
UNRATED = replace(HOLE, rule="PYSEC-2", severity=None, references=(), aliases=())
CODE = Finding("ruff", "S101", Kind.CODE, Severity.LOW, "An assert.")
DEMO = PackageDecision(
    name="demo", version="1.0", origin=Origin.PYPI, verdict=Verdict.APPROVED, reasons=(), notes=(),
    artifacts=(Artifact("demo-1.0.whl", "0" * 64, 1), Artifact("demo-1.0.tar.gz", "1" * 64, 1)),
    findings=(
        JudgedFinding(HOLE, Severity.HIGH, refuses=False, waiver=WAIVER),
        JudgedFinding(UNRATED, Severity.MEDIUM, refuses=False),
        JudgedFinding(CODE, Severity.LOW, refuses=False),
    ),
    scanners=(), policy_digest="", decided_at=NOW, gate_version="1",
)  # fmt: skip


def sbom(*packages: PackageDecision, **licences: str) -> dict[str, Any]:
    of = {f"pypi/{name}/1.0": licence for name, licence in licences.items()}
    document = packages_sbom("a request", packages, of, NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    return document


def test_a_package_is_a_component_with_its_files_and_its_licence() -> None:
    document = sbom(DEMO, demo="MIT OR Apache-2.0")
    assert document["metadata"]["component"]["name"] == "a request"
    (component,) = document["components"]
    assert component["purl"] == "pkg:pypi/demo@1.0"
    assert component["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert [(file["name"], file["hashes"][0]["content"]) for file in component["components"]] == [
        ("demo-1.0.whl", "0" * 64),
        ("demo-1.0.tar.gz", "1" * 64),
    ]


def test_what_is_known_against_it_stands_there_with_its_waiver() -> None:
    waived, unrated = sbom(DEMO)["vulnerabilities"]
    assert waived["id"] == "PYSEC-1"
    assert waived["references"] == [{"id": "CVE-1", "source": {"name": "osv"}}]
    assert waived["advisories"] == [{"url": "https://example.com/a"}]
    assert waived["ratings"] == [{"severity": "high"}]
    assert waived["analysis"]["detail"] == "Waived until 2026-12-31 by Jo: Not reachable."
    assert waived["affects"] == [{"ref": "pypi/demo/1.0"}]
    assert unrated["ratings"] == [{"severity": "unknown"}]
    assert "analysis" not in unrated


def test_a_licence_that_is_no_expression_is_a_name() -> None:
    component = sbom(DEMO, demo="Our own terms")["components"][0]
    assert component["licenses"] == [{"license": {"name": "Our own terms"}}]
    assert "licenses" not in sbom(DEMO)["components"][0]


def test_hostile_names_and_versions_are_part_of_a_valid_document() -> None:
    hostile = [
        replace(DEMO, name=name, version=version, artifacts=(), findings=())
        for name, version in [("a", "1@2?x=1#y"), ("b", "../../etc"), ("c", "%00"), ("d", '"}{')]
    ]
    archive = replace(DEMO, origin=Origin.ARCHIVE, findings=())
    assert len(sbom(*hostile, archive)["components"]) == 5
    assert "purl" not in sbom(archive)["components"][0]
