"""Refreshing: many changes and few refreshes, long timelines, sizes."""

from __future__ import annotations

import asyncio

import pytest

from hotline.tui.refresh import REFRESH_EVERY_S
from hotline.tui.widgets.timeline import MAX_PAGES, PAGE_ROWS, Timeline
from hotline.tui.widgets.title_row import TitleRow
from tests.fakes.desk_scenes import crowded_desk, flash_desk, long_desk, quiet_desk
from tests.tui.rig import NARROW, console, settled, text_of, until, until_text


async def test_a_thousand_changes_cost_few_refreshes_and_the_last_one_shows() -> None:
    desk = quiet_desk()
    app = console(desk)
    loop = asyncio.get_running_loop()
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        start, before = loop.time(), app.coalescer.refreshes
        for number in range(1_000):
            desk.receive("ROUTINE", f"Statement {number}.")
            if number % 50 == 0:
                await asyncio.sleep(0)
        await until_text(pilot, "Statement 999.")
        spent = loop.time() - start
        assert app.coalescer.refreshes - before <= spent / REFRESH_EVERY_S + 1


async def test_subscription_ends_with_the_app() -> None:
    desk = quiet_desk()
    app = console(desk)
    async with app.run_test(size=NARROW):
        assert len(desk.watchers) == 1
    assert desk.watchers == []


async def test_long_timeline_reads_pages_and_keeps_few(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = long_desk(100_000)
    app = console(desk)
    asked: list[int] = []
    read = app.feed.timeline

    def count(start: int, stop: int):  # type: ignore[no-untyped-def]
        asked.append(stop - start)
        return read(start, stop)

    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        timeline = app.screen.query_one(Timeline)
        monkeypatch.setattr(timeline, "_read_rows", count)
        for key in ("home", "pagedown", "end", "pageup", "home", "end"):
            await pilot.press(key)
        await settled(pilot)
        assert max(asked) == PAGE_ROWS
        assert len(timeline._pages) <= MAX_PAGES
        assert len(list(timeline.walk_children())) == 0
        assert "Statement 99999." in text_of(app)


async def test_mark_away_from_the_end_stays_when_something_comes_in() -> None:
    desk = long_desk(50)
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        timeline = app.screen.query_one(Timeline)
        await pilot.press("up", "up")
        desk.receive("ROUTINE", "New.")
        await until(pilot, lambda: timeline.row_count() == 51, "the new row")
        assert timeline.selected == 47
        await pilot.press("end")
        desk.receive("ROUTINE", "Newer.")
        await until(pilot, lambda: timeline.selected == 51, "the end followed")


async def test_too_small_a_terminal_says_so_keeps_row_0_and_the_strip_and_comes_back() -> None:
    app = console(flash_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        before, focused = text_of(app), app.focused
        await pilot.resize_terminal(20, 5)
        await until_text(pilot, "need 80x24")
        rows = text_of(app).splitlines()
        assert "EXERCISE" in rows[0]
        assert rows[1].startswith("!! FLASH 6K0")
        await pilot.press("f3", "enter", "x")
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: text_of(app) == before, "the same screen")
        assert app.focused is focused


async def test_typing_survives_a_terminal_that_was_too_small_for_a_while() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", "0", "4")
        await settled(pilot)
        await pilot.resize_terminal(20, 5)
        await until_text(pilot, "need 80x24")
        await pilot.press("9")
        await pilot.resize_terminal(*NARROW)
        await until_text(pilot, "Precedence")
        await until(pilot, lambda: app.focused is not None, "the field again")
        await pilot.press("5")
        await until_text(pilot, "[045")


@pytest.mark.parametrize("size", [(80, 24), (100, 24), (119, 30), (120, 40), (160, 50), (240, 67)])
async def test_every_width_shows_the_watch_and_from_100_the_card(size: tuple[int, int]) -> None:
    app = console(crowded_desk())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        seen = text_of(app)
        for word in ("INCIDENTS", "DEADLINES", "LADDER", "TIMELINE", "READ BY OFFICER", "5K1"):
            assert word in seen
        assert ("MESSAGE 5K1" in seen) == (size[0] >= 100)
        await pilot.press("f3", "enter")
        await settled(pilot)
        assert "PREVIEW" in text_of(app)


async def test_clock_of_row_0_goes_on_by_itself() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "14:32:07Z")
        desk.now_ms += 2_000
        await until_text(pilot, "14:32:09Z")
        await until_text(pilot, "T-08:17")


async def test_link_that_goes_down_is_said_on_row_0() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        desk.link_word = "DOWN 06:12"
        desk.changed()
        await until_text(pilot, "LINK DOWN 06:12")
        await until_text(pilot, "LT RAMOS")


async def test_live_line_has_the_word_live_and_no_exercise_band() -> None:
    app = console(crowded_desk("LIVE"))
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, " LIVE ")
        assert "EXERCISE" not in text_of(app)


async def test_refresh_of_a_screen_whose_widgets_are_gone_is_no_fault() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        frame = app.frame
        assert frame is not None
        await frame.query(TitleRow).remove()
        frame.refresh_view()
        frame.refresh_words()
