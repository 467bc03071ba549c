"""Missing numbers: shown until they come. docs/protocol.md §7.10."""

from __future__ import annotations

import random

from hotline.core.exchange.fold import apply
from hotline.core.exchange.gaps import MAX_RANGES, missing_ranges, standing_gaps
from hotline.core.exchange.situation import Happening
from hotline.core.records import events as ev
from tests.core.exchange.rig import Letter, Side, of_kind, pair


def letters(south: Side, count: int) -> list[Letter]:
    return [south.say() for _ in range(count)]


def test_gap_shrinks_with_each_number_and_is_over_with_the_last() -> None:
    north, south = pair()
    sent = letters(south, 6)
    north.take(sent[0])
    north.take(sent[5])
    assert missing_ranges(north.situation, "SOUTH") == [(1, 2, 5)]
    north.take(sent[2])
    assert missing_ranges(north.situation, "SOUTH") == [(1, 2, 2), (1, 4, 5)]
    north.take(sent[1])
    north.take(sent[4])
    assert missing_ranges(north.situation, "SOUTH") == [(1, 4, 4)]
    north.take(sent[3])
    assert missing_ranges(north.situation, "SOUTH") == []
    assert not standing_gaps(north.situation)
    (gap,) = north.situation.gaps.values()
    assert (gap.first, gap.last) == (2, 5)
    assert north.refolded() == north.situation


def test_gaps_in_any_order_of_arrival_are_exactly_what_is_missing() -> None:
    chance = random.Random(11)
    for _ in range(30):
        north, south = pair()
        sent = letters(south, 12)
        arrived = chance.sample(range(12), chance.randint(1, 12))
        for place in arrived:
            north.take(sent[place])
        missing = {
            seq for _, a, b in missing_ranges(north.situation, "SOUTH") for seq in range(a, b + 1)
        }
        assert missing == {n + 1 for n in range(max(arrived)) if n not in arrived}


def test_gap_of_a_refused_statement_stays() -> None:
    north, south = pair()
    first, second, third = letters(south, 3)
    north.take(first)
    north.take(third)
    assert north.take(second, prev="ee" * 32).rejected
    assert missing_ranges(north.situation, "SOUTH") == [(1, 2, 2)]


def test_number_of_what_was_refused_is_not_missing_whichever_came_first() -> None:
    north, south = pair()
    sent = [south.say(), south.say(_to=("WEST",)), south.say(), south.say(), south.say()]
    north.take(sent[0])
    assert north.take(sent[1]).rejected
    assert not of_kind(north.take(sent[2]), ev.GapSeen)
    late = south.say(_to=("WEST",))
    north.take(sent[4])
    north.take(south.say())
    assert missing_ranges(north.situation, "SOUTH") == [(1, 4, 4), (1, 6, 6)]
    assert north.take(late).rejected
    assert missing_ranges(north.situation, "SOUTH") == [(1, 4, 4)]
    assert north.refolded() == north.situation


def test_gap_around_refused_numbers_holds_only_what_never_came() -> None:
    north, south = pair()
    sent = [south.say(_to=("WEST",) if n in (1, 3, 6) else ("NORTH",)) for n in range(8)]
    for place in (3, 1, 6):
        assert north.take(sent[place]).rejected
    (seen,) = of_kind(north.take(sent[7]), ev.GapSeen)
    assert (seen.first_seq, seen.last_seq) == (1, 6)
    assert missing_ranges(north.situation, "SOUTH") == [(1, 1, 1), (1, 3, 3), (1, 5, 6)]


def test_gap_of_a_generation_that_was_left_behind_is_given_up() -> None:
    north, south = pair()
    first, _, third = letters(south, 3)
    north.take(first)
    north.take(third)
    admitted = ev.PeerGenerationAdmitted(
        peer="SOUTH",
        generation=2,
        authorisation="ab" * 32,
        kept_size=1,
        held_size=1,
        fits=True,
        reason="put back",
    )
    apply(north.situation, Happening(len(north.log), north.now_ms, admitted))
    assert not standing_gaps(north.situation)


def test_gap_within_an_erased_time_is_given_up_up_to_its_end() -> None:
    north, south = pair()
    sent = letters(south, 6)
    north.take(sent[0])
    north.take(sent[5])
    floor = sent[2].told.order
    destroyed = ev.EpochKeyDestroyed(
        epoch=202610,
        authorisation="ab" * 32,
        officers=("A", "B"),
        our_order=None,
        their_orders={"SOUTH": floor},
    )
    apply(north.situation, Happening(len(north.log), north.now_ms, destroyed))
    assert missing_ranges(north.situation, "SOUTH") == [(1, 4, 5)]


def test_only_so_many_ranges_are_asked_for_at_once() -> None:
    north, south = pair()
    for letter in letters(south, 2 * MAX_RANGES + 9)[::2]:
        north.take(letter)
    assert len(missing_ranges(north.situation, "SOUTH")) == MAX_RANGES
    assert missing_ranges(north.situation, "NORTH") == []
