"""The fake CodeArtifact behaves as the API reference and the user guide say."""

import hashlib
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.fakes.aws import AWS, DOMAIN, REPOSITORY

HERE = {"domain": DOMAIN, "repository": REPOSITORY}
PACKAGE = {**HERE, "format": "generic", "namespace": "tools", "package": "hammer"}


@pytest.fixture
def client(aws: AWS) -> Any:
    """Give a client that tries once."""
    return aws.client("codeartifact")


def publish(
    client: Any, content: bytes = b"bytes", asset: str = "hammer.zip", **more: Any
) -> dict[str, Any]:
    answer: dict[str, Any] = client.publish_package_version(
        **PACKAGE,
        packageVersion=more.pop("version", "1"),
        assetName=asset,
        assetContent=content,
        assetSHA256=more.pop("sha256", hashlib.sha256(content).hexdigest()),
        **more,
    )
    return answer


def download(client: Any, asset: str = "hammer.zip", version: str = "1") -> bytes:
    answer = client.get_package_version_asset(**PACKAGE, packageVersion=version, asset=asset)
    with answer["asset"] as body:
        content: bytes = body.read()
    return content


def change(client: Any, status: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.update_package_versions_status(
        **PACKAGE, versions=["1"], targetStatus=status, **more
    )
    return answer


def test_a_published_asset_is_listed_with_its_digests_and_can_be_downloaded(client: Any) -> None:
    answer = publish(client)
    assert (answer["status"], answer["namespace"], answer["version"]) == ("Published", "tools", "1")
    listed = client.list_package_version_assets(**PACKAGE, packageVersion="1")["assets"]
    assert listed == [answer["asset"]]
    assert listed[0]["hashes"]["SHA-256"] == hashlib.sha256(b"bytes").hexdigest()
    assert download(client) == b"bytes"


def test_the_same_content_again_is_accepted_and_other_content_is_a_conflict(client: Any) -> None:
    publish(client)
    assert publish(client)["status"] == "Published"
    with pytest.raises(client.exceptions.ConflictException):
        publish(client, b"other")
    assert download(client) == b"bytes"


def test_a_published_version_takes_no_more_assets_and_never_is_unfinished_again(
    client: Any,
) -> None:
    publish(client)
    with pytest.raises(client.exceptions.ConflictException):
        publish(client, asset="second.zip")
    assert publish(client, unfinished=True)["status"] == "Published"


def test_an_unfinished_version_takes_assets_until_it_is_published(client: Any) -> None:
    assert publish(client, unfinished=True)["status"] == "Unfinished"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        download(client)
    publish(client, b"two", "second.zip", unfinished=True)
    with pytest.raises(client.exceptions.ConflictException):
        publish(client, b"other", unfinished=True)
    assert change(client, "Published", expectedStatus="Unfinished")["failedVersions"] == {}
    assert (download(client), download(client, "second.zip")) == (b"bytes", b"two")


def test_content_without_the_announced_digest_is_turned_down(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException):
        publish(client, sha256="0" * 64)
    assert client.list_packages(**HERE)["packages"] == []


def test_only_generic_packages_with_a_namespace_are_published_here(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException, match="namespace"):
        client.list_package_versions(**HERE, format="generic", package="hammer")
    with pytest.raises(client.exceptions.ValidationException, match="only generic"):
        client.publish_package_version(
            **{**PACKAGE, "format": "pypi"},
            packageVersion="1",
            assetName="a",
            assetContent=b"",
            assetSHA256=hashlib.sha256(b"").hexdigest(),
        )


@pytest.mark.parametrize("name", ["..", "a/b", "a|b", "a  b", " a", "a:b"])
def test_an_asset_name_that_the_service_does_not_take_is_turned_down(
    name: str, client: Any
) -> None:
    with pytest.raises(client.exceptions.ValidationException):
        publish(client, asset=name)


def test_an_unlisted_version_can_be_downloaded_and_an_archived_one_can_not(client: Any) -> None:
    publish(client)
    change(client, "Unlisted")
    assert download(client) == b"bytes"
    change(client, "Archived")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        download(client)
    with pytest.raises(client.exceptions.ConflictException):
        publish(client)
    change(client, "Published")
    assert download(client) == b"bytes"


def test_a_disposed_version_is_gone_for_good_until_it_is_deleted(client: Any) -> None:
    publish(client)
    client.dispose_package_versions(**PACKAGE, versions=["1"])
    assert client.list_package_version_assets(**PACKAGE, packageVersion="1")["assets"] == []
    failed = change(client, "Published")["failedVersions"]
    assert failed["1"]["errorCode"] == "NOT_ALLOWED"
    client.delete_package_versions(**PACKAGE, versions=["1"])
    publish(client, b"other")
    assert download(client) == b"other"


def test_a_deleted_version_is_not_listed_and_can_be_published_again(client: Any) -> None:
    publish(client)
    answer = client.delete_package_versions(**PACKAGE, versions=["1"])
    assert answer["successfulVersions"]["1"]["status"] == "Deleted"
    assert client.list_package_versions(**PACKAGE)["versions"] == []
    again = client.delete_package_versions(**PACKAGE, versions=["1"])
    assert again["failedVersions"]["1"]["errorCode"] == "NOT_FOUND"
    publish(client, b"other")
    assert download(client) == b"other"


def test_a_change_that_one_version_does_not_allow_skips_the_others(client: Any) -> None:
    publish(client)
    answer = client.delete_package_versions(**PACKAGE, versions=["1", "2"])
    codes = {version: f["errorCode"] for version, f in answer["failedVersions"].items()}
    assert codes == {"1": "SKIPPED", "2": "NOT_FOUND"}
    assert download(client) == b"bytes"


def test_expected_status_and_revision_guard_a_change(client: Any) -> None:
    revision = publish(client)["versionRevision"]
    failed = change(client, "Archived", expectedStatus="Unlisted")["failedVersions"]
    assert failed["1"]["errorCode"] == "MISMATCHED_STATUS"
    failed = change(client, "Archived", versionRevisions={"1": "other"})["failedVersions"]
    assert failed["1"]["errorCode"] == "MISMATCHED_REVISION"
    assert change(client, "Archived", versionRevisions={"1": revision})["failedVersions"] == {}


@pytest.mark.parametrize("status", ["Unfinished", "Disposed", "Deleted"])
def test_a_status_that_can_not_be_set_is_turned_down(status: str, client: Any) -> None:
    publish(client)
    with pytest.raises(client.exceptions.ValidationException):
        change(client, status)


def test_lists_come_in_pages(client: Any) -> None:
    for number in range(5):
        publish(client, version=str(number))
    pages = client.get_paginator("list_package_versions").paginate(
        **PACKAGE, PaginationConfig={"PageSize": 2}
    )
    sizes = [len(page["versions"]) for page in pages]
    assert sizes == [2, 2, 1]
    published = client.list_package_versions(**PACKAGE, status="Archived")
    assert published["versions"] == []


@pytest.mark.parametrize(
    ("change_of", "kind"),
    [
        ({"domain": "other"}, "domain"),
        ({"domainOwner": "000000000000"}, "domain"),
        ({"repository": "other"}, "repository"),
        ({"package": "other"}, "package"),
    ],
)
def test_what_is_missing_is_named(change_of: dict[str, str], kind: str, client: Any) -> None:
    publish(client)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.list_package_versions(**{**PACKAGE, **change_of})
    assert caught.value.response["resourceType"] == kind


@pytest.mark.parametrize("seconds", [1, 899])
def test_a_token_for_less_than_a_quarter_of_an_hour_is_turned_down(
    seconds: int, client: Any
) -> None:
    with pytest.raises(client.exceptions.ValidationException):
        client.get_authorization_token(domain=DOMAIN, durationSeconds=seconds)


def pypi_status(aws: AWS, user: str, token: str, path: str = "simple/hammer/") -> int:
    url = f"{aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/{path}"
    return requests.get(url, auth=(user, token), timeout=10).status_code


def upload(
    aws: AWS,
    token: str,
    content: bytes = b"wheel",
    **more: str,
) -> int:
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": "hammer",
        "version": "1.0",
        "filetype": "bdist_wheel",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        **more,
    }
    url = f"{aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/"
    files = {"content": ("hammer-1.0-py3-none-any.whl", content)}
    answer = requests.post(url, data=form, files=files, auth=("aws", token), timeout=10)
    return answer.status_code


