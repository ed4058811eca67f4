"""Files that several artifacts of a package have in common, and that are looked at once.

The wheels of a release for several Pythons and platforms hold mostly the same files. This goes no
further than one package: what looked at another one may have been taken over by it, and is not to
be believed.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from package_gate.inventory.trees import regular_files

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Remembers what came of looking at a file; a file is its path and its content."""

    def __init__(self, artifacts: int) -> None:
        """Take how many artifacts there are; of a single one there is nothing to remember."""
        self._remembers = artifacts > 1
        self._known: dict[tuple[str, bytes], Result] = {}

    def __call__(self, path: str, content: bytes, look: Callable[[], Result]) -> Result:
        """Look, unless this was done.

        Args:
            path: relative to the artifact's tree.
            content: of the file.
            look: gives the same result for every file with this path and this content.
        """
        if not self._remembers:
            return look()
        key = path, hashlib.sha256(content).digest()
        if key not in self._known:
            self._known[key] = look()
        return self._known[key]


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which files of a package's trees stand in an earlier tree already."""

    new_files: tuple[str, ...]
    """Those of all trees but the first that do not: their whole paths."""
    of_tree: tuple[frozenset[tuple[int, str]], ...]
    """For each tree, where its repeated files stood first: the number of that tree, and the path
    there, which is the same in both."""


def find_repeats(trees: Sequence[str], endings: tuple[str, ...]) -> Repeats:
    """Compare trees by the paths and contents of their files.

    A file whose name is no UTF-8 counts as new.

    Args:
        trees: folders.
        endings: of the names of the files that matter.

    Raises:
        OSError: a file can't be read.
    """
    if len(trees) < 2:
        return Repeats((), tuple(frozenset() for _ in trees))
    first: dict[tuple[str, bytes], int] = {}
    new: list[str] = []
    repeated: list[frozenset[tuple[int, str]]] = []
    for number, tree in enumerate(trees):
        here = set()
        for path in regular_files(Path(tree)):
            if not path.name.endswith(endings):
                continue
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            relative = str(path.relative_to(tree))
            earlier = first.setdefault((relative, digest), number)
            if earlier != number and _is_text(relative):
                here.add((earlier, relative))
            elif number:
                new.append(str(path))
        repeated.append(frozenset(here))
    return Repeats(tuple(new), tuple(repeated))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
