from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.protocols.channel import (
    ROWS,
    Channel,
    ChannelTimes,
    Colour,
    Outcome,
    Watched,
    after,
    colour,
    due_ms,
)

TIMES = ChannelTimes()
NOW_MS = 1_795_357_886_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
UP = Watched(up=True, turned_ms=NOW_MS - 5 * HOUR_MS)
PASSED = Watched(True, NOW_MS - 5 * HOUR_MS, Channel.PASSED, NOW_MS - 60, NOW_MS)


def test_every_state_has_a_row_for_every_outcome() -> None:
    assert set(ROWS) == {(state, outcome) for state in Channel for outcome in Outcome}


def test_misses_in_a_row_go_down_by_degraded_and_stay_down() -> None:
    state = Channel.PASSED
    seen = []
    for _ in range(5):
        state = after(state, Outcome.MISSED)
        seen.append(state)
    assert seen == ["MISSED1", "MISSED2", "DEGRADED", "DOWN", "DOWN"]


@pytest.mark.parametrize("state", list(Channel))
def test_one_echo_goes_all_the_way_up(state: Channel) -> None:
    assert after(state, Outcome.ECHOED) is Channel.PASSED


@given(st.floats(0, 1), st.integers(NOW_MS - HOUR_MS, NOW_MS))
def test_a_passed_test_comes_again_in_an_hour_give_or_take_five_minutes(
    chance: float, tested_ms: int
) -> None:
    route = Watched(True, tested_ms - 1, Channel.PASSED, tested_ms, tested_ms + 9)
    wait_ms = due_ms(TIMES, route, tested_ms - 2, chance) - tested_ms
    assert 55 * MINUTE_MS <= wait_ms <= 65 * MINUTE_MS


def test_a_route_that_came_up_is_tested_once_it_has_settled() -> None:
    fresh = Watched(up=True, turned_ms=NOW_MS)
    assert due_ms(TIMES, fresh, NOW_MS - HOUR_MS, 0.5) == NOW_MS + TIMES.settle_ms
    tested = Watched(True, NOW_MS, Channel.PASSED, NOW_MS - 20 * MINUTE_MS, NOW_MS)
    assert due_ms(TIMES, tested, NOW_MS - HOUR_MS, 0.5) == NOW_MS + TIMES.settle_ms


def test_a_route_that_flaps_is_not_tested_each_time() -> None:
    tested = Watched(True, NOW_MS, Channel.PASSED, NOW_MS - 1, NOW_MS - 1)
    assert due_ms(TIMES, tested, NOW_MS - HOUR_MS, 0.5) == NOW_MS - 1 + TIMES.again_ms


def test_after_a_start_a_route_is_tested_though_an_earlier_test_passed() -> None:
    begun_ms = PASSED.tested_ms + 10
    expected = max(begun_ms + TIMES.settle_ms, PASSED.tested_ms + TIMES.again_ms)
    assert due_ms(TIMES, PASSED, begun_ms, 0.5) == expected


def test_misses_are_followed_by_tests_that_come_less_and_less_often() -> None:
    waits = [
        due_ms(TIMES, Watched(True, 1, Channel.DOWN, NOW_MS, 0, misses), 1, 0.5) - NOW_MS
        for misses in range(1, 100)
    ]
    assert waits[0] == TIMES.answer_ms + TIMES.again_ms
    assert all(first <= second for first, second in pairwise(waits))
    assert waits[-1] == TIMES.answer_ms + TIMES.interval_ms


def test_a_route_that_is_not_up_misses_one_test_an_hour() -> None:
    down = Watched(False, NOW_MS, Channel.MISSED1, NOW_MS, 0, 1)
    assert due_ms(TIMES, down, 1, 0.5) == NOW_MS + TIMES.interval_ms
    never = Watched(False, 0)
    assert due_ms(TIMES, never, NOW_MS, 0.5) == NOW_MS + TIMES.interval_ms


def test_link_is_red_without_a_route_that_carries() -> None:
    assert colour(TIMES, [], NOW_MS) is Colour.RED
    assert colour(TIMES, [Watched(False, NOW_MS, Channel.PASSED, 1, NOW_MS)], NOW_MS) is Colour.RED
    silent = Watched(True, 1, Channel.DOWN, NOW_MS, NOW_MS - MINUTE_MS, 4)
    assert colour(TIMES, [silent], NOW_MS) is Colour.RED


def test_link_is_green_only_while_a_passed_test_is_fresh() -> None:
    assert colour(TIMES, [UP], NOW_MS) is Colour.AMBER
    assert colour(TIMES, [PASSED], NOW_MS) is Colour.GREEN
    assert colour(TIMES, [PASSED], NOW_MS + TIMES.fresh_ms) is Colour.GREEN
    assert colour(TIMES, [PASSED], NOW_MS + TIMES.fresh_ms + 1) is Colour.AMBER


def test_link_stays_green_over_two_misses_and_is_amber_when_degraded() -> None:
    for state, expected in (
        (Channel.MISSED1, Colour.GREEN),
        (Channel.MISSED2, Colour.GREEN),
        (Channel.DEGRADED, Colour.AMBER),
    ):
        route = Watched(True, 1, state, NOW_MS, NOW_MS - MINUTE_MS, 1)
        assert colour(TIMES, [route], NOW_MS) is expected


def test_link_is_amber_on_only_one_of_several_routes() -> None:
    down = Watched(False, NOW_MS)
    assert colour(TIMES, [PASSED, down], NOW_MS) is Colour.AMBER
    assert colour(TIMES, [PASSED, PASSED], NOW_MS) is Colour.GREEN
    assert colour(TIMES, [PASSED, UP, down], NOW_MS) is Colour.GREEN
    degraded = Watched(True, 1, Channel.DEGRADED, NOW_MS, 1, 3)
    assert colour(TIMES, [PASSED, degraded], NOW_MS) is Colour.AMBER
