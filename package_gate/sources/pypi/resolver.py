"""Requirements that are installed together → their whole closure for one target, by uv.

Where a release has no wheel, its sdist's static metadata takes the place of a build.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from package_gate.core.artifact import ArtifactFile, RemoteFile
from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.inventory import Inventory
from package_gate.core.text import printable
from package_gate.inventory.formats.core_metadata import specifiers, takes_all_of
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.failures import LASTING
from package_gate.sources.pypi.index import Index, Project, Release
from package_gate.sources.pypi.lock import Lock, LockedPackage, check_remote_file
from package_gate.sources.pypi.sdist import SdistMetadata, read_sdist, stand_in
from package_gate.sources.pypi.uv import (
    Compilation,
    IndexSettings,
    PythonTarget,
    Reason,
    ResolutionFailure,
    run_uv,
)

Fetch = Callable[[RemoteFile, Path], ArtifactFile]
"""Downloads a file into a folder, under its `filename`, and checks its digest."""
Describe = Callable[[ArtifactFile], Inventory]
"""Unpacks a file in a process without credentials and says what it is; raises ScannerError."""
Key = tuple[str, Version]
"""Normalised name and version."""
MAX_CAPPED = 50
"""How often uv is told of projects whose releases a target's Python rules out."""


@dataclass(frozen=True, slots=True)
class ResolvedClosure:
    """A closure for one target."""

    packages: tuple[LockedPackage, ...]
    sdists: Mapping[Key, tuple[RemoteFile, SdistMetadata]]
    """Those that no wheel serves."""
    capped: Mapping[Key, str] = field(default_factory=dict)
    """Releases that uv would have taken, and the `Requires-Python` by which they can't be."""
    builds: Mapping[Key, tuple[LockedPackage, ...]] = field(default_factory=dict)
    """What building each of the sdists needs; see `builds`."""
    passed_over: tuple[str, ...] = ()
    """Which newer releases were not taken, and why; see `newest`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be resolved."""

    requirements: Sequence[Requirement]
    """Plain ones (see `inventory.formats.requirements.is_plain`) with normalised names."""
    constraints: Sequence[str] = ()
    """Requirements that no package of the closure may break."""
    cooldown: IndexCooldown | None = None
    """None lets every release count, however fresh."""
    kept: Collection[str] = ()
    """Normalised names of packages for which the cooldown does not hold."""
    prereleases: bool = False
    """Whether pre-releases count as any other release."""
    graph: bool = False
    """See `Compilation.graph`."""
    hashes: bool = False
    """See `Compilation.hashes`."""


