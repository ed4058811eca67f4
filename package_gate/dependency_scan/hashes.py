"""The files that locks and `--hash` lines name, compared with those of the package index.

Whoever writes into a lock by hand can let a harmless name and version stand for any file.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from package_gate.core.errors import GateError
from package_gate.dependency_scan.indexes import same_address
from package_gate.dependency_scan.models import (
    ClosurePackage,
    Problem,
    RequirementSet,
    ScannedClosure,
)
from package_gate.inventory.formats.locks import LockedFile
from package_gate.inventory.formats.requirements import shown
from package_gate.sources.pypi import resolver
from package_gate.sources.pypi.index import Index, Project
from package_gate.sources.pypi.lock import release_of

MAX_COMPARED = 2000
"""Packages of one lock; the index is asked about each."""
_COMPARABLE = re.compile(r"sha256:[0-9a-f]{64}")
"""The hash that indexes give."""
_NOT_COMPARED = "so what is installed may be something else than was looked up"


class LockedFiles:
    """Compares locks with the index; packages of which a lock names no file need no comparison."""

    def __init__(
        self, index: Index, asked: Collection[str], progress: Callable[[str, str], None]
    ) -> None:
        """`asked` are the addresses that `index` asks; `progress` is told subject and step."""
        self._index = index
        self._asked = asked
        self._progress = progress

    def check(self, lock: ScannedClosure) -> Iterator[Problem]:
        """Tell of every package whose files are not the index's, or can't be compared."""
        named = [
            package
            for package in lock.packages
            if any(file.address or file.hashes for file in package.files)
        ]
        if not named:
            return
        if len(named) > MAX_COMPARED:
            text = f"Of its packages only {MAX_COMPARED:,} were compared with the package index."
            yield Problem(lock.path, None, text)
        self._progress(lock.name, "comparing with the index")
        try:
            projects = self._index.projects(package.name for package in named[:MAX_COMPARED])
        except GateError as error:
            text = f"Its files can't be compared with those of the package index: {error}"
            yield Problem(lock.path, None, text)
            return
        for package in named[:MAX_COMPARED]:
            if wrong := self._wrong(package, projects[package.name]):
                text = f"{shown(package.name)} {shown(package.version)} {wrong}, {_NOT_COMPARED}."
                yield Problem(lock.path, package.line, text)

    def _wrong(self, package: ClosurePackage, project: Project | None) -> str:
        known = _hashes_of(project, package.version)
        if not known:
            return "is no release of the package index that has SHA-256 hashes"
        hosts = {_host(file.url) for file in project.files} if project else set()
        hosts |= {_host(address) for address in self._asked}
        # Of an index that isn't asked, such as the one behind a mirror, only the hashes tell.
        is_asked = not package.index or same_address(package.index) in map(
            same_address, self._asked
        )
        listed = {each for file in package.files if not file.address for each in file.hashes}
        for file in [*package.files, LockedFile("", tuple(listed))]:
            if any(not _COMPARABLE.fullmatch(each) for each in file.hashes):
                return "has a hash that can't be compared with the package index's SHA-256"
            if file.address and not file.hashes:
                return f"comes from {shown(file.address)} without a hash"
            if file.address and not known.issuperset(file.hashes):
                return f"has a hash for {shown(file.address)} of no file in the package index"
            if file.address and is_asked and _host(file.address) not in hosts:
                return f"comes from {shown(file.address)}, where the package index has no files"
        if listed and not listed & known:
            return "has only hashes of no file in the package index"
        return ""


def wrong_hashes(
    asked: RequirementSet, closures: Iterable[resolver.ResolvedClosure], index: Index
) -> Iterator[Problem]:
    """Tell of requirements whose hashes are those of no file in the index, or can't be compared.

    Several hashes may stand there, as of wheels for other platforms: one of them has to fit.

    Args:
        asked: what was resolved.
        closures: what that gave.
        index: is asked about pins that are in no closure.
    """
    known: dict[str, set[str]] = {}
    for closure in closures:
        for package in closure.packages:
            known.setdefault(package.name, set()).update(package.hashes)
        for (name, _), (file, _) in closure.sdists.items():
            known.setdefault(name, set()).add(f"sha256:{file.sha256}")
    for direct in asked.requirements:
        if not direct.hashes:
            continue
        told = shown(str(direct))
        if direct.name not in known:
            known[direct.name] = {each for pin in direct.pins for each in _asked_for(index, *pin)}
        text = ""
        if not all(_COMPARABLE.fullmatch(each) for each in direct.hashes):
            text = f"A hash of {told!r} is no SHA-256, so it can't be compared with the index's."
        elif known[direct.name].isdisjoint(direct.hashes):
            text = (
                f"None of the hashes of {told!r} is that of a file in the package index: what is "
                "installed is something else than was looked up."
            )
        if text:
            yield Problem(direct.place.path, direct.place.line, text)


def _asked_for(index: Index, name: str, version: str) -> set[str]:
    try:
        return _hashes_of(index.project(name), version)
    except GateError:
        return set()  # then nothing fits, which is told


def _hashes_of(project: Project | None, version: str) -> set[str]:
    """Give the hashes of a release's files, `sha256:…`; none when there is no such release."""
    try:
        release = (project.name if project else "", Version(version))
    except InvalidVersion:
        return set()
    return {
        f"sha256:{file.sha256}"
        for file in (project.files if project else ())
        if file.sha256 and release_of(file.filename) == release
    }


def _host(address: str) -> str:
    """Give the host of an https address, and "-" for any other place: no index's host is that."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "-"
    return (parts.scheme == "https" and parts.hostname) or "-"
