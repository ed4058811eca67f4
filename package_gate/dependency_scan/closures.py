"""Requirements that are installed together → everything that they bring in, without running any.

They are resolved as an installation would resolve them, for every Python and platform of the
policy. What can't be resolved is told, and what is pinned is looked up all the same.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from package_gate.core.errors import GateError
from package_gate.dependency_scan.hashes import wrong_hashes
from package_gate.dependency_scan.models import (
    ClosurePackage,
    Direct,
    PackageKey,
    Problem,
    RequirementSet,
    ScannedClosure,
)
from package_gate.inventory.formats.requirements import shown
from package_gate.sources.pypi import resolver
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.failures import LASTING, explain
from package_gate.sources.pypi.index import Index
from package_gate.sources.pypi.resolver import Resolver, Wanted
from package_gate.sources.pypi.source import sdist_notes
from package_gate.sources.pypi.uv import PythonTarget, Reason, ResolutionFailure

MAX_REQUIREMENTS = 2000
"""Of one set that is resolved; uv takes about a second for each hundred."""
MAX_ALONE = 40
"""Requirements that are tried one by one when they can't be resolved together, and as many again
in halves."""
MAX_PLACES = 10
"""Lines that one problem names."""
AT_ONCE = 2
_EXISTS = LASTING - {Reason.NO_PACKAGE, Reason.NO_VERSION}
"""Why a release that the index has can't be resolved."""

Resolved = dict[PythonTarget, resolver.ResolvedClosure | ResolutionFailure]


