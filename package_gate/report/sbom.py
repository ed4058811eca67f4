"""What notebooks can install, as a software bill of materials: CycloneDX 1.6.

Each package is a component with its files, their digests and its licence. What is known against
it stands among the vulnerabilities, and a waiver is their analysis: the flaw is there, and
somebody has accepted it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from package_gate.core.catalogue import key_text
from package_gate.core.cyclonedx import document, library
from package_gate.core.decision import JudgedFinding, PackageDecision
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.finding import Kind, is_known_malware
from package_gate.core.licence_expressions import canonical
from package_gate.core.version import gate_version
from package_gate.report.reading import web_address


def packages_sbom(
    subject: str, packages: Iterable[PackageDecision], licences: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Write packages as a document, ready to be written as JSON.

    Args:
        subject: what consists of them: a request, or the repository.
        packages: each once.
        licences: the key of a package in the catalogue → what it declares.
        now: the time (UTC) that the document bears.
    """
    components: list[dict[str, Any]] = []
    vulnerabilities: list[dict[str, Any]] = []
    for package in packages:
        key = key_text(package.origin, package.name, package.version)
        components.append(_component(package, key, licences.get(key, "")))
        vulnerabilities += _vulnerabilities(package, key)
    about = {"type": "application", "bom-ref": "subject", "name": subject}
    found = document(components, about, now, "1.6")
    gate = {"type": "application", "name": "package-gate", "version": gate_version()}
    found["metadata"]["tools"] = {"components": [gate]}
    if vulnerabilities:
        found["vulnerabilities"] = vulnerabilities
    return found


def _component(package: PackageDecision, key: str, licence: str) -> dict[str, Any]:
    purl = ecosystem_of(package.origin).purl(package.name, package.version)
    component = library(package.name, package.version, purl, key)
    if licence:
        expression = canonical(licence)
        component["licenses"] = (
            [{"expression": expression}] if expression else [{"license": {"name": licence}}]
        )
    component["components"] = [
        {
            "type": "file",
            "bom-ref": f"{key}#{number}",
            "name": artifact.filename,
            "hashes": [{"alg": "SHA-256", "content": artifact.sha256}],
        }
        for number, artifact in enumerate(package.artifacts, start=1)
    ]
    return component


def _vulnerabilities(package: PackageDecision, key: str) -> Iterator[dict[str, Any]]:
    for item in package.findings:
        if item.finding.kind is Kind.VULNERABILITY or is_known_malware(item.finding):
            yield _vulnerability(item, key)


def _vulnerability(item: JudgedFinding, key: str) -> dict[str, Any]:
    finding = item.finding
    severity = "unknown" if finding.severity is None else str(item.severity)
    entry: dict[str, Any] = {
        "id": finding.rule,
        "source": {"name": finding.scanner},
        "ratings": [{"severity": severity}],
        "description": finding.message,
        "affects": [{"ref": key}],
    }
    if finding.aliases:
        entry["references"] = [
            {"id": alias, "source": {"name": finding.scanner}} for alias in finding.aliases
        ]
    if finding.recommendation:
        entry["recommendation"] = finding.recommendation
    if pages := [address for each in finding.references if (address := web_address(each))]:
        entry["advisories"] = [{"url": page} for page in pages]
    if waiver := item.waiver:
        entry["analysis"] = {
            "state": "exploitable",  # nobody has said that it is not
            "response": ["will_not_fix"],
            "detail": f"Waived until {waiver.expires} by {waiver.approved_by}: {waiver.reason}",
        }
    return entry
