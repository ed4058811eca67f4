"""What the sdists of a closure need to be built, each with its own closure.

An installer builds an sdist in an environment of its own, for which it takes what `pyproject.toml`
names from the same index (PEP 517, PEP 518). Nothing is built here: all of it is read.
"""

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from package_gate.sources.pypi.index import Project
from package_gate.sources.pypi.resolver import Key, ResolvedClosure, Resolver, Wanted
from package_gate.sources.pypi.uv import PythonTarget, Reason, ResolutionFailure

MAX_DEPTH = 3
"""How many builds may wait for each other: what a build needs may be an sdist itself."""

_Asked = tuple[PythonTarget, tuple[str, ...], tuple[str, ...], bool]
_Result = ResolvedClosure | ResolutionFailure


class Builds:
    """Adds to closures what their builds need. Several threads may use it."""

    def __init__(self, resolver: Resolver) -> None:
        """Resolve with this one."""
        self._resolver = resolver
        self._known: dict[_Asked, _Result] = {}
        self._lock = threading.Lock()

    def add(
        self,
        closure: ResolvedClosure,
        wanted: Wanted,
        target: PythonTarget,
        folder: Path,
        depth: int = 1,
    ) -> _Result:
        """Give the closure with what building each sdist needs, or say why one can't be built.

        Args:
            closure: of one target.
            wanted: whose constraints and cooldown hold for builds as well.
            target: the notebook.
            folder: one that nobody else can write to.
            depth: how many builds wait for this one.

        Raises:
            SourceError: uv can't be run, the index can't be asked, or an answer can't be trusted.
            SourceRefusedError: a file isn't an index's.
        """
        builds, sdists = dict(closure.builds), dict(closure.sdists)
        for package in closure.packages:
            key: Key = (package.name, package.version)
            if package.files or key not in closure.sdists or key in builds:
                continue
            needed = self._resolve(key, closure, wanted, target, folder, depth)
            if isinstance(needed, ResolutionFailure):
                words = f"building {key[0]} {key[1]}, which has no wheel, needs it; {needed.words}"
                return replace(needed, words=words)
            builds[key] = needed.packages
            builds |= needed.builds
            sdists |= needed.sdists
        return replace(closure, builds=builds, sdists=sdists)

    def _resolve(
        self,
        key: Key,
        closure: ResolvedClosure,
        wanted: Wanted,
        target: PythonTarget,
        folder: Path,
        depth: int,
    ) -> _Result:
        requires = closure.sdists[key][1].build_requires
        if not requires:
            return ResolvedClosure((), {})
        if depth > MAX_DEPTH:
            words = f"more than {MAX_DEPTH} builds wait for each other"
            return ResolutionFailure(Reason.ONLY_SDIST, words, key[0], said_by="the gate")
        asked = (
            target,
            tuple(sorted(map(str, requires))),
            tuple(wanted.constraints),
            wanted.cooldown is None,
        )
        with self._lock:
            known = self._known.get(asked)
        if known is None:
            needed = replace(wanted, requirements=requires)
            known = self._resolver.resolve(needed, target, folder)
            if isinstance(known, ResolvedClosure):
                known = self.add(known, wanted, target, folder, depth + 1)
            with self._lock:
                self._known[asked] = known
        return known


def build_notes(key: Key, project: Project, targets: Iterable[PythonTarget]) -> list[str]:
    """Say what speaks against the build of a release, and which newer one need not be built."""
    name, version = key
    releases = project.releases()
    own = next((release for release in releases if release.version == version), None)
    said = ""
    if own and any(own.was_built_before(target.python) for target in targets):
        said = (
            f"{name} {version} has no wheel for a Python after {own.last_python}: its build may "
            "fail"
        )
    for release in releases:
        if (
            release.version > version
            and release.wheels
            and not release.version.is_prerelease
            and all(file.yanked is None for file in release.files)
        ):
            said = said or f"the build of {name} {version} may fail on a newer Python than it knows"
            return [f"{said}; {name} {release.version} has wheels"]
    return [said] if said else []
