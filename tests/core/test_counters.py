"""The window of counters: each counter once, in any order, up to a bound behind the newest."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.protocols.counters import MAX_BEHIND, Counters


def taken(counters: Iterable[int]) -> list[int]:
    """Return which of these counters are taken, in a row; the first one always is."""
    found: list[int] = []
    window: Counters | None = None
    for counter in counters:
        try:
            window = window.after(counter) if window else Counters(counter)
        except PeerError:
            continue
        found.append(counter)
    return found


@given(st.lists(st.integers(0, MAX_BEHIND - 1), max_size=60))
def test_each_counter_is_taken_once_in_any_order(counters: list[int]) -> None:
    """Spec: docs/protocol.md §7.35"""
    assert taken(counters) == list(dict.fromkeys(counters))


@given(st.lists(st.integers(0, 2**53), max_size=40))
def test_no_counter_is_taken_twice_however_they_jump(counters: list[int]) -> None:
    found = taken(counters)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("newest", "counter", "fits"),
    [
        (MAX_BEHIND, 1, True),
        (MAX_BEHIND + 1, 1, False),
        (2**53, 2**53 - MAX_BEHIND, False),
        (2**53, 2**53 - MAX_BEHIND + 1, True),
    ],
)
def test_packet_beyond_the_window_is_refused(newest: int, counter: int, fits: bool) -> None:
    """Spec: docs/protocol.md §7.35"""
    assert (counter in taken([newest, counter])) is fits


def test_window_keeps_what_came_before_a_jump() -> None:
    assert taken([1, 2, 4, MAX_BEHIND, 4, 3, 2]) == [1, 2, 4, MAX_BEHIND, 3]


def test_window_stays_small_however_far_a_peer_jumps() -> None:
    window = Counters(1).after(2**53)
    assert window.came.bit_length() <= MAX_BEHIND
    assert Counters(1).after(1 + MAX_BEHIND).came.bit_length() <= MAX_BEHIND
