"""From a repository's dependency files to what has to be resolved and what locks hold.

A project with a lock is not resolved: the lock says what is installed, as long as it fits what the
project asks for.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from package_gate.core.finding import Location
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.includes import RequirementsFiles, from_elsewhere
from package_gate.dependency_scan.indexes import indexes_of_uv, not_followed
from package_gate.dependency_scan.locks import LockContent, read_repository_lock
from package_gate.dependency_scan.models import (
    Direct,
    Problem,
    RequirementSet,
    ScannedClosure,
)
from package_gate.dependency_scan.pyproject import RepositoryProject, read_repository_project
from package_gate.dependency_scan.repository import (
    Checkout,
    DependencyFile,
    Other,
    why_not_read,
)
from package_gate.inventory.formats.items import Asked, Elsewhere, FormatProblem
from package_gate.inventory.formats.names import LOCKS, Format
from package_gate.inventory.formats.requirements import shown
from package_gate.inventory.formats.script import read_script
from package_gate.inventory.formats.structured import quoted_lines, read_toml
from package_gate.inventory.pins import inside

PROJECT_LOCKS = {Format.UV_LOCK, Format.POETRY_LOCK, Format.PDM_LOCK}
"""They lock the project in whose folder they lie."""
_STANDS_FOR = {
    "pipfile": ("Pipfile.lock",),
    "package.json": (
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
    ),
}  # fmt: skip
"""Files that are not read, and those beside them that say the same or more."""


def collect(repository: Checkout, indexes: Collection[str]) -> Collected:
    """Read all dependency files.

    Args:
        repository: where they are.
        indexes: addresses of the package indexes that requirements are resolved from.
    """
    collected = Collected(repository)
    files = repository.dependency_files()
    collected.add_problems(*repository.problems)
    if not files:
        collected.add_problems(
            Problem("", None, "There is no dependency file, so nothing was scanned.")
        )
    if repository.excluded:
        left_out = ", ".join(map(shown, repository.excluded))
        collected.notes.append(f"Left out by --exclude: {left_out}.")
    if repository.environments:
        environments = ", ".join(map(shown, repository.environments))
        collected.notes.append(f"Virtual environments were not looked into: {environments}.")
    collected.projects |= {file.path for file in files if file.format is Format.PYPROJECT}
    described, more = _add_projects(collected, files, indexes)
    _tell_of_unread(collected, files, described)
    _add_scripts(collected, files, indexes)
    requirements = [
        file.path for file in files if file.format in (Format.REQUIREMENTS, Other.CONDA)
    ]
    conda = {file.path for file in files if file.format is Other.CONDA}
    RequirementsFiles(collected, indexes, conda).add([*requirements, *more])
    if files and not collected.says_what_is_installed and not collected.problems:
        text = "No dependency file says what is installed, so nothing was scanned."
        collected.add_problems(Problem("", None, text))
    return collected


def _tell_of_unread(
    collected: Collected, files: Collection[DependencyFile], described: Collection[str]
) -> None:
    """Tell of files that nothing here reads.

    Args:
        collected: where to.
        files: all dependency files.
        described: folders of projects that say elsewhere what a `setup.py` would.
    """
    present = {file.path for file in files}
    for file in files:
        if file.format is not Other.NOT_READ:
            continue
        path = PurePosixPath(file.path)
        name = path.name.lower()
        if present & {str(path.with_name(other)) for other in _STANDS_FOR.get(name, ())}:
            continue
        if name == "setup.py" and str(path.parent) in described:
            continue
        if name == "setup.cfg":  # it may be about other tools only
            data = collected.repository.read(file.path)
            if isinstance(data, bytes) and not re.search(rb"[_-]require", data, re.IGNORECASE):
                continue
        if name == "hatch.toml":  # most are about builds
            data = collected.repository.read(file.path)
            if isinstance(data, bytes) and not (b"envs" in data and b"dependencies" in data):
                continue
        text = f"It is not scanned: {why_not_read(name)}."
        collected.add_problems(Problem(file.path, None, text))


def _add_scripts(
    collected: Collected, files: Iterable[DependencyFile], indexes: Collection[str]
) -> None:
    """Add what scripts need by their own word (PEP 723); each runs by itself."""
    for file in files:
        if file.format is not Other.SCRIPT or (data := collected.read(file.path)) is None:
            continue
        script = read_script(data)
        if isinstance(script, FormatProblem):
            collected.add_problems(Problem(file.path, script.line, script.text))
            continue
        for address, written in indexes_of_uv(script.uv, "tool.uv."):
            if text := not_followed(address, written, indexes):
                collected.add_problems(Problem(file.path, None, text))
        for name in ("sources", "override-dependencies", "constraint-dependencies"):
            if script.uv.get(name):
                text = f"Its tool.uv.{name} are not applied here."
                collected.add_problems(Problem(file.path, None, text))
        try:
            python = SpecifierSet(script.requires_python)
        except InvalidSpecifier:
            python = SpecifierSet()
            text = f"{shown(script.requires_python)!r} names no Python versions."
            collected.add_problems(Problem(file.path, None, text))
        directs = []
        for item in script.items:
            if isinstance(item, Asked):
                place = Location(file.path, item.line)
                directs.append(Direct(item.requirement, place, written=item.written))
            else:
                text = from_elsewhere(item) if isinstance(item, Elsewhere) else item.text
                collected.add_problems(Problem(file.path, item.line, text))
        collected.says_what_is_installed = True
        if directs:
            collected.sets.append(
                RequirementSet(file.path, file.path, tuple(directs), requires_python=python)
            )


def _add_projects(
    collected: Collected, files: Iterable[DependencyFile], indexes: Collection[str]
) -> tuple[set[str], list[str]]:
    """Add projects and locks.

    Returns:
        The folders of projects that say what they depend on, and requirements files that projects
        take dependencies from.
    """
    locks: dict[str, LockContent] = {}
    lock_of: dict[str, str] = {}
    for file in files:
        if file.format not in LOCKS or (data := collected.read(file.path)) is None:
            continue
        content = read_repository_lock(file.path, file.format, data, indexes)
        collected.add_problems(*content.problems)
        locks[file.path] = content
        if file.format in PROJECT_LOCKS:
            lock_of[str(PurePosixPath(file.path).parent)] = file.path
        for folder in content.projects:
            lock_of[inside(collected.repository.folder, file.path, folder) or ""] = file.path
    directs: dict[str, list[Direct]] = {path: [] for path in locks}
    described = set(lock_of)
    more: list[str] = []
    for file in files:
        if file.format is Other.UV_SETTINGS:
            _check_settings(collected, file.path, indexes)
        if file.format is not Format.PYPROJECT or (data := collected.read(file.path)) is None:
            continue
        project = read_repository_project(file.path, data, indexes)
        folder = str(PurePosixPath(file.path).parent)
        if project.says_dependencies:
            described.add(folder)
        collected.says_what_is_installed |= project.is_about_a_project
        collected.sets += project.sets_beside_locks
        lock = lock_of.get(folder)
        if lock is None:
            collected.add_problems(*project.problems, *project.unlocked_problems)
            collected.sets += project.sets
            more += _dynamic_files(collected, file.path, project)
        else:
            collected.add_problems(*project.problems)
            asked = {each: None for found in project.sets for each in found.requirements}
            directs[lock] += asked
    for path, content in locks.items():
        _check_fits(collected, path, content, directs[path])
        collected.locks.append(
            ScannedClosure(path, path, tuple(directs[path]), tuple(content.packages), locked=True)
        )
    collected.says_what_is_installed |= bool(locks or collected.sets)
    return described, more


def _check_settings(collected: Collected, path: str, indexes: Collection[str]) -> None:
    """Tell of the indexes that a `uv.toml` names."""
    data = collected.read(path)
    document = read_toml(data) if data is not None else {}
    if isinstance(document, FormatProblem):
        collected.add_problems(Problem(path, document.line, document.text))
        return
    lines = quoted_lines(data or b"")
    text = (
        "It names another index than the configured one, so what is installed may be another "
        "package of the same name. Name the index in the configuration of the scan's uv instead."
    )
    for address, written in indexes_of_uv(document, ""):
        if not_followed(address, written, indexes):
            collected.add_problems(Problem(path, lines.get(address), text))


def _dynamic_files(collected: Collected, path: str, project: RepositoryProject) -> list[str]:
    found = []
    for file in project.files:
        included = inside(collected.repository.folder, path, file)
        if included is None:
            text = f"It takes dependencies from {shown(file)}, outside the repository or a link."
            collected.add_problems(Problem(path, None, text))
        else:
            found.append(included)
    return found


def _check_fits(
    collected: Collected, path: str, content: LockContent, directs: Iterable[Direct]
) -> None:
    """Tell of every requirement that a lock doesn't meet: it is out of date."""
    versions: dict[str, list[str]] = {}
    for package in content.packages:
        versions.setdefault(package.name, []).append(package.version)
    for direct in directs:
        held = versions.get(direct.name)
        if held is None:
            fits = direct.name in content.names or direct.requirement.marker is not None
        else:
            contains = direct.requirement.specifier.contains
            fits = any(contains(version, prereleases=True) for version in held)
        if not fits:
            text = f"{path} doesn't hold what fits {shown(str(direct))!r}. Lock again."
            collected.add_problems(Problem(direct.place.path, direct.place.line, text))
