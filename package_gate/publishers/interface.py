"""What a publisher is: it puts an approved package's artifacts where notebooks install from."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from package_gate.archive.kinds import promised_kind
from package_gate.core.artifact import ARCHIVE_KINDS, Artifact, ArtifactFile, Origin
from package_gate.core.decision import PackageDecision, PackageSummary
from package_gate.core.errors import PublishError
from package_gate.core.inventory import Inventory
from package_gate.core.notebooks import marker
from package_gate.core.request import PyPISource, Request


@dataclass(frozen=True, slots=True)
class ApprovedPackage:
    """A package that every scanner has passed."""

    name: str
    version: str
    origin: Origin
    decided_at: datetime
    """When its decision was recorded (UTC); the same at every attempt to publish it."""
    files: tuple[ArtifactFile, ...]
    inventories: tuple[Inventory, ...] = ()
    """What the files say of themselves, as the worker took it that has unpacked them."""


@dataclass(frozen=True, slots=True)
class PublishedPackage:
    """A package that stands in the private repository, as its decision tells it."""

    name: str
    version: str
    origin: Origin
    decided_at: datetime
    artifacts: tuple[Artifact, ...]
    for_build: bool = False
    """Whether it is there for the build of an sdist of the closure only, not to be installed."""
    targets: tuple[str, ...] = ()
    """The notebooks that need it; empty for all."""
    malware: bool = False
    """Whether it is refused as malware: what is withdrawn must not come back."""

    @classmethod
    def of(cls, decision: PackageDecision, noted: PackageSummary | None = None) -> Self:
        """Take what a publisher needs to know from a package's decision.

        Args:
            decision: of the package.
            noted: what it is to the request for which it is offered.
        """
        return cls(
            decision.name,
            decision.version,
            decision.origin,
            decision.decided_at,
            decision.artifacts,
            noted is not None and noted.for_build,
            noted.targets if noted else (),
            decision.is_malware,
        )


def archive_version(package: ApprovedPackage | PublishedPackage) -> str:
    """The immutable version under which an archive request is published.

    UTC time of the decision and short digest, such as `20261122T101500Z-0123456789ab`: the same
    at every attempt, so that a repeated publication finds the earlier one.
    """
    artifacts = (
        [file.artifact for file in package.files]
        if isinstance(package, ApprovedPackage)
        else package.artifacts
    )
    return f"{package.decided_at:%Y%m%dT%H%M%SZ}-{artifacts[0].sha256[:12]}"


def requirements_for(request: Request, packages: Sequence[PublishedPackage]) -> str:
    """What installs a PyPI request from an index that has more, as words of a shell.

    That is its release with the extras that it asks for, and its constraints on what is installed
    along. Where notebooks need different releases of it, each is for its own.
    """
    package, source = packages[0], request.source
    if not isinstance(source, PyPISource):
        return shlex.quote(f"{package.name}=={package.version}")
    extras = ",".join(sorted(Requirement(source.requirement).extras))
    name = f"{package.name}{f'[{extras}]' if extras else ''}"
    releases = [each for each in packages if each.name == package.name and not each.for_build]
    others = {
        each.version: [t for o in releases if o is not each for t in o.targets] for each in releases
    }
    markers = {each.version: marker(each.targets, others[each.version]) for each in releases}
    if len(releases) > 1 and all(markers.values()):
        pinned = [f"{name}=={each.version}; {markers[each.version]}" for each in releases]
    else:
        pinned = [f"{name}=={package.version}"]
    installed = {each.name for each in packages if not each.for_build}
    constraints = [c for c in source.constraints if Requirement(c).name in installed]
    return shlex.join([*pinned, *constraints])


def archive_asset(name: str, file: ArtifactFile) -> str:
    """The file name under which a request's archive is published: NAME.zip, or its true suffix.

    A wheel keeps its own file name, because pip reads its version and tags from it.

    Raises:
        PublishError: nobody knows what it is.
    """
    filename = file.artifact.filename
    return filename if is_wheel(filename) else f"{name}.{archive_suffix(file)}"


def is_wheel(filename: str) -> bool:
    """Whether pip would install a file of this name as a wheel."""
    try:
        return bool(
            re.fullmatch(r"[\w.+!-]+\.whl", filename, re.ASCII) and parse_wheel_filename(filename)
        )
    except InvalidWheelFilename:
        return False


def archive_suffix(file: ArtifactFile) -> str:
    """The suffix for an archive request's file, such as `zip`: what its bytes are, as scanned.

    Raises:
        PublishError: nobody knows; it is an approval of before this was recorded.
    """
    artifact = file.artifact
    kind = artifact.kind or promised_kind(artifact.filename)
    if kind not in ARCHIVE_KINDS:
        raise PublishError(
            f"{artifact.filename} is no archive of a kind that can be published. Decide it again "
            "with --rescan."
        )
    return kind


class OriginPublisher(Protocol):
    """Where approved packages of one origin go. Every method may be repeated after a kill without
    harm."""

    def publish(self, package: ApprovedPackage) -> str:
        """Put the package's files into the repository and return where they are now.

        Files already there with the same digest are left alone.

        Raises:
            PublishError: it failed, or another digest stands under the same name.
        """
        ...

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """Put a signed statement beside each file of a published package, in place of an earlier
        one.

        Args:
            package: it is published.
            statement: a DSSE envelope as JSON.

        Raises:
            PublishError: it failed.
        """
        ...

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """Finish a request whose whole closure is published.

        Args:
            request: the approved request.
            packages: its closure, the requested package first.

        Returns:
            The exact command with which the requester installs or downloads it.

        Raises:
            PublishError: it failed.
        """
        ...

    def withdraw(self, package: PublishedPackage) -> bool:
        """Take a published package back, because a later scan refused it.

        A repository that can hide a package hides it, so that its version stays taken and it can
        come back; malware is removed for good.

        Returns:
            Whether notebooks could install any of it.

        Raises:
            PublishError: it failed.
        """
        ...

    def restore(self, package: PublishedPackage) -> str:
        """Let a package be installed again that the gate has withdrawn and that is approved now.

        Returns:
            Where it is, when exactly its files were hidden there; "" when it has to be published,
            for which nothing of the gate's is in the way any more.

        Raises:
            PublishError: it failed, or another digest stands under the same name.
        """
        ...

    def repair(self, package: PackageSummary) -> None:
        """Set right what a publication that was stopped has left half done, without its files.

        Args:
            package: what was being published.

        Raises:
            PublishError: it failed.
        """
        ...


class Publisher(Protocol):
    """Where all approved packages go: an `OriginPublisher` for each origin."""

    def publish(self, package: ApprovedPackage) -> str:
        """See `OriginPublisher.publish`."""
        ...

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`."""
        ...

    def post_standing_list(self, content: bytes) -> None:
        """Put the signed standing list where notebooks read it, in place of the one before.

        Args:
            content: a DSSE envelope as JSON.

        Raises:
            PublishError: it failed.
        """
        ...

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `OriginPublisher.offer`."""
        ...

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `OriginPublisher.withdraw`."""
        ...

    def restore(self, package: PublishedPackage) -> str:
        """See `OriginPublisher.restore`."""
        ...

    def repair(self, package: PackageSummary) -> None:
        """See `OriginPublisher.repair`."""
        ...

    def finish(self) -> None:
        """Do what is done once a run, when all requests are settled.

        Raises:
            PublishError: it failed.
        """
        ...


