"""A snapshot of advisories that lies in S3: brought to this machine before scanners start."""

import re
from pathlib import Path

from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.files import PIECE
from package_gate.core.text import printable

SCHEME = "s3://"
MAX_BYTES = 4 * 1024 * 1024 * 1024
"""A zip of all ecosystems that OSV knows has about 1 GiB."""
_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[A-Za-z0-9!_.*'()/=+@:-]{1,1000}\.zip)"
)


def fetch_snapshot(address: str, folder: Path, region: str) -> tuple[Path, str]:
    """Download the zip; its content is checked where it is read.

    Args:
        address: `s3://BUCKET/KEY.zip`.
        folder: an existing folder of the run's own.
        region: of the bucket; "" for boto3's own configuration.

    Returns:
        The file, and the address with the version that it was.

    Raises:
        ConfigurationError: the address is malformed, or boto3 has no credentials' configuration.
        ScannerError: it can't be had, or is too large.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigurationError(
            f"--advisories {printable(address)} is malformed: write s3://BUCKET/KEY.zip."
        )
    path = folder / "advisories.zip"
    config = Config(
        connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5}
    )
    try:
        client = boto3.Session(region_name=region or None).client("s3", config=config)
        answer = client.get_object(Bucket=found["bucket"], Key=found["key"])
        size = 0
        with path.open("wb") as file:
            for piece in answer["Body"].iter_chunks(PIECE):
                size += len(piece)
                if max(size, answer["ContentLength"]) > MAX_BYTES:
                    raise ScannerError(
                        f"The advisories {address} are larger than {MAX_BYTES:,} bytes."
                    )
                file.write(piece)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise ScannerError(
            f"The advisories {address} can't be had: {printable(code)}. Check bucket, key and "
            "region, and that the role has s3:GetObject on it."
        ) from error
    except (BotoCoreError, OSError) as error:
        raise ScannerError(
            f"The advisories {address} can't be had: {printable(str(error))}."
        ) from error
    version = answer.get("VersionId", "")
    mark = f"version {version}" if version not in ("", "null") else f"ETag {answer['ETag']}"
    return path, f"{address} ({printable(mark)})"
