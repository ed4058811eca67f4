"""The place where stages meet: a folder and a prefix in S3 do the same."""

import hashlib
from pathlib import Path

import pytest

from package_gate.core.errors import SourceError, StoreError
from package_gate.staging import place as places
from package_gate.staging.place import FolderPlace, Place, file_key
from package_gate.staging.s3 import Prefix, S3Place
from tests.fakes.aws import AWS

BUCKET = "gate-artifacts"
CONTENT = b"the bytes of a wheel"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def s3_place(aws: AWS, prefix: str = "work/run-1/") -> S3Place:
    client = aws.client("s3")
    client.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return S3Place(Prefix(BUCKET, prefix, "a-key"), client)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return FolderPlace(tmp_path / "work")
    return s3_place(request.getfixturevalue("aws"))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "a.whl"
    path.write_bytes(CONTENT)
    return path


def test_documents_are_read_as_they_were_written(place: Place) -> None:
    assert place.read("plan.json") is None
    place.write("plan.json", b"{}")
    place.write("plan.json", b"[]")
    assert place.read("plan.json") == b"[]"


def test_what_is_written_once_stays(place: Place) -> None:
    assert place.write_once("evidence/0/a.json", b"first")
    assert not place.write_once("evidence/0/a.json", b"second")
    assert place.read("evidence/0/a.json") == b"first"
    place.write_once("evidence/10/a.json", b"")
    assert place.keys("evidence/") == {"evidence/0/a.json", "evidence/10/a.json"}
    assert place.keys("evidence/0/") == {"evidence/0/a.json"}
    assert place.keys("batches/") == set()


def test_bytes_are_had_by_their_digest(place: Place, wheel: Path, tmp_path: Path) -> None:
    assert not place.has_file(DIGEST, len(CONTENT))
    place.put_file(wheel, DIGEST)
    place.put_file(wheel, DIGEST)
    assert place.has_file(DIGEST, len(CONTENT))
    assert not place.has_file(DIGEST, len(CONTENT) + 1)
    wheel.unlink()
    place.get_file(DIGEST, tmp_path / "b.whl")
    assert (tmp_path / "b.whl").read_bytes() == CONTENT


def test_bytes_that_are_missing_or_others_are_not_given(
    place: Place, wheel: Path, tmp_path: Path
) -> None:
    target = tmp_path / "b.whl"
    with pytest.raises(SourceError, match="was not put into staging"):
        place.get_file(DIGEST, target)
    other = "0" * 64
    place.put_file(wheel, other)
    with pytest.raises(SourceError, match=f"should have the digest {other} have {DIGEST}"):
        place.get_file(other, target)
    assert not target.exists()


def test_a_document_without_end_is_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("place", "s3"):
        monkeypatch.setattr(f"package_gate.staging.{module}.MAX_DOCUMENT_BYTES", 1 << 20)
    assert places.MAX_DOCUMENT_BYTES == 1 << 20
    place.write("plan.json", b"x" * ((1 << 20) + 1))
    with pytest.raises(StoreError, match="longer than 1 MiB"):
        place.read("plan.json")


def test_what_is_given_is_a_copy(wheel: Path, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "work")
    place.put_file(wheel, DIGEST)
    place.get_file(DIGEST, tmp_path / "b.whl")
    Path(place.address(file_key(DIGEST))).write_bytes(b"changed afterwards")
    assert (tmp_path / "b.whl").read_bytes() == CONTENT


def test_a_folder_is_planned_once_at_a_time(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "work")
    with place.planned(), pytest.raises(StoreError, match="Another plan"), place.planned():
        pass


def test_what_goes_to_s3_is_encrypted_with_the_key_of_the_records(aws: AWS, wheel: Path) -> None:
    place = s3_place(aws)
    place.write("plan.json", b"{}")
    place.write_once("evidence/0/a.json", b"{}")
    place.put_file(wheel, DIGEST)
    for key in ("plan.json", "evidence/0/a.json", file_key(DIGEST)):
        answer = aws.client("s3").head_object(Bucket=BUCKET, Key=f"work/run-1/{key}")
        assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", "a-key")


def test_a_large_file_goes_in_parts(aws: AWS, tmp_path: Path) -> None:
    place = s3_place(aws)
    content = b"0123456789abcdef" * (9 << 16)  # 9 MiB
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "large.whl").write_bytes(content)
    place.put_file(tmp_path / "large.whl", digest)
    place.get_file(digest, tmp_path / "again.whl")
    assert hashlib.sha256((tmp_path / "again.whl").read_bytes()).hexdigest() == digest


def test_without_the_right_to_read_it_says_what_to_allow(aws: AWS, tmp_path: Path) -> None:
    place = S3Place(Prefix("no-such-bucket", "work/"), aws.client("s3"))
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/work/plan.json can't be read"):
        place.read("plan.json")
    with pytest.raises(SourceError, match="can't be read"):
        place.get_file(DIGEST, tmp_path / "a.whl")
    with pytest.raises(StoreError, match="can't be listed"):
        place.keys("evidence/")
