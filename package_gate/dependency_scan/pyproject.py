"""A `pyproject.toml`: the requirements that installing the project, an extra or a group means.

PEP 621 (`[project]`), PEP 735 (`[dependency-groups]`), and the tables of uv, PDM, Poetry, Flit,
Hatch and Rye. Each extra is resolved with the project's own dependencies and each group by itself,
as they are installed; several extras or groups may contradict each other.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from package_gate.core.finding import Location
from package_gate.core.text import printable
from package_gate.dependency_scan import models, poetry
from package_gate.dependency_scan.indexes import (
    indexes_of_pdm,
    indexes_of_poetry,
    indexes_of_uv,
    not_followed,
)
from package_gate.dependency_scan.models import Direct, RequirementSet
from package_gate.dependency_scan.requirements_text import parse, shown
from package_gate.inventory.dependency_files import (
    MAX_REQUIREMENT,
    quoted_lines,
    read_toml,
    table_of,
)
from package_gate.inventory.formats.items import FormatProblem
from package_gate.sources.pypi.resolver import is_plain, normalised

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
class Project:
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
    def __init__(self, path: str, document: dict[str, Any], lines: Mapping[str, int]) -> None:
        self.path = path
        self.document = document
        self.lines = lines
        self.result = Project()
        self.sources: dict[str, Any] = {
            canonicalize_name(name): source
            for name, source in table_of(self._tool("uv"), "sources").items()
        }
        self.name = canonicalize_name(str(table_of(document, "project").get("name") or ""))

    def _tool(self, name: str) -> dict[str, Any]:
        return table_of(table_of(self.document, "tool"), name)

    def read(self, indexes: Collection[str]) -> Project:
        project = table_of(self.document, "project")
        self._check_indexes(indexes)
        self._check_unread()
        python = self._python(project.get("requires-python"))
        constraints = tuple(self._list(self._tool("uv").get("constraint-dependencies")))
        if self._tool("uv").get("override-dependencies"):
            text = "tool.uv.override-dependencies are not applied here. Give a uv.lock."
            self._problem(text, unlocked=True)
        if table_of(self._tool("pdm"), "resolution").get("overrides"):
            text = "tool.pdm.resolution.overrides are not applied here. Give a pdm.lock."
            self._problem(text, unlocked=True)
        base = tuple(self._list(project.get("dependencies")))
        self._check_dynamic(project)
        groups: list[tuple[str, tuple[Direct, ...]]] = [("", base)] if base else []
        for extra, listed in table_of(project, "optional-dependencies").items():
            groups.append((extra, base + tuple(self._own(listed, project))))
        groups += self._groups()
        for name, entries in poetry.groups(self._tool("poetry"), self.path, self.lines):
            groups.append((name, tuple(each for each in entries if isinstance(each, Direct))))
            self.result.problems += [each for each in entries if isinstance(each, models.Problem)]
        if poetry_python := poetry.python(self._tool("poetry")):
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
        setuptools = table_of(self._tool("setuptools"), "dynamic")
        by_poetry = "dependencies" in self._tool("poetry")
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
            (indexes_of_uv(self._tool("uv"), "tool.uv."), True),
            (indexes_of_poetry(self._tool("poetry")), True),
            (indexes_of_pdm(self._tool("pdm")), False),
        ):
            for address, written in named:
                if text := not_followed(address, written, indexes):
                    self._problem(text, self.lines.get(address), unlocked=unlocked)

    def _check_unread(self) -> None:
        for keys in _UNREAD_TABLES:
            table = self.document
            for key in keys[:-1]:
                table = table_of(table, key)
            if table.get(keys[-1]):
                self._problem(f"The table [{'.'.join(keys)}] is not read, so not scanned.")
        for name, environment in self._hatch_environments():
            if "dependencies" in str(environment.get("overrides")):
                text = f"The table [tool.hatch.envs.{shown(name)}.overrides] is not read."
                self._problem(text)

    def _hatch_environments(self) -> list[tuple[str, dict[str, Any]]]:
        environments = table_of(self._tool("hatch"), "envs")
        return [(name, table_of(environments, name)) for name in environments]

    def _own(self, listed: object, project: dict[str, Any]) -> Iterator[Direct]:
        """Give an extra's requirements; one on the project's own extras stands for those."""
        extras = table_of(project, "optional-dependencies")
        waiting, seen = [listed], set[str]()
        while waiting:
            for direct in self._list(waiting.pop()):
                if direct.name != self.name or not direct.requirement.extras:
                    yield direct
                    continue
                for extra in direct.requirement.extras - seen:
                    seen.add(extra)
                    waiting.append(extras.get(extra))

    def _groups(self) -> Iterator[tuple[str, tuple[Direct, ...]]]:
        groups = table_of(self.document, "dependency-groups")
        for name in groups:
            yield f"group {name}", tuple(self._group(groups, name, 0))
        if old := self._tool("uv").get("dev-dependencies"):
            yield "uv dev", tuple(self._list(old))
        for name, listed in table_of(self._tool("pdm"), "dev-dependencies").items():
            yield f"pdm {name}", tuple(self._list(listed))

    def _groups_beside_locks(self) -> Iterator[tuple[str, tuple[Direct, ...]]]:
        flit = table_of(self._tool("flit"), "metadata")
        extras = table_of(flit, "requires-extra")
        for name, listed in (
            ("flit", flit.get("requires")),
            ("flit dev", flit.get("dev-requires")),
            *((f"flit {extra}", extras[extra]) for extra in extras),
            ("rye dev", self._tool("rye").get("dev-dependencies")),
        ):
            yield name, tuple(self._list(listed))
        for name, environment in self._hatch_environments():
            directs = [
                direct
                for key in ("dependencies", "extra-dependencies")
                for direct in self._list(environment.get(key))
            ]
            yield f"hatch {name}", tuple(directs)

    def _group(self, groups: dict[str, Any], name: str, depth: int) -> Iterator[Direct]:
        """Give a group's requirements, those of included groups too (PEP 735)."""
        listed = groups.get(name)
        if not isinstance(listed, list):
            yield from self._list(listed)
            return
        for entry in listed:
            if not isinstance(entry, dict):
                yield from self._list([entry])
                continue
            wanted = canonicalize_name(str(entry.get("include-group", "")))
            included = next((each for each in groups if canonicalize_name(each) == wanted), None)
            if included is None or depth == MAX_DEPTH:
                self._problem(f"The group {shown(name)!r} includes what is no group, or itself.")
            else:
                yield from self._group(groups, included, depth + 1)

    def _list(self, listed: object) -> Iterator[Direct]:
        if listed is not None and not isinstance(listed, list):
            self._problem("A list of requirements in it is no list.")
        for text in listed if isinstance(listed, list) else ():
            if not isinstance(text, str) or len(text) > MAX_REQUIREMENT:
                self._problem("A requirement in it is no text, or too long.")
            elif direct := self._direct(text):
                yield direct

    def _direct(self, text: str) -> Direct | None:
        line = self.lines.get(text)
        try:
            requirement = normalised(parse(text))
        except InvalidRequirement as error:
            why = printable(str(error).splitlines()[0], 100)
            self._problem(f"{shown(text)!r} is no requirement ({why}).", line)
            return None
        source = self.sources.get(requirement.name)
        sources = source if isinstance(source, list) else [source] if source else []
        if any(isinstance(each, dict) and "workspace" in each for each in sources):
            return None  # a project of this repository, with a pyproject.toml of its own
        if requirement.url or sources:
            self._problem(
                f"{shown(requirement.name)} comes from "
                f"{shown(requirement.url or 'a source that [tool.uv.sources] names')}, which is "
                "neither fetched nor scanned.",
                line,
            )
            return None
        if not is_plain(str(requirement)):
            self._problem(f"{shown(text)!r} holds characters that no requirement has.", line)
            return None
        return Direct(requirement, Location(self.path, line), written=text)

    def _python(self, text: object) -> SpecifierSet:
        try:
            return SpecifierSet(text) if isinstance(text, str) else SpecifierSet()
        except InvalidSpecifier:
            self._problem(f"{shown(str(text))!r} names no Python versions.")
            return SpecifierSet()

    def _problem(self, text: str, line: int | None = None, *, unlocked: bool = False) -> None:
        told = self.result.unlocked_problems if unlocked else self.result.problems
        told.append(models.Problem(self.path, line, text))


def read_pyproject(path: str, data: bytes, indexes: Collection[str]) -> Project:
    """Read one; nothing of it is run.

    Args:
        path: relative to the repository.
        data: its content.
        indexes: addresses of the package indexes that requirements are resolved from.
    """
    document = read_toml(data)
    if isinstance(document, FormatProblem):
        return Project(problems=[models.Problem(path, document.line, document.text)])
    return _Reader(path, document, quoted_lines(data)).read(indexes)
