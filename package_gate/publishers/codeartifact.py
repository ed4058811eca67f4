"""The CodeArtifact publisher: archives as generic packages, PyPI files through the index endpoint.

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

**Withdrawing** deletes: the version is gone for everybody, and may be published again when a waiver
allows it. What people have set to `Archived`, `Unlisted` or `Disposed` by hand is never brought
back by this publisher.
"""

import re
import shlex
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from package_gate.core.artifact import ArtifactFile, Origin
from package_gate.core.errors import PublishError
from package_gate.core.request import PyPISource, Request
from package_gate.core.text import one_line
from package_gate.publishers.codeartifact_api import CodeArtifactRepository, Contents, PackageId
from package_gate.publishers.interface import (
    ApprovedPackage,
    PublishedPackage,
    archive_suffix,
    archive_version,
)
from package_gate.publishers.twine_upload import Index, TransientUploadError, upload

if TYPE_CHECKING:
    from mypy_boto3_codeartifact import CodeArtifactClient

LATEST = "Latest"
IMMUTABLE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
"""What `archive_version` makes."""
ATTEMPTS = 6
LONGEST_WAIT = 20
"""Seconds between two attempts, at most; the wait is random, and longer each time."""


@dataclass(frozen=True, slots=True)
class CodeArtifactSettings:
    """Which repository, and how to reach it."""

    domain: str
    repository: str
    scratch: Path
    """An existing folder; nothing is left in it."""
    domain_owner: str = ""
    """The account of the domain, 12 digits; "" for the caller's own."""
    region: str = ""
    """For the commands that requesters are given; "" leaves it to their configuration."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All variables that twine's process gets, such as `HTTPS_PROXY` and `REQUESTS_CA_BUNDLE`;
    nothing secret."""


class _OtherDigestError(PublishError):
    """The repository has other bytes than those that were scanned."""


class _NotListedError(PublishError):
    """What was uploaded is not listed, or not yet."""


