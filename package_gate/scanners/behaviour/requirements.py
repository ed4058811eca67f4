"""Requirements that come from an address of their own, which an installer fetches from there."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from package_gate.core.text import one_line

_ADDRESS = re.compile(
    r"@\s*(?:(?:git|hg|svn|bzr)\+)?(?:https?|ftp|ssh|git)://(?:[^@/\s]*@)?([\w.-]+)", re.IGNORECASE
)
_KNOWN = re.compile(
    r"(?:[\w-]+\.)*(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co"
    r"|pytorch\.org|pythonhosted\.org|pypi\.org|nvidia\.com)",
    re.IGNORECASE,
)
"""Hosts that many projects publish their code at."""
_MOST = 2 * 1024 * 1024
"""Bytes of a file with metadata."""


def is_of_a_stranger(requirement: str) -> bool:
    """Whether a requirement is always fetched from a host that isn't known to all."""
    found = _ADDRESS.search(requirement)
    return found is not None and "extra ==" not in requirement and not _KNOWN.fullmatch(found[1])


def of_metadata(tree: Path) -> Iterator[tuple[str, int, str]]:
    """Yield what an artifact says it requires from such hosts: the file, the line and the text.

    Raises:
        OSError: a file can't be read.
    """
    paths = [*tree.glob("*.dist-info/METADATA"), *tree.glob("PKG-INFO"), *tree.glob("*/PKG-INFO")]
    for path in sorted(paths):
        with path.open("rb") as file:
            text = file.read(_MOST).decode("utf-8", "replace")
        for number, line in enumerate(text.split("\n"), start=1):
            name, _, value = line.partition(":")
            if name.lower() == "requires-dist" and is_of_a_stranger(value):
                yield path.relative_to(tree).as_posix(), number, one_line(value.strip(), 100)
    for path in sorted([*tree.glob("pyproject.toml"), *tree.glob("*/pyproject.toml")]):
        try:
            project = tomllib.loads(path.read_text("utf-8", "replace")).get("project", {})
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        listed = project.get("dependencies", []) if isinstance(project, dict) else []
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, str) and is_of_a_stranger(each):
                yield path.relative_to(tree).as_posix(), 1, one_line(each, 100)
