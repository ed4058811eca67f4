"""The certificates of the sinkhole, by which it reads what is sent in TLS."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_ISSUER = "Sinkhole"


def make_authority() -> str:
    """Make the key and the certificate (PEM) that the sinkhole's certificates are signed with."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _pem(key, _certificate(_ISSUER, key, _ISSUER, key, is_authority=True))


def certified(name: str, authority: str) -> str:
    """Make the key and the certificate (PEM) of a server of this name, signed by an authority."""
    signer = serialization.load_pem_private_key(authority.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101  # we made it
    return _pem(signer, _certificate(name, signer, _ISSUER, signer, is_authority=False))


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> str:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (secret + certificate.public_bytes(serialization.Encoding.PEM)).decode()
