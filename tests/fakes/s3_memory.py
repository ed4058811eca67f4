"""S3 in memory with conditional writes, a listing, and answers that can be lost.

As far as the record store uses it; moto's answers to the same requests are compared with it in
`tests/records/test_s3.py`.
"""

import hashlib
import io
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


class NoSuchKey(ClientError):  # noqa: N818 (botocore's name)
    """What `get_object` raises for a key that is not there."""


@dataclass
class _Exceptions:
    NoSuchKey: type[ClientError] = NoSuchKey


@dataclass
class MemoryBucket:
    """What several clients see."""

    objects: dict[str, tuple[bytes, str, dict[str, str]]] = field(default_factory=dict)
    """Key → body, ETag, metadata."""
    encodings: dict[str, str] = field(default_factory=dict)
    """Key → `Content-Encoding`, of objects that have one."""
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Any = field(default_factory=itertools.count)


@dataclass
class MemoryS3:
    """One build's client; `before` and `after` may raise for a lost request or answer."""

    bucket: MemoryBucket
    before: Callable[[str], None] = lambda call: None
    after: Callable[[str], None] = lambda call: None
    exceptions: _Exceptions = field(default_factory=_Exceptions)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self._begin(f"get {Key}")
        with self.bucket.lock:
            found = self.bucket.objects.get(Key)
        self.after(f"get {Key}")
        if found is None:
            raise NoSuchKey({"Error": {"Code": "NoSuchKey", "Message": "none"}}, "GetObject")
        body, etag, metadata = found
        encoding = self.bucket.encodings.get(Key)
        return {
            "Body": io.BytesIO(body),
            "ETag": etag,
            "Metadata": dict(metadata),
            **({"ContentEncoding": encoding} if encoding else {}),
        }

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        Metadata: dict[str, str],  # noqa: N803
        IfMatch: str = "",  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        ContentEncoding: str = "",  # noqa: N803
        **_: str,
    ) -> dict[str, Any]:
        self._begin(f"put {Key}")
        with self.bucket.lock:
            there = self.bucket.objects.get(Key)
            if IfMatch and there is None:
                raise _error("NoSuchKey")
            if (IfMatch and there and there[1] != IfMatch) or (IfNoneMatch and there):
                raise _error("PreconditionFailed")
            # As with KMS: no digest of the bytes, another one for each write.
            etag = hashlib.md5(f"{next(self.bucket.numbers)}".encode()).hexdigest()
            self.bucket.objects[Key] = (Body, f'"{etag}"', Metadata)
            if ContentEncoding:
                self.bucket.encodings[Key] = ContentEncoding
        self.after(f"put {Key}")
        return {"ETag": f'"{etag}"'}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self._begin(f"delete {Key}")
        with self.bucket.lock:
            self.bucket.objects.pop(Key, None)
        self.after(f"delete {Key}")

    def get_paginator(self, name: str) -> "MemoryS3":
        assert name == "list_objects_v2"
        return self

    def paginate(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        Delimiter: str = "",  # noqa: N803
    ) -> list[dict[str, Any]]:
        self._begin(f"list {Prefix}")
        if Delimiter:
            below = (k.removeprefix(Prefix) for k in self.bucket.objects if k.startswith(Prefix))
            folders = {each.partition(Delimiter)[0] for each in below if Delimiter in each}
            return [{"CommonPrefixes": [{"Prefix": f"{Prefix}{f}/"} for f in sorted(folders)]}]
        with self.bucket.lock:
            contents = [
                {"Key": key, "ETag": etag}
                for key, (_, etag, _) in sorted(self.bucket.objects.items())
                if key.startswith(Prefix)
            ]
        self.after(f"list {Prefix}")
        return [{"Contents": contents[n : n + 1000]} for n in range(0, len(contents), 1000)] or [{}]

    def _begin(self, call: str) -> None:
        self.before(call)
        self.bucket.calls.append(call)


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "at least one"}}, "PutObject")


def lost(call: str) -> ReadTimeoutError:
    """What boto3 raises when no answer came."""
    return ReadTimeoutError(endpoint_url=f"https://s3.test/{call}")
