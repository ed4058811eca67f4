"""Reading files of a hostile tree: no link is followed, nothing that is no file is opened."""

import os
import stat
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
    place = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            status = os.stat(folder, dir_fd=place, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                return None
            below = os.open(folder, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
            return None
        with os.fdopen(os.open(name, _FILE, dir_fd=place), "rb") as file:
            return file.read(most)
    finally:
        os.close(place)
