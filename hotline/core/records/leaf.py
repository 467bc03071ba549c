"""The ledger's leaf: the one format of our own, 148 bytes that never change shape."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from hotline.core.errors import InvariantError, PeerError
from hotline.core.times import MAX_TIME_MS
from hotline.core.values import DIGEST_BYTES, ZERO_DIGEST, Digest, sha256

LEAF_VERSION = 1
LEAF_BYTES = 148
SALT_BYTES = 32
MAX_KIND = 255
MAX_INDEX = 2**62

ENCLOSURE = 1
"""Flag: a sealed enclosure belongs to the entry and `sealed_digest` covers it."""
PUBLIC = 2
"""Flag: the entry binds a public record; `subject` is the record's digest."""
KNOWN_FLAGS = ENCLOSURE | PUBLIC

ENCLOSURE_KIND = 256
"""Added to an entry's kind when its enclosure is sealed: no blob passes for the other."""

_LAYOUT = struct.Struct(">BBHQQ32s32s32s32s")
_COMMITMENT_PREFIX = b"hotline content v1"
_LEAF_PREFIX = b"\x00"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What an entry shows to somebody without the content key.

    Attributes:
        kind: 1 to MAX_KIND.
        flags: ENCLOSURE, PUBLIC or both.
        index: Place in the log, 0 to MAX_INDEX.
        recorded_at_ms: The station's clock, milliseconds UTC, 0 to MAX_TIME_MS.
        prev: Hash of the leaf before, zeros at index 0.
        subject: Digest of the statement or public record it is about, or zeros.
        commitment: What `commitment` returns for the content.
        sealed_digest: What `sealed_digest` returns for the blobs.
    Spec: docs/ledger.md §2
    """

    kind: int
    flags: int
    index: int
    recorded_at_ms: int
    prev: Digest
    subject: Digest
    commitment: Digest
    sealed_digest: Digest

    @property
    def has_enclosure(self) -> bool:
        """Whether a sealed enclosure belongs to the entry."""
        return bool(self.flags & ENCLOSURE)

    @property
    def binds_public(self) -> bool:
        """Whether the entry binds a public record by its subject."""
        return bool(self.flags & PUBLIC)


def encode_leaf(leaf: Leaf) -> bytes:
    """Return the LEAF_BYTES that are hashed, stored and disclosed.

    Raises:
        InvariantError: a field is outside the bounds that `decode_leaf` keeps.
    Spec: docs/ledger.md §2.1
    """
    fault = _fault_of(leaf)
    if fault:
        raise InvariantError(f"a leaf cannot be written: {fault}")
    return _LAYOUT.pack(
        LEAF_VERSION,
        leaf.kind,
        leaf.flags,
        leaf.index,
        leaf.recorded_at_ms,
        leaf.prev,
        leaf.subject,
        leaf.commitment,
        leaf.sealed_digest,
    )


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf; there is one spelling of each.

    Raises:
        PeerError: wrong length or version, an unknown flag, a field out of bounds.
    Spec: docs/ledger.md §2.2
    """
    if len(data) != LEAF_BYTES:
        raise PeerError(f"a leaf has {LEAF_BYTES} bytes, this one has {len(data)}")
    version, kind, flags, index, at_ms, prev, subject, commits, sealed = _LAYOUT.unpack(data)
    if version != LEAF_VERSION:
        raise PeerError(f"leaf version {version} is unknown")
    leaf = Leaf(
        kind, flags, index, at_ms, Digest(prev), Digest(subject), Digest(commits), Digest(sealed)
    )
    fault = _fault_of(leaf)
    if fault:
        raise PeerError(f"a leaf is malformed: {fault}")
    return leaf


def _fault_of(leaf: Leaf) -> str | None:
    # Every append comes by here: no table of faults is built for a leaf that has none.
    if not 1 <= leaf.kind <= MAX_KIND:
        return "its kind is not 1 to 255"
    if leaf.flags & ~KNOWN_FLAGS:
        return "it has an unknown flag"
    if not 0 <= leaf.index <= MAX_INDEX:
        return "its index is out of bounds"
    if not 0 <= leaf.recorded_at_ms <= MAX_TIME_MS:
        return "its time is not in 1970 to 9999"
    linked = len(leaf.prev) == len(leaf.subject) == DIGEST_BYTES
    if not (linked and len(leaf.commitment) == len(leaf.sealed_digest) == DIGEST_BYTES):
        return "a digest is not 32 bytes"
    if leaf.index == 0 and leaf.prev != ZERO_DIGEST:
        return "the first leaf names one before it"
    return None


def leaf_hash(leaf: bytes) -> Digest:
    """Return the RFC 6962 hash of an encoded leaf: SHA-256(0x00 ‖ leaf).

    Args:
        leaf: LEAF_BYTES long.
    Raises:
        InvariantError: it has another length.
    Spec: docs/ledger.md §2.3
    """
    if len(leaf) != LEAF_BYTES:
        raise InvariantError(f"a leaf has {LEAF_BYTES} bytes, not {len(leaf)}")
    return Digest(hashlib.sha256(_LEAF_PREFIX + leaf).digest())


def commitment(salt: bytes, content: bytes) -> Digest:
    """Return SHA-256("hotline content v1" ‖ salt ‖ content).

    Args:
        salt: SALT_BYTES that nobody can guess, so that the content cannot be guessed.
    Raises:
        InvariantError: `salt` has another length: a movable border between salt
            and content would let one commitment open in two ways.
    Spec: docs/ledger.md §2.4
    """
    if len(salt) != SALT_BYTES:
        raise InvariantError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return sha256(_COMMITMENT_PREFIX + salt + content)


def sealed_digest(sealed: bytes, enclosure: bytes | None = None) -> Digest:
    """Return the digest of an entry's sealed blob, or of blob and sealed enclosure.

    Formula: SHA-256(sealed), with an enclosure SHA-256(SHA-256(sealed) ‖ SHA-256(enclosure))
    Spec: docs/ledger.md §2.5
    """
    if enclosure is None:
        return sha256(sealed)
    return sha256(sha256(sealed) + sha256(enclosure))
