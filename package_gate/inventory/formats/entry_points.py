"""`entry_points.txt`, as `importlib.metadata` reads it.

https://packaging.python.org/en/latest/specifications/entry-points/.
"""

from collections.abc import Iterator

from package_gate.core.inventory import EntryPoint


def is_metadata(folder: str) -> bool:
    """Whether `importlib.metadata` looks for entry points in a folder, by its path."""
    return folder.lower().endswith((".dist-info", ".egg-info", "/egg-info"))


def read_entry_points(data: bytes) -> Iterator[EntryPoint]:
    """Give every entry point as written, however many and long; other lines are passed over."""
    group = ""
    for line in map(str.strip, data.decode("utf-8", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]").strip()
        elif group and line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if equals:
                yield EntryPoint(group, name.strip(), value.strip())
