"""The guided setup at its screens: two persons come to a whole line; nothing slips through."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from hotline.core.errors import OperatorError
from hotline.desk.guided.views import LineView, PeerView, Unlocking
from hotline.tui.actions import find_clashes
from hotline.tui.guided.answers import Answers
from hotline.tui.guided.app import GuideApp
from hotline.tui.guided.keys import GUIDE_ACTIONS
from hotline.tui.guided.order import PAGES, page_before, page_to_begin
from hotline.tui.guided.words import WordBox
from tests.fakes.guided import KEYS_TAKE_S, Person, machine, person
from tests.fakes.guided_scenes import (
    CHARTER,
    JOINED,
    KNOWING,
    LINE,
    MADE,
    NEW,
    OPENED,
    SOUTH,
    STAFFED,
    THEIRS,
    WHOLE,
    FakeGuide,
)
from tests.fakes.hunt import found
from tests.station.homes import begin
from tests.tui.rig import NARROW, settled, text_of, until
from tests.tui.test_literal import MIXED, forbidden

PHRASES = {
    "console.key": "zx9Qv-7fKp2-tmWu4",
    "root.key": "hJ3xT-b8LrD-yN5oc",
    "successor.key": "Rk4wP-9vXsM-2gQzB",
    "officer-n1.key": "fG6tY-c1HjV-8dEaL",
}
"""No words of a language: any six characters of them on a screen are evidence."""


# --- journeys through real homes


async def know(one: Person, other: Person) -> None:
    """Take the other's card in and compare its words."""
    await one.goes("own-words", "read", file=other.app.guide.card_file())
    await one.goes("hear")
    await one.hears(other.app.guide.own_words())
    await one.at("compare")
    await one.press("wait")
    await one.goes("choice", "agree")


