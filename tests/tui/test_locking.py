"""The lock of a desk as the officer meets it: what stays in sight, what waits, what is refused."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from hotline.tui.app import ConsoleApp
from hotline.tui.idle import Idle
from hotline.tui.screens.alarms import AlarmScreen
from hotline.tui.screens.chord import ChordScreen
from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.locked import LockedScreen
from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.new_root import NewRootScreen
from hotline.tui.screens.readback import ReadBackScreen
from hotline.tui.screens.release import ReleaseScreen
from hotline.tui.screens.send import SendScreen
from hotline.tui.screens.watch import WatchScreen
from tests.fakes.desk import CODE, FakeDesk
from tests.fakes.desk_scenes import NEW_ROOT, crowded_desk, release_desk
from tests.tui.rig import NARROW, console, replay, settled, text_of, until, until_text

ACTS = ("send", "acknowledge", "release", "refuse", "withdraw", "read_back", "compare_root")
LIMIT_MS = 600_000


def acted(desk: FakeDesk) -> list[object]:
    return [call[0] for call in desk.calls if call[0] in ACTS]


def named(desk: FakeDesk, name: str) -> list[tuple[object, ...]]:
    return [call for call in desk.calls if call[0] == name]


def at(app: ConsoleApp, kind: type) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, kind)


async def lock(pilot: Pilot[int], app: ConsoleApp) -> None:
    await settled(pilot)
    await pilot.press("ctrl+l")
    await until(pilot, at(app, LockedScreen), "the locked screen")
    await settled(pilot)


async def unlock(pilot: Pilot[int], app: ConsoleApp, desk: FakeDesk) -> None:
    app.screen.query_one("#passphrase", Input).value = desk.passphrase
    await pilot.press("enter")
    await until(pilot, lambda: desk.locked is None and not app.locked, "the desk unlocked")
    await settled(pilot)


async def pass_time(pilot: Pilot[int], app: ConsoleApp, span_ms: int) -> None:
    app.clock.now_ms += span_ms  # type: ignore[attr-defined]
    app._tick()
    await settled(pilot)


# --- when it falls --------------------------------------------------------------------


async def test_desk_locks_itself_when_no_key_was_pressed_for_the_limit() -> None:
    desk = crowded_desk()
    desk.lock_after_ms = LIMIT_MS
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pass_time(pilot, app, LIMIT_MS - 1)
        assert not named(desk, "lock")
        await pass_time(pilot, app, 1)
        await until(pilot, at(app, LockedScreen), "the locked screen")
        assert named(desk, "lock") == [("lock", "IDLE", LIMIT_MS)]
        await until(pilot, lambda: named(desk, "lock recorded"), "the record of it")
        assert "LOCKED since 14:32:07Z: only LT RAMOS unlocks it" in text_of(app)


async def test_only_keys_of_the_officer_put_the_lock_off() -> None:
    desk = crowded_desk()
    desk.lock_after_ms = LIMIT_MS
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pass_time(pilot, app, LIMIT_MS - 1)
        await pilot.press("down")
        await pass_time(pilot, app, LIMIT_MS - 1)
        app.post_message(events.Paste("x"))
        await settled(pilot)
        await pass_time(pilot, app, LIMIT_MS - 1)
        assert not named(desk, "lock")
        # What comes in, a change of size and a refresh are not keys.
        desk.receive("FLASH", "Cease closing.")
        desk.receive("ROUTINE", "Radio check.")
        await pilot.resize_terminal(100, 30)
        app.refresh_view()
        await settled(pilot)
        await pass_time(pilot, app, 1)
        await until(pilot, at(app, LockedScreen), "the locked screen")


def test_idle_counts_no_time_backwards_and_hides_none() -> None:
    idle = Idle(1_000)
    assert idle.span_ms(4_000) == 3_000
    assert idle.span_ms(500) == 3_000
    assert idle.span_ms(1_500) == 4_000
    idle.pressed(1_500)
    assert idle.span_ms(1_600) == 100


async def test_limit_of_zero_never_locks_and_a_replay_has_no_lock() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pass_time(pilot, app, 10 * LIMIT_MS)
        assert not named(desk, "lock")
    played = replay(crowded_desk())
    async with played.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+l", "ctrl+o", "k")
        await settled(pilot)
        assert isinstance(played.screen, WatchScreen)


async def test_lock_falls_under_the_keys_that_come_right_behind_it() -> None:
    """One burst of keys, as a terminal hands them over: Enter on SEND comes after ^L."""
    desk = crowded_desk()
    desk.code = CODE
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await ready_to_send(pilot, app)
        for key in ("ctrl+l", "enter", "enter"):
            app.post_message(events.Key(key, None))
        await until(pilot, at(app, LockedScreen), "the locked screen")
        await settled(pilot)
        assert acted(desk) == []


# --- what stays, what waits -------------------------------------------------------------


async def ready_to_send(pilot: Pilot[int], app: ConsoleApp) -> None:
    keys = ("f3", "enter", "0", "4", "5", "tab", "8", "tab", "right", "ctrl+g")
    await settled(pilot)
    await pilot.press(*keys)
    await until(pilot, at(app, SendScreen), "the sending screen")
    app.clock.now_ms += 1_000  # type: ignore[attr-defined]
    await settled(pilot)
    await pilot.press("pagedown", "pagedown", "tab", "tab", *CODE)
    app.screen.query_one("#code", Input).value = CODE
    await settled(pilot)
    app.screen.query_one("#send").focus()
    await settled(pilot)


async def test_half_sent_statement_is_neither_sent_nor_lost() -> None:
    desk = crowded_desk()
    desk.code = CODE
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await ready_to_send(pilot, app)
        await lock(pilot, app)
        await pilot.press("escape", "f2", "ctrl+g", "f3", "ctrl+r", "ctrl+p")
        await settled(pilot)
        assert isinstance(app.screen, LockedScreen)
        assert acted(desk) == []
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, SendScreen)
        assert app.screen.query_one("#code", Input).value == CODE
        assert acted(desk) == []
        await pilot.press("enter")
        await until(pilot, lambda: acted(desk) == ["send"], "the statement sent")


async def test_draft_read_back_and_release_stand_where_they_were_left() -> None:
    desk = crowded_desk()
    desk.said[-1].read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter", "enter", *"210")
        await until(pilot, at(app, ReadBackScreen), "the read-back")
        await lock(pilot, app)
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, ReadBackScreen)
        assert app.screen.query(Input).first().value == "210"
        await pilot.press("f3", "enter", "0", "4")
        await until(pilot, at(app, ComposeScreen), "the composer")
        await lock(pilot, app)
        assert "LOCKED since" in text_of(app)
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, ComposeScreen)
        assert "04" in text_of(app)
        assert acted(desk) == []


async def test_passphrase_of_a_second_officer_does_not_stand_under_the_lock() -> None:
    desk = release_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, at(app, ReleaseScreen), "the release")
        box = app.screen.query_one("#passphrase", Input)
        box.value = "half typed"
        await lock(pilot, app)
        assert box.value == ""
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, ReleaseScreen)
        assert acted(desk) == []


async def test_flash_at_a_locked_desk_shows_rings_and_costs_no_draft() -> None:
    desk = crowded_desk("LIVE")
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        rung: list[int] = []
        app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        await settled(pilot)
        await pilot.press("f3", "enter", "0", "4", "5")
        await lock(pilot, app)
        digest = desk.receive("FLASH", "Cease closing. Reply within 10 minutes.")
        await until_text(pilot, "!! FLASH")
        await until_text(pilot, "F8=OPEN")
        assert rung
        app.clock.now_ms += 1_000  # type: ignore[attr-defined]
        await pilot.press("f8")
        await until(pilot, at(app, MessageScreen), "the FLASH")
        await until_text(pilot, "first unlock")
        await pilot.press("f8", "enter", "f3", "ctrl+r")
        await settled(pilot)
        assert isinstance(app.screen, MessageScreen)
        assert acted(desk) == []
        assert not named(desk, "displayed")
        assert "## LOCKED since" in text_of(app)
        await pilot.press("f2")
        await until(pilot, at(app, LockedScreen), "the locked screen")
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, ComposeScreen)
        assert "045" in text_of(app)
        app.clock.now_ms += 1_000  # type: ignore[attr-defined]
        await pilot.press("f8")
        await until(pilot, lambda: named(desk, "displayed"), "the FLASH displayed")
        await pilot.press("f8")
        await until(pilot, lambda: acted(desk) == ["acknowledge"], "READ BY OFFICER")
        assert named(desk, "acknowledge") == [("acknowledge", digest)]


async def test_everything_is_read_at_a_locked_desk_and_help_and_leaving_work() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await lock(pilot, app)
        for keys, words in (
            (("f4",), "INCIDENT INC-04"),
            (("f1",), "KEYS"),
            (("f9",), "ALARMS"),
            (("tab", "enter"), "MESSAGE"),
            (("ctrl+x",), "Leave the console?"),
            (("ctrl+o",), "^O then"),
        ):
            await pilot.press(*keys)
            await until_text(pilot, words)
            assert "## LOCKED since" in text_of(app)
            assert "Compose" not in text_of(app) or words == "KEYS"
            await pilot.press("escape")
            await until(pilot, at(app, LockedScreen), "the locked screen")
        assert acted(desk) == []


async def test_alarm_comes_up_over_the_locked_screen_and_a_changed_root_after_it() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await lock(pilot, app)
        desk.frozen, desk.alarm = "ab" * 32, "LINE FROZEN: SOUTH gave number 7 to two statements"
        desk.changed()
        await until(pilot, at(app, AlarmScreen), "the alarm")
        await pilot.press("pagedown", "escape")
        await until(pilot, at(app, LockedScreen), "the locked screen")
        desk.new_root = NEW_ROOT
        desk.changed()
        await settled(pilot)
        assert isinstance(app.screen, LockedScreen)
        await unlock(pilot, app, desk)
        await until(pilot, at(app, NewRootScreen), "the new root")


# --- unlocking ----------------------------------------------------------------------------


async def test_screen_lives_while_the_passphrase_is_checked_and_shows_nothing_of_it() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await lock(pilot, app)
        await pilot.press("enter")
        await until_text(pilot, "Type the passphrase first")
        assert not named(desk, "unlock")
        desk.may_open.clear()
        await pilot.press(*"wrong")
        await settled(pilot)
        assert "wrong" not in text_of(app)
        await pilot.press("enter")
        await until_text(pilot, "Checking the passphrase")
        assert app.screen.query_one("#passphrase", Input).value == ""
        await pilot.press("enter", "enter")
        desk.receive("FLASH", "Cease closing.")
        await until_text(pilot, "!! FLASH")
        desk.may_open.set()
        await until_text(pilot, "does not open with that passphrase")
        assert named(desk, "unlock") == [("unlock", "wrong")]
        assert isinstance(app.screen, LockedScreen)
        assert desk.locked
        # No number of wrong ones mutes the desk.
        for _ in range(6):
            await pilot.press("x", "enter")
            await settled(pilot)
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, WatchScreen)


async def test_key_without_a_passphrase_asks_for_a_confirmation_and_says_so() -> None:
    desk = crowded_desk()
    desk.protected = False
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await lock(pilot, app)
        assert "This exercise key has no passphrase: confirm only." in text_of(app)
        await pilot.press("enter")
        await until(pilot, at(app, WatchScreen), "the watch")
        assert named(desk, "unlock") == [("unlock", "")]


async def test_lock_holds_where_its_record_fails_and_says_why() -> None:
    desk = crowded_desk()
    desk.refuse["lock recorded"] = "the disk refused"
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await lock(pilot, app)
        await until_text(pilot, "the disk refused")
        assert isinstance(app.screen, LockedScreen)


async def test_lock_comes_up_over_the_row_of_letters_and_takes_it_away() -> None:
    desk = crowded_desk()
    desk.lock_after_ms = LIMIT_MS
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, at(app, ChordScreen), "the letters")
        await pass_time(pilot, app, LIMIT_MS)
        await until(pilot, at(app, LockedScreen), "the locked screen")
        await unlock(pilot, app, desk)
        assert isinstance(app.screen, WatchScreen)
