"""The fake Inspector takes CycloneDX 1.5 and answers as the service does."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.fakes.aws import AWS
from tests.fakes.inspector_scan import Vulnerability

PURL = "pkg:pypi/hammer@1.0"


def component(number: int = 1, **more: str) -> dict[str, str]:
    usual = {"type": "library", "name": "hammer", "version": "1.0", "purl": PURL}
    return {**usual, "bom-ref": f"c-{number}", **more}


def sbom(*components: dict[str, str], **more: Any) -> dict[str, Any]:
    usual = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    return {**usual, "components": list(components), **more}


def scan(aws: AWS, document: dict[str, Any], **more: str) -> dict[str, Any]:
    answer = aws.client("inspector-scan").scan_sbom(sbom=document, **more)
    report: dict[str, Any] = answer["sbom"]
    return report


def test_a_component_without_vulnerabilities_has_none_in_the_report(aws: AWS) -> None:
    report = scan(aws, sbom(component()))
    assert "vulnerabilities" not in report
    assert report["components"] == [component()]


def test_a_vulnerability_has_nvds_and_the_vendors_severity(aws: AWS) -> None:
    aws.inspector.vulnerabilities[PURL] = [
        Vulnerability("CVE-2026-1", "high", "GITHUB", "critical", fixed_version="1.1")
    ]
    report = scan(aws, sbom(component()), outputFormat="CYCLONE_DX_1_5")
    (found,) = report["vulnerabilities"]
    ratings = {r["source"]["name"]: r["severity"] for r in found["ratings"]}
    assert ratings == {"NVD": "high", "GITHUB": "critical", "EPSS": "none"}
    assert found["affects"] == [{"ref": "c-1"}]
    fixed = {"name": "amazon:inspector:sbom_scanner:fixed_version:c-1", "value": "1.1"}
    assert found["properties"] == [fixed]


def test_the_cyclonedx_report_is_valid_itself(aws: AWS) -> None:
    import json

    aws.inspector.vulnerabilities[PURL] = [Vulnerability("CVE-2026-1", "low")]
    report = scan(aws, sbom(component()))
    problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(report))
    assert problem is None, str(problem)[:300]


def test_inspectors_own_format_counts_by_severity(aws: AWS) -> None:
    aws.inspector.vulnerabilities[PURL] = [
        Vulnerability("CVE-2026-1", "high", "GITHUB", "low"),
        Vulnerability("CVE-2026-2", "unknown"),
    ]
    report = scan(aws, sbom(component()), outputFormat="INSPECTOR")
    counts = {"critical": 0, "high": 1, "medium": 0, "low": 0, "other": 1}
    assert report["vulnerability_count"] == counts
    assert [v["id"] for v in report["vulnerabilities"]] == ["CVE-2026-1", "CVE-2026-2"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        sbom(specVersion="1.6"),
        sbom(component(), bomFormat="SPDX"),
        sbom({"name": "no type", "bom-ref": "x", "purl": PURL}),
        sbom(component(unknown="member")),
        sbom(component(purl="hammer 1.0")),
        sbom(component(1), component(1, name="same reference")),
        sbom({"type": "library", "name": "no reference", "purl": PURL}),
    ],
)
def test_what_is_no_cyclonedx_1_5_is_turned_down(
    document: dict[str, Any],
    aws: AWS,
) -> None:
    with pytest.raises(ClientError) as caught:
        scan(aws, document)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_more_than_five_thousand_components_are_turned_down(aws: AWS) -> None:
    assert scan(aws, sbom(*map(component, range(5000))))["components"]
    with pytest.raises(ClientError, match="5001 components"):
        scan(aws, sbom(*map(component, range(5001))))
