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
    envelope = decode_envelope(
        encoded, expect=(ROOT_TYPE,), what="root record", max_bytes=MAX_ROOT_ENVELOPE_BYTES
    )
    return root_from_envelope(envelope)


def root_from_envelope(envelope: Envelope) -> Root:
    """Check a root record that is already decoded, as `verify_root` does."""
    body = read_shape(RootBody, envelope.payload, what="root record", max_bytes=MAX_ROOT_BYTES)
    digest = envelope.digest
    signatures = hybrid_signatures(envelope, what="root record")
    if set(signatures) != {digest}:
        raise PeerError("root record: it must be signed by itself and nobody else")
    key = HybridPublicKey(body.keys.ed25519, body.keys.mldsa65)
    if not key.verify(envelope.message, signatures[digest]):
        raise PeerError("root record: its signature does not verify")
    created_ms = parse_time(body.created)
    return Root(digest, body.station, body.realm, key, created_ms, body.next_root_hash)
