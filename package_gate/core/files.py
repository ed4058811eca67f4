"""Writing files so that a reader, or a run after a kill, finds the old or the new one whole."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 20


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when the block ends without an error.

    It is written beside its place, flushed to the disk, and renamed over the old one. Its name is
    the same each time, so that the run after a kill clears away what was half written. Each caller
    sees to it that nobody else writes the same file meanwhile.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # as long as any name may be
    temporary = path.with_name(f".new-{name}")
    try:
        made = temporary.open("xb")
    except FileExistsError:
        temporary.unlink()
        made = temporary.open("xb")
    try:
        with made as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


def sha256_of(path: Path) -> str:
    """Hash a file: 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_verified(source: Path, target: Path, sha256: str) -> None:
    """Copy a file whose bytes must have this digest; nothing is left when they have another.

    Raises:
        ValueError: they have another; its text is the digest that was read.
    """
    digest = hashlib.sha256()
    with source.open("rb") as original, replacing(target) as copy:
        while piece := original.read(PIECE):
            digest.update(piece)
            copy.write(piece)
        if digest.hexdigest() != sha256:
            raise ValueError(digest.hexdigest())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file until the block ends or the process dies.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it can't be made, or is a link: what that points at is nobody's lock.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
