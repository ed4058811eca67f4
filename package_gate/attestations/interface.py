"""What a signer is."""

from typing import Protocol


class Signer(Protocol):
    """Signs bytes."""

    @property
    def public_key(self) -> str:
        """PEM of the key's public half."""
        ...

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key (DER, SubjectPublicKeyInfo)."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Give an ECDSA signature (DER) over the SHA-256 of the message.

        Raises:
            SigningError: there is none.
        """
        ...
