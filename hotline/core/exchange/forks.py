"""Forks: one number, two statements. The line is frozen until two officers resolve it. Pure.

Spec: docs/protocol.md §7.11
"""

from __future__ import annotations

from typing import TypeAlias

from hotline.core import canonical
from hotline.core.errors import OperatorError
from hotline.core.exchange.commands import AdmitResolution, TakeStatement
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.standing import Fork
from hotline.core.messages.lifelines import is_lifeline
from hotline.core.records import events as ev
from hotline.core.values import sha256

MAX_RESOLUTIONS_THERE = 1_000
"""Resolutions of peers that are recorded; what comes beyond says nothing new to anybody."""

ForkEvent: TypeAlias = (
    ev.ForkSeen | ev.SplitSeen | ev.ForkResolved | ev.ForkResolvedThere | ev.ForkResolvedElsewhere
)

FROZEN_HINT = (
    "speak with that station by voice; acknowledgements, holding replies, aid and safety "
    "go out as before; two officers resolve it (F9)"
)


def fork_seen(situation: Situation, command: TakeStatement) -> ev.ForkSeen | None:
    """Return the fork that a statement makes, None when its number is free or its own."""
    told, order = command.told, command.told.order
    key = (told.statement.sender, order.generation, order.seq)
    held = situation.seen_orders.get(key)
    if held is None or held == order or (*key, order.digest) in situation.forks:
        return None
    return ev.ForkSeen(
        peer=told.statement.sender,
        generation=order.generation,
        seq=order.seq,
        held=held.digest,
        other=order.digest,
        digest=told.digest,
    )


def standing_forks(situation: Situation, peer: str = "") -> list[Fork]:
    """Return the forks that nobody resolved, oldest first; of one station when it is named."""
    forks = situation.forks.values()
    return [one for one in forks if not one.resolved and peer in ("", one.peer)]


def check_not_frozen(situation: Situation, template: str) -> None:
    """Refuse to say on a frozen line what one officer may be kept from saying.

    Raises:
        OperatorError: the line is frozen and the template is no lifeline.
    Spec: docs/protocol.md §7.11
    """
    forks = standing_forks(situation)
    if forks and not is_lifeline(template):
        first = forks[0]
        raise OperatorError(
            f"the line is FROZEN: {first.words}",
            hint=FROZEN_HINT,
        )


def fork_evidence(forks: list[Fork]) -> str:
    """Return the digest that officers sign for forks: SHA-256 over their canonical JSON.

    Spec: docs/protocol.md §7.11
    """
    listed = sorted([one.generation, one.seq, one.held, one.other] for one in forks)
    return sha256(canonical.encode(listed)).hex()


def is_split_known(situation: Situation, event: ev.SplitSeen) -> bool:
    """Return whether two histories of that generation froze the line before.

    They stay two, whatever officers found: the next heads of them say nothing new.
    Spec: docs/protocol.md §7.34
    """
    return any(key[:3] == (event.peer, event.generation, 0) for key in situation.forks)


def admit_resolution(situation: Situation, command: AdmitResolution) -> Decision:
    """Record, once, that the peer's officers resolved forks that they saw.

    It ends no freeze here: what this station saw itself, its own officers resolve.
    Spec: docs/protocol.md §7.32
    """
    known = situation.resolutions_there
    if command.event.authorisation in known or len(known) >= MAX_RESOLUTIONS_THERE:
        return Decision(duplicate=True)
    return Decision((Planned(command.event, item=command.record),))


# --- the fold ------------------------------------------------------------------------


def fold_fork(
    situation: Situation,
    happening: Happening,
    event: ForkEvent,
) -> None:
    """Fold what is seen of forks and who resolved them."""
    match event:
        case ev.ForkSeen():
            situation.forks[event.peer, event.generation, event.seq, event.other] = Fork(
                peer=event.peer,
                generation=event.generation,
                seq=event.seq,
                held=event.held,
                other=event.other,
                digest=event.digest,
                at_ms=happening.at_ms,
            )
        case ev.SplitSeen():
            situation.forks[event.peer, event.generation, 0, event.other] = Fork(
                peer=event.peer,
                generation=event.generation,
                seq=0,
                held=event.held,
                other=event.other,
                digest="",
                at_ms=happening.at_ms,
            )
        case ev.ForkResolved():
            for fork in standing_forks(situation, event.peer):
                fork.resolved = event.authorisation
        case ev.ForkResolvedThere() | ev.ForkResolvedElsewhere():
            situation.resolutions_there.add(event.authorisation)
