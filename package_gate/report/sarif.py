"""findings.sarif: the findings of a run as SARIF 2.1.0, one SARIF run a scanner.

The format is OASIS's "Static Analysis Results Interchange Format 2.1.0 plus Errata 01"; the
paragraph signs below are its sections. `security-severity` is what code-scanning sites read.
Each package is told once, however many requests need it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

from package_gate.core.decision import JudgedFinding, PackageDecision
from package_gate.core.finding import Finding, Location, ScannerInfo, Severity
from package_gate.core.run import Run
from package_gate.core.text import one_line
from package_gate.report.encoding import json_bytes, write_array
from package_gate.report.reading import web_address

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
"""The middle of each band of CVSS v3's qualitative scale (specification, section 5)."""
MESSAGE_LIMIT = 2000


def write_sarif(run: Run, file: BinaryIO) -> None:
    """Write the log of a run of the gate; places are paths below `NAME/VERSION/FILE/`."""
    write_log(run.scanners, _packages(run), file, in_repository=False)


def write_log(
    scanners: Iterable[ScannerInfo],
    packages: Sequence[PackageDecision],
    file: BinaryIO,
    *,
    in_repository: bool,
) -> None:
    """Write the log, one result a line; no more than one result is held as text.

    Args:
        scanners: those that ran; findings of others are told too.
        packages: each once.
        file: takes UTF-8.
        in_repository: whether the findings' places are files of one repository, in place of files
            of the packages.
    """
    file.write(b'{"$schema": ' + json_bytes(SCHEMA) + b', "version": "2.1.0", "runs": [')
    for number, scanner in enumerate(_scanners(scanners, packages)):
        file.write(b",\n" if number else b"\n")
        _write_run(scanner, packages, file, in_repository=in_repository)
    file.write(b"\n]}\n")


def _packages(run: Run) -> list[PackageDecision]:
    """Every package of the run, once."""
    seen = {
        (package.origin, package.name, package.version): package
        for outcome in run.outcomes
        for package in outcome.packages
    }
    return list(seen.values())


def _scanners(
    scanners: Iterable[ScannerInfo], packages: Iterable[PackageDecision]
) -> list[ScannerInfo]:
    """This run's scanners, then those that only earlier decisions or findings name."""
    by_name = {info.name: info for info in scanners}
    for package in packages:
        for info in package.scanners:
            by_name.setdefault(info.name, info)
        for judged in package.findings:
            name = judged.finding.scanner
            by_name.setdefault(name, ScannerInfo(name, ""))
    return list(by_name.values())


def _write_run(
    scanner: ScannerInfo,
    packages: Sequence[PackageDecision],
    file: BinaryIO,
    *,
    in_repository: bool,
) -> None:
    rules = _rules(scanner.name, packages)
    indexes = {rule: index for index, rule in enumerate(rules)}
    name = one_line(scanner.name) or "unnamed"
    driver: dict[str, Any] = {
        "name": name,
        "properties": {"data": one_line(scanner.data), "dataDate": one_line(scanner.data_date)},
        "rules": [_descriptor(rule, worst) for rule, worst in rules.items()],
    }
    if scanner.version:
        driver["version"] = one_line(scanner.version)
    file.write(b'{"tool": ' + json_bytes({"driver": driver}))
    # §3.17.3: keeps the runs of different scanners apart where they are uploaded together.
    file.write(b', "automationDetails": ' + json_bytes({"id": f"package-gate/{name}/"}))
    file.write(b', "columnKind": "unicodeCodePoints", "results": ')
    results = (
        _result(package, judged, indexes[judged.finding.rule], in_repository=in_repository)
        for package, judged in _findings(scanner.name, packages)
    )
    write_array(results, file)
    file.write(b"}")


def _findings(
    scanner: str, packages: Iterable[PackageDecision]
) -> Iterator[tuple[PackageDecision, JudgedFinding]]:
    for package in packages:
        for judged in package.findings:
            if judged.finding.scanner == scanner:
                yield package, judged


