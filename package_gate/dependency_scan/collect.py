"""From a repository's dependency files to what has to be resolved and what locks hold.

A project with a lock is not resolved: the lock says what is installed, as long as it fits what the
project asks for.
"""

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from package_gate.dependencies import inside
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.includes import RequirementsFiles
from package_gate.dependency_scan.locks import LockContent, read_lock
from package_gate.dependency_scan.models import Closure, Direct, Problem
from package_gate.dependency_scan.pyproject import Project, read_pyproject
from package_gate.dependency_scan.repository import (
    LOCKS,
    NOT_READ,
    DependencyFile,
    Format,
    Repository,
)
from package_gate.dependency_scan.requirements_text import shown

PROJECT_LOCKS = {Format.UV_LOCK, Format.POETRY_LOCK, Format.PDM_LOCK}
"""They lock the project in whose folder they lie."""
_STANDS_FOR = {
    "setup.py": ("pyproject.toml",),
    "pipfile": ("Pipfile.lock",),
    "package.json": (
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
    ),
}  # fmt: skip
"""Files that are not read, and those beside them that say the same or more."""


def collect(repository: Repository, indexes: Collection[str]) -> Collected:
    """Read all dependency files.

    Args:
        repository: where they are.
        indexes: addresses of the package indexes that requirements are resolved from.
    """
    collected = Collected(repository)
    files = repository.dependency_files()
    collected.tell(*repository.problems)
    if not files:
        collected.tell(Problem("", None, "There is no dependency file, so nothing was scanned."))
    if repository.excluded:
        left_out = ", ".join(map(shown, repository.excluded))
        collected.notes.append(f"Left out by --exclude: {left_out}.")
    _tell_of_unread(collected, files)
    more = _add_projects(collected, files, indexes)
    requirements = [file.path for file in files if file.format is Format.REQUIREMENTS]
    RequirementsFiles(collected, indexes).add([*requirements, *more])
    return collected


def _tell_of_unread(collected: Collected, files: Collection[DependencyFile]) -> None:
    present = {file.path for file in files}
    for file in files:
        if file.format is not Format.NOT_READ:
            continue
        path = PurePosixPath(file.path)
        name = path.name.lower()
        if present & {str(path.with_name(other)) for other in _STANDS_FOR.get(name, ())}:
            continue
        if name == "setup.cfg":  # it may be about other tools only
            data = collected.repository.read(file.path)
            if isinstance(data, bytes) and b"_require" not in data:
                continue
        collected.tell(Problem(file.path, None, f"It is not scanned: {NOT_READ[name]}."))


def _add_projects(
    collected: Collected, files: Iterable[DependencyFile], indexes: Collection[str]
) -> list[str]:
    """Add projects and locks; returns requirements files that projects take dependencies from."""
    locks: dict[str, LockContent] = {}
    lock_of: dict[str, str] = {}
    for file in files:
        if file.format not in LOCKS or (data := collected.read(file.path)) is None:
            continue
        content = read_lock(file.path, file.format, data, indexes)
        collected.tell(*content.problems)
        locks[file.path] = content
        if file.format in PROJECT_LOCKS:
            lock_of[str(PurePosixPath(file.path).parent)] = file.path
        for folder in content.projects:
            lock_of[inside(collected.repository.folder, file.path, folder) or ""] = file.path
    directs: dict[str, list[Direct]] = {path: [] for path in locks}
    more: list[str] = []
    for file in files:
        if file.format is not Format.PYPROJECT or (data := collected.read(file.path)) is None:
            continue
        project = read_pyproject(file.path, data)
        lock = lock_of.get(str(PurePosixPath(file.path).parent))
        if lock is None:
            collected.tell(*project.problems, *project.unlocked_problems)
            collected.sets += project.sets
            more += _dynamic_files(collected, file.path, project)
        else:
            collected.tell(*project.problems)
            asked = {each: None for found in project.sets for each in found.requirements}
            directs[lock] += asked
    for path, content in locks.items():
        _check_fits(collected, path, content, directs[path])
        collected.locks.append(
            Closure(path, path, tuple(directs[path]), tuple(content.packages), locked=True)
        )
    return more


def _dynamic_files(collected: Collected, path: str, project: Project) -> list[str]:
    found = []
    for file in project.files:
        included = inside(collected.repository.folder, path, file)
        if included is None:
            text = f"It takes dependencies from {shown(file)}, outside the repository or a link."
            collected.tell(Problem(path, None, text))
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
            collected.tell(Problem(direct.place.path, direct.place.line, text))
