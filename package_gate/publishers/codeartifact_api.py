"""CodeArtifact's API as the publisher needs it: plain answers, and errors that say what to do.

https://docs.aws.amazon.com/codeartifact/latest/APIReference/
"""

import hashlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from package_gate.aws.errors import ADVICE, aws_errors, error_code
from package_gate.aws.secrets import keep_out_of_log
from package_gate.core.errors import PublishError
from package_gate.core.files import PIECE
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_codeartifact import CodeArtifactClient
    from mypy_boto3_codeartifact.literals import PackageVersionStatusType

TOKEN_SECONDS = 900
"""How long a token is valid: the least that the service allows."""
RENEW_SECONDS = 300
"""A token that is valid for less than this is not used for another upload."""

GONE = ("Disposed", "Deleted")
"""The statuses of versions without files."""
HIDDEN = ("Archived", *GONE)
"""The statuses of versions that nobody can install."""

_ADVICE = {
    **ADVICE,
    "ConflictException": "Another build may be publishing the same; the next run tries again.",
    "ResourceNotFoundException": "Check the names of the domain and the repository, and the "
    "account that owns the domain.",
    "ServiceQuotaExceededException": "Ask AWS for a higher quota (an asset: 5 GB by default).",
}

keep_out_of_log("botocore.parsers", "authorizationToken")


PIP_INSTALL = 'PIP_EXTRA_INDEX_URL="$(pip config get global.index-url)" pip install'
"""After `login` pip asks the repository. An `extra-index-url` of its configuration files, where a
package of the same name may be, counts for nothing when the environment names another one."""


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

    def command(self, command: list[str], *options: str) -> str:
        """Write a command of the AWS CLI on this repository; `options` come after it."""
        place = ["--domain", self.domain]
        if self.domain_owner:
            place += ["--domain-owner", self.domain_owner]
        place += ["--repository", self.repository]
        if self.region:
            place += ["--region", self.region]
        return shlex.join(["aws", "codeartifact", *command, *place, *options])

    def location(self, package: "PackageId", version: str) -> str:
        """Name where a version of a package is."""
        return (
            f"codeartifact://{self.domain}/{self.repository}"
            f"/{package.format}/{package.name}/{version}"
        )


class OtherDigestError(PublishError):
    """The repository has other bytes than those that were scanned."""


