"""The key that cells are sealed to: ML-KEM-768 and X25519 joined (suite 1)."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
)

from hotline.core.errors import InvariantError, PeerError
from hotline.core.seams import Entropy
from hotline.core.values import sha256

PREKEY_SEED_BYTES = 32
PREKEY_PUBLIC_BYTES = 1216
KEY_ID_BYTES = 16
_MLKEM_SEED_BYTES = 64
_MLKEM_PUBLIC_BYTES = 1184
_PROBE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
"""Any scalar: an exchange with a small-order point gives zeros and is refused."""


def prekey_id(public_bytes: bytes) -> bytes:
    """Return the 16-byte name of a key in cell headers: SHA-256("kid1" ‖ pk)[:16].

    Spec: docs/protocol.md §7.7
    """
    return sha256(b"kid1" + public_bytes)[:KEY_ID_BYTES]


class PrekeyPublic:
    """A station's sealing key as others know it, validated and parsed once."""

    __slots__ = ("encoded", "handle", "key_id")

    def __init__(self, encoded: bytes) -> None:
        """Parse PREKEY_PUBLIC_BYTES: ML-KEM-768 key 1184 ‖ X25519 key 32.

        Raises:
            PeerError: another length, coefficients out of range, or an X25519
                point of small order.
        Spec: docs/protocol.md §7.7
        """
        if len(encoded) != PREKEY_PUBLIC_BYTES:
            raise PeerError(f"a sealing key has {PREKEY_PUBLIC_BYTES} bytes")
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(encoded[:_MLKEM_PUBLIC_BYTES])
            x25519 = X25519PublicKey.from_public_bytes(encoded[_MLKEM_PUBLIC_BYTES:])
            _PROBE.exchange(x25519)
        except ValueError as error:
            raise PeerError("a sealing key is malformed") from error
        self.encoded = encoded
        self.key_id = prekey_id(encoded)
        self.handle = MLKEM768X25519PublicKey(mlkem, x25519)

    @classmethod
    def of(cls, private: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> PrekeyPublic:
        """Return the public half of a key of our own: there is nothing to doubt about it."""
        halves = private.public_key(), x25519.public_key()
        public = cls.__new__(cls)
        public.encoded = halves[0].public_bytes_raw() + halves[1].public_bytes_raw()
        public.key_id = prekey_id(public.encoded)
        public.handle = MLKEM768X25519PublicKey(*halves)
        return public

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrekeyPublic) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.key_id)

    def __repr__(self) -> str:
        return f"PrekeyPublic(key_id={self.key_id.hex()})"


class Prekey:
    """A sealing key that opens. Drop the object to forget the key (docs/threat-model.md §4.1)."""

    __slots__ = ("_seed", "handle", "public")

    def __init__(self, seed: bytes) -> None:
        """Expand a seed of PREKEY_SEED_BYTES: SHAKE256(seed, 96) = ML-KEM 64 ‖ X25519 32.

        Spec: docs/protocol.md §7.7
        """
        if len(seed) != PREKEY_SEED_BYTES:
            raise InvariantError(f"a sealing key's seed has {PREKEY_SEED_BYTES} bytes")
        expanded = hashlib.shake_256(seed).digest(96)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._seed = seed
        self.handle = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = PrekeyPublic.of(mlkem, x25519)

    @property
    def seed(self) -> bytes:
        """What a key file keeps of this key."""
        return self._seed

    @property
    def key_id(self) -> bytes:
        """The 16-byte name that cells for this key carry."""
        return self.public.key_id

    def __repr__(self) -> str:
        return "Prekey(...)"


def draw_prekey(entropy: Entropy) -> Prekey:
    """Draw a new sealing key."""
    return Prekey(entropy(PREKEY_SEED_BYTES))