class PublisherByOrigin:
    """Hands each package to the publisher for its origin; with `post_standing_list` it implements
    `Publisher`."""

    def __init__(self, publishers: Mapping[Origin, OriginPublisher]) -> None:
        """Use these, one for each origin of a package or request."""
        self._publishers = publishers

    def publish(self, package: ApprovedPackage) -> str:
        """See `Publisher.publish`."""
        return self._for(package).publish(package)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `Publisher.attest`."""
        self._for(package).attest(package, statement)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `Publisher.offer`."""
        return self._for(packages[0]).offer(request, packages)

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `Publisher.withdraw`."""
        return self._for(package).withdraw(package)

    def restore(self, package: PublishedPackage) -> str:
        """See `Publisher.restore`."""
        return self._for(package).restore(package)

    def repair(self, package: PackageSummary) -> None:
        """See `Publisher.repair`."""
        self._for(package).repair(package)

    def finish(self) -> None:
        """See `Publisher.finish`: there is nothing left to do."""

    def _for(self, package: ApprovedPackage | PublishedPackage | PackageSummary) -> OriginPublisher:
        if package.origin not in self._publishers:
            raise PublishError(
                f"{package.name} can't be published: this repository takes no packages from "
                f"{package.origin}."
            )
        return self._publishers[package.origin]
