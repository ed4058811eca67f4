"""The fakes turn down what AWS would turn down, and do what a test orders."""

import json
import time

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.fakes.aws import ACCESS_KEY_ID, AWS, DOMAIN, REGION, REPOSITORY, SECRET_ACCESS_KEY
from tests.fakes.aws_service import Fault

HERE = f"domain={DOMAIN}&repository={REPOSITORY}"


def signed(
    method: str,
    url: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    secret: str = SECRET_ACCESS_KEY,
    sent: bytes | None = None,
) -> requests.Response:
    """Sign a request that boto3 would not make, and send it (with the body `sent`)."""
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    SigV4Auth(Credentials(ACCESS_KEY_ID, secret), "codeartifact", REGION).add_auth(request)
    return requests.request(
        method, url, headers=dict(request.headers), data=body if sent is None else sent, timeout=10
    )


def error_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["x-amzn-ErrorType"]


def test_a_valid_request_is_answered_and_logged(aws: AWS) -> None:
    answer = signed("POST", f"{aws.codeartifact.url}/v1/packages?{HERE}")
    assert (answer.status_code, answer.json()) == (200, {"packages": []})
    (call,) = aws.codeartifact.calls
    assert call.operation == "ListPackages"
    assert call.parameters == {"domain": DOMAIN, "repository": REPOSITORY}


@pytest.mark.parametrize(
    ("method", "target", "problem"),
    [
        ("GET", f"/v1/packages?{HERE}", "takes"),
        ("POST", "/v1/no-such-thing", "no operation"),
        ("POST", f"/v1/packages?{HERE}&unknown=1", "unknown query parameters"),
        ("POST", f"/v1/packages?domain={DOMAIN}", "lacks"),
        ("POST", "/v1/packages?domain=d&repository=rr", "allowed is 2 to 50"),
        ("POST", "/v1/packages?domain=UPPER&repository=rr", "does not match"),
        ("POST", f"/v1/packages?{HERE}&format=rpm", "not one of"),
        ("POST", f"/v1/packages?{HERE}&max-results=many", "must be a number"),
        ("POST", f"/v1/packages?{HERE}&max-results=0", "allowed is 1 to 1000"),
        ("POST", f"/v1/packages?{HERE}&domain={DOMAIN}", "given 2 times"),
    ],
)
def test_an_invalid_request_is_turned_down(
    method: str,
    target: str,
    problem: str,
    aws: AWS,
) -> None:
    answer = signed(method, aws.codeartifact.url + target)
    assert answer.status_code in (400, 404)
    assert problem in answer.json()["message"]
    assert aws.codeartifact.calls == []
    assert len(aws.codeartifact.rejected) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (b"{", "application/json", "not JSON"),
        (b"[]", "application/json", "must be a JSON object"),
        (b"{}", "text/plain", "must be application/json"),
        (b"{}", "application/json", "lacks ['versions']"),
        (b'{"versions": "1"}', "application/json", "must be a list"),
        (b'{"versions": [true]}', "application/json", "must be a string"),
        (b'{"versions": ["1"], "x": 1}', "application/json", "unknown members"),
        (json.dumps({"versions": ["1"] * 101}).encode(), "application/json", "allowed is"),
    ],
)
def test_an_invalid_body_is_turned_down(
    body: bytes,
    content_type: str,
    problem: str,
    aws: AWS,
) -> None:
    url = f"{aws.codeartifact.url}/v1/package/versions/delete?{HERE}&format=pypi&package=p"
    answer = signed("POST", url, body, {"Content-Type": content_type})
    assert error_of(answer) == (400, "ValidationException")
    assert problem in answer.json()["message"]


def test_a_request_without_a_signature_is_turned_down(aws: AWS) -> None:
    answer = requests.post(f"{aws.codeartifact.url}/v1/packages?{HERE}", timeout=10)
    assert error_of(answer) == (403, "MissingAuthenticationTokenException")


def test_a_request_signed_with_another_secret_is_turned_down(aws: AWS) -> None:
    answer = signed("POST", f"{aws.codeartifact.url}/v1/packages?{HERE}", secret="wrong")
    assert error_of(answer) == (403, "InvalidSignatureException")


def test_a_body_that_was_changed_after_signing_is_turned_down(aws: AWS) -> None:
    url = f"{aws.codeartifact.url}/v1/package/versions/delete?{HERE}&format=pypi&package=p"
    headers = {"Content-Type": "application/json"}
    answer = signed("POST", url, b'{"versions": ["1"]}', headers, sent=b'{"versions": ["2"]}')
    assert error_of(answer) == (403, "InvalidSignatureException")


