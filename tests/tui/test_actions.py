"""The table of actions: no clashes, every key in the footer and the help, no bare letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hotline.tui.actions import (
    ALL,
    CONSOLE_ACTIONS,
    REPLAY_ACTIONS,
    Action,
    find_action,
    find_clashes,
)
from hotline.tui.app import ConsoleApp
from hotline.tui.replay import ReplayApp
from hotline.tui.widgets.footer_row import FooterRow
from tests.fakes.desk_scenes import crowded_desk, flash_desk
from tests.tui.rig import NARROW, console, replay, settled, text_of

TABLES = pytest.mark.parametrize("table", [CONSOLE_ACTIONS, REPLAY_ACTIONS], ids=["live", "replay"])


@TABLES
def test_table_holds_no_clash(table: tuple[Action, ...]) -> None:
    assert find_clashes(table) == []


def test_clashing_table_names_each_clash() -> None:
    one = find_action(CONSOLE_ACTIONS, "help")
    clashes = find_clashes((one, replace(one, id="other", letter="z"), replace(one, key="f5")))
    assert "help and other share the key F1" in clashes
    assert "help stands twice in the table" in clashes
    assert "help and help share the letter h" in clashes


def test_same_key_on_screens_that_never_meet_is_no_clash() -> None:
    one = find_action(CONSOLE_ACTIONS, "preview")
    other = replace(one, id="other", letter="", where=ALL - one.where)
    assert find_clashes((one, other)) == []


@TABLES
def test_no_action_hangs_on_a_bare_letter(table: tuple[Action, ...]) -> None:
    assert [action.id for action in table if len(action.key) == 1] == []


@TABLES
def test_no_acting_key_is_one_that_terminals_and_fingers_take(table: tuple[Action, ...]) -> None:
    avoided = {f"ctrl+{letter}" for letter in "abzsqhijm"} | {"f10", "f11", "f12"}
    assert [action.id for action in table if action.key in avoided] == []
    acting = {action.key for action in table if action.acts}
    assert not acting & {"escape", "enter", "space", "tab"}


def test_screens_that_are_not_there_have_no_keys() -> None:
    keys = {action.key for action in (*CONSOLE_ACTIONS, *REPLAY_ACTIONS)}
    assert not keys & {"f5", "f6", "f7"}


@pytest.mark.parametrize("app", [ConsoleApp, ReplayApp])
def test_app_binds_exactly_the_table(app: type[ConsoleApp] | type[ReplayApp]) -> None:
    bound = {binding.key for binding in app.BINDINGS}  # type: ignore[union-attr]
    wanted = {action.key for action in app.ACTIONS if not action.by_widget}
    assert bound == wanted | {"ctrl+c", "enter"}
    for action in app.ACTIONS:
        assert action.by_widget or callable(getattr(app, f"do_{action.id}"))


def test_replay_offers_nothing_that_acts() -> None:
    assert [action.id for action in REPLAY_ACTIONS if action.acts] == []


@pytest.mark.parametrize(
    "keys", [(), ("enter",), ("f4",), ("f3",), ("f3", "enter"), ("f1",)], ids="-".join
)
async def test_footer_at_80_columns_has_room_for_what_comes_next(keys: tuple[str, ...]) -> None:
    app = console(flash_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        footer = app.screen.query_one(FooterRow).line(80).plain
        wanted = [key for key, _ in app.footer_keys()][:7]
        assert [key for key in wanted if key not in footer] == []


async def test_help_screen_says_every_action_of_the_table() -> None:
    app = console(crowded_desk())
    async with app.run_test(size=(120, 80)) as pilot:
        await pilot.press("f1")
        await settled(pilot)
        seen = " ".join(text_of(app).replace("|", " ").split())
        for action in CONSOLE_ACTIONS:
            assert f"{action.shown} " in seen
            assert action.help in seen
        assert "HOW AN EXCHANGE GOES" in seen


async def test_chord_offers_the_letters_of_what_works_here_only() -> None:
    app = replay(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o", "c")
        await settled(pilot)
        assert app.screen.query(FooterRow)
        assert "Compose" not in text_of(app)
