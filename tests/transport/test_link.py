"""The table and the backoff. Spec: docs/transport.md §6.1, §6.2, §6.3."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.transport.link import ROWS, Event, State, backoff_s, count_failures, step

FRACTIONS = st.floats(0, 1)
CAPS = st.floats(0.01, 600)
FAILURES = st.integers(1, 100_000)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_step_follows_the_table_and_says_when_there_is_no_row(state: State, event: Event) -> None:
    taken = step(state, event)
    assert taken.known == ((state, event) in ROWS)
    assert taken.state is ROWS.get((state, event), state)
    assert str(state) in taken.note
    assert str(event) in taken.note


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([Event.DIALED], State.DIALING),
        ([Event.DIALED, Event.OPENED], State.UP),
        ([Event.OPENED], State.UP),
        ([Event.OPENED, Event.LOST], State.DOWN),
        ([Event.DIALED, Event.FAILED], State.DOWN),
        ([Event.DIALED, Event.MISMATCHED], State.BLOCKED),
        ([Event.DIALED, Event.MISMATCHED, Event.OPENED], State.BLOCKED),
        ([Event.DIALED, Event.MISMATCHED, Event.DIALED, Event.OPENED], State.UP),
        ([Event.OPENED, Event.MISMATCHED], State.UP),
    ],
)
def test_walk_through_the_table_ends_where_the_document_says(
    events: list[Event], state: State
) -> None:
    at = State.DOWN
    for event in events:
        at = step(at, event).state
    assert at is state


@pytest.mark.parametrize("state", State)
def test_close_from_any_state_leads_down(state: State) -> None:
    assert step(state, Event.CLOSED).state is State.DOWN


@given(FAILURES, FRACTIONS, CAPS)
def test_backoff_stays_between_zero_and_the_cap(failures: int, part: float, cap_s: float) -> None:
    assert 0 <= backoff_s(failures, part, cap_s) <= cap_s


@given(FAILURES, FRACTIONS, CAPS)
def test_backoff_ceiling_never_shrinks_with_failures(
    failures: int, part: float, cap_s: float
) -> None:
    assert backoff_s(failures, part, cap_s) <= backoff_s(failures + 1, part, cap_s)


@given(FAILURES, FRACTIONS, CAPS)
def test_backoff_is_that_part_of_its_ceiling(failures: int, part: float, cap_s: float) -> None:
    assert backoff_s(failures, part, cap_s) == part * backoff_s(failures, 1, cap_s)


def test_backoff_ceilings_double_from_half_a_second_to_the_cap() -> None:
    ceilings = [backoff_s(failures, 1, 30) for failures in range(1, 9)]
    assert ceilings == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(FAILURES, st.floats(0, 29.9))
def test_failures_after_a_short_session_go_on_counting(before: int, up_s: float) -> None:
    assert count_failures(before, up_s, 30) == before + 1


@given(FAILURES, st.floats(30, 1e6))
def test_failures_after_a_stable_session_start_over(before: int, up_s: float) -> None:
    assert count_failures(before, up_s, 30) == 1
