"""What the pure floor asks of the floors that hold keys, clocks and chance.

Sealing implements the cryptographic ones, host the clock and the entropy;
station, review and cli hand them down. The ledger and the transport never
import a cryptographic library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hotline.core.values import Digest, Realm

Clock = Callable[[], int]
"""Returns milliseconds since 1970, UTC."""

Entropy = Callable[[int], bytes]
"""Returns that many bytes nobody can foresee."""


class Signer(Protocol):
    """A key that signs: Ed25519, or ML-DSA-65 where a long-lasting signature is asked for."""

    @property
    def public_key(self) -> bytes:
        """32 bytes, or 1952 of ML-DSA-65."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`: 64 bytes, or 3309 of ML-DSA-65."""


class Verifier(Protocol):
    """Checks Ed25519 signatures as strictly as libsodium does, or ML-DSA-65 ones."""

    def __call__(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` of `message` is by `public_key`; lengths as in Signer."""


class BlobSealer(Protocol):
    """Seals what a ledger entry says under the epoch key of its month.

    `kind` is the entry's kind, plus ENCLOSURE_KIND for the entry's enclosure.
    Spec: docs/ledger.md §4
    """

    def seal(self, origin: str, index: int, kind: int, plaintext: bytes, at_ms: int) -> bytes:
        """Return the sealed blob."""

    def open(self, origin: str, index: int, kind: int, blob: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            ErasedContentError: the key of the blob's epoch was destroyed.
            MissingKeyError: it is not here.
            IntegrityError: the blob was altered, or moved.
        """


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """Who may sign heads of a ledger, as its public records name them.

    Attributes:
        realm: Realm of the line.
        line: Line id: SHA-256 of the charter's PAE.
        name: The line's name in the charter.
        members: Station names, as the charter orders them.
        ledger_keys: For each member its certified Ed25519 ledger keys.
        lasting_keys: For each member the ML-DSA-65 halves of the same keys.
        root_words: For each member its root's fingerprint in words.
        record_digests: Digest of every public record that was accepted.
        outside_keys: For each member the outside witnesses that it named itself, by key
            name; that vouches for none of them.
    """

    realm: Realm
    line: Digest
    name: str
    members: tuple[str, ...]
    ledger_keys: Mapping[str, tuple[bytes, ...]]
    lasting_keys: Mapping[str, tuple[bytes, ...]]
    root_words: Mapping[str, str]
    record_digests: frozenset[Digest]
    outside_keys: Mapping[str, Mapping[str, tuple[bytes, ...]]] = field(default_factory=dict)


IdentifyLedger = Callable[[Sequence[bytes]], LedgerIdentity]
"""Checks a ledger's public records (canonical DSSE envelopes) against one another.

Raises IntegrityError when one of them does not verify.
"""