class CodeArtifact:
    """Approved packages in a CodeArtifact repository; implements `Publisher`."""

    def __init__(self, settings: CodeArtifactSettings, client: "CodeArtifactClient") -> None:
        """Publish to one repository.

        Args:
            settings: which one.
            client: of boto3.
        """
        self._settings = settings
        self._repository = CodeArtifactRepository(
            client, settings.domain, settings.repository, settings.domain_owner
        )
        self._latest_lock = threading.Lock()

    def publish(self, package: ApprovedPackage) -> str:
        """See `Publisher.publish`."""
        if package.origin is Origin.PYPI:
            return self._publish_pypi(package)
        return self._publish_archive(package)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `Publisher.offer`: the packages are there already, so only the command is made."""
        package = packages[0]
        if package.origin is Origin.PYPI:
            requirement = f"{package.name}{_extras(request)}=={package.version}"
            login = self._command(["login", "--tool", "pip"])
            return f"{login} && pip install {shlex.quote(requirement)}"
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
        return self._command(["get-package-version-asset"], *package_options, *asset_options)

    def withdraw(self, package: PublishedPackage) -> None:
        """See `Publisher.withdraw`.

        Of a PyPI package the whole version goes, of an archive every version with its bytes.
        """
        if package.origin is Origin.PYPI:
            name = PackageId("pypi", package.name)
            for version in _same_version(self._repository.versions(name), package.version):
                self._repository.delete(name, version)
            return
        name = PackageId("generic", package.name)
        sha256 = package.artifacts[0].sha256
        with self._latest_lock:
            # `Latest` first: it is what people install from.
            for version in sorted(self._repository.versions(name), key=lambda v: v != LATEST):
                if (version == LATEST or _has_digest(version, sha256)) and (
                    sha256 in self._repository.contents(name, version).digests.values()
                ):
                    self._repository.delete(name, version)

    def finish(self) -> None:
        """See `Publisher.finish`: there is nothing left to do."""

    def _publish_archive(self, package: ApprovedPackage) -> str:
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
        return self._location(name, version)

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
            raise _hidden(name, version, status)
        try:
            if status is None:
                digest = self._repository.put_unfinished(
                    name, version, asset, file.path, file.artifact.sha256
                )
                _check_digest(name, version, file, digest)
            contents = self._repository.contents(name, version)
            _check_contents(name, version, asset, file, contents)
        except _OtherDigestError:
            self._repository.delete(name, version, "Unfinished")
            raise
        self._repository.finish(name, version, contents.revision)

    def _publish_pypi(self, package: ApprovedPackage) -> str:
        name = PackageId("pypi", package.name)
        missing = self._missing(name, package)
        if missing:
            url = self._repository.pypi_endpoint()
            for file in missing:
                _retrying(TransientUploadError)(self._upload, url, package, file)
            _retrying(_NotListedError)(self._check_listed, name, package)
        return self._location(name, package.version)

    def _missing(self, name: PackageId, package: ApprovedPackage) -> list[ArtifactFile]:
        """Those files of a package that the repository doesn't have.

        Raises:
            PublishError: it has one of them with another digest, or the version is hidden.
        """
        digests: dict[str, str] = {}
        versions = self._repository.versions(name)
        for version in _same_version(versions, package.version):
            if versions[version] != "Published":
                raise _hidden(name, version, versions[version])
            digests |= self._repository.contents(name, version).digests
        for file in package.files:
            if file.artifact.filename in digests:
                present = digests[file.artifact.filename]
                _check_digest(name, package.version, file, present)
        return [file for file in package.files if file.artifact.filename not in digests]

    def _check_listed(self, name: PackageId, package: ApprovedPackage) -> None:
        """Check that the repository has every file; it may need a moment to list a new one."""
        if missing := self._missing(name, package):
            names = ", ".join(file.artifact.filename for file in missing)
            raise _NotListedError(
                f"CodeArtifact took {names} of {package.name} {package.version} "
                "but doesn't list it. The next run looks again."
            )

    def _upload(self, url: str, package: ApprovedPackage, file: ArtifactFile) -> None:
        """Upload a file; that it is there already is fine here, its digest is checked later."""
        token = self._repository.token()
        index = Index(url, "aws", token)
        settings = self._settings
        answer = upload(index, package, file, settings.scratch, settings.environment)
        if 200 <= answer.status < 300 or answer.status == 409:
            return
        text = one_line(answer.text.replace(token, "***"), 300)
        message = (
            f"CodeArtifact did not take {file.artifact.filename} of {package.name} "
            f"{package.version}: HTTP status {answer.status}: {text}."
        )
        if answer.status == 401:
            self._repository.forget_token(token)
        if answer.status in (401, 429) or answer.status >= 500:
            raise TransientUploadError(message)
        raise PublishError(message)

    def _command(self, command: list[str], *options: str) -> str:
        """A command of the AWS CLI on this repository; `options` come after it."""
        settings = self._settings
        place = ["--domain", settings.domain]
        if settings.domain_owner:
            place += ["--domain-owner", settings.domain_owner]
        place += ["--repository", settings.repository]
        if settings.region:
            place += ["--region", settings.region]
        return shlex.join(["aws", "codeartifact", *command, *place, *options])

    def _location(self, name: PackageId, version: str) -> str:
        settings = self._settings
        return (
            f"codeartifact://{settings.domain}/{settings.repository}"
            f"/{name.format}/{name.name}/{version}"
        )


def _retrying(error: type[PublishError]) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(error),
        wait=wait_random_exponential(max=LONGEST_WAIT),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )


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
    _check_digest(name, version, file, contents.digests.get(asset, ""))
    if len(contents.digests) != 1:
        raise PublishError(
            f"{name.name} {version} in CodeArtifact holds more than {asset}. Delete it by hand."
        )


def _check_digest(name: PackageId, version: str, file: ArtifactFile, digest: str) -> None:
    """Check that a file in the repository has the scanned digest."""
    if digest != file.artifact.sha256:
        raise _OtherDigestError(
            f"{file.artifact.filename} of {name.name} {version} has the SHA-256 "
            f"{one_line(digest) or '(none)'} in CodeArtifact; the scanned file has "
            f"{file.artifact.sha256}. Find out who published the other one, then delete that "
            "version by hand."
        )


def _hidden(name: PackageId, version: str, status: str) -> PublishError:
    return PublishError(
        f"{name.name} {version} is {status} in CodeArtifact, which somebody decided by hand. "
        "Set it to Published or delete it, then run again."
    )


def _same_version(versions: Mapping[str, str], version: str) -> list[str]:
    """Those that are the same by PEP 440: the repository lists a version as its file wrote it."""
    found = []
    for other in versions:
        try:
            if Version(other) == Version(version):
                found.append(other)
        except InvalidVersion:
            if other == version:
                found.append(other)
    return found


def _has_digest(version: str, sha256: str) -> bool:
    return bool(IMMUTABLE.fullmatch(version)) and version.endswith(sha256[:12])


def _extras(request: Request) -> str:
    """`[a,b]` when the request asks for extras."""
    if not isinstance(request.source, PyPISource):
        return ""
    try:
        extras = sorted(Requirement(request.source.requirement).extras)
    except InvalidRequirement:
        return ""
    return f"[{','.join(extras)}]" if extras else ""
