"""When turn keys come, go, and what is sealed anew (docs/protocol.md §7.21 to §7.25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hotline.core.errors import PeerError
from hotline.core.protocols import turn_keys as tables
from hotline.core.protocols.turn_keys import (
    GRACE_MS,
    LIFE_MS,
    MAX_OPENED,
    TURN_MS,
    Missed,
    Moment,
    Reseal,
    Ring,
    Turn,
)

T0 = 1_795_357_886_000


def ring(*, used: bool = False, at_ms: int = T0) -> Ring:
    """Return a ring of two keys, the newer made at `at_ms`."""
    first = tables.rotated(Ring(), at_ms - 1000)
    second = tables.rotated(first, at_ms)
    assert second.current is not None
    return tables.opened(second, second.current.aseq, at_ms) if used else second


def due(one: Ring, now_ms: int) -> str:
    return tables.reason(tables.ROTATE, Moment(one, now_ms))


def test_ring_without_a_key_wants_one() -> None:
    assert due(Ring(), T0) == "no key yet"


def test_ring_unused_and_young_keeps_its_key() -> None:
    assert due(ring(), T0 + TURN_MS - 1) == ""


@pytest.mark.parametrize(
    ("one", "now_ms", "why"),
    [
        (ring(used=True), T0 + 1, "turn"),
        (ring(), T0 + TURN_MS, "age"),
        (ring(), T0 - GRACE_MS - 1, "age"),
        (replace(ring(), wanted=True), T0, "asked for"),
    ],
)
def test_ring_rotates_for_each_reason(one: Ring, now_ms: int, why: str) -> None:
    assert due(one, now_ms) == why


def test_ring_rotated_keeps_one_key_before_the_newest() -> None:
    before = ring()
    after = tables.rotated(before, T0 + 5)
    assert after.previous == before.current
    assert after.alive == {after.floor, before.floor}
    assert not after.wanted


def test_ring_opened_fifty_times_must_speak() -> None:
    one = ring()
    assert one.current is not None
    for _ in range(MAX_OPENED):
        assert tables.reason(tables.SPEAK, Moment(one, T0)) == ""
        one = tables.opened(one, one.current.aseq, T0)
    assert tables.reason(tables.SPEAK, Moment(one, T0)) == "packets"
    assert tables.reason(tables.SPEAK, Moment(ring(), T0 + TURN_MS)) == "age"
    assert tables.reason(tables.SPEAK, Moment(Ring(), T0)) == "no key"


def test_ring_opened_by_the_previous_key_is_no_turn() -> None:
    one = ring()
    assert one.previous is not None
    assert tables.opened(one, one.previous.aseq, T0) == one
    assert tables.opened(one, 12345, T0) == one


@pytest.mark.parametrize(
    ("used", "whole", "after_ms", "left"),
    [
        (False, True, 1, 2),  # nobody used the newer one: the older may be in use
        (True, False, GRACE_MS - 1, 2),  # a packet may be on its way
        (True, True, 0, 1),
        (True, False, GRACE_MS, 1),
        (True, False, -GRACE_MS - 1, 0),  # a clock that fell far proves no age: all is old
        (False, True, LIFE_MS - 1000, 1),
        (False, True, LIFE_MS, 0),
        (True, True, LIFE_MS, 0),
    ],
)
def test_previous_and_current_key_are_destroyed_in_time(
    used: bool, whole: bool, after_ms: int, left: int
) -> None:
    after = tables.expired(ring(used=used), T0 + after_ms, whole=whole)
    assert len(after.alive) == left
    assert after.floor == ring().floor


def test_aseq_rises_with_the_clock_and_without_it() -> None:
    one = tables.rotated(Ring(), T0)
    assert one.floor == T0
    again = tables.rotated(one, T0 - 50_000)
    assert again.floor == T0 + 1
    assert tables.next_aseq(5, T0) == T0


def test_ring_lifted_goes_on_above_what_the_peer_knows() -> None:
    one = ring()
    assert tables.lifted(one, one.floor) == one
    lifted = tables.lifted(one, one.floor + 7)
    assert due(lifted, T0) == "asked for"
    assert tables.rotated(lifted, T0).floor == one.floor + 8


def test_ring_lifted_beyond_all_counting_is_refused() -> None:
    with pytest.raises(PeerError, match="nobody can have made"):
        tables.lifted(ring(), tables.MAX_KNOWN_ASEQ + 1)


def test_reseal_has_a_row_for_each_key_that_can_be_missed() -> None:
    assert {what: tables.RESEAL[what] for what in Missed} == {
        Missed.NEWEST: Reseal.EVERYTHING,
        Missed.EARLIER: Reseal.STATEMENTS,
        Missed.NEVER_USED: Reseal.NOTHING,
    }


def test_turn_age_of_a_clock_a_little_behind_is_young() -> None:
    assert Turn(1, T0).age_ms(T0 - GRACE_MS) == -GRACE_MS
    assert Turn(1, T0).age_ms(T0 - GRACE_MS - 1) == LIFE_MS
