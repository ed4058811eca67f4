"""Archives as generic packages of a CodeArtifact repository.

**Archives.** An immutable version (`archive_version`), and the alias version `Latest` with the same
file. A version gets its file while it is `Unfinished`; then the digest that the service computed is
compared with the scanned one, and only that very set of files (its revision) becomes `Published`.

**Replacing `Latest`.** The service can't change a published version, so the old `Latest` is deleted
and the new one is published. A reader never gets wrong or half-written bytes: the service keeps a
file only when it is whole and has the SHA-256 that came with it, and there is one file in a
version. Between the two, which takes as long as the upload, a reader gets
`ResourceNotFoundException`; who can't bear that names the immutable version, which never changes or
moves. When the new one can't be published, the file that `Latest` had is put back from its
immutable version. This publisher reports success only after the new `Latest` is `Published` with
the scanned digest.

**Which is the latest.** What the gate has published or offered last: one run publishes at a time.

**After a kill** the next attempt looks at what is there and goes on: an `Unfinished` version with
the right file is finished, with another one it is deleted. `repair` needs no file of the gate's: it
takes that of an immutable version. Until then `Latest` may be missing, but it is never wrong.
"""

import re
import shlex
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from package_gate.core.decision import PackageSummary
from package_gate.core.errors import PublishError
from package_gate.core.request import Request
from package_gate.publishers.codeartifact_api import (
    HIDDEN,
    PIP_INSTALL,
    CodeArtifactRepository,
    CodeArtifactSettings,
    Contents,
    OtherDigestError,
    PackageId,
    check_digest,
    hidden,
)
from package_gate.publishers.codeartifact_attestations import CodeArtifactAttestations
from package_gate.publishers.interface import (
    ApprovedPackage,
    PublishedPackage,
    archive_asset,
    archive_version,
    is_wheel,
)

LATEST = "Latest"
IMMUTABLE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
"""What `archive_version` makes."""


