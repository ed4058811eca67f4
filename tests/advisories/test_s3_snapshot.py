"""Advisories that lie in S3, with moto in place of S3."""

import io
import json
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from package_gate.advisories import s3_snapshot as s3_advisories
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.advisories.s3_snapshot import fetch_snapshot
from package_gate.core.errors import ConfigurationError, ScannerError
from tests.fakes.advisories import MODIFIED, advisory
from tests.fakes.aws import AWS, REGION

ADDRESS = "s3://advisories/PyPI/all.zip"


def snapshot() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("PYSEC-2024-1.json"), json.dumps(advisory(versions=["1.0"]))
        )
    return buffer.getvalue()


@pytest.fixture
def bucket(aws: AWS, monkeypatch: pytest.MonkeyPatch) -> AWS:
    """Give S3 with the snapshot, and the environment that leads there."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    client = aws.client("s3")
    client.create_bucket(
        Bucket="advisories", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client.put_object(Bucket="advisories", Key="PyPI/all.zip", Body=snapshot())
    return aws


def test_a_snapshot_is_fetched_and_named_with_what_it_was(bucket: AWS, tmp_path: Path) -> None:
    path, shown = fetch_snapshot(ADDRESS, tmp_path, REGION)
    assert path.read_bytes() == snapshot()
    assert shown.startswith(f'{ADDRESS} (ETag "')
    client = bucket.client("s3")
    client.put_bucket_versioning(Bucket="advisories", VersioningConfiguration={"Status": "Enabled"})
    version = client.put_object(Bucket="advisories", Key="PyPI/all.zip", Body=snapshot())
    _, shown = fetch_snapshot(ADDRESS, tmp_path, REGION)
    assert shown == f"{ADDRESS} (version {version['VersionId']})"


def test_the_source_uses_it(bucket: AWS, tmp_path: Path) -> None:
    with closing(OSV(OSVSettings(ADDRESS, scratch=tmp_path, region=REGION))) as osv:
        [found] = osv.query([NamedPackage("pkg", "1.0")])
        assert [finding.rule for finding in found] == ["PYSEC-2024-1"]
        assert osv.info.data.startswith(f"{ADDRESS} (ETag")
        assert osv.info.data_date == f"{MODIFIED:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("address", "words"),
    [("s3://advisories/none.zip", "NoSuchKey"), ("s3://no-such-bucket/all.zip", "NoSuchBucket")],
)
def test_what_cannot_be_had_leaves_every_package_undecided(
    bucket: AWS, tmp_path: Path, address: str, words: str
) -> None:
    with closing(OSV(OSVSettings(address, scratch=tmp_path, region=REGION))) as osv:
        for ask in (lambda: osv.info, lambda: osv.query([NamedPackage("a", "1")])):
            with pytest.raises(ScannerError, match=words) as raised:
                ask()
            assert address in str(raised.value)


def test_a_snapshot_that_is_too_large_is_refused(
    bucket: AWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_advisories, "MAX_BYTES", 10)
    with pytest.raises(ScannerError, match="larger than 10 bytes"):
        fetch_snapshot(ADDRESS, tmp_path, REGION)


@pytest.mark.parametrize(
    "address", ["s3://advisories", "s3://advisories/folder/", "s3://U:p@b/x.zip", "s3:///x.zip"]
)
def test_an_address_that_names_no_zip_is_a_wrong_argument(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"s3://BUCKET/KEY\.zip"):
        fetch_snapshot(address, tmp_path, REGION)
