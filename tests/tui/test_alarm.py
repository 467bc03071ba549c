"""The FLASH alarm: bell, key guard, strip that takes no focus."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from hotline.tui.alarm import BELL_EVERY_MS, KEY_GUARD_MS, FlashAlarm
from hotline.tui.screens.compose import ComposeScreen
from tests.fakes.desk_scenes import crowded_desk, flash_desk
from tests.tui.rig import NARROW, HandClock, console, replay, settled, text_of, until, until_text


def test_alarm_rings_at_once_and_every_five_seconds_until_acknowledged() -> None:
    alarm = FlashAlarm()
    rung = [at for at in range(0, 16_000, 1_000) if alarm.show("a", at)]
    assert rung == [0, BELL_EVERY_MS, 2 * BELL_EVERY_MS, 3 * BELL_EVERY_MS]
    assert not alarm.show("", 20_000)
    assert not alarm.show("", 30_000)


def test_alarm_rings_at_once_for_the_next_flash() -> None:
    alarm = FlashAlarm()
    assert alarm.show("a", 0)
    assert alarm.show("b", 1)


def test_alarm_guards_keys_just_after_a_flash_came_up_and_no_longer() -> None:
    alarm = FlashAlarm()
    assert not alarm.guards(0)
    alarm.show("a", 1_000)
    assert alarm.guards(1_000 + KEY_GUARD_MS - 1)
    assert not alarm.guards(1_000 + KEY_GUARD_MS)


async def test_flash_comes_up_rings_and_leaves_the_focus_and_the_typing_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, clock = crowded_desk(), HandClock()
    app = console(desk, clock=clock)
    bells: list[int] = []
    monkeypatch.setattr(app, "bell", lambda: bells.append(clock.now_ms))
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", "0", "4")
        focused = app.focused
        desk.receive("FLASH", "Cease closing.")
        await until_text(pilot, "!! FLASH 6K0 NOT READ")
        await pilot.press("5")
        assert isinstance(focused, Input)
        assert app.focused is focused
        assert focused.value == "045"
        assert bells == [clock.now_ms]
        clock.now_ms += BELL_EVERY_MS
        app.refresh_view()
        assert len(bells) == 2
        clock.now_ms += 1
        app.refresh_view()
        assert len(bells) == 2


async def test_f8_on_its_way_before_the_flash_came_up_is_ignored() -> None:
    desk, clock = crowded_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        desk.receive("FLASH", "Cease closing.")
        await until_text(pilot, "!! FLASH 6K0 NOT READ")
        await pilot.press("f8")
        await until_text(pilot, "A FLASH came in just now.")
        assert not [call for call in desk.calls if call[0] == "acknowledge"]


@pytest.mark.parametrize(
    "keys",
    [("enter",), ("f4",), ("f3",), ("f3", "enter"), ("f1",), ("ctrl+x",)],
    ids="-".join,
)
async def test_flash_strip_and_realm_stand_on_every_screen(keys: tuple[str, ...]) -> None:
    app = console(flash_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("up", *keys)
        await settled(pilot)
        rows = text_of(app).splitlines()
        assert " EXERCISE " in rows[0]
        assert rows[1].startswith("!! FLASH 6K0 NOT READ")
        assert "EXERCISE EXERCISE EXERCISE" in rows[-2]
        assert " NORTH-SOUTH " in rows[0]


async def test_flash_opened_over_the_composer_comes_back_to_the_same_draft() -> None:
    desk, clock = flash_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        clock.now_ms += 1_000
        await pilot.press("f3", "enter", *"045", "f8")
        await until_text(pilot, "F8=READ BY OFFICER")
        await pilot.press("f8", "escape")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        assert app.screen.query(Input).first().value == "045"
        assert app.view.flash is None


async def test_second_flash_is_counted_on_the_strip() -> None:
    desk = flash_desk()
    desk.receive("FLASH", "Second.")
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "(1 of 2)")


async def test_replay_of_a_flash_shows_it_and_rings_no_bell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = replay(flash_desk())
    bells: list[int] = []
    monkeypatch.setattr(app, "bell", lambda: bells.append(1))
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "!! FLASH 6K0 NOT READ")
        assert bells == []
        assert "F8" not in text_of(app)
