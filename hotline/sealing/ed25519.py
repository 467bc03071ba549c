"""Ed25519 as libsodium does it: sign, verify strictly, validate points."""

from __future__ import annotations

import nacl.bindings as sodium
from nacl.exceptions import BadSignatureError

from hotline.core.errors import InvariantError, PeerError

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


class Ed25519Signer:
    """An Ed25519 key that signs; implements `hotline.core.seams.Signer`."""

    __slots__ = ("_public_key", "_secret_key")

    def __init__(self, seed: bytes) -> None:
        """Expand a seed of SEED_BYTES that nobody else knows."""
        if len(seed) != SEED_BYTES:
            raise InvariantError(f"an Ed25519 seed has {SEED_BYTES} bytes")
        self._public_key, self._secret_key = sodium.crypto_sign_seed_keypair(seed)

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`; the same each time."""
        return sodium.crypto_sign(message, self._secret_key)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return "Ed25519Signer(...)"


def verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether `signature` of `message` is by `public_key`.

    Small-order and non-canonical keys, and non-canonical signatures, are
    refused by libsodium. Implements `hotline.core.seams.Verifier`.
    Spec: docs/protocol.md §4.3
    """
    # The binding hands the key to C without looking at its length.
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        sodium.crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def check_point(public_key: bytes) -> bytes:
    """Return `public_key` if it is a canonical point of the prime-order group.

    Raises:
        PeerError: another length, off the curve, of small order or with a
            small-order part: such a key makes signatures that prove nothing.
    Spec: docs/protocol.md §4.9
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise PeerError(f"an Ed25519 key has {PUBLIC_KEY_BYTES} bytes")
    if not sodium.crypto_core_ed25519_is_valid_point(public_key):
        raise PeerError("an Ed25519 key is not a point of the prime-order group")
    return public_key
