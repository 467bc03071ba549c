"""Writing and sending: faults beside fields, preview, two steps, nothing sent by accident."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Button, Input, TextArea

from hotline.tui.screens.choose import ChooseScreen
from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.send import SendScreen
from hotline.tui.screens.watch import WatchScreen
from hotline.tui.widgets.choice_box import ChoiceBox
from tests.fakes.desk import CODE, FakeDesk
from tests.fakes.desk_scenes import crowded_desk
from tests.tui.rig import NARROW, HandClock, console, settled, text_of, until, until_text

FILLED = ("f3", "enter", *"045", "tab", "8", "tab", "right")


def sent(desk: FakeDesk) -> list[tuple[object, ...]]:
    return [call for call in desk.calls if call[0] == "send"]


async def test_statement_written_checked_and_sent_without_a_code() -> None:
    desk, clock = crowded_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+p")
        await until_text(pilot, "IMMEDIATE an SUED")
        await pilot.press("ctrl+g")
        await until_text(pilot, "> Cancel <")
        clock.now_ms += 1_000
        await pilot.press("tab", "enter")
        await until_text(pilot, "SEA-03 is signed and recorded as 6S0.")
        assert sent(desk) == [("send", "draft-1", "")]
        assert isinstance(app.screen, WatchScreen)
        assert app.drafts == {}


async def test_send_with_a_code_waits_for_the_right_code() -> None:
    desk, clock = crowded_desk(), HandClock()
    desk.code = CODE
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, f"Type this code to send: {CODE}")
        clock.now_ms += 1_000
        send = app.screen.query_one("#send", Button)
        await pilot.press("tab", *"7h3x")
        assert send.disabled
        await pilot.press("enter", "backspace", "k")
        await until(pilot, lambda: not send.disabled, "SEND")
        await pilot.press("enter")
        assert sent(desk) == []
        await until_text(pilot, "Enter SENDS it now.")
        await pilot.press("enter")
        await until(pilot, lambda: sent(desk) == [("send", "draft-1", CODE)], "the call")


async def test_send_is_closed_until_the_end_was_read() -> None:
    desk, clock = crowded_desk(), HandClock()
    desk.warnings = tuple(f"Warning {n}." for n in range(40))
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "Step 1: read it to the end.")
        clock.now_ms += 1_000
        send = app.screen.query_one("#send", Button)
        assert send.disabled
        await pilot.press("pagedown")
        assert send.disabled
        await pilot.press("end")
        await until(pilot, lambda: not send.disabled, "SEND")


async def test_cancel_is_marked_and_keeps_the_draft() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        assert sent(desk) == []
        assert list(app.drafts) == ["draft-1"]


async def test_enter_too_soon_after_the_sending_screen_came_up_does_not_send() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        await pilot.press("tab", "enter")
        await until_text(pilot, "That key came too early.")
        assert sent(desk) == []


async def test_flash_that_comes_up_guards_the_sending_key() -> None:
    desk, clock = crowded_desk(), HandClock()
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        clock.now_ms += 1_000
        await pilot.press("tab")
        desk.receive("FLASH", "Cease closing.")
        await until_text(pilot, "!! FLASH 6K0 NOT READ")
        assert isinstance(app.screen, SendScreen)
        assert app.screen.query_one("#send").has_focus
        await pilot.press("enter")
        await until_text(pilot, "That key came too early.")
        clock.now_ms += 1_000
        await pilot.press("enter")
        await until(pilot, lambda: len(sent(desk)) == 1, "the call")


async def test_send_that_fails_says_why_and_can_be_tried_again() -> None:
    desk, clock = crowded_desk(), HandClock()
    desk.refuse["send"] = "the ledger could not be written"
    app = console(desk, clock=clock)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        clock.now_ms += 1_000
        await pilot.press("tab", "enter")
        await until_text(pilot, "! the ledger could not be written; try it again.")
        send = app.screen.query_one("#send", Button)
        await until(pilot, lambda: not send.disabled, "SEND again")
        send.focus()
        await pilot.press("enter")
        await until_text(pilot, "SEA-03 is signed and recorded")
        assert len(sent(desk)) == 2


async def test_fault_stands_beside_its_field_and_the_first_one_gets_the_keys() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"400", "ctrl+g")
        await until_text(pilot, "! a bearing is 000 to 359, as in 045")
        assert isinstance(app.screen, ComposeScreen)
        assert isinstance(app.focused, Input)
        assert app.focused.value == "400"


async def test_untouched_fields_are_not_called_faulty_before_the_check() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"045", "tab", "tab")
        await settled(pilot)
        assert "! must be filled" not in text_of(app)


async def test_preview_is_called_stale_after_a_change() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+p")
        await until_text(pilot, "READY. ^G opens")
        app.screen.query_one(TextArea).focus()
        await pilot.press("x")
        await until_text(pilot, "Changed since it was checked.")
        assert "an SUED" not in text_of(app)


@pytest.mark.parametrize("key", ["escape", "f2", "f1", "f4"])
async def test_draft_is_kept_with_all_that_was_typed_whatever_key_leaves_it(key: str) -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"077")
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "another screen")
        assert desk.drafts["draft-1"].fields[0].value == "077"


async def test_kept_draft_is_offered_first_and_goes_on() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"077", "escape", "f3")
        await until_text(pilot, ">DRAFT SEA-03 Intent")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        await until_text(pilot, "077")


async def test_f3_goes_back_to_the_open_composer() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"077", "f1", "f3")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        assert not [one for one in app.screen_stack if isinstance(one, ChooseScreen)]
        assert app.screen.query(Input).first().value == "077"


async def test_choice_goes_round_by_arrows_letter_and_list() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", "tab", "tab")
        box = app.focused
        assert isinstance(box, ChoiceBox)
        seen = []
        for key in ("right", "right", "right", "right", "left", "t"):
            await pilot.press(key)
            seen.append(box.value)
        assert seen == ["hold", "turn", "stop", "hold", "stop", "turn"]
        await pilot.press("enter", "down", "down")
        await until_text(pilot, "> stop")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the composer")
        assert box.value == "stop"


HOSTILE_PASTE = "045\r\n\x07\x10\t\t\r\r\x1b]0;title\x07"


async def test_paste_into_every_screen_never_sends_and_never_acknowledges() -> None:
    desk = crowded_desk()
    desk.code = CODE
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        for keys in ((), ("f3",), ("enter",), ("ctrl+p",), ("f2", *FILLED, "ctrl+g"), ("tab",)):
            await pilot.press(*keys)
            app.post_message(events.Paste(HOSTILE_PASTE))
            await settled(pilot)
    assert not [call for call in desk.calls if call[0] in ("send", "acknowledge", "read_back")]


async def test_code_cannot_be_pasted() -> None:
    desk = crowded_desk()
    desk.code = CODE
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        box = app.screen.query_one("#code", Input)
        box.focus()
        app.post_message(events.Paste(CODE))
        app.copy_to_clipboard(CODE)
        await pilot.press("ctrl+v")
        await settled(pilot)
        assert box.value == ""


async def test_precedence_of_the_form_can_be_changed() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED)
        app.screen.query_one("#precedence").focus()
        await pilot.press("left", "ctrl+p")
        await until_text(pilot, "FLASH an SUED")


async def test_keys_right_behind_the_check_go_to_the_field_that_it_turned_to() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"045", "tab", "9")
        await settled(pilot)
        app.screen.query_one("#free-text").focus()
        await settled(pilot)
        burst = (("ctrl+p", None), ("right", None))
        for key, character in burst:
            app.post_message(events.Key(key, character))
        await settled(pilot)
        assert isinstance(app.focused, ChoiceBox)
        assert app.focused.value == "hold"


async def test_fault_of_a_field_goes_when_it_is_changed_and_a_long_choice_stands_whole() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter", *"500", "tab", *"045")
        await until_text(pilot, "! a bearing is 000 to 359")
        await pilot.press("shift+tab", "backspace")
        await settled(pilot)
        assert "! a bearing" not in text_of(app)
        await pilot.press("tab", "tab", "right")
        await until_text(pilot, "= hold course and speed")


async def test_wrong_code_is_said_to_be_wrong() -> None:
    desk = crowded_desk()
    desk.code = CODE
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+g")
        await until_text(pilot, "> Cancel <")
        await pilot.press("tab", *"0000")
        await until_text(pilot, f"That is not the code: clear it with Backspace, then type {CODE}.")
        assert not sent(desk)


async def test_form_without_fields_takes_the_keys_for_its_text_not_for_the_precedence() -> None:
    desk = crowded_desk()
    desk.form_fields = ()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("f3", "enter")
        await settled(pilot)
        before = app.screen.query_one("#precedence", ChoiceBox).value
        await pilot.press(*"we")
        await settled(pilot)
        assert app.screen.query_one("#free-text", TextArea).text == "we"
        assert app.screen.query_one("#precedence", ChoiceBox).value == before
