"""Where stages meet: a folder, or a prefix in S3 (`s3`). Who reads there trusts nothing of it.

```
plan.json                   what was planned
requests.csv                the request file that it is for
batches.json                the batches that are still to be scanned
batches/K.json              the packages of batch K
staging/sha256/ab/abcd…     the bytes of files, by their SHA-256
observed/DIGEST.json        what a package did as it ran, where it is observed; written once
evidence/K/DIGEST.json      what the scan of batch K found in a package's bytes; written once
```
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from package_gate.core.errors import SourceError, StoreError
from package_gate.core.files import PIECE, locked, write_atomically

PLAN_KEY = "plan.json"
REQUESTS_KEY = "requests.csv"
OPEN_KEY = "batches.json"
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
"""Of one document; what is longer is not read."""


class Place(Protocol):
    """Where the stages of a run meet. Several threads may use it."""

    def address(self, key: str) -> str:
        """Name a document for people."""
        ...

    def read(self, key: str) -> bytes | None:
        """Give a document, or None when there is none.

        Raises:
            StoreError: it can't be read, or is too long.
        """
        ...

    def write(self, key: str, document: bytes) -> None:
        """Put a document there, in place of one that there is.

        Raises:
            StoreError: it is not known to be there.
        """
        ...

    def write_once(self, key: str, document: bytes) -> bool:
        """Put a document there unless there is one; False when there was.

        Raises:
            StoreError: it is not known to be there.
        """
        ...

    def keys(self, prefix: str) -> set[str]:
        """Give the keys of all documents below a prefix such as `evidence/`.

        Raises:
            StoreError: they could not be told.
        """
        ...

    def has_file(self, sha256: str, size: int) -> bool:
        """Tell whether there is a file that should have this digest, and has this size.

        Raises:
            SourceError: it could not be told.
        """
        ...

    def put_file(self, path: Path, sha256: str) -> None:
        """Keep a file's bytes by their digest, which somebody has checked.

        Raises:
            SourceError: they are not known to be there.
        """
        ...

    def get_file(self, sha256: str, path: Path) -> None:
        """Write the bytes of this digest, and no others, to a new file.

        Raises:
            SourceError: they are not there, or others are.
        """
        ...


def file_key(sha256: str) -> str:
    """Say where the bytes of a digest are."""
    return f"staging/sha256/{sha256[:2]}/{sha256}"


def batch_key(number: int) -> str:
    """Say where the packages of a batch stand."""
    return f"batches/{number}.json"


def evidence_key(batch: int, digest: str) -> str:
    """Say where it stands what the scan of a batch found in a package's bytes."""
    return f"evidence/{batch}/{digest}.json"


def is_missing(sha256: str) -> SourceError:
    """Say that bytes are not there."""
    return SourceError(
        f"the file with the digest {sha256} was not put into staging; the next plan does it"
    )


def is_other(sha256: str, read: str) -> SourceError:
    """Say that other bytes are there."""
    return SourceError(
        f"the bytes in staging that should have the digest {sha256} have {read}: somebody has "
        "changed them"
    )


class FolderPlace:
    """A folder; implements `Place`."""

    def __init__(self, folder: Path) -> None:
        """Meet in this folder, which is made when something is put there."""
        self._folder = folder

    def address(self, key: str) -> str:
        """See `Place.address`."""
        return str(self._folder / key)

    @contextmanager
    def planned(self) -> Iterator[None]:
        """Hold the folder for one plan at a time.

        Raises:
            StoreError: another one is being made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._folder / ".lock"):
                yield
        except BlockingIOError as error:
            raise StoreError(f"Another plan is being written to {self._folder}.") from error

    def read(self, key: str) -> bytes | None:
        """See `Place.read`."""
        path = self._folder / key
        try:
            with path.open("rb") as file:
                content = file.read(MAX_DOCUMENT_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} can't be read: {error.strerror}.") from error
        if len(content) > MAX_DOCUMENT_BYTES:
            raise StoreError(f"{path} is longer than {MAX_DOCUMENT_BYTES >> 20} MiB.")
        return content

    def write(self, key: str, document: bytes) -> None:
        """See `Place.write`."""
        path = self._folder / key
        with self._writing(path):
            write_atomically(path, document)

    def write_once(self, key: str, document: bytes) -> bool:
        """See `Place.write_once`: written beside its place, then linked there."""
        path = self._folder / key
        beside = path.with_name(f".{path.name}-{os.getpid()}")
        with self._writing(path):
            write_atomically(beside, document)
            try:
                os.link(beside, path)
            except FileExistsError:
                return False
            finally:
                beside.unlink()
        return True

    def keys(self, prefix: str) -> set[str]:
        """See `Place.keys`."""
        return {
            path.relative_to(self._folder).as_posix()
            for path in (self._folder / prefix).rglob("*.json")
            if not path.name.startswith(".")
        }

    def has_file(self, sha256: str, size: int) -> bool:
        """See `Place.has_file`."""
        path = self._folder / file_key(sha256)
        with suppress(FileNotFoundError):
            return path.stat(follow_symlinks=False).st_size == size
        return False

    def put_file(self, path: Path, sha256: str) -> None:
        """See `Place.put_file`: linked, where the folder is on the same disk."""
        target = self._folder / file_key(sha256)
        beside = target.with_name(f".{target.name}-{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            try:
                os.link(path, beside)
            except OSError:
                _copy(path, beside)
            beside.replace(target)
        except OSError as error:
            raise SourceError(f"{target} can't be written: {error.strerror}") from error

    def get_file(self, sha256: str, path: Path) -> None:
        """See `Place.get_file`: copied, so that nobody changes it afterwards."""
        source = self._folder / file_key(sha256)
        try:
            read = _copy(source, path)
        except FileNotFoundError as error:
            if path.parent.exists():
                raise is_missing(sha256) from error
            raise
        except OSError as error:
            raise SourceError(f"{source} can't be copied: {error.strerror}") from error
        if read != sha256:
            path.unlink()
            raise is_other(sha256, read)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise StoreError(f"{path} can't be written: {error.strerror}.") from error


def _copy(source: Path, target: Path) -> str:
    """Copy a file to a new one; gives the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(source, flags), "rb") as original, target.open("xb") as copy:
        while piece := original.read(PIECE):
            digest.update(piece)
            copy.write(piece)
    return digest.hexdigest()
