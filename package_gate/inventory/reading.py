"""Reading files of a hostile tree: no link is followed, nothing that is no file is opened."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_regular(tree: Path, path: str, most: int) -> bytes | None:
    """Read a file below a folder.

    Args:
        tree: the folder.
        path: relative to it, with `/`.
        most: so many bytes are read at most.

    Returns:
        Its first bytes; None when it, or a folder on the way to it, is a link, or when it is
        something else than a file.

    Raises:
        OSError: it is not there, or can't be read.
    """
    *folders, name = path.split("/")
    with _opened(tree, folders) as folder:
        if folder is None or not stat.S_ISREG(_mode(name, folder)):
            return None
        with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
            return file.read(most)


def names_in(tree: Path, path: str) -> list[str]:
    """List a folder below a folder, sorted; one that is not there, or behind a link, is empty.

    Raises:
        OSError: it, or the whole tree, can't be read.
    """
    try:
        with _opened(tree, path.split("/") if path else []) as folder:
            return [] if folder is None else sorted(os.listdir(folder))  # noqa: PTH208 - a descriptor
    except FileNotFoundError:
        if not path:
            raise
        return []


@contextmanager
def _opened(tree: Path, folders: Sequence[str]) -> Iterator[int | None]:
    """Open the folder below others; None when one of them is a link, or no folder."""
    place = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            if not stat.S_ISDIR(_mode(name, place)):
                yield None
                return
            below = os.open(name, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        yield place
    finally:
        os.close(place)


def _mode(name: str, folder: int) -> int:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
