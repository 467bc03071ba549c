"""What happens next to a statement without a receipt: the table, row by row."""

from __future__ import annotations

import pytest

from hotline.core.protocols.flights import (
    KEPT_S,
    ROWS,
    Flight,
    Outlook,
    Step,
    next_step,
    pause_s,
)

STORING = frozenset({"relay-a", "relay-b"})
NOW_S = 10_000.0
SENT_S = NOW_S - 60


def outlook(
    up: tuple[str, ...],
    by: tuple[str, ...] = (),
    *,
    heard_s: float = 0.0,
    proved: bool = False,
    sent_s: float = SENT_S,
) -> Outlook:
    cell = b"cell" if by else b""
    flight = Flight(0, cell, dict.fromkeys(by, sent_s), proved=proved)
    return Outlook(flight, up, STORING, heard_s, NOW_S)


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (outlook(()), Step.WAIT),
        (outlook((), ("direct",), heard_s=NOW_S), Step.WAIT),
        (outlook(("direct",)), Step.SEAL),
        (outlook(("relay-a",)), Step.SEAL),
        (outlook(("direct", "north-out"), ("direct",)), Step.SAME),
        (outlook(("direct", "relay-a"), ("direct",)), Step.SAME),
        (outlook(("relay-a", "direct"), ("relay-a",)), Step.SAME),
        # Nothing new can be tried: a peer that was heard since refused it, or its receipt is lost.
        (outlook(("direct",), ("direct",), heard_s=SENT_S + 1), Step.SEAL),
        (outlook(("direct",), ("direct",), heard_s=SENT_S - 1), Step.WAIT),
        (outlook(("direct", "relay-a"), ("direct",), heard_s=NOW_S), Step.SEAL),
        # Only relays: sealed once more to a key that lasts, then left to them for a while.
        (outlook(("relay-a",), ("direct",), proved=True), Step.SEAL_LASTING),
        (outlook(("relay-a",), ("relay-a",), proved=True), Step.SEAL_LASTING),
        (outlook(("relay-a",), ("direct",)), Step.SAME),
        (outlook(("relay-a", "relay-b"), ("relay-a",)), Step.WAIT),
        (outlook(("relay-a",), ("relay-a",)), Step.WAIT),
        (outlook(("relay-a",), ("relay-a",), sent_s=NOW_S - KEPT_S), Step.SAME),
        (outlook(("direct",), ("direct", "relay-a"), sent_s=NOW_S - KEPT_S), Step.WAIT),
    ],
)
def test_step_follows_from_what_was_tried_and_heard(at: Outlook, step: Step) -> None:
    """Spec: docs/protocol.md §7.37"""
    assert next_step(at) is step


@pytest.mark.parametrize(
    ("at", "route"),
    [
        (outlook(("relay-a", "direct"), ()), "direct"),
        (outlook(("direct", "relay-a"), ("direct",)), "relay-a"),
        (outlook(("relay-b", "relay-a"), ("relay-b", "relay-a")), "relay-b"),
        (outlook(()), ""),
    ],
)
def test_same_cell_goes_by_a_route_that_did_not_have_it(at: Outlook, route: str) -> None:
    assert at.next_route == route


def test_same_cell_always_has_a_route_to_go_by() -> None:
    for _, holds, step in ROWS:
        for up in ((), ("direct",), ("relay-a",), ("direct", "relay-b")):
            for by in ((), ("direct",), ("relay-a",), ("direct", "relay-a")):
                at = outlook(up, by, sent_s=NOW_S - KEPT_S)
                if step is Step.SAME and holds(at) and up:
                    assert at.next_route in up


@pytest.mark.parametrize(("tries", "ceiling_s"), [(0, 5), (1, 10), (3, 40), (4, 60), (500, 60)])
def test_pause_is_a_random_part_of_what_doubles(tries: int, ceiling_s: float) -> None:
    """Spec: docs/protocol.md §7.37"""
    assert pause_s(tries, 5.0, 60.0, 0.0) == 5.0
    assert pause_s(tries, 5.0, 60.0, 1.0) == ceiling_s
    assert pause_s(tries, 5.0, 60.0, 0.5) == (5 + ceiling_s) / 2


def test_pause_is_never_shorter_than_an_answer_takes() -> None:
    assert pause_s(3, 90.0, 60.0, 1.0) == 90.0
