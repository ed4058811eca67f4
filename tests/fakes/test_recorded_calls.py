"""What a request means to IAM; a request that isn't known raises."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.aws_service import Call
from tests.fakes.recorded_calls import Keys, UnknownCallError, recorded
from tests.fakes.relay import Received

HERE = "eu-central-1:123456789012"
TOPIC = f"arn:aws:sns:{HERE}:verdicts"
KEY = f"arn:aws:kms:{HERE}:key/1"
RECORD = "arn:aws:s3:::records/decisions/a b.json"
ENCRYPTED = {"x-amz-server-side-encryption-aws-kms-key-id": KEY}


def received(
    service: str,
    method: str,
    path: str,
    status: int = 200,
    body: str = "",
    headers: Mapping[str, str] | None = None,
) -> Received:
    scope = f"Credential=AKIA/20260101/eu-central-1/{service}/aws4_request, …"
    given = {"authorization": f"AWS4-HMAC-SHA256 {scope}", **(headers or {})}
    return Received(method, path, given, body.encode(), status)


def actions(
    *requests: Received, codeartifact: list[Call] | None = None, keys: Keys | None = None
) -> dict[str, set[str]]:
    """Resource → actions on it."""
    nobody = SimpleNamespace(calls=[])
    aws: Any = SimpleNamespace(
        codeartifact=SimpleNamespace(
            calls=codeartifact or [],
            pypi=SimpleNamespace(reads=["/pypi/approved/simple/numpy/"] if codeartifact else []),
            repositories={("research", "approved")},
        ),
        codeguru=nobody,
        inspector=nobody,
    )
    found: dict[str, set[str]] = {}
    for call in recorded(aws, list(requests), keys or Keys()):
        found.setdefault(call.resource, set()).add(call.action)
    return found


PLACE = "/records/decisions/a%20b.json"


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([received("s3", "GET", PLACE)], {RECORD: {"s3:GetObject"}}),
        (
            [received("s3", "GET", PLACE, 404)],
            {RECORD: {"s3:GetObject"}, "arn:aws:s3:::records": {"s3:ListBucket"}},
        ),
        ([received("s3", "PUT", PLACE)], {RECORD: {"s3:PutObject"}}),
        (
            [received("s3", "PUT", PLACE, headers={"if-match": "1"})],
            {RECORD: {"s3:GetObject", "s3:PutObject"}},
        ),
        (
            [received("s3", "PUT", PLACE, headers=ENCRYPTED), received("s3", "GET", PLACE)],
            {RECORD: {"s3:GetObject", "s3:PutObject"}, KEY: {"kms:Decrypt", "kms:GenerateDataKey"}},
        ),
        (
            [received("sns", "POST", "/", body=f"Action=Publish&TopicArn={TOPIC}")],
            {TOPIC: {"sns:Publish"}, KEY: {"kms:Decrypt", "kms:GenerateDataKey"}},
        ),
        (
            [
                received(
                    "ssm",
                    "POST",
                    "/",
                    body=json.dumps({"Name": "/gate/snyk"}),
                    headers={"x-amz-target": "AmazonSSM.GetParameter"},
                )
            ],
            {f"arn:aws:ssm:{HERE}:parameter/gate/snyk": {"ssm:GetParameter"}},
        ),
    ],
    ids=["read", "not there", "write", "conditional", "encrypted", "email", "parameter"],
)
def test_what_requests_need(requests: list[Received], expected: dict[str, set[str]]) -> None:
    assert actions(*requests, keys=Keys(topics={TOPIC: KEY})) == expected


def test_what_calls_of_codeartifact_need() -> None:
    repository = {"domain": "research", "repository": "approved"}
    tool = {**repository, "format": "generic", "namespace": "tool", "package": "tool"}
    calls = [
        Call("GetAuthorizationToken", {"domain": "research"}),
        Call("GetRepositoryEndpoint", repository),
        Call("PublishPackageVersion", tool),
        Call("pypi:upload", {"repository": "approved", "asset": "Num_Py-1.0-py3-none-any.whl"}),
    ]
    place = f"arn:aws:codeartifact:{HERE}:"
    assert actions(codeartifact=calls) == {
        f"{place}domain/research": {"codeartifact:GetAuthorizationToken"},
        "*": {"sts:GetServiceBearerToken"},
        f"{place}repository/research/approved": {
            "codeartifact:GetRepositoryEndpoint",
            "codeartifact:ReadFromRepository",
        },
        f"{place}package/research/approved/generic/tool/tool": {
            "codeartifact:PublishPackageVersion"
        },
        f"{place}package/research/approved/pypi//num-py": {"codeartifact:PublishPackageVersion"},
    }


@pytest.mark.parametrize(
    "request_",
    [
        received("s3", "DELETE", f"{PLACE}?versionId=1"),
        received("s3", "GET", "/records?versions"),
        received("s3", "PUT", f"{PLACE}?acl"),
        received("sns", "POST", "/", body="Action=Subscribe"),
        received("ssm", "POST", "/", body="{}", headers={"x-amz-target": "AmazonSSM.PutParameter"}),
        received("sts", "POST", "/", body="Action=AssumeRole"),
        Received("GET", "/", {}, b"", 200),
    ],
    ids=["delete version", "list versions", "acl", "subscribe", "parameter", "service", "unsigned"],
)
def test_what_nobody_has_said_the_action_of_raises(request_: Received) -> None:
    with pytest.raises(UnknownCallError):
        actions(request_)


def test_an_operation_of_codeartifact_that_is_not_known_raises() -> None:
    with pytest.raises(UnknownCallError, match="DeleteRepository"):
        actions(codeartifact=[Call("DeleteRepository", {})])
