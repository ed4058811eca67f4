"""The record store in S3: every write conditional, one build at a time.

Documents are written with `If-Match` on the ETag that was read, or with `If-None-Match: *` where
none was, so that a write over another build's decision fails instead of winning (S3 user guide,
"Conditional writes"). A lease object keeps two builds from deciding at once: its holder renews it,
and one that stops changing is taken over.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from package_gate.aws.errors import aws_errors, error_code
from package_gate.core.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

LEASE_KEY = "lease"
LOST = {"PreconditionFailed", "ConditionalRequestConflict"}


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the records are and how builds take turns."""

    bucket: str
    prefix: str = ""
    """Ends with `/` when it isn't empty."""
    kms_key_id: str = ""
    """The KMS key that encrypts them; "" for the AWS managed key of S3."""
    lease_seconds: float = 60
    """How long a lease that nobody renews stands before another build takes it over."""
    wait_seconds: float = 1800
    """How long a build waits for its turn."""


class S3Storage:
    """Documents as objects; implements `Storage`."""

    readers = 16
    """A read waits for the network; `aws_destinations` lets the client keep as many connections."""

    def __init__(
        self,
        settings: S3Settings,
        client: "S3Client",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep documents as `settings` says, through a boto3 S3 client."""
        self._settings = settings
        self._client = client
        self._sleep = sleep
        self._clock = clock
        self._etags: dict[str, str] = {}
        self._lease_lost = threading.Event()

    def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        with aws_errors(f"The record {self._address(key)} can't be read", StoreError):
            try:
                answer = self._client.get_object(
                    Bucket=self._settings.bucket, Key=self._settings.prefix + key
                )
                document = answer["Body"].read()
            except self._client.exceptions.NoSuchKey:
                self._etags.pop(key, None)
                return None
        self._etags[key] = answer["ETag"]
        return document

    def write(self, key: str, document: bytes) -> None:
        """See `Storage.write`: over nothing but what this run has read."""
        if self._lease_lost.is_set():
            raise StoreError("This run has lost its lease on the record store to another one.")
        if not self._put(key, document):
            raise StoreError(
                f"Another run has written the record {self._address(key)} meanwhile. "
                "The next run goes by that one."
            )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Storage.exclusive`: waits until no other build holds the lease."""
        self._acquire()
        done = threading.Event()
        renewal = threading.Thread(target=self._renew_until, args=(done,), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            done.set()
            renewal.join()
            if not self._lease_lost.is_set():
                with suppress(StoreError):  # it runs out by itself
                    self._put(LEASE_KEY, b"")

    def _acquire(self) -> None:
        """Take the lease when it is free or has not changed for as long as it lasts.

        Only the holder's writes are watched, never its clock, so clocks need not agree.
        """
        start = seen_since = self._clock()
        seen: str | None = None
        while True:
            holder = self.read(LEASE_KEY)
            now = self._clock()
            if not holder or now - seen_since >= self._settings.lease_seconds:
                if self._put(LEASE_KEY, _holder()):
                    return
                continue
            if self._etags[LEASE_KEY] != seen:
                seen, seen_since = self._etags[LEASE_KEY], now
            if now - start >= self._settings.wait_seconds:
                raise StoreError(
                    f"Another run holds {self._address(LEASE_KEY)} for longer than "
                    f"{self._settings.wait_seconds:.0f} s. Run the gate again when it is done."
                )
            self._sleep(self._settings.lease_seconds / 10)

    def _renew_until(self, done: threading.Event) -> None:
        renewed = self._clock()
        while not done.wait(self._settings.lease_seconds / 4):
            with suppress(StoreError):  # S3 may answer the next time
                if not self._put(LEASE_KEY, _holder()):
                    self._lease_lost.set()
                    return
                renewed = self._clock()
            if self._clock() - renewed >= self._settings.lease_seconds:
                self._lease_lost.set()
                return

    def _put(self, key: str, document: bytes) -> bool:
        """Write over what was read under this key; False when something else stands there now."""
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._settings.bucket,
            "Key": self._settings.prefix + key,
            "Body": document,
            "ContentType": "application/json",
            "ServerSideEncryption": "aws:kms",
        }
        if self._settings.kms_key_id:
            arguments["SSEKMSKeyId"] = self._settings.kms_key_id
        if key in self._etags:
            arguments["IfMatch"] = self._etags[key]
        else:
            arguments["IfNoneMatch"] = "*"
        with aws_errors(f"The record {self._address(key)} can't be written", StoreError):
            try:
                self._etags[key] = self._client.put_object(**arguments)["ETag"]
            except ClientError as error:
                if error_code(error) in LOST:
                    return False
                raise
        return True

    def _address(self, key: str) -> str:
        return f"s3://{self._settings.bucket}/{self._settings.prefix}{key}"


def _holder() -> bytes:
    """A text of its own for every renewal, so that the lease's ETag changes each time."""
    return uuid.uuid4().hex.encode()
