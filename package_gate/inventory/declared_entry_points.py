"""What an artifact declares as entry points, of which hosts load some by themselves.

A wheel says it in its metadata; what a build of a source tree would write there, the tree's
settings say, or its `setup.py`, as far as that stands there as texts.
"""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from package_gate.core.inventory import EntryPoint
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.inventory.formats.entry_points import read_entry_points
from package_gate.inventory.formats.setup_cfg import read_setup_cfg

_SECTIONS = ("options.entry_points", "entry_points")
"""Setuptools' and pbr's."""
_TABLES = (
    ("project", "entry-points"),
    ("tool", "poetry", "plugins"),
    ("tool", "flit", "entrypoints"),
)
_PROGRAMS = ("console_scripts", "gui_scripts")


def declared_entry_points(tree: Path) -> Iterator[tuple[Path, EntryPoint]]:
    """Give what hosts may load, with the file that says so; programs are started by somebody.

    Raises:
        OSError: a file can't be read.
    """
    for path, entry in _all(tree):
        if entry.group not in _PROGRAMS:
            yield path, entry


def _all(tree: Path) -> Iterator[tuple[Path, EntryPoint]]:
    for folder in ("*.dist-info", "*.egg-info", "*/*.egg-info", "*/src/*.egg-info"):
        for path in sorted(tree.glob(f"{folder}/entry_points.txt")):
            yield from ((path, each) for each in read_entry_points(path.read_bytes()))
    for name, read in (
        ("pyproject.toml", _of_project),
        ("setup.cfg", _of_settings),
        ("setup.py", _of_setup),
    ):
        for path in sorted([*tree.glob(name), *tree.glob(f"*/{name}")]):
            text = path.read_text("utf-8", "replace")
            yield from ((path, each) for each in read(text))


def _of_project(text: str) -> Iterator[EntryPoint]:
    try:
        settings = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for names in _TABLES:
        groups: Any = settings
        for name in names:
            groups = groups.get(name) if isinstance(groups, Mapping) else None
        for group, entries in groups.items() if isinstance(groups, Mapping) else ():
            for name, value in entries.items() if isinstance(entries, Mapping) else ():
                yield EntryPoint(group, name, str(value))


def _of_settings(text: str) -> Iterator[EntryPoint]:
    sections = read_setup_cfg(text)
    for section in filter(sections.has_section, _SECTIONS):
        for group in sections.options(section):
            yield from _of_lines(group, sections.get(section, group).splitlines())


def _of_setup(text: str) -> Iterator[EntryPoint]:
    """Give those in a dictionary of groups, or in a text that is an `entry_points.txt`."""
    try:
        module = parse(text)
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "[" in node.value:
            yield from read_entry_points(node.value.encode("utf-8", "replace"))
        groups = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
        for group, entries in groups:
            if isinstance(group, ast.Constant):
                yield from _of_lines(str(group.value), [*_texts(entries)])


def _texts(value: ast.expr) -> Iterator[str]:
    for each in value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else [value]:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield from each.value.splitlines()


def _of_lines(group: str, lines: list[str]) -> Iterator[EntryPoint]:
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            yield EntryPoint(group, name.strip(), value.strip())
