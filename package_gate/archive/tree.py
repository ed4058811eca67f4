"""The folder that an archive is unpacked into, and nothing outside it.

Every folder is opened relative to its parent's descriptor without following links, every file is
created with `O_EXCL`, and no link is ever made: whatever names an archive holds, a write can only
land in a folder that was made here. Modes, owners and times of the archive are not applied.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from package_gate.archive.limits import CHUNK
from package_gate.core.errors import ArchiveError

HEAD_BYTES = 512
"""So many first bytes of each file are handed back, to recognise nested archives."""
TAIL_BYTES = 22 + 0xFFFF
"""So many last bytes; a zip's end record and its longest comment."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Written(NamedTuple):
    """What a file turned out to hold."""

    size: int
    sha256: bytes
    head: bytes
    tail: bytes


class Tree:
    """Writes files and folders below `root`, which it makes. Use it with `with`."""

    def __init__(self, root: Path) -> None:
        """Make `root`, an absolute path whose parent exists.

        Raises:
            ArchiveError: it exists already or can't be made.
        """
        self.root = root
        self._open: list[tuple[str, int]] = []
        with _our_faults(root):
            root.mkdir(mode=0o700)
            self._root = os.open(root, _FOLDER)

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(0)
        os.close(self._root)

    def make_folder(self, parts: tuple[str, ...]) -> None:
        """Make a folder and those above it; it may exist already."""
        with _our_faults(self.root):
            self._enter(parts)

    def write(self, parts: tuple[str, ...], content: Iterable[bytes]) -> Written:
        """Make a new file of `content`.

        An exception that `content` raises passes through; what came before it stays in the file.

        Raises:
            ArchiveError: the disk is full, or another fault that isn't the archive's.
        """
        digest = hashlib.sha256(usedforsecurity=False)
        size, head, tail = 0, b"", b""
        with _our_faults(self.root):
            folder = self._enter(parts[:-1])
            file = os.open(parts[-1], _NEW_FILE, 0o600, dir_fd=folder)
        try:
            for piece in content:
                with _our_faults(self.root):
                    _write_all(file, piece)
                digest.update(piece)
                size += len(piece)
                if len(head) < HEAD_BYTES:
                    head += piece[: HEAD_BYTES - len(head)]
                tail = (
                    (tail + piece)[-TAIL_BYTES:] if len(piece) < TAIL_BYTES else piece[-TAIL_BYTES:]
                )
        finally:
            with _our_faults(self.root):
                os.close(file)
        return Written(size, digest.digest(), head, tail)

    def remove(self, parts: tuple[str, ...]) -> None:
        """Remove a file that was written before."""
        with _our_faults(self.root):
            os.unlink(parts[-1], dir_fd=self._enter(parts[:-1]))

    def open(self, parts: tuple[str, ...]) -> BinaryIO:
        """Open a file that was written before; the caller closes it."""
        with _our_faults(self.root):
            folder = self._enter(parts[:-1])
            file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            return os.fdopen(file, "rb")

    def pieces(self, parts: tuple[str, ...]) -> Iterator[bytes]:
        """Read a file that was written before."""
        with self.open(parts) as file:
            while piece := file.read(CHUNK):
                yield piece

    def _enter(self, parts: tuple[str, ...]) -> int:
        """Open the folder, making what is missing; entries mostly share it with the one before."""
        same = 0
        for (name, _), part in zip(self._open, parts, strict=False):
            if name != part:
                break
            same += 1
        self._leave(same)
        for part in parts[same:]:
            above = self._open[-1][1] if self._open else self._root
            try:
                folder = os.open(part, _FOLDER, dir_fd=above)
            except FileNotFoundError:
                os.mkdir(part, 0o700, dir_fd=above)
                folder = os.open(part, _FOLDER, dir_fd=above)
            self._open.append((part, folder))
        return self._open[-1][1] if self._open else self._root

    def _leave(self, depth: int) -> None:
        while len(self._open) > depth:
            os.close(self._open.pop()[1])


def _write_all(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view) :]


@contextmanager
def _our_faults(root: Path) -> Iterator[None]:
    """Turn a system error into an `ArchiveError` that names the problem."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise ArchiveError(
            f"Can't unpack into {root}: {problem}. Free space or fix the folder's rights, "
            "then run again."
        ) from error
