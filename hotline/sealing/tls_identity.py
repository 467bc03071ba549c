"""The self-signed certificate that a station's links show; peers pin its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hotline.core.errors import PeerError
from hotline.core.seams import Entropy
from hotline.core.values import Digest, sha256

MAX_CERTIFICATE_DER_BYTES = 16_384
TLS_VALIDITY_MS = 92 * 86_400_000
CLOCK_MARGIN_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A TLS key pair for one station.

    Attributes:
        certificate_pem: Self-signed, CN = station; good for both ends of a link.
        key_pem: PKCS#8 without encryption: write it only where nobody else reads.
        pin: SHA-256 of the certificate's SubjectPublicKeyInfo.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    pin: Digest


def make_tls_identity(*, station: str, at_ms: int, entropy: Entropy) -> TlsIdentity:
    """Draw an Ed25519 TLS identity, valid from an hour before `at_ms` for 92 days.

    Spec: docs/protocol.md §7.8
    """
    key = Ed25519PrivateKey.from_private_bytes(entropy(32))
    certificate = _certificate(station, key, at_ms - CLOCK_MARGIN_MS, entropy(16))
    return TlsIdentity(
        certificate_pem=certificate.public_bytes(Encoding.PEM),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        pin=_pin(certificate),
    )


def _certificate(
    station: str, key: Ed25519PrivateKey, begins_ms: int, serial: bytes
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station)])
    begins_s = max(0, begins_ms) // 1000
    public = key.public_key()
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=public)
        .serial_number(int.from_bytes(serial) >> 1 or 1)
        .not_valid_before(datetime.fromtimestamp(begins_s, UTC))
        .not_valid_after(datetime.fromtimestamp(begins_s + TLS_VALIDITY_MS // 1000, UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(_signing_only(), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(station.lower())]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    return builder.sign(key, None)


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pin(certificate: x509.Certificate) -> Digest:
    public = certificate.public_key()
    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def tls_pin(certificate_der: bytes) -> Digest:
    """Return the pin of a peer's certificate: SHA-256 of its SubjectPublicKeyInfo.

    Raises:
        PeerError: it is not a certificate.
    """
    if len(certificate_der) > MAX_CERTIFICATE_DER_BYTES:
        raise PeerError("a TLS certificate is too long")
    try:
        return _pin(x509.load_der_x509_certificate(certificate_der))
    except Exception as error:
        raise PeerError("a TLS certificate is malformed") from error
