"""A `pyproject.toml`: the requirements that installing the project, an extra or a group means.

Each extra is resolved with the project's own dependencies and each group by itself, as they are
installed; several extras or groups may contradict each other.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from package_gate.core.finding import Location
from package_gate.dependency_scan import models
from package_gate.dependency_scan.indexes import (
    indexes_of_pdm,
    indexes_of_poetry,
    indexes_of_uv,
    not_followed,
)
from package_gate.dependency_scan.models import Direct, RequirementSet
from package_gate.inventory.formats import poetry, pyproject
from package_gate.inventory.formats.items import Asked, Elsewhere, FormatProblem
from package_gate.inventory.formats.pyproject import (
    IncludeGroup,
    PyProject,
    PyProjectTable,
    RequirementList,
)
from package_gate.inventory.formats.requirements import RequirementItem, shown
from package_gate.inventory.formats.structured import table_of

MAX_SETS = 60
"""Extras and groups of one project."""
MAX_DEPTH = 10
"""Groups that include groups."""
_UNREAD_TABLES = (
    ("tool", "pixi", "dependencies"),
    ("tool", "pixi", "pypi-dependencies"),
    ("tool", "pixi", "feature"),
)
"""Tables that name packages, and that nothing here understands."""


@dataclass
class RepositoryProject:
    """What a `pyproject.toml` says."""

    sets: list[RequirementSet] = field(default_factory=list)
    sets_beside_locks: list[RequirementSet] = field(default_factory=list)
    """Those of tools whose locks are none that this scan reads."""
    is_about_a_project: bool = False
    """Whether it holds more than settings of tools."""
    says_dependencies: bool = False
    """Whether a `setup.py` beside it has nothing to add."""
    problems: list[models.Problem] = field(default_factory=list)
    unlocked_problems: list[models.Problem] = field(default_factory=list)
    """What only matters where no lock says what is installed."""
    files: list[str] = field(default_factory=list)
    """Requirements files from which setuptools takes the dependencies."""


class _Reader:
    def __init__(self, path: str, content: PyProject) -> None:
        self.path = path
        self.content = content
        self.result = RepositoryProject()
        self.sources: dict[str, Any] = {
            canonicalize_name(name): source
            for name, source in table_of(content.tool("uv"), "sources").items()
        }
        self.name = canonicalize_name(str(content.project.get("name") or ""))

    def read(self, indexes: Collection[str]) -> RepositoryProject:
        content, project = self.content, self.content.project
        self._check_indexes(indexes)
        self._check_unread()
        python = self._python(project.get("requires-python"))
        constraints = tuple(self._all(content.of(PyProjectTable.UV_CONSTRAINTS)))
        if content.tool("uv").get("override-dependencies"):
            text = "tool.uv.override-dependencies are not applied here. Give a uv.lock."
            self._problem(text, unlocked=True)
        if table_of(content.tool("pdm"), "resolution").get("overrides"):
            text = "tool.pdm.resolution.overrides are not applied here. Give a pdm.lock."
            self._problem(text, unlocked=True)
        base = tuple(self._all(content.of(PyProjectTable.PROJECT)))
        self._check_dynamic(project)
        groups: list[tuple[str, tuple[Direct, ...]]] = [("", base)] if base else []
        extras = content.of(PyProjectTable.EXTRA)
        groups += [(each.name, base + tuple(self._own(each, extras))) for each in extras]
        groups += self._groups()
        if poetry_python := poetry.python(content.tool("poetry")):
            python = self._python(poetry_python)
        beside = list(self._groups_beside_locks())
        if len(groups) + len(beside) > MAX_SETS:
            self._problem(f"It has more than {MAX_SETS} extras and groups.")
        for sets, named in (
            (self.result.sets_beside_locks, beside[:MAX_SETS]),
            (self.result.sets, groups[:MAX_SETS]),
        ):
            for name, directs in named:
                if directs:
                    title = f"{self.path} [{shown(name)}]" if name else self.path
                    sets.append(
                        RequirementSet(title, self.path, directs, constraints, False, python)
                    )
        return self.result

    def _check_dynamic(self, project: dict[str, Any]) -> None:
        listed = project.get("dynamic")
        dynamic = listed if isinstance(listed, list) else []
        setuptools = table_of(self.content.tool("setuptools"), "dynamic")
        by_poetry = "dependencies" in self.content.tool("poetry")
        self.result.is_about_a_project = bool(project) or by_poetry
        # Old setuptools takes from a setup.py whatever [project] doesn't name.
        self.result.says_dependencies = by_poetry or "dependencies" in project
        if "dependencies" in dynamic and not by_poetry:
            self.result.says_dependencies = self._take_files(setuptools.get("dependencies"))
        if "dependencies" in dynamic and not self.result.says_dependencies:
            self._problem(
                "Its dependencies are dynamic: only running the project's build tells them. "
                "Write them into [project], or give a lock.",
                unlocked=True,
            )
        if "optional-dependencies" in dynamic:
            extras = table_of(setuptools, "optional-dependencies").values()
            taken = [self._take_files(extra) for extra in extras]
            if not taken or not all(taken):
                self._problem(
                    "Its optional-dependencies are dynamic: only running the project's build tells "
                    "them. Write them into [project], or give a lock.",
                    unlocked=True,
                )

    def _take_files(self, entry: object) -> bool:
        """Take requirements files that setuptools reads; False when it names none."""
        files = entry.get("file") if isinstance(entry, dict) else None
        files = [files] if isinstance(files, str) else files
        if not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files):
            return False
        self.result.files += files
        return True

    def _check_indexes(self, indexes: Collection[str]) -> None:
        # Locks of uv and Poetry name the index of each package, those of PDM don't.
        for named, unlocked in (
            (indexes_of_uv(self.content.tool("uv"), "tool.uv."), True),
            (indexes_of_poetry(self.content.tool("poetry")), True),
            (indexes_of_pdm(self.content.tool("pdm")), False),
        ):
            for address, written in named:
                if text := not_followed(address, written, indexes):
                    self._problem(text, self.content.lines.get(address), unlocked=unlocked)

    def _check_unread(self) -> None:
        for keys in _UNREAD_TABLES:
            table = self.content.document
            for key in keys[:-1]:
                table = table_of(table, key)
            if table.get(keys[-1]):
                self._problem(f"The table [{'.'.join(keys)}] is not read, so not scanned.")
        for name, environment in self._hatch_environments():
            if "dependencies" in str(environment.get("overrides")):
                text = f"The table [tool.hatch.envs.{shown(name)}.overrides] is not read."
                self._problem(text)

    def _hatch_environments(self) -> list[tuple[str, dict[str, Any]]]:
        environments = table_of(self.content.tool("hatch"), "envs")
        return [(name, table_of(environments, name)) for name in environments]

    def _own(self, extra: RequirementList, extras: list[RequirementList]) -> Iterator[Direct]:
        """Give an extra's requirements; one on the project's own extras stands for those."""
        waiting, seen = [extra], set[str]()
        while waiting:
            for direct in self._directs(waiting.pop().items):
                if direct.name != self.name or not direct.requirement.extras:
                    yield direct
                    continue
                wanted = direct.requirement.extras - seen
                seen |= wanted
                waiting += [each for each in extras if each.name in wanted]

    def _groups(self) -> Iterator[tuple[str, tuple[Direct, ...]]]:
        groups = self.content.of(PyProjectTable.GROUP)
        for each in groups:
            yield f"group {each.name}", tuple(self._group(groups, each, 0))
        for tool, table in (
            ("uv dev", PyProjectTable.UV_DEV),
            ("pdm", PyProjectTable.PDM_DEV),
            ("", PyProjectTable.POETRY),
        ):
            for each in self.content.of(table):
                yield f"{tool} {each.name}".strip(), tuple(self._directs(each.items))

    def _groups_beside_locks(self) -> Iterator[tuple[str, tuple[Direct, ...]]]:
        for tool, table in (("flit", PyProjectTable.FLIT), ("rye dev", PyProjectTable.RYE_DEV)):
            for each in self.content.of(table):
                yield f"{tool} {each.name}".strip(), tuple(self._directs(each.items))
        environments: dict[str, list[RequirementList]] = {}
        for each in self.content.of(PyProjectTable.HATCH):
            environments.setdefault(each.name, []).append(each)
        for name, lists in environments.items():
            yield f"hatch {name}", tuple(self._all(lists))

    def _group(
        self, groups: list[RequirementList], group: RequirementList, depth: int
    ) -> Iterator[Direct]:
        """Give a group's requirements, those of included groups too (PEP 735)."""
        for item in group.items:
            if not isinstance(item, IncludeGroup):
                yield from self._directs([item])
                continue
            wanted = canonicalize_name(item.name)
            named = (each for each in groups if canonicalize_name(each.name) == wanted)
            included = next(named, None)
            if included is None or depth == MAX_DEPTH:
                text = f"The group {shown(group.name)!r} includes what is no group, or itself."
                self._problem(text)
            else:
                yield from self._group(groups, included, depth + 1)

    def _all(self, lists: Iterable[RequirementList]) -> Iterator[Direct]:
        for each in lists:
            yield from self._directs(each.items)

    def _directs(self, items: Iterable[RequirementItem | IncludeGroup]) -> Iterator[Direct]:
        """Give what can be resolved, and tell of the rest."""
        for item in items:
            match item:
                case Asked():
                    if self._is_of_the_index(item):
                        place = Location(self.path, item.line)
                        yield Direct(item.requirement, place, written=item.written)
                case Elsewhere():
                    self._elsewhere(item.name, item.address, item.line)
                case FormatProblem():
                    self._problem(item.text, item.line)

    def _is_of_the_index(self, asked: Asked) -> bool:
        """Whether `[tool.uv.sources]` leaves it to the index."""
        source = self.sources.get(asked.requirement.name)
        sources = source if isinstance(source, list) else [source] if source else []
        # A project of this repository has a pyproject.toml of its own.
        if sources and not any(isinstance(each, dict) and "workspace" in each for each in sources):
            where = "a source that [tool.uv.sources] names"
            self._elsewhere(asked.requirement.name, where, asked.line)
        return not sources

    def _elsewhere(self, name: str, address: str, line: int | None) -> None:
        where = shown(address or "another place than the package index")
        text = f"{shown(name)} comes from {where}, which is neither fetched nor scanned."
        self._problem(text, line)

    def _python(self, text: object) -> SpecifierSet:
        try:
            return SpecifierSet(text) if isinstance(text, str) else SpecifierSet()
        except InvalidSpecifier:
            self._problem(f"{shown(str(text))!r} names no Python versions.")
            return SpecifierSet()

    def _problem(self, text: str, line: int | None = None, *, unlocked: bool = False) -> None:
        told = self.result.unlocked_problems if unlocked else self.result.problems
        told.append(models.Problem(self.path, line, text))


def read_repository_project(path: str, data: bytes, indexes: Collection[str]) -> RepositoryProject:
    """Read one; nothing of it is run.

    Args:
        path: relative to the repository.
        data: its content.
        indexes: addresses of the package indexes that requirements are resolved from.
    """
    content = pyproject.read_pyproject(data)
    if isinstance(content, FormatProblem):
        return RepositoryProject(problems=[models.Problem(path, content.line, content.text)])
    return _Reader(path, content).read(indexes)
