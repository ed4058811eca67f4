"""`pyproject.toml`: what the project is called, and every list of requirements in it.

PEP 621 (`[project]`), PEP 518 (`[build-system]`), PEP 735 (`[dependency-groups]`), and the tables
of uv, PDM, Poetry, Flit, Hatch and Rye.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from packaging.version import Version

from package_gate.core.inventory import EntryPoint
from package_gate.core.text import one_line
from package_gate.inventory.bounds import MAX_SUMMARY
from package_gate.inventory.formats import poetry
from package_gate.inventory.formats.core_metadata import (
    CoreMetadata,
    shortened_licence,
    sound_name,
    sound_version,
    specifiers,
)
from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.requirements import (
    MAX_REQUIREMENT,
    RequirementItem,
    requirement,
)
from package_gate.inventory.formats.structured import quoted_lines, read_toml, table_of

MAX_REQUIREMENTS = 20_000
"""In one file, in all its lists."""


class PyProjectTable(Enum):
    """Where a list of requirements stands."""

    BUILD = auto()
    """`[build-system] requires`."""
    PROJECT = auto()
    """`[project] dependencies`."""
    EXTRA = auto()
    """`[project.optional-dependencies]`."""
    GROUP = auto()
    """`[dependency-groups]`."""
    UV_CONSTRAINTS = auto()
    UV_DEV = auto()
    PDM_DEV = auto()
    POETRY = auto()
    FLIT = auto()
    RYE_DEV = auto()
    HATCH = auto()
    """An environment of `[tool.hatch.envs]`."""


@dataclass(frozen=True, slots=True)
class IncludeGroup:
    """An entry of a group that stands for another group's."""

    name: str


@dataclass(frozen=True, slots=True)
class RequirementList:
    """Requirements that stand together."""

    table: PyProjectTable
    name: str
    """Of the extra, group or environment, as written; "" where there is one list only."""
    items: tuple[RequirementItem | IncludeGroup, ...]


@dataclass(frozen=True, slots=True)
class OwnRelease:
    """The project itself, where name and version are static."""

    name: str
    version: str
    line: int | None
    """Of the version, from 1."""


@dataclass(frozen=True, slots=True)
class PyProject:
    """What a `pyproject.toml` says."""

    document: dict[str, Any]
    releases: tuple[OwnRelease, ...]
    """By `[project]` and by `[tool.poetry]`."""
    lists: tuple[RequirementList, ...]
    lines: Mapping[str, int]
    """The line on which each quoted text first stands."""

    @property
    def project(self) -> dict[str, Any]:
        """`[project]`; empty when there is none."""
        return table_of(self.document, "project")

    def tool(self, name: str) -> dict[str, Any]:
        """`[tool.NAME]`; empty when there is none."""
        return table_of(table_of(self.document, "tool"), name)

    @property
    def metadata(self) -> CoreMetadata:
        """What is static of the core metadata that a build would write."""
        table = self.project or self.tool("poetry")
        version = _text(table.get("version"))
        licence = table.get("license")
        of_table = licence if isinstance(licence, dict) else {}
        expression = licence if isinstance(licence, str) and self.project else ""
        text = of_table.get("text", licence if not self.project else "")
        return CoreMetadata(
            name=sound_name(_text(table.get("name"))),
            version="" if is_placeholder(version) else sound_version(version),
            requires_python=str(specifiers(_text(table.get("requires-python")))),
            summary=one_line(_text(table.get("description")), MAX_SUMMARY),
            requires=_texts(self.project.get("dependencies")),
            licence=shortened_licence(
                expression,
                _text(text),
                _texts(table.get("classifiers")),
                (*_texts([of_table.get("file")]), *_texts(table.get("license-files"))),
            ),
        )

    @property
    def requires_may_change(self) -> bool:
        """Whether a build may add to the dependencies of `[project]`."""
        dynamic = self.project.get("dynamic")
        return "dependencies" not in self.project or "dependencies" in _texts(dynamic)

    @property
    def build_requires(self) -> tuple[str, ...]:
        """What a build needs: `[build-system] requires`, and of hatchling's hooks their own."""
        build = table_of(self.tool("hatch"), "build")
        targets = table_of(build, "targets")
        hooks = [table_of(build, "hooks"), table_of(table_of(targets, "wheel"), "hooks")]
        listed = [table_of(table, name).get("dependencies") for table in hooks for name in table]
        written = table_of(self.document, "build-system").get("requires")
        return tuple(text for each in (written, *listed) for text in _texts(each))

    @property
    def build_backend(self) -> str:
        """The backend of its build, as written; "" when it names none."""
        return _text(table_of(self.document, "build-system").get("build-backend"))

    @property
    def entry_points(self) -> Iterator[EntryPoint]:
        """Those that a build would write, as written."""
        table = self.project or self.tool("poetry")
        groups = {
            "console_scripts": table_of(table, "scripts"),
            "gui_scripts": table_of(table, "gui-scripts"),
            **{
                group: table_of(table_of(table, key), group)
                for key in ("entry-points", "plugins")
                for group in table_of(table, key)
            },
        }
        for group, entries in groups.items():
            for name, value in entries.items():
                if isinstance(value, str):
                    yield EntryPoint(group, name, value)

    def of(self, *tables: PyProjectTable) -> list[RequirementList]:
        """Give the lists of these tables."""
        return [each for each in self.lists if each.table in tables]


