"""The source for PyPI requirements: the whole closure for every target, without running anything.

uv resolves; the index's own answers say which files are yanked and how old they are. Where a
release has no wheel, its sdist's static metadata takes the place of a build.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from package_gate.core.artifact import Origin, RemoteFile, Resolution, ResolvedPackage
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import (
    NotOfferedError,
    SourceError,
    TooFreshError,
    UnfitError,
    UnresolvedError,
)
from package_gate.core.finding import Finding
from package_gate.core.freshness import Freshness
from package_gate.core.notebooks import notebooks
from package_gate.core.policy import Policy
from package_gate.core.request import PyPISource, Request
from package_gate.core.text import one_line, printable
from package_gate.inventory.formats.requirements import is_plain_requirement, normalised
from package_gate.sources.index_findings import name_confusion, quarantined_project
from package_gate.sources.interface import Release
from package_gate.sources.pypi.builds import Builds, build_notes
from package_gate.sources.pypi.cooldown import Files, IndexCooldown
from package_gate.sources.pypi.failures import LASTING, explain
from package_gate.sources.pypi.index import PROBES, Index, Project
from package_gate.sources.pypi.lock import LockedPackage
from package_gate.sources.pypi.names import confused_with
from package_gate.sources.pypi.newest import Newest
from package_gate.sources.pypi.resolver import (
    Describe,
    Fetch,
    Key,
    ResolvedClosure,
    Resolver,
    Wanted,
)
from package_gate.sources.pypi.sdist import SdistMetadata
from package_gate.sources.pypi.uv import IndexSettings, PythonTarget, Reason, ResolutionFailure

MAX_REQUIREMENT = 1000
"""Characters."""
MAX_SDISTS = 10
"""Releases of one closure that may exist only as sdists."""
TARGETS_AT_ONCE = 2
_STATUS = {
    "archived": "its authors expect no further release",
    "deprecated": "its authors advise against it",
}


@dataclass(slots=True)
class _Gathered:
    """A package with what all targets need of it."""

    files: dict[str, RemoteFile] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    for_build: bool = True

    def add(self, package: LockedPackage, closure: ResolvedClosure) -> None:
        """Add what one target's closure says of it.

        Raises:
            SourceError: it has no file.
        """
        self.files.update((file.filename, file) for file in package.files)
        if package.files:
            return
        key = (package.name, package.version)
        if key not in closure.sdists:
            raise SourceError(f"uv names no file of {package.name} {package.version}")
        file, metadata = closure.sdists[key]
        self.files[file.filename] = file
        self.notes.update(dict.fromkeys(sdist_notes(key, metadata)))


class PyPI:
    """Resolves PyPI requirements. Several threads may use it."""

    def __init__(
        self,
        settings: IndexSettings,
        policy: Policy,
        scratch: Path,
        now: datetime,
        fetch: Fetch,
        describe: Describe,
    ) -> None:
        """`scratch` is a folder of the gate's own; `now` (UTC) is the moment of the run."""
        self._scratch = scratch
        self._targets = [
            PythonTarget(python, platform)
            for python in policy.targets.python_versions
            for platform in policy.targets.platforms
        ]
        self._cooldown = IndexCooldown(Freshness(policy, PYPI, now))
        self._young_since = now - timedelta(days=policy.history.days)
        self.index = Index(settings)
        """What it asks."""
        self._sdists_allowed = policy.sdists.allowed
        most = MAX_SDISTS if self._sdists_allowed else 0
        self._resolver = Resolver(
            settings,
            self.index,
            fetch,
            describe,
            most,
            newer_python=policy.sdists.newer_python,
        )
        self._newest = Newest(self._resolver, Builds(self._resolver), self.index)

    def resolve(self, request: Request) -> Resolution:
        """Name every package and file that the requirement needs, the requested package first.

        Raises:
            SourceError: it can't be resolved, the index can't be asked, or what it says can't be
                trusted.
            SourceRefusedError: a file of the closure isn't an index's, or (as NotOfferedError) no
                index has the project, one has it in quarantine, or (as UnfitError) only sdists
                that the policy does not take would do, or releases for other Pythons.
            TooFreshError: only releases within the cooldown would do.
        """
        return self._resolve(read_requirement(request), read_constraints(request))

    def resolve_without(
        self, request: Request, avoid: Collection[Release], *, any_release: bool
    ) -> Resolution:
        """See `Steering.resolve_without`; raises as `resolve`."""
        requirement = read_requirement(request)
        if any_release:
            requirement.specifier = SpecifierSet()
        without = (f"{name}!={version}" for name, version in avoid)
        return self._resolve(requirement, (*read_constraints(request), *without))

    def releases(self, name: str) -> Iterator[ResolvedPackage]:
        """See `Steering.releases`."""
        if project := self.index.project(name):
            for release in project.releases():
                if not release.version.is_prerelease:
                    yield ResolvedPackage(project.name, str(release.version), Origin.PYPI, ())

    def _resolve(self, requirement: Requirement, constraints: Sequence[str]) -> Resolution:
        wanted = Wanted([requirement], constraints, self._cooldown)
        try:
            with TemporaryDirectory(prefix="pypi-", dir=self._scratch) as name:
                folder = Path(name)
                closures, failures = self._resolve_targets(wanted, folder)
                if not closures:
                    raise self._why_nothing_fits(wanted, failures, folder)
        except OSError as error:
            raise SourceError(
                f"the scratch folder can't be used ({error.strerror}); make room in it; the next "
                "run tries again"
            ) from error
        notes = [
            f"not resolved for {target}: {self._explain(requirement, target, failure)}"
            for target, failure in failures.items()
        ]
        notes += self._passed_over(closures)
        resolution = self._gather(requirement, closures, notes)
        self._cooldown.check(_files(resolution))
        return resolution

    def _why_nothing_fits(
        self,
        wanted: Wanted,
        failures: Mapping[PythonTarget, ResolutionFailure],
        folder: Path,
    ) -> SourceError | NotOfferedError | TooFreshError:
        """Tell whether it is the cooldown, by asking once more without it."""
        requirement = wanted.requirements[0]
        project = self.index.project(requirement.name)
        asked = _asked(requirement)
        if project and project.quarantined:
            finding = quarantined_project(project.status_reason)
            return NotOfferedError(f"{requirement.name}: {finding.message}", asked)
        if project and self._cooldown.cutoff:
            releases = {release.version: release for release in project.releases()}
            allowed = requirement.specifier.filter(releases)
            self._cooldown.check_releases(project.name, [releases[each] for each in allowed])
            without = replace(wanted, cooldown=None)
            closures, still = self._resolve_targets(without, folder)
            failures = still or failures
            if closures:
                self._cooldown.check(_files(self._gather(requirement, closures, [])))
        target, failure = next(iter(failures.items()))
        said = self._explain(requirement, target, failure)
        if project is None and failure.reason is Reason.NO_PACKAGE:
            if self.index.answers():
                return NotOfferedError(said, asked)
            said = (
                f"the index has no {requirement.name}, nor any of {', '.join(PROBES)}: is "
                "UV_DEFAULT_INDEX right? The next run tries again."
            )
        reasons = {failure.reason for failure in failures.values()}
        if reasons == {Reason.ONLY_SDIST} and not self._sdists_allowed:
            return UnfitError(f"the policy takes no sdists ([sdists] allowed): {said}", asked)
        if reasons == {Reason.OTHER_PYTHON}:
            others = notebooks(map(str, list(failures)[1:]))
            return UnfitError(f"{said}{f'; nor is it for {others}' if others else ''}", asked)
        return UnresolvedError(said, asked)

    def _passed_over(self, closures: Mapping[PythonTarget, ResolvedClosure]) -> list[str]:
        """Say which newer releases were not taken, and why."""
        said: dict[str, list[PythonTarget]] = {}
        for target, closure in closures.items():
            for note in closure.passed_over:
                said.setdefault(note, []).append(target)
        notes = [
            note if len(to) == len(closures) else f"for {notebooks(map(str, to))}: {note}"
            for note, to in said.items()
        ]
        capped: dict[tuple[str, Version, str], list[str]] = {}
        for target, closure in closures.items():
            chosen = {package.name: package.version for package in closure.packages}
            newest: dict[str, Version] = {}
            for name, version in closure.capped:
                if name in chosen and version > newest.get(name, chosen[name]):
                    newest[name] = version
            for name, version in newest.items():
                python = printable(closure.capped[name, version], 100)
                capped.setdefault((name, version, python), []).append(str(target))
        notes += [
            f"{name} {version} was passed over for {notebooks(to)}: it asks for Python {python}"
            for (name, version, python), to in capped.items()
        ]
        return notes

    def _explain(
        self, requirement: Requirement, target: PythonTarget, failure: ResolutionFailure
    ) -> str:
        named = failure.package or requirement.name
        project = self.index.project(named) if failure.reason in LASTING else None
        return explain(requirement, target, failure, project)

    def _resolve_targets(
        self, wanted: Wanted, folder: Path
    ) -> tuple[dict[PythonTarget, ResolvedClosure], dict[PythonTarget, ResolutionFailure]]:
        requirement = wanted.requirements[0]
        with ThreadPoolExecutor(TARGETS_AT_ONCE) as pool:
            work = partial(self._newest.resolve, wanted, folder=folder)
            results = dict(zip(self._targets, pool.map(work, self._targets), strict=True))
        failures = {
            to: result for to, result in results.items() if isinstance(result, ResolutionFailure)
        }
        for target, failure in failures.items():
            # A target that fails for a passing reason must not be left out of an approval.
            if failure.reason not in LASTING:
                raise SourceError(self._explain(requirement, target, failure))
        closures = {
            to: result for to, result in results.items() if isinstance(result, ResolvedClosure)
        }
        return closures, failures

    def _gather(
        self,
        requirement: Requirement,
        closures: Mapping[PythonTarget, ResolvedClosure],
        notes: list[str],
    ) -> Resolution:
        """Unite the targets' closures and add what the index says of each file."""
        gathered: dict[Key, _Gathered] = {}
        builds: dict[str, set[str]] = {}
        for target, closure in closures.items():
            if all(package.name != requirement.name for package in closure.packages):
                notes.append(f"its marker leaves {target} out")
            for package in closure.packages:
                entry = gathered.setdefault((package.name, package.version), _Gathered())
                entry.add(package, closure)
                entry.for_build = False
                entry.targets[str(target)] = None
            for (name, version), needed in closure.builds.items():
                for package in needed:
                    entry = gathered.setdefault((package.name, package.version), _Gathered())
                    entry.add(package, closure)
                    entry.targets[str(target)] = None
                    builds.setdefault(f"{name} {version}", set()).add(
                        f"{package.name} {package.version}"
                    )
        if all(
            name != requirement.name or entry.for_build for (name, _), entry in gathered.items()
        ):
            raise UnresolvedError(
                f"the marker of {requirement} leaves out every Python and platform that packages "
                "are resolved for; ask for it without the marker",
                _asked(requirement),
            )
        projects = self.index.projects(name for name, _ in gathered)
        files = {
            key: tuple(_described(file, projects[key[0]]) for file in entry.files.values())
            for key, entry in gathered.items()
        }
        served = [
            str(target)
            for target, closure in closures.items()
            if any(package.name == requirement.name for package in closure.packages)
        ]
        order = sorted(
            gathered,
            key=lambda key: (key[0] != requirement.name, gathered[key].for_build, *key),
        )
        return Resolution(
            tuple(
                ResolvedPackage(
                    key[0],
                    str(key[1]),
                    Origin.PYPI,
                    files[key],
                    (
                        *gathered[key].notes,
                        *(self._build_notes(key, projects) if gathered[key].notes else ()),
                        *status_notes(projects[key[0]]),
                    ),
                    self._said_by_index(projects[key[0]], asked_for=key[0] == requirement.name),
                    gathered[key].for_build,
                    self._unless_all(gathered[key].targets),
                )
                for key in order
            ),
            (
                *notes,
                *(f"needed to build {of}: {', '.join(sorted(it))}" for of, it in builds.items()),
            ),
            self._unless_all(served),
        )

    def _build_notes(self, key: Key, projects: Mapping[str, Project | None]) -> list[str]:
        project = projects[key[0]]
        return build_notes(key, project, self._targets) if project else []

    def _unless_all(self, targets: Iterable[str]) -> tuple[str, ...]:
        named = tuple(targets)
        return () if len(named) == len(self._targets) else named

    def _said_by_index(self, project: Project | None, *, asked_for: bool) -> tuple[Finding, ...]:
        """Report what the index says against a project."""
        findings = []
        if project and project.quarantined:
            findings.append(quarantined_project(project.status_reason))
        first = project.first_upload if project else None
        if project and first and first > self._young_since:
            other = confused_with(project.name)
            if other:
                findings.append(name_confusion(other, f"{first:%Y-%m-%d}", asked_for=asked_for))
        return tuple(findings)


