"""What an officer reads of the link, of tests, and of statements that nobody has read."""

from __future__ import annotations

import pytest

from hotline.core.exchange.commands import HearEcho, HearQuery, ProbeChannel
from hotline.core.exchange.delivery import token_of
from hotline.core.protocols.channel import Colour
from hotline.core.records import events as ev
from hotline.core.values import Precedence
from hotline.desk.alarms import alarm_line, alarm_views
from hotline.desk.duties import deadline_rows, notice
from hotline.desk.line_alarms import LINK_GRACE_MS, line_alarms
from hotline.desk.link_status import link_state, link_views, link_words, peer_links, summary_of
from hotline.desk.views import Mark
from hotline.desk.wording import late_state, system_row
from tests.core.exchange.rig import MINUTE_MS, Letter, Side, pair, receipt

HOUR_MS = 60 * MINUTE_MS


def linked(side: Side, state: str = "UP", route: str = "direct") -> None:
    side.note(ev.LinkChanged(peer=side.peer, route=route, state=state, reason="a reason"))


def passed(side: Side, route: str = "direct") -> None:
    side.do(ProbeChannel(side.peer, route, "four words for you", up=True))
    tests = side.situation.channels[side.peer, route]
    side.do(HearEcho(side.peer, route, tests.serial, tests.phrase, 40))


def missed(side: Side, route: str = "direct", times: int = 1) -> None:
    for _ in range(times):
        side.do(ProbeChannel(side.peer, route, "four words for you", up=True))
        side.tick(side.rules.channel.answer_ms)


def state_of(side: Side) -> tuple[str, Colour]:
    word, _, shade = link_state(side.situation, side.rules.channel, side.peer, side.now_ms)
    return word, shade


def titles(side: Side) -> list[str]:
    return [one.view.title for one in alarms(side)]


def alarms(side: Side):  # type: ignore[no-untyped-def]
    return line_alarms(side.situation, side.rules, (side.peer,), side.now_ms, lambda _: "headline")


def line_of(side: Side) -> str:
    return alarm_line(side.situation, (), alarms(side))


# --- the link ------------------------------------------------------------------------------------


def test_word_of_the_link_goes_with_its_colour() -> None:
    north, _ = pair()
    assert state_of(north) == ("DOWN", Colour.RED)
    linked(north)
    assert state_of(north) == ("UP untested", Colour.AMBER)
    passed(north)
    assert state_of(north) == ("UP", Colour.GREEN)
    missed(north, times=2)
    assert state_of(north) == ("UP", Colour.GREEN)
    missed(north)
    assert state_of(north) == ("DEGRADED", Colour.AMBER)
    missed(north)
    north.now_ms += MINUTE_MS
    assert state_of(north) == ("NO ECHO 01:00", Colour.RED)
    linked(north, "BLOCKED")
    north.now_ms += MINUTE_MS
    assert state_of(north) == ("BLOCKED 01:00", Colour.RED)
    linked(north, "DOWN")
    assert state_of(north) == ("DOWN 00:00", Colour.RED)


def test_one_of_several_routes_in_order_is_counted_and_amber() -> None:
    north, _ = pair()
    for route in ("direct", "relay-a"):
        linked(north, route=route)
        passed(north, route)
    assert state_of(north) == ("UP", Colour.GREEN)
    linked(north, "DOWN", "relay-a")
    assert state_of(north) == ("UP 1 of 2", Colour.AMBER)
    word, mark = link_words(north.situation, north.rules.channel, "SOUTH", north.now_ms)
    assert (word, mark) == ("UP 1 of 2", Mark.NOTICE)


def test_a_test_that_passed_long_ago_is_none() -> None:
    north, _ = pair()
    linked(north)
    passed(north)
    north.now_ms += north.rules.channel.fresh_ms + 1
    assert state_of(north) == ("UP untested", Colour.AMBER)


def test_links_to_several_peers_are_counted_and_the_worst_marks_them() -> None:
    north, _ = pair()
    linked(north)
    passed(north)
    views = link_views(north.situation, north.rules.channel, ("SOUTH", "EAST"), north.now_ms)
    assert [(one.word, one.symbol) for one in views] == [("UP", "+"), ("DOWN", "-")]
    assert summary_of(views) == ("1 of 2 UP", Mark.WARNING)


