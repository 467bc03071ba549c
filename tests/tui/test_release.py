"""The second officer's way through the console, and the alarms that must be read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from hotline.tui.screens.alarms import AlarmScreen
from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.release import ReleaseScreen
from hotline.tui.screens.send import SendScreen
from hotline.tui.screens.watch import WatchScreen
from hotline.tui.widgets.alarm_strip import AlarmStrip
from hotline.tui.widgets.footer_row import FooterRow
from tests.fakes.desk import CODE, FakeDesk, digest_of
from tests.fakes.desk_scenes import FIELDS, crowded_desk, frozen_desk, release_desk
from tests.tui.rig import NARROW, HandClock, console, replay, settled, text_of, until, until_text

WAITS = digest_of(7)
SECRET = "correct horse"


async def opened(pilot: Pilot[int], clock: HandClock) -> ReleaseScreen:
    await settled(pilot)
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReleaseScreen), "the release")
    await settled(pilot)
    clock.now_ms += 1000
    screen = pilot.app.screen
    assert isinstance(screen, ReleaseScreen)
    return screen


def acts(desk: FakeDesk) -> list[tuple[object, ...]]:
    return [one for one in desk.calls if one[0] in ("release", "refuse", "withdraw")]


async def press(pilot: Pilot[int], name: str) -> None:
    pilot.app.screen.query_one(f"#{name}", Button).focus()
    await pilot.press("enter")


async def test_second_officer_releases_at_the_same_desk_with_name_and_passphrase() -> None:
    desk, clock = release_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, clock)
        await pilot.press("tab", "right", "tab", *SECRET.replace(" ", "_"))
        await settled(pilot)
        assert SECRET.replace(" ", "_") not in text_of(app)
        await press(pilot, "release")
        await until_text(pilot, "7S1 is released: both signatures are recorded.")
        secret = SECRET.replace(" ", "_")
        assert acts(desk) == [("release", WAITS, "", "ekberg", secret)]
        assert isinstance(app.screen, WatchScreen)


async def test_officer_of_another_desk_releases_with_the_code_alone() -> None:
    desk, clock = release_desk(ours=False, code=CODE), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        assert not screen.query("#passphrase")
        assert not screen.query("#withdraw")
        assert screen.query_one("#release", Button).disabled
        await pilot.press("tab", *CODE.lower())
        await until(pilot, lambda: not screen.query_one("#release", Button).disabled, "RELEASE")
        await press(pilot, "release")
        await until_text(pilot, "7S1 is released")
        assert acts(desk) == [("release", WAITS, CODE, "", "")]


async def test_release_cannot_be_pressed_before_its_end_was_on_the_screen() -> None:
    desk, clock = release_desk(ours=False), HandClock()
    lines = tuple(f"{n}. A long commitment." for n in range(60))
    desk.waiting[WAITS] = replace(desk.waiting[WAITS], preview_own=lines)
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        assert screen.query_one("#release", Button).disabled
        await until_text(pilot, "Step 1: read it to the end")
        await pilot.press("end")
        await until(pilot, lambda: not screen.query_one("#release", Button).disabled, "RELEASE")


async def test_wrong_passphrase_is_said_and_forgotten_and_nothing_is_released() -> None:
    desk, clock = release_desk(), HandClock()
    desk.refuse["release"] = "the key file officer-ekberg.key does not open"
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        await pilot.press("tab", "right", "tab", *"wrong")
        await press(pilot, "release")
        await until_text(pilot, "does not open; try it again.")
        assert app.screen is screen
        assert screen.query_one("#passphrase", Input).value == ""
        assert WAITS in desk.waiting
        assert not screen.query_one("#release", Button).disabled


async def test_release_without_a_second_officer_chosen_asks_for_one() -> None:
    desk, clock = release_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, clock)
        await press(pilot, "release")
        await until_text(pilot, "Choose the second officer")
        assert not acts(desk)


@pytest.mark.parametrize("act", ["refuse", "withdraw"])
async def test_refusing_and_withdrawing_need_a_reason(act: str) -> None:
    desk, clock = release_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        await press(pilot, act)
        await until_text(pilot, "Type the reason first")
        assert not acts(desk)
        screen.query_one("#reason", Input).value = "wrong ship"
        screen.query_one("#officer").focus()
        await pilot.press("right")
        await press(pilot, act)
        await until_text(pilot, "will not be sent")
        who = ("ekberg", "") if act == "refuse" else ()
        assert acts(desk) == [(act, WAITS, "wrong ship", *who)]


async def test_keys_on_their_way_from_before_the_screen_sign_nothing() -> None:
    desk, clock = release_desk(ours=False), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, ReleaseScreen), "the release")
        await settled(pilot)
        await press(pilot, "release")
        await until_text(pilot, "That key came too early")
        assert not acts(desk)


async def test_release_that_ended_elsewhere_offers_nothing_more() -> None:
    desk, clock = release_desk(ours=False), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        desk.waiting.clear()
        desk.changed()
        await until_text(pilot, "It does not wait any more")
        assert screen.query_one("#release", Button).disabled
        assert screen.query_one("#refuse", Button).disabled


async def test_marked_statement_on_its_screen_leads_to_its_release() -> None:
    desk = release_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MessageScreen), "the message")
        await until_text(pilot, "it awaits a second officer. ^R opens it.")
        await pilot.press("ctrl+o", "r")
        await until(pilot, lambda: isinstance(app.screen, ReleaseScreen), "the release")


async def test_key_says_that_nothing_waits_and_stands_in_no_footer() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert "^R" not in app.screen.query_one(FooterRow).line(200).plain
        await pilot.press("ctrl+r")
        await until_text(pilot, "Nothing awaits a second officer.")


async def test_first_officer_signs_and_is_told_that_it_waits() -> None:
    desk, clock = crowded_desk(), HandClock()
    desk.form_fields, desk.need = FIELDS[:2], 2
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f3", "enter", *"045", "tab", "8", "ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, SendScreen), "the sending screen")
        await settled(pilot)
        assert "2 OFFICERS MUST SIGN" in text_of(app)
        assert "[ SIGN ]" in text_of(app)
        clock.now_ms += 1000
        await press(pilot, "send")
        await until_text(pilot, "is not sent before a second officer signs: ^R opens it.")
        assert not isinstance(app.screen, ComposeScreen)


async def test_second_officer_is_told_what_to_type_where_a_key_has_no_passphrase() -> None:
    desk, clock = release_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, clock)
        assert "second officer's name and passphrase, then RELEASE by" in screen.guide_words()
        screen.query_one("#passphrase").focus()
        await until_text(pilot, "empty for a key without one, as in drills.")


# --- alarms --------------------------------------------------------------------------------


async def test_screen_of_alarms_says_when_none_stands() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f9")
        await until_text(pilot, "Nothing stands. Esc goes back")


async def test_line_that_freezes_brings_up_an_alarm_that_must_be_read() -> None:
    desk, frozen = crowded_desk(), frozen_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert not app.screen.query_one(AlarmStrip).has_class("-raised")
        long = replace(frozen.told[0], lines=tuple(f"line {n}" for n in range(60)))
        desk.alarm, desk.frozen, desk.told = frozen.alarm, frozen.frozen, (long,)
        desk.changed()
        await until(pilot, lambda: isinstance(app.screen, AlarmScreen), "the alarm")
        for key in ("escape", "f2", "f3", "ctrl+x", "f1"):
            await pilot.press(key)
            await until_text(pilot, "Read this alarm to its end first")
            assert isinstance(app.screen, AlarmScreen)
        await pilot.press("end", "escape")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        assert app.screen.query_one(AlarmStrip).has_class("-raised")
        # The same freeze does not come up again by itself; F9 shows it.
        desk.changed()
        await settled(pilot)
        assert isinstance(app.screen, WatchScreen)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, AlarmScreen), "the alarm")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")


async def test_another_fork_brings_the_alarm_up_again() -> None:
    desk = frozen_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, AlarmScreen), "the alarm")
        await settled(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        desk.frozen = "cd" * 32
        desk.changed()
        await until(pilot, lambda: isinstance(app.screen, AlarmScreen), "the alarm")


async def test_alarm_line_goes_when_nothing_stands() -> None:
    desk = crowded_desk()
    desk.alarm = "MISSING: number 3 of SOUTH is not here yet; asked for again. F9: more"
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "!! MISSING: number 3 of SOUTH")
        await pilot.press("f3")
        await until_text(pilot, "!! MISSING: number 3 of SOUTH")
        await pilot.press("f2")
        desk.alarm = ""
        desk.changed()
        await until(
            pilot, lambda: not app.screen.query_one(AlarmStrip).has_class("-raised"), "calm"
        )


async def test_replay_shows_the_alarms_of_that_time_and_never_unasked() -> None:
    app = replay(frozen_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, WatchScreen)
        await pilot.press("f9")
        await until_text(pilot, "DO NOW: speak with SOUTH by voice.")
