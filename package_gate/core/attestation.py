"""Signed statements, as they stand in the records and in the repository."""

import msgspec

STATEMENT_SUFFIX = ".vsa.json"
"""A file's statement stands beside it, under the file's own name with this at its end."""


class Signature(msgspec.Struct, frozen=True):
    """One signature of an envelope."""

    keyid: str
    """SHA-256 of the public key (DER, SubjectPublicKeyInfo), 64 lower-case hexadecimal digits."""
    sig: str
    """Base64 of the signature: ECDSA with SHA-256, DER."""


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """A signed document.

    https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md
    """

    payload_type: str
    payload: str
    """Base64 of the document's bytes."""
    signatures: tuple[Signature, ...]

    @property
    def content(self) -> bytes:
        """What a reader gets: the envelope as JSON."""
        return msgspec.json.encode(self)