def read_requirement(request: Request) -> Requirement:
    """Read the request's requirement; its name comes back normalised (PEP 503).

    Raises:
        SourceError: it isn't a PEP 508 requirement for an index.
    """
    source = request.source
    text = source.requirement if isinstance(source, PyPISource) else ""
    try:
        requirement = Requirement(text[:MAX_REQUIREMENT])
    except InvalidRequirement:
        requirement = None
    if (
        requirement is None
        or requirement.url
        or not is_plain_requirement(text)
        or len(text) > MAX_REQUIREMENT
    ):
        raise SourceError(
            f"{printable(text)!r} is no PyPI requirement; write it as NAME, NAME==VERSION or "
            "NAME>=VERSION,<VERSION, without an address"
        )
    return normalised(requirement)


def pinned_version(requirement: Requirement) -> str:
    """Give the version that a requirement names exactly; "" where it leaves a choice."""
    exact = [
        each.version
        for each in requirement.specifier
        if each.operator in ("==", "===") and not each.version.endswith(".*")
    ]
    return exact[0] if exact else ""


def status_notes(project: Project | None) -> tuple[str, ...]:
    """Say what the index says of a project as a whole (PEP 792)."""
    meaning = _STATUS.get(project.status) if project else None
    if project is None or meaning is None:
        return ()
    reason = f" ({one_line(project.status_reason, 200)})" if project.status_reason else ""
    return (f"the index says that {project.name} is {project.status}{reason}: {meaning}",)


