"""A `pyproject.toml`: the requirements that installing the project, an extra or a group means.

PEP 621 (`[project]`), PEP 735 (`[dependency-groups]`), and the tables of uv, PDM and Poetry. Each
extra is resolved with the project's own dependencies and each group by itself, as they are
installed; several extras or groups may contradict each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from package_gate.dependency_files import (
    MAX_REQUIREMENT,
    Problem,
    quoted_lines,
    read_toml,
    table_of,
)
from package_gate.dependency_scan import models, poetry
from package_gate.dependency_scan.models import Direct, RequirementSet
from package_gate.dependency_scan.requirements_text import shown
from package_gate.models import Location
from package_gate.sources.resolver import is_plain, normalised

MAX_SETS = 60
"""Extras and groups of one project."""
MAX_DEPTH = 10
"""Groups that include groups."""


@dataclass
class Project:
    """What a `pyproject.toml` says."""

    sets: list[RequirementSet] = field(default_factory=list)
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

    def read(self) -> Project:
        project = table_of(self.document, "project")
        python = self._python(project.get("requires-python"))
        constraints = tuple(self._list(self._tool("uv").get("constraint-dependencies")))
        if self._tool("uv").get("override-dependencies"):
            text = "tool.uv.override-dependencies are not applied here. Give a uv.lock."
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
        if len(groups) > MAX_SETS:
            self._problem(f"It has more than {MAX_SETS} extras and groups.")
        for name, directs in groups[:MAX_SETS]:
            if directs:
                title = f"{self.path} [{shown(name)}]" if name else self.path
                self.result.sets.append(
                    RequirementSet(title, self.path, directs, constraints, False, python)
                )
        return self.result

    def _check_dynamic(self, project: dict[str, Any]) -> None:
        dynamic = project.get("dynamic")
        if not isinstance(dynamic, list) or "dependencies" not in dynamic:
            return
        setuptools = table_of(table_of(self._tool("setuptools"), "dynamic"), "dependencies")
        files = setuptools.get("file")
        files = [files] if isinstance(files, str) else files
        if isinstance(files, list) and files and all(isinstance(file, str) for file in files):
            self.result.files += files
        else:
            self._problem(
                "Its dependencies are dynamic: only running the project's build tells them. "
                "Write them into [project], or give a lock.",
                unlocked=True,
            )

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

    def _group(self, groups: dict[str, Any], name: str, depth: int) -> Iterator[Direct]:
        """Give a group's requirements, those of included groups too (PEP 735)."""
        listed = groups.get(name)
        for entry in listed if isinstance(listed, list) else ():
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
            requirement = normalised(Requirement(text))
        except InvalidRequirement:
            self._problem(f"{shown(text)!r} is no requirement.", line)
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


def read_pyproject(path: str, data: bytes) -> Project:
    """Read one; nothing of it is run.

    Args:
        path: relative to the repository.
        data: its content.
    """
    document = read_toml(data)
    if isinstance(document, Problem):
        return Project(problems=[models.Problem(path, document.line, document.text)])
    return _Reader(path, document, quoted_lines(data)).read()