@pytest.fixture
def token(client: Any) -> str:
    """Give an authorization token."""
    return str(client.get_authorization_token(domain=DOMAIN)["authorizationToken"])


def test_the_pypi_endpoint_asks_for_the_user_aws_and_a_valid_token(
    aws: AWS,
    token: str,
) -> None:
    url = f"{aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/simple/hammer/"
    assert requests.get(url, timeout=10).status_code == 401
    assert pypi_status(aws, "aws", "invented") == 401
    assert pypi_status(aws, "somebody", token) == 401
    assert pypi_status(aws, "aws", token) == 404
    aws.codeartifact.expire_tokens()
    assert pypi_status(aws, "aws", token) == 401


def test_an_upload_is_listed_as_a_package_version_and_a_second_one_is_a_409(
    aws: AWS,
    client: Any,
    token: str,
) -> None:
    assert upload(aws, token) == 200
    assert upload(aws, token) == 409
    assert upload(aws, token, b"other") == 409
    package = {**HERE, "format": "pypi", "package": "hammer"}
    (version,) = client.list_package_versions(**package)["versions"]
    (asset,) = client.list_package_version_assets(**package, packageVersion="1.0")["assets"]
    assert (version["version"], version["status"]) == ("1.0", "Published")
    assert asset["name"] == "hammer-1.0-py3-none-any.whl"
    assert asset["hashes"]["SHA-256"] == hashlib.sha256(b"wheel").hexdigest()
    assert pypi_status(aws, "aws", token) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "anvil"},
        {"version": "2.0"},
        {"version": "none"},
        {"sha256_digest": "0" * 64},
        {":action": "submit"},
    ],
)
def test_an_upload_that_contradicts_itself_is_turned_down(
    wrong: dict[str, str],
    aws: AWS,
    token: str,
) -> None:
    assert upload(aws, token, b"wheel", **wrong) == 400
    assert aws.codeartifact.packages == {}


