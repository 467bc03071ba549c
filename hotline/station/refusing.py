"""A statement that does not verify: what can be said of it and of its number all the same."""

from __future__ import annotations

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.exchange.commands import Quarantine
from hotline.core.messages.statement import STATEMENT_TYPE
from hotline.core.records.events import OrderRef
from hotline.core.values import sha256
from hotline.sealing import items as its
from hotline.sealing.order import Order, order_digest, verify_order
from hotline.sealing.roster import Roster

UNOPENED = "cells that do not open"
LATE = "cells for keys that are gone; their sender is asked to say it again"
"""What a relay keeps for a station may come after the key that opens it was destroyed."""


def refuse_item(roster: Roster, peer: str, item: its.StatementItem, reason: str) -> Quarantine:
    """Return the command that keeps a statement item of `peer` as refused.

    Its number is named when `peer` signed it for these very bytes.
    Spec: docs/protocol.md §7.10
    """
    digest = _digest_of(item)
    order = _order_of(roster, peer, item, digest)
    return Quarantine(peer, digest, reason, its.encode_item(item), order)


def _order_of(roster: Roster, peer: str, item: its.StatementItem, digest: str) -> OrderRef | None:
    try:
        order, _ = verify_order(roster, item.order)
    except PeerError:
        return None
    fits = order.sender == peer and order.digest.hex() == digest
    return reference_of(order) if fits else None


def reference_of(order: Order) -> OrderRef:
    """Return an order as events name it."""
    return OrderRef(
        generation=order.generation,
        seq=order.seq,
        prev=order.prev.hex(),
        digest=order_digest(order).hex(),
    )


def _digest_of(item: its.StatementItem) -> str:
    """Return the identity of a statement that does not verify, or "" when it has none."""
    try:
        body = canonical.decode(item.envelope, what="envelope", max_bytes=its.MAX_ITEM_BYTES)
        payload = canonical.from_base64(body["payload"], what="payload")
    except (PeerError, KeyError, TypeError, AttributeError):
        return ""
    return sha256(canonical.pae(STATEMENT_TYPE, payload)).hex()
