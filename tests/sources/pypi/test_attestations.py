"""Provenance is verified by Sigstore's own keys, or by those of a Sigstore of the test."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from package_gate.sources.pypi.attestations import AttestationVerifier, InvalidAttestationError
from tests.fakes.sigstore import Sigstore
from tests.local_run import PROJECT

REAL = {
    "pypi_attestations-0.0.19.tar.gz": (
        "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
        "github:trailofbits/pypi-attestations",
    ),
    "gcb_attestation_test-0.0.0.tar.gz": (
        "461317362419124b6012e855423a9078d6de8aed3e74fa78cc74d669b23dc6cf",
        "google:919436158236-compute@developer.gserviceaccount.com",
    ),
    "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl": (
        "8cb34da1e27336f11a2c43f3f9c7433bd76f24f470c904724f06ad7f131d9e9f",
        "circleci:fdd9283f-e619-46af-8f9c-851f7d3e8b2b",
    ),
}
FILE, DIGEST = "demo-1.0-py3-none-any.whl", "a" * 64


def real(filename: str) -> bytes:
    return (PROJECT / "tests" / "data" / "provenance" / f"{filename}.provenance").read_bytes()


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture(scope="module")
def verifier(sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory) -> AttestationVerifier:
    path = tmp_path_factory.mktemp("trust") / "trusted_root.json"
    return AttestationVerifier(sigstore.write_trusted_root(path))


@pytest.mark.parametrize("filename", REAL)
def test_what_pypi_has_served_verifies_by_the_keys_that_come_with_sigstore(
    filename: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    digest, publisher = REAL[filename]
    verifier = AttestationVerifier()
    assert verifier.publishers(real(filename), filename, digest) == (publisher,)
    with pytest.raises(InvalidAttestationError, match="another SHA-256"):
        verifier.publishers(real(filename), filename, "0" * 64)
    assert not list(tmp_path.iterdir())


def test_a_publisher_is_named_by_its_repository(
    sigstore: Sigstore, verifier: AttestationVerifier
) -> None:
    document = sigstore.provenance("acme/demo", FILE, DIGEST)
    assert verifier.publishers(document, FILE, DIGEST) == ("github:acme/demo",)


def test_a_spelling_of_the_files_name_that_means_the_same_is_taken(
    sigstore: Sigstore, verifier: AttestationVerifier
) -> None:
    document = sigstore.provenance("acme/demo", "Demo-1.0-py3-none-any.whl", DIGEST)
    assert verifier.publishers(document, FILE, DIGEST) == ("github:acme/demo",)


def statement(**changes: Any) -> dict[str, Any]:
    return {"statement": changes}


@pytest.mark.parametrize(
    ("filename", "digest", "more", "why"),
    [
        ("other-1.0-py3-none-any.whl", DIGEST, {}, "it is about other-1.0"),
        ("demo-1.1-py3-none-any.whl", DIGEST, {}, "it is about demo-1.1"),
        ("no file name", DIGEST, {}, "it is about no file name"),
        (FILE, "b" * 64, {}, "another SHA-256"),
        (FILE, DIGEST, {"said": "acme/other"}, "does not match|Source"),
        (FILE, DIGEST, statement(predicateType="https://example.com/other"), "something else"),
        (FILE, DIGEST, statement(_type="https://in-toto.io/Statement/v0.1"), "Invalid enum"),
        (FILE, DIGEST, statement(subject=[]), "exactly one"),
        (
            FILE,
            DIGEST,
            statement(subject=[{"name": FILE, "digest": {"sha256": DIGEST}}] * 2),
            "one",
        ),
        (FILE, DIGEST, statement(subject=[{"name": FILE, "digest": {"md5": "0"}}]), "sha256"),
    ],
)
def test_what_is_signed_by_somebody_else_or_about_something_else_is_invalid(
    sigstore: Sigstore,
    verifier: AttestationVerifier,
    filename: str,
    digest: str,
    more: dict[str, Any],
    why: str,
) -> None:
    document = sigstore.provenance("acme/demo", filename, digest, **more)
    with pytest.raises(InvalidAttestationError, match=why):
        verifier.publishers(document, FILE, DIGEST)


def test_another_sigstore_is_not_trusted(verifier: AttestationVerifier) -> None:
    document = Sigstore().provenance("acme/demo", FILE, DIGEST)
    with pytest.raises(InvalidAttestationError):
        verifier.publishers(document, FILE, DIGEST)
    with pytest.raises(InvalidAttestationError):
        AttestationVerifier().publishers(document, FILE, DIGEST)


def _spoil(document: bytes, *path: Any) -> bytes:
    """Change one byte in the middle of a base64 value, or one digit of a number."""
    told = json.loads(document)
    *parents, last = ("attestation_bundles", 0, "attestations", 0, *path)
    entry = told
    for step in parents:
        entry = entry[step]
    text = entry[last]
    middle = len(text) // 2
    entry[last] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    return json.dumps(told).encode()


_ENTRY = ("verification_material", "transparency_entries", 0)


@pytest.mark.parametrize(
    "path",
    [
        ("envelope", "statement"),
        ("envelope", "signature"),
        ("verification_material", "certificate"),
        (*_ENTRY, "canonicalizedBody"),
        (*_ENTRY, "inclusionPromise", "signedEntryTimestamp"),
        (*_ENTRY, "inclusionProof", "rootHash"),
        (*_ENTRY, "inclusionProof", "checkpoint", "envelope"),
        (*_ENTRY, "logId", "keyId"),
    ],
    ids=lambda path: path[-1],
)
def test_nothing_of_it_can_be_changed(
    sigstore: Sigstore, verifier: AttestationVerifier, path: tuple[Any, ...]
) -> None:
    document = _spoil(sigstore.provenance("acme/demo", FILE, DIGEST), *path)
    with pytest.raises(InvalidAttestationError):
        verifier.publishers(document, FILE, DIGEST)


def test_one_attestation_that_does_not_verify_spoils_all(
    sigstore: Sigstore, verifier: AttestationVerifier
) -> None:
    document = json.loads(sigstore.provenance("acme/demo", FILE, DIGEST))
    other = json.loads(sigstore.provenance("acme/demo", FILE, "b" * 64))
    document["attestation_bundles"] += other["attestation_bundles"]
    with pytest.raises(InvalidAttestationError):
        verifier.publishers(json.dumps(document).encode(), FILE, DIGEST)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "no provenance"),
        (b"\xff", "no provenance"),
        (b"[" * 100_000, "no provenance"),
        (b'{"version": 2, "attestation_bundles": []}', "no provenance"),
        (b'{"version": 1, "attestation_bundles": []}', "no attestation"),
        (
            b'{"version": 1, "attestation_bundles": [{"publisher": {"kind": "Google", "email": '
            b'"a@b"}, "attestations": []}]}',
            "no attestation",
        ),
        (
            b'{"version": 1, "attestation_bundles": [{"publisher": {"kind": "Unheard"}, '
            b'"attestations": []}]}',
            "no provenance",
        ),
        (b" " * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_what_is_no_provenance_is_invalid(
    verifier: AttestationVerifier, document: bytes, why: str
) -> None:
    with pytest.raises(InvalidAttestationError, match=why):
        verifier.publishers(document, FILE, DIGEST)


def test_a_run_that_verifies_nothing_does_not_load_the_libraries() -> None:
    program = (
        "import sys, package_gate.commands.gate\n"
        "assert not {'sigstore', 'pypi_attestations', 'pydantic'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
