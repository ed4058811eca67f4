"""Keys in files, and in KMS."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from package_gate.attestations.signers import MAX_RAW_BYTES, FileSigner, KMSSigner
from package_gate.core.errors import ConfigurationError, SigningError
from tests.attestations.signed import attestor, decision, opened, write_key
from tests.aws_fixture import aws, moto_url  # noqa: F401  # fixtures
from tests.fakes.aws import AWS

PKCS8 = PrivateFormat.PKCS8


def test_a_key_is_named_by_the_digest_of_its_public_half(tmp_path: Path) -> None:
    signer = FileSigner(write_key(tmp_path / "key.pem"))
    public = load_pem_public_key(signer.public_key.encode())
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert signer.key_id == hashlib.sha256(der).hexdigest()


def test_a_file_without_a_fitting_key_is_named_and_nothing_of_it_is_repeated(
    tmp_path: Path,
) -> None:
    other = generate_private_key(SECP384R1())
    right = generate_private_key(SECP256R1())
    contents = {
        "curve.pem": other.private_bytes(Encoding.PEM, PKCS8, NoEncryption()),
        "password.pem": right.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"x")),
        "text.pem": b"CANARY",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigurationError, match="openssl genpkey") as error:
            FileSigner(tmp_path / name)
        assert "CANARY" not in str(error.value)
    with pytest.raises(ConfigurationError, match="No such file"):
        FileSigner(tmp_path / "none.pem")


@pytest.fixture
def kms(aws: AWS) -> Any:  # noqa: F811
    return aws.client("kms")


def new_key(kms: Any, spec: str = "ECC_NIST_P256") -> str:
    arn = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    assert isinstance(arn, str)
    return arn


def test_a_key_in_kms_signs_statements(kms: Any, tmp_path: Path) -> None:
    signer = KMSSigner(new_key(kms), kms)
    by = attestor(tmp_path)
    by = type(by)(signer, by.repository)
    assert opened(by.attest(decision()), signer)["predicateType"].startswith("https://slsa.dev")


def test_another_key_of_kms_is_refused_before_anything_is_signed(kms: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be ECC_NIST_P256 for SIGN_VERIFY"):
        KMSSigner(new_key(kms, "RSA_2048"), kms)
    missing = new_key(kms)[:-12] + "000000000000"
    with pytest.raises(ConfigurationError, match="can't be used: NotFoundException"):
        KMSSigner(missing, kms)


class KMS:
    """Answers as KMS does, with a key of its own."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self.public = self._key.public_key()
        self.types: list[str] = []
        self.error = ""

    def get_public_key(self, **_: str) -> dict[str, Any]:
        info = PublicFormat.SubjectPublicKeyInfo
        return {
            "KeySpec": "ECC_NIST_P256",
            "KeyUsage": "SIGN_VERIFY",
            "PublicKey": self.public.public_bytes(Encoding.DER, info),
        }

    def sign(self, **asked: Any) -> dict[str, bytes]:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "Sign")
        assert asked["SigningAlgorithm"] == "ECDSA_SHA_256"
        raw = asked["MessageType"] == "RAW"
        assert len(asked["Message"]) <= MAX_RAW_BYTES if raw else len(asked["Message"]) == 32
        self.types.append(asked["MessageType"])
        how = ECDSA(SHA256()) if raw else ECDSA(Prehashed(SHA256()))
        return {"Signature": self._key.sign(asked["Message"], how)}


def test_a_message_that_is_too_large_for_kms_is_hashed_here_with_the_same_result() -> None:
    kms = KMS()
    signer = KMSSigner("arn:x", kms)  # type: ignore[arg-type]
    assert isinstance(kms.public, EllipticCurvePublicKey)
    for length in (0, MAX_RAW_BYTES, MAX_RAW_BYTES + 1, 100_000):
        message = bytes(length)
        kms.public.verify(signer.sign(message), message, ECDSA(SHA256()))
    assert kms.types == ["RAW", "RAW", "DIGEST", "DIGEST"]


def test_a_key_that_may_not_be_used_is_an_error_with_advice() -> None:
    kms = KMS()
    signer = KMSSigner("arn:x", kms)  # type: ignore[arg-type]
    kms.error = "AccessDeniedException"
    with pytest.raises(
        SigningError, match=r"did not sign with arn:x.*Allow it in the build's role"
    ):
        signer.sign(b"x")
