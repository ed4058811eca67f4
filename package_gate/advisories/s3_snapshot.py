"""A snapshot of advisories that lies in S3: brought to this machine at the first question."""

import re
from pathlib import Path
from typing import Any

from package_gate.aws.errors import aws_errors
from package_gate.aws.session import AWSSession
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.files import PIECE
from package_gate.core.text import printable

SCHEME = "s3://"
MAX_BYTES = 4 * 1024 * 1024 * 1024
"""A zip of all ecosystems that OSV knows has about 1 GiB."""
_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[A-Za-z0-9!_.*'()/=+@:-]{1,1000}\.zip)"
)


def check_address(address: str) -> re.Match[str]:
    """Read an address `s3://BUCKET/KEY.zip`.

    Raises:
        ConfigurationError: it is malformed.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigurationError(
            f"--advisories {printable(address)} is malformed: write s3://BUCKET/KEY.zip."
        )
    return found


def fetch_snapshot(address: str, folder: Path, region: str) -> tuple[Path, str]:
    """Download the zip; its content is checked where it is read.

    Args:
        address: `s3://BUCKET/KEY.zip`.
        folder: an existing folder of the run's own.
        region: of the bucket; "" for boto3's own configuration.

    Returns:
        The file, and the address with the version that it was.

    Raises:
        ConfigurationError: the address is malformed, or boto3's configuration can't be used.
        ScannerError: it can't be had, or is too large.
    """
    found = check_address(address)
    path = folder / "advisories.zip"
    client = AWSSession(region).client("s3")
    failure = f"The advisories {address} can't be had"
    advice = "Check bucket, key and region, and that the role has s3:GetObject on it."
    with aws_errors(failure, ScannerError, advice={}, otherwise=advice):
        answer = client.get_object(Bucket=found["bucket"], Key=found["key"])
        try:
            _save(answer, path, address)
        except OSError as error:
            raise ScannerError(f"{failure}: {printable(str(error))}.") from error
    version = answer.get("VersionId", "")
    mark = f"version {version}" if version not in ("", "null") else f"ETag {answer['ETag']}"
    return path, f"{address} ({printable(mark)})"


def _save(answer: Any, path: Path, address: str) -> None:
    size = 0
    with path.open("wb") as file:
        for piece in answer["Body"].iter_chunks(PIECE):
            size += len(piece)
            if max(size, answer["ContentLength"]) > MAX_BYTES:
                raise ScannerError(f"The advisories {address} are larger than {MAX_BYTES:,} bytes.")
            file.write(piece)
