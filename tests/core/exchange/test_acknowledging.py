"""Missing acknowledgements: by precedence, told apart by where the statement stands."""

from __future__ import annotations

import pytest

from hotline.core.exchange.acknowledging import MAX_STEPS, Stands, stands
from hotline.core.exchange.commands import HearQuery
from hotline.core.records import events as ev
from hotline.core.values import Precedence
from tests.core.exchange.rig import MINUTE_MS, Letter, Side, kinds, pair, receipt

STEPS = {
    Precedence.FLASH: (2, 5, 10),
    Precedence.IMMEDIATE: (10, 20, 30),
    Precedence.PRIORITY: (60, 120, 180),
    Precedence.ROUTINE: (360,),
}


def linked(side: Side, state: str = "UP", peer: str = "") -> None:
    route = {"peer": peer or side.peer, "route": "direct", "state": state, "reason": "test"}
    side.note(ev.LinkChanged.model_validate(route))


def missing(events: list[ev.Event]) -> list[ev.AcknowledgementMissing]:
    return [one for one in events if isinstance(one, ev.AcknowledgementMissing)]


def said(side: Side, precedence: Precedence = Precedence.FLASH) -> Letter:
    """Return a statement of `side` that the peer has recorded."""
    letter = side.say(precedence=precedence)
    side.note(receipt(letter.digest, side.peer))
    return letter


@pytest.mark.parametrize("precedence", list(STEPS))
def test_each_precedence_asks_at_its_own_steps_and_once_at_each(precedence: Precedence) -> None:
    north, _ = pair()
    linked(north)
    said(north, precedence)
    passed = 0
    for step, minutes in enumerate(STEPS[precedence], start=1):
        assert not missing(north.tick((minutes - passed) * MINUTE_MS - 1))
        (found,) = missing(north.tick(1))
        assert (found.step, found.after_ms) == (step, minutes * MINUTE_MS)
        assert found.queried
        assert found.stands == "AT PEER, NOT READ"
        assert found.voice is (precedence is Precedence.FLASH and minutes >= 5)
        passed = minutes
    assert not missing(north.tick(100 * 60 * MINUTE_MS))
    assert north.refolded() == north.situation


def test_flash_is_overdue_at_ten_minutes() -> None:
    north, _ = pair()
    letter = said(north)
    assert not any(isinstance(one, ev.DeadlineMissed) for one in north.tick(10 * MINUTE_MS - 1))
    assert any(isinstance(one, ev.DeadlineMissed) for one in north.tick(1))
    assert north.clock(letter.digest, "read") == "MISSED"


def test_what_is_not_there_is_an_alarm_here_and_asks_nobody() -> None:
    north, _ = pair()
    linked(north, "DOWN")
    north.say(precedence=Precedence.FLASH)
    (found,) = missing(north.tick(2 * MINUTE_MS))
    assert (found.stands, found.queried) == ("LINK DOWN", False)
    linked(north)
    (found,) = missing(north.tick(3 * MINUTE_MS))
    assert (found.stands, found.queried, found.voice) == ("NOT DELIVERED", False, True)


def test_steps_that_passed_while_the_station_was_off_are_asked_once() -> None:
    north, _ = pair()
    said(north)
    (found,) = missing(north.tick(7 * MINUTE_MS))
    assert found.step == 2


def test_voice_between_two_steps_has_a_step_of_its_own() -> None:
    from dataclasses import replace

    from hotline.core.exchange.rules import Reminders

    north, _ = pair()
    reminders = {**north.rules.reminders, Precedence.FLASH: Reminders((60_000,), 90_000)}
    north.rules = replace(north.rules, reminders=reminders)
    said(north)
    (first,) = missing(north.tick(60_000))
    (second,) = missing(north.tick(30_000))
    assert (first.voice, second.voice) == (False, True)


@pytest.mark.parametrize("how", ["read", "rejected", "retracted", "answered"])
def test_nothing_is_asked_once_it_is_over(how: str) -> None:
    north, south = pair()
    letter = north.say("sea/encounter", precedence=Precedence.FLASH, incident="NORTH-1")
    south.take(letter)
    north.note(receipt(letter.digest, "SOUTH"))
    match how:
        case "read":
            north.take(south.say("link/ack-read", answers=letter.digest))
        case "rejected":
            rejected = ev.RejectionReceived(digest=letter.digest, peer="SOUTH", reason="no")
            north.situation.statements[letter.digest].receipted.clear()
            north.note(rejected)
        case "retracted":
            north.say("conv/retract", answers=letter.digest)
        case "answered":
            north.take(south.say("sea/intent", answers=letter.digest, incident="NORTH-1"))
    asked = [one for one in missing(north.tick(5 * MINUTE_MS)) if one.digest == letter.digest]
    assert not asked


def test_states_that_an_officer_must_tell_apart_are_told_apart() -> None:
    north, south = pair()
    linked(north, "DOWN")
    letter = north.say("sea/encounter", incident="NORTH-1")
    state = north.situation.statements[letter.digest]

    def now() -> Stands | None:
        return stands(north.situation, state, "SOUTH")

    assert now() is Stands.LINK_DOWN
    linked(north)
    assert now() is Stands.NOT_DELIVERED
    south.take(letter)
    north.note(receipt(letter.digest, "SOUTH"))
    assert now() is Stands.NOT_READ
    linked(north, "DOWN")
    assert now() is Stands.NOT_READ
    north.take(south.say("link/ack-read", answers=letter.digest))
    assert now() is Stands.NO_REPLY
    north.take(south.say("sea/intent", answers=letter.digest, incident="NORTH-1"))
    assert now() is None
    theirs = south.situation.statements[letter.digest]
    assert stands(south.situation, theirs, "NORTH") is None


# --- the asked station ------------------------------------------------------------------------


def query(side: Side, digest: str, step: int, peer: str = "") -> list[ev.Event]:
    return kinds(side.do(HearQuery(peer or side.peer, digest, step)))


def test_query_alarms_the_asked_station_once_for_each_step() -> None:
    north, south = pair()
    letter = north.say(precedence=Precedence.FLASH)
    south.take(letter)
    assert query(south, letter.digest, 1) == [
        ev.QueryReceived(digest=letter.digest, peer="NORTH", step=1)
    ]
    assert not query(south, letter.digest, 1)
    assert query(south, letter.digest, 2)
    assert south.situation.statements[letter.digest].queried == {"SOUTH": 2}
    assert south.refolded() == south.situation


def test_query_about_what_is_read_or_not_theirs_or_not_here_says_nothing() -> None:
    north, south = pair()
    letter = north.say(precedence=Precedence.FLASH)
    own = south.say()
    assert not query(south, letter.digest, 1)
    south.take(letter)
    assert not query(south, letter.digest, 1, "EAST")
    assert not query(south, own.digest, 1)
    assert not query(south, letter.digest, MAX_STEPS + 1)
    assert not query(south, letter.digest, 0)
    south.say("link/ack-read", answers=letter.digest)
    assert not query(south, letter.digest, 1)
