"""The dependency files of a repository: which there are, and what they hold.

The repository's content is not trusted: links are not followed, sizes are limited, and what can't
be read is told.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from package_gate.dependencies import MAX_FILE_BYTES
from package_gate.dependency_scan.models import Problem
from package_gate.errors import ConfigurationError

MAX_FILES = 1000
"""Dependency files of one repository."""
MAX_TOTAL_BYTES = 200 * 1024 * 1024
"""All of them together."""
SKIPPED_FOLDERS = {".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__"}


class Format(Enum):
    """What sort of dependency file it is."""

    REQUIREMENTS = auto()
    PYPROJECT = auto()
    UV_LOCK = auto()
    POETRY_LOCK = auto()
    PDM_LOCK = auto()
    PIPFILE_LOCK = auto()
    PYLOCK = auto()
    NOT_READ = auto()
    """It names dependencies, and nothing here reads it."""


LOCKS = frozenset(
    {Format.UV_LOCK, Format.POETRY_LOCK, Format.PDM_LOCK, Format.PIPFILE_LOCK, Format.PYLOCK}
)
_BY_NAME = {
    "pyproject.toml": Format.PYPROJECT,
    "uv.lock": Format.UV_LOCK,
    "poetry.lock": Format.POETRY_LOCK,
    "pdm.lock": Format.PDM_LOCK,
    "pipfile.lock": Format.PIPFILE_LOCK,
}
NOT_READ = {
    "setup.cfg": "setuptools' older files are not read",
    "setup.py": "setup.py is a program, and nothing of a repository is run",
    "pipfile": "a Pipfile is read by its Pipfile.lock only",
    "environment.yml": "conda's packages are none of the Python package index",
    "environment.yaml": "conda's packages are none of the Python package index",
    "package.json": "npm's packages are not scanned",
    "package-lock.json": "npm's packages are not scanned",
    "npm-shrinkwrap.json": "npm's packages are not scanned",
    "yarn.lock": "npm's packages are not scanned",
    "pnpm-lock.yaml": "npm's packages are not scanned",
}
"""File name → why it is not read."""


@dataclass(frozen=True, slots=True)
class DependencyFile:
    """A file of the repository that names dependencies."""

    path: str
    """Relative to the repository, with `/`."""
    format: Format


class Repository:
    """A folder with somebody's code."""

    def __init__(
        self,
        folder: Path,
        exclude: Sequence[str] = (),
        replaced: Mapping[str, bytes] | None = None,
        skip: Path | None = None,
    ) -> None:
        """Look at a folder.

        Args:
            folder: where it is.
            exclude: patterns of paths that are left out, as `tests/*` or `docs/requirements.txt`.
            replaced: path → content that takes the place of what the file holds.
            skip: a folder that is not looked at: where reports are written.

        Raises:
            ConfigurationError: there is no such folder.
        """
        if not folder.is_dir():
            raise ConfigurationError(f"There is no folder {folder}.")
        self.folder = folder.resolve()
        self.problems: list[Problem] = []
        self.excluded: list[str] = []
        """Dependency files that a pattern leaves out."""
        self._exclude = exclude
        self._skip = skip.resolve() if skip else None
        self._replaced = replaced or {}
        self._bytes_left = MAX_TOTAL_BYTES

    def dependency_files(self) -> list[DependencyFile]:
        """Find them, in the order of their paths; what can't be listed is told in `problems`."""
        found: list[DependencyFile] = []
        for path in self._paths():
            kind = format_of(PurePosixPath(path))
            if kind is None:
                continue
            if any(fnmatchcase(path, pattern) for pattern in self._exclude):
                self.excluded.append(path)
                continue
            if len(found) == MAX_FILES:
                self.problems.append(
                    Problem("", None, f"There are more than {MAX_FILES} dependency files.")
                )
                break
            found.append(DependencyFile(path, kind))
        return found

    def read(self, path: str) -> bytes | Problem:
        """Read a file of the repository: a regular one of bounded size, never a link."""
        if path in self._replaced:
            return self._replaced[path]
        file = self.folder / path
        try:
            # Neither the file nor a folder above it may be a link, even if it changed meanwhile.
            if file.resolve() != file or not stat.S_ISREG(file.lstat().st_mode):
                return Problem(path, None, "It is a link or no regular file, so it is not read.")
            with file.open("rb") as opened:
                data = opened.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return Problem(path, None, f"It can't be read: {reason}.")
        self._bytes_left -= len(data)
        if len(data) > MAX_FILE_BYTES or self._bytes_left < 0:
            return Problem(
                path,
                None,
                f"It is larger than {MAX_FILE_BYTES:,} bytes, or all dependency files together are "
                f"larger than {MAX_TOTAL_BYTES:,}.",
            )
        return data

    def _paths(self) -> Iterator[str]:
        unlisted: list[OSError] = []
        for folder, folders, files in os.walk(self.folder, onerror=unlisted.append):
            folders[:] = sorted(
                name
                for name in folders
                if name not in SKIPPED_FOLDERS
                and not Path(folder, name, "pyvenv.cfg").exists()
                and Path(folder, name) != self._skip
            )
            for file in sorted(files):
                yield os.path.relpath(os.path.join(folder, file), self.folder)  # noqa: PTH118
        for error in unlisted:
            path = os.path.relpath(error.filename, self.folder)
            self.problems.append(Problem(path, None, "The folder can't be listed."))


def format_of(path: PurePosixPath) -> Format | None:
    """Tell a dependency file by its name; None for any other file."""
    name, folder = path.name.lower(), path.parent.name.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in NOT_READ:
        return Format.NOT_READ
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return Format.PYLOCK
    is_named_so = "requirements" in name or name.startswith("constraints")
    if name.endswith((".txt", ".in")) and (
        is_named_so or folder in {"requirements", "constraints"}
    ):
        return Format.REQUIREMENTS
    return None
