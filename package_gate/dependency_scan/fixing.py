"""Which versions to ask for instead: the newest that resolve together and have no refusing finding.

Only requirements that bring a refused package in are changed, as long as that is enough; the
others stay as they are. Releases within the policy's cooldown don't count.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from package_gate.core.decision import Verdict
from package_gate.core.errors import GateError
from package_gate.dependency_scan.closures import (
    Closures,
    Resolved,
    closures_of,
    failures_of,
    union,
    why,
    without_marker,
)
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.dependency_scan.models import (
    ClosurePackage,
    Direct,
    Graph,
    PackageKey,
    RequirementSet,
    ScannedClosure,
)
from package_gate.sources.pypi import resolver
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.index import Index
from package_gate.sources.pypi.lock import LockedPackage
from package_gate.sources.pypi.uv import PythonTarget

MAX_ROUNDS = 8
"""Resolutions of one attempt; each rules out all refused releases of the packages that it meets."""


@dataclass
class Fixed:
    """What to ask for instead."""

    versions: dict[str, str] = field(default_factory=dict)
    """Normalised name → version, for the requirements that change."""
    added: dict[str, str] = field(default_factory=dict)
    """The same for packages that have to be asked for besides."""
    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Normalised name → hashes of all its files, when the file has hashes."""
    needed_by: dict[str, tuple[str, ...]] = field(default_factory=dict)


def rewritten_to(direct: Direct, source: RequirementSet, fixed: Fixed) -> str:
    """Give the version that a requirement or constraint is to name; "" when it stays as it is."""
    version = fixed.versions.get(direct.name, "")
    constrained = any(each.name == direct.name for each in source.constraints)
    if version and constrained and direct not in source.constraints:
        # The constraint says it.
        return "" if direct.requirement.specifier.contains(version, prereleases=True) else version
    return version


class Fixer:
    """Looks for versions that fix a closure."""

    def __init__(
        self,
        closures: Closures,
        look_up: LookUp,
        index: Index,
        cooldown: IndexCooldown,
        progress: Callable[[str, str], None],
    ) -> None:
        """Resolve by `closures`, judge by `look_up`, keep to `cooldown`."""
        self._closures = closures
        self._look_up = look_up
        self._index = index
        self._cooldown = cooldown
        self._progress = progress

    def fix(self, closure: ScannedClosure, refused: Iterable[PackageKey]) -> Fixed | str:
        """Find what to ask for instead; a text says why there is nothing.

        Args:
            closure: what was resolved.
            refused: those of its packages that are refused.
        """
        if closure.source is None:
            return "a lock is not rewritten here"
        self._progress(closure.name, "looking for versions that fix it")
        try:
            return _Search(self, closure, closure.source, list(refused)).run()
        except GateError as error:
            return f"No better versions could be looked for: {error}"


