"""Signed statements in a CodeArtifact repository: generic packages below a namespace of their own.

`SHA256-OF-A-FILE` in the version `SHA256-OF-THE-KEY` is the statement about that file, so that
another key's stands beside it, and a reader asks for what it trusts. `standing-list` has a version
for each moment at which it was signed; the newest ones are kept, so that it is never missing. What
is withdrawn keeps its statement, and stands in that list.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from package_gate.core.attestation import Envelope
from package_gate.core.errors import PublishError
from package_gate.core.standing_list import STANDING_LIST
from package_gate.publishers.codeartifact_api import CodeArtifactRepository, PackageId
from package_gate.publishers.interface import PublishedPackage

NAMESPACE = "package-gate-verdicts"
STATEMENT = "statement.json"
KEPT_LISTS = 3

_read_envelope = msgspec.json.Decoder(Envelope).decode


class CodeArtifactAttestations:
    """Where statements stand. Every method raises `PublishError` when the service does."""

    def __init__(
        self,
        repository: CodeArtifactRepository,
        ask: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Write to one repository; `ask` raises `TurnError` when it is not this run's turn."""
        self._repository = repository
        self._ask = ask
        self._now = now

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`."""
        (signature,) = _read_envelope(statement).signatures
        for artifact in package.artifacts:
            self._put(_about(artifact.sha256), signature.keyid, STATEMENT, statement)

    def post(self, content: bytes) -> None:
        """See `Publisher.post_standing_list`."""
        name = PackageId("generic", "standing-list", NAMESPACE)
        self._put(name, f"{self._now():%Y%m%dT%H%M%S.%fZ}", STANDING_LIST, content)
        versions = sorted(self._repository.versions(name), reverse=True)
        for version in versions[KEPT_LISTS:]:
            self._repository.delete(name, version)

    def _put(self, name: PackageId, version: str, asset: str, content: bytes) -> None:
        """Publish a file, in place of another one that an earlier run has put there."""
        self._ask()
        if self._repository.put(name, version, asset, content):
            return
        wanted = {asset: hashlib.sha256(content).hexdigest()}
        if self._repository.contents(name, version).digests == wanted:
            return
        self._repository.delete(name, version)
        if not self._repository.put(name, version, asset, content):
            raise PublishError(
                f"CodeArtifact keeps another {asset} in {NAMESPACE}/{name.name} {version}. The "
                "next run tries again."
            )


def _about(sha256: str) -> PackageId:
    return PackageId("generic", sha256, NAMESPACE)
