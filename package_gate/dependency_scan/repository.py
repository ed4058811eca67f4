"""The dependency files of a repository: which there are, and what they hold.

The repository's content is not trusted: links are not followed, sizes are limited, and what can't
be read is told.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from package_gate.core.errors import ConfigurationError
from package_gate.core.text import printable
from package_gate.dependency_scan.models import Problem
from package_gate.inventory.formats import names
from package_gate.inventory.formats.conda import MAX_BYTES, CondaEnvironment, read_environment
from package_gate.inventory.formats.names import LOCKS, TELLING_FOLDERS, Format
from package_gate.inventory.formats.script import is_script
from package_gate.inventory.pins import MAX_FILE_BYTES
from package_gate.inventory.reading import read_regular

MAX_FILES = 1000
"""Dependency files of one repository."""
MAX_TOTAL_BYTES = 200 * 1024 * 1024
"""All of them together."""
MAX_LOOKED_INTO = 50_000
"""Python and YAML files that are looked into, because their names don't say what they are."""
MAX_DEPTH = 100
"""Folders in folders."""
SKIPPED_FOLDERS = {".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__"}

_ENVIRONMENT = "pyvenv.cfg"
"""It lies at the top of a virtual environment (PEP 405)."""


class Other(Enum):
    """What else a scan of a repository must know of."""

    UV_SETTINGS = auto()
    """It may name indexes."""
    CONDA = auto()
    """A conda environment; which YAML file is one its content tells."""
    SCRIPT = auto()
    """A Python file that says what it needs (PEP 723)."""
    NOT_READ = auto()
    """It names dependencies, and nothing here reads it."""


_NOT_IN_ENVIRONMENTS = LOCKS | {Format.REQUIREMENTS, Format.PYPROJECT}
_CONDA_LOCK = "conda's packages are none of the Python package index, and its locks are not read"
_PIXI = "Pixi's files are not read; list what it takes from PyPI in a requirements file"
NOT_READ = {
    "hatch.toml": "what environments need is read of [tool.hatch.envs] in a pyproject.toml only",
    "setup.cfg": "setuptools' older files are not read",
    "setup.py": "setup.py is a program, and nothing of a repository is run; list `dependencies` in "
    "the [project] of a pyproject.toml beside it",
    "pipfile": "a Pipfile is read by its Pipfile.lock only",
    "conda-lock.yml": _CONDA_LOCK,
    "conda-lock.yaml": _CONDA_LOCK,
    "pixi.toml": _PIXI,
    "pixi.lock": _PIXI,
    "package.json": "npm's packages are not scanned",
    "package-lock.json": "npm's packages are not scanned",
    "npm-shrinkwrap.json": "npm's packages are not scanned",
    "yarn.lock": "npm's packages are not scanned",
    "pnpm-lock.yaml": "npm's packages are not scanned",
}
"""File name → why it is not read."""
_NOT_READ_EITHER = re.compile(r".*\.conda-lock\.ya?ml|conda-.*\.lock")
_CONDA_BY_NAME = re.compile(r"(?:conda|environment)(?:[-_.].*)?\.ya?ml")
"""Names that conda's users give environments: one that can't be read is told."""


def why_not_read(name: str) -> str:
    """Say why nothing here reads a file of this lower-case name; "" when something does."""
    return _CONDA_LOCK if _NOT_READ_EITHER.fullmatch(name) else NOT_READ.get(name, "")


@dataclass(frozen=True, slots=True)
class DependencyFile:
    """A file of the repository that names dependencies."""

    path: str
    """Relative to the repository, with `/`."""
    format: Format | Other


@dataclass(frozen=True, slots=True, order=True)
class _Folder:
    """A folder of the repository."""

    path: str
    """Relative to the repository, with `/`."""
    name: str
    is_link: bool

    @property
    def is_skipped(self) -> bool:
        """Whether nobody expects dependency files of the repository's own there."""
        return self.name in SKIPPED_FOLDERS