def read_constraints(request: Request) -> tuple[str, ...]:
    """Give what the request says of its whole closure.

    Raises:
        SourceError: something of it is no requirement for an index.
    """
    source = request.source
    constraints = source.constraints if isinstance(source, PyPISource) else ()
    for text in constraints:
        try:
            parsed = Requirement(text[:MAX_REQUIREMENT])
        except InvalidRequirement:
            parsed = None
        plain = is_plain_requirement(text) and len(text) <= MAX_REQUIREMENT
        if parsed is None or parsed.url or not plain:
            raise SourceError(f"{printable(text)!r} is no constraint; write NAME>=VERSION")
    return constraints


def sdist_notes(key: Key, metadata: SdistMetadata) -> list[str]:
    """Say what a reader must know of a package that no wheel serves."""
    release = f"{key[0]} {key[1]}"
    notes = [f"{release} has no wheel: installing its sdist runs its build on the notebook"]
    if not metadata.known:
        names = sorted({requirement.name for requirement in metadata.requires})
        notes.append(
            f"the dependencies of {release} can't be known without building it; those that it "
            f"declares were resolved: {', '.join(names) or 'none'}"
        )
    if metadata.left_out:
        notes.append(
            f"{release} declares dependencies that no index can serve: "
            f"{', '.join(metadata.left_out[:5])}"
        )
    return notes


def _asked(requirement: Requirement) -> ResolvedPackage:
    """Give what is asked for; its version is "" where there is a choice."""
    return ResolvedPackage(requirement.name, pinned_version(requirement), Origin.PYPI, ())


def _described(file: RemoteFile, project: Project | None) -> RemoteFile:
    """Add what only the index says; a file that it doesn't know isn't let through."""
    known = project.file(file.filename, file.sha256) if project else None
    if project and project.file(file.filename, None):
        raise SourceError(
            f"the package index gives no SHA-256 for {file.filename}; use an index that does"
        )
    if known is None:
        raise SourceError(
            f"the package index doesn't list {file.filename} with the digest that it was resolved "
            "with; the next run tries again"
        )
    return replace(
        file,
        size=known.size if file.size is None else file.size,
        uploaded=known.uploaded or file.uploaded,
        yanked=known.yanked,
    )


def _files(resolution: Resolution) -> Files:
    return {(each.name, Version(each.version)): each.files for each in resolution.packages}