def is_placeholder(version: str) -> bool:
    """Whether it is 0.0.0 or the like, which plug-ins replace when they build the package."""
    try:
        return not any(Version(version).release)
    except ValueError:
        return False


def read_pyproject(data: bytes) -> PyProject | FormatProblem:
    """Read one; nothing of it is run."""
    document = read_toml(data)
    if isinstance(document, FormatProblem):
        return document
    lines = quoted_lines(data)
    return PyProject(
        document, tuple(_releases(document, lines)), tuple(_lists(document, lines)), lines
    )


def _releases(document: dict[str, Any], lines: Mapping[str, int]) -> Iterator[OwnRelease]:
    for table in (table_of(document, "project"), table_of(table_of(document, "tool"), "poetry")):
        name, version = table.get("name"), table.get("version")
        if isinstance(name, str) and isinstance(version, str) and not is_placeholder(version):
            yield OwnRelease(name, version, lines.get(version))


def _lists(document: dict[str, Any], lines: Mapping[str, int]) -> Iterator[RequirementList]:
    left = MAX_REQUIREMENTS
    for table, name, items in _read_lists(document, lines):
        kept = tuple(itertools.islice(items, left))
        if next(items, None) is not None:
            problem = FormatProblem(f"It has more than {MAX_REQUIREMENTS} requirements.")
            yield RequirementList(table, name, (*kept, problem))
            return
        yield RequirementList(table, name, kept)
        left -= len(kept)


def _read_lists(
    document: dict[str, Any], lines: Mapping[str, int]
) -> Iterator[tuple[PyProjectTable, str, Iterator[RequirementItem | IncludeGroup]]]:
    for table, name, listed in _written_lists(document):
        if listed is not None:
            yield table, name, _items(listed, table, lines)
    for name, items in poetry.groups(table_of(table_of(document, "tool"), "poetry"), lines):
        yield PyProjectTable.POETRY, name, items


def _written_lists(document: dict[str, Any]) -> Iterator[tuple[PyProjectTable, str, object]]:
    project, tools = table_of(document, "project"), table_of(document, "tool")
    yield PyProjectTable.PROJECT, "", project.get("dependencies")
    yield PyProjectTable.BUILD, "", table_of(document, "build-system").get("requires")
    for extra, listed in table_of(project, "optional-dependencies").items():
        yield PyProjectTable.EXTRA, extra, listed
    for group, listed in table_of(document, "dependency-groups").items():
        yield PyProjectTable.GROUP, group, listed
    uv = table_of(tools, "uv")
    yield PyProjectTable.UV_CONSTRAINTS, "", uv.get("constraint-dependencies")
    yield PyProjectTable.UV_DEV, "", uv.get("dev-dependencies")
    for group, listed in table_of(table_of(tools, "pdm"), "dev-dependencies").items():
        yield PyProjectTable.PDM_DEV, group, listed
    flit = table_of(table_of(tools, "flit"), "metadata")
    yield PyProjectTable.FLIT, "", flit.get("requires")
    yield PyProjectTable.FLIT, "dev", flit.get("dev-requires")
    for extra, listed in table_of(flit, "requires-extra").items():
        yield PyProjectTable.FLIT, extra, listed
    yield PyProjectTable.RYE_DEV, "", table_of(tools, "rye").get("dev-dependencies")
    environments = table_of(table_of(tools, "hatch"), "envs")
    for name in environments:
        for key in ("dependencies", "extra-dependencies"):
            yield PyProjectTable.HATCH, name, table_of(environments, name).get(key)


def _items(
    listed: object, table: PyProjectTable, lines: Mapping[str, int]
) -> Iterator[RequirementItem | IncludeGroup]:
    if not isinstance(listed, list):
        yield FormatProblem("A list of requirements in it is no list.")
        return
    for entry in listed:
        if isinstance(entry, dict) and table is PyProjectTable.GROUP:
            yield IncludeGroup(str(entry.get("include-group", "")))
        elif not isinstance(entry, str) or len(entry) > MAX_REQUIREMENT:
            yield FormatProblem("A requirement in it is no text, or too long.")
        else:
            yield requirement(entry, lines.get(entry))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
