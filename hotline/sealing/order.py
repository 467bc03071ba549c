"""The order: where a statement stands in what a station said on a line (docs/protocol.md §7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.seams import Signer
from hotline.core.values import ZERO_DIGEST, Digest, sha256
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.dsse import (
    ED25519,
    Envelope,
    SignatureEntry,
    decode_envelope,
    encode_envelope,
    single_signature,
)
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import Roster
from hotline.sealing.shapes import Count, DigestHex, StationName, Strict, read_shape

ORDER_TYPE = "application/vnd.hotline.order.v1+json"
MAX_ORDER_BYTES = 512
MAX_ORDER_ENVELOPE_BYTES = 2_048


@dataclass(frozen=True, slots=True)
class Order:
    """A statement's place, given by its station and not by its officers.

    Attributes:
        sender: The station whose sequence this is.
        generation: Generation of the station's ledger; a restored one starts anew.
        seq: From 1 in each (line, sender, generation).
        prev: `order_digest` of the order before; zeros at seq 1.
        digest: The statement's digest.
    """

    line: Digest
    sender: str
    generation: int
    seq: int
    prev: Digest
    digest: Digest


class _OrderBody(Strict):
    digest: DigestHex
    sender: Annotated[StationName, Field(alias="from")]
    generation: Count
    line: DigestHex
    prev: DigestHex
    seq: Annotated[Count, Field(ge=1)]


def _payload(order: Order) -> bytes:
    return canonical.encode(
        {
            "digest": order.digest.hex(),
            "from": order.sender,
            "generation": order.generation,
            "line": order.line.hex(),
            "prev": order.prev.hex(),
            "seq": order.seq,
        }
    )


def order_digest(order: Order) -> Digest:
    """Return what the next order names as `prev`: SHA-256 of the order's PAE."""
    return sha256(canonical.pae(ORDER_TYPE, _payload(order)))


def sign_order(order: Order, signer: Signer, cert_id: Digest) -> bytes:
    """Sign an order with the station's ledger key; return the envelope.

    Args:
        signer: The Ed25519 half of the key that `cert_id` certifies for `ledger`.
    """
    envelope = Envelope(ORDER_TYPE, _payload(order))
    entry = SignatureEntry(cert_id, ED25519, signer.sign(envelope.message))
    return encode_envelope(Envelope(ORDER_TYPE, envelope.payload, (entry,)))


def read_order(encoded: bytes) -> Order:
    """Read an order without looking at its signature.

    Raises:
        PeerError: malformed, or zeros as `prev` anywhere but at seq 1.
    """
    return _order(_decode(encoded))


def verify_order(roster: Roster, encoded: bytes) -> tuple[Order, Certificate]:
    """Check an order and return it with the ledger certificate that signed it.

    An expired ledger key still orders what it ordered: the caller looks at
    `Certificate.covers` when the time of signing matters.

    Raises:
        PeerError: malformed, of another line, or not signed by a ledger key of
            the station that it is from.
    Spec: docs/protocol.md §7.1
    """
    envelope = _decode(encoded)
    order = _order(envelope)
    if order.line != roster.line:
        raise PeerError("order: it belongs to another line")
    entry = single_signature(envelope, what="order")
    certificate = roster.certificates.get(entry.signer)
    if certificate is None or certificate.usage != Usage.LEDGER:
        raise PeerError("order: it is not signed by a ledger key of the charter's members")
    if certificate.station != order.sender:
        raise PeerError("order: its signer belongs to another station")
    if not verify_ed25519(certificate.key.ed25519, envelope.message, entry.signature):
        raise PeerError("order: its signature does not verify")
    return order, certificate


def _decode(encoded: bytes) -> Envelope:
    return decode_envelope(
        encoded, expect=(ORDER_TYPE,), what="order", max_bytes=MAX_ORDER_ENVELOPE_BYTES
    )


def _order(envelope: Envelope) -> Order:
    body = read_shape(_OrderBody, envelope.payload, what="order", max_bytes=MAX_ORDER_BYTES)
    if (body.seq == 1) != (body.prev == ZERO_DIGEST):
        raise PeerError("order: the first one, and no other, has zeros before it")
    return Order(body.line, body.sender, body.generation, body.seq, body.prev, body.digest)