def _rules(scanner: str, packages: Iterable[PackageDecision]) -> dict[str, JudgedFinding]:
    """Each rule with its worst finding, which describes it."""
    worst: dict[str, JudgedFinding] = {}
    for _package, judged in _findings(scanner, packages):
        known = worst.get(judged.finding.rule)
        if known is None or judged.severity > known.severity:
            worst[judged.finding.rule] = judged
    return worst


def _descriptor(rule: str, worst: JudgedFinding) -> dict[str, Any]:
    finding = worst.finding
    descriptor: dict[str, Any] = {
        "id": one_line(rule),
        "shortDescription": {"text": _plain(f"{rule} ({finding.kind})", 200)},
        "defaultConfiguration": {"level": LEVELS[worst.severity]},
        "properties": {
            "tags": ["security", finding.kind.value],
            "security-severity": SECURITY_SEVERITIES[worst.severity],
        },
    }
    if finding.recommendation:
        descriptor["help"] = {"text": _plain(finding.recommendation)}
    if address := next(filter(None, map(web_address, finding.references)), None):
        descriptor["helpUri"] = address
    return descriptor


def _result(
    package: PackageDecision, judged: JudgedFinding, rule_index: int, *, in_repository: bool
) -> dict[str, Any]:
    finding = judged.finding
    message = f"{package.name} {package.version}: {finding.message} {finding.recommendation}"
    below = [package.name, package.version, finding.artifact]
    first, *others = [
        _location([] if in_repository else below, location)
        for location in finding.locations or [None]
    ]
    result: dict[str, Any] = {
        "ruleId": one_line(finding.rule),
        "ruleIndex": rule_index,
        "level": LEVELS[judged.severity],
        "message": {"text": _plain(message)},
        "locations": [first],
        "occurrenceCount": max(finding.count, 1),
        "partialFingerprints": {"packageGateFinding/v1": _fingerprint(package, finding)},
        "suppressions": _suppressions(judged),
        "properties": {
            "security-severity": SECURITY_SEVERITIES[judged.severity],
            "severity": judged.severity.value,
            "kind": finding.kind.value,
            "package": one_line(package.name),
            "version": one_line(package.version),
            "verdict": package.verdict.value,
            "refuses": judged.refuses,
            "aliases": [one_line(alias) for alias in finding.aliases],
            "references": [one_line(reference, 2000) for reference in finding.references],
        },
    }
    if others:
        result["relatedLocations"] = others
    return result


def _location(below: list[str], location: Location | None) -> dict[str, Any]:
    segments = below + (location.path.split("/") if location is not None else [])
    uri = "/".join(_uri_segment(segment) for segment in segments if segment)
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if location is not None and location.line is not None and location.line >= 1:
        physical["region"] = {"startLine": location.line}
    return {"physicalLocation": physical}


def _uri_segment(segment: str) -> str:
    """One segment of a relative reference (RFC 3986), percent-encoded.

    `.` and `..` are encoded twice: a reader would resolve them, even as `%2E%2E`, and a finding
    about a path that leaves its archive would point to another package.
    """
    if segment in (".", ".."):
        segment = segment.replace(".", "%2E")
    return quote(segment, safe="", errors="backslashreplace")


def _plain(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """A plain text message: nothing in it is a placeholder (§3.11.5) or a link (§3.11.6)."""
    shown = one_line(text, limit).replace("](", "] (")
    return shown.replace("{", "{{").replace("}", "}}")


def _fingerprint(package: PackageDecision, finding: Finding) -> str:
    """The same for the same finding in every run, whatever moves around it (§3.27.17)."""
    path = finding.locations[0].path if finding.locations else ""
    identity = [
        finding.scanner, finding.rule, package.origin.value, package.name, package.version,
        finding.artifact, path,
    ]  # fmt: skip
    return hashlib.sha256(json_bytes(identity)).hexdigest()


def _suppressions(judged: JudgedFinding) -> list[dict[str, Any]]:
    """A waiver is a suppression; an empty list says that there is none (§3.27.23)."""
    waiver = judged.waiver
    if waiver is None:
        return []
    justification = f"{waiver.reason} (approved by {waiver.approved_by}, until {waiver.expires})"
    return [
        {
            "kind": "external",
            "status": "accepted",
            "justification": one_line(justification, MESSAGE_LIMIT),
        }
    ]
