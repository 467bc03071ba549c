"""The words for a link with one route and with several, and which of them fit on row 0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from hotline.core.exchange.fold import apply
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev
from hotline.desk.link_words import link_words
from hotline.desk.recipients import link_views, summary_of
from hotline.desk.views import Mark
from hotline.tui.widgets.title_row import title_ends
from tests.fakes.desk import FakeDesk

NOW_MS = 500_000
DOWN_MS = NOW_MS - 372_000


def situation_of(*changes: tuple[str, str], peer: str = "SOUTH") -> Situation:
    situation = Situation()
    for index, (route, state) in enumerate(changes):
        event = ev.LinkChanged(peer=peer, route=route, state=state, reason="the test")
        apply(situation, Happening(index, DOWN_MS, event))
    return situation


@pytest.mark.parametrize(
    ("changes", "words", "mark"),
    [
        ((), ("DOWN",), Mark.WARNING),
        ((("direct", "UP"),), ("UP",), Mark.CALM),
        ((("direct", "DOWN"),), ("DOWN 06:12",), Mark.WARNING),
        ((("direct", "UP"), ("relay-a", "UP")), ("UP",), Mark.CALM),
        (
            (("direct", "UP"), ("relay-a", "DOWN")),
            ("UP direct, relay-a DOWN 06:12", "UP, relay-a DOWN", "UP 1 of 2"),
            Mark.NOTICE,
        ),
        (
            (("direct", "BLOCKED"), ("relay-a", "UP"), ("relay-b", "DOWN")),
            (
                "UP relay-a, direct BLOCKED 06:12, relay-b DOWN 06:12",
                "UP, direct BLOCKED, relay-b DOWN",
                "UP 1 of 3",
            ),
            Mark.NOTICE,
        ),
        ((("direct", "BLOCKED"), ("relay-a", "DOWN")), ("BLOCKED 06:12",), Mark.WARNING),
    ],
)
def test_words_of_a_link_name_what_is_not_up(
    changes: tuple[tuple[str, str], ...], words: tuple[str, ...], mark: Mark
) -> None:
    """Spec: docs/transport.md §11.7"""
    assert link_words(situation_of(*changes), "SOUTH", NOW_MS) == (words, mark)


def test_peer_with_a_route_down_counts_as_up_and_is_marked() -> None:
    situation = situation_of(("direct", "UP"), ("relay-a", "DOWN"))
    apply(
        situation,
        Happening(2, DOWN_MS, ev.LinkChanged(peer="EAST", route="direct", state="UP", reason="x")),
    )
    south, east = link_views(situation, ("SOUTH", "EAST"), NOW_MS)
    assert (south.word, south.symbol) == ("UP 1 of 2", "+")
    assert (east.word, east.mark) == ("UP", Mark.CALM)
    assert summary_of((south, east)) == (("2 of 2 UP",), Mark.NOTICE)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "LINK UP, relay-a DOWN"),
        (120, "LINK UP direct, relay-a DOWN 06:12"),
        (72, "LINK UP 1 of 2"),
    ],
)
def test_title_row_shows_the_fullest_words_that_fit(width: int, shown: str) -> None:
    """Spec: docs/transport.md §11.7"""
    words, mark = link_words(situation_of(("direct", "UP"), ("relay-a", "DOWN")), "SOUTH", NOW_MS)
    status = replace(FakeDesk().status(), link_word=words[0], link_brief=words[1:], link_mark=mark)
    before, after = title_ends(status, "WATCH", width)
    assert after.plain.rstrip().endswith(shown)
    assert cell_len(before.plain) + len("00:00:00Z") + cell_len(after.plain) <= width
