"""AWS CodeArtifact on a loopback port: generic packages, versions and their states, tokens.

Behaves as the API reference and the user guide say:
https://docs.aws.amazon.com/codeartifact/latest/APIReference/
https://docs.aws.amazon.com/codeartifact/latest/ug/packages-overview.html

Where they are silent: an asset of a version that is neither Published nor Unlisted can't be
downloaded (ResourceNotFoundException).
"""

import re
import secrets as random_secrets
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from tests.fakes.aws_model import AWSError
from tests.fakes.aws_service import AWSService, Upload
from tests.fakes.codeartifact_pypi import PyPIEndpoint
from tests.fakes.codeartifact_state import Asset, PackageKey, Result, Version

Parameters = dict[str, Any]

ACCOUNT = "123456789012"
TOKEN_MARK = "codeartifact-token-canary"
"""Every authorization token begins with it: a test can look for it where no token may be."""
ASSET_CATEGORIES = {"Ll", "Lm", "Lo", "Lt", "Lu", "Nl", "Nd"}
ASSET_PUNCTUATION = set("~!@^&()-`_+[]{};,. ")
MOST_ASSETS = 150
DOWNLOADABLE = ("Published", "Unlisted")
TARGET_STATUSES = ("Published", "Unlisted", "Archived")


class CodeArtifact(AWSService):
    """The fake. Uploads to the `pypi` endpoint are logged and faulted as `pypi:upload`."""

    name = "codeartifact"

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        """See `AWSService`; there is no domain and no repository at first."""
        super().__init__(folder, secrets)
        self.domains: set[str] = set()
        self.repositories: set[tuple[str, str]] = set()
        self.packages: dict[PackageKey, dict[str, Version]] = {}
        self.tokens: dict[str, datetime] = {}
        """Authorization token → until when it is valid."""
        self.pypi = PyPIEndpoint(self, folder / "pypi")
        self.endpoints: dict[str, str] = {}
        """Repository → where it is, for one that something else stands in for."""

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve the API and the `pypi` endpoint until the block ends."""
        with super().running(), self.pypi.running():
            yield self

    def expire_tokens(self) -> None:
        """Let all tokens that were issued be too old."""
        self.tokens = dict.fromkeys(self.tokens, datetime.min.replace(tzinfo=UTC))

    def status(self, key: PackageKey) -> dict[str, str]:
        """Version → status of a package."""
        return {v.version: v.status for v in self.packages.get(key, {}).values()}

    def spoil(self, result: Result) -> None:
        """Put a wrong SHA-256 into a result."""
        for asset in [result["asset"]] if "asset" in result else result["assets"]:
            asset["hashes"]["SHA-256"] = "0" * 64

    # Domains and repositories

    def create_domain(self, given: Parameters) -> Result:
        """CreateDomain."""
        if given["domain"] in self.domains:
            raise _conflict(f"the domain {given['domain']} exists", "domain")
        self.domains.add(given["domain"])
        return {"domain": {"name": given["domain"], "owner": ACCOUNT, "status": "Active"}}

    def describe_domain(self, given: Parameters) -> Result:
        """DescribeDomain."""
        self._check_domain(given)
        return {
            "domain": {
                "name": given["domain"],
                "owner": ACCOUNT,
                "arn": f"arn:aws:codeartifact:eu-central-1:{ACCOUNT}:domain/{given['domain']}",
                "s3BucketArn": "arn:aws:s3:::assets-of-codeartifact",
            }
        }

    def create_repository(self, given: Parameters) -> Result:
        """CreateRepository."""
        self._check_domain(given)
        place = (given["domain"], given["repository"])
        if place in self.repositories:
            raise _conflict(f"the repository {place} exists", "repository")
        self.repositories.add(place)
        return self.describe_repository(given)

    def list_repositories_in_domain(self, given: Parameters) -> Result:
        """ListRepositoriesInDomain: all of them at once."""
        self._check_domain(given)
        names = sorted(name for domain, name in self.repositories if domain == given["domain"])
        return {
            "repositories": [
                {"name": name, "domainName": given["domain"], "domainOwner": ACCOUNT}
                for name in names
            ]
        }

    def describe_repository(self, given: Parameters) -> Result:
        """DescribeRepository."""
        self._check_repository(given)
        return {
            "repository": {
                "name": given["repository"],
                "domainName": given["domain"],
                "domainOwner": ACCOUNT,
                "upstreams": [],
                "externalConnections": [],
            }
        }

    def get_repository_endpoint(self, given: Parameters) -> Result:
        """GetRepositoryEndpoint: a real one for `pypi` only."""
        self._check_repository(given)
        own = f"{self.pypi.url}/{given['format']}/{given['repository']}/"
        return {"repositoryEndpoint": self.endpoints.get(given["repository"], own)}

    def get_authorization_token(self, given: Parameters) -> Result:
        """GetAuthorizationToken."""
        self._check_domain(given)
        seconds = given.get("durationSeconds", 43200)
        if seconds != 0 and seconds < 900:
            raise AWSError("ValidationException", "duration must be 0 or 900 to 43200 seconds")
        token = f"{TOKEN_MARK}-{random_secrets.token_urlsafe(600)}"
        until = datetime.now(UTC) + timedelta(seconds=seconds or 3600)
        self.tokens[token] = until
        return {"authorizationToken": token, "expiration": until}

    # Packages

    def publish_package_version(self, given: Parameters) -> Result:
        """PublishPackageVersion: generic packages only."""
        key = self._key(given)
        if key.format != "generic":
            raise AWSError("ValidationException", "only generic packages can be published here")
        upload: Upload = given["assetContent"]
        name, number = given["assetName"], given["packageVersion"]
        _check_asset_name(name)
        if upload.sha256 != given["assetSHA256"]:
            raise AWSError("ValidationException", "the content does not have the given SHA-256")
        versions = self.packages.setdefault(key, {})
        version = versions.get(number) or Version(number, "Unfinished")
        asset = version.assets.get(name)
        if asset is not None and asset.hashes["SHA-256"] != upload.sha256:
            raise _conflict(f"asset {name} of {number} has other content", "asset")
        if version.status != "Unfinished" and (asset is None or version.status != "Published"):
            raise _conflict(f"version {number} is {version.status}", "package-version")
        if asset is None:
            if len(version.assets) == MOST_ASSETS:
                raise AWSError("ServiceQuotaExceededException", "too many assets")
            path = self.folder / random_secrets.token_hex(16)
            upload.path.rename(path)
            asset = version.assets[name] = Asset.of_file(name, path)
        versions[number] = version
        if not given.get("unfinished") and version.status == "Unfinished":
            version.status, version.published = "Published", datetime.now(UTC)
        return {
            **_names(key),
            "version": number,
            "versionRevision": version.revision,
            "status": version.status,
            "asset": asset.summary(),
        }

    def describe_package_version(self, given: Parameters) -> Result:
        """DescribePackageVersion."""
        key = self._key(given)
        version = self._version(key, given)
        names = _names(key)
        names["packageName"] = names.pop("package")
        return {
            "packageVersion": {
                **names,
                "version": version.version,
                "status": version.status,
                "revision": version.revision,
                "publishedTime": version.published,
            }
        }

    def list_packages(self, given: Parameters) -> Result:
        """ListPackages: everything on one page."""
        self._check_repository(given)
        here = (given["domain"], given["repository"])
        keys = [k for k in self.packages if (k.domain, k.repository) == here]
        if "format" in given:
            keys = [key for key in keys if key.format == given["format"]]
        return {"packages": [_names(key) for key in keys]}

    def list_package_versions(self, given: Parameters) -> Result:
        """ListPackageVersions."""
        key = self._key(given)
        versions = list(self._versions(key).values())
        if "status" in given:
            versions = [v for v in versions if v.status == given["status"]]
        if "sortBy" in given:
            versions.sort(key=lambda version: version.published, reverse=True)
        summaries = [
            {"version": v.version, "status": v.status, "revision": v.revision} for v in versions
        ]
        return {**_names(key), **_page("versions", summaries, given, default=50)}

    def list_package_version_assets(self, given: Parameters) -> Result:
        """ListPackageVersionAssets."""
        key = self._key(given)
        version = self._version(key, given)
        summaries = [asset.summary() for asset in version.assets.values()]
        return {
            **_names(key),
            "version": version.version,
            "versionRevision": version.revision,
            **_page("assets", summaries, given, default=100),
        }

    def get_package_version_asset(self, given: Parameters) -> Result:
        """GetPackageVersionAsset."""
        version = self._version(self._key(given), given)
        asset = version.assets.get(given["asset"])
        revision = given.get("packageVersionRevision", version.revision)
        if asset is None or version.status not in DOWNLOADABLE or revision != version.revision:
            raise _not_found(f"no asset {given['asset']} in {version.version}", "asset")
        return {
            "asset": asset.path,
            "assetName": asset.name,
            "packageVersion": version.version,
            "packageVersionRevision": version.revision,
        }

    def update_package_versions_status(self, given: Parameters) -> Result:
        """UpdatePackageVersionsStatus: all of the versions, or none."""
        if given["targetStatus"] not in TARGET_STATUSES:
            raise AWSError("ValidationException", f"targetStatus must be in {TARGET_STATUSES}")
        return self._change(given, given["targetStatus"])

    def dispose_package_versions(self, given: Parameters) -> Result:
        """DisposePackageVersions: the versions stay, their assets don't."""
        return self._change(given, "Disposed")

    def delete_package_versions(self, given: Parameters) -> Result:
        """DeletePackageVersions: afterwards they can be published again."""
        return self._change(given, "Deleted")

    # Shared

    def _change(self, given: Parameters, target: str) -> Result:
        key = self._key(given)
        versions = self._versions(key)
        failed = {}
        for number in given["versions"]:
            if problem := _obstacle(versions.get(number), number, given, target):
                failed[number] = problem
        if failed:
            for number in given["versions"]:
                failed.setdefault(
                    number, {"errorCode": "SKIPPED", "errorMessage": f"{number} is skipped"}
                )
            return {"successfulVersions": {}, "failedVersions": failed}
        successful = {}
        for number in given["versions"]:
            version = versions[number]
            successful[number] = {"revision": version.revision, "status": target}
            version.status = target
            if key.format == "pypi":
                self.pypi.status_changed(key.repository, version)
            if target in ("Disposed", "Deleted"):
                version.assets.clear()
            if target == "Deleted":
                del versions[number]
        return {"successfulVersions": successful, "failedVersions": {}}

    def _key(self, given: Parameters) -> PackageKey:
        self._check_repository(given)
        namespace = given.get("namespace", "")
        if given["format"] == "generic" and not namespace:
            raise AWSError("ValidationException", "a generic package needs a namespace")
        return PackageKey(
            given["domain"], given["repository"], given["format"], namespace, given["package"]
        )

    def _versions(self, key: PackageKey) -> dict[str, Version]:
        if key not in self.packages:
            raise _not_found(f"no {key.format} package {key.package}", "package")
        return self.packages[key]

    def _version(self, key: PackageKey, given: Parameters) -> Version:
        version = self._versions(key).get(given["packageVersion"])
        if version is None:
            raise _not_found(f"no version {given['packageVersion']}", "package-version")
        return version

    def _check_domain(self, given: Parameters) -> None:
        if given["domain"] not in self.domains or given.get("domainOwner", ACCOUNT) != ACCOUNT:
            raise _not_found(f"no domain {given['domain']}", "domain")

    def _check_repository(self, given: Parameters) -> None:
        self._check_domain(given)
        if (given["domain"], given["repository"]) not in self.repositories:
            raise _not_found(f"no repository {given['repository']}", "repository")


