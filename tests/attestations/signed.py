"""A key, an attestor and a decision, for tests of what is signed."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from package_gate.attestations.attestor import Attestor
from package_gate.attestations.envelope import pre_authentication_encoding
from package_gate.attestations.interface import Signer
from package_gate.attestations.signers import FileSigner
from package_gate.core.artifact import Artifact, Origin
from package_gate.core.attestation import Envelope
from package_gate.core.decision import PackageDecision, Verdict

REPOSITORY = "https://packages.example/simple"
DECIDED = datetime(2026, 6, 1, 12, tzinfo=UTC)


def write_key(path: Path) -> Path:
    """Write a new private key."""
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def attestor(folder: Path, key: str = "key.pem") -> Attestor:
    """Sign with a key that is made when there is none of this name."""
    path = folder / key
    return Attestor(FileSigner(path if path.exists() else write_key(path)), REPOSITORY)


def decision(verdict: Verdict = Verdict.APPROVED, files: int = 1) -> PackageDecision:
    """Give a decision on `idna 3.7`."""
    artifacts = tuple(
        Artifact(f"idna-3.7-{number}-py3-none-any.whl", f"{number:064x}", 10)
        for number in range(files)
    )
    return PackageDecision(
        name="idna",
        version="3.7",
        origin=Origin.PYPI,
        verdict=verdict,
        reasons=("because",),
        notes=(),
        artifacts=artifacts,
        findings=(),
        scanners=(),
        policy_digest="ab" * 32,
        decided_at=DECIDED,
        gate_version="0.2",
        evidence="cd" * 32,
    )


def opened(envelope: Envelope, signer: Signer) -> Any:
    """Give what an envelope holds; raises `InvalidSignature` when it is not by this signer."""
    public = load_pem_public_key(signer.public_key.encode())
    assert isinstance(public, EllipticCurvePublicKey)
    payload = base64.b64decode(envelope.payload)
    (signature,) = envelope.signatures
    assert signature.keyid == signer.key_id
    message = pre_authentication_encoding(envelope.payload_type, payload)
    public.verify(base64.b64decode(signature.sig), message, ECDSA(SHA256()))
    return json.loads(payload)
