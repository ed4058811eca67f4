"""What is signed, in CodeArtifact: against the fake."""

import json
from pathlib import Path

import pytest

from package_gate.publishers.codeartifact import CodeArtifact
from package_gate.publishers.codeartifact_attestations import KEPT_LISTS, NAMESPACE
from package_gate.publishers.interface import PublishedPackage
from tests.fakes.aws import AWS, DOMAIN, REPOSITORY
from tests.fakes.codeartifact_state import PackageKey
from tests.publishers.codeartifact_support import (
    make_publisher,
    published,
    pypi_package,
    retry_at_once,
    wheel,
)


@pytest.fixture
def publisher(aws: AWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CodeArtifact:
    retry_at_once(monkeypatch)
    return make_publisher(aws, tmp_path)


def envelope(key: str, payload: str = "") -> bytes:
    signatures = [{"keyid": key, "sig": ""}]
    document = {"payloadType": "x", "payload": payload, "signatures": signatures}
    return json.dumps(document).encode()


def versions(aws: AWS, package: str) -> dict[str, str]:
    key = PackageKey(DOMAIN, REPOSITORY, "generic", NAMESPACE, package)
    found = aws.codeartifact.packages.get(key, {})
    return {version: each.status for version, each in found.items()}


def content(aws: AWS, package: str, version: str, asset: str = "statement.json") -> bytes:
    answer = aws.client("codeartifact").get_package_version_asset(
        domain=DOMAIN,
        repository=REPOSITORY,
        format="generic",
        namespace=NAMESPACE,
        package=package,
        packageVersion=version,
        asset=asset,
    )
    read: bytes = answer["asset"].read()
    return read


@pytest.fixture
def tool(tmp_path: Path) -> PublishedPackage:
    return published(pypi_package(wheel(tmp_path)))


def test_a_statement_is_found_by_the_files_digest_and_the_key(
    publisher: CodeArtifact, aws: AWS, tool: PublishedPackage
) -> None:
    sha256 = tool.artifacts[0].sha256
    for key in ("aa", "bb", "aa"):
        publisher.attest(tool, envelope(key))
    assert versions(aws, sha256) == {"aa": "Published", "bb": "Published"}
    assert content(aws, sha256, "aa") == envelope("aa")
    publisher.attest(tool, envelope("aa", "of a later decision"))
    assert content(aws, sha256, "aa") == envelope("aa", "of a later decision")
    assert content(aws, sha256, "bb") == envelope("bb")


def test_the_newest_standing_lists_are_kept_so_that_none_is_ever_missing(
    publisher: CodeArtifact, aws: AWS
) -> None:
    posted = [f"list {number}".encode() for number in range(KEPT_LISTS + 2)]
    for each in posted:
        publisher.post_standing_list(each)
    kept = sorted(versions(aws, "standing-list"))
    assert [content(aws, "standing-list", v, "standing-list.json") for v in kept] == (
        posted[-KEPT_LISTS:]
    )
