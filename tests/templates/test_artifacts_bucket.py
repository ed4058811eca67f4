"""`cfn/artifacts-bucket.yaml`: who reaches the buckets, and what they forget."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.templates.iam import Request, evaluate, role, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, render
from tests.templates.template import CFN, TemplateError

BUCKETS = ("ArtifactsBucket", "AccessLogBucket")
DEPLOYER = role(f"arn:aws:iam::{ACCOUNT}:role/deployer")
OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def stack(**parameters: str) -> Rendered:
    return render("artifacts-bucket.yaml", parameters, stack="gate-artifacts")


def rules(bucket: str, **parameters: str) -> list[dict[str, Any]]:
    properties = stack(**parameters).resources[bucket].properties
    found: list[dict[str, Any]] = properties["LifecycleConfiguration"]["Rules"]
    return found


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_closed_versioned_and_encrypted(bucket: str) -> None:
    properties = stack().resources[bucket].properties
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    # User guide, "Configuring your bucket to use an S3 Bucket Key": it is for the objects that are
    # put with SSE-KMS, whatever the bucket's default is.
    assert encryption.get("BucketKeyEnabled", False) is (bucket == "ArtifactsBucket")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert list(properties["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert "BucketName" not in properties


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}, True),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.2"}, True),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.1"}, False),
        ({"aws:SecureTransport": "false"}, False),
    ],
    ids=["tls13", "tls12", "tls11", "plain"],
)
def test_a_bucket_is_reached_over_current_tls_only(
    bucket: str, context: dict[str, str | list[str]], expected: bool
) -> None:
    made = stack().resources
    policy = made[f"{bucket}Policy"].properties["PolicyDocument"]
    name = made[bucket].attributes["Arn"]

    for action, resource in (("s3:ListBucket", name), ("s3:GetObject", f"{name}/gate/1")):
        request = Request(DEPLOYER, action, resource, context)
        assert bool(evaluate(request, identity=[OPEN], resource=[policy])) is expected


def test_access_is_logged_to_the_second_bucket() -> None:
    made = stack().resources
    logging = made["ArtifactsBucket"].properties["LoggingConfiguration"]
    policy = made["AccessLogBucketPolicy"].properties["PolicyDocument"]
    target = f"{made['AccessLogBucket'].attributes['Arn']}/{logging['LogFilePrefix']}2026-11-23"

    def delivered(account: str, source: str) -> bool:
        request = Request(
            service("logging.s3.amazonaws.com", account),
            "s3:PutObject",
            target,
            {"aws:SourceArn": source, "s3:TlsVersion": "1.3"},
        )
        return bool(evaluate(request, resource=[policy]))

    artifacts = made["ArtifactsBucket"].attributes["Arn"]
    assert logging["DestinationBucketName"] == made["AccessLogBucket"].ref
    assert delivered(ACCOUNT, artifacts)
    assert not delivered("999988887777", artifacts)
    assert not delivered(ACCOUNT, "arn:aws:s3:::another")


@pytest.mark.parametrize("prefix", ["", "package-gate", "d", "ga"])
def test_records_and_the_gates_code_never_expire(prefix: str) -> None:
    kept = ("decisions/codeartifact/1.json", "gate/0123.tar.gz", "templates/0123/scan.yaml")

    for rule in rules("ArtifactsBucket", PipelineArtifactsPrefix=prefix):
        if {"ExpirationInDays", "NoncurrentVersionExpiration"} & set(rule):
            assert rule["Prefix"].endswith("/")
            assert not any(key.startswith(rule["Prefix"]) for key in kept)


@pytest.mark.parametrize("prefix", ["package-gate/", "cache/"])
def test_artifacts_and_caches_expire_with_their_old_versions(prefix: str) -> None:
    found = rules(
        "ArtifactsBucket", PipelineArtifactsPrefix="package-gate", ArtifactRetentionDays="14"
    )
    (rule,) = [each for each in found if each.get("Prefix") == prefix]

    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == "14"
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == "14"


@pytest.mark.parametrize("bucket", BUCKETS)
def test_incomplete_uploads_are_aborted_everywhere(bucket: str) -> None:
    everywhere = [rule for rule in rules(bucket) if "Prefix" not in rule]

    assert any(
        "AbortIncompleteMultipartUpload" in rule and rule["Status"] == "Enabled"
        for rule in everywhere
    )


def test_what_stages_hand_over_goes_after_its_days_and_its_old_versions_at_once() -> None:
    found = rules("ArtifactsBucket", WorkRetentionDays="3")
    (rule,) = [each for each in found if each.get("Prefix") == "work/"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", "3")
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_access_logs_expire() -> None:
    (rule,) = rules("AccessLogBucket", AccessLogRetentionDays="400")

    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", "400")
    # An expired log of a versioned bucket would otherwise stay as an old version for ever.
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


@pytest.mark.parametrize("prefix", ["decisions", "gate", "templates", "cache", "a/b", "a" * 21])
def test_a_prefix_that_means_something_else_is_refused(prefix: str) -> None:
    with pytest.raises(TemplateError, match="PipelineArtifactsPrefix"):
        stack(PipelineArtifactsPrefix=prefix)


def test_the_next_stacks_find_the_buckets() -> None:
    made = stack()

    assert made.outputs["BucketName"] == made.resources["ArtifactsBucket"].ref
    assert made.exports["gate-artifacts-LogBucketName"] == made.resources["AccessLogBucket"].ref


def test_the_stack_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    template = (CFN / "artifacts-bucket.yaml").read_text()
    with mock_aws():
        cloudformation = boto3.client("cloudformation", REGION)
        with pytest.warns(UserWarning, match="BucketPolicy"):  # moto has no such type
            cloudformation.create_stack(StackName="gate-artifacts", TemplateBody=template)
        (made,) = cloudformation.describe_stacks(StackName="gate-artifacts")["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
        listed = boto3.client("s3", REGION).list_buckets()["Buckets"]

    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert {each["Name"] for each in listed} == set(outputs.values())
