"""What a file's name makes of it: code that runs by its name, bytecode, or input of a build.

Names are compared in lower case: some file systems don't tell the cases apart. Bytecode is told by
how it begins as well, since code can name, rename or load it as it likes.
"""

import re

CODE_SUFFIXES = (".py", ".pyc", ".pyo", ".pyw", ".pth", ".start", ".so", ".pyd", ".sh")
"""What runs by its name."""
BYTECODE_SUFFIXES = (".pyc", ".pyo")
"""What Python runs without looking at a source that scanners could read."""
_BYTECODE = re.compile(rb"[\x00-\xff][\x0b-\x1f]\r\n(?:[\x00-\x03]\x00{3}|[\x00-\xff]{12}[c\xe3])")
"""How it begins since Python 3.7: the number of its format, from 2,816 on, and flags (PEP 552).

What executes a file by its path looks at no flags: for it a code object follows after 16 bytes.
"""
_BUILD_SUFFIXES = (
    *(".ac", ".am", ".bash", ".bat", ".build", ".bzl", ".c", ".cc", ".cfg", ".cmake", ".cmd"),
    *(".cpp", ".cu", ".cxx", ".f", ".f90", ".fish", ".go", ".gradle", ".gyp", ".gypi", ".h"),
    *(".hpp", ".ini", ".m4", ".mk", ".pl", ".ps1", ".pxd", ".pxi", ".pyi", ".pyx", ".r", ".rb"),
    *(".rs", ".toml", ".zsh"),
)
_BUILD_NAMES = (
    *("cmakelists.txt", "configure", "dockerfile", "entry_points.txt", "gnumakefile", "makefile"),
    *("manifest.in", "meson_options.txt", "metadata", "pkg-info", "requirements.txt", "sconstruct"),
    "wheel",
)


def runs_or_builds(path: str) -> bool:
    """Whether a file of this name is code, or something that a build reads."""
    lower = path.lower().rpartition("/")[2]
    return lower.endswith(CODE_SUFFIXES + _BUILD_SUFFIXES) or lower in _BUILD_NAMES


def is_bytecode(path: str) -> bool:
    """Whether Python would run a file of this name as compiled code."""
    return path.lower().endswith(BYTECODE_SUFFIXES)


def begins_as_bytecode(head: bytes) -> bool:
    """Whether Python's own loaders would take a file that begins so for compiled code."""
    return _BYTECODE.match(head) is not None


def is_importable(path: str) -> bool:
    """Whether Python imports a file of this name, also from a zip that is on its path."""
    return path.lower().endswith((".py", *BYTECODE_SUFFIXES))