class Resolver:
    """Resolves for the configured indexes. Several threads may use it."""

    def __init__(
        self,
        settings: IndexSettings,
        index: Index,
        fetch: Fetch,
        describe: Describe,
        max_sdists: int,
        *,
        newer_python: bool = True,
    ) -> None:
        """Resolve with these.

        Args:
            settings: uv's.
            index: the one that uv asks.
            fetch: for sdists.
            describe: the same.
            max_sdists: how many releases of one closure may exist only as sdists.
            newer_python: whether one will do that has compiled wheels, but none for a Python as new
                as the target's.
        """
        self._settings = settings
        self._index = index
        self._fetch = fetch
        self._describe = describe
        self._max_sdists = max_sdists
        self._newer_python = newer_python
        self._sdists: dict[Key, SdistMetadata] = {}
        self._sdists_lock = threading.Lock()
        self._needed: dict[PythonTarget, dict[Key, RemoteFile]] = {}

    def resolve(
        self, wanted: Wanted, target: PythonTarget, folder: Path
    ) -> ResolvedClosure | ResolutionFailure:
        """Let uv resolve, with a stand-in for each sdist that it turns out to need.

        uv takes the upper bound of a `Requires-Python` for no bound; what an installer would not
        take for the target is left out here. In a graph, which names no files, it stays.

        `folder` is one that nobody else can write to.

        Raises:
            SourceError: uv can't be run, the index can't be asked, or an answer can't be trusted.
            SourceRefusedError: a file of the closure isn't an index's.
        """
        stand_ins = Path(mkdtemp(prefix="stand-ins-", dir=folder))
        sdists = {
            key: (file, self._read_sdist(key, file, folder))
            for key, file in self._needed.setdefault(target, {}).copy().items()
            if any(_pins(requirement, key) for requirement in wanted.requirements)
        }
        for key, (_, metadata) in sdists.items():
            stand_in(stand_ins, *key, metadata)
        cooldown = wanted.cooldown
        asked = Compilation(
            "\n".join(map(str, wanted.requirements)),
            target,
            cooldown.cutoff if cooldown else None,
            exempt={**dict.fromkeys(wanted.kept, cooldown.now), **cooldown.exempt}
            if cooldown
            else {},
            constraints=(
                *wanted.constraints,
                *(cooldown.constraints(self._index) if cooldown else ()),
            ),
            prereleases=wanted.prereleases,
            graph=wanted.graph,
            hashes=wanted.hashes,
            stand_ins=stand_ins if sdists else None,
        )
        late: set[str] = set()
        capped: dict[Key, str] = {}
        rounds = 0
        while True:
            result = run_uv(self._settings, asked, folder)
            if isinstance(result, Lock):
                packages, unfit = self._fitting(result.packages, sdists, target, wanted)
                if not unfit:
                    return ResolvedClosure(packages, sdists, capped)
                capped.update(unfit)
                if (rounds := rounds + 1) > MAX_CAPPED:
                    return _capped(capped, target)
                without = tuple(f"{name}!={version}" for name, version in unfit)
                asked = replace(asked, constraints=asked.constraints + without)
                continue
            if result.reason is Reason.NO_PACKAGE and result.package not in late:
                late.add(result.package)
                if self._index.appears(result.package):
                    continue
            release = None
            if result.reason is Reason.ONLY_SDIST and len(sdists) < self._max_sdists:
                release = self._choose_sdist(wanted, target, result, {*sdists, *capped})
            if release is None:
                return _capped(capped, target) if capped and result.reason in LASTING else result
            key = (result.package, release.version)
            if not self._newer_python and release.was_built_before(target.python):
                return _built_before(key, release, target)
            sdists[key] = (release.sdists[0], self._read_sdist(key, release.sdists[0], folder))
            stand_in(stand_ins, *key, sdists[key][1])
            self._needed[target][key] = release.sdists[0]
            asked = replace(asked, stand_ins=stand_ins)

    def _choose_sdist(
        self,
        wanted: Wanted,
        target: PythonTarget,
        failure: ResolutionFailure,
        tried: Collection[Key],
    ) -> Release | None:
        """Pick the newest release that uv could have taken, if it could build."""
        cooldown = wanted.cooldown
        project = self._index.project(failure.package)
        ranges = list(failure.specifiers)
        bounds = (*wanted.requirements, *map(Requirement, wanted.constraints))
        own = [each for each in bounds if each.name == failure.package]
        if own:
            allowed = SpecifierSet()
            for requirement in own:
                allowed &= requirement.specifier
            ranges = [each & allowed for each in ranges] or [allowed]
        pinned = any(is_pin(requirement) for requirement in own)
        fit = [
            release
            for release in (project.releases() if project else ())
            if release.sdists
            and (failure.package, release.version) not in tried
            and (not ranges or any(each.contains(release.version, True) for each in ranges))
            and release.requires_python.contains(target.python, prereleases=True)
            and takes_all_of(release.requires_python, target.python)
            and (pinned or release.sdists[0].yanked is None)
            and not (
                cooldown
                and failure.package not in wanted.kept
                and cooldown.is_fresh(failure.package, release.version, release.sdists[0])
            )
        ]
        final = [release for release in fit if not release.version.is_prerelease]
        return next(iter(final or fit), None)

    def _fitting(
        self,
        packages: Sequence[LockedPackage],
        sdists: Mapping[Key, tuple[RemoteFile, SdistMetadata]],
        target: PythonTarget,
        wanted: Wanted,
    ) -> tuple[tuple[LockedPackage, ...], dict[Key, str]]:
        """Leave out the files that an installer would not take for the target.

        Returns:
            The packages, and the releases of which no file is left, each with the
            `Requires-Python` that says so: with them the other ones of the same project.
        """
        if wanted.graph:
            return tuple(packages), {}
        projects = self._index.projects(package.name for package in packages)
        kept: list[LockedPackage] = []
        unfit: dict[Key, str] = {}
        for package in packages:
            key = (package.name, package.version)
            project = projects[package.name]
            said = dict(project.requires_python) if project else {}
            files = tuple(f for f in package.files if _takes(said, f.filename, target))
            own = sdists[key][1].requires_python if key in sdists and not files else SpecifierSet()
            if (package.files and not files) or not takes_all_of(own, target.python):
                bound = next((said[f.filename] for f in package.files), str(own))
                unfit[key] = bound
                unfit |= _others_like_it(project, target) if project else {}
            kept.append(replace(package, files=files))
        return tuple(kept), unfit

    def _read_sdist(self, key: Key, file: RemoteFile, folder: Path) -> SdistMetadata:
        check_remote_file(file, *key)
        with self._sdists_lock:
            if key not in self._sdists:
                place = Path(mkdtemp(prefix="sdist-", dir=folder))
                try:
                    inventory = self._describe(self._fetch(file, place))
                except ScannerError as error:
                    raise SourceError(
                        f"the sdist {file.filename} can't be unpacked ({error}); ask for a "
                        "release that has wheels"
                    ) from error
                self._sdists[key] = read_sdist(inventory, *key)
            return self._sdists[key]


