"""Amazon Inspector's ScanSbom on a loopback port.

https://docs.aws.amazon.com/inspector/v2/APIReference/API_scan_ScanSbom.html
https://docs.aws.amazon.com/inspector/latest/user/cyclonedx-namespace.html
"""

import copy
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tests.fakes.aws_model import AWSError
from tests.fakes.aws_service import AWSService

Parameters = dict[str, Any]
Result = dict[str, Any]
MOST_COMPONENTS = 5000
AT_A_TIME = 50
PROPERTY = "amazon:inspector:sbom_scanner"
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Vulnerability:
    """What the service knows of a component."""

    id: str
    severity: str
    """NVD's, as CycloneDX writes it: `critical`, `high`, `medium`, `low`, `none`, `unknown`."""
    vendor: str = ""
    vendor_severity: str = ""
    """The vendor's own rating, "" when there is none."""
    description: str = "Something is wrong with it."
    score: float = 5.0
    fixed_version: str = ""


class InspectorScan(AWSService):
    """The fake."""

    name = "inspector-scan"

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        """See `AWSService`."""
        super().__init__(folder, secrets)
        self.vulnerabilities: dict[str, list[Vulnerability]] = {}
        """Package URL of a component → what is wrong with it."""
        self._validator = JsonStrictValidator(SchemaVersion.V1_5)

    def scan_sbom(self, given: Parameters) -> Result:
        """ScanSbom."""
        sbom = given["sbom"]
        self._check(sbom)
        found: dict[Vulnerability, list[Result]] = {}
        for component in sbom.get("components", []):
            for vulnerability in self.vulnerabilities.get(component.get("purl", ""), []):
                found.setdefault(vulnerability, []).append(component)
        if given.get("outputFormat", "CYCLONE_DX_1_5") == "CYCLONE_DX_1_5":
            return {"sbom": _cyclonedx(sbom, found)}
        return {"sbom": _inspector(found)}

    def _check(self, sbom: Any) -> None:
        if not isinstance(sbom, dict) or sbom.get("specVersion") != "1.5":
            raise _invalid("no CycloneDX 1.5", "UNSUPPORTED_SBOM_TYPE")
        components = sbom.get("components", [])
        if len(components) > MOST_COMPONENTS:
            raise _invalid(f"{len(components)} components, {MOST_COMPONENTS} are allowed")
        self._validate({**sbom, "components": []})
        # Few at a time: the validator compares each of them with each other.
        for start in range(0, len(components), AT_A_TIME):
            few = components[start : start + AT_A_TIME]
            self._validate({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": few})
        references = [component.get("bom-ref") for component in components]
        if None in references or len(set(references)) != len(references):
            raise _invalid("every component needs a bom-ref of its own")
        for component in components:
            try:
                PackageURL.from_string(component.get("purl", ""))
            except ValueError as error:
                raise _invalid(f"component {component['name']}: {error}") from error

    def _validate(self, document: Result) -> None:
        if problem := self._validator.validate_str(json.dumps(document)):
            text = str(problem).partition("\n")[0]
            raise _invalid(f"no CycloneDX 1.5: {text}", "UNSUPPORTED_SBOM_TYPE")


def _cyclonedx(sbom: Result, found: dict[Vulnerability, list[Result]]) -> Result:
    """The SBOM itself, with what was found."""
    report = copy.deepcopy(sbom)
    counts = Counter(vulnerability.severity for vulnerability in found)
    report.setdefault("metadata", {})["properties"] = [
        {"name": f"{PROPERTY}:{name}_vulnerabilities", "value": str(counts[name])}
        for name in SEVERITIES
    ]
    if found:
        report["vulnerabilities"] = [
            {
                "bom-ref": f"vuln-{number}",
                "id": vulnerability.id,
                "source": {"name": "NVD", "url": f"https://nvd.example/{vulnerability.id}"},
                "ratings": _ratings(vulnerability),
                "cwes": [120],
                "description": vulnerability.description,
                "advisories": [{"url": f"https://advisories.example/{vulnerability.id}"}],
                "created": "2023-06-25T17:15:14Z",
                "updated": "2023-07-31T19:15:15Z",
                "affects": [{"ref": component["bom-ref"]} for component in components],
                "analysis": {"state": "in_triage"},
                "properties": [
                    {
                        "name": f"{PROPERTY}:fixed_version:{component['bom-ref']}",
                        "value": vulnerability.fixed_version,
                    }
                    for component in components
                    if vulnerability.fixed_version
                ],
            }
            for number, (vulnerability, components) in enumerate(found.items(), start=1)
        ]
    return report


def _ratings(vulnerability: Vulnerability) -> list[Result]:
    """NVD's rating, the vendor's, and the EPSS, which is none of a severity."""
    ratings: list[Result] = [
        {
            "source": {"name": "NVD", "url": f"https://nvd.example/{vulnerability.id}"},
            "score": vulnerability.score,
            "severity": vulnerability.severity,
            "method": "CVSSv31",
            "vector": "CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H",
        },
        {
            "source": {"name": "EPSS", "url": "https://epss.example/"},
            "score": 0.00044,
            "severity": "none",
            "method": "other",
            "vector": "model:v2023.03.01,date:2024-05-21T00:00:00+0000",
        },
    ]
    if vulnerability.vendor:
        ratings.append(
            {
                "source": {"name": vulnerability.vendor},
                "severity": vulnerability.vendor_severity,
                "method": "other",
            }
        )
    return ratings


def _inspector(found: dict[Vulnerability, list[Result]]) -> Result:
    """Inspector's own format."""
    counts = Counter(
        vulnerability.severity if vulnerability.severity in SEVERITIES else "other"
        for vulnerability in found
    )
    return {
        "messages": [],
        "vulnerabilities": [
            {
                "id": vulnerability.id,
                "severity": vulnerability.severity,
                "source": f"https://nvd.example/{vulnerability.id}",
                "description": vulnerability.description,
                "references": [f"https://advisories.example/{vulnerability.id}"],
                "created": "2023-06-25T17:15:14Z",
                "updated": "2023-07-31T19:15:15Z",
                "affects": [
                    {
                        "installed_version": component["purl"],
                        "fixed_version": vulnerability.fixed_version,
                    }
                    for component in components
                ],
                "properties": {
                    "cvss": [
                        {
                            "source": "NVD",
                            "severity": vulnerability.severity,
                            "cvss_3_base_score": vulnerability.score,
                        },
                        *(
                            [
                                {
                                    "source": vulnerability.vendor,
                                    "severity": vulnerability.vendor_severity,
                                }
                            ]
                            if vulnerability.vendor
                            else []
                        ),
                    ],
                    "cwes": [120],
                    "epss": 0.00044,
                },
            }
            for vulnerability, components in found.items()
        ],
        "vulnerability_count": {name: counts[name] for name in (*SEVERITIES, "other")},
    }


def _invalid(message: str, reason: str = "OTHER") -> AWSError:
    return AWSError("ValidationException", message, reason=reason)