@dataclass
class Outcome:
    """What resolving one set gave."""

    closure: ScannedClosure
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Unmarked:
    """Requirements whose markers fit none of the targets."""

    directs: list[Direct] = field(default_factory=list)
    """Those that could be resolved without the marker."""
    closures: list[resolver.ResolvedClosure] = field(default_factory=list)
    """What that gave."""
    pins: list[PackageKey] = field(default_factory=list)
    """What the others name."""
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Closures:
    """Resolves sets of requirements."""

    def __init__(
        self,
        resolver: Resolver,
        index: Index,
        targets: Sequence[PythonTarget],
        scratch: Path,
        progress: Callable[[str, str], None],
    ) -> None:
        """`scratch` is a folder of the scan's own; `progress` is told subject and step."""
        self._resolver = resolver
        self._index = index
        self._targets = targets
        self._scratch = scratch
        self._progress = progress
        self._known: dict[str, Resolved] = {}

    def resolve(self, asked: RequirementSet) -> Outcome:
        """Name everything that a set brings in; whatever fails is told and stops nothing."""
        self._progress(asked.name, "resolving")
        if len(asked.requirements) > MAX_REQUIREMENTS:
            text = (
                f"It asks for {len(asked.requirements):,} packages, and more than "
                f"{MAX_REQUIREMENTS:,} are not resolved: only pinned ones were looked up."
            )
            return _pins_only(asked, Problem(asked.path, None, text))
        targets = self.targets_of(asked)
        if not targets:
            names = ", ".join(map(str, self._targets))
            text = (
                f"{asked.name} is for Python {asked.requires_python}, which is none of the "
                f"policy's targets ({names}): only pinned packages were looked up."
            )
            return _pins_only(asked, Problem(asked.path, None, text))
        try:
            return self._resolve(asked, targets)
        except (GateError, OSError) as error:
            text = f"{asked.name} can't be resolved: {_told(error)}"
            return _pins_only(asked, Problem(asked.path, None, text))

    def targets_of(self, asked: RequirementSet) -> list[PythonTarget]:
        """Give the policy's targets that a set is for."""
        return [
            target
            for target in self._targets
            # `>=3.11.4` is met by the newest 3.11.
            if any(
                asked.requires_python.contains(f"{target.python}{patch}") for patch in ("", ".99")
            )
        ]

    def attempt(
        self,
        requirements: Iterable[Requirement],
        constraints: Iterable[str],
        targets: Sequence[PythonTarget],
        *,
        prereleases: bool = False,
        hashes: bool = False,
        cooldown: IndexCooldown | None = None,
        kept: Collection[str] = (),
    ) -> Resolved:
        """Resolve requirements together for each target.

        Raises:
            GateError: uv or the index can't be asked.
        """
        wanted = Wanted(
            list(requirements),
            tuple(constraints),
            cooldown,
            kept,
            prereleases,
            graph=True,
            hashes=hashes,
        )
        work = partial(self._resolver.resolve, wanted, folder=self._scratch)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(targets, pool.map(work, targets), strict=True))

    def _resolve(self, asked: RequirementSet, targets: Sequence[PythonTarget]) -> Outcome:
        problems: list[Problem] = []
        passing = self._passing(asked, targets, problems)
        results = self._attempt(asked, passing or asked.requirements, targets)
        for target, failure in failures_of(results).items():
            if failure.reason not in LASTING:  # what may pass must not leave a target out
                text = f"{asked.name} can't be resolved for {target}: {why(failure)}"
                problems.append(Problem(asked.path, None, text))
        closures = closures_of(results)
        if not closures:
            if _all_lasting(results) and len(problems) < len(asked.requirements):
                failure = next(iter(failures_of(results).values()))
                text = f"{asked.name} can't be installed as a whole: {why(failure)}"
                text += _places(failure.words, asked.requirements)
                problems.append(Problem(asked.path, None, text))
            return _pins_only(asked, *problems)
        notes = [
            f"{asked.name} was not resolved for {target}: {why(failure)}"
            for target, failure in failures_of(results).items()
            if failure.reason in LASTING
        ]
        unmarked = self._without_markers(asked, _unmet(passing, closures.values()), targets)
        found = [*closures.values(), *unmarked.closures]
        notes += [*sdist_notes_of(found), *unmarked.notes]
        problems += [*unmarked.problems, *wrong_hashes(asked, found, self._index)]
        packages = union(found)
        known = {package.key for package in packages}
        left_out = [each for each in asked.requirements if each not in passing]
        pins = dict.fromkeys([*unmarked.pins, *(key for direct in left_out for key in direct.pins)])
        closure = ScannedClosure(
            asked.name,
            asked.path,
            asked.requirements,
            (*packages, *(ClosurePackage(*key) for key in pins if key not in known)),
            targets=tuple(map(str, closures)),
            notes=tuple(dict.fromkeys(notes)),
            source=asked,
            unmarked=tuple(unmarked.directs),
        )
        return Outcome(closure, problems)

    def _without_markers(
        self, asked: RequirementSet, directs: Sequence[Direct], targets: Sequence[PythonTarget]
    ) -> _Unmarked:
        """Resolve what is for none of the targets as if it were: it is installed elsewhere."""
        found = _Unmarked()
        if not directs:
            return found
        # A constraint with a marker may be for the other platforms.
        general = [each for each in asked.constraints if each.requirement.marker is None]
        asked = replace(asked, constraints=tuple(general))
        together = self._attempt(asked, map(without_marker, directs), targets)
        if not failures_of(together):
            return _Unmarked(list(directs), list(closures_of(together).values()))
        for number, direct in enumerate(directs):
            # What is beyond the limit fails as all together did.
            results: Resolved = {**failures_of(together)}
            if number < MAX_ALONE:
                results = self._attempt(asked, [without_marker(direct)], targets)
            if closures := closures_of(results):
                found.directs.append(direct)
                found.closures += closures.values()
                continue
            failure = next(iter(failures_of(results).values()))
            found.pins += direct.pins
            told = f"{shown(str(direct))!r} is for none of the policy's targets"
            if direct.pins and failure.reason in _EXISTS:
                found.notes.append(
                    f"{told}, nor can it be resolved for them ({why(failure)}): only the release "
                    f"itself was looked up, for {asked.name}."
                )
            else:
                advice = "Ask for a release that the index has" if direct.pins else "Pin it"
                text = f"{told}, nor can it be resolved for them ({why(failure)}). {advice}."
                found.problems.append(Problem(direct.place.path, direct.place.line, text))
        return found

    def _attempt(
        self, asked: RequirementSet, directs: Iterable[Direct], targets: Sequence[PythonTarget]
    ) -> Resolved:
        """Resolve some of a set's requirements; the same ones of a project's extras only once."""
        requirements = [each.requirement for each in directs]
        constraints = [str(each.requirement) for each in asked.constraints]
        hashes = any(each.hashes for each in asked.requirements)
        key = repr((list(map(str, requirements)), constraints, asked.prereleases, hashes, targets))
        if key not in self._known:
            self._known[key] = self.attempt(
                requirements, constraints, targets, prereleases=asked.prereleases, hashes=hashes
            )
        return self._known[key]

    def _passing(
        self, asked: RequirementSet, targets: Sequence[PythonTarget], problems: list[Problem]
    ) -> list[Direct]:
        """Leave out the requirements that fail all by themselves, so that the others are resolved.

        First those that uv names; then, for what uv says of a package below them, ever smaller
        halves are tried.
        """
        passing = list(asked.requirements)
        tried: set[int] = set()
        while len(tried) < MAX_ALONE:
            results = self._attempt(asked, passing, targets)
            if closures_of(results) or not _all_lasting(results):
                return passing
            named = {failure.package for failure in failures_of(results).values()}
            suspects = [each for each in passing if each.name in named and id(each) not in tried]
            failing = [
                each for each in suspects if self._fails_alone(asked, each, targets, problems)
            ]
            tried |= {id(each) for each in suspects}
            if not failing:
                break
            passing = [each for each in passing if each not in failing]
            if not passing:
                return []
        budget = [2 * MAX_ALONE]
        failing = self._failing(asked, passing, targets, budget)
        for each in failing:
            self._fails_alone(asked, each, targets, problems)
        return [each for each in passing if each not in failing]

    def _failing(
        self,
        asked: RequirementSet,
        directs: Sequence[Direct],
        targets: Sequence[PythonTarget],
        budget: list[int],
    ) -> list[Direct]:
        """Find those that fail by themselves, in at most `budget[0]` attempts."""
        if not directs or budget[0] <= 0:
            return []
        budget[0] -= 1
        results = self._attempt(asked, directs, targets)
        if closures_of(results) or not _all_lasting(results):
            return []
        if len(directs) == 1:
            return list(directs)
        middle = len(directs) // 2
        halves = directs[:middle], directs[middle:]
        return [each for half in halves for each in self._failing(asked, half, targets, budget)]

    def _fails_alone(
        self,
        asked: RequirementSet,
        direct: Direct,
        targets: Sequence[PythonTarget],
        problems: list[Problem],
    ) -> bool:
        """Tell whether a requirement fails all by itself, which then is a problem of its line."""
        results = self._attempt(asked, [direct], targets)
        if closures_of(results) or not _all_lasting(results):
            return False
        target, failure = next(iter(failures_of(results).items()))
        named = failure.package or direct.name
        project = self._index.project(named) if failure.reason in LASTING else None
        text = explain(direct.requirement, target, failure, project)
        place = direct.place
        problems.append(
            Problem(place.path, place.line, f"{shown(str(direct))!r} can't be resolved: {text}")
        )
        return True


