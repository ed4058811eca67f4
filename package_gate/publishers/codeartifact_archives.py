"""Archives as generic packages of a CodeArtifact repository.

**Archives.** An immutable version (`archive_version`), and the alias version `Latest` with the same
file. A version gets its file while it is `Unfinished`; then the digest that the service computed is
compared with the scanned one, and only that very set of files (its revision) becomes `Published`.

**Replacing `Latest`.** The service can't change a published version, so the old `Latest` is deleted
and the new one is published. A reader never gets wrong or half-written bytes: the service keeps a
file only when it is whole and has the SHA-256 that came with it, and there is one file in a
version. Between the two, which takes as long as the upload, a reader gets
`ResourceNotFoundException`; who can't bear that names the immutable version, which never changes or
moves. This publisher reports success only after the new `Latest` is `Published` with the scanned
digest.

**Which is the latest.** The immutable versions say it: their names begin with the time of the
decision. A publication that is repeated late, when a newer decision is published already, leaves
`Latest` alone. The API can't make looking and replacing one step, so two builds that publish two
archives of one name within the same seconds can leave the older one as `Latest`; CodePipeline runs
one build at a time, which is why that is accepted.

**After a kill** the next attempt looks at what is there and goes on: an `Unfinished` version with
the right file is finished, with another one it is deleted. Until then `Latest` may be missing, but
it is never wrong.
"""

import re
import threading
from collections.abc import Sequence

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from package_gate.core.artifact import ArtifactFile
from package_gate.core.errors import PublishError
from package_gate.core.request import Request
from package_gate.publishers.codeartifact_api import (
    CodeArtifactRepository,
    CodeArtifactSettings,
    Contents,
    OtherDigestError,
    PackageId,
    check_digest,
    hidden,
)
from package_gate.publishers.interface import (
    ApprovedPackage,
    PublishedPackage,
    archive_suffix,
    archive_version,
)

LATEST = "Latest"
IMMUTABLE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
"""What `archive_version` makes."""


class CodeArtifactArchives:
    """Approved archives in a CodeArtifact repository; implements `OriginPublisher`."""

    def __init__(self, settings: CodeArtifactSettings, repository: CodeArtifactRepository) -> None:
        """Publish to one repository."""
        self._settings = settings
        self._repository = repository
        self._latest_lock = threading.Lock()

    def publish(self, package: ApprovedPackage) -> str:
        """See `OriginPublisher.publish`."""
        (file,) = package.files
        name = PackageId("generic", package.name)
        asset = _asset_name(package.name, file)
        version = archive_version(package)
        versions = self._repository.versions(name)
        if versions.get(version) == "Published":
            contents = self._repository.contents(name, version)
            _check_contents(name, version, asset, file, contents)
        else:
            self._put(name, version, asset, file, versions.get(version))
        with self._latest_lock:
            self._move_latest(name, version, asset, file)
        return self._settings.location(name, version)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `OriginPublisher.offer`: the archive is there, so only the command is made."""
        package = packages[0]
        name = PackageId("generic", package.name)
        if self._repository.versions(name).get(LATEST) != "Published":
            raise PublishError(f"{package.name} has no published version {LATEST}.")
        assets = list(self._repository.contents(name, LATEST).digests)
        if len(assets) != 1:
            raise PublishError(
                f"{package.name} {LATEST} in CodeArtifact holds {len(assets)} files instead of "
                "one. Delete that version by hand, then publish again with --rescan."
            )
        (asset,) = assets
        package_options = ["--format", "generic", "--namespace", name.name, "--package", name.name]
        asset_options = ["--package-version", LATEST, "--asset", asset, asset]
        return self._settings.command(
            ["get-package-version-asset"], *package_options, *asset_options
        )

    def withdraw(self, package: PublishedPackage) -> None:
        """See `OriginPublisher.withdraw`: every version with the archive's bytes goes."""
        name = PackageId("generic", package.name)
        sha256 = package.artifacts[0].sha256
        with self._latest_lock:
            # `Latest` first: it is what people install from.
            for version in sorted(self._repository.versions(name), key=lambda v: v != LATEST):
                if (version == LATEST or _has_digest(version, sha256)) and (
                    sha256 in self._repository.contents(name, version).digests.values()
                ):
                    self._repository.delete(name, version)

    def _move_latest(self, name: PackageId, version: str, asset: str, file: ArtifactFile) -> None:
        """Let `Latest` hold this version's file, unless a newer version is published."""
        versions = self._repository.versions(name)
        if any(
            status == "Published" and IMMUTABLE.fullmatch(other) and other > version
            for other, status in versions.items()
        ):
            return
        status = versions.get(LATEST)
        if status == "Published":
            if self._repository.contents(name, LATEST).digests == {asset: file.artifact.sha256}:
                return
            self._repository.delete(name, LATEST, "Published")
            status = None
        self._put(name, LATEST, asset, file, status)

    def _put(
        self, name: PackageId, version: str, asset: str, file: ArtifactFile, status: str | None
    ) -> None:
        """Publish a version with exactly this file, and check it before anybody can read it."""
        wanted = {asset: file.artifact.sha256}
        if status == "Unfinished":
            if self._repository.contents(name, version).digests != wanted:
                self._repository.delete(name, version, "Unfinished")
                status = None
        elif status is not None:
            raise hidden(name, version, status)
        try:
            if status is None:
                digest = self._repository.put_unfinished(
                    name, version, asset, file.path, file.artifact.sha256
                )
                check_digest(name, version, file, digest)
            contents = self._repository.contents(name, version)
            _check_contents(name, version, asset, file, contents)
        except OtherDigestError:
            self._repository.delete(name, version, "Unfinished")
            raise
        self._repository.finish(name, version, contents.revision)


def _asset_name(name: str, file: ArtifactFile) -> str:
    """NAME.zip, or NAME with the extension that the archive's bytes ask for.

    A wheel keeps its own file name, because pip reads its version and tags from it.
    """
    filename = file.artifact.filename
    try:
        if re.fullmatch(r"[\w.+!-]+\.whl", filename, re.ASCII) and parse_wheel_filename(filename):
            return filename
    except InvalidWheelFilename:
        pass
    return f"{name}.{archive_suffix(file)}"


def _check_contents(
    name: PackageId, version: str, asset: str, file: ArtifactFile, contents: Contents
) -> None:
    """Check that a version holds this file and nothing else."""
    check_digest(name, version, file, contents.digests.get(asset, ""))
    if len(contents.digests) != 1:
        raise PublishError(
            f"{name.name} {version} in CodeArtifact holds more than {asset}. Delete it by hand."
        )


def _has_digest(version: str, sha256: str) -> bool:
    return bool(IMMUTABLE.fullmatch(version)) and version.endswith(sha256[:12])