def test_pypi_files_appear_and_disappear_with_their_versions_status(
    aws: AWS,
    client: Any,
    token: str,
) -> None:
    upload(aws, token)
    package = {**HERE, "format": "pypi", "package": "hammer", "versions": ["1.0"]}
    page, file = "simple/hammer/", "packages/hammer-1.0-py3-none-any.whl"

    def seen() -> tuple[int, int]:
        return pypi_status(aws, "aws", token, page), pypi_status(aws, "aws", token, file)

    assert seen() == (200, 200)
    client.update_package_versions_status(**package, targetStatus="Unlisted")
    assert seen() == (404, 200)
    client.update_package_versions_status(**package, targetStatus="Archived")
    assert seen() == (404, 404)
    assert upload(aws, token) == 409
    client.update_package_versions_status(**package, targetStatus="Published")
    assert seen() == (200, 200)
    client.delete_package_versions(**package)
    assert seen() == (404, 404)
    assert upload(aws, token, b"other") == 200


def test_a_domain_and_a_repository_can_be_created_once(client: Any) -> None:
    client.create_domain(domain="other")
    client.create_repository(domain="other", repository="packages")
    described = client.describe_repository(domain="other", repository="packages")["repository"]
    assert described["upstreams"] == described["externalConnections"] == []
    with pytest.raises(ClientError, match="exists"):
        client.create_domain(domain="other")
    with pytest.raises(ClientError, match="exists"):
        client.create_repository(domain="other", repository="packages")


def test_a_version_can_be_described(client: Any) -> None:
    publish(client)
    described = client.describe_package_version(**PACKAGE, packageVersion="1")["packageVersion"]
    assert (described["packageName"], described["status"]) == ("hammer", "Published")
    assert described["publishedTime"].tzinfo is not None
