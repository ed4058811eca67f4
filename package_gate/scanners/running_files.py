"""Which files of an unpacked artifact run by themselves.

Malicious packages run before anybody calls them: when they are installed, when they are imported,
or when Python starts. What of such a file runs then, `import_time` says.
"""

import tomllib
from enum import Enum, auto
from pathlib import Path, PurePosixPath

_ALWAYS_RUN = {"setup.py", "hatch_build.py", "pdm_build.py", "sitecustomize.py", "usercustomize.py"}
_MAX_BYTES = 1024 * 1024


class Runs(Enum):
    """When a file runs without anybody starting it."""

    NEVER = auto()
    """Somebody has to start it, as a script, or read it; or it is no Python."""
    IMPORTED = auto()
    """It is a module among others, which runs when one of them, or somebody, imports it."""
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
        self._is_wheel = filename.endswith(".whl")
        self._backends = _build_backend_folders(tree)

    def when(self, path: str) -> Runs:
        """Tell when a file runs by itself; `path` is relative to the tree."""
        if runs_whole(path):
            return Runs.AT_ONCE
        if not path.endswith(".py"):
            return Runs.NEVER
        name = PurePosixPath(path).name
        if name == "__init__.py" or (self._is_wheel and name == path):
            return Runs.AT_ONCE
        beside = Path(self._tree, path).with_name("__init__.py")
        if self._is_wheel or beside.exists() or self.is_of_a_backend(path):
            return Runs.IMPORTED
        return Runs.NEVER

    def is_of_a_backend(self, path: str) -> bool:
        """Whether a file belongs to a build backend of the tree's own, which installers call."""
        return bool(self._backends) and path.startswith(self._backends)


def runs_whole(path: str) -> bool:
    """Whether all of a file counts as running by itself.

    `setup.py` and the build hooks of Hatch and PDM run on installation, a `.pth` file and
    `sitecustomize.py` whenever Python starts.
    """
    name = PurePosixPath(path).name
    return name in _ALWAYS_RUN or name.endswith(".pth")


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
