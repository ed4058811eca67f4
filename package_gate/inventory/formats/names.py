"""Which format a dependency file has, by its name."""

import re
from enum import Enum, auto
from pathlib import PurePosixPath


class Format(Enum):
    """What sort of dependency file it is."""

    REQUIREMENTS = auto()
    PYPROJECT = auto()
    UV_LOCK = auto()
    POETRY_LOCK = auto()
    PDM_LOCK = auto()
    PIPFILE_LOCK = auto()
    PYLOCK = auto()
    CORE_METADATA = auto()
    """Of a distribution that lies there."""
    VENDORED = auto()
    """A requirements file that says which releases' code lies beside it, as in `pip/_vendor`."""


LOCKS = frozenset(
    {Format.UV_LOCK, Format.POETRY_LOCK, Format.PDM_LOCK, Format.PIPFILE_LOCK, Format.PYLOCK}
)
TELLING_FOLDERS = frozenset({"requirements", "constraints"})
"""What lies there are requirements files, whatever their names."""

_BY_NAME = {
    "pyproject.toml": Format.PYPROJECT,
    "uv.lock": Format.UV_LOCK,
    "poetry.lock": Format.POETRY_LOCK,
    "pdm.lock": Format.PDM_LOCK,
    "pipfile.lock": Format.PIPFILE_LOCK,
    "pkg-info": Format.CORE_METADATA,
    "vendor.txt": Format.VENDORED,
    "vendored.txt": Format.VENDORED,
}


def format_of(path: PurePosixPath) -> Format | None:
    """Tell a dependency file by its name; None for any other file."""
    name, folder = path.name.lower(), path.parent.name.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return Format.PYLOCK
    # Once `.egg-info` was a file and no folder.
    if (name == "metadata" and folder.endswith(".dist-info")) or name.endswith(".egg-info"):
        return Format.CORE_METADATA
    is_named_so = "requirement" in name or name.startswith("constraints")
    if name.endswith((".txt", ".in")) and (is_named_so or folder in TELLING_FOLDERS):
        return Format.REQUIREMENTS
    if name.endswith(".lock") and is_named_so:  # as rye writes it
        return Format.REQUIREMENTS
    return None
