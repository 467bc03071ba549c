"""TLS 1.3 between two stations that know each other's certificate beforehand.

Spec: docs/transport.md §3
"""

from __future__ import annotations

import asyncio.sslproto
import hashlib
import hmac
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hotline.core.errors import OperatorError, PeerError

MAX_CERTIFICATE_BYTES = 65_536
RECORD_BUFFER_BYTES = 32_768
MAX_PINS = 2
"""The current key and the next one."""

NO_CHECK_TIME = 0x200000
"""X509_V_FLAGNO_CHECK_TIME of OpenSSL, for which the standard library has no name."""

_INTEGER, _SEQUENCE, _VERSION_TAG = 0x02, 0x30, 0xA0
_BEFORE_SPKI = (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE)
"""Serial number, algorithm, issuer, validity, subject."""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """Our own certificate and key, as PEM files.

    Attributes:
        certificate_path: One self-signed certificate.
        key_path: Its private key.
        passphrase: Gives the key file's passphrase when it is encrypted, else None.
    """

    certificate_path: Path
    key_path: Path
    passphrase: Callable[[], bytes] | None = None


class TlsPeer(Protocol):
    """How TLS knows the other end: by a pin, or by an authority (`vouched`)."""

    @property
    def server_name(self) -> str | None:
        """The name that a dialer asks for; None: whatever it dialled."""

    @property
    def mismatch(self) -> str:
        """What a dialer says of a listener that is another one."""

    def trust(self, context: ssl.SSLContext) -> None:
        """Have a context trust nobody but the peer.

        Raises:
            OperatorError: a certificate cannot be loaded.
        """

    def admits(self, tls: ssl.SSLObject | ssl.SSLSocket) -> bool:
        """Return whether the certificate of a finished handshake is the peer's."""


@dataclass(frozen=True, slots=True)
class PinnedPeer:
    """The other station as its card describes it.

    Attributes:
        certificates: DER, one or two: the whole trust store.
        pins: SHA-256 of the public key's SPKI, 32 bytes each, one or two: current, next.
    """

    certificates: tuple[bytes, ...]
    pins: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse an empty or overfull set before a socket opens.

        Raises:
            OperatorError: not one or two certificates, or not one or two pins of 32 bytes.
        """
        if not 1 <= len(self.certificates) <= MAX_PINS:
            raise OperatorError("a peer needs one or two transport certificates")
        if not 1 <= len(self.pins) <= MAX_PINS or any(len(pin) != 32 for pin in self.pins):
            raise OperatorError("a peer needs one or two pins of 32 bytes")

    @property
    def server_name(self) -> None:
        """A pinned key needs no name."""

    @property
    def mismatch(self) -> str:
        """What a dialer says of a listener that is another one."""
        return "the listener's certificate is not the one on its card"

    def trust(self, context: ssl.SSLContext) -> None:
        """Have a context trust these certificates as they stand, whoever issued them.

        Raises:
            OperatorError: one of them cannot be loaded.
        Spec: docs/transport.md §3.2, §3.7
        """
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # The pin is of the key. The dates are the station's own word about itself, and a
        # renewed console must reach a peer that was away past them.
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
        try:
            context.load_verify_locations(cadata=b"".join(self.certificates))
        except (OSError, ValueError) as error:
            raise OperatorError("a transport certificate or key cannot be loaded") from error

    def admits(self, tls: ssl.SSLObject | ssl.SSLSocket) -> bool:
        """Return whether the certificate of a finished handshake carries a pinned key."""
        return self.matches(tls.getpeercert(binary_form=True))

    def matches(self, certificate: bytes | None) -> bool:
        """Return whether the DER certificate of a finished handshake carries a pinned key.

        Spec: docs/transport.md §3.4
        """
        if certificate is None:
            return False
        try:
            shown = pin_of(certificate)
        except PeerError:
            return False
        return any(hmac.compare_digest(shown, pin) for pin in self.pins)


def pinned(*certificates: bytes) -> PinnedPeer:
    """Pin the keys of the given DER certificates, current first.

    Raises:
        PeerError: one of them is not a certificate.
        OperatorError: none, or more than two.
    """
    return PinnedPeer(certificates, tuple(pin_of(der) for der in certificates))


def cut_record_buffer() -> None:
    """Have each TLS connection from now on keep a receive buffer of RECORD_BUFFER_BYTES.

    The standard library keeps 256 KiB for each, which no idle connection is worth.
    Spec: docs/transport.md §5.9, §9.7
    """
    asyncio.sslproto.SSLProtocol.max_size = RECORD_BUFFER_BYTES


def certificate_of(identity: TlsIdentity) -> bytes:
    """Return the DER of the certificate that this end shows: the first in its file.

    Raises:
        OperatorError: the file holds none.
    """
    try:
        pem = identity.certificate_path.read_text("ascii")
        end = pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
        return ssl.PEM_cert_to_DER_cert(pem[pem.index(ssl.PEM_HEADER) : end])
    except (OSError, ValueError) as error:
        raise OperatorError("the file of a transport certificate holds none") from error


def server_context(identity: TlsIdentity, peer: TlsPeer) -> ssl.SSLContext:
    """Build the listener's context: TLS 1.3, the peer's certificate required, no tickets.

    Raises:
        OperatorError: a file or a certificate cannot be loaded.
    Spec: docs/transport.md §3.1, §3.2, §3.3
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A ticket would let a later session skip the certificate.
    context.num_tickets = 0
    return _prepared(context, identity, peer)


