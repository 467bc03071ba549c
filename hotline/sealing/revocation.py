"""Revocations: a station's root says from when a certificate is no longer trusted.

Numbered ones form a chain of their station, whose head stands in every packet.
A prepared one has number 0: it is signed before anybody knows whether it will be
needed, kept apart from the key that it ends, and used without the root.
Spec: docs/protocol.md §4.21, §4.22
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hotline.core.errors import OperatorError, PeerError
from hotline.core.times import format_time, parse_time
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.enrol import RootKey
from hotline.sealing.root import Root
from hotline.sealing.shapes import (
    Count,
    DigestHex,
    GivenReason,
    One,
    RealmName,
    StationName,
    Strict,
    Time,
    read_shape,
    shape,
    write_shape,
)

REVOCATION_TYPE = "application/vnd.hotline.revocation.v1+json"
PREPARED = 0
"""The number of a revocation that stands in no chain."""

MAX_REVOCATION_BYTES = 4_096
MAX_REVOCATION_ENVELOPE_BYTES = 12_288

_WHAT = "revocation"


class Effect(StrEnum):
    """What the root says: a certificate ends for good, or a suspension is over."""

    REVOKE = "revoke"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a root signs, and what of it was verified.

    Attributes:
        counter: Its number in the chain of its station from 1, or PREPARED.
        previous: Digest of the one before; zeros for the first and for a prepared one.
        subject: The certificate that ends, or the authorisation of the suspension that is over.
        at_ms: When it was signed, milliseconds UTC; `since_ms`: what arrives from then on
            is not trusted, never later than `at_ms`.
    """

    station: str
    realm: Realm
    counter: int
    previous: Digest
    effect: Effect
    subject: Digest
    reason: str
    at_ms: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class VerifiedRevocation:
    """A revocation that verified under a root of its station; `digest` is its identity."""

    digest: Digest
    root: Digest
    revocation: Revocation


class _Body(Strict):
    """The signed payload."""

    v: One
    station: StationName
    realm: RealmName
    counter: Count
    previous: DigestHex
    effect: Annotated[Effect, Field(strict=False)]
    subject: DigestHex
    reason: GivenReason
    at: Time
    since: Time


def sign_revocation(revocation: Revocation, root: RootKey) -> bytes:
    """Sign as the station's root; return the canonical envelope.

    Raises:
        OperatorError: not as `verify_revocation` will ask for it.
    Spec: docs/protocol.md §4.21
    """
    body = {
        "v": 1,
        "station": revocation.station,
        "realm": revocation.realm.value,
        "counter": revocation.counter,
        "previous": revocation.previous.hex(),
        "effect": revocation.effect.value,
        "subject": revocation.subject.hex(),
        "reason": revocation.reason,
        "at": format_time(revocation.at_ms),
        "since": format_time(revocation.since_ms),
    }
    try:
        _check(revocation, root.station, root.realm)
        envelope = Envelope(REVOCATION_TYPE, write_shape(shape(_Body, body, what=_WHAT)))
    except PeerError as error:
        raise OperatorError(str(error), hint="give other words, or an earlier time") from error
    return encode_envelope(envelope.with_hybrid(root.digest, root.signer.sign(envelope.message)))


def read_revocation(encoded: bytes) -> Envelope:
    """Decode a revocation's envelope; nothing is verified yet.

    Raises:
        PeerError: it is not an envelope of a revocation.
    """
    return decode_envelope(
        encoded, expect=(REVOCATION_TYPE,), what=_WHAT, max_bytes=MAX_REVOCATION_ENVELOPE_BYTES
    )


def place_of(envelope: Envelope) -> tuple[str, int]:
    """Return station and number of a revocation; nothing is verified.

    Raises:
        PeerError: malformed.
    """
    body = read_shape(_Body, envelope.payload, what=_WHAT, max_bytes=MAX_REVOCATION_BYTES)
    return body.station, body.counter


def verify_revocation(envelope: Envelope, root: Root) -> VerifiedRevocation:
    """Check a revocation under the root that its signature names.

    Raises:
        PeerError: malformed, by another root, of another station or realm than the
            root's, or a signature does not verify.
    Spec: docs/protocol.md §4.21
    """
    body = read_shape(_Body, envelope.payload, what=_WHAT, max_bytes=MAX_REVOCATION_BYTES)
    revocation = Revocation(
        station=body.station,
        realm=body.realm,
        counter=body.counter,
        previous=body.previous,
        effect=body.effect,
        subject=body.subject,
        reason=body.reason,
        at_ms=parse_time(body.at),
        since_ms=parse_time(body.since),
    )
    _check(revocation, root.station, root.realm)
    signatures = hybrid_signatures(envelope, what=_WHAT)
    if set(signatures) != {root.digest}:
        raise PeerError("revocation: it is not signed by this root alone")
    if not root.key.verify(envelope.message, signatures[root.digest]):
        raise PeerError("revocation: its signature does not verify")
    return VerifiedRevocation(envelope.digest, root.digest, revocation)


def _check(revocation: Revocation, station: str, realm: Realm) -> None:
    """Refuse what contradicts itself, or the root that signs it."""
    if (revocation.station, revocation.realm) != (station, realm):
        raise PeerError("revocation: its station or realm is not its root's")
    if revocation.since_ms > revocation.at_ms:
        raise PeerError("revocation: it begins after it was signed")
    if (revocation.counter <= 1) != (revocation.previous == ZERO_DIGEST):
        raise PeerError("revocation: the first and a prepared one, no other, have zeros before")
    if revocation.counter == PREPARED and revocation.effect is not Effect.REVOKE:
        raise PeerError("revocation: what is prepared can only end a certificate")
