"""ML-DSA-65 alone: the long-lasting signatures on heads (docs/ledger.md §7.6)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey


class MldsaSigner:
    """The ML-DSA-65 half of a key; implements `hotline.core.seams.Signer`."""

    __slots__ = ("_private", "public_key")

    def __init__(self, seed: bytes) -> None:
        """Take the key's seed of 32 bytes."""
        self._private = MLDSA65PrivateKey.from_seed_bytes(seed)
        self.public_key = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return a signature of 3309 bytes; each time another one."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return "MldsaSigner(...)"


def verify_mldsa65(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether `signature` of `message` is by `public_key` (1952 bytes).

    Implements `hotline.core.seams.Verifier`; a malformed key verifies nothing.
    """
    try:
        MLDSA65PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
