"""What the two ends of a direct link sign when they open it. Pure.

Spec: docs/transport.md §4.7
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hotline.core.seams import Entropy, Signer, Verifier
from hotline.transport.greeting import Auth, Chal, Welcome, encode
from hotline.transport.transcript import NO_SIGNATURE, transcript

_LABEL = b"hotline link 1"
_DIALER, _LISTENER = b"D", b"L"

Recognises = Callable[[bytes, bytes], bool]
"""Takes a console's key (32 bytes) and its introduction (b"" for none): may it open a link?"""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Both ends' TLS certificates (DER) as this end sees them."""

    listener: bytes
    dialer: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """Who we are on a route, whom we expect there, and by what each is known.

    Attributes:
        ours, theirs: As `greeting.party_id` makes them.
        signer: Our console's key.
        introduction: The certificate of that key, if the peer may not have it; else b"".
        recognises: Whether a console of the peer may open a link. It decides on what the
            caller brought and keeps nothing of it; whatever it raises refuses the caller.
    """

    ours: bytes
    theirs: bytes
    signer: Signer
    recognises: Recognises
    verifier: Verifier
    entropy: Entropy
    introduction: bytes = field(repr=False, default=b"")


def standing_for(chal: Chal, auth: Auth, seen: Certificates) -> bytes:
    """Return the 32 bytes that stand for this opening and no other.

    Spec: docs/transport.md §4.7
    """
    unsigned = encode(replace(auth, signature=NO_SIGNATURE))
    return transcript(_LABEL, (encode(chal), unsigned), (seen.listener, seen.dialer))


def sign_auth(auth: Auth, chal: Chal, seen: Certificates, signer: Signer) -> Auth:
    """Return `auth` with the dialing console's signature."""
    return replace(auth, signature=signer.sign(_auth_bytes(auth, chal, seen)))


def verify_auth(auth: Auth, chal: Chal, seen: Certificates, verifier: Verifier) -> bool:
    """Return whether `auth` answers `chal`, here, with the key that it names."""
    return verifier(auth.key, _auth_bytes(auth, chal, seen), auth.signature)


def sign_welcome(
    welcome: Welcome, chal: Chal, auth: Auth, seen: Certificates, signer: Signer
) -> Welcome:
    """Return `welcome` with the listening console's signature."""
    return replace(welcome, signature=signer.sign(_welcome_bytes(welcome, chal, auth, seen)))


def verify_welcome(
    welcome: Welcome, chal: Chal, auth: Auth, seen: Certificates, verifier: Verifier
) -> bool:
    """Return whether the key that `welcome` names opened this session."""
    signed = _welcome_bytes(welcome, chal, auth, seen)
    return verifier(welcome.key, signed, welcome.signature)


def _auth_bytes(auth: Auth, chal: Chal, seen: Certificates) -> bytes:
    # The label comes first: no packet, head or record begins with it.
    return _LABEL + _DIALER + standing_for(chal, auth, seen)


def _welcome_bytes(welcome: Welcome, chal: Chal, auth: Auth, seen: Certificates) -> bytes:
    unsigned = encode(replace(welcome, signature=NO_SIGNATURE))
    return _LABEL + _LISTENER + standing_for(chal, auth, seen) + unsigned