def client_context(identity: TlsIdentity, peer: TlsPeer) -> ssl.SSLContext:
    """Build the dialer's context: TLS 1.3, only the peer's certificate trusted, ours shown.

    Raises:
        OperatorError: a file or a certificate cannot be loaded.
    Spec: docs/transport.md §3.1, §3.2
    """
    return _prepared(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), identity, peer)


def _prepared(context: ssl.SSLContext, identity: TlsIdentity, peer: TlsPeer) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    peer.trust(context)
    try:
        context.load_cert_chain(
            identity.certificate_path, identity.key_path, password=identity.passphrase
        )
    except (OSError, ValueError) as error:
        raise OperatorError("a transport certificate or key cannot be loaded") from error
    return context


def pin_of(certificate: bytes) -> bytes:
    """Return SHA-256 of a DER certificate's SubjectPublicKeyInfo, 32 bytes.

    Raises:
        PeerError: the bytes are not laid out as a certificate.
    """
    return hashlib.sha256(spki_of(certificate)).digest()


def spki_of(certificate: bytes) -> bytes:
    """Cut the SubjectPublicKeyInfo, tag and length included, out of a DER certificate.

    It only walks the layout: that the certificate is genuine, TLS has checked.

    Raises:
        PeerError: the bytes are not laid out as a certificate.
    Spec: docs/transport.md §3.4
    """
    if len(certificate) > MAX_CERTIFICATE_BYTES:
        raise PeerError(f"a certificate has at most {MAX_CERTIFICATE_BYTES} bytes")
    start, _ = _inside(certificate, 0, _SEQUENCE)
    at, _ = _inside(certificate, start, _SEQUENCE)
    if certificate[at : at + 1] == bytes((_VERSION_TAG,)):
        at = _inside(certificate, at, _VERSION_TAG)[1]
    for tag in _BEFORE_SPKI:
        at = _inside(certificate, at, tag)[1]
    return certificate[at : _inside(certificate, at, _SEQUENCE)[1]]


def _inside(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of the element at `at` starts and where it ends."""
    if len(der) < at + 2 or der[at] != tag:
        raise PeerError("the bytes are not a certificate")
    first, start = der[at + 1], at + 2
    length = first
    if first >= 0x80:
        width = first & 0x7F
        if not 1 <= width <= 3:
            raise PeerError("the bytes are not a certificate")
        length, start = int.from_bytes(der[start : start + width], "big"), start + width
    if start + length > len(der):
        raise PeerError("the bytes are not a certificate")
    return start, start + length