class Checkout:
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
        self.environments: list[str] = []
        """Virtual environments, which are not looked into."""
        self._exclude = exclude
        self._skip = skip.resolve() if skip else None
        self._replaced = replaced or {}
        self._bytes_left = MAX_TOTAL_BYTES
        self._looked_into = 0

    def dependency_files(self) -> list[DependencyFile]:
        """Find them, in the order of their paths; what can't be listed is told in `problems`."""
        found: list[DependencyFile] = []
        for path in self._paths():
            kind = repository_format_of(PurePosixPath(path)) or self._format_by_content(path)
            if kind is None:
                continue
            if self._is_excluded(path):
                self.excluded.append(path)
                continue
            if len(found) == MAX_FILES:
                self.problems.append(
                    Problem("", None, f"There are more than {MAX_FILES} dependency files.")
                )
                break
            found.append(DependencyFile(path, kind))
        return found

    def _format_by_content(self, path: str) -> Other | None:
        """Tell a dependency file by what is in it; what can't be read is none."""
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in (".py", ".yml", ".yaml") or self._is_excluded(path):
            return None
        self._looked_into += 1
        if self._looked_into == MAX_LOOKED_INTO:
            text = f"There are {MAX_LOOKED_INTO:,} Python and YAML files; no more were looked into."
            self.problems.append(Problem("", None, text))
        if self._looked_into >= MAX_LOOKED_INTO:
            return None
        try:
            data = read_regular(self.folder, path, MAX_FILE_BYTES) or b""
        except (OSError, ValueError):
            return None
        if suffix == ".py":
            return Other.SCRIPT if is_script(data) else None
        environment = read_environment(data)
        is_large = (
            len(data) > MAX_BYTES and environment is not None
        )  # which is told when it is read
        return Other.CONDA if is_large or isinstance(environment, CondaEnvironment) else None

    def read(self, path: str) -> bytes | Problem:
        """Read a file of the repository: a regular one of bounded size, never a link."""
        if path in self._replaced:
            return self._replaced[path]
        try:
            data = read_regular(self.folder, path, MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return Problem(path, None, f"It can't be read: {reason}.")
        if data is None:
            return Problem(path, None, "It is a link or no regular file, so it is not read.")
        self._bytes_left -= len(data)
        if len(data) > MAX_FILE_BYTES or self._bytes_left < 0:
            return Problem(
                path,
                None,
                f"It is larger than {MAX_FILE_BYTES:,} bytes, or all dependency files together are "
                f"larger than {MAX_TOTAL_BYTES:,}.",
            )
        return data

    def _paths(
        self, top: str = "", enter: Callable[[_Folder], bool] | None = None
    ) -> Iterator[str]:
        """Give the files below a folder; what can't be listed is told in `problems`.

        Args:
            top: the folder, relative to the repository.
            enter: whether to look into a folder; `_is_walked` when None.
        """
        waiting = [top]
        while waiting:
            folders, files = self._listed(waiting.pop())
            yield from files
            walked = [each.path for each in folders if (enter or self._is_walked)(each)]
            waiting += reversed(walked)

    def _listed(self, folder: str) -> tuple[list[_Folder], list[str]]:
        """Give the folders and the files in a folder, sorted."""
        folders: list[_Folder] = []
        files: list[str] = []
        if folder.count("/") >= MAX_DEPTH:
            self._tell(
                folder, f"It lies in more than {MAX_DEPTH} folders, so nothing there was scanned."
            )
            return folders, files
        try:
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    try:
                        is_folder = entry.is_dir()
                    except OSError as error:  # a link, such as one to itself
                        is_folder = False
                        if repository_format_of(PurePosixPath(path)) is None:  # else `read` tells
                            self._tell(
                                path, f"It is a link that can't be followed: {error.strerror}."
                            )
                    if is_folder:
                        folders.append(_Folder(path, entry.name, entry.is_symlink()))
                    else:
                        files.append(path)
        except OSError as error:
            self._tell(folder or ".", f"The folder can't be listed: {error.strerror}.")
        return sorted(folders), sorted(files)

    def _tell(self, path: str, text: str) -> None:
        if not self._is_excluded(path):
            self.problems.append(Problem(path, None, text))

    def _is_walked(self, folder: _Folder) -> bool:
        """Whether to look into a folder; tells why not, unless nobody would expect it."""
        place = self.folder / folder.path
        if folder.is_skipped or place == self._skip:
            return False
        if folder.is_link:
            if not self._is_walked_elsewhere(place):
                self._tell(
                    folder.path,
                    "It is a link to a folder, which is not followed: nothing there was scanned.",
                )
            return False
        if _is_environment(place):
            self._add_environment(folder.path)
            return False
        return True

    def _is_walked_elsewhere(self, link: Path) -> bool:
        """Whether what a link leads to is looked into at its own place, under its own name."""
        try:
            target = link.resolve()
            parts = target.relative_to(self.folder).parts
        except (OSError, ValueError, RuntimeError):  # outside, or links in a circle
            return False
        above = [self.folder.joinpath(*parts[: count + 1]) for count in range(len(parts))]
        return link.name.lower() not in TELLING_FOLDERS and not any(
            each.name in SKIPPED_FOLDERS or each == self._skip or _is_environment(each)
            for each in above
        )

    def _add_environment(self, path: str) -> None:
        """Remember a virtual environment; one with dependency files is something else."""
        self.environments.append(path)
        for file in self._paths(path, lambda each: not each.is_link and not each.is_skipped):
            is_told = repository_format_of(PurePosixPath(file)) in _NOT_IN_ENVIRONMENTS
            if is_told and not self._is_excluded(file):
                text = (
                    f"Its {_ENVIRONMENT} marks it as a virtual environment, so {printable(file)} "
                    f"was not scanned. Remove {_ENVIRONMENT}, or use --exclude."
                )
                self.problems.append(Problem(path, None, text))
                return

    def _is_excluded(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self._exclude)


def _is_environment(folder: Path) -> bool:
    try:
        return (folder / _ENVIRONMENT).exists()
    except OSError:  # then it can't be listed either, which is told
        return False


def repository_format_of(path: PurePosixPath) -> Format | Other | None:
    """Tell a dependency file by its name; None for any other file."""
    name = path.name.lower()
    if name == "uv.toml":
        return Other.UV_SETTINGS
    if why_not_read(name):
        return Other.NOT_READ
    if _CONDA_BY_NAME.fullmatch(name):
        return Other.CONDA
    kind = names.format_of(path)
    # What a repository holds of others' distributions is not what installing it brings in.
    return None if kind in (Format.CORE_METADATA, Format.VENDORED) else kind
