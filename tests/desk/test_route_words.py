"""The routes of a link by name, and which of the words fit on row 0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from hotline.core.exchange.situation import Link
from hotline.desk.route_words import route_words
from hotline.tui.widgets.title_row import title_ends
from tests.fakes.desk import FakeDesk

NOW_MS = 500_000
DOWN_MS = NOW_MS - 372_000


def routes_of(**states: str) -> dict[str, Link]:
    return {name.replace("_", "-"): Link(state, DOWN_MS) for name, state in states.items()}


@pytest.mark.parametrize(
    ("word", "routes", "words"),
    [
        ("UP", {"direct": "UP"}, ()),
        ("UP", {"direct": "UP", "relay_a": "UP"}, ()),
        ("UP 1 of 2", {"direct": "UP", "relay_a": "UP"}, ()),
        ("DOWN 06:12", {"direct": "DOWN", "relay_a": "DOWN"}, ()),
        ("NO ECHO 06:12", {"direct": "UP", "relay_a": "DOWN"}, ()),
        ("UP untested", {"direct": "UP", "relay_a": "DOWN"}, ()),
        (
            "UP 1 of 2",
            {"direct": "UP", "relay_a": "DOWN"},
            ("UP direct, relay-a DOWN 06:12", "UP, relay-a DOWN"),
        ),
        (
            "UP",
            {"direct": "BLOCKED", "relay_a": "UP", "relay_b": "UP"},
            ("UP relay-a, relay-b, direct BLOCKED 06:12", "UP, direct BLOCKED"),
        ),
    ],
)
def test_words_name_each_route_that_is_not_up(
    word: str, routes: dict[str, str], words: tuple[str, ...]
) -> None:
    """Spec: docs/transport.md §11.7"""
    assert route_words(word, routes_of(**routes), NOW_MS) == words


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
    fuller = route_words("UP 1 of 2", routes_of(direct="UP", relay_a="DOWN"), NOW_MS)
    status = replace(FakeDesk().status(), link_word="UP 1 of 2", link_fuller=fuller)
    before, after = title_ends(status, "WATCH", width)
    assert after.plain.rstrip().endswith(shown)
    assert cell_len(before.plain) + len("00:00:00Z") + cell_len(after.plain) <= width
