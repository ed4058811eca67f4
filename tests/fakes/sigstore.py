"""A Sigstore of this machine: a certificate authority, a certificate log and a log of signatures.

It attests files as GitHub's trusted publishing does (PEP 740). Its keys stand in `trusted_root`.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from pypi_attestations import AttestationType

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""From when on the keys count."""
ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "release.yml"
PUBLISH = AttestationType.PYPI_PUBLISH_V1.value
_CLAIMS = "1.3.6.1.4.1.57264.1."
"""https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md"""


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_der(key)).digest()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _sign(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


@dataclass
class Sigstore:
    """Its keys, made anew for each object."""

    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    def __post_init__(self) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake sigstore")])
        public = self.authority_key.public_key()
        self._authority = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(1)
            .not_valid_before(BEGIN)
            .not_valid_after(BEGIN + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.authority_key, hashes.SHA256())
        )

    def write_trusted_root(self, path: Path) -> Path:
        """Write the keys as `sigstore` reads them."""
        since = {"start": BEGIN.isoformat().replace("+00:00", "Z")}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": "https://log.invalid",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _base64(_der(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": {"keyId": _base64(_id(key))},
            }

        authority = _base64(self._authority.public_bytes(Encoding.DER))
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log_key)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "fake", "commonName": "fake sigstore"},
                    "uri": "https://authority.invalid",
                    "certChain": {"certificates": [{"rawBytes": authority}]},
                    "validFor": since,
                }
            ],
            "ctlogs": [log(self.certificates_key)],
        }
        path.write_text(json.dumps(root))
        return path

    def provenance(
        self,
        repository: str,
        filename: str,
        sha256: str,
        *,
        said: str = "",
        statement: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Make the provenance of a file.

        Args:
            repository: `OWNER/NAME`, whose workflow attests it.
            filename: of the file.
            sha256: its digest.
            said: the repository that the index names; the same when it isn't given.
            statement: what is said in place of what is usual.
        """
        body = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": filename, "digest": {"sha256": sha256}}],
            "predicateType": PUBLISH,
            "predicate": None,
            **(statement or {}),
        }
        attestation = self._attestation(repository, json.dumps(body).encode())
        publisher = {
            "kind": "GitHub",
            "repository": said or repository,
            "workflow": WORKFLOW,
            "environment": None,
        }
        bundle = {"publisher": publisher, "attestations": [attestation]}
        return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()

    def _attestation(self, repository: str, statement: bytes) -> dict[str, Any]:
        key = _key()
        moment = BEGIN + timedelta(days=1)
        certificate = self._certificate(key, repository, moment)
        kind = b"application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)
        signature = _sign(key, signed)
        return {
            "version": 1,
            "verification_material": {
                "certificate": _base64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self._entry(certificate, statement, signature, moment)],
            },
            "envelope": {"statement": _base64(statement), "signature": _base64(signature)},
        }

    def _certificate(
        self, key: ec.EllipticCurvePrivateKey, repository: str, moment: datetime
    ) -> x509.Certificate:
        """Make what Fulcio gives a workflow, with the receipt of the certificate log in it."""
        address = f"https://github.com/{repository}"
        workflow = f"{address}/.github/workflows/{WORKFLOW}@refs/tags/v1"
        claims = {"8": ISSUER, "12": address, "14": "refs/tags/v1", "18": workflow}
        public = self.authority_key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(2)
            .not_valid_before(moment)
            .not_valid_after(moment + timedelta(minutes=10))
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(workflow)]),
                critical=True,
            )
        )
        for number, text in claims.items():
            oid = x509.ObjectIdentifier(_CLAIMS + number)
            builder = builder.add_extension(
                x509.UnrecognizedExtension(oid, _asn1(0x0C, text.encode())), critical=False
            )
        signed = builder.sign(self.authority_key, hashes.SHA256()).tbs_certificate_bytes
        return builder.add_extension(
            x509.UnrecognizedExtension(
                ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, self._receipt(signed, moment)
            ),
            critical=False,
        ).sign(self.authority_key, hashes.SHA256())

    def _receipt(self, certificate: bytes, moment: datetime) -> bytes:
        """Give a list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3)."""
        milliseconds = int(moment.timestamp() * 1000)
        length = len(certificate).to_bytes(3, "big")
        entry = _id(self.authority_key) + length + certificate
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        signature = _sign(self.certificates_key, signed)
        receipt = (
            struct.pack("!B32sQH", 0, _id(self.certificates_key), milliseconds, 0)
            + struct.pack("!BBH", 4, 3, len(signature))
            + signature
        )
        listed = struct.pack("!H", len(receipt)) + receipt
        return _asn1(0x04, struct.pack("!H", len(listed)) + listed)

    def _entry(
        self, certificate: x509.Certificate, statement: bytes, signature: bytes, moment: datetime
    ) -> dict[str, Any]:
        """Give the entry of the log of signatures (Rekor), which holds nothing else."""
        pem = certificate.public_bytes(Encoding.PEM)
        body = _canonical(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                    "payloadHash": {
                        "algorithm": "sha256",
                        "value": hashlib.sha256(statement).hexdigest(),
                    },
                    "signatures": [{"signature": _base64(signature), "verifier": _base64(pem)}],
                },
            }
        )
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"fake log\n1\n{_base64(root)}\n"
        signed_note = _base64(_id(self.log_key)[:4] + _sign(self.log_key, note.encode()))
        seconds = int(moment.timestamp())
        promise = _canonical(
            {
                "body": _base64(body),
                "integratedTime": seconds,
                "logID": _id(self.log_key).hex(),
                "logIndex": 0,
            }
        )
        return {
            "logIndex": "0",
            "logId": {"keyId": _base64(_id(self.log_key))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": _base64(_sign(self.log_key, promise))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _base64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 fake {signed_note}\n"},
            },
            "canonicalizedBody": _base64(body),
        }


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _asn1(tag: int, content: bytes) -> bytes:
    """Give a DER value with a length in its long form where it needs one."""
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 128 + size]) + length.to_bytes(size, "big") + content
