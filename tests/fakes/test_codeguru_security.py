"""The fake CodeGuru Security behaves as the service did."""

from typing import Any

import pytest
import requests

from tests.fakes.aws import AWS
from tests.fakes.aws_service import Fault
from tests.fakes.codeguru_security import UPLOAD, finding


@pytest.fixture
def client(aws: AWS) -> Any:
    """Give a client that tries once."""
    return aws.client("codeguru-security")


def send(url: str, headers: dict[str, str], method: str = "PUT") -> int:
    return requests.request(
        method, url, data=b"zip", headers={**headers, "Accept": "*/*"}, timeout=10
    ).status_code


def start(client: Any, name: str = "scan") -> dict[str, Any]:
    """Upload and start a scan."""
    place = client.create_upload_url(scanName=name)
    assert send(place["s3Url"], place["requestHeaders"]) == 200
    code = {"codeArtifactId": place["codeArtifactId"]}
    answer: dict[str, Any] = client.create_scan(scanName=name, resourceId=code)
    return answer


def test_an_upload_is_taken_with_the_returned_headers_only(
    client: Any,
    aws: AWS,
) -> None:
    place = client.create_upload_url(scanName="scan")
    headers = place["requestHeaders"]
    code = aws.codeguru.code[place["codeArtifactId"]]
    for name in headers:
        assert send(place["s3Url"], {k: v for k, v in headers.items() if k != name}) == 403
    assert send(place["s3Url"].partition("?")[0], headers) == 403
    assert send(place["s3Url"], {**headers, "Authorization": "AWS4-HMAC-SHA256 x"}) == 403
    assert send(place["s3Url"], headers, "POST") == 403
    assert code.content is None
    assert send(place["s3Url"], headers) == 200
    assert code.content == b"zip"


def test_an_upload_meets_the_fault_that_was_ordered(
    client: Any,
    aws: AWS,
) -> None:
    place = client.create_upload_url(scanName="scan")
    aws.codeguru.order(UPLOAD, Fault("internal-error"))
    assert send(place["s3Url"], place["requestHeaders"]) == 503
    assert send(place["s3Url"], place["requestHeaders"]) == 200


def test_a_scan_needs_an_upload_for_its_name(client: Any) -> None:
    place = client.create_upload_url(scanName="scan")
    code = {"codeArtifactId": place["codeArtifactId"]}
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.create_scan(scanName="scan", resourceId=code)
    send(place["s3Url"], place["requestHeaders"])
    with pytest.raises(client.exceptions.ValidationException):
        client.create_scan(scanName="other", resourceId=code)
    assert client.create_scan(scanName="scan", resourceId=code)["scanState"] == "InProgress"


@pytest.mark.parametrize("outcome", ["Successful", "Failed"])
def test_a_scan_goes_from_in_progress_to_its_outcome(
    outcome: str,
    client: Any,
    aws: AWS,
) -> None:
    aws.codeguru.polls, aws.codeguru.outcome = 2, outcome
    run = start(client)["runId"]
    states = [client.get_scan(scanName="scan", runId=run)["scanState"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", outcome]


def test_findings_come_in_pages_when_the_scan_is_done(
    client: Any,
    aws: AWS,
) -> None:
    severities = ["Critical", "High", "Medium", "Low", "Info"]
    aws.codeguru.findings = [finding(severity) for severity in severities]
    aws.codeguru.page_size = 2
    start(client)
    with pytest.raises(client.exceptions.ConflictException):
        client.get_findings(scanName="scan")
    client.get_scan(scanName="scan")
    pages = list(client.get_paginator("get_findings").paginate(scanName="scan"))
    assert [len(page["findings"]) for page in pages] == [2, 2, 1]
    assert [f["severity"] for page in pages for f in page["findings"]] == severities


def test_an_invented_page_token_is_turned_down(client: Any, aws: AWS) -> None:
    aws.codeguru.polls = 0
    start(client)
    with pytest.raises(client.exceptions.ValidationException):
        client.get_findings(scanName="scan", nextToken="invented")


def test_a_scan_that_was_never_started_is_not_found(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_scan(scanName="scan")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_findings(scanName="scan")


def test_a_name_can_be_scanned_again_when_its_scan_is_done(
    client: Any,
    aws: AWS,
) -> None:
    first = start(client)["runId"]
    place = client.create_upload_url(scanName="scan")
    send(place["s3Url"], place["requestHeaders"])
    code = {"codeArtifactId": place["codeArtifactId"]}
    with pytest.raises(client.exceptions.ConflictException):
        client.create_scan(scanName="scan", resourceId=code)
    client.get_scan(scanName="scan")
    assert client.create_scan(scanName="scan", resourceId=code)["runId"] != first
    assert aws.codeguru.rejected == []
