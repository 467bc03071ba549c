"""Over a border of generations: what is sent again, given back, and taken again (ledger.md §19).

A station whose ledger was put back opens the next generation of it. Its lost
statements come back from the peer, those that never arrived get new places,
and the peer admits the new generation before it takes anything of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hotline.core.canonical import MAX_INTEGER
from hotline.core.errors import PeerError
from hotline.core.exchange.commands import (
    AdmitGeneration,
    Quarantine,
    RecoverStatement,
    SendAgain,
    TakeStatement,
)
from hotline.core.exchange.consequences import consequences
from hotline.core.exchange.crossing import caught_up
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.gaps import MAX_RANGES, Range, within
from hotline.core.exchange.rules import FIRST_GENERATION, FORK, Rules
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.upkeep import is_later
from hotline.core.records import events as ev


def check_generation(situation: Situation, sender: str, order: ev.OrderRef) -> None:
    """Refuse an order of a generation other than the newest that was admitted.

    Raises:
        PeerError: it was left behind, or never opened here.
    Spec: docs/protocol.md §7.1
    """
    admitted = situation.generation_of(sender)
    if order.generation < admitted:
        raise PeerError(f"its order is of generation {order.generation}, which was left behind")
    if order.generation > admitted:
        raise PeerError(f"its order is of generation {order.generation}, which was never opened")


def take_again(recorded: StatementState, command: TakeStatement, now_ms: int) -> Decision:
    """Receipt a statement of the peer's that is known here; nothing follows from it again.

    Only what stands in this generation's ledger can be proved under its heads:
    a statement of an earlier one is recorded once more.
    Spec: docs/ledger.md §19.9
    """
    order, digest = command.told.order, command.told.digest
    if recorded.index < 0:
        received = ev.StatementReceived.model_validate(
            {
                "digest": digest,
                "order": order,
                "verdict": command.verdict,
                "received_at_ms": now_ms,
            }
        )
        planned = Planned.of_told(received, command.told)
        return Decision((planned,), duplicate=True)
    if order in recorded.orders:
        return Decision(duplicate=True)
    renumbered = ev.StatementRenumbered(digest=digest, peer=command.peer, order=order)
    return Decision((Planned(renumbered),), duplicate=True)


def send_again(situation: Situation, command: SendAgain) -> Decision:
    """Give a statement of an earlier generation a place in this one; it is new to nobody.

    Spec: docs/ledger.md §19.8
    """
    told = command.told
    state = situation.statements.get(told.digest)
    if state is None or not state.outbound or state.order.generation >= told.order.generation:
        return Decision(duplicate=True)
    sent = ev.StatementSent(digest=told.digest, order=told.order)
    return Decision((Planned.of_told(sent, told),))


def recover(situation: Situation, rules: Rules, command: RecoverStatement, now_ms: int) -> Decision:
    """Record a statement of ours that the peer gave back, and what followed from it.

    One that the record has under this very order tells nothing new: if nobody receipted
    it, it is sent again under a new order.
    Spec: docs/ledger.md §19.7
    """
    told = command.told
    if told.order.generation >= situation.generation:
        reason = "returned: it is of a generation that lost nothing"
        return _kept_as_evidence(situation, Quarantine(command.peer, "", reason, told.item))
    state = situation.statements.get(told.digest)
    known = state is not None and (
        told.order in state.orders or command.peer not in state.unreceipted
    )
    floor = situation.erased_orders.get(situation.station)
    if known or (floor is not None and not is_later(told.order, floor)):
        return Decision(duplicate=True)
    event = ev.StatementRecovered(digest=told.digest, peer=command.peer, order=told.order)
    recovered = Planned.of_told(event, told)
    if state is not None:
        return Decision((recovered,))
    followed = [Planned(event) for event in consequences(situation, rules, told, now_ms)]
    planned = [recovered, *followed]
    return Decision((*planned, *caught_up(situation, rules, command, planned, now_ms)))


def _kept_as_evidence(situation: Situation, command: Quarantine) -> Decision:
    if (command.peer, command.digest, command.reason) in situation.quarantine_keys:
        return Decision()
    event = ev.StatementQuarantined(sender=command.peer, digest="", reason=command.reason)
    return Decision((Planned(event, item=command.item),))


def admit(situation: Situation, command: AdmitGeneration) -> Decision:
    """Admit the peer's next generation, once.

    Spec: docs/ledger.md §19.5
    """
    event = command.event
    if event.generation <= situation.generation_of(event.peer):
        return Decision(duplicate=True)
    return Decision((Planned(event, public=command.record),))


# --- what is missing ---------------------------------------------------------------------


def our_missing(situation: Situation, peer: str) -> list[Range]:
    """Return which of our earlier orders the peer may hold and we do not know receipted."""
    held: dict[int, set[int]] = {}
    for state in situation.statements.values():
        if state.outbound and _landed(state, peer):
            for order in state.orders:
                held.setdefault(order.generation, set()).add(order.seq)
    floor = situation.erased_orders.get(situation.station)
    return _missing(held, situation.generation - 1, floor)


def their_missing(situation: Situation, peer: str) -> list[Range]:
    """Return which orders of the peer's are not here, up to its newest generation."""
    held: dict[int, set[int]] = {}
    for sender, generation, seq in situation.seen_orders:
        if sender == peer:
            held.setdefault(generation, set()).add(seq)
    return _missing(held, situation.generation_of(peer), situation.erased_orders.get(peer))


def _landed(state: StatementState, peer: str) -> bool:
    refused = state.rejected.get(peer)
    return peer in state.receipted or (refused is not None and not refused.startswith(FORK))


def _missing(held: dict[int, set[int]], newest: int, erased: ev.OrderRef | None) -> list[Range]:
    """Return what is not held; nothing up to `erased`, whose content was destroyed on purpose.

    The last range of each generation reaches over all that is beyond.
    """
    oldest, floor = (erased.generation, erased.seq) if erased else (FIRST_GENERATION, 0)
    ranges = [
        (generation, first, last)
        for generation in range(oldest, newest + 1)
        for first, last in _gaps(held.get(generation, set()), floor if generation == oldest else 0)
    ]
    return ranges[-MAX_RANGES:]


def _gaps(held: Collection[int], before: int) -> Iterator[tuple[int, int]]:
    """Yield the gaps between the numbers of `held` after `before`, and all beyond them."""
    for seq in sorted(one for one in held if one > before):
        if seq > before + 1:
            yield before + 1, seq - 1
        before = seq
    yield before + 1, MAX_INTEGER


def owed(
    situation: Situation, peer: str, theirs: Collection[Range], ours: Collection[Range]
) -> list[str]:
    """Return what a peer that lost the end of its ledger shall get, in the order of our record.

    Args:
        theirs: Ranges of the peer's own orders: what we hold of them is given back.
        ours: Ranges of our orders: what the peer receipted of them is repeated. The
            others are in the outbox, or the peer refused them.
    """
    return [
        state.digest
        for state in situation.statements.values()
        if (peer in state.receipted if state.outbound else state.statement.sender == peer)
        and any(within(ours if state.outbound else theirs, order) for order in state.orders)
    ]
