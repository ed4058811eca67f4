"""The newest closure: no older release is taken without a word.

uv takes an older release when a newer one, or something that this depends on, has no wheel. Here it
is asked for the newer ones by themselves, with what they need of sdists, until it says why not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from package_gate.core.text import one_line
from package_gate.inventory.formats.core_metadata import takes_all_of
from package_gate.sources.pypi.builds import Builds
from package_gate.sources.pypi.index import Index, Project, Release
from package_gate.sources.pypi.lock import LockedPackage
from package_gate.sources.pypi.resolver import (
    ResolvedClosure,
    Resolver,
    Wanted,
    is_pin,
)
from package_gate.sources.pypi.uv import PythonTarget, ResolutionFailure

OLD_DAYS = 365
"""A release that is so much older than the newest one that would be taken is explained."""
MAX_TRIED = 3
"""Newer releases of the requested package that are asked for, the newest first."""
MAX_ASKED = 8
"""Packages of one closure about which it is asked why they are old; more are named only."""
MAX_WORDS = 300
"""Characters of a reason."""

_Result = ResolvedClosure | ResolutionFailure


class Newest:
    """Resolves to the newest closure and says what was passed over. Several threads may use it."""

    def __init__(self, resolver: Resolver, builds: Builds, index: Index) -> None:
        """Resolve with these, and compare with what this index has."""
        self._resolver = resolver
        self._builds = builds
        self._index = index

    def resolve(self, wanted: Wanted, target: PythonTarget, folder: Path) -> _Result:
        """Give the closure of one requirement with what its builds need.

        Raises:
            SourceError: uv can't be run, the index can't be asked, or an answer can't be trusted.
            SourceRefusedError: a file isn't an index's.
        """
        result = self._whole(wanted, wanted, target, folder)
        (requirement,) = wanted.requirements
        if isinstance(result, ResolutionFailure):
            return result
        newer = self._newer(wanted, target, requirement.name, _version(result, requirement.name))
        failed: list[tuple[Release, ResolutionFailure]] = []
        for release in [] if is_pin(requirement) else newer[:MAX_TRIED]:
            asked = _bound(wanted, f"{requirement.name}=={release.version}")
            tried = self._whole(asked, wanted, target, folder)
            if isinstance(tried, ResolvedClosure):
                result = tried
                break
            failed.append((release, tried))
        notes = [
            _because(requirement.name, release, _version(result, requirement.name), failure)
            for release, failure in failed[:1]
        ]
        notes += self._old(wanted, target, folder, result)
        return replace(result, passed_over=tuple(notes))

    def _whole(self, asked: Wanted, wanted: Wanted, target: PythonTarget, folder: Path) -> _Result:
        """Resolve what is asked; builds keep to what is wanted in all."""
        result = self._resolver.resolve(asked, target, folder)
        if isinstance(result, ResolvedClosure):
            return self._builds.add(result, wanted, target, folder)
        return result

    def _newer(
        self, wanted: Wanted, target: PythonTarget, name: str, chosen: Version | None
    ) -> list[Release]:
        """List the newer releases that a notebook of the target could have, the newest first."""
        project = self._index.project(name)
        if project is None or chosen is None:
            return []
        bounds = (*wanted.requirements, *map(Requirement, wanted.constraints))
        allowed = [each.specifier for each in bounds if each.name == name]
        return [
            release
            for release in project.releases()
            if release.version > chosen
            and (not release.version.is_prerelease or chosen.is_prerelease)
            and all(each.contains(release.version, prereleases=True) for each in allowed)
            and _is_open(wanted, project, target, release)
        ]

    def _old(
        self, wanted: Wanted, target: PythonTarget, folder: Path, closure: ResolvedClosure
    ) -> Iterator[str]:
        """Say why a package is much older than its newest release, or why that has to be built."""
        name = wanted.requirements[0].name
        same = _bound(wanted, f"{name}=={_version(closure, name)}")
        projects = self._index.projects(package.name for package in closure.packages)
        old: list[tuple[LockedPackage, list[Release]]] = []
        for package in closure.packages:
            project = projects[package.name]
            newer = self._newer(wanted, target, package.name, package.version)
            if project and newer and package.name != name:
                own = next((r for r in project.releases() if r.version == package.version), None)
                if own and (_is_much_older(own, newer[0]) or not newer[0].wheels):
                    old.append((package, newer))
        for package, newer in old[:MAX_ASKED]:
            asked = _bound(same, f"{package.name}>={newer[-1].version}")
            step = self._resolver.resolve(asked, target, folder)
            if isinstance(step, ResolutionFailure):
                yield _because(package.name, newer[0], package.version, step)
            else:
                yield (
                    f"{package.name} {newer[0].version} was passed over for {package.version}: "
                    f"{_instead(package.name, closure, step)}"
                )
        if more := ", ".join(f"{package.name} {package.version}" for package, _ in old[MAX_ASKED:]):
            yield f"more than a year older than their newest release as well: {more}"


def _is_open(wanted: Wanted, project: Project, target: PythonTarget, release: Release) -> bool:
    """Whether a release is old enough, not yanked, and for the target's Python."""
    cooldown, python = wanted.cooldown, release.requires_python
    return (
        all(file.yanked is None for file in release.files)
        and python.contains(target.python, prereleases=True)
        and takes_all_of(python, target.python)
        and not (
            cooldown
            and project.name not in wanted.kept
            and any(cooldown.is_fresh(project.name, release.version, f) for f in release.files)
        )
    )


def _bound(wanted: Wanted, constraint: str) -> Wanted:
    return replace(wanted, constraints=(*wanted.constraints, constraint))


def _version(closure: ResolvedClosure, name: str) -> Version | None:
    return next((each.version for each in closure.packages if each.name == name), None)


def _because(name: str, newest: Release, chosen: Version | None, failure: ResolutionFailure) -> str:
    needs = re.search(rf"(\S+) depends? on ({re.escape(name)}[<>=!~][^ ]*)", failure.words)
    words = f"{needs[1]} depends on {needs[2]}".rstrip(",.") if needs else failure.words
    return (
        f"{name} {newest.version} was passed over for {chosen} ({failure.said_by}: "
        f"{one_line(words, MAX_WORDS)})"
    )


def _is_much_older(own: Release, newest: Release) -> bool:
    ages = [_uploaded(own), _uploaded(newest)]
    return ages[0] is None or ages[1] is None or ages[1] - ages[0] > timedelta(days=OLD_DAYS)


def _uploaded(release: Release) -> datetime | None:
    return min((file.uploaded for file in release.files if file.uploaded), default=None)


def _instead(name: str, closure: ResolvedClosure, other: ResolvedClosure) -> str:
    """Say what a closure with a newer release of a package has that this one has not."""
    theirs = {package.name: package for package in other.packages}
    older: Sequence[str] = [
        f"{package.name} {theirs[package.name].version} instead of {package.version}"
        for package in closure.packages
        if package.name in theirs and theirs[package.name].version < package.version
    ]
    if older:
        return f"with a newer one there is {', '.join(older[:3])}"
    if name in theirs and not theirs[name].files:
        return f"{theirs[name].version} has no wheel, so it would be built on the notebook"
    return "with a newer one other packages are needed"