@dataclass(frozen=True, slots=True)
class PackageId:
    """A package of the repository."""

    format: Literal["generic", "pypi"]
    name: str
    """For `generic` it is the namespace as well, unless that is named."""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a version."""

    revision: str
    """Which set of files it is; another set has another one."""
    digests: dict[str, str]
    """File name → SHA-256, as the service computed it."""


class CodeArtifactRepository:
    """One CodeArtifact repository. Every method raises `PublishError` when the service does."""

    def __init__(
        self,
        client: "CodeArtifactClient",
        domain: str,
        repository: str,
        domain_owner: str,
        token_seconds: int = TOKEN_SECONDS,
    ) -> None:
        """Use a repository.

        Args:
            client: of boto3.
            domain: the domain's name.
            repository: the repository's name.
            domain_owner: the account that the domain belongs to; "" for the caller's own.
            token_seconds: how long its tokens are valid, 900 to 43,200.
        """
        self._client = client
        self._domain: dict[str, Any] = {"domain": domain}
        if domain_owner:
            self._domain["domainOwner"] = domain_owner
        self._repository: dict[str, Any] = {**self._domain, "repository": repository}
        self._lock = threading.Lock()
        self._token_seconds = token_seconds
        self._token = ""
        self._token_until = 0.0

    def versions(self, package: PackageId) -> dict[str, str]:
        """Version → status, of all versions that a package has."""
        with self._explained("ListPackageVersions", package):
            pages = self._client.get_paginator("list_package_versions").paginate(
                **self._names(package)
            )
            try:
                return {v["version"]: v["status"] for page in pages for v in page["versions"]}
            except ClientError as error:
                if _is_missing_package(error):
                    return {}
                raise

    def contents(self, package: PackageId, version: str) -> Contents:
        """The files of a version."""
        with self._explained("ListPackageVersionAssets", package):
            pages = self._client.get_paginator("list_package_version_assets").paginate(
                **self._names(package), packageVersion=version
            )
            digests = {}
            revision = ""
            for page in pages:
                revision = page["versionRevision"]
                for asset in page["assets"]:
                    digests[asset["name"]] = asset.get("hashes", {}).get("SHA-256", "")
            return Contents(revision, digests)

    def put_unfinished(
        self, package: PackageId, version: str, asset: str, path: Path, sha256: str
    ) -> str:
        """Send a file to a version that stays `Unfinished`; the service checks its digest.

        Returns:
            The SHA-256 that the service says it has.
        """
        with self._explained("PublishPackageVersion", package), path.open("rb") as content:
            answer = self._client.publish_package_version(
                **self._names(package),
                packageVersion=version,
                assetName=asset,
                assetContent=content,
                assetSHA256=sha256,
                unfinished=True,
            )
        return answer["asset"].get("hashes", {}).get("SHA-256", "")

    def put(self, package: PackageId, version: str, asset: str, content: bytes) -> bool:
        """Publish a version with one small file.

        Returns:
            Whether it did; it does not when there is such a version.
        """
        with self._explained("PublishPackageVersion", package):
            try:
                self._client.publish_package_version(
                    **self._names(package),
                    packageVersion=version,
                    assetName=asset,
                    assetContent=content,
                    assetSHA256=hashlib.sha256(content).hexdigest(),
                )
            except ClientError as error:
                if error_code(error) == "ConflictException":
                    return False
                raise
        return True

    def fetch(self, package: PackageId, version: str, asset: str, path: Path) -> None:
        """Write a file of a version to a path; its bytes are whatever stands there."""
        with self._explained("GetPackageVersionAsset", package):
            answer = self._client.get_package_version_asset(
                **self._names(package), packageVersion=version, asset=asset
            )
            with closing(answer["asset"]) as body, path.open("wb") as file:
                for piece in body.iter_chunks(PIECE):
                    file.write(piece)

    def finish(
        self,
        package: PackageId,
        version: str,
        revision: str,
        status: "PackageVersionStatusType" = "Unfinished",
    ) -> None:
        """Let a version of this status be `Published`, if it still holds this set of files."""
        with self._explained("UpdatePackageVersionsStatus", package):
            answer = self._client.update_package_versions_status(
                **self._names(package),
                versions=[version],
                versionRevisions={version: revision},
                expectedStatus=status,
                targetStatus="Published",
            )
        # When an earlier answer was lost, the version has that status no more.
        if answer["failedVersions"] and not (
            self.versions(package).get(version) == "Published"
            and self.contents(package, version).revision == revision
        ):
            failure = answer["failedVersions"][version]
            raise PublishError(
                f"CodeArtifact could not publish {package.name} {version}: "
                f"{failure.get('errorCode')}: {one_line(failure.get('errorMessage', ''))}. "
                "The next run tries again."
            )

    def archive(self, package: PackageId, version: str) -> None:
        """Hide a version, which stays taken and can be `Published` again; none is fine."""
        with self._explained("UpdatePackageVersionsStatus", package):
            answer = _unless_missing(
                self._client.update_package_versions_status,
                **self._names(package),
                versions=[version],
                targetStatus="Archived",
            )
        _check_changed("hide", package, version, answer)

    def dispose(self, package: PackageId, version: str) -> None:
        """Remove a version's files for good; the version stays taken. None is fine."""
        with self._explained("DisposePackageVersions", package):
            answer = _unless_missing(
                self._client.dispose_package_versions, **self._names(package), versions=[version]
            )
        _check_changed("dispose of", package, version, answer)

    def delete(
        self, package: PackageId, version: str, status: "PackageVersionStatusType | None" = None
    ) -> None:
        """Delete a version; none is fine.

        Args:
            package: the package.
            version: its version.
            status: delete it only when it has this status.
        """
        names = self._names(package)
        if status is not None:
            names["expectedStatus"] = status
        with self._explained("DeletePackageVersions", package):
            answer = _unless_missing(
                self._client.delete_package_versions, **names, versions=[version]
            )
        _check_changed("delete", package, version, answer)

    def pypi_endpoint(self) -> str:
        """The address of the repository for twine and pip.

        Raises:
            PublishError: also when a token would travel to it unencrypted.
        """
        with self._explained("GetRepositoryEndpoint"):
            answer = self._client.get_repository_endpoint(**self._repository, format="pypi")
        url = urlsplit(answer["repositoryEndpoint"])
        if url.scheme != "https" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise PublishError(
                f"CodeArtifact's endpoint {one_line(url.geturl())} is not HTTPS: no token is sent."
            )
        return url.geturl()

    def token(self) -> str:
        """An authorization token that is valid for at least `RENEW_SECONDS`."""
        with self._lock:
            if time.monotonic() > self._token_until - RENEW_SECONDS:
                asked_at = time.monotonic()  # its own expiry would be by the service's clock
                with self._explained("GetAuthorizationToken"):
                    answer = self._client.get_authorization_token(
                        **self._domain, durationSeconds=self._token_seconds
                    )
                self._token = answer["authorizationToken"]
                self._token_until = asked_at + self._token_seconds
            return self._token

    def forget_token(self, token: str) -> None:
        """Don't give this token again: the repository did not accept it."""
        with self._lock:
            if token == self._token:
                self._token_until = 0.0

    def _names(self, package: PackageId) -> dict[str, Any]:
        names = {**self._repository, "format": package.format, "package": package.name}
        namespace = package.namespace or package.name
        return names | ({"namespace": namespace} if package.format == "generic" else {})

    @contextmanager
    def _explained(self, operation: str, package: PackageId | None = None) -> Iterator[None]:
        """Turn every error of boto3 into one that says what to do."""
        subject = f" for {package.name}" if package else ""
        failure = f"CodeArtifact {operation}{subject} failed"
        unreachable = "Check the network, and the interface endpoint codeartifact.api."
        with aws_errors(failure, PublishError, advice=_ADVICE, unreachable=unreachable):
            try:
                yield
            except OSError as error:
                raise PublishError(
                    f"CodeArtifact {operation}{subject}: the file can't be read: {error.strerror}."
                ) from error


