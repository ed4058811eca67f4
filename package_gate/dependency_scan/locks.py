"""Lock files, taken as they are: the releases that they hold are not resolved.

A package that doesn't come from a package index that this scan knows is a problem: advisories speak
of releases in the public index.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from package_gate.core.patterns import PACKAGE_NAME, PACKAGE_VERSION
from package_gate.dependency_scan.indexes import same_address
from package_gate.dependency_scan.models import ClosurePackage, Problem
from package_gate.inventory.formats import locks
from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.locks import LockEntry
from package_gate.inventory.formats.names import Format
from package_gate.inventory.formats.requirements import shown
from package_gate.inventory.pins import MAX_PINS


@dataclass
class LockContent:
    """What a lock says."""

    packages: list[ClosurePackage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Of everything in it, what comes from elsewhere and the repository's own projects included."""
    projects: list[str] = field(default_factory=list)
    """Folders of the projects that it locks, relative to the lock."""


def read_repository_lock(
    path: str, kind: Format, data: bytes, indexes: Collection[str]
) -> LockContent:
    """Read a lock.

    Args:
        path: relative to the repository.
        kind: one of `names.LOCKS`.
        data: its content.
        indexes: addresses of the package indexes that this scan knows, without credentials.
    """
    content = LockContent()
    entries = locks.read_lock(kind, data)
    if isinstance(entries, FormatProblem):
        content.problems.append(Problem(path, entries.line, entries.text))
        return content
    needed_by: dict[str, list[str]] = {}
    found: list[tuple[str, LockEntry]] = []
    for entry in entries:
        if len(found) == MAX_PINS:
            content.problems.append(Problem(path, None, f"It has more than {MAX_PINS} packages."))
            break
        if not PACKAGE_NAME.fullmatch(entry.name):
            content.problems.append(Problem(path, entry.line, "A package in it has no valid name."))
            continue
        name = canonicalize_name(entry.name)
        content.names.add(name)
        for needed in entry.needs:
            needed_by.setdefault(canonicalize_name(needed), []).append(name)
        if entry.local is not None:
            content.projects.append(entry.local)
        elif problem := _problem(name, entry, indexes):
            content.problems.append(Problem(path, entry.line, problem))
        elif PACKAGE_VERSION.fullmatch(entry.version):
            found.append((name, entry))
        else:
            content.problems.append(Problem(path, entry.line, f"{shown(name)} has no version."))
    content.packages = [
        ClosurePackage(
            name,
            entry.version,
            tuple(dict.fromkeys(needed_by.get(name, ()))),
            entry.line,
            files=entry.files,
            index=entry.index,
        )
        for name, entry in found
    ]
    return content


def _problem(name: str, entry: LockEntry, indexes: Collection[str]) -> str:
    if entry.elsewhere:
        return (
            f"{shown(name)} comes from {shown(entry.elsewhere)}, which is neither fetched nor "
            "scanned: advisories are about releases of the package index."
        )
    if entry.index and same_address(entry.index) not in map(same_address, indexes):
        return (
            f"{shown(name)} comes from another package index ({shown(entry.index)}). Advisories "
            "about the name may mean another package; name that index in uv's configuration if "
            "they don't."
        )
    return ""