def test_link_screen_tells_routes_tests_and_what_officers_owe() -> None:
    north, _ = pair()
    linked(north)
    passed(north)
    missed(north)
    north.now_ms += 9 * HOUR_MS
    (link,) = peer_links(
        north.situation, north.rules, ("SOUTH",), north.now_ms, lambda *_: "answers in 3 ms"
    )
    (route,) = link.routes
    assert "answers in 3 ms" in route.lines
    assert "1 test missed in a row, the last one due 14:31:26Z" in route.lines
    assert "last 24 hours: 1 of 2 tests came back" in route.lines
    assert link.lines[0] == "Channel tests today: 1 of 2."
    assert "OVERDUE since 22:31:26Z" in link.lines[1]


# --- alarms --------------------------------------------------------------------------------------


def flash(side: Side, other: Side) -> Letter:
    letter = side.say(precedence=Precedence.FLASH)
    other.take(letter)
    side.note(receipt(letter.digest, other.name))
    return letter


def test_missing_acknowledgement_is_an_alarm_that_says_where_it_stands() -> None:
    north, south = pair()
    linked(north)
    passed(north)
    letter = flash(north, south)
    token = token_of(letter.digest)
    assert not titles(north)
    north.tick(2 * MINUTE_MS)
    assert titles(north) == [f"AT PEER, NOT READ: {token} (FLASH) to SOUTH, 2 min"]
    assert line_of(north).endswith("F9: more")
    first = alarms(north)[0].rings
    north.tick(3 * MINUTE_MS)
    assert titles(north) == [f"AT PEER, NOT READ: USE VOICE. {token} (FLASH) to SOUTH, 5 min"]
    (alarm,) = alarms(north)
    assert alarm.view.mark is Mark.ALARM
    assert "DO NOW: call SOUTH by voice." in alarm.view.lines
    assert alarm.rings != first
    assert line_of(north).endswith("F9: what now")
    state = north.situation.statements[letter.digest]
    assert late_state(north.situation, state) == ("AT PEER, NOT READ", "!")


def test_what_could_not_leave_is_an_alarm_of_another_name() -> None:
    north, _ = pair()
    linked(north, "DOWN")
    letter = north.say(precedence=Precedence.FLASH)
    north.tick(2 * MINUTE_MS)
    (missing, link) = alarms(north)
    assert missing.view.title.startswith(f"LINK DOWN: {token_of(letter.digest)} (FLASH)")
    assert "Nothing has to be sent again." in " ".join(missing.view.lines)
    assert link.view.title == "LINK DOWN: nothing reaches SOUTH since 14:31:26Z"
    state = north.situation.statements[letter.digest]
    assert late_state(north.situation, state) == ("LINK DOWN", "!")


def test_read_and_late_with_the_answer_is_an_alarm_of_a_third_name() -> None:
    north, south = pair()
    linked(north)
    passed(north)
    letter = north.say("sea/encounter", incident="NORTH-1")
    south.take(letter)
    north.note(receipt(letter.digest, "SOUTH"))
    north.take(south.say("link/ack-read", answers=letter.digest))
    north.tick(11 * MINUTE_MS)
    assert titles(north) == [
        f"READ, NO REPLY: {token_of(letter.digest)} (PRIORITY) to SOUTH, due 14:41:26Z"
    ]
    state = north.situation.statements[letter.digest]
    assert late_state(north.situation, state) == ("READ, NO REPLY", "!")
    north.take(south.say("conv/holding", answers=letter.digest, incident="NORTH-1"))
    assert late_state(north.situation, state) is None


def test_query_repeats_the_alarm_at_the_asked_station_until_it_is_read() -> None:
    north, south = pair()
    letter = flash(north, south)
    south.do(HearQuery("NORTH", letter.digest, 1))
    (alarm,) = alarms(south)
    assert (
        alarm.view.title
        == f"NORTH ASKS: {token_of(letter.digest)} (FLASH) is not acknowledged here"
    )
    assert alarm.view.mark is Mark.ALARM
    ring = alarm.rings
    south.do(HearQuery("NORTH", letter.digest, 2))
    assert alarms(south)[0].rings != ring
    south.say("link/ack-read", answers=letter.digest)
    assert not alarms(south)


