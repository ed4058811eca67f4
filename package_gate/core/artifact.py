"""Packages and their files, from what an index says to what lies on disk."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from package_gate.core.finding import Finding
from package_gate.core.word import Word

ARCHIVE_KINDS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst")
"""What archives are, and the suffix of their names."""


class Origin(Word):
    """Which source a package came from; it decides how the package is published."""

    PYPI = "pypi"
    ARCHIVE = "archive"


class PackageIdentity(Protocol):
    """Anything that is about one package, such as `ResolvedPackage` or `PackageDecision`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def origin(self) -> Origin: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that an index or a requester says can be downloaded."""

    filename: str
    url: str
    sha256: str | None = None
    """What the index says, or the requester of an archive; None when it is known only once the
    file is fetched."""
    size: int | None = None
    """Bytes, when known beforehand."""
    uploaded: datetime | None = None
    """When the index received it (UTC)."""
    yanked: str | None = None
    """The reason for which it was yanked ("" when none was given), or None when it was not."""


@dataclass(frozen=True, slots=True)
class ResolvedPackage:
    """A package of a closure before it is fetched."""

    name: str
    """Normalised (PEP 503) for PyPI, the request's name for an archive."""
    version: str
    """"" for an archive, whose version follows from its digest once it is fetched."""
    origin: Origin
    files: tuple[RemoteFile, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the decision must know, for example that dependencies are unknown."""
    findings: tuple[Finding, ...] = ()
    """What the index says against the project."""
    for_build: bool = False
    """Whether only the build of an sdist needs it: it is in the repository, but not installed."""
    targets: tuple[str, ...] = ()
    """Those of the policy's notebooks that need it, such as `Python 3.11 on …`; empty for all."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Everything that a request needs."""

    packages: tuple[ResolvedPackage, ...]
    notes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Those of the policy's notebooks on which it can be installed; empty for all."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One downloaded file."""

    filename: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size: int
    """Bytes."""
    url: str = ""
    """Where it came from."""
    uploaded: datetime | None = None
    """When the index received it (UTC)."""
    requires_python: str = ""
    """The `Requires-Python` of its metadata, once it is unpacked."""
    kind: str = ""
    """One of `ARCHIVE_KINDS` by its bytes, once it is unpacked."""
    yanked: str | None = None
    """Why the index has yanked it ("" when no reason was given), or None when it has not."""

    @property
    def remote(self) -> RemoteFile:
        """The file as it can be fetched again."""
        return RemoteFile(
            self.filename, self.url, self.sha256, self.size, self.uploaded, self.yanked
        )


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """An artifact on disk: the very bytes that its digest names."""

    artifact: Artifact
    path: Path


@dataclass(frozen=True, slots=True)
class UnpackedArtifact:
    """An artifact on disk with its unpacked tree, as scanners see it."""

    artifact: Artifact
    path: str
    """The downloaded file, absolute."""
    tree: str
    """The folder with what an installer would install, absolute."""


@dataclass(frozen=True, slots=True)
class UnpackedPackage:
    """What a scanner is given: one package, unpacked."""

    name: str
    version: str
    origin: Origin
    artifacts: tuple[UnpackedArtifact, ...]