async def test_two_persons_set_a_line_up_by_their_screens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NORTH from nothing; SOUTH goes on with a station that commands have made."""
    monkeypatch.chdir(tmp_path)
    begin(Path("south"), "SOUTH", now_ms=machine().clock())
    async with person() as north, person(Path("south")) as south:
        await north.at("place")
        await north.goes("route", station="NORTH", realm="EXERCISE")
        await north.goes("console", dialled="yes", route="127.0.0.1:47110")
        await north.goes("who", protect="no")
        await north.goes("officer-key", person="lind", name="A. Lind")
        await north.goes("officers")
        await north.goes("card")
        await north.goes("card", "write")
        await north.goes("theirs")
        await south.at("card")
        assert "SOUTH goes on where it stopped" in south.said
        await south.goes("card", "write")
        await south.goes("theirs")
        await know(north, south)
        await know(south, north)
        await north.goes("policy")
        await north.goes("charter", test="3600")
        await north.reads()
        await north.goes("carry", "sign")
        await north.goes("carry", "write")
        await north.goes("answer")
        await south.goes("opening")
        await south.goes("charter", file="north-opening.enrol")
        assert "the machines test the line every hour" in south.said
        await south.reads()
        await south.goes("carry", "sign")
        await south.goes("carry", "write")
        await south.goes("done")
        await north.goes("done", "complete", file="south-answer.enrol")
        assert "SOUTH dials it" in north.said
    assert north.app.return_code in (None, 0)


async def test_live_station_is_made_with_passphrases_that_nobody_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with person() as north:
        await north.at("place")
        await north.goes("route", station="NORTH", realm="LIVE", home="north")
        await north.goes("console")
        north.fill(new="too short", again="too short")
        await north.press("next")
        await until(north.pilot, lambda: "Too short: at least 12" in north.said)
        north.fill(new=PHRASES["console.key"], again=PHRASES["root.key"])
        await north.press("next")
        await until(north.pilot, lambda: "The two are not the same" in north.said)
        for key, page in (("console.key", "root"), ("root.key", "successor")):
            await north.goes(page, new=PHRASES[key], again=PHRASES[key])
        phrase = PHRASES["successor.key"]
        await north.goes("who", new=phrase, again=phrase)
        assert north.app.answers.phrases == {}
    # Left, and root.key goes to its place: what is done is read from the home.
    root = tmp_path / "safe-root.key"
    (tmp_path / "north" / "keys" / "root.key").rename(root)
    async with person(tmp_path / "north") as again:
        await again.at("who")
        await again.goes("officer-key", person="n1", name="A. Lind")
        mine = PHRASES["officer-n1.key"]
        typed = {"console.key": PHRASES["successor.key"], "root.key": PHRASES["root.key"]}
        again.fill(new=mine, again=mine, root_file=str(root), **typed)
        await again.press("next")
        refused = "does not open with that passphrase"
        await until(again.pilot, lambda: refused in again.said, patience_s=KEYS_TAKE_S)
        page = again.app.page
        assert page is not None
        assert page.ask("console.key").fault == "Type it again."
        assert [page.ask(one).value for one in ("new", "again", "root.key")] == ["", "", ""]
        typed["console.key"] = PHRASES["console.key"]
        await again.goes("officers", new=mine, again=mine, root_file=str(root), **typed)
        assert again.app.view.held == {"console.key"}
    seen = north.seen + again.seen
    assert found({name: one.encode() for name, one in PHRASES.items()}, seen) == []
    assert "n1: A. Lind, until" in " ".join(seen.split())


# --- what is done is read from the home


def test_home_says_where_the_setup_goes_on() -> None:
    where = {
        "place": NEW,
        "who": MADE,
        "card": STAFFED,
        "choice": KNOWING,
        "done": WHOLE,
    }
    assert {page: page_to_begin(view) for page, view in where.items()} == {
        page: page for page in where
    }
    assert page_to_begin(OPENED) == page_to_begin(JOINED) == "carry"


def test_going_back_shows_pages_that_change_nothing() -> None:
    def back(page: str, view: object, answers: Answers) -> list[str]:
        way = []
        while page := page_before(page, view, answers):  # type: ignore[arg-type]
            way.append(page)
        return way

    fresh = Answers(station="NORTH", realm="LIVE")
    assert back("successor", NEW, fresh) == ["root", "console", "route", "place"]
    whole = ["carry", "own-words", "theirs", "card", "officers", "route", "place"]
    assert back("done", JOINED, Answers()) == whole
    assert back("done", WHOLE, Answers()) == whole[1:]
    signing = Answers(opens=True, line=LINE, charter=CHARTER)
    assert back("sign", KNOWING, signing)[:3] == ["charter", "policy", "choice"]
    assert "charter" not in back("answer", OPENED, signing)


# --- keys


def test_table_of_the_setup_holds_no_clash_and_no_bare_letter() -> None:
    assert find_clashes(GUIDE_ACTIONS) == []
    assert [one.id for one in GUIDE_ACTIONS if len(one.key) == 1] == []
    bound = {binding.key for binding in GuideApp.BINDINGS}  # type: ignore[union-attr]
    wanted = {one.key for one in GUIDE_ACTIONS if not one.by_widget}
    assert bound == wanted | {"ctrl+c", "enter"}
    for action in GUIDE_ACTIONS:
        assert action.by_widget or callable(getattr(GuideApp, f"do_{action.id}"))


def app_at(page: str, guide: FakeGuide, answers: Answers | None = None) -> GuideApp:
    app = GuideApp(guide, ascii=True)
    app.answers = answers or Answers()
    app._page = page
    return app


async def test_no_letter_escape_or_paste_signs_or_gives_up() -> None:
    guide = FakeGuide(replace(KNOWING, protected=False))
    app = app_at("sign", guide, Answers(opens=True, line=LINE, charter=CHARTER))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press("s", "y", "space", "tab", "s")
        app.post_message(events.Paste("sign\n\r\n"))
        await settled(pilot)
        assert "> SIGN <" in text_of(app)
        await pilot.press("escape")
        await settled(pilot)
        assert type(app.screen) is PAGES["charter"]
        assert guide.asked == []


async def test_first_button_of_what_cannot_be_taken_back_changes_nothing() -> None:
    for page, word in (("give-up", "Cancel"), ("sign", "Not yet"), ("compare", "Not yet")):
        guide = FakeGuide(replace(OPENED, protected=False))
        app = app_at(page, guide, Answers(looked_at=SOUTH, charter=CHARTER))
        async with app.run_test(size=NARROW) as pilot:
            await settled(pilot)
            assert f"> {word} <" in text_of(app), page
            await pilot.press("enter")
            await settled(pilot)
            assert guide.asked == []


async def test_charter_must_be_seen_to_its_end_before_it_can_be_signed() -> None:
    long = (*CHARTER, *((f"Rule {one}", "more of it") for one in range(9)))
    app = app_at("charter", FakeGuide(KNOWING), Answers(opens=True, line=LINE, charter=long))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert app.screen.query_one("#next").disabled
        await pilot.press("tab", "enter")
        await settled(pilot)
        assert type(app.screen) is PAGES["charter"]
        await pilot.press("pagedown", "pagedown", "tab", "enter")
        await until(pilot, lambda: type(app.screen) is PAGES["sign"])


async def test_keys_alone_walk_through_the_first_pages() -> None:
    """A burst of keys finds its fields: Enter goes on, Right chooses, Enter presses."""
    guide = FakeGuide()
    app = app_at("place", guide)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.press(*"NORTH", "enter", "right", "right", "enter", "enter", "enter")
        await until(pilot, lambda: type(app.screen) is PAGES["route"])
        await settled(pilot)
        await pilot.press("enter", "enter", "enter", "enter")
        await until(pilot, lambda: type(app.screen) is PAGES["console"])
        await settled(pilot)
        assert "Passphrases?" in text_of(app)
        await pilot.press("right", *["enter"] * 4)
        await until(pilot, lambda: bool(guide.asked))
        act, new = guide.asked[0]
        assert act == "make"
        assert (new.station, new.realm, new.phrases) == ("NORTH", "EXERCISE", {})  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+x")
        await settled(pilot)
        assert "> Stay <" in text_of(app)


# --- refusals and faults


async def test_wrong_word_twice_goes_back_to_the_card() -> None:
    guide = FakeGuide(STAFFED)
    app = app_at("hear", guide, Answers(looked_at=SOUTH))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        before = text_of(app)
        assert not [one for one in THEIRS if one in before.lower().split()]
        await pilot.press(*"slip", "enter")
        await settled(pilot)
        assert "That is not it" in text_of(app)
        guide.refusal = OperatorError("the words are not those of this card", hint="ask again")
        app.screen.query_one(WordBox).value = "slip"
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen) is PAGES["theirs"])
        await settled(pilot)
        assert "! the words are not those of this card; ask again." in text_of(app)
        assert app.answers.looked_at is None


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (OperatorError("root.key does not open", hint="type it"), "root.key does not open"),
        (RuntimeError(PHRASES["root.key"]), "a fault of the console (RuntimeError)"),
    ],
    ids=["refusal", "fault"],
)
async def test_act_that_fails_leaves_the_page_and_forgets_what_was_typed(
    refusal: Exception, said: str
) -> None:
    secret = PHRASES["root.key"]
    guide = FakeGuide(KNOWING, refusal=refusal)
    app = app_at("sign", guide, Answers(opens=True, line=LINE, charter=CHARTER))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        app.screen.query_one(Input).value = secret
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: not app.busy and bool(guide.asked))
        await settled(pilot)
        assert type(app.screen) is PAGES["sign"]
        seen = text_of(app)
        assert said in " ".join(seen.split())
        assert app.screen.query_one(Input).value == ""
        assert found({"phrase": secret.encode()}, seen) == []
        ((act, unlocking),) = guide.asked
        assert isinstance(unlocking, Unlocking)
        assert (act, unlocking.phrases["root.key"]) == ("sign", secret)


async def sit_at_a_page_that_breaks(app: GuideApp, secret: str) -> None:
    """Press a button whose page has a fault, with a passphrase in its field and in a local."""

    def broken(_: object) -> None:
        passphrase = secret
        raise RuntimeError(f"planted {passphrase}")

    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        app.screen.press = broken  # type: ignore[attr-defined,method-assign]
        app.screen.query_one(Input).value = secret
        await pilot.press("tab", "enter")
        await settled(pilot)


async def test_fault_of_a_page_ends_in_crash_lines_without_a_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = PHRASES["root.key"]
    guide = FakeGuide(KNOWING)
    app = app_at("sign", guide, Answers(opens=True, line=LINE, charter=CHARTER))
    app.answers.phrases["root.key"] = secret
    with pytest.raises(RuntimeError):
        await sit_at_a_page_that_breaks(app, secret)
    said = capsys.readouterr().err
    assert "stopped by a fault of its own (RuntimeError)" in said
    assert found({"phrase": secret.encode()}, f"{said} {app.answers!r} {app.guide.view()!r}") == []


async def test_hostile_text_of_a_card_or_charter_is_drawn_as_text() -> None:
    """Every kind of it at once, each in another place that a peer or a file fills."""
    texts = itertools.cycle(MIXED.values())
    peer = PeerView(*(next(texts), (next(texts), next(texts)), next(texts), next(texts)))
    line = LineView(next(texts), next(texts), False, False, (), next(texts))
    officers = ((next(texts), next(texts), next(texts)),)
    guide = FakeGuide(replace(OPENED, peers=(peer,), line=line, officers=officers))
    app = app_at("theirs", guide, Answers(looked_at=peer, line=LINE, opens=True))
    app.answers.charter = tuple((next(texts), next(texts)) for _ in range(len(MIXED) + 1))
    async with app.run_test(size=NARROW) as pilot:
        for page in ("officers", "hear", "choice", "charter", "sign", "carry", "answer", "done"):
            app.go(page, next(texts))
            await until(pilot, partial(_up, app, page), page)
            await settled(pilot)
            assert forbidden(text_of(app).splitlines()) == [], page


def _up(app: GuideApp, page: str) -> bool:
    return type(app.screen) is PAGES[page]


async def test_small_terminal_says_so_and_takes_no_key() -> None:
    guide = FakeGuide(KNOWING)
    app = app_at("choice", guide)
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        assert "need 80x24" in text_of(app)
        await pilot.press("f1")
        await settled(pilot)
        assert type(app.screen) is PAGES["choice"]
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "Who opens?" in text_of(app)