def test_an_operation_that_the_fake_lacks_says_so(aws: AWS) -> None:
    with pytest.raises(ClientError, match="this fake has no ListDomains"):
        aws.client("codeartifact").list_domains()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "ThrottlingException"),
        ("internal-error", 500, "InternalServerException"),
        ("access-denied", 403, "AccessDeniedException"),
    ],
)
def test_an_ordered_error_has_the_shape_of_each_service(
    kind: str,
    status: int,
    code: str,
    aws: AWS,
) -> None:
    fault = Fault(kind)  # type: ignore[arg-type]
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.5"}
    for service, operation, arguments in (
        (aws.codeartifact, "ListPackages", {"domain": DOMAIN, "repository": REPOSITORY}),
        (aws.codeguru, "CreateUploadUrl", {"scanName": "s"}),
        (aws.inspector, "ScanSbom", {"sbom": sbom}),
    ):
        service.order(operation, Fault(fault.kind))
        client = aws.client(service.name)
        name = {"ListPackages": "list_packages", "ScanSbom": "scan_sbom"}
        call = getattr(client, name.get(operation, "create_upload_url"))
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        call(**arguments)  # the fault was for one call


def test_a_fault_can_be_ordered_for_ever_and_for_several_calls(aws: AWS) -> None:
    client = aws.client("codeartifact")
    aws.codeartifact.order("ListPackages", Fault("throttle", times=2))
    aws.codeartifact.order("ListPackages", Fault("internal-error", times=None))
    codes = []
    for _ in range(5):
        with pytest.raises(ClientError) as caught:
            client.list_packages(domain=DOMAIN, repository=REPOSITORY)
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["ThrottlingException"] * 2 + ["InternalServerException"] * 3


def test_a_reset_breaks_the_connection_before_anything_is_done(aws: AWS) -> None:
    aws.codeartifact.order("CreateDomain", Fault("reset"))
    with pytest.raises(ConnectionClosedError):
        aws.client("codeartifact").create_domain(domain="other")
    assert "other" not in aws.codeartifact.domains


def test_a_lost_reply_breaks_the_connection_when_all_is_done(aws: AWS) -> None:
    aws.codeartifact.order("CreateDomain", Fault("lost-reply"))
    with pytest.raises(ConnectionClosedError):
        aws.client("codeartifact").create_domain(domain="other")
    assert "other" in aws.codeartifact.domains


def test_a_slow_answer_runs_into_the_callers_timeout_and_holds_nobody_up(
    aws: AWS,
) -> None:
    aws.codeartifact.order("ListPackages", Fault("slow", seconds=60))
    started = time.monotonic()
    impatient = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        aws.client("codeartifact", impatient).list_packages(domain=DOMAIN, repository=REPOSITORY)
    assert time.monotonic() - started < 30


def test_the_environment_leads_boto3_to_the_fakes_and_to_moto(
    aws: AWS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    packages = session.client("codeartifact")
    storage = session.client("s3")
    identity = session.client("sts")
    topics = session.client("sns")
    keys = session.client("kms")
    secrets = session.client("secretsmanager")
    parameters = session.client("ssm")
    try:
        assert packages.list_packages(domain=DOMAIN, repository=REPOSITORY)["packages"] == []
        location = {"LocationConstraint": REGION}
        storage.create_bucket(Bucket="decisions", CreateBucketConfiguration=location)  # type: ignore[arg-type]
        assert [b["Name"] for b in storage.list_buckets()["Buckets"]] == ["decisions"]
        assert identity.get_caller_identity()["Account"] == aws.environment["AWS_ACCOUNT_ID"]
        assert topics.create_topic(Name="verdicts")["TopicArn"].endswith(":verdicts")
        assert keys.create_key()["KeyMetadata"]["Enabled"]
        secrets.create_secret(Name="token", SecretString="x")
        assert secrets.get_secret_value(SecretId="token")["SecretString"] == "x"
        parameters.put_parameter(Name="/token", Value="y", Type="SecureString")
        found = parameters.get_parameter(Name="/token", WithDecryption=True)
        assert found["Parameter"]["Value"] == "y"
    finally:
        for client in (packages, storage, identity, topics, keys, secrets, parameters):
            client.close()


def test_nothing_is_left_of_another_test(aws: AWS) -> None:
    assert aws.client("s3").list_buckets()["Buckets"] == []
