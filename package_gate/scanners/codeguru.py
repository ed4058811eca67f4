"""Static analysis by Amazon CodeGuru Security, a service that AWS ended on 2025-11-20.

https://docs.aws.amazon.com/codeguru/latest/security-api/. It stays for organisations whose
endpoint still answers, and says plainly what to do where it doesn't. One scan a package: all its
artifacts go into one zip. The analysis is `Security`; `All` would add findings about quality,
which are no reason to refuse a package.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import tenacity
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from package_gate.aws.errors import aws_errors, error_code
from package_gate.core.artifact import UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.service_text import MAX_ID, addresses, sentence
from package_gate.core.text import one_line
from package_gate.net.session import Network
from package_gate.scanners import versions
from package_gate.scanners.codeguru_upload import place_of, upload_zip, write_zip

if TYPE_CHECKING:
    from mypy_boto3_codeguru_security import CodeGuruSecurityClient
    from mypy_boto3_codeguru_security.type_defs import FindingTypeDef, GetScanResponseTypeDef

SCANNER = "codeguru"
MAX_FINDINGS = 100_000
PAGE = 100
"""Findings asked for at once."""
MAX_PAUSE_SECONDS = 30.0

_SEVERITIES = {
    "Critical": Severity.CRITICAL,
    "High": Severity.HIGH,
    "Medium": Severity.MEDIUM,
    "Low": Severity.LOW,
    "Info": Severity.INFO,
}
_NO_SERVICE = (EndpointConnectionError, ConnectTimeoutError)
_SERVICE_IS_THERE = {
    "ConflictException",
    "InternalServerException",
    "ResourceNotFoundException",
    "ThrottlingException",
    "ValidationException",
}
"""Errors that only a living service gives. Access may be denied because there is none any more."""


@dataclass(frozen=True, slots=True)
class CodeGuruSettings:
    """How a package is uploaded and waited for."""

    scratch: Path
    """An existing folder for zips."""
    network: Network = field(default_factory=Network)
    """The way to the storage."""
    timeout: float = 60.0
    """Seconds for the upload's connection, and for each wait on it."""
    attempts: int = 5
    """How often the upload is tried when it fails for a passing reason."""
    scan_seconds: float = 1800.0
    """How long a scan may take."""
    pause: float = 2.0
    """Seconds before the second look at a scan; they double with each, up to 30."""
    most_bytes: int = 2 << 30
    """How large a package's files may be together."""


