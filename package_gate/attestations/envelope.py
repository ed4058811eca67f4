"""Documents in DSSE envelopes.

https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
"""

import base64

from package_gate.attestations.interface import Signer
from package_gate.core.attestation import Envelope, Signature


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed: type and document, each with its length before it."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sealed(payload_type: str, payload: bytes, signer: Signer) -> Envelope:
    """Sign a document.

    Raises:
        SigningError: the signer could not.
    """
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    return Envelope(
        payload_type,
        base64.b64encode(payload).decode(),
        (Signature(signer.key_id, base64.b64encode(signature).decode()),),
    )