def _is_missing_package(error: ClientError) -> bool:
    """Whether it is the package or version that doesn't exist, not the repository."""
    kind = error.response.get("resourceType")
    return error_code(error) == "ResourceNotFoundException" and kind not in (
        "domain",
        "repository",
    )


def _unless_missing(change: Callable[..., Any], **arguments: Any) -> Mapping[str, Any]:
    """Change versions; a package that doesn't exist has none that could not be changed."""
    try:
        answer: Mapping[str, Any] = change(**arguments)
    except ClientError as error:
        if _is_missing_package(error):
            return {"failedVersions": {}}
        raise
    return answer


def _check_changed(what: str, package: PackageId, version: str, answer: Mapping[str, Any]) -> None:
    failure = answer["failedVersions"].get(version, {})
    if failure and failure.get("errorCode") != "NOT_FOUND":
        raise PublishError(
            f"CodeArtifact could not {what} {package.name} {version}: "
            f"{failure.get('errorCode')}: {one_line(failure.get('errorMessage', ''))}."
        )


def check_digest(name: PackageId, version: str, asset: str, sha256: str, digest: str) -> None:
    """Check that a file in the repository has the scanned digest."""
    if digest != sha256:
        raise OtherDigestError(
            f"{asset} of {name.name} {version} has the SHA-256 "
            f"{one_line(digest) or '(none)'} in CodeArtifact; the scanned file has "
            f"{sha256}. Find out who published the other one, then delete that "
            "version by hand."
        )


def hidden(name: PackageId, version: str, status: str) -> PublishError:
    """Make the error for a version that is not to be brought back."""
    return PublishError(
        f"{name.name} {version} is {status} in CodeArtifact, which somebody decided by hand. "
        "Set it to Published or delete it, then run again."
    )
