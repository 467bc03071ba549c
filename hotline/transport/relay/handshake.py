"""What the two ends of a relay session sign. Pure.

Spec: docs/transport.md §9.3
"""

from __future__ import annotations

from dataclasses import replace

from hotline.core.seams import Signer, Verifier
from hotline.transport.relay.codec import encode
from hotline.transport.relay.frames import VERSION, Auth, Chal, Welcome
from hotline.transport.transcript import NO_SIGNATURE
from hotline.transport.transcript import transcript as standing_for

_LABEL = b"hotline relay 1"
_DIALER, _LISTENER = b"D", b"L"


def transcript(chal: Chal, auth: Auth, certificate: bytes) -> bytes:
    """Return the 32 bytes that stand for this handshake and no other.

    Args:
        chal: As the relay sent it.
        auth: Its signature is left out.
        certificate: The relay's TLS certificate (DER) as this end sees it: a
            middleman shows another one, and the signatures do not verify.
    Spec: docs/transport.md §9.3
    """
    unsigned = encode(replace(auth, signature=NO_SIGNATURE))
    return standing_for(_LABEL, (encode(chal), unsigned), (certificate,))


def sign_auth(auth: Auth, chal: Chal, certificate: bytes, signer: Signer) -> Auth:
    """Return `auth` with the mailbox key's signature."""
    signature = signer.sign(transcript(chal, auth, certificate) + _DIALER)
    return replace(auth, signature=signature)


def verify_auth(auth: Auth, chal: Chal, certificate: bytes, verifier: Verifier) -> bool:
    """Return whether `auth` answers `chal`, here, with the key that it names."""
    signed = transcript(chal, auth, certificate) + _DIALER
    return auth.version == VERSION and verifier(auth.key, signed, auth.signature)


def sign_welcome(
    welcome: Welcome, chal: Chal, auth: Auth, certificate: bytes, signer: Signer
) -> Welcome:
    """Return `welcome` with the relay key's signature."""
    signed = _welcome_bytes(welcome, chal, auth, certificate)
    return replace(welcome, signature=signer.sign(signed))


def verify_welcome(
    welcome: Welcome, chal: Chal, auth: Auth, certificate: bytes, verifier: Verifier
) -> bool:
    """Return whether the relay that `auth` names opened this session."""
    signed = _welcome_bytes(welcome, chal, auth, certificate)
    return verifier(auth.relay, signed, welcome.signature)


def _welcome_bytes(welcome: Welcome, chal: Chal, auth: Auth, certificate: bytes) -> bytes:
    unsigned = encode(replace(welcome, signature=NO_SIGNATURE))
    return transcript(chal, auth, certificate) + _LISTENER + unsigned
