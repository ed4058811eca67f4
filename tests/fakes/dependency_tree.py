"""Dependency files written into a tree, and what is found in it."""

from pathlib import Path

from package_gate.core.inventory import UnreadableFile
from package_gate.inventory.pins import PinnedDependency, find_pins


def write(tree: Path, path: str, content: str | bytes) -> None:
    """Write one file."""
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def pins(tree: Path) -> list[tuple[str, str, str, int | None]]:
    """Give name, version, path and line of what is found in a tree that can be read."""
    found = find_pins(tree)
    assert not [each for each in found if isinstance(each, UnreadableFile)]
    return [
        (each.name, each.version, each.path, each.line)
        for each in found
        if isinstance(each, PinnedDependency)
    ]


def problems(tree: Path) -> list[tuple[str, int | None, str]]:
    """Give path, line and problem of what could not be read."""
    return [
        (each.path, each.line, each.problem)
        for each in find_pins(tree)
        if isinstance(each, UnreadableFile)
    ]


def versions(tree: Path) -> dict[str, str]:
    """Give the versions found, by name."""
    found = find_pins(tree)
    return {each.name: each.version for each in found if isinstance(each, PinnedDependency)}