def _takes(said: Mapping[str, str], filename: str, target: PythonTarget) -> bool:
    return takes_all_of(specifiers(said.get(filename, "")), target.python)


def _others_like_it(project: Project, target: PythonTarget) -> dict[Key, str]:
    """Name the releases that can't be taken for the target for the same reason.

    Pre-releases are not named: naming one would make uv consider pre-releases of the package.
    """
    said = project.requires_python
    return {
        (project.name, release.version): said[release.files[0].filename]
        for release in project.releases()
        if not release.version.is_prerelease
        and not any(_takes(said, file.filename, target) for file in release.files)
    }


def _capped(capped: Mapping[Key, str], target: PythonTarget) -> ResolutionFailure:
    """Say that what would do can't be installed on the target's Python."""
    name, _ = next(iter(capped))
    releases = [(version, bound) for (other, version), bound in capped.items() if other == name]
    newest, bound = max(releases)
    words = f"{name} {newest} asks for Python {printable(bound, 100)}"
    if specifiers(bound).contains(f"{target.python}.0", prereleases=True):
        words += f", which leaves out {target.python}.1 and newer"
    if len(releases) > 1:
        words += f", and {len(releases) - 1} more of its releases for an older one too"
    return ResolutionFailure(Reason.OTHER_PYTHON, words, name, said_by="its metadata")


def _built_before(key: Key, release: Release, target: PythonTarget) -> ResolutionFailure:
    words = (
        f"{key[0]} {key[1]} has wheels for Python {release.last_python} and older only, and its "
        f"sdist was not made for {target.python}; [sdists] newer_python lets it be built"
    )
    return ResolutionFailure(Reason.OTHER_PYTHON, words, key[0], said_by="the index")


def is_pin(requirement: Requirement) -> bool:
    """Whether it names one release exactly."""
    return any(
        each.operator in ("==", "===") and not each.version.endswith(".*")
        for each in requirement.specifier
    )


def _pins(requirement: Requirement, key: Key) -> bool:
    """Whether nothing but this release will do, as was found out before."""
    return (
        requirement.name == key[0]
        and is_pin(requirement)
        and requirement.specifier.contains(key[1], prereleases=True)
    )
