"""What erasing a month and holding a case mean for the Situation (docs/ledger.md §20)."""

from __future__ import annotations

from hotline.core.errors import PeerError
from hotline.core.exchange.gaps import fold_given_up
from hotline.core.exchange.rules import ERASED
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.events import OrderRef


def keep_house(situation: Situation, event: ev.Event) -> None:
    """Fold the events of erasing and holding; no other event changes anything here."""
    match event:
        case ev.ContentErased():
            situation.erased[event.epoch] = situation.erased.get(event.epoch, 0) + 1
            if event.was == ev.StatementReceived.kind:
                situation.erased_received.add(event.subject)
        case ev.EpochKeyDestroyed():
            _carry(situation, event)
        case ev.HoldPlaced():
            situation.holds[event.case] = event.reason
        case ev.HoldReleased():
            situation.holds.pop(event.case, None)
        case ev.LineClosed():
            situation.closed_for = event.successor
        case ev.WitnessDropped():
            situation.witnesses.pop(event.vkey.partition("+")[0], None)
        case ev.WitnessAnswered():
            situation.witnesses[event.witness] = event.state
        case _:
            pass


def _carry(situation: Situation, event: ev.EpochKeyDestroyed) -> None:
    """Go on from the orders of the erased time where nothing later is known.

    Spec: docs/ledger.md §20.7
    """
    situation.erased.setdefault(event.epoch, 0)
    if event.our_order is not None:
        _hold(situation, situation.station, event.our_order)
        ours = event.our_order.generation == situation.generation
        if ours and is_later(event.our_order, situation.our_order):
            situation.our_order = event.our_order
    for station, order in event.their_orders.items():
        _hold(situation, station, order)
        fold_given_up(situation, station, order)
        if is_later(order, situation.their_orders.get(station)):
            situation.their_orders[station] = order


def _hold(situation: Situation, station: str, order: OrderRef) -> None:
    situation.erased_orders[station] = order
    situation.seen_orders.setdefault((station, order.generation, order.seq), order)


def is_later(order: OrderRef, other: OrderRef | None) -> bool:
    """Return whether `order` comes after `other` (or after nothing) in its sender's order."""
    return other is None or (order.generation, order.seq) > (other.generation, other.seq)


def check_not_erased(situation: Situation, sender: str, order: OrderRef) -> None:
    """Refuse a number of the time that was erased here: nobody can say that it is new.

    Another order under a number that is known is left to others: it is a fork.

    Raises:
        PeerError: the number lies in that time, and no other order with it is known.
    Spec: docs/ledger.md §20.7
    """
    floor = situation.erased_orders.get(sender)
    if floor is None or is_later(order, floor):
        return
    known = situation.seen_orders.get((sender, order.generation, order.seq))
    if known is None or known == order:
        raise PeerError(f"{ERASED}: its number lies in a time whose record was erased here")


def check_first_receipt(situation: Situation, digest: str) -> None:
    """Refuse a statement that was received in a time that was erased here.

    Raises:
        PeerError: it was, under whatever order it comes now.
    Spec: docs/ledger.md §20.7
    """
    if digest in situation.erased_received:
        raise PeerError(f"{ERASED}: it was received here in a time whose record was erased")
