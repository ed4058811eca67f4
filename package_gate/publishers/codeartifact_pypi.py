"""PyPI packages in a CodeArtifact repository, through its index endpoint."""

from collections.abc import Callable, Iterable, Sequence

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from package_gate.core.artifact import ArtifactFile
from package_gate.core.decision import PackageSummary
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import PublishError
from package_gate.core.request import Request
from package_gate.core.text import one_line
from package_gate.publishers.codeartifact_api import (
    GONE,
    HIDDEN,
    PIP_INSTALL,
    CodeArtifactRepository,
    CodeArtifactSettings,
    PackageId,
    check_digest,
    hidden,
)
from package_gate.publishers.codeartifact_attestations import CodeArtifactAttestations
from package_gate.publishers.interface import (
    ApprovedPackage,
    PublishedPackage,
    requirements_for,
)
from package_gate.publishers.twine_upload import (
    TransientUploadError,
    UploadIndex,
    upload_with_twine,
)

ATTEMPTS = 6
LONGEST_WAIT = 20
"""Seconds between two attempts, at most; the wait is random, and longer each time."""


class _NotListedError(PublishError):
    """What was uploaded is not listed, or not yet."""


class CodeArtifactPyPI:
    """Approved PyPI packages in a CodeArtifact repository; implements `OriginPublisher`."""

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

    def publish(self, package: ApprovedPackage) -> str:
        """See `OriginPublisher.publish`."""
        name = PackageId("pypi", package.name)
        missing = self._missing(name, package)
        if missing:
            url = self._repository.pypi_endpoint()
            for file in missing:
                _retrying(TransientUploadError)(self._upload, url, package, file)
            _retrying(_NotListedError)(self._check_listed, name, package)
        return self._settings.location(name, package.version)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`: it stands apart from the packages."""
        self._attestations.attest(package, statement)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `OriginPublisher.offer`: the packages are there, so only the command is made."""
        login = self._settings.command(["login", "--tool", "pip"])
        return f"{login} && {PIP_INSTALL} {requirements_for(request, packages)}"

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `OriginPublisher.withdraw`: the whole version goes."""
        name = PackageId("pypi", package.name)
        versions = self._repository.versions(name)
        there = [
            version
            for version in _same_version(versions, package.version)
            if versions[version] not in (GONE if package.malware else HIDDEN)
        ]
        for version in there:
            if package.malware:
                self._repository.dispose(name, version)
            else:
                self._repository.archive(name, version)
        return bool(there)

    def restore(self, package: PublishedPackage) -> str:
        """See `OriginPublisher.restore`: with other files, the version is published anew."""
        name = PackageId("pypi", package.name)
        approved = {each.filename: each.sha256 for each in package.artifacts}
        versions = self._repository.versions(name)
        found: dict[str, str] = {}
        hidden_ones: dict[str, str] = {}
        for version in _same_version(versions, package.version):
            if versions[version] in ("Published", "Archived"):
                contents = self._repository.contents(name, version)
                found |= contents.digests
                if versions[version] == "Archived":
                    hidden_ones[version] = contents.revision
            elif versions[version] == "Disposed":
                self._ask()
                self._repository.delete(name, version, "Disposed")
        for filename in approved.keys() & found.keys():
            digest = found[filename]
            check_digest(name, package.version, filename, approved[filename], digest)
        if not found or found != approved:
            for version in hidden_ones:
                self._ask()
                self._repository.delete(name, version, "Archived")
            return ""
        for version, revision in hidden_ones.items():
            self._ask()
            self._repository.finish(name, version, revision, "Archived")
        return self._settings.location(name, package.version)

    def repair(self, package: PackageSummary) -> None:
        """See `OriginPublisher.repair`: of a version that lacks files, those there can be used."""

    def _missing(self, name: PackageId, package: ApprovedPackage) -> list[ArtifactFile]:
        """Those files of a package that the repository doesn't have.

        Raises:
            PublishError: it has one of them with another digest, or the version is hidden.
        """
        digests: dict[str, str] = {}
        versions = self._repository.versions(name)
        for version in _same_version(versions, package.version):
            if versions[version] != "Published":
                raise hidden(name, version, versions[version])
            digests |= self._repository.contents(name, version).digests
        for file in package.files:
            if file.artifact.filename in digests:
                asset, sha256 = file.artifact.filename, file.artifact.sha256
                check_digest(name, package.version, asset, sha256, digests[asset])
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
        index = UploadIndex(url, "aws", token)
        settings = self._settings
        answer = upload_with_twine(
            index, package, file, settings.scratch, settings.environment, self._ask
        )
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


def _retrying(error: type[PublishError]) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(error),
        wait=wait_random_exponential(max=LONGEST_WAIT),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )


def _same_version(versions: Iterable[str], version: str) -> list[str]:
    """Those that are the same: the repository lists a version as its file wrote it."""
    return [other for other in versions if PYPI.same_version(other, version)]
