"""Requirements that are installed together → their whole closure for one target, by uv.

Where a release has no wheel, its sdist's static metadata takes the place of a build.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from package_gate.core.artifact import ArtifactFile, RemoteFile
from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.inventory import Inventory
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.index import Index, Release
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


@dataclass(frozen=True, slots=True)
class ResolvedClosure:
    """A closure for one target."""

    packages: tuple[LockedPackage, ...]
    sdists: Mapping[Key, tuple[RemoteFile, SdistMetadata]]
    """Those that no wheel serves."""


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
    ) -> None:
        """`max_sdists` is how many releases of one closure may exist only as sdists."""
        self._settings = settings
        self._index = index
        self._fetch = fetch
        self._describe = describe
        self._max_sdists = max_sdists
        self._sdists: dict[Key, SdistMetadata] = {}
        self._sdists_lock = threading.Lock()
        self._needed: dict[PythonTarget, dict[Key, RemoteFile]] = {}

    def resolve(
        self, wanted: Wanted, target: PythonTarget, folder: Path
    ) -> ResolvedClosure | ResolutionFailure:
        """Let uv resolve, with a stand-in for each sdist that it turns out to need.

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
        while True:
            result = run_uv(self._settings, asked, folder)
            if isinstance(result, Lock):
                return ResolvedClosure(result.packages, sdists)
            if result.reason is Reason.NO_PACKAGE and result.package not in late:
                late.add(result.package)
                if self._index.appears(result.package):
                    continue
            if result.reason is not Reason.ONLY_SDIST or len(sdists) == self._max_sdists:
                return result
            release = self._choose_sdist(wanted, target, result, sdists.keys())
            if release is None:
                return result
            key = (result.package, release.version)
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
        own = [each for each in wanted.requirements if each.name == failure.package]
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
            and (pinned or release.sdists[0].yanked is None)
            and not (
                cooldown
                and failure.package not in wanted.kept
                and cooldown.is_fresh(failure.package, release.version, release.sdists[0])
            )
        ]
        final = [release for release in fit if not release.version.is_prerelease]
        return next(iter(final or fit), None)

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
