"""Archives in CodeArtifact: against the fake, downloaded with the real AWS CLI."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageSummary, Verdict
from package_gate.core.errors import PublishError
from package_gate.core.request import ArchiveSource, Request
from package_gate.publishers.codeartifact import CodeArtifact
from package_gate.publishers.codeartifact_api import CodeArtifactRepository
from package_gate.publishers.interface import ApprovedPackage, archive_version
from tests.fakes.aws import AWS, DOMAIN, REPOSITORY
from tests.fakes.aws_service import Fault
from tests.fakes.codeartifact_state import PackageKey
from tests.publishers.codeartifact_support import (
    DECIDED,
    NAME,
    archive,
    make_publisher,
    published,
    pypi_package,
    retry_at_once,
    run,
    wheel,
    zip_bytes,
)

KEY = PackageKey(DOMAIN, REPOSITORY, "generic", NAME, NAME)
PACKAGE = {
    "domain": DOMAIN,
    "repository": REPOSITORY,
    "format": "generic",
    "namespace": NAME,
    "package": NAME,
}
PUT = "PublishPackageVersion"
FINISH = "UpdatePackageVersionsStatus"
DELETE = "DeletePackageVersions"


@pytest.fixture
def publisher(aws: AWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeArtifact]:
    """Publish to the fake, retrying at once; every request must be valid."""
    retry_at_once(monkeypatch)
    yield make_publisher(aws, tmp_path)
    assert aws.codeartifact.rejected == []


def plant(aws: AWS, version: str, asset: str, content: bytes, unfinished: bool = False) -> None:
    """Publish as somebody else."""
    aws.client("codeartifact").publish_package_version(
        **PACKAGE,
        packageVersion=version,
        assetName=asset,
        assetContent=content,
        assetSHA256=hashlib.sha256(content).hexdigest(),
        unfinished=unfinished,
    )


def summary(package: ApprovedPackage) -> PackageSummary:
    artifacts = tuple(file.artifact for file in package.files)
    return PackageSummary(
        package.name, package.version, package.origin, Verdict.APPROVED, artifacts
    )


def latest_bytes(aws: AWS) -> bytes | None:
    """What a reader of `Latest` gets; None when it is not found."""
    version = aws.codeartifact.packages.get(KEY, {}).get("Latest")
    if version is None or version.status != "Published":
        return None
    (asset,) = version.assets.values()
    return asset.path.read_bytes()


def test_the_offered_aws_cli_command_downloads_the_scanned_bytes(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    assert publisher.publish(package) == (
        f"codeartifact://research/approved-packages/generic/{NAME}/{archive_version(package)}"
    )
    request = Request(NAME, ArchiveSource("https://code.test/master.zip"), "", 1)
    command = publisher.offer(request, [published(package)])
    assert command == (
        "aws codeartifact get-package-version-asset --domain research --domain-owner 123456789012 "
        "--repository approved-packages --format generic --namespace langchain --package langchain "
        "--package-version Latest --asset langchain.zip langchain.zip"
    )
    done = run(command, aws.environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "langchain.zip").read_bytes() == zip_bytes("scanned")


def test_a_wheel_by_its_address_keeps_its_name_and_the_command_installs_it(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    filename = package.files[0].artifact.filename
    package = replace(package, name=NAME, origin=Origin.ARCHIVE)
    publisher.publish(package)
    request = Request(NAME, ArchiveSource(f"https://code.test/{filename}"), "", 1)
    command = publisher.offer(request, [published(package)])
    assert command.endswith(f" pip install ./{filename}")
    assert " login --tool pip " in command
    download = command.split(" && ")[0]
    done = run(download, aws.environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / filename).read_bytes() == package.files[0].path.read_bytes()


def test_an_archive_is_an_immutable_version_and_latest(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    publisher.publish(package)
    assert aws.codeartifact.status(KEY) == {
        archive_version(package): "Published",
        "Latest": "Published",
    }


def test_publishing_again_sends_nothing_again(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    publisher.publish(package)
    publisher.publish(package)
    counts = {name: aws.codeartifact.count(name) for name in (PUT, FINISH, DELETE)}
    assert counts == {PUT: 2, FINISH: 2, DELETE: 0}


def test_a_newer_archive_replaces_latest_and_leaves_the_older_version(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    old = archive(tmp_path, zip_bytes("old"))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    publisher.publish(old)
    publisher.publish(new)
    assert latest_bytes(aws) == zip_bytes("new")
    assert aws.codeartifact.status(KEY)[archive_version(old)] == "Published"


def test_latest_is_what_was_published_last_whatever_the_clocks_said(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    old = archive(tmp_path, zip_bytes("old"))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    publisher.publish(new)
    publisher.publish(old)
    assert latest_bytes(aws) == zip_bytes("old")
    assert aws.codeartifact.status(KEY)[archive_version(new)] == "Published"


def test_an_offer_makes_latest_what_the_request_was_decided_about(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    old = archive(tmp_path, zip_bytes("old"))
    publisher.publish(old)
    publisher.publish(archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1)))
    request = Request(NAME, ArchiveSource("https://code.test/master.zip"), "", 1)
    publisher.offer(request, [published(old)])
    assert latest_bytes(aws) == zip_bytes("old")


def test_when_the_new_latest_cannot_be_published_the_earlier_one_is_put_back(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    publisher.publish(archive(tmp_path, zip_bytes("old")))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    aws.codeartifact.order(FINISH, Fault("slow"))  # that of the immutable version
    aws.codeartifact.order(FINISH, Fault("access-denied"))
    with pytest.raises(PublishError, match="Latest is the earlier one again"):
        publisher.publish(new)
    assert latest_bytes(aws) == zip_bytes("old")
    publisher.publish(new)
    assert latest_bytes(aws) == zip_bytes("new")


@pytest.mark.parametrize("left", [[], ["Latest"]], ids=["none", "unfinished"])
def test_a_latest_that_a_kill_has_left_missing_is_repaired_without_the_files(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path, left: list[str]
) -> None:
    old = archive(tmp_path, zip_bytes("old"))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    publisher.publish(old)
    publisher.publish(new)
    aws.client("codeartifact").delete_package_versions(**PACKAGE, versions=["Latest"])
    for version in left:
        plant(aws, version, f"{NAME}.zip", b"half", unfinished=True)
    publisher.repair(summary(old))
    assert latest_bytes(aws) == zip_bytes("old")
    publisher.repair(summary(new))
    assert latest_bytes(aws) == zip_bytes("old")  # nothing is missing any more


def test_a_reader_of_latest_never_gets_wrong_bytes_while_it_is_replaced(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    publisher.publish(archive(tmp_path, zip_bytes("old")))
    for operation in (PUT, FINISH, DELETE):
        aws.codeartifact.order(operation, Fault("slow", times=None, seconds=0.05))
    client = aws.client("codeartifact")
    seen: set[bytes | None] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                answer = client.get_package_version_asset(
                    **PACKAGE, packageVersion="Latest", asset=f"{NAME}.zip"
                )
                with answer["asset"] as body:
                    seen.add(body.read())
            except client.exceptions.ResourceNotFoundException:
                seen.add(None)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
        publisher.publish(new)
        deadline = time.monotonic() + 10
        while zip_bytes("new") not in seen and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        stop.set()
        reader.join()
    assert seen == {zip_bytes("old"), None, zip_bytes("new")}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(5))
def test_a_run_that_dies_at_any_step_is_finished_by_the_next(
    step: int,
    when: str,
    publisher: CodeArtifact,
    aws: AWS,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps: put and finish the version; delete, put and finish `Latest`."""
    publisher.publish(archive(tmp_path, zip_bytes("old")))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    steps: list[str] = []

    def dies(method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            steps.append(method.__name__)
            dead = len(steps) == step + 1
            if dead and when == "before":
                raise KeyboardInterrupt
            result = method(*arguments)
            if dead:
                raise KeyboardInterrupt
            return result

        return call

    with monkeypatch.context() as killing:
        for name in ("put_unfinished", "finish", "delete"):
            killing.setattr(
                CodeArtifactRepository, name, dies(getattr(CodeArtifactRepository, name))
            )
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(new)
    expected = ["put_unfinished", "finish", "delete", "put_unfinished", "finish"]
    assert steps == expected[: step + 1]
    publisher.publish(new)
    assert latest_bytes(aws) == zip_bytes("new")
    assert set(aws.codeartifact.status(KEY).values()) == {"Published"}
    assert aws.codeartifact.count(PUT) == 4  # what had been sent was not sent again


@pytest.mark.parametrize("content", [b"", b"other"])
def test_an_unfinished_version_with_other_bytes_is_replaced(
    content: bytes, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    for version in ("Latest", archive_version(package)):
        plant(aws, version, "left-over", content, unfinished=True)
    publisher.publish(package)
    assert latest_bytes(aws) == zip_bytes("scanned")


@pytest.mark.parametrize("operation", [PUT, FINISH, DELETE, "ListPackageVersionAssets"])
@pytest.mark.parametrize("kind", ["throttle", "internal-error", "reset", "lost-reply"])
def test_a_passing_fault_is_retried(
    operation: str, kind: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    publisher.publish(archive(tmp_path, zip_bytes("old")))
    aws.codeartifact.order(operation, Fault(kind, times=2))  # type: ignore[arg-type]
    publisher.publish(archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1)))
    assert latest_bytes(aws) == zip_bytes("new")


@pytest.mark.parametrize("kind", ["internal-error", "throttle", "access-denied", "reset"])
def test_a_lasting_fault_is_an_error_that_names_the_operation(
    kind: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(PUT, Fault(kind, times=None))  # type: ignore[arg-type]
    with pytest.raises(PublishError, match="CodeArtifact PublishPackageVersion for langchain"):
        publisher.publish(archive(tmp_path, zip_bytes("scanned")))
    assert "Published" not in aws.codeartifact.status(KEY).values()


@pytest.mark.parametrize("operation", [PUT, "ListPackageVersionAssets"])
def test_a_wrong_digest_from_the_service_publishes_nothing(
    operation: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    aws.codeartifact.order(operation, Fault("wrong-digest"))
    with pytest.raises(PublishError, match=package.files[0].artifact.sha256) as caught:
        publisher.publish(package)
    assert "0" * 64 in str(caught.value)
    assert aws.codeartifact.status(KEY) == {}


def test_bytes_that_changed_on_the_disk_after_the_scan_are_not_published(
    aws: AWS,
    tmp_path: Path,
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    package.files[0].path.write_bytes(zip_bytes("another"))
    with pytest.raises(PublishError, match="SHA-256"):
        make_publisher(aws, tmp_path).publish(package)
    assert aws.codeartifact.status(KEY) == {}


def test_other_bytes_under_the_immutable_version_are_an_error_with_both_digests(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    other = archive(tmp_path, zip_bytes("planted")).files[0]
    plant(aws, archive_version(package), f"{NAME}.zip", other.path.read_bytes())
    with pytest.raises(PublishError) as caught:
        publisher.publish(package)
    assert package.files[0].artifact.sha256 in str(caught.value)
    assert other.artifact.sha256 in str(caught.value)
    assert latest_bytes(aws) is None


@pytest.mark.parametrize("status", ["Archived", "Unlisted"])
def test_a_version_that_people_have_hidden_is_not_brought_back(
    status: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    publisher.publish(package)
    aws.codeartifact.packages[KEY]["Latest"].status = status
    with pytest.raises(PublishError, match=f"Latest is {status}"):
        publisher.publish(package)
    assert aws.codeartifact.status(KEY)["Latest"] == status


@pytest.mark.parametrize(
    ("kind", "filename", "asset"),
    [
        ("zip", "download", f"{NAME}.zip"),
        ("zip", "misnamed.tar.gz", f"{NAME}.zip"),
        ("tar.gz", "langchain.tgz", f"{NAME}.tar.gz"),
        ("tar.bz2", "l.zip", f"{NAME}.tar.bz2"),
        ("tar", "l.tar", f"{NAME}.tar"),
        ("", "approved-before-kinds-were-recorded.tbz", f"{NAME}.tar.bz2"),
        ("zip", "tiny_tool-1.0-py3-none-any.whl", "tiny_tool-1.0-py3-none-any.whl"),
        ("zip", "../;$(id).whl", f"{NAME}.zip"),
    ],
)
def test_the_asset_has_the_extension_of_its_bytes(
    kind: str, filename: str, asset: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    publisher.publish(archive(tmp_path, b"whatever the scan said", filename=filename, kind=kind))
    assert list(aws.codeartifact.packages[KEY]["Latest"].assets) == [asset]


@pytest.mark.parametrize("kind", ["", "rar", "zip/../../x"])
def test_what_is_no_archive_is_not_published(
    publisher: CodeArtifact, tmp_path: Path, kind: str
) -> None:
    with pytest.raises(PublishError, match="no archive"):
        publisher.publish(archive(tmp_path, b"<html>", filename="download", kind=kind))


def test_a_withdrawn_archive_is_gone_from_latest_and_from_every_version_with_its_bytes(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    good = archive(tmp_path, zip_bytes("good"))
    bad = archive(tmp_path, zip_bytes("bad"), DECIDED + timedelta(days=1))
    again = archive(tmp_path, zip_bytes("bad"), DECIDED + timedelta(days=2))
    for package in (good, bad, again):
        publisher.publish(package)
    assert publisher.withdraw(published(again))
    assert not publisher.withdraw(published(again))
    assert aws.codeartifact.status(KEY) == {
        archive_version(good): "Published",
        archive_version(bad): "Archived",
        archive_version(again): "Archived",
    }


def test_a_withdrawn_archive_is_restored_where_it_is_hidden_and_offered_again(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    place = publisher.publish(package)
    publisher.withdraw(published(package))
    later = replace(published(package), decided_at=DECIDED + timedelta(days=9))
    assert publisher.restore(later) == place
    assert publisher.restore(later) == place  # after a kill
    request = Request(NAME, ArchiveSource("https://code.test/master.zip"), "", 1)
    publisher.offer(request, [later])
    assert latest_bytes(aws) == zip_bytes("scanned")


def test_a_malicious_archive_is_gone_for_good(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = archive(tmp_path, zip_bytes("bad"))
    publisher.publish(package)
    malware = replace(published(package), malware=True)
    assert publisher.withdraw(malware)
    assert not publisher.withdraw(malware)
    assert aws.codeartifact.status(KEY) == {archive_version(package): "Disposed"}
    assert publisher.restore(published(package)) == ""
    publisher.publish(package)
    assert latest_bytes(aws) == zip_bytes("bad")


def test_withdrawing_an_old_archive_leaves_a_latest_with_other_bytes(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    old = archive(tmp_path, zip_bytes("old"))
    new = archive(tmp_path, zip_bytes("new"), DECIDED + timedelta(days=1))
    publisher.publish(old)
    publisher.publish(new)
    publisher.withdraw(published(old))
    assert latest_bytes(aws) == zip_bytes("new")
    assert aws.codeartifact.status(KEY)[archive_version(old)] == "Archived"


def test_a_withdrawn_archive_is_not_offered(publisher: CodeArtifact, tmp_path: Path) -> None:
    package = archive(tmp_path, zip_bytes("scanned"))
    publisher.publish(package)
    publisher.withdraw(published(package))
    request = Request(NAME, ArchiveSource("https://code.test/master.zip"), "", 1)
    with pytest.raises(PublishError, match="has no published version"):
        publisher.offer(request, [published(package)])


def test_a_latest_with_more_than_one_file_is_not_offered(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    plant(aws, "Latest", "one.zip", b"1", unfinished=True)
    plant(aws, "Latest", "two.zip", b"2")
    package = archive(tmp_path, zip_bytes("scanned"))
    request = Request(NAME, ArchiveSource("https://code.test/master.zip"), "", 1)
    with pytest.raises(PublishError, match="has no published version"):
        publisher.offer(request, [published(package)])


def test_a_repository_that_does_not_exist_is_an_error_that_says_what_to_check(
    aws: AWS,
    tmp_path: Path,
) -> None:
    publisher = make_publisher(aws, tmp_path, repository="no-such-repository")
    with pytest.raises(PublishError, match="Check the names of the domain and the repository"):
        publisher.publish(archive(tmp_path, zip_bytes("scanned")))
