"""The station's own log in full: an alarm that the timeline cuts can be read to its end."""

from __future__ import annotations

import pytest

from hotline.desk.views import Direction
from hotline.tui.screens.log_line import LogLineScreen
from hotline.tui.screens.watch import WatchScreen
from tests.fakes.desk import NOON_MS, FakeDesk, Said
from tests.fakes.desk_scenes import quiet_desk
from tests.tui.rig import BROAD, NARROW, console, settled, text_of, until

WORDS = (
    "NORTH put back its ledger and opened generation 2; of 33 entries that we countersigned it "
    "kept 28; what it had lost it asks back now: the disk was put back in the night."
)


def alarmed_desk(words: str = WORDS) -> FakeDesk:
    desk = quiet_desk()
    log = Said("", "", NOON_MS, Direction.SYSTEM, "", "", (words,))
    log.state, log.symbol = "LEDGER", "!"
    desk.said = [log]
    return desk


def unwrapped(screen: str) -> str:
    return " ".join("".join(c if c not in "│|" else " " for c in screen).split())


async def test_enter_opens_a_log_line_in_full_on_the_narrowest_screen() -> None:
    app = console(alarmed_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert WORDS not in unwrapped(text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LogLineScreen), "the log line")
        await settled(pilot)
        assert WORDS in unwrapped(text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")


async def test_marked_log_line_stands_in_full_beside_a_broad_timeline() -> None:
    app = console(alarmed_desk())
    async with app.run_test(size=BROAD) as pilot:
        await settled(pilot)
        assert "LOG" in text_of(app)
        assert "night" in text_of(app)
        assert app.screen.shown_digest is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [NARROW, BROAD])
async def test_log_line_with_markup_is_drawn_as_it_is(size: tuple[int, int]) -> None:
    app = console(alarmed_desk("[bold red]alarm[/] " + "x" * 300))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LogLineScreen), "the log line")
        await settled(pilot)
        assert "[bold red]alarm[/]" in text_of(app)