def test_link_that_comes_back_soon_is_no_alarm() -> None:
    north, _ = pair()
    linked(north)
    linked(north, "DOWN")
    north.now_ms += LINK_GRACE_MS - 1
    assert not titles(north)
    north.now_ms += 1
    assert titles(north) == ["LINK DOWN: nothing reaches SOUTH since 14:31:26Z"]
    linked(north, "BLOCKED")
    north.now_ms += LINK_GRACE_MS
    assert titles(north)[0].startswith("LINK BLOCKED")


def test_tests_that_do_not_come_back_are_an_alarm_with_what_to_do() -> None:
    north, _ = pair()
    linked(north)
    missed(north, times=3)
    assert titles(north) == ["DEGRADED: the route direct to SOUTH, 3 tests missed"]
    missed(north)
    (alarm,) = alarms(north)
    assert alarm.view.title == "NO ECHO from SOUTH, 4 tests missed"
    assert alarm.view.mark is Mark.ALARM
    passed(north)
    assert not alarms(north)


def test_officers_test_is_announced_with_a_clock_then_an_alarm() -> None:
    north, _ = pair()
    linked(north)

    def rows() -> list[tuple[str, str, bool]]:
        found = deadline_rows(north.situation, north.rules, ("SOUTH",), north.now_ms)
        return [(row.word, row.label, row.overdue) for row in found]

    north.now_ms += 7 * HOUR_MS - 1
    assert rows() == []
    north.now_ms += 1
    assert rows() == [("test F3", "SOUTH", False)]
    north.tick(HOUR_MS)
    assert rows() == [("test F3", "SOUTH", True)]
    assert titles(north) == ["NO OFFICERS' TEST with SOUTH: it was due 22:31:26Z"]
    assert "F3, Link test" in " ".join(alarms(north)[0].view.lines)


def test_alarms_of_the_line_stand_among_the_others_by_urgency() -> None:
    north, south = pair()
    linked(north)
    passed(north)
    flash(north, south)
    north.tick(5 * MINUTE_MS)
    views = alarm_views(north.situation, lambda _: "headline", (), alarms(north))
    assert [one.title.split(":")[0] for one in views] == ["AT PEER, NOT READ"]


# --- what waits, and rows ------------------------------------------------------------------------


def test_notice_tells_apart_what_is_waited_for() -> None:
    north, south = pair()
    linked(north, "DOWN")
    letter = north.say("sea/encounter", incident="NORTH-1")
    token = token_of(letter.digest)

    def now() -> str:
        return notice(north.situation, north.rules, "")

    assert now() == f"LINK DOWN: {token} is not at SOUTH. It goes out by itself; use voice too."
    linked(north)
    assert now() == f"You wait for SOUTH to record {token}: it is on its way."
    south.take(letter)
    north.note(receipt(letter.digest, "SOUTH"))
    assert now() == f"AT PEER, NOT READ: you wait for an officer of SOUTH to read {token}."
    north.take(south.say("link/ack-read", answers=letter.digest))
    assert now() == f"READ, NO REPLY: you wait for SOUTH to answer {token} until 14:41:26Z."


def test_rows_of_the_timeline_say_what_they_are_about() -> None:
    north, south = pair()
    linked(north)
    passed(north)
    missed(north, times=3)
    letter = flash(north, south)
    north.tick(5 * MINUTE_MS)
    rows = [
        system_row(north.situation, one) for one in north.situation.timeline if not one.statement
    ]
    words = {word: sentence for word, sentence, _ in rows}
    assert words["TESTS 1 of 4"] == "Channel tests with SOUTH this day: 1 of 4 came back"
    assert words["DEGRADED"] == "SOUTH by direct: three tests in a row did not come back"
    token = token_of(letter.digest)
    asked = f"{token}: no officer of SOUTH in 5 min. SOUTH was asked. Use voice."
    assert words["AT PEER, NOT READ"] == asked


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (ev.QueryReceived(digest="ab" * 32, peer="SOUTH", step=1), "ASKED"),
        (ev.OfficerTestMissed(peer="SOUTH", due_ms=5), "TEST OWED"),
    ],
)
def test_row_of_what_the_line_wants_of_the_officer_is_no_calm_one(
    event: ev.Event, word: str
) -> None:
    north, south = pair()
    letter = south.say()
    north.take(letter)
    if isinstance(event, ev.QueryReceived):
        event = event.model_copy(update={"digest": letter.digest})
    north.note(event)
    said = system_row(north.situation, north.situation.timeline[-1])
    assert said[0] == word
    assert said[2] is not Mark.CALM
