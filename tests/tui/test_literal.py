"""Hostile text: nothing in it acts on the terminal, is read as markup, or hides a row."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.widgets import Input, Static

from hotline.core.text import MAX_COMBINING, refused_character
from hotline.desk.views import DeadlineRow, IncidentRow, LadderView, Mark, RungView, TemplateChoice
from hotline.tui.literal import CharacterFilter, clean, fit, literal, pad
from tests.fakes.desk import FakeDesk, digest_of
from tests.fakes.desk_scenes import FIELDS, FakeRecord, crowded_desk
from tests.tui.rig import BROAD, NARROW, console, replay, rows_of, settled, text_of, until

HOSTILE = {
    "escape": "before \x1b[2J\x1b[31m after",
    "title": "before \x1b]0;renamed\x07 after",
    "string-terminator": "before \x1bP1$r\x1b\\ after",
    "c1": "before \x9b2J\x9d0;x\x9c\x85 after",
    "nul": "before \x00\x08\x08\x08\x0d\x0b\x0c\x7f after",
    "bidi": "before \u202egnp.exe\u202c\u2066x\u2069\u200f after",
    "invisible": "be\u200bfo\u200dre\u2060 \ufeff\u00ad\u2800\u3164\u115f after",
    "selectors": "before \ufe0f\U000e0041\U000e007f after",
    "flood": "before e" + "\u0301" * 400 + " after",
    "private": "before \ue000\U000f0000\U0010ffff after",
    "separators": "before \u2028 \u2029 after",
    "surrogate": "before \ud800 after",
    "closing-tag": "before [/10] after",
    "markup": "before [bold red on white]x[/] [@click=app.leave]y[/] \\[ [[ $panel after",
    "huge": "before " + "x" * 100_000 + " after",
    "tabs": "before \t\t\n\n\n after",
}
MIXED = {
    "unseen": "before\x1b[2J\x1b]0;t\x07\x9b2J\x00\x08\x0d\x7f\x1bP$r\x1b\\\x85"
    "\u202eexe\u202c\u200b\u2060\ufe0f\U000e0041\u2800\u3164\u2028\ud800 after",
    "drawn": "beforee" + "\u0301" * 400 + "\ue000\U000f0000\U0010ffff"
    "[/10][bold red]x[/][@click=app.leave]y[/] \\[ [[ $panel after",
    "huge": "before " + "x" * 20_000 + " after",
}
"""The same in few texts, each near the beginning, for journeys through all screens."""
EVERY = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
MIX = pytest.mark.parametrize("text", MIXED.values(), ids=MIXED.keys())


def forbidden(rows: list[str]) -> list[str]:
    found = [name for row in rows if (name := refused_character(row, newlines=False))]
    return [name for name in found if "PRIVATE" not in name]


@EVERY
def test_clean_leaves_no_refused_character_and_keeps_the_width(text: str) -> None:
    cleaned = clean(text)
    assert refused_character(cleaned, newlines=False) is None
    shown = [char for char in text if unicodedata.category(char) not in ("Mn", "Me")]
    assert cell_len(cleaned) == sum(cell_len(char) for char in shown)


@given(st.text())
def test_clean_on_any_text_leaves_what_may_be_drawn(text: str) -> None:
    cleaned = clean(text)
    assert refused_character(cleaned, newlines=False) is None
    assert clean(cleaned) == cleaned


@given(st.text(max_size=60), st.integers(0, 40))
def test_fit_and_pad_hold_the_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width
    assert cell_len(pad(text, width)) == width


def test_text_that_may_be_drawn_is_drawn_as_it_is() -> None:
    text = "Höhe 5 m, длина 7 м, 船, e\u0301" + "\u0301" * (MAX_COMBINING - 1)
    assert clean(text) == text


def test_literal_of_markup_is_its_own_text() -> None:
    assert literal("[bold]x[/] [/10]").plain == "[bold]x[/] [/10]"
    assert literal("[bold]x[/]").spans == []


def test_literal_of_a_huge_text_says_that_it_was_cut() -> None:
    assert literal("x" * 100_000).plain.endswith("[cut: 100000 characters]")


def test_filter_deletes_control_codes_from_segments() -> None:
    segments = [Segment("a\x1b[2Jb"), Segment("", None, [(ControlType.BELL,)]), Segment("ok")]
    drawn = CharacterFilter().apply(segments, Color.parse("black"))
    assert [segment.text for segment in drawn] == ["a[2Jb", "", "ok"]
    assert [segment.control for segment in drawn] == [None, None, None]


@EVERY
async def test_filter_alone_cleans_what_a_careless_widget_draws(text: str) -> None:
    class Careless(App[None]):
        def get_line_filters(self) -> list[LineFilter]:
            return [CharacterFilter()]

        def compose(self) -> ComposeResult:
            yield Static(Content(text, strip_control_codes=False), markup=False)
            yield Input(text.replace("\ud800", ""))

    app = Careless()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        rows = ["".join(s.text for s in strip) for strip in app.screen._compositor.render_strips()]
        assert "x" in rows[0] or "before" in "".join(rows).replace(" ", "")
        assert forbidden(rows) == []


def hostile_desk(text: str) -> FakeDesk:
    """A desk every word of which that a peer could have written is `text`."""
    desk = crowded_desk()
    choice = TemplateChoice("sea/01", text, text, text, "FLASH", None, text, text)
    for one in desk.said:
        one.lines, one.title, one.token, one.incident = (text, text), text, text, text
        one.state, one.flags, one.replies = text, (text,), (choice,)
        one.history = [(one.at_ms, text)]
        one.readback = {"course": (text, "210")}
    rung = RungView(1, text, text, text, text, True)
    desk.ladders = {text: LadderView(text, (rung,), text)}
    desk.incidents = (IncidentRow(text, text, text, text, None, True, Mark.ALARM),)
    desk.deadlines = (DeadlineRow(desk.now_ms, text, text, text, digest_of(5), True, True),)
    desk.facts = ((text, text),)
    desk.forms = (choice,)
    field = replace(FIELDS[0], label=text, help=text, example=text, unit=text, value="")
    chosen = replace(FIELDS[2], label=text, choices=(("a", text), ("b", text)))
    desk.form_fields = (field, chosen)
    desk.officer = desk.link_word = desk.notice = text
    desk.warnings = (text,)
    desk.receive("FLASH", text, token=text, incident=text)
    return desk


JOURNEYS = {
    "watch": (),
    "message": ("enter",),
    "incident": ("f4",),
    "choose": ("f3",),
    "compose": ("f3", "enter", "ctrl+p"),
    "preview": ("f3", "enter", "1", "tab", "right", "ctrl+p"),
    "pick": ("f3", "enter", "tab", "enter"),
    "send": ("f3", "enter", "1", "tab", "right", "ctrl+g"),
    "leave": ("ctrl+x",),
}


@pytest.mark.parametrize("size", [NARROW, BROAD], ids=["80x24", "120x40"])
@MIX
async def test_no_screen_draws_a_hostile_character(text: str, size: tuple[int, int]) -> None:
    app = console(hostile_desk(text))
    async with app.run_test(size=size) as pilot:
        for name, keys in JOURNEYS.items():
            await pilot.press("f2", *keys)
            await settled(pilot)
            rows = rows_of(app)
            assert forbidden(rows) == [], name
            assert {cell_len(row) for row in rows} == {size[0]}, name
            assert rows[0].startswith((" HOTLINE  EXERCISE ", " EXERCISE ")), name
            assert len(rows) == size[1]


@MIX
async def test_read_back_draws_no_hostile_character(text: str) -> None:
    desk = hostile_desk(text)
    for one in desk.said:
        one.read = True
    app = console(desk)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("tab", "home", "enter")
        await settled(pilot)
        await pilot.press("7", "tab", "enter")
        await settled(pilot)
        assert forbidden(rows_of(app)) == []


@MIX
async def test_replay_draws_no_hostile_character(text: str) -> None:
    app = replay(hostile_desk(text))
    async with app.run_test(size=NARROW) as pilot:
        for keys in ((), ("f4",), ("f2", "enter")):
            await pilot.press(*keys)
            await settled(pilot)
            assert forbidden(rows_of(app)) == []
        assert isinstance(app.record, FakeRecord)


@MIX
async def test_words_said_and_toasts_are_literal(text: str) -> None:
    app = console(crowded_desk())
    async with app.run_test(size=NARROW) as pilot:
        app.say(text, fault=True)
        app.notify(text)
        app.notify(text, markup=True)
        await until(pilot, lambda: "before" in text_of(app), "the words")
        assert forbidden(rows_of(app)) == []
