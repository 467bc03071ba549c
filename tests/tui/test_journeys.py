"""An officer's ways through the console, key by key: one for each action of the table."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from hotline.tui.closing import Closing
from hotline.tui.screens.choose import ChooseScreen
from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.frame import FrameScreen
from hotline.tui.screens.help import HelpScreen
from hotline.tui.screens.incident import IncidentScreen
from hotline.tui.screens.leave import LeaveScreen
from hotline.tui.screens.message import MessageScreen
from hotline.tui.screens.watch import WatchScreen
from hotline.tui.widgets.lines import Lines
from hotline.tui.widgets.message_card import MessageCard
from hotline.tui.widgets.timeline import Timeline
from tests.fakes.desk import digest_of
from tests.fakes.desk_scenes import crowded_desk, flash_desk, long_desk, quiet_desk
from tests.tui.rig import BROAD, NARROW, console, settled, text_of, until, until_text

OPENED = {
    "f1": HelpScreen,
    "f3": ChooseScreen,
    "f4": IncidentScreen,
    "ctrl+x": LeaveScreen,
    "ctrl+c": LeaveScreen,
    "enter": MessageScreen,
}


@pytest.mark.parametrize("key", OPENED)
async def test_key_on_the_watch_opens_its_screen_and_escape_comes_back(key: str) -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, OPENED[key]), key)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        assert {call[0] for call in desk.calls} <= {"choices", "displayed"}


@pytest.mark.parametrize(
    ("letter", "screen"),
    [("h", HelpScreen), ("c", ChooseScreen), ("i", IncidentScreen), ("x", LeaveScreen)],
)
async def test_chord_then_letter_does_what_the_f_key_does(
    letter: str, screen: type[FrameScreen]
) -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o")
        await until_text(pilot, "^O then")
        await pilot.press(letter)
        await until(pilot, lambda: isinstance(app.screen, screen), letter)
        await pilot.press("ctrl+o", "w")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")


async def test_chord_then_another_key_does_nothing() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o", "z")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")


async def test_f2_from_deep_inside_comes_back_to_the_watch() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f4", "tab", "tab", "enter", "f1")
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        assert len(app.screen_stack) == 1


async def test_f8_on_a_flash_opens_it_first_and_says_read_only_then() -> None:
    desk = flash_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "F8=OPEN")
        app.alarm.appeared_ms -= 1_000
        await pilot.press("f8")
        await until_text(pilot, "F8=READ BY OFFICER")
        assert ("acknowledge", digest_of(6)) not in desk.calls
        await pilot.press("f8")
        told = ("acknowledge", digest_of(6))
        await until(pilot, lambda: told in desk.calls, "the acknowledgement")
        await until(pilot, lambda: app.view.flash is None, "the strip's end")
        assert "FLASH 6K0 NOT READ" not in text_of(app)


async def test_f8_with_the_whole_text_on_the_card_says_read_at_once() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=BROAD) as pilot:
        await until_text(pilot, "Closest approach 0.6 nmi")
        await until(pilot, lambda: app.screen.query_one(MessageCard).seen, "the card seen")
        await pilot.press("f8")
        await until(pilot, lambda: ("acknowledge", digest_of(5)) in desk.calls, "the call")


async def test_f8_where_nothing_waits_says_so() -> None:
    app = console(quiet_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f8")
        await until_text(pilot, "Nothing here waits for READ BY OFFICER.")


async def test_f8_that_the_desk_refuses_says_why_and_what_to_do() -> None:
    desk = crowded_desk()
    desk.refuse["acknowledge"] = "the disk is full"
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("f8")
        await until_text(pilot, "! the disk is full; try it again.")


async def test_long_text_is_not_read_before_its_end_was_in_sight() -> None:
    desk = quiet_desk()
    desk.receive("PRIORITY", *(f"Line {n} of a long text." for n in range(60)))
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter", "f8")
        await until_text(pilot, "First read it to its end: PgDn reads on. Then press F8.")
        assert not [call for call in desk.calls if call[0] in ("acknowledge", "displayed")]
        await pilot.press("end")
        await until(pilot, lambda: ("displayed", digest_of(1)) in desk.calls, "displayed")
        await pilot.press("f8")
        await until(pilot, lambda: ("acknowledge", digest_of(1)) in desk.calls, "acknowledged")


async def test_displayed_is_told_once_for_each_inbound_statement() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("escape", "enter")
        await settled(pilot)
        await pilot.press("escape", "up", "enter")
        await settled(pilot)
        assert [call for call in desk.calls if call[0] == "displayed"] == [
            ("displayed", digest_of(5))
        ]


async def test_read_back_right_is_told_and_closes_the_form() -> None:
    desk = crowded_desk()
    desk.said[-1].read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("enter", *"210", "enter", *"0.6", "enter", "enter")
        await until_text(pilot, "5K1 was read back right.")
        typed = {"course": "210", "cpa": "0.6"}
        assert ("read_back", digest_of(5), typed) in desk.calls
        assert isinstance(app.screen, MessageScreen)


async def test_read_back_with_an_empty_field_asks_for_it_and_tells_nobody() -> None:
    desk = crowded_desk()
    desk.said[-1].read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("enter", *"210", "tab", "tab", "enter")
        await until_text(pilot, "A field is empty.")
        assert not [call for call in desk.calls if call[0] == "read_back"]


async def test_read_back_shows_nothing_of_what_was_sent() -> None:
    desk = crowded_desk()
    desk.said[-1].read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("enter")
        await until_text(pilot, "[ COMPARE ]")
        assert "210" not in text_of(app)
        assert "0.6" not in text_of(app)


async def test_next_on_a_message_opens_the_composer_with_the_answer() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        assert ("open_draft", "sea/03") in desk.calls


async def test_next_on_an_incident_opens_the_composer() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        await pilot.press("down", "enter")
        await until_text(pilot, "DEESC-02 Hold")
        assert isinstance(app.screen, ComposeScreen)


async def test_f4_again_goes_to_the_next_incident() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await until_text(pilot, "INCIDENT INC-04")
        await pilot.press("f4")
        await until_text(pilot, "INCIDENT INC-02")


async def test_f4_without_an_incident_says_what_to_do() -> None:
    app = console(quiet_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await until_text(pilot, "No incident is open. F3 writes a statement.")


async def test_panes_of_the_watch_open_what_their_mark_is_on() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        app.screen.query_one("#deadlines").focus()
        await pilot.press("down", "enter")
        await until_text(pilot, "MESSAGE 5K1")
        await pilot.press("f2")
        app.screen.query_one("#incidents").focus()
        await pilot.press("down", "enter")
        await until_text(pilot, "INCIDENT INC-02")


async def test_tab_and_shift_tab_go_round_the_panes() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        start = app.focused
        await pilot.press("tab")
        await until(pilot, lambda: app.focused is not start, "another pane")
        await pilot.press("shift+tab")
        await until(pilot, lambda: app.focused is start, "the pane before")


async def test_moving_keys_move_the_mark() -> None:
    app = console(long_desk(500))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        timeline = app.screen.query_one(Timeline)
        places = []
        for key in ("home", "down", "down", "up", "pagedown", "pageup", "end"):
            await pilot.press(key)
            places.append(timeline.selected)
        assert places[:4] == [0, 1, 2, 1]
        assert places[4] > 5
        assert places[5:] == [1, 499]
        assert "TIMELINE 500 (end)" in text_of(app)


async def test_moving_keys_scroll_a_text() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f1")
        await settled(pilot)
        text = app.screen.query_one(Lines)
        places = []
        for key in ("down", "up", "pagedown", "end", "home"):
            await pilot.press(key)
            places.append(text.scroll_offset.y)
        assert places[0] == 1
        assert places[1] == 0
        assert 0 < places[2] < places[3]
        assert places[4] == 0


@pytest.mark.parametrize("closing", list(Closing))
async def test_leaving_asks_first_says_what_it_does_and_cancel_is_marked(closing: Closing) -> None:
    app = console(crowded_desk(), closing=closing)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+x")
        await until_text(pilot, f"Leave the console? {closing.value}")
        await until_text(pilot, "> Cancel <")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen), "the watch")
        await pilot.press("ctrl+x")
        await until_text(pilot, "> Cancel <")
        await pilot.press("tab", "enter")
    assert app.return_value == 0


async def test_no_bare_letter_and_no_escape_commits_anything_anywhere() -> None:
    desk = flash_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        for opening in ((), ("enter",), ("f2", "f4"), ("f2", "f3"), ("f2", "f1")):
            await pilot.press(*opening)
            await settled(pilot)
            await pilot.press(*"acgrsxyw8", "escape")
    committed = {"send", "acknowledge", "read_back", "discard"}
    assert not [call for call in desk.calls if call[0] in committed]
    assert app.return_value is None


async def test_whose_turn_it_is_stands_on_the_watch() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await until_text(pilot, "> Your turn: answer 5K1 within 08:19. Enter opens it.")
        assert "T-08:19    YOU  5K1 REPLY" in text_of(app)
        assert "LATE 00:20 THEY 4S1 READ" in text_of(app)
        assert "1 need you" in text_of(app)


async def test_acknowledged_text_counts_as_read_although_its_state_changed() -> None:
    desk = quiet_desk()
    desk.receive("PRIORITY", *(f"Line {n} of a long text." for n in range(60)))
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("enter", "end", "f8")
        await until_text(pilot, "READ BY OFFICER. It does not say that you agree.")
        await pilot.press("f1", "escape", "home")
        await settled(pilot)
        assert "The text goes on below" not in text_of(app)


async def test_f8_on_the_watch_opens_what_the_notice_names_whatever_is_marked() -> None:
    desk = quiet_desk()
    first = desk.receive("PRIORITY", "The first text.")
    desk.receive("PRIORITY", "The second text.")
    desk.next_read = first
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("f8")
        await until_text(pilot, "The first text.")


async def test_read_back_that_does_not_read_turns_to_its_field_and_keeps_the_rest() -> None:
    desk = crowded_desk()
    desk.said[-1].read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter", "enter", *"9x", "tab", *"0.6", "tab")
        await until_text(pilot, "> COMPARE <")
        label = next(label for label, _ in desk.said[-1].readback.values())
        desk.refuse["read_back"] = f"{label}: must be a number"
        await pilot.press("enter")
        await until_text(pilot, f"! {label}: must be a number")
        await until(pilot, lambda: isinstance(app.focused, Input), "the field")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "9x"