class CodeArtifactArchives:
    """Approved archives in a CodeArtifact repository; implements `OriginPublisher`."""

    def __init__(
        self,
        settings: CodeArtifactSettings,
        repository: CodeArtifactRepository,
        attestations: CodeArtifactAttestations,
        ask: Callable[[], None],
    ) -> None:
        """Publish to one repository; `ask` raises `TurnError` when it is not this run's turn."""
        self._ask = ask
        self._attestations = attestations
        self._settings = settings
        self._repository = repository
        self._latest_lock = threading.Lock()

    def publish(self, package: ApprovedPackage) -> str:
        """See `OriginPublisher.publish`."""
        (file,) = package.files
        name = PackageId("generic", package.name)
        asset = archive_asset(package.name, file)
        version = archive_version(package)
        versions = self._repository.versions(name)
        if versions.get(version) == "Published":
            contents = self._repository.contents(name, version)
            _check_contents(name, version, asset, file.artifact.sha256, contents)
        else:
            sha256 = file.artifact.sha256
            self._put(name, version, asset, file.path, sha256, versions.get(version))
        with self._latest_lock:
            self._set_latest(name, asset, file.path, file.artifact.sha256)
        return self._settings.location(name, version)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`: it stands apart from the packages."""
        self._attestations.attest(package, statement)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `OriginPublisher.offer`: `Latest` becomes what the request was decided about."""
        package = packages[0]
        name = PackageId("generic", package.name)
        with self._latest_lock:
            asset = self._restore_latest(name, package.artifacts[0].sha256)
        package_options = ["--format", "generic", "--namespace", name.name, "--package", name.name]
        asset_options = ["--package-version", LATEST, "--asset", asset, asset]
        download = self._settings.command(
            ["get-package-version-asset"], *package_options, *asset_options
        )
        if not is_wheel(asset):
            return download
        login = self._settings.command(["login", "--tool", "pip"])
        return f"{download} && {login} && {PIP_INSTALL} {shlex.quote(f'./{asset}')}"

    def repair(self, package: PackageSummary) -> None:
        """See `OriginPublisher.repair`: `Latest` becomes what was being published, or stays."""
        name = PackageId("generic", package.name)
        sha256 = package.artifacts[0].sha256
        with self._latest_lock:
            versions = self._repository.versions(name)
            published = [v for v, s in versions.items() if s == "Published" and _fixed(v)]
            if versions.get(LATEST, "Unfinished") != "Unfinished" or not published:
                return
            wanted = next((v for v in published if _has_digest(v, sha256)), max(published))
            for digest in self._repository.contents(name, wanted).digests.values():
                self._restore_latest(name, digest)

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `OriginPublisher.withdraw`: every version with the archive's bytes goes.

        `Latest` is deleted: it is a name only, and may become another archive's.
        """
        name = PackageId("generic", package.name)
        sha256 = package.artifacts[0].sha256
        there = False
        with self._latest_lock:
            versions = self._repository.versions(name)
            # `Latest` first: it is what people install from.
            for version in sorted(versions, key=lambda v: v != LATEST):
                if not (version == LATEST or _has_digest(version, sha256)):
                    continue
                if sha256 not in self._repository.contents(name, version).digests.values():
                    continue
                if version == LATEST or versions[version] == "Unfinished":
                    self._repository.delete(name, version)
                elif package.malware:
                    self._repository.dispose(name, version)
                elif versions[version] in HIDDEN:
                    continue
                else:
                    self._repository.archive(name, version)
                there = True
        return there

    def restore(self, package: PublishedPackage) -> str:
        """See `OriginPublisher.restore`; `offer` sets `Latest`."""
        name = PackageId("generic", package.name)
        sha256 = package.artifacts[0].sha256
        place = ""
        for version, status in sorted(self._repository.versions(name).items()):
            if not _has_digest(version, sha256) or status not in ("Published", *HIDDEN):
                continue
            contents = self._repository.contents(name, version)
            if status == "Disposed":
                self._ask()
                self._repository.delete(name, version, "Disposed")
            elif [*contents.digests.values()] == [sha256]:
                if status == "Archived":
                    self._ask()
                    self._repository.finish(name, version, contents.revision, "Archived")
                place = self._settings.location(name, version)
        return place

    def _set_latest(self, name: PackageId, asset: str, path: Path, sha256: str) -> None:
        """Let `Latest` hold this file."""
        status = self._repository.versions(name).get(LATEST)
        before: list[str] = []
        if status == "Published":
            digests = self._repository.contents(name, LATEST).digests
            if digests == {asset: sha256}:
                return
            before = list(digests.values())
            self._ask()
            self._repository.delete(name, LATEST, "Published")
            status = None
        try:
            self._put(name, LATEST, asset, path, sha256, status)
        except PublishError as error:
            if not before:
                raise
            try:
                self._restore_latest(name, before[0])
            except PublishError as failure:
                raise PublishError(
                    f"{error} {name.name} has no {LATEST} until the next run, because the earlier "
                    f"one could not be put back: {failure}"
                ) from error
            raise PublishError(f"{error} {LATEST} is the earlier one again.") from error

    def _restore_latest(self, name: PackageId, sha256: str) -> str:
        """Let `Latest` hold the file of the immutable version with this digest; give its name.

        Raises:
            PublishError: there is no such version, or it failed.
        """
        versions = self._repository.versions(name)
        if versions.get(LATEST) == "Published":
            digests = self._repository.contents(name, LATEST).digests
            if len(digests) == 1 and sha256 in digests.values():
                return next(iter(digests))
        for version, status in sorted(versions.items(), reverse=True):
            if status != "Published" or not _has_digest(version, sha256):
                continue
            for asset, digest in self._repository.contents(name, version).digests.items():
                if digest != sha256:
                    continue
                with tempfile.TemporaryDirectory(
                    dir=self._settings.scratch, prefix="latest-"
                ) as folder:
                    path = Path(folder) / "asset"
                    self._repository.fetch(name, version, asset, path)
                    self._set_latest(name, asset, path, sha256)
                return asset
        raise PublishError(
            f"{name.name} with SHA-256 {sha256} has no published version. Publish it again with "
            "--rescan."
        )

    def _put(
        self,
        name: PackageId,
        version: str,
        asset: str,
        path: Path,
        sha256: str,
        status: str | None,
    ) -> None:
        """Publish a version with exactly this file, and check it before anybody can read it."""
        wanted = {asset: sha256}
        self._ask()
        if status == "Unfinished":
            if self._repository.contents(name, version).digests != wanted:
                self._repository.delete(name, version, "Unfinished")
                status = None
        elif status is not None:
            raise hidden(name, version, status)
        try:
            if status is None:
                digest = self._repository.put_unfinished(name, version, asset, path, sha256)
                check_digest(name, version, asset, sha256, digest)
            contents = self._repository.contents(name, version)
            _check_contents(name, version, asset, sha256, contents)
        except OtherDigestError:
            self._repository.delete(name, version, "Unfinished")
            raise
        self._ask()
        self._repository.finish(name, version, contents.revision)


def _check_contents(
    name: PackageId, version: str, asset: str, sha256: str, contents: Contents
) -> None:
    """Check that a version holds this file and nothing else."""
    check_digest(name, version, asset, sha256, contents.digests.get(asset, ""))
    if len(contents.digests) != 1:
        raise PublishError(
            f"{name.name} {version} in CodeArtifact holds more than {asset}. Delete it by hand."
        )


def _fixed(version: str) -> bool:
    return bool(IMMUTABLE.fullmatch(version))


def _has_digest(version: str, sha256: str) -> bool:
    return _fixed(version) and version.endswith(sha256[:12])
