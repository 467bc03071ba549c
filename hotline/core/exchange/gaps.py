"""Gaps in a station's order: found when a later number comes, closed as the missing ones do. Pure.

Spec: docs/protocol.md §7.10
"""

from __future__ import annotations

from collections.abc import Collection

from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.standing import Gap
from hotline.core.records import events as ev

MAX_RANGES = 32
"""Ranges of missing numbers asked for at once."""

Range = tuple[int, int, int]
"""Generation, first and last number of an order, both inclusive."""


def within(ranges: Collection[Range], order: ev.OrderRef) -> bool:
    """Return whether an order is in one of `ranges`."""
    return any(
        generation == order.generation and first <= order.seq <= last
        for generation, first, last in ranges
    )


def gap_before(situation: Situation, sender: str, order: ev.OrderRef) -> ev.GapSeen | None:
    """Return the gap that an order leaves open behind it, None when it leaves none."""
    held = situation.their_orders.get(sender)
    held_seq = held.seq if held and held.generation == order.generation else 0
    missing = _missing(situation, sender, order.generation, held_seq + 1, order.seq - 1)
    if missing:
        return ev.GapSeen(peer=sender, first_seq=missing[0][0], last_seq=missing[-1][1])
    return None


def _missing(
    situation: Situation, sender: str, generation: int, first: int, last: int
) -> list[tuple[int, int]]:
    """Return the stretches from `first` to `last` without the numbers that were refused."""
    refused = situation.refused_numbers.get((sender, generation), ())
    missing, begin = [], first
    for number in sorted(one for one in refused if first <= one <= last):
        if begin < number:
            missing.append((begin, number - 1))
        begin = number + 1
    if begin <= last:
        missing.append((begin, last))
    return missing


def fold_gap(situation: Situation, happening: Happening, event: ev.GapSeen) -> None:
    """Fold a gap: it stands under the entry that told of it."""
    generation = situation.generation_of(event.peer)
    situation.gaps[happening.index] = Gap(
        peer=event.peer,
        generation=generation,
        first=event.first_seq,
        last=event.last_seq,
        index=happening.index,
        at_ms=happening.at_ms,
        missing=_missing(situation, event.peer, generation, event.first_seq, event.last_seq),
    )


def fold_filled(situation: Situation, sender: str, order: ev.OrderRef) -> None:
    """Fold that a number came: it is missing no longer.

    Each gap of a station lies above those before it, so what comes in order looks at one.
    """
    for gap in reversed(situation.gaps.values()):
        if (gap.peer, gap.generation) != (sender, order.generation):
            continue
        if gap.first <= order.seq:
            gap.missing[:] = _without(gap.missing, order.seq, order.seq)
            return


def fold_refused(situation: Situation, event: ev.StatementQuarantined) -> None:
    """Fold that what came under a number was refused: it came, and does not come again.

    Spec: docs/protocol.md §7.10
    """
    order = event.order
    if order is not None:
        numbers = situation.refused_numbers.setdefault((event.sender, order.generation), set())
        numbers.add(order.seq)
        fold_filled(situation, event.sender, order)


def fold_given_up(situation: Situation, peer: str, order: ev.OrderRef | None) -> None:
    """Fold that numbers will not come under their order any more.

    Args:
        order: The newest of them; None for all of the generations that were left behind.
    """
    for gap in situation.gaps.values():
        if gap.peer != peer or not gap.missing:
            continue
        if gap.generation < (order.generation if order else situation.generation_of(peer)):
            gap.missing.clear()
        elif order is not None and gap.generation == order.generation:
            gap.missing[:] = _without(gap.missing, 1, order.seq)


def _without(missing: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    kept = []
    for begin, end in missing:
        if end < first or begin > last:
            kept.append((begin, end))
            continue
        if begin < first:
            kept.append((begin, first - 1))
        if end > last:
            kept.append((last + 1, end))
    return kept


def standing_gaps(situation: Situation, peer: str = "") -> list[Gap]:
    """Return the gaps that are not filled, oldest first; of one station when it is named."""
    return [gap for gap in situation.gaps.values() if gap.missing and peer in ("", gap.peer)]


def missing_ranges(situation: Situation, peer: str) -> list[Range]:
    """Return what to ask a station for, oldest first, at most MAX_RANGES."""
    ranges = [
        (gap.generation, first, last)
        for gap in standing_gaps(situation, peer)
        for first, last in gap.missing
    ]
    return ranges[:MAX_RANGES]
