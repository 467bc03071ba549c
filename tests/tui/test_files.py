"""Files at the console: attached to a draft, saved from a statement, never opened."""

from __future__ import annotations

from textual.widgets import Input

from hotline.tui.screens.compose import ComposeScreen
from hotline.tui.screens.files import SaveScreen
from tests.fakes.desk import FakeDesk
from tests.fakes.desk_scenes import crowded_desk
from tests.tui.rig import NARROW, console, until, until_text
from tests.tui.test_goldens import filed_desk

FILLED = ("f3", "enter", *"045", "tab", "8", "tab", "right")


def calls(desk: FakeDesk, name: str) -> list[tuple[object, ...]]:
    return [call for call in desk.calls if call[0] == name]


async def test_file_attached_must_be_checked_again_and_stands_in_the_draft() -> None:
    desk = crowded_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press(*FILLED, "ctrl+p")
        await until_text(pilot, "IMMEDIATE an SUED")
        await pilot.press("ctrl+f")
        await until_text(pilot, "No file goes with this draft.")
        await pilot.press("enter", "enter")
        await until_text(pilot, "Type the path of a file first")
        assert calls(desk, "attach") == []
        app.screen.query_one("#path", Input).value = "/tmp/chart.png"
        await pilot.press("enter")
        await until_text(pilot, "1. chart.png")
        assert calls(desk, "attach") == [("attach", "draft-1", "/tmp/chart.png")]
        await pilot.press("escape")
        await until_text(pilot, "chart.png")
        assert isinstance(app.screen, ComposeScreen)
        await until_text(pilot, "Changed since it was checked.")
        await pilot.press("ctrl+f")
        await until_text(pilot, "1. chart.png")
        await pilot.press("enter", "tab", "enter")
        await until_text(pilot, "No file goes with this draft.")
        assert app.drafts["draft-1"].attached == ()


async def test_file_of_a_statement_is_saved_into_the_directory_that_was_typed() -> None:
    desk = filed_desk()
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter")
        await until_text(pilot, "1. chart.png: HERE, 2.4 MiB")
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(app.screen, SaveScreen), "files")
        await pilot.press("enter", "enter")
        await until_text(pilot, "Type the path of a directory first")
        app.screen.query_one("#path", Input).value = "/media/stick"
        await pilot.press("tab", "enter")
        await until_text(pilot, "Saved /media/stick/chart.png")
        digest = desk.said[-1].digest
        assert calls(desk, "save_file") == [("save_file", digest, 2, "/media/stick")]


async def test_statement_without_files_offers_none() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter", "ctrl+f")
        await until_text(pilot, "No file goes with this statement.")