class CodeGuru:
    """The scanner `codeguru`."""

    name = SCANNER
    version = versions.CODEGURU

    def __init__(self, settings: CodeGuruSettings, client: "CodeGuruSecurityClient") -> None:
        """Make ready to ask.

        Args:
            settings: how a package is uploaded and waited for.
            client: of boto3.
        """
        self._settings = settings
        self._client = client

    @property
    def info(self) -> ScannerInfo:
        """Its version is the API's; the service does not date its rules."""
        return ScannerInfo(SCANNER, self.version, data="Amazon CodeGuru Security")

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report what static analysis finds in the package's artifacts.

        Raises:
            ScannerError: the service is gone, or did not finish.
        """
        scan = _scan_name(target)
        self._start(scan, target.artifacts)
        self._wait(scan)
        return _grouped(self._findings(scan), target.artifacts)

    def _start(self, scan: str, artifacts: Sequence[UnpackedArtifact]) -> None:
        settings = self._settings
        try:
            with TemporaryFile(dir=settings.scratch, prefix="codeguru-") as file:
                write_zip(artifacts, file, settings.most_bytes)
                with _explained("CreateUploadUrl"):
                    given = self._client.create_upload_url(scanName=scan)
                upload_zip(
                    given["s3Url"],
                    given["requestHeaders"],
                    file,
                    network=settings.network,
                    timeout=settings.timeout,
                    attempts=settings.attempts,
                )
        except OSError as error:
            raise ScannerError(
                f"The package can't be packed for CodeGuru Security: {error.strerror}."
            ) from error
        # The name is ours alone: a conflict means that an attempt whose answer was lost has
        # started the scan.
        with _explained("CreateScan"), suppress(self._client.exceptions.ConflictException):
            self._client.create_scan(
                resourceId={"codeArtifactId": given["codeArtifactId"]},
                scanName=scan,
                scanType="Standard",
                analysisType="Security",
            )

    def _wait(self, scan: str) -> None:
        settings = self._settings
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda answer: answer["scanState"] == "InProgress"),
            stop=tenacity.stop_after_delay(settings.scan_seconds),
            wait=tenacity.wait_random_exponential(settings.pause, MAX_PAUSE_SECONDS),
        )
        try:
            answer = retrying(self._look_at, scan)
        except tenacity.RetryError as error:
            raise ScannerError(
                f"CodeGuru Security did not finish within {settings.scan_seconds:g} seconds. The "
                "next run tries again."
            ) from error
        state = answer["scanState"]
        if state != "Successful":
            reason = one_line(answer.get("errorMessage", ""), 300) or "it gives no reason"
            raise ScannerError(
                f"CodeGuru Security's scan ended as {one_line(state, MAX_ID)}: {reason}."
            )

    def _look_at(self, scan: str) -> "GetScanResponseTypeDef":
        with _explained("GetScan"):
            return self._client.get_scan(scanName=scan)

    def _findings(self, scan: str) -> "Iterator[FindingTypeDef]":
        """Give the findings of every page."""
        tokens: set[str] = set()
        token = ""
        left = MAX_FINDINGS
        while True:
            with _explained("GetFindings"):
                page = self._client.get_findings(
                    scanName=scan,
                    status="All",
                    maxResults=PAGE,
                    **({"nextToken": token} if token else {}),
                )
            findings = page.get("findings", [])
            left -= max(1, len(findings))
            if left < 0:
                raise ScannerError(f"CodeGuru Security has more than {MAX_FINDINGS} findings.")
            yield from findings
            token = page.get("nextToken", "")
            if not token:
                return
            if token in tokens:
                raise ScannerError("CodeGuru Security gives the same page of findings again.")
            tokens.add(token)


def _scan_name(target: UnpackedPackage) -> str:
    """Make a name that no other scan has, of the characters and length that the API allows."""
    subject = re.sub(r"[^a-zA-Z0-9_$:.-]", "-", f"{target.name}-{target.version}")[:100]
    return f"{subject}-{uuid.uuid4().hex}"


def _grouped(
    found: "Iterable[FindingTypeDef]", artifacts: Sequence[UnpackedArtifact]
) -> list[Finding]:
    """Make one finding for each rule and severity in each artifact."""
    places: dict[tuple[str, str, Severity], list[Location]] = {}
    counts: dict[tuple[str, str, Severity], int] = {}
    firsts: dict[tuple[str, str, Severity], FindingTypeDef] = {}
    for each in found:
        artifact, location = _place(each, artifacts)
        key = artifact, _rule(each), _severity(each)
        firsts.setdefault(key, each)
        counts[key] = counts.get(key, 0) + 1
        where = places.setdefault(key, [])
        if location is not None and len(where) < MAX_LOCATIONS:
            where.append(location)
    return [_finding(*key, firsts[key], tuple(places[key]), counts[key]) for key in firsts]


def _finding(
    artifact: str,
    rule: str,
    severity: Severity,
    said: "FindingTypeDef",
    locations: tuple[Location, ...],
    count: int,
) -> Finding:
    recommendation = said.get("remediation", {}).get("recommendation", {})
    vulnerability = said.get("vulnerability", {})
    return Finding(
        scanner=SCANNER,
        rule=rule,
        kind=Kind.CODE,
        severity=severity,
        message=sentence(said.get("title", ""), said.get("description", "")),
        recommendation=one_line(recommendation.get("text", ""), 400),
        references=addresses(
            [recommendation.get("url", ""), *vulnerability.get("referenceUrls", [])]
        ),
        artifact=artifact,
        locations=locations,
        count=count,
    )


def _place(
    finding: "FindingTypeDef", artifacts: Sequence[UnpackedArtifact]
) -> tuple[str, Location | None]:
    file = finding.get("vulnerability", {}).get("filePath", {})
    path = file.get("path") or file.get("name") or ""
    if not path:
        return "", None
    artifact, shown = place_of(path, artifacts)
    line = file.get("startLine", 0)
    return artifact, Location(shown, line if line > 0 else None)


def _rule(finding: "FindingTypeDef") -> str:
    rule = finding.get("ruleId") or finding.get("detectorId") or ""
    if not rule:
        raise ScannerError("CodeGuru Security has a finding that names no rule.")
    return one_line(rule, MAX_ID)


def _severity(finding: "FindingTypeDef") -> Severity:
    word = finding.get("severity", "")
    if word not in _SEVERITIES:
        raise ScannerError(
            f"CodeGuru Security has a finding of an unknown severity {one_line(word, MAX_ID)!r}."
        )
    return _SEVERITIES[word]


@contextmanager
def _explained(operation: str) -> Iterator[None]:
    """Turn errors of boto3 into `ScannerError`, and say it when the service seems to be gone."""
    with aws_errors(f"CodeGuru Security {operation} failed", ScannerError):
        try:
            yield
        except _NO_SERVICE as error:
            raise _gone(type(error).__name__) from error
        except ClientError as error:
            code = error_code(error)
            if code in _SERVICE_IS_THERE:
                raise
            raise _gone(code) from error


def _gone(reason: str) -> ScannerError:
    return ScannerError(
        f"Amazon CodeGuru Security does not answer ({one_line(reason, MAX_ID)}): AWS ended the "
        "service on 2025-11-20, so remove `codeguru` from --scanners."
    )
