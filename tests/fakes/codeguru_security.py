"""Amazon CodeGuru Security on a loopback port, as it was before AWS ended it on 2025-11-20.

https://docs.aws.amazon.com/codeguru/latest/security-api/
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.aws_model import Answer, AWSError
from tests.fakes.aws_service import AWSService, Handler

Parameters = dict[str, Any]
Result = dict[str, Any]
UPLOAD = "upload"
"""The name under which uploads are faulted."""


@dataclass
class CodeArtefact:
    """An upload address that was given out."""

    scan_name: str
    headers: dict[str, str]
    signature: str
    content: bytes | None = None
    """What was uploaded; None before that."""


@dataclass
class Scan:
    """A scan that was started."""

    name: str
    run_id: str
    code: CodeArtefact
    polls_left: int
    outcome: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def state(self) -> str:
        """`InProgress` until it was asked for often enough."""
        return "InProgress" if self.polls_left > 0 else self.outcome


class CodeGuruSecurity(AWSService):
    """The fake."""

    name = "codeguru-security"

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        """See `AWSService`."""
        super().__init__(folder, secrets)
        self.findings: list[Result] = []
        """What every scan finds, in the shape of the API's `Finding`."""
        self.page_size = 100
        """Findings on a page, when the caller doesn't ask for fewer."""
        self.polls = 1
        """How often GetScan says `InProgress` before it is done."""
        self.outcome = "Successful"
        """How scans end: `Successful` or `Failed`."""
        self.code: dict[str, CodeArtefact] = {}
        self.scans: dict[str, Scan] = {}

    def other(self, handler: Handler) -> Answer | None:
        """Take an upload, as S3 does at a presigned address."""
        target = urlsplit(handler.path)
        match = re.fullmatch(r"/upload/([0-9a-f-]{36})", target.path)
        if not match:
            return None
        content = handler.body()
        code = self.code.get(match[1])
        fault = self.faults.next(UPLOAD)
        if fault in ("throttle", "internal-error"):
            return Answer(503, {"Content-Type": "application/xml"}, _s3_error("SlowDown"))
        signature = parse_qs(target.query).get("X-Amz-Signature", [""])[0]
        same = code is not None and all(
            handler.headers.get(name) == value for name, value in code.headers.items()
        )
        if (
            code is None
            or handler.command != "PUT"
            or signature != code.signature
            or not same
            or "Authorization" in handler.headers
        ):
            self.rejected.append(f"{handler.command} {target.path}: not as it was signed")
            body = _s3_error("SignatureDoesNotMatch")
            return Answer(403, {"Content-Type": "application/xml"}, body)
        code.content = content
        return Answer(200, {"ETag": '"fake"'}, b"")

    def create_upload_url(self, given: Parameters) -> Result:
        """CreateUploadUrl: the headers must be sent with the upload."""
        identifier = str(uuid.uuid4())
        headers = {
            "content-type": "application/zip",
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "alias/fake",
        }
        code = CodeArtefact(given["scanName"], headers, uuid.uuid4().hex)
        self.code[identifier] = code
        return {
            "s3Url": f"{self.url}/upload/{identifier}?X-Amz-Signature={code.signature}",
            "requestHeaders": headers,
            "codeArtifactId": identifier,
        }

    def create_scan(self, given: Parameters) -> Result:
        """CreateScan: once for each upload and scan name; a name may be used again."""
        identifier = given["resourceId"]["codeArtifactId"]
        code = self.code.get(identifier)
        if code is None or code.content is None:
            raise _not_found(identifier, "codeArtifact")
        if code.scan_name != given["scanName"]:
            message = "the upload was made for another scan name"
            raise AWSError("ValidationException", message, errorCode="Validation")
        scan = Scan(given["scanName"], str(uuid.uuid4()), code, self.polls, self.outcome)
        running = self.scans.get(scan.name)
        if running is not None and running.state == "InProgress":
            raise AWSError(
                "ConflictException",
                f"a scan {scan.name} is running",
                errorCode="Conflict",
                resourceId=scan.name,
                resourceType="scan",
            )
        self.scans[scan.name] = scan
        return {
            "scanName": scan.name,
            "runId": scan.run_id,
            "resourceId": {"codeArtifactId": identifier},
            "scanState": scan.state,
        }

    def get_scan(self, given: Parameters) -> Result:
        """GetScan: each call brings the end nearer."""
        scan = self._scan(given["scanName"])
        if given.get("runId", scan.run_id) != scan.run_id:
            raise _not_found(given["runId"], "scan")
        state = scan.state
        scan.polls_left -= 1
        result = {
            "scanName": scan.name,
            "runId": scan.run_id,
            "scanState": state,
            "createdAt": scan.started,
            "analysisType": "Security",
        }
        return result | ({"errorMessage": "the fake was told to fail"} if state == "Failed" else {})

    def get_findings(self, given: Parameters) -> Result:
        """GetFindings: page by page."""
        scan = self._scan(given["scanName"])
        if scan.state == "InProgress":
            raise AWSError(
                "ConflictException",
                "the scan is still running",
                errorCode="Conflict",
                resourceId=scan.name,
                resourceType="scan",
            )
        token = given.get("nextToken", "page-0")
        if not re.fullmatch(r"page-\d+", token):
            raise AWSError("ValidationException", "unknown nextToken", errorCode="Validation")
        start = int(token.removeprefix("page-"))
        end = start + min(given.get("maxResults", self.page_size), self.page_size)
        rest = {"nextToken": f"page-{end}"} if end < len(self.findings) else {}
        return {"findings": self.findings[start:end], **rest}

    def _scan(self, name: str) -> Scan:
        if name not in self.scans:
            raise _not_found(name, "scan")
        return self.scans[name]


def finding(severity: str, rule: str = "python/hardcoded-credentials", **members: Any) -> Result:
    """Make a finding.

    Args:
        severity: `Critical`, `High`, `Medium`, `Low` or `Info`.
        rule: its detector.
        members: other members of the API's `Finding`, in place of the usual ones.
    """
    return {
        "id": uuid.uuid4().hex,
        "severity": severity,
        "title": "Hardcoded credentials",
        "description": "A secret stands in the code.",
        "detectorId": f"{rule}@v1.0",
        "detectorName": "Hardcoded credentials",
        "ruleId": rule,
        "status": "Open",
        "vulnerability": {
            "filePath": {"name": "app.py", "path": "src/app.py", "startLine": 3, "endLine": 3},
            "referenceUrls": ["https://cwe.mitre.org/data/definitions/798.html"],
        },
        "remediation": {
            "recommendation": {"text": "Keep it in a secret store.", "url": "https://docs.example/"}
        },
        **members,
    }


def _not_found(identifier: str, kind: str) -> AWSError:
    return AWSError(
        "ResourceNotFoundException",
        f"no {kind} {identifier}",
        errorCode="NotFound",
        resourceId=identifier,
        resourceType=kind,
    )


def _s3_error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()
