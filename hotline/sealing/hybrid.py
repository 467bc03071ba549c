"""Hybrid signatures: Ed25519 AND ML-DSA-65 over the same bytes, both must verify."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)

from hotline.core.errors import InvariantError, PeerError
from hotline.core.seams import Entropy
from hotline.sealing.ed25519 import SEED_BYTES, Ed25519Signer, check_point, verify_ed25519

MLDSA_PUBLIC_KEY_BYTES = 1952
MLDSA_SIGNATURE_BYTES = 3309


@dataclass(frozen=True, slots=True)
class HybridSignature:
    """The two halves: 64 and MLDSA_SIGNATURE_BYTES bytes, over the same message."""

    ed25519: bytes
    mldsa65: bytes


@dataclass(frozen=True, slots=True)
class HybridSeeds:
    """Two independent seeds of 32 bytes: what a key file keeps of a signing key."""

    ed25519: bytes = field(repr=False)
    mldsa65: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.ed25519) != SEED_BYTES or len(self.mldsa65) != SEED_BYTES:
            raise InvariantError(f"a hybrid key has two seeds of {SEED_BYTES} bytes")


def draw_hybrid_seeds(entropy: Entropy) -> HybridSeeds:
    """Draw the seeds of a new signing key."""
    return HybridSeeds(entropy(SEED_BYTES), entropy(SEED_BYTES))


class HybridPublicKey:
    """Both public keys, validated and parsed once."""

    __slots__ = ("_mldsa", "ed25519", "mldsa65")

    def __init__(self, ed25519: bytes, mldsa65: bytes) -> None:
        """Validate and parse keys of 32 and MLDSA_PUBLIC_KEY_BYTES bytes.

        Raises:
            PeerError: one of them is not a key.
        Spec: docs/protocol.md §4.9
        """
        self.ed25519 = check_point(ed25519)
        self.mldsa65 = mldsa65
        try:
            self._mldsa = MLDSA65PublicKey.from_public_bytes(mldsa65)
        except ValueError as error:
            raise PeerError("an ML-DSA-65 key is malformed") from error

    def verify(self, message: bytes, signature: HybridSignature) -> bool:
        """Return whether both halves of `signature` are by this key over `message`.

        Spec: docs/protocol.md §4.3
        """
        if not verify_ed25519(self.ed25519, message, signature.ed25519):
            return False
        try:
            self._mldsa.verify(signature.mldsa65, message)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HybridPublicKey):
            return NotImplemented
        return (self.ed25519, self.mldsa65) == (other.ed25519, other.mldsa65)

    def __hash__(self) -> int:
        return hash((self.ed25519, self.mldsa65))

    def __repr__(self) -> str:
        return f"HybridPublicKey(ed25519={self.ed25519.hex()[:16]}...)"


class HybridSigner:
    """A key that signs with both algorithms; `ed25519` is its classical half alone."""

    __slots__ = ("_mldsa", "_seeds", "ed25519", "public_key")

    def __init__(self, seeds: HybridSeeds) -> None:
        self._seeds = seeds
        self._mldsa = MLDSA65PrivateKey.from_seed_bytes(seeds.mldsa65)
        self.ed25519 = Ed25519Signer(seeds.ed25519)
        self.public_key = HybridPublicKey(
            self.ed25519.public_key, self._mldsa.public_key().public_bytes_raw()
        )

    @property
    def seeds(self) -> HybridSeeds:
        """What a key file keeps of this key."""
        return self._seeds

    def sign(self, message: bytes) -> HybridSignature:
        """Sign `message` with both keys; the ML-DSA half differs each time."""
        return HybridSignature(self.ed25519.sign(message), self._mldsa.sign(message))

    def __repr__(self) -> str:
        return "HybridSigner(...)"
