"""The guided setup, killed at every step: it goes on where the home stands, and comes to a line."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.desk.guided.setting_up import SettingUp
from hotline.desk.guided.views import NewStationAnswers, OfficerAnswers, Unlocking
from hotline.review.reviewing import Asked, review_ledgers
from hotline.tui.guided.order import page_to_begin
from tests.fakes.guided import machine
from tests.fakes.tmux import NEEDS_TMUX, tmux_server

OPEN = Unlocking()
Step = Callable[[Path], None]


def at(home: Path) -> SettingUp:
    """A setup that was just started; it remembers nothing."""
    return SettingUp(machine(), home if home.exists() else None)


def make(home: Path) -> None:
    route = "127.0.0.1:47110" if home.name == "north" else ""
    new = NewStationAnswers(str(home), home.name.upper(), "EXERCISE", route)
    asyncio.run(at(home).make(new))


def certify(home: Path) -> None:
    asyncio.run(at(home).certify(OfficerAnswers("n1", "A. Lind"), OPEN))


def card(home: Path) -> None:
    guide = at(home)
    asyncio.run(guide.write_card(guide.card_file(), OPEN))


def compare(home: Path) -> None:
    guide = at(home)
    other = at(home.with_name("south" if home.name == "north" else "north"))
    _, compared = guide.look_at_card(other.card_file())
    if not compared:
        for place in guide.asked_places():
            guide.hear(other.own_words()[place - 1])
        guide.settle(agreed=True)


def sign(home: Path) -> None:
    guide = at(home)
    if home.name == "north":
        guide.draft(guide.suggest("SOUTH")[1])
    else:
        guide.look_at_opening(at(home.with_name("north")).travelling_file())
    asyncio.run(guide.sign(OPEN))


def carry(home: Path) -> None:
    guide = at(home)
    asyncio.run(guide.write_travelling(guide.travelling_file()))


def complete(home: Path) -> None:
    answer = at(home.with_name("south")).travelling_file()
    asyncio.run(at(home).complete(answer, OPEN))


STEPS: tuple[tuple[str, Step, int, str, str], ...] = (
    ("north", make, 1, "place", "who"),
    ("south", make, 4, "place", "who"),
    ("north", certify, 1, "who", "card"),
    ("south", certify, 2, "who", "card"),
    ("north", card, 1, "card", "card"),
    ("south", card, 2, "card", "card"),
    ("north", compare, 1, "card", "choice"),
    ("south", compare, 1, "card", "choice"),
    ("north", sign, 2, "choice", "carry"),
    ("north", carry, 1, "carry", "carry"),
    ("south", sign, 3, "choice", "carry"),
    ("south", carry, 1, "carry", "carry"),
    ("north", complete, 3, "carry", "done"),
)
"""Home, step, before which of its files it is killed, the page before it and the page after it."""


def killed(step: Step, home: Path, before: int) -> bool:
    """Do a step in a process that is killed before its file number `before` is in place."""
    child = os.fork()
    if child == 0:
        _die_before(before)
        try:
            step(home)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_before(number: int) -> None:
    put, left = os.replace, [number]

    def replace(*paths: str | Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        put(*paths)

    os.replace = replace  # type: ignore[assignment]


def test_setup_that_is_killed_at_every_step_goes_on_where_the_home_stands(tmp_path: Path) -> None:
    for name, step, number, before, after in STEPS:
        home = tmp_path / name
        assert page_to_begin(at(home).view()) == before, step
        assert killed(step, home, number), step
        stands = page_to_begin(at(home).view())
        # Whatever the kill left, it is the page before the step or after it.
        assert stands in (before, after), step
        if stands == before:
            step(home)
        assert page_to_begin(at(home).view()) == after, step
    review = review_ledgers(tmp_path / "north", tmp_path / "south", Asked())
    assert review.ok


@NEEDS_TMUX
@pytest.mark.timeout(200)
def test_setup_killed_in_a_real_terminal_goes_on(tmp_path: Path) -> None:
    """A person types in a terminal of 80x24; the power fails; the same command goes on."""
    command = f"{sys.executable} -m hotline init --guided --ascii"
    home = tmp_path / "home"
    with tmux_server() as server:
        first = server.terminal("first")
        first.start(command)
        first.until(lambda rows: "step 1 of 9" in rows[0], "the first page")
        for words, key in (("NORTH", "Enter"), ("", "Right"), ("", "Right"), ("", "Enter")):
            first.type(words)
            first.keys(key)
        first.type(str(home))
        first.keys("Enter", "Enter")
        first.until(lambda rows: "step 2 of 9" in rows[0], "the route")
        first.keys("Enter", "Enter", "Enter", "Enter")
        first.until(lambda rows: "KEYS: console.key" in rows[0], "the keys")
        first.keys("Right", "Enter", "Enter", "Enter", "Enter")
        first.until(lambda rows: "AN OFFICER" in rows[0], "the officer")
        first.kill()
        second = server.terminal("second")
        second.start(f"{command} {home}")
        second.until(lambda rows: "AN OFFICER" in rows[0], "the officer again")
        second.keys("C-x")
        second.until(lambda rows: any("> Stay <" in row for row in rows), "the question")
        second.keys("Tab", "Enter")
        second.until(lambda rows: any("EXIT=0" in row for row in rows), "the end")
        assert f"To go on where you stopped: hotline init --guided {home}" in second.text()
