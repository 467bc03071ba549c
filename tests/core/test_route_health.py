"""The health of routes and the choice among them: a table and arithmetic, no socket."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hotline.core.protocols.route_health import (
    GOOD_ANSWERS,
    HYSTERESIS_S,
    ROWS,
    SLOW_FACTOR,
    SLOW_S,
    Front,
    RouteHealth,
    RouteState,
    Sign,
    chosen,
    ranked,
)

UP, DEGRADED, DOWN = RouteState.UP, RouteState.DEGRADED, RouteState.DOWN
PRIORITIES = {"direct": 0, "relay-a": 10, "relay-b": 10}


def well(rtt_s: float = 0.1, state: RouteState = UP) -> RouteHealth:
    return RouteHealth().turned(state).answered(rtt_s, 0.0)


def test_one_missed_answer_degrades_and_three_good_ones_mend() -> None:
    """Spec: docs/transport.md §11.3"""
    health = well().unanswered()
    assert (health.state, health.missed) == (DEGRADED, 1)
    assert health.unanswered().missed == 2
    for _ in range(GOOD_ANSWERS - 1):
        health = health.answered(0.1, 1.0)
        assert (health.state, health.missed) == (DEGRADED, 0)
    assert health.answered(0.1, 2.0).state is UP


def test_a_missed_answer_in_between_begins_the_count_anew() -> None:
    health = well().unanswered()
    for _ in range(GOOD_ANSWERS - 1):
        health = health.answered(0.1, 1.0)
    health = health.unanswered().answered(0.1, 2.0)
    assert health.state is DEGRADED


@pytest.mark.parametrize(
    ("usual_s", "slow_s", "state"),
    [(0.1, 0.1 * SLOW_FACTOR - 0.01, UP), (0.1, 0.1 * SLOW_FACTOR + 0.05, DEGRADED)],
)
def test_round_trip_far_over_the_baseline_degrades(
    usual_s: float, slow_s: float, state: RouteState
) -> None:
    """Spec: docs/transport.md §11.3"""
    health = well(usual_s)
    assert health.answered(slow_s, 1.0).state is state


def test_quick_route_is_not_degraded_by_noise() -> None:
    assert well(0.0002).answered(SLOW_S / 2, 1.0).state is UP


def test_path_that_stays_slow_is_how_things_are_in_the_end() -> None:
    health, answers = well(0.1), 0
    while health.answered(1.0, 1.0).state is not UP or answers < GOOD_ANSWERS:
        health, answers = health.answered(1.0, 1.0), answers + 1
        assert answers < 400
    assert health.baseline_s is not None
    assert health.baseline_s > 0.2


def test_new_session_is_well_and_knows_what_is_usual() -> None:
    health = well(0.1).unanswered().turned(DOWN).turned(UP)
    assert (health.state, health.missed, health.srtt_s) == (UP, 0, None)
    assert health.answered(1.0, 1.0).state is DEGRADED


def test_signs_change_only_routes_that_are_up() -> None:
    for state in set(RouteState) - {UP, DEGRADED}:
        assert RouteHealth(state).unanswered().state is state
        assert not RouteHealth(state).usable
    assert {state for state, _ in ROWS} <= {UP, DEGRADED}
    assert (DEGRADED, Sign.GOOD) not in ROWS


@pytest.mark.parametrize(
    ("healths", "order"),
    [
        ({"direct": well(), "relay-a": well(0.01)}, ("direct", "relay-a")),
        ({"relay-a": well(0.3), "relay-b": well(0.2)}, ("relay-b", "relay-a")),
        ({"direct": well().unanswered(), "relay-a": well()}, ("relay-a", "direct")),
        ({"direct": well(state=DOWN), "relay-a": well()}, ("relay-a",)),
        ({"direct": RouteHealth(RouteState.BLOCKED)}, ()),
    ],
)
def test_routes_are_ranked_by_state_then_priority_then_round_trip(
    healths: Mapping[str, RouteHealth], order: tuple[str, ...]
) -> None:
    """Spec: docs/transport.md §11.4"""
    assert ranked(healths, PRIORITIES) == order


def test_front_that_fails_is_left_at_once() -> None:
    """Spec: docs/transport.md §11.4"""
    both = {"direct": well(), "relay-a": well()}
    front = chosen(Front(), both, PRIORITIES, 0.0)
    assert front.name == "direct"
    for worse in (both["direct"].unanswered(), both["direct"].turned(DOWN)):
        assert chosen(front, both | {"direct": worse}, PRIORITIES, 1.0).name == "relay-a"


def test_front_that_comes_back_waits_its_time() -> None:
    """Spec: docs/transport.md §11.4"""
    both = {"direct": well(), "relay-a": well()}
    front = chosen(Front("relay-a"), both, PRIORITIES, 100.0)
    assert front == Front("relay-a", "direct", 100.0)
    early = chosen(front, both, PRIORITIES, 100.0 + HYSTERESIS_S - 1)
    assert early == front
    assert chosen(early, both, PRIORITIES, 100.0 + HYSTERESIS_S).name == "direct"


def test_rival_that_falters_begins_to_wait_anew() -> None:
    both = {"direct": well(), "relay-a": well()}
    front = chosen(Front("relay-a"), both, PRIORITIES, 100.0)
    ill = both | {"direct": both["direct"].unanswered()}
    front = chosen(front, ill, PRIORITIES, 120.0)
    assert front == Front("relay-a")
    front = chosen(front, both, PRIORITIES, 121.0)
    assert chosen(front, both, PRIORITIES, 131.0).name == "relay-a"


def test_no_usable_route_is_no_front() -> None:
    assert chosen(Front("direct"), {"direct": RouteHealth()}, PRIORITIES, 0.0) == Front()
