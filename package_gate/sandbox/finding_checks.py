"""Checks of what a worker reports: its findings go into records, reports and emails."""

import re
from dataclasses import replace

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import MAX_LOCATIONS, Finding, Location
from package_gate.core.text import one_line, printable
from package_gate.sandbox.protocol import MAX_FINDINGS
from package_gate.sandbox.spec import ScannerSpec

MAX_ADDRESSES = 50
MAX_CODE = 200
"""Characters of the code at a place."""
_DIGEST = re.compile("[0-9a-f]{64}")


def checked(
    findings: list[Finding], scanner: ScannerSpec, target: UnpackedPackage
) -> list[Finding]:
    """Take a scanner's findings for the gate: its own name on them, nothing unprintable or long.

    Raises:
        ScannerError: there are too many, or one is not of this scanner's kinds or not about a file
            of this package.
    """
    if len(findings) > MAX_FINDINGS:
        raise ScannerError(f"reported {len(findings)} findings, more than {MAX_FINDINGS}")
    filenames = {"", *(artifact.artifact.filename for artifact in target.artifacts)}
    for finding in findings:
        if finding.kind not in scanner.kinds:
            raise ScannerError(f"answered with garbage: a finding of kind {finding.kind}")
        if finding.artifact not in filenames:
            raise ScannerError(
                f"answered with garbage: a finding about {printable(finding.artifact)}"
            )
        if not finding.rule.strip():
            raise ScannerError("answered with garbage: a finding without a rule")
    return [_fit_to_read(finding, scanner.name) for finding in findings]


def _fit_to_read(finding: Finding, scanner: str) -> Finding:
    return replace(
        finding,
        scanner=scanner,
        rule=printable(finding.rule),
        message=one_line(finding.message, 4000),
        recommendation=one_line(finding.recommendation, 2000),
        references=tuple(
            address
            for address in finding.references[:MAX_ADDRESSES]
            if address.startswith(("https://", "http://"))
            and len(address) <= 2000
            and address.isprintable()
        ),
        aliases=tuple(printable(alias) for alias in finding.aliases[:MAX_ADDRESSES]),
        locations=tuple(
            Location(
                printable(location.path, 1024),
                location.line if location.line and location.line > 0 else None,
                one_line(location.code, MAX_CODE),
                location.fingerprint if _DIGEST.fullmatch(location.fingerprint) else "",
            )
            for location in finding.locations[:MAX_LOCATIONS]
        ),
        count=max(finding.count, len(finding.locations), 1),
    )
