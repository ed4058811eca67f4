"""Where a source tree keeps the build backend that its installation runs (PEP 517)."""

import tomllib
from pathlib import Path

_MAX_BYTES = 1024 * 1024


def build_backend_folders(tree: Path) -> tuple[str, ...]:
    """Name the folders of a tree's own build backends, each with a final `/`.

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
