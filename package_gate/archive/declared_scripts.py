"""Which programs a source tree's settings say there will be, tool by tool.

`pyproject.toml` and `setup.cfg` list them, or name a file that does (setuptools, Flit).
"""

import configparser
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from package_gate.archive.moving import at, table, texts
from package_gate.inventory.formats.entry_points import read_entry_points
from package_gate.inventory.formats.setup_cfg import lines

_GROUPS = ("console_scripts", "gui_scripts")


def scripts_of_project(project: Mapping[str, Any]) -> Iterator[str]:
    """Name those of `pyproject.toml`."""
    declared = table(project, "project")
    yield from table(declared, "scripts")
    yield from table(declared, "gui-scripts")
    for group in _GROUPS:
        yield from at(declared, f"entry-points.{group}")
        yield from at(project, f"tool.poetry.plugins.{group}")
    yield from at(project, "tool.flit.scripts")
    for name, script in at(project, "tool.poetry.scripts").items():
        yield name
        reference = script.get("reference") if isinstance(script, Mapping) else None
        if isinstance(reference, str) and script.get("type") == "file":
            yield posixpath.basename(reference)


def scripts_of_setup(sections: configparser.RawConfigParser) -> Iterator[str]:
    """Name those of `setup.cfg`, for setuptools and for pbr."""
    for section in ("options.entry_points", "entry_points"):
        for group in _GROUPS:
            for line in lines(sections, section, group):
                yield line.partition("=")[0].strip()
    yield from scripts_of_file(sections.get("options", "entry_points", fallback="").encode())


def files_of_scripts(
    project: Mapping[str, Any], sections: configparser.RawConfigParser
) -> Iterator[str]:
    """Name the files that settings say list entry points."""
    yield from texts(at(project, "tool.setuptools.dynamic.entry-points").get("file"))
    for line in lines(sections, "options", "entry_points"):
        if not line.startswith("["):
            yield line.removeprefix("file:").strip()
    if "flit" in table(project, "tool"):
        yield "entry_points.txt"
        yield from texts(at(project, "tool.flit.metadata").get("entry-points-file"))


def scripts_of_file(data: bytes) -> Iterator[str]:
    """Name those of a file in the form of `entry_points.txt`."""
    yield from (each.name for each in read_entry_points(data) if each.group in _GROUPS)
