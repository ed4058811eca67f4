"""Whether what an index offers as a file's provenance verifies (PEP 740), without the network.

Verified are the publisher's certificate, its signature, their entry in Sigstore's public log, and
that the statement is about exactly this file. Trusted are the keys that come with the pinned
`sigstore`; neither its cache nor its updates are used. Importing it takes 0.7 s, which runs whose
policy doesn't ask are spared.
"""

from __future__ import annotations

import threading
from functools import cached_property
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from package_gate.core.text import one_line
from package_gate.sources.pypi.lock import release_of

if TYPE_CHECKING:
    from pypi_attestations import Attestation, Publisher
    from sigstore.verify import Verifier

VERIFIED_WITH = ("pypi-attestations", "sigstore")
MAX_DOCUMENT = 1024 * 1024
"""Bytes of a file's provenance; what publishers make has about 10 kB."""
_TUF_URL = "https://tuf-repo-cdn.sigstore.dev"
_IN_TOTO = "application/vnd.in-toto+json"


class InvalidAttestationError(Exception):
    """It does not verify; the text says why."""


class _Digest(msgspec.Struct):
    sha256: str


class _Subject(msgspec.Struct):
    name: str
    digest: _Digest


class _Statement(msgspec.Struct):
    """An in-toto statement."""

    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: list[_Subject]
    predicate_type: str = msgspec.field(name="predicateType")


class AttestationVerifier:
    """Verifies provenance by one file of trusted keys. Several threads may use it."""

    def __init__(self, trusted_root: Path | None = None) -> None:
        """Trust these keys; by default those that come with `sigstore`."""
        self._trusted_root = trusted_root
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """What verifies, and with it which keys are trusted."""
        return ", ".join(f"{name} {version(name)}" for name in VERIFIED_WITH)

    def publishers(self, document: bytes, filename: str, sha256: str) -> tuple[str, ...]:
        """Name who has attested a file.

        Args:
            document: the provenance object that the index offers.
            filename: of the file.
            sha256: its digest.

        Returns:
            Each publisher, of whose attestations all verify, such as `github:pypa/sampleproject`.

        Raises:
            InvalidAttestationError: an attestation does not verify, or there is none.
        """
        from pypi_attestations import Provenance

        if len(document) > MAX_DOCUMENT:
            raise InvalidAttestationError(f"it is larger than {MAX_DOCUMENT // 1024} KiB")
        try:
            bundles = Provenance.model_validate_json(document).attestation_bundles
        except ValueError as error:
            raise InvalidAttestationError(f"it is no provenance: {_why(error)}") from error
        if not bundles or not all(bundle.attestations for bundle in bundles):
            raise InvalidAttestationError("it holds no attestation")
        for bundle in bundles:
            for attestation in bundle.attestations:
                self._verify(attestation, bundle.publisher, filename, sha256)
        return tuple(dict.fromkeys(_name(bundle.publisher) for bundle in bundles))

    def _verify(
        self, attestation: Attestation, publisher: Publisher, filename: str, sha256: str
    ) -> None:
        from pypi_attestations import AttestationType

        try:
            # `Attestation.verify` would make a verifier that trusts what lies in the user's cache.
            with self._lock:
                kind, payload = self._verifier.verify_dsse(
                    attestation.to_bundle(), publisher._as_policy()
                )
            statement = msgspec.json.decode(payload, type=_Statement)
        except Exception as error:  # whatever stops the verifier, it has not verified
            raise InvalidAttestationError(_why(error)) from error
        if kind != _IN_TOTO:
            raise InvalidAttestationError("it is no in-toto statement")
        if statement.predicate_type not in {each.value for each in AttestationType}:
            raise InvalidAttestationError("it says something else of a file than who made it")
        if len(statement.subject) != 1:
            raise InvalidAttestationError("it is not about exactly one file")
        subject = statement.subject[0]
        if release_of(subject.name) != release_of(filename):
            raise InvalidAttestationError(f"it is about {one_line(subject.name, 200)}")
        if subject.digest.sha256 != sha256:
            raise InvalidAttestationError("it is about a file with another SHA-256")

    @cached_property
    def _verifier(self) -> Verifier:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier

        if self._trusted_root is not None:
            return Verifier(trusted_root=TrustedRoot.from_file(str(self._trusted_root)))
        shipped = files("sigstore._store") / quote(_TUF_URL, safe="") / "trusted_root.json"
        with as_file(shipped) as path:
            return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def _name(publisher: Publisher) -> str:
    """Name a publisher by what attackers can't have: the repository, the account or the project."""
    kind = publisher.kind.lower()
    if publisher.kind == "Google":
        return f"{kind}:{publisher.email}"
    if publisher.kind == "CircleCI":
        return f"{kind}:{publisher.project_id}"
    return f"{kind}:{publisher.repository}"


def _why(error: Exception) -> str:
    return one_line(" ".join(str(error).split()) or type(error).__name__, 300).rstrip(".")
