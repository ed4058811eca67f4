"""The files of an unpacked artifact."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path


def regular_files(tree: Path) -> Iterator[Path]:
    """Give the files below a folder in the order of their names; links are left out.

    The order is GuardDog's, on which it depends which of its matches are counted.

    Raises:
        OSError: a folder or a file can't be read.
    """

    def fail(error: OSError) -> None:
        raise error

    for folder, folders, names in os.walk(tree, onerror=fail):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
