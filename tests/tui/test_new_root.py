"""A changed root stands before everything until an officer has answered for it."""

from __future__ import annotations

from textual.widgets import Input

from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.new_root import NewRootScreen
from hotline.tui.screens.watch import WatchScreen
from tests.fakes.desk import FakeDesk
from tests.fakes.desk_scenes import NEW_ROOT, crowded_desk, flash_desk, quiet_desk
from tests.tui.rig import NARROW, console, replay, settled, text_of, until, until_text


def rooted(desk: FakeDesk) -> FakeDesk:
    desk.new_root = NEW_ROOT
    return desk


async def test_changed_root_blocks_the_console_until_the_words_agree() -> None:
    desk = rooted(quiet_desk())
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root")
        await settled(pilot)
        seen = text_of(app)
        assert all(word in seen for word in (*NEW_ROOT.words, *NEW_ROOT.before_words))
        for key in ("f2", "f3", "f4", "escape", "ctrl+p", "ctrl+g"):
            await pilot.press(key)
            assert isinstance(app.screen, NewRootScreen), key
        await pilot.press(*"new24", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        assert ("compare_root", NEW_ROOT.root, True) in desk.calls
        await until_text(pilot, "counts from now on")


async def test_word_that_was_not_read_out_agrees_to_nothing() -> None:
    desk = rooted(quiet_desk())
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root")
        await settled(pilot)
        await pilot.press("enter", "enter")
        await until_text(pilot, "not the last word")
        assert isinstance(app.screen, NewRootScreen)
        assert not [call for call in desk.calls if call[0] == "compare_root"]
        assert app.screen.query_one("#last-word", Input).value == ""


async def test_words_that_differ_are_recorded_and_warned_of() -> None:
    desk = rooted(quiet_desk())
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root")
        await settled(pilot)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        assert ("compare_root", NEW_ROOT.root, False) in desk.calls
        await until_text(pilot, "stays UNVERIFIED")
        # It was answered; the next console asks again.
        app.refresh_view()
        await settled(pilot)
        assert isinstance(app.screen, WatchScreen)


async def test_flash_is_read_over_a_changed_root_and_nothing_is_composed() -> None:
    desk = rooted(flash_desk())
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root")
        app.clock.now_ms += 1_000  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, MessageScreen), "the FLASH")
        for key in ("f3", "f2", "f4"):
            await pilot.press(key)
            assert isinstance(app.screen, MessageScreen), key
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root again")


async def test_answer_that_cannot_be_recorded_leaves_the_question_up() -> None:
    desk = rooted(crowded_desk())
    desk.refuse["compare_root"] = "the disk refused"
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NewRootScreen), "the new root")
        await settled(pilot)
        await pilot.press("tab", "tab", "enter")
        await until_text(pilot, "the disk refused")
        assert isinstance(app.screen, NewRootScreen)


async def test_replay_asks_nobody() -> None:
    app = replay(rooted(crowded_desk()))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert not isinstance(app.screen, NewRootScreen)
