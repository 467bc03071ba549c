"""The station root: an offline key pair that certifies a station's working keys."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.times import parse_time
from hotline.core.values import Digest, Realm, sha256
from hotline.sealing.dsse import Envelope, decode_envelope, hybrid_signatures
from hotline.sealing.hybrid import HybridPublicKey
from hotline.sealing.shapes import (
    DigestHex,
    One,
    PublicKeys,
    RealmName,
    StationName,
    Strict,
    Time,
    read_shape,
)

ROOT_TYPE = "application/vnd.hotline.root.v1+json"
MAX_ROOT_BYTES = 8_192
MAX_ROOT_ENVELOPE_BYTES = 24_576


class RootBody(Strict):
    """The signed payload of a root record.

    Attributes:
        next_root_hash: Commits to the keys of the next root (`next_root_hash`),
            so that a thief of this one cannot name its successor.
    Spec: docs/protocol.md §4.6
    """

    v: One
    station: StationName
    realm: RealmName
    keys: PublicKeys
    created: Time
    next_root_hash: DigestHex


@dataclass(frozen=True, slots=True)
class Root:
    """A root record whose own signature verified. `digest` is its identity."""

    digest: Digest
    station: str
    realm: Realm
    key: HybridPublicKey
    created_ms: int
    next_root_hash: Digest


def next_root_hash(key: HybridPublicKey) -> Digest:
    """Return what a root record says of its successor's keys.

    Formula: SHA-256("hotline next root v1" ‖ Ed25519 key 32 ‖ ML-DSA-65 key 1952)
    Spec: docs/protocol.md §4.6
    """
    return sha256(b"hotline next root v1" + key.ed25519 + key.mldsa65)


def verify_root(encoded: bytes) -> Root:
    """Read a root record and check its signature by its own keys.

    The result says that somebody holds those keys; whose they are, a charter
    and officers who compared the fingerprint say.

    Raises:
        PeerError: malformed, or the signature does not verify.
    Spec: docs/protocol.md §4.6
    """
    return root_from_envelope(read_root(encoded))


def root_from_envelope(envelope: Envelope) -> Root:
    """Check a root record that is already decoded, as `verify_root` does."""
    body = read_shape(RootBody, envelope.payload, what="root record", max_bytes=MAX_ROOT_BYTES)
    root = _root(envelope, body)
    signatures = hybrid_signatures(envelope, what="root record")
    if set(signatures) != {root.digest}:
        raise PeerError("root record: it must be signed by itself and nobody else")
    if not root.key.verify(envelope.message, signatures[root.digest]):
        raise PeerError("root record: its signature does not verify")
    return root


def parse_root(encoded: bytes) -> Root:
    """Read a root record, a successor's too, that was verified before; no signature is checked.

    Raises:
        PeerError: it is not a root record.
    """
    envelope = read_root(encoded)
    body = read_shape(RootBody, envelope.payload, what="root record", max_bytes=MAX_ROOT_BYTES)
    return _root(envelope, body)


def _root(envelope: Envelope, body: RootBody) -> Root:
    return Root(
        digest=envelope.digest,
        station=body.station,
        realm=body.realm,
        key=HybridPublicKey(body.keys.ed25519, body.keys.mldsa65),
        created_ms=parse_time(body.created),
        next_root_hash=body.next_root_hash,
    )


def verify_successor(envelope: Envelope, before: Root) -> Root:
    """Check the record of the root that follows `before`: committed to, and signed by both.

    Raises:
        PeerError: malformed, of another station or realm, not the successor that
            `before` committed to, or not signed by itself and `before` alone.
    Spec: docs/protocol.md §4.24
    """
    what = "successor root"
    body = read_shape(RootBody, envelope.payload, what=what, max_bytes=MAX_ROOT_BYTES)
    root = _root(envelope, body)
    if (root.station, root.realm) != (before.station, before.realm):
        raise PeerError("successor root: its station or realm is not that of the root before")
    if next_root_hash(root.key) != before.next_root_hash:
        raise PeerError("successor root: it is not the one that the root before committed to")
    signatures = hybrid_signatures(envelope, what=what)
    if set(signatures) != {root.digest, before.digest}:
        raise PeerError("successor root: itself and the root before must sign it, nobody else")
    message = envelope.message
    if not root.key.verify(message, signatures[root.digest]):
        raise PeerError("successor root: its own signature does not verify")
    if not before.key.verify(message, signatures[before.digest]):
        raise PeerError("successor root: the signature of the root before does not verify")
    return root


def read_root(encoded: bytes) -> Envelope:
    """Decode a root record's envelope; nothing is verified yet.

    Raises:
        PeerError: it is not an envelope of a root record.
    """
    return decode_envelope(
        encoded, expect=(ROOT_TYPE,), what="root record", max_bytes=MAX_ROOT_ENVELOPE_BYTES
    )
