"""A key in AWS KMS, and one in a file. Both are ECDSA on P-256 with SHA-256."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from package_gate.aws.errors import ADVICE, aws_errors
from package_gate.core.errors import ConfigurationError, SigningError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

MAX_RAW_BYTES = 4096
"""So large a message KMS hashes itself; of a larger one it takes the digest.
https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html"""
_FILE_BYTES = 65536


class _Public:
    """The public half of a signer's key."""

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        info = PublicFormat.SubjectPublicKeyInfo
        self.public_key = key.public_bytes(Encoding.PEM, info).decode()
        self.key_id = hashlib.sha256(key.public_bytes(Encoding.DER, info)).hexdigest()


class FileSigner(_Public):
    """Signs with the private key in a PEM file; implements `Signer`."""

    def __init__(self, path: Path) -> None:
        """Read the key, which has no password.

        Raises:
            ConfigurationError: there is no such key; of its content nothing is said.
        """
        try:
            with path.open("rb") as file:
                key = load_pem_private_key(file.read(_FILE_BYTES), None)
        except OSError as error:
            raise ConfigurationError(
                f"The signer's key {path} can't be read: {error.strerror}."
            ) from error
        except (TypeError, ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ConfigurationError(
                f"{path} holds no private key on P-256 without a password. Make one with: openssl "
                f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {path}"
            )
        super().__init__(key.public_key())
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        return self._key.sign(message, ECDSA(SHA256()))


class KMSSigner(_Public):
    """Signs with a key that never leaves AWS KMS; implements `Signer`."""

    def __init__(self, arn: str, client: "KMSClient") -> None:
        """Ask what its public half is.

        Raises:
            ConfigurationError: it is no such key, or may not be used.
        """
        self._arn = arn
        self._client = client
        with aws_errors(f"The signer's key {arn} can't be used", ConfigurationError):
            answer = client.get_public_key(KeyId=arn)
        usage = answer.get("KeyUsage")
        key = load_der_public_key(answer["PublicKey"])
        if (
            usage != "SIGN_VERIFY"
            or not isinstance(key, EllipticCurvePublicKey)
            or not isinstance(key.curve, SECP256R1)
        ):
            raise ConfigurationError(
                f"The signer's key {arn} does not fit: it must be ECC_NIST_P256 for SIGN_VERIFY."
            )
        super().__init__(key)

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        small = len(message) <= MAX_RAW_BYTES
        with aws_errors(f"KMS did not sign with {self._arn}", SigningError, advice=_ADVICE):
            answer = self._client.sign(
                KeyId=self._arn,
                Message=message if small else hashlib.sha256(message).digest(),
                MessageType="RAW" if small else "DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        return answer["Signature"]


_ADVICE = {
    **ADVICE,
    "DisabledException": "Enable the key, or name another one.",
    "KMSInvalidStateException": "Cancel its deletion or enable it, or name another key.",
    "NotFoundException": "Name a key that is there.",
}