def union(closures: Iterable[resolver.ResolvedClosure]) -> tuple[ClosurePackage, ...]:
    """Unite the closures of several targets."""
    found: dict[PackageKey, ClosurePackage] = {}
    for closure in closures:
        for package in closure.packages:
            key = (package.name, str(package.version))
            known = found.get(key)
            needed_by = (known.needed_by if known else ()) + package.needed_by
            found[key] = ClosurePackage(
                *key, tuple(dict.fromkeys(needed_by)), yanked=package.yanked
            )
    return tuple(found[key] for key in sorted(found))


def sdist_notes_of(closures: Iterable[resolver.ResolvedClosure]) -> list[str]:
    """Say what is to be known of packages that no wheel serves."""
    return [
        note
        for closure in closures
        for key, (_, metadata) in closure.sdists.items()
        for note in sdist_notes(key, metadata)
    ]


def closures_of(results: Resolved) -> dict[PythonTarget, resolver.ResolvedClosure]:
    """Give the targets for which it worked."""
    return {to: each for to, each in results.items() if isinstance(each, resolver.ResolvedClosure)}


def failures_of(results: Resolved) -> dict[PythonTarget, ResolutionFailure]:
    """Give the targets for which it did not."""
    return {to: each for to, each in results.items() if isinstance(each, ResolutionFailure)}


def _all_lasting(results: Resolved) -> bool:
    return all(failure.reason in LASTING for failure in failures_of(results).values())


def why(failure: ResolutionFailure) -> str:
    """Give uv's reason, for a sentence."""
    if failure.reason is Reason.UNREACHABLE:
        return f"the package index can't be reached (uv: {failure.words})"
    return f"uv says: {failure.words}"


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, GateError) else (getattr(error, "strerror", "") or "")


def _pins_only(asked: RequirementSet, *problems: Problem) -> Outcome:
    """Name at least what is pinned, so that it is looked up."""
    pins = dict.fromkeys(key for direct in asked.requirements for key in direct.pins)
    packages = tuple(ClosurePackage(*key) for key in pins)
    closure = ScannedClosure(asked.name, asked.path, asked.requirements, packages, source=asked)
    return Outcome(closure, list(problems))


def _unmet(directs: Iterable[Direct], closures: Iterable[resolver.ResolvedClosure]) -> list[Direct]:
    """Give the requirements that their markers left out everywhere."""
    versions: dict[str, list[Version]] = {}
    for closure in closures:
        for package in closure.packages:
            versions.setdefault(package.name, []).append(package.version)
    return [
        direct
        for direct in directs
        if direct.requirement.marker is not None
        and not any(
            direct.requirement.specifier.contains(version, prereleases=True)
            for version in versions.get(direct.name, ())
        )
    ]


def without_marker(direct: Direct) -> Direct:
    """Give the same requirement for every Python and platform."""
    requirement = Requirement(str(direct.requirement))
    requirement.marker = None
    return replace(direct, requirement=requirement)


def _places(words: str, directs: Iterable[Direct]) -> str:
    """Name the lines of the requirements that uv's words are about."""
    named = set(re.findall(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", words))
    places = [
        f"{shown(str(direct))} in {direct.place.path}:{direct.place.line}"
        for direct in directs
        if direct.name in named and direct.place.line
    ]
    return f" This is about {', '.join(places[:MAX_PLACES])}." if places else ""
