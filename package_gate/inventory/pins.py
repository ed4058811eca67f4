"""The packages that an unpacked tree pins, or holds, by name and version; found without running it.

`formats` reads the files; what of them names an exact version is a pin. Files count wherever they
lie in the tree. All of it is hostile: sizes are limited, links are not followed, and a file that
can't be read is reported, once.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from package_gate.core.inventory import UnreadableFile
from package_gate.core.patterns import PACKAGE_NAME, PACKAGE_VERSION
from package_gate.inventory.bounds import MAX_PATH
from package_gate.inventory.formats.items import FormatProblem, Include
from package_gate.inventory.formats.names import Format, format_of
from package_gate.inventory.pinned import Pin, pinned
from package_gate.inventory.reading import read_regular

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_TREE_BYTES = 100 * 1024 * 1024
"""All files of one tree that are read here."""
MAX_PINS = 20_000
MAX_INCLUDES = 1000
"""Files of one tree after which no include is followed any more."""


@dataclass(frozen=True, slots=True)
class PinnedDependency:
    """A package at one version, named by a file of the tree."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    """As written; printable ASCII without spaces."""
    path: str
    """The file, relative to the tree, with `/`."""
    line: int | None
    """From 1; None when the format leaves no way to tell."""
    held: bool = False
    """Whether the tree holds the package itself, by its own metadata."""


def find_pins(tree: Path) -> list[PinnedDependency | UnreadableFile]:
    """Read all dependency files of a tree.

    Args:
        tree: the folder with what an installer would install, or a repository's content.

    Returns:
        What is pinned or held, in the order of paths and lines, and the files that can't be read.
    """
    return list(_Search(tree).run())


class _Search:
    """One walk over one tree."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree.resolve()
        self._bytes_left = MAX_TREE_BYTES
        self._pins_left = MAX_PINS
        self._waiting: deque[tuple[str, Format]] = deque()
        self._seen: set[str] = set()

    def run(self) -> Iterator[PinnedDependency | UnreadableFile]:
        unlisted: list[OSError] = []
        for folder, folders, files in os.walk(self._tree, onerror=unlisted.append):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file).relative_to(self._tree).as_posix()
                kind = format_of(PurePosixPath(path))
                if kind is not None:
                    self._add(path, kind)
        for error in unlisted:
            path = os.path.relpath(error.filename, self._tree)
            yield UnreadableFile(_shown(path), None, "The folder can't be listed.")
        while self._waiting:
            yield from self._file(*self._waiting.popleft())

    def _add(self, path: str, kind: Format) -> None:
        if path not in self._seen:
            self._seen.add(path)
            self._waiting.append((path, kind))

    def _file(self, path: str, kind: Format) -> Iterator[PinnedDependency | UnreadableFile]:
        problem: FormatProblem | None = None
        for item in self._items(path, kind):
            if isinstance(item, FormatProblem):
                problem = problem or item
            elif isinstance(item, Include):
                outcome = self._include(path, item)
                problem = problem or outcome
            elif not (
                PACKAGE_NAME.fullmatch(item.name) and PACKAGE_VERSION.fullmatch(item.version)
            ):
                problem = problem or FormatProblem(
                    "A name or version in it is not valid.", item.line
                )
            elif not self._pins_left:
                problem = FormatProblem(f"The tree pins more than {MAX_PINS} packages.", item.line)
                break
            else:
                self._pins_left -= 1
                name = canonicalize_name(item.name)
                yield PinnedDependency(name, item.version, _shown(path), item.line, item.held)
        if problem is not None:
            yield UnreadableFile(_shown(path), problem.line, problem.text)

    def _include(self, path: str, include: Include) -> FormatProblem | None:
        if len(self._seen) >= MAX_INCLUDES:
            return FormatProblem("The tree has too many such files to follow its includes.")
        included = inside(self._tree, path, include.path)
        if included is None:
            return FormatProblem("It includes a file outside the tree.", include.line)
        self._add(included, Format.REQUIREMENTS)
        return None

    def _items(self, path: str, kind: Format) -> Iterable[Pin | Include | FormatProblem]:
        try:
            data = read_regular(self._tree, path, MAX_FILE_BYTES + 1)
        except OSError as error:
            return [FormatProblem(f"It can't be read: {error.strerror or error}.")]
        if data is None:
            return []
        self._bytes_left -= len(data)
        if len(data) > MAX_FILE_BYTES or self._bytes_left < 0:
            return [FormatProblem("It, or all such files together, are too large.")]
        return pinned(kind, data)


def inside(tree: Path, path: str, included: str) -> str | None:
    """Return the path in the tree of a file that another one names.

    Args:
        tree: the folder, resolved.
        path: the file that names it, relative to the tree.
        included: how it is named there.

    Returns:
        Its path relative to the tree; None when it is outside or behind a link.
    """
    if len(included) > MAX_PATH or "://" in included:
        return None
    target = Path(os.path.normpath(tree / Path(path).parent / included))
    try:
        is_inside = target.resolve() == target and target.is_relative_to(tree)
    except (OSError, ValueError, RuntimeError):
        return None
    return target.relative_to(tree).as_posix() if is_inside else None


def _shown(path: str) -> str:
    """Return a file name as text that can be written as UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")