class _Search:
    """The search for one closure."""

    def __init__(
        self,
        fixer: Fixer,
        closure: ScannedClosure,
        asked: RequirementSet,
        refused: Sequence[PackageKey],
    ) -> None:
        self._asked = asked
        self._closures = fixer._closures
        self._look_up = fixer._look_up
        self._index = fixer._index
        self._cooldown = fixer._cooldown
        self._targets: list[PythonTarget] = [
            target
            for target in self._closures.targets_of(self._asked)
            if not closure.targets or str(target) in closure.targets
        ]
        self._now = {package.name: package.version for package in closure.packages}
        self._refused = refused
        self._excluded: dict[str, str] = {}
        graph = Graph(closure)
        self._culprits = {name for name, _ in refused} | {
            way.direct.name for name, _ in refused for way in graph.chains(name)
        }
        self._hashed = any(direct.hashes for direct in self._asked.requirements)
        # What no target installs has to be part of the solution where it is refused.
        self._asked = replace(
            asked,
            requirements=tuple(
                without_marker(each)
                if each in closure.unmarked and each.name in self._culprits
                else each
                for each in asked.requirements
            ),
        )

    def run(self) -> Fixed | str:
        for name, _ in self._refused:
            self._exclude(name)
        everything = {direct.name for direct in self._asked.requirements}
        reason = ""
        # First upwards: an older release is the way out only when no newer one is.
        for floor in (True, False):
            for relaxed in (self._culprits, everything | self._culprits):
                found = self._attempt(set(relaxed), floor=floor)
                if isinstance(found, Fixed):
                    return found
                reason = reason or found
        return "; ".join([reason, *self._too_fresh()])

    def _attempt(self, relaxed: set[str], *, floor: bool) -> Fixed | str:
        for _ in range(MAX_ROUNDS):
            results = self._resolve(relaxed, floor=floor)
            for target, failure in failures_of(results).items():
                return f"no versions resolve together for {target} ({why(failure)})"
            packages = union(closures_of(results).values())
            refused = self._refused_of(packages)
            if not refused:
                return self._confirmed(relaxed, closures_of(results).values())
            for package in refused:
                if not self._exclude(package.name):
                    return f"{package.name} has no release without refusing findings"
                graph = Graph(ScannedClosure("", "", self._asked.requirements, packages))
                relaxed |= {way.direct.name for way in graph.chains(package.name)}
        return "no combination of versions without refusing findings was found"

    def _resolve(self, relaxed: set[str], *, floor: bool) -> Resolved:
        def eased(direct: Direct) -> Requirement:
            if direct.name not in relaxed:
                return direct.requirement
            now = self._now.get(direct.name)
            return _with_specifier(direct, f">={now.partition('+')[0]}" if floor and now else "")

        return self._closures.attempt(
            [eased(direct) for direct in self._asked.requirements],
            [
                *(str(eased(direct)) for direct in self._asked.constraints),
                *self._excluded.values(),
            ],
            self._targets,
            prereleases=self._asked.prereleases,
            cooldown=self._cooldown,
            kept={direct.name for direct in self._asked.requirements} - relaxed,
        )

    def _confirmed(
        self, relaxed: set[str], closures: Iterable[resolver.ResolvedClosure]
    ) -> Fixed | str:
        """Write the solution as requirements, and see that these alone resolve to what is clean."""
        chosen: dict[str, Version] = {}
        for package in _packages(closures):
            known = chosen.get(package.name)
            chosen[package.name] = min(known, package.version) if known else package.version
        fixed = Fixed()
        for direct in self._asked.requirements:
            version = str(chosen.get(direct.name, ""))
            if direct.name in relaxed and version and version != self._now.get(direct.name):
                fixed.versions[direct.name] = version
        for direct in self._asked.constraints:
            version = str(chosen.get(direct.name, ""))
            if version and not direct.requirement.specifier.contains(version, prereleases=True):
                fixed.versions[direct.name] = version
        for _ in range(MAX_ROUNDS):
            results = self._as_written(fixed)
            for target, failure in failures_of(results).items():
                return f"no versions resolve together for {target} ({why(failure)})"
            packages = union(closures_of(results).values())
            refused = self._refused_of(packages)
            self._add_hashes(fixed, packages, _packages(closures_of(results).values()))
            if not refused:
                return self._with_fewest_changes(fixed)
            new = {each.name for each in refused} - fixed.added.keys() - fixed.versions.keys()
            if not new:
                break
            named = {direct.name for direct in self._asked.requirements}
            for name in new & chosen.keys():
                (fixed.versions if name in named else fixed.added)[name] = str(chosen[name])
        return "no combination of versions without refusing findings was found"

    def _with_fewest_changes(self, fixed: Fixed) -> Fixed:
        """Leave requirements alone that only bring in what another change has fixed already."""
        refused = {name for name, _ in self._refused}
        # With hashes, all that is listed depends on each other.
        spare = [name for name in fixed.versions if name not in refused and not self._hashed]
        for name in spare[:MAX_ROUNDS]:
            kept = {other: each for other, each in fixed.versions.items() if other != name}
            fewer = replace(fixed, versions=kept)
            results = self._as_written(fewer)
            packages = union(closures_of(results).values())
            if not failures_of(results) and not self._refused_of(packages):
                fixed = fewer
        return fixed

    def _as_written(self, fixed: Fixed) -> Resolved:
        def written(direct: Direct) -> Requirement:
            version = rewritten_to(direct, self._asked, fixed)
            return _with_specifier(direct, f"=={version}") if version else direct.requirement

        return self._closures.attempt(
            [
                *map(written, self._asked.requirements),
                *(Requirement(f"{name}=={version}") for name, version in fixed.added.items()),
            ],
            [str(written(direct)) for direct in self._asked.constraints],
            self._targets,
            prereleases=self._asked.prereleases,
            hashes=self._hashed,
        )

    def _add_hashes(
        self, fixed: Fixed, packages: Iterable[ClosurePackage], found: Iterable[LockedPackage]
    ) -> None:
        """With hashes everything must be listed, what is new in the closure too."""
        fixed.needed_by = {package.name: package.needed_by for package in packages}
        if not self._hashed:
            return
        named = {direct.name for direct in self._asked.requirements}
        for package in found:
            fixed.hashes[package.name] = package.hashes
            if package.name not in named:
                fixed.added[package.name] = str(package.version)

    def _refused_of(self, packages: Sequence[ClosurePackage]) -> list[ClosurePackage]:
        looked = self._look_up.look_up(package.key for package in packages)
        verdicts = {key: each.judgement for key, each in looked.items()}
        for package in packages:
            if verdicts[package.key].verdict is Verdict.UNDECIDED:
                raise GateError(verdicts[package.key].reasons[0])
        return [each for each in packages if verdicts[each.key].verdict is Verdict.REFUSED]

    def _exclude(self, name: str) -> bool:
        """Rule out every refused release of a package; False when that was done before."""
        if name in self._excluded:
            return False
        project = self._index.project(name)
        # A pre-release is not named: naming one would make uv consider pre-releases.
        versions = [
            str(release.version)
            for release in (project.releases() if project else ())
            if not release.version.is_prerelease
        ]
        looked = self._look_up.look_up((name, version) for version in versions)
        refused = [
            version
            for version in versions
            if looked[name, version].judgement.verdict is not Verdict.APPROVED
        ]
        self._excluded[name] = name + ",".join(f"!={version}" for version in refused)
        return True

    def _too_fresh(self) -> Iterable[str]:
        """Name releases that would do once they are old enough."""
        for name, _ in self._refused:
            project = self._index.project(name)
            allowed = Requirement(self._excluded.get(name, name)).specifier
            for release in project.releases() if project else ():
                fresh = [self._cooldown.is_fresh(name, release.version, f) for f in release.files]
                if not release.version.is_prerelease and release.version in allowed and any(fresh):
                    yield f"{name} {release.version} has no refusing finding but is too fresh yet"
                    break


def _packages(closures: Iterable[resolver.ResolvedClosure]) -> list[LockedPackage]:
    return [package for closure in closures for package in closure.packages]


def _with_specifier(direct: Direct, specifier: str) -> Requirement:
    requirement = Requirement(str(direct.requirement))
    try:
        requirement.specifier = SpecifierSet(specifier)
    except InvalidSpecifier:  # `===` takes any text for a version
        requirement.specifier = SpecifierSet()
    return requirement
