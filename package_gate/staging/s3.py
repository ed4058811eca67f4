"""A prefix in S3 as the place where stages meet."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from package_gate.aws.errors import aws_errors, error_code
from package_gate.core.errors import SourceError, StoreError
from package_gate.core.files import PIECE
from package_gate.staging.place import MAX_DOCUMENT_BYTES, file_key, is_missing, is_other

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

MISSING = frozenset({"404", "NoSuchKey"})
"""What S3 answers where there is no object; to who may not list, it answers AccessDenied."""
THERE_ALREADY = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
"""What it answers to `If-None-Match: *` where there is one, or two are written at once."""

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Prefix:
    """Where in S3."""

    bucket: str
    prefix: str
    """Ends with `/` when it isn't empty."""
    kms_key_id: str = ""
    """The KMS key that encrypts what is written; "" for the AWS managed key of S3."""


class S3Place:
    """A prefix in S3; implements `Place`."""

    def __init__(self, prefix: Prefix, client: "S3Client") -> None:
        """Meet there, through a boto3 S3 client."""
        self._prefix = prefix
        self._client = client

    def address(self, key: str) -> str:
        """See `Place.address`."""
        return f"s3://{self._prefix.bucket}/{self._prefix.prefix}{key}"

    def read(self, key: str) -> bytes | None:
        """See `Place.read`."""
        with aws_errors(f"{self.address(key)} can't be read", StoreError):
            try:
                answer = self._client.get_object(
                    Bucket=self._prefix.bucket, Key=self._prefix.prefix + key
                )
                content = answer["Body"].read(MAX_DOCUMENT_BYTES + 1)
            except self._client.exceptions.NoSuchKey:
                return None
        if len(content) > MAX_DOCUMENT_BYTES:
            raise StoreError(f"{self.address(key)} is longer than {MAX_DOCUMENT_BYTES >> 20} MiB.")
        return content

    def write(self, key: str, document: bytes) -> None:
        """See `Place.write`."""
        with self._writing(key):
            self._client.put_object(**self._new(key, document))

    def write_once(self, key: str, document: bytes) -> bool:
        """See `Place.write_once`: on the condition that there is none."""
        with self._writing(key):
            try:
                self._client.put_object(**self._new(key, document, once=True))
            except ClientError as error:
                if error_code(error) not in THERE_ALREADY:
                    raise
                return False
        return True

    def keys(self, prefix: str) -> set[str]:
        """See `Place.keys`."""
        with aws_errors(f"{self.address(prefix)} can't be listed", StoreError):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._prefix.bucket, Prefix=self._prefix.prefix + prefix
            )
            return {
                each["Key"].removeprefix(self._prefix.prefix)
                for page in pages
                for each in page.get("Contents", ())
            }

    def has_file(self, sha256: str, size: int) -> bool:
        """See `Place.has_file`."""
        key = file_key(sha256)
        with aws_errors(f"{self.address(key)} can't be looked at", SourceError):
            try:
                return (
                    self._client.head_object(
                        Bucket=self._prefix.bucket, Key=self._prefix.prefix + key
                    )["ContentLength"]
                    == size
                )
            except ClientError as error:
                if error_code(error) not in MISSING:
                    raise
                return False

    def put_file(self, path: Path, sha256: str) -> None:
        """See `Place.put_file`: in parts, when it is large."""
        key = file_key(sha256)
        encryption = {"ServerSideEncryption": "aws:kms"}
        if self._prefix.kms_key_id:
            encryption["SSEKMSKeyId"] = self._prefix.kms_key_id
        failure = f"{self.address(key)} can't be written"
        with aws_errors(failure, SourceError), path.open("rb") as file:
            self._client.upload_fileobj(
                file, self._prefix.bucket, self._prefix.prefix + key, ExtraArgs=encryption
            )

    def get_file(self, sha256: str, path: Path) -> None:
        """See `Place.get_file`: hashed as it arrives; what breaks off is fetched again."""
        key = file_key(sha256)
        for attempt in range(ATTEMPTS):
            try:
                read = self._receive(key, sha256, path)
                break
            except SourceError:
                path.unlink(missing_ok=True)
                if attempt == ATTEMPTS - 1:
                    raise
        if read != sha256:
            path.unlink()
            raise is_other(sha256, read)

    def _receive(self, key: str, sha256: str, path: Path) -> str:
        """Write an object to a new file; gives its SHA-256."""
        digest = hashlib.sha256()
        with aws_errors(f"{self.address(key)} can't be read", SourceError):
            try:
                body = self._client.get_object(
                    Bucket=self._prefix.bucket, Key=self._prefix.prefix + key
                )["Body"]
                with path.open("xb") as file:
                    for piece in body.iter_chunks(PIECE):
                        digest.update(piece)
                        file.write(piece)
            except self._client.exceptions.NoSuchKey as error:
                raise is_missing(sha256) from error
            except OSError as error:
                raise SourceError(f"{path} can't be written: {error.strerror}") from error
        return digest.hexdigest()

    def _new(self, key: str, document: bytes, *, once: bool = False) -> "PutObjectRequestTypeDef":
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._prefix.bucket,
            "Key": self._prefix.prefix + key,
            "Body": document,
            "ContentType": "application/json",
            "ServerSideEncryption": "aws:kms",
        }
        if self._prefix.kms_key_id:
            arguments["SSEKMSKeyId"] = self._prefix.kms_key_id
        if once:
            arguments["IfNoneMatch"] = "*"
        return arguments

    @contextmanager
    def _writing(self, key: str) -> Iterator[None]:
        with aws_errors(f"{self.address(key)} can't be written", StoreError):
            yield
