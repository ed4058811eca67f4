"""Requirements that are installed together → everything that they bring in, without running any.

They are resolved as an installation would resolve them, for every Python and platform of the
policy. What can't be resolved is told, and what is pinned is looked up all the same.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from package_gate.dependency_scan.models import (
    Closure,
    ClosurePackage,
    Direct,
    PackageKey,
    Problem,
    RequirementSet,
)
from package_gate.dependency_scan.requirements_text import shown
from package_gate.errors import GateError
from package_gate.sources import resolver
from package_gate.sources.cooldown import Cooldown
from package_gate.sources.explain import LASTING, explain
from package_gate.sources.index import Index
from package_gate.sources.pypi import sdist_notes
from package_gate.sources.resolver import Resolver, Wanted, is_pin
from package_gate.sources.uv import Failure, Reason, Target

MAX_REQUIREMENTS = 2000
"""Of one set that is resolved; uv takes about a second for each hundred."""
MAX_ALONE = 40
"""Requirements that are tried one by one when they can't be resolved together."""
AT_ONCE = 2

Resolved = dict[Target, resolver.Closure | Failure]


@dataclass
class Outcome:
    """What resolving one set gave."""

    closure: Closure
    problems: list[Problem] = field(default_factory=list)


class Closures:
    """Resolves sets of requirements."""

    def __init__(
        self,
        resolver: Resolver,
        index: Index,
        targets: Sequence[Target],
        scratch: Path,
        progress: Callable[[str, str], None],
    ) -> None:
        """`scratch` is a folder of the scan's own; `progress` is told subject and step."""
        self._resolver = resolver
        self._index = index
        self._targets = targets
        self._scratch = scratch
        self._progress = progress

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

    def targets_of(self, asked: RequirementSet) -> list[Target]:
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
        targets: Sequence[Target],
        *,
        prereleases: bool = False,
        hashes: bool = False,
        cooldown: Cooldown | None = None,
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

    def _resolve(self, asked: RequirementSet, targets: Sequence[Target]) -> Outcome:
        results = self._attempt(asked, asked.requirements, targets)
        problems: list[Problem] = []
        if not closures_of(results) and _all_lasting(results):
            passing = [
                direct
                for direct in asked.requirements
                if not self._fails_alone(asked, direct, targets, problems)
            ]
            if problems and passing:
                results = self._attempt(asked, passing, targets)
        for target, failure in failures_of(results).items():
            if failure.reason not in LASTING:  # what may pass must not leave a target out
                text = f"{asked.name} can't be resolved for {target}: {why(failure)}"
                problems.append(Problem(asked.path, None, text))
        closures = closures_of(results)
        if not closures:
            if _all_lasting(results) and len(problems) < len(asked.requirements):
                failure = next(iter(failures_of(results).values()))
                text = f"{asked.name} can't be installed as a whole: {why(failure)}"
                problems.append(Problem(asked.path, None, text))
            return _pins_only(asked, *problems)
        notes = [
            f"{asked.name} was not resolved for {target}: {why(failure)}"
            for target, failure in failures_of(results).items()
            if failure.reason in LASTING
        ]
        notes += sdist_notes_of(closures.values())
        problems += _wrong_hashes(asked, closures.values())
        closure = Closure(
            asked.name,
            asked.path,
            asked.requirements,
            union(closures.values()),
            targets=tuple(map(str, closures)),
            notes=tuple(dict.fromkeys(notes)),
            source=asked,
        )
        return Outcome(closure, problems)

    def _attempt(
        self, asked: RequirementSet, directs: Iterable[Direct], targets: Sequence[Target]
    ) -> Resolved:
        return self.attempt(
            [each.requirement for each in directs],
            [str(each.requirement) for each in asked.constraints],
            targets,
            prereleases=asked.prereleases,
            hashes=any(each.hashes for each in asked.requirements),
        )

    def _fails_alone(
        self,
        asked: RequirementSet,
        direct: Direct,
        targets: Sequence[Target],
        problems: list[Problem],
    ) -> bool:
        """Tell whether a requirement fails all by itself, which then is a problem of its line."""
        if len(asked.requirements) > MAX_ALONE:
            return False
        results = self._attempt(asked, [direct], targets)
        if closures_of(results):
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


def union(closures: Iterable[resolver.Closure]) -> tuple[ClosurePackage, ...]:
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


def sdist_notes_of(closures: Iterable[resolver.Closure]) -> list[str]:
    """Say what is to be known of packages that no wheel serves."""
    return [
        note
        for closure in closures
        for key, (_, metadata) in closure.sdists.items()
        for note in sdist_notes(key, metadata)
    ]


def closures_of(results: Resolved) -> dict[Target, resolver.Closure]:
    """Give the targets for which it worked."""
    return {to: each for to, each in results.items() if isinstance(each, resolver.Closure)}


def failures_of(results: Resolved) -> dict[Target, Failure]:
    """Give the targets for which it did not."""
    return {to: each for to, each in results.items() if isinstance(each, Failure)}


def _all_lasting(results: Resolved) -> bool:
    return all(failure.reason in LASTING for failure in failures_of(results).values())


def why(failure: Failure) -> str:
    """Give uv's reason, for a sentence."""
    if failure.reason is Reason.UNREACHABLE:
        return f"the package index can't be reached (uv: {failure.words})"
    return f"uv says: {failure.words}"


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, GateError) else (getattr(error, "strerror", "") or "")


def _pins_only(asked: RequirementSet, *problems: Problem) -> Outcome:
    """Name at least what is pinned, so that it is looked up."""
    pins: Mapping[PackageKey, None] = dict.fromkeys(
        (direct.name, each.version)
        for direct in asked.requirements
        if is_pin(direct.requirement)
        for each in direct.requirement.specifier
        if each.operator in ("==", "===")
    )
    packages = tuple(ClosurePackage(*key) for key in pins)
    closure = Closure(asked.name, asked.path, asked.requirements, packages, source=asked)
    return Outcome(closure, list(problems))


def _wrong_hashes(asked: RequirementSet, closures: Iterable[resolver.Closure]) -> Iterable[Problem]:
    """Tell of pins whose hashes are those of no file that the index has."""
    known: dict[str, set[str]] = {}
    for closure in closures:
        for package in closure.packages:
            known.setdefault(package.name, set()).update(package.hashes)
        for (name, _), (file, _) in closure.sdists.items():
            known.setdefault(name, set()).add(f"sha256:{file.sha256}")
    for direct in asked.requirements:
        hashes = {each for each in direct.hashes if each.startswith("sha256:")}
        if hashes and direct.name in known and not hashes & known[direct.name]:
            text = (
                f"None of the hashes of {shown(str(direct))!r} is that of a file in the package "
                "index: what is installed is something else than was looked up."
            )
            yield Problem(direct.place.path, direct.place.line, text)