def _obstacle(
    version: Version | None, number: str, given: Parameters, target: str
) -> dict[str, str] | None:
    """Why a version can't change its status."""
    if version is None:
        return {"errorCode": "NOT_FOUND", "errorMessage": f"no version {number}"}
    revision = given.get("versionRevisions", {}).get(number, version.revision)
    if revision != version.revision:
        return {"errorCode": "MISMATCHED_REVISION", "errorMessage": f"is {version.revision}"}
    if given.get("expectedStatus", version.status) != version.status:
        return {"errorCode": "MISMATCHED_STATUS", "errorMessage": f"is {version.status}"}
    if version.status == "Disposed" and target != "Deleted":
        return {"errorCode": "NOT_ALLOWED", "errorMessage": "a disposed version can't come back"}
    return None


def _names(key: PackageKey) -> Result:
    names = {"format": key.format, "namespace": key.namespace, "package": key.package}
    return {name: value for name, value in names.items() if value}


def _page(name: str, items: list[Result], given: Parameters, default: int) -> Result:
    token = given.get("nextToken", "page-0")
    if not re.fullmatch(r"page-\d+", token):
        raise AWSError("ValidationException", "nextToken is not one of ours")
    start = int(token.removeprefix("page-"))
    end = start + given.get("maxResults", default)
    rest = {"nextToken": f"page-{end}"} if end < len(items) else {}
    return {name: items[start:end], **rest}


def _check_asset_name(name: str) -> None:
    bad = [
        character
        for character in name
        if character not in ASSET_PUNCTUATION
        and unicodedata.category(character) not in ASSET_CATEGORIES
    ]
    if bad or name in (".", "..") or name != name.strip() or "  " in name:
        raise AWSError("ValidationException", f"{name!r} is no asset name")


def _conflict(message: str, kind: str) -> AWSError:
    return AWSError("ConflictException", message, resourceType=kind)


def _not_found(message: str, kind: str) -> AWSError:
    return AWSError("ResourceNotFoundException", message, resourceType=kind)
