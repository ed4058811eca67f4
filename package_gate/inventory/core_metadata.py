"""What an unpacked package says about itself, read statically."""

from email.parser import HeaderParser
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

MAX_METADATA_BYTES = 4 * 1024 * 1024
MAX_SPECIFIER = 200
"""Characters."""


def requires_python(tree: Path) -> str:
    """Give the `Requires-Python` of an unpacked wheel or sdist, or "" when it has no valid one.

    Args:
        tree: the folder with what an installer would install.
    """
    for path in sorted(tree.glob("*.dist-info/METADATA")) + sorted(tree.glob("*/PKG-INFO")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            text = file.read(MAX_METADATA_BYTES).decode("utf-8", "replace")
        value = str(HeaderParser().parsestr(text).get("Requires-Python", ""))
        return str(specifiers(value))
    return ""


def specifiers(text: str) -> SpecifierSet:
    """Read a `Requires-Python`; one that can't be read, or is absurdly long, asks for nothing."""
    try:
        return SpecifierSet(text if len(text) <= MAX_SPECIFIER else "")
    except InvalidSpecifier:
        return SpecifierSet()
