"""Which files of an unpacked artifact run by themselves.

Malicious packages run before anybody calls them: when they are installed, when they are imported,
or when Python starts. What of such a file runs then, `import_time` says.
"""

import re
import tomllib
from enum import Enum, auto
from functools import cached_property
from pathlib import Path, PurePosixPath

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from package_gate.core.module_graph import installed
from package_gate.inventory.running.build_reach import STARTS, Reached, reached_files
from package_gate.inventory.running.left_out import left_out
from package_gate.inventory.running.projects import project_folders
from package_gate.inventory.trees import regular_files

_ALWAYS_RUN = {*STARTS, "sitecustomize.py", "usercustomize.py"}
_MAX_BYTES = 1024 * 1024
_MAX_LINE = 4096
_SCRIPTS = re.compile(r"[^/]+\.data/(?:scripts|data/s?bin)/")
"""Where a wheel's programs are."""


class Runs(Enum):
    """When a file runs without anybody starting it."""

    NEVER = auto()
    """Somebody has to start it, as a script, or read it; or it is no Python."""
    IMPORTED = auto()
    """It is a module among others, which runs when one of them, or somebody, imports it.

    So is any Python file of a source tree but for examples, tests and documents that its settings
    can't mean: which of them a build packs, and as what, only the build can tell.
    """
    AT_ONCE = auto()
    """On installation, when the package is imported, or when Python starts."""


class RunningFiles:
    """The files of one unpacked artifact."""

    def __init__(self, tree: Path, filename: str) -> None:
        """Take an artifact.

        Args:
            tree: where it is unpacked.
            filename: of the artifact; all of a wheel lands in the folder that modules are imported
                from.

        Raises:
            OSError: a `pyproject.toml` can't be read.
        """
        self._tree = tree
        self.is_wheel = filename.endswith(".whl")
        """Whether it is one, so that its Python files are modules."""
        self.is_pure = filename.endswith("-any.whl")
        """Whether it is a wheel that says that it has no compiled code."""
        self.distribution = _distribution(filename)
        """The normalised name of an sdist's project, else ""."""
        self._backends = _build_backend_folders(tree)

    def when(self, path: str) -> Runs:
        """Tell when a file runs by itself; `path` is relative to the tree.

        Raises:
            OSError: a file of a build can't be read.
        """
        if self._runs_whole(path):
            return Runs.AT_ONCE
        found = self._when_imported(path) if path.endswith(".py") else Runs.NEVER
        if found is Runs.NEVER and path in self.scripts:
            found = Runs.IMPORTED
        return Runs.AT_ONCE if self.is_of_a_build(path) else found

    def _when_imported(self, path: str) -> Runs:
        name = PurePosixPath(path).name
        if name == "__init__.py" or (self.is_wheel and name == installed(path)):
            return Runs.AT_ONCE
        left_out = self._left_out and not self.is_of_a_backend(path)
        return Runs.NEVER if left_out and self._is_left_out(path) else Runs.IMPORTED

    def whole(self, path: str) -> bool:
        """Whether all of a file counts as running by itself, see `runs_whole`.

        So do the hooks and commands of a build.
        """
        return self._runs_whole(path) or path in self._reached.whole

    def _runs_whole(self, path: str) -> bool:
        """Whether a file's name makes it run; no build runs what a wheel has in a folder."""
        of_a_build = path.rpartition("/")[2] in STARTS
        return runs_whole(path) and not (of_a_build and self.is_wheel and "/" in installed(path))

    def is_started(self, path: str) -> bool:
        """Whether a file is started as a program: a wheel's script, or what a build starts."""
        return path in self.scripts or path in self._reached.started

    def is_of_a_build(self, path: str) -> bool:
        """Whether a build runs this file, which is no module of a package or a backend."""
        if path not in self._reached.files or self.is_of_a_backend(path):
            return False
        return not Path(self._tree, path).with_name("__init__.py").exists()

    def is_of_a_backend(self, path: str) -> bool:
        """Whether a file belongs to a build backend of the tree's own, which installers call."""
        return bool(self._backends) and path.startswith(self._backends)

    def is_python(self, path: str) -> bool:
        """Whether Python would run the file."""
        return path.endswith((".py", ".pth")) or path in self.scripts

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The Python files that are named otherwise: a wheel's scripts, and what a build runs.

        Raises:
            OSError: a file can't be read.
        """
        if not self.is_wheel:
            return frozenset(path for path in self._reached.files if not path.endswith(".py"))
        paths = (path.relative_to(self._tree).as_posix() for path in regular_files(self._tree))
        return frozenset(
            path
            for path in paths
            if _SCRIPTS.match(path) and (path.endswith(".pyw") or self._starts_python(path))
        )

    def _starts_python(self, path: str) -> bool:
        with Path(self._tree, path).open("rb") as file:
            line = file.readline(_MAX_LINE)
        return not path.endswith(".py") and line.startswith(b"#!") and b"python" in line.lower()

    def _is_left_out(self, path: str) -> bool:
        """Whether a file is beside the packages, where no build looks without being told so.

        Below an `__init__.py` it may be data of a package, and a namespace of it.
        """
        folder = Path(self._tree, path).parent
        for project in self._projects:
            first, slash, _ = path.removeprefix(project).partition("/")
            if path.startswith(project) and slash and first in self._left_out:
                top = Path(self._tree, project)
                inside = folder.relative_to(top).parents[:-1]
                folders = (folder, *(top / each for each in inside))
                return not any(Path(each, "__init__.py").exists() for each in folders)
        return False

    @cached_property
    def _projects(self) -> tuple[str, ...]:
        return project_folders(self._tree)

    @cached_property
    def _left_out(self) -> frozenset[str]:
        return frozenset() if self.is_wheel else left_out(self._tree)

    @cached_property
    def _reached(self) -> Reached:
        return Reached() if self.is_wheel else reached_files(self._tree, self._backends)


def _distribution(filename: str) -> str:
    try:
        return parse_sdist_filename(filename)[0]
    except InvalidSdistFilename:
        return ""


def runs_whole(path: str) -> bool:
    """Whether all of a file counts as running by itself.

    `setup.py` and the build hooks of Hatch and PDM run on installation, a `.pth` file and
    `sitecustomize.py` whenever Python starts.
    """
    name = path.rpartition("/")[2]
    return name in _ALWAYS_RUN or name.endswith(".pth")


def runs_at_start(path: str) -> bool:
    """Whether a file runs whenever Python starts."""
    name = path.rpartition("/")[2]
    return name in ("sitecustomize.py", "usercustomize.py") or name.endswith(".pth")


def _build_backend_folders(tree: Path) -> tuple[str, ...]:
    """Name the folders of a tree's own build backends (PEP 517), each with a final `/`.

    A `pyproject.toml` that can't be read names none; nothing can be built with it either.

    Args:
        tree: an unpacked archive; its project is at the top or in a folder there.

    Raises:
        OSError: a file can't be read.
    """
    folders = []
    for path in (*tree.glob("pyproject.toml"), *sorted(tree.glob("*/pyproject.toml"))):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            continue
        try:
            named = tomllib.loads(path.read_text("utf-8"))["build-system"]["backend-path"]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            continue
        project = path.parent.relative_to(tree)
        for each in named if isinstance(named, list) else []:
            folder = (project / str(each)).as_posix()
            folders.append("" if folder == "." else f"{folder}/")
    return tuple(folders)
