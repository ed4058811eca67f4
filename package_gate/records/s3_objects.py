"""Objects of a bucket that nobody overwrites unseen: every write is conditional.

An object is written with `If-Match` on the ETag that was read, or with `If-None-Match: *` where
there was none (S3 user guide, "Conditional writes"). A write whose answer was lost is refused when
the SDK repeats it, so a refusal is believed only after a look at what stands there.
"""

import gzip
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from package_gate.aws.errors import aws_errors, error_code
from package_gate.core.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

OVERWRITTEN = {"PreconditionFailed", "NoSuchKey"}
"""What S3 answers when another object stands there than `If-Match` names, or none."""
CONFLICT = "ConditionalRequestConflict"
"""Two writes at the same moment (status 409): S3 says that it should be tried again."""
CONFLICTS = 6
"""So often a write is tried that S3 finds in conflict with another."""
_TYPES = {"html": "text/html; charset=utf-8", "toml": "text/plain; charset=utf-8"}
COMPRESSED = "inventory."
"""How the keys begin of what is large and written often; browsers unpack it by themselves."""
TURN = "turn"
"""The name of the metadata that holds the number of the writer's turn."""


class OverwrittenError(StoreError):
    """Another object stands there than the one that was read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects are."""

    bucket: str
    prefix: str
    """Ends with `/` when it isn't empty."""
    kms_key_id: str = ""
    """The KMS key that encrypts them; "" for the AWS managed key of S3."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read."""

    body: bytes
    etag: str
    turn: int
    """The number of the turn in which it was written; 0 when it says none."""


class Objects:
    """The objects below one prefix."""

    def __init__(
        self, place: Place, client: "S3Client", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Read and write them through a boto3 S3 client."""
        self._place = place
        self._client = client
        self._sleep = sleep

    def address(self, key: str) -> str:
        """Name an object for people."""
        return f"s3://{self._place.bucket}/{self._place.prefix}{key}"

    def get(self, key: str) -> Stored | None:
        """Give an object, or None when there is none.

        Raises:
            StoreError: it could not be read.
        """
        with aws_errors(f"The record {self.address(key)} can't be read", StoreError):
            try:
                answer = self._client.get_object(
                    Bucket=self._place.bucket, Key=self._place.prefix + key
                )
                body = answer["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        if answer.get("ContentEncoding") == "gzip":
            body = gzip.decompress(body)
        number = answer["Metadata"].get(TURN, "")
        return Stored(body, answer["ETag"], int(number) if number.isdecimal() else 0)

    def put(self, key: str, body: bytes, *, over: str | None, turn: int) -> str:
        """Write an object and give its ETag.

        Args:
            key: its name below the prefix.
            body: its bytes.
            over: the ETag of the object that it replaces; None when there is none.
            turn: the number of the writer's turn.

        Raises:
            OverwrittenError: another object stands there.
            StoreError: it is not known to be written.
        """
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._place.bucket,
            "Key": self._place.prefix + key,
            "Body": body,
            "ContentType": _TYPES.get(key.rpartition(".")[2], "application/json"),
            "Metadata": {TURN: str(turn)},
            "ServerSideEncryption": "aws:kms",
        }
        if key.startswith(COMPRESSED):
            arguments["Body"] = gzip.compress(body, 3, mtime=0)
            arguments["ContentEncoding"] = "gzip"
        if self._place.kms_key_id:
            arguments["SSEKMSKeyId"] = self._place.kms_key_id
        if over is None:
            arguments["IfNoneMatch"] = "*"
        else:
            arguments["IfMatch"] = over
        try:
            with aws_errors(f"The record {self.address(key)} can't be written", StoreError):
                return self._put(arguments)
        except StoreError as error:
            there = self._look(key)
            if there and (there.body, there.turn) == (body, turn):
                return there.etag
            cause = error.__cause__
            if isinstance(cause, ClientError) and error_code(cause) in OVERWRITTEN:
                raise OverwrittenError(
                    f"Another run has written the record {self.address(key)} meanwhile."
                ) from error
            raise

    def remove(self, key: str) -> None:
        """Remove an object; none is fine.

        Raises:
            StoreError: it may still be there.
        """
        with aws_errors(f"{self.address(key)} can't be removed", StoreError):
            self._client.delete_object(Bucket=self._place.bucket, Key=self._place.prefix + key)

    def folders(self, prefix: str) -> list[str]:
        """Give the folders that are right below a prefix, with it, each with its `/`.

        Raises:
            StoreError: they could not be listed.
        """
        with aws_errors(f"The records in {self.address(prefix)} can't be listed", StoreError):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.bucket, Prefix=self._place.prefix + prefix, Delimiter="/"
            )
            return [
                each["Prefix"].removeprefix(self._place.prefix)
                for page in pages
                for each in page.get("CommonPrefixes", ())
            ]

    def list(self, prefix: str) -> dict[str, str]:
        """Give the ETag of each object below a prefix, by its key.

        Raises:
            StoreError: they could not be listed.
        """
        with aws_errors(f"The records in {self.address(prefix)} can't be listed", StoreError):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.bucket, Prefix=self._place.prefix + prefix
            )
            return {
                each["Key"].removeprefix(self._place.prefix): each["ETag"]
                for page in pages
                for each in page.get("Contents", ())
            }

    def _put(self, arguments: "PutObjectRequestTypeDef") -> str:
        for attempt in range(CONFLICTS):
            try:
                return self._client.put_object(**arguments)["ETag"]
            except ClientError as error:
                if error_code(error) != CONFLICT or attempt == CONFLICTS - 1:
                    raise
            self._sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 (jitter, no secret)
        raise AssertionError("unreachable")

    def _look(self, key: str) -> Stored | None:
        """Give what stands there, if that can be told."""
        try:
            return self.get(key)
        except StoreError:
            return None
