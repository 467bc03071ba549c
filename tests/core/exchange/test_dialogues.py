"""Dialogues, clocks and the statements whose meaning the exchange knows."""

from __future__ import annotations

import pytest

from hotline.core.exchange.duties import awaiting_read_back
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST
from tests.core.exchange.rig import (
    INCIDENT,
    MINUTE_MS,
    NOW_MS,
    Letter,
    Side,
    kinds,
    of_kind,
    pair,
)


def both(one: Side, other: Side, template: str, **given: object) -> Letter:
    letter = one.say(template, **given)  # type: ignore[arg-type]
    other.take(letter)
    return letter


def how(side: Side, letter: Letter) -> str:
    return side.situation.dialogues[letter.digest].how


def test_encounter_opens_dialogue_and_both_clocks_on_both_sides() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter", incident=INCIDENT)
    for side in (north, south):
        dialogue = side.situation.dialogues[letter.digest]
        assert (dialogue.opener, dialogue.how) == ("SOUTH", "")
        assert dialogue.replies == ("sea/intent", "conv/reply")
        for clock in ("read", "reply"):
            assert side.clock(letter.digest, clock) == "RUNNING"
            assert side.situation.deadlines[letter.digest, clock, "NORTH"].station == "NORTH"
        assert side.situation.incidents[INCIDENT].opened_by == "SOUTH"


@pytest.mark.parametrize("template", ["sea/intent", "conv/reply"])
def test_any_template_that_answers_closes_the_dialogue(template: str) -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter", incident=INCIDENT)
    both(north, south, template, answers=letter.digest, incident=INCIDENT)
    for side in (north, south):
        assert how(side, letter) == "ANSWERED"
        assert side.clock(letter.digest, "read") == "MET"
        assert side.clock(letter.digest, "reply") == "MET"


@pytest.mark.parametrize("template", ["conv/clarify", "conv/holding", "conv/free-text"])
def test_template_that_is_no_answer_leaves_the_dialogue_open(template: str) -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter", incident=INCIDENT)
    both(north, south, template, answers=letter.digest, incident=INCIDENT)
    for side in (north, south):
        assert how(side, letter) == ""
        assert side.clock(letter.digest, "reply") == "RUNNING"


@pytest.mark.parametrize(
    ("word", "closed"),
    [("ROGER", True), ("WILCO", False), ("UNABLE", False), ("AFFIRM", False), ("NEGATIVE", False)],
)
def test_roger_dialogue_is_closed_by_roger_only(word: str, closed: bool) -> None:
    north, south = pair()
    letter = both(south, north, "sea/intent")
    both(north, south, "conv/response", answers=letter.digest, answer=word)
    for side in (north, south):
        assert (how(side, letter) == "ANSWERED") is closed


@pytest.mark.parametrize(
    ("reply", "closing"),
    [("wilco", {"WILCO", "UNABLE"}), ("affirm", {"AFFIRM", "NEGATIVE"}), ("roger", {"ROGER"})],
)
def test_reply_class_names_the_words_that_close(reply: str, closing: set[str]) -> None:
    from hotline.core.exchange.consequences import _closes
    from hotline.core.exchange.situation import Dialogue

    north, south = pair()
    letter = both(south, north, "sea/intent")
    dialogue = Dialogue(letter.digest, "SOUTH", reply, ("conv/response",), None)
    words = ("ROGER", "WILCO", "UNABLE", "AFFIRM", "NEGATIVE")
    found = set()
    for word in words:
        told = north.write("conv/response", answers=letter.digest, answer=word)
        assert told.template is not None
        if _closes(dialogue, told, told.template):
            found.add(word)
    assert found == closing


def test_roger_dialogue_is_closed_by_reading() -> None:
    north, south = pair()
    letter = both(south, north, "conv/free-text")
    both(north, south, "link/ack-read", answers=letter.digest)
    for side in (north, south):
        assert how(side, letter) == "READ"
        assert side.clock(letter.digest, "reply") != "RUNNING"


@pytest.mark.parametrize(
    "order", [("link/ack-read", "conv/readback"), ("conv/readback", "link/ack-read")]
)
def test_roger_dialogue_that_asks_for_a_read_back_is_closed_by_both_in_any_order(
    order: tuple[str, str],
) -> None:
    north, south = pair()
    letter = both(south, north, "sea/intent")
    for template, expected in zip(order, ("", "READ"), strict=True):
        given = {"result": "AGREES"} if template == "conv/readback" else {}
        both(north, south, template, answers=letter.digest, **given)
        for side in (north, south):
            assert how(side, letter) == expected
    for side in (north, south):
        assert side.clock(letter.digest, "read") == side.clock(letter.digest, "reply") == "MET"


def test_read_back_that_differs_closes_nothing() -> None:
    north, south = pair()
    letter = both(south, north, "sea/intent")
    both(north, south, "link/ack-read", answers=letter.digest)
    both(north, south, "conv/readback", answers=letter.digest, result="DIFFERS")
    for side in (north, south):
        assert how(side, letter) == ""


def test_reading_does_not_close_a_dialogue_that_wants_an_answer() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    both(north, south, "link/ack-read", answers=letter.digest)
    for side in (north, south):
        assert how(side, letter) == ""
        assert side.clock(letter.digest, "read") == "MET"
        assert side.clock(letter.digest, "reply") == "RUNNING"


def test_originator_cannot_answer_its_own_dialogue() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    both(south, north, "conv/reply", answers=letter.digest)
    assert how(north, letter) == how(south, letter) == ""


def test_answer_with_fields_that_do_not_fit_has_no_consequence_but_to_be_read() -> None:
    north, south = pair()
    letter = both(south, north, "sea/intent")
    told = north.write("conv/response", answers=letter.digest)
    fields = {**told.statement.fields, "answer": "BANANA"}
    odd = north.write("conv/response", answers=letter.digest, _fields=fields)
    assert odd.template is None
    taken = south.take(Letter(odd, "NORTH", ZERO_DIGEST.hex(), south.now_ms))
    assert [type(event) for event in kinds(taken)] == [ev.StatementReceived, ev.DeadlineSet]
    assert [one.clock for one in of_kind(taken, ev.DeadlineSet)] == ["read"]


# --- holding -------------------------------------------------------------------------


def test_holding_promises_and_stops_no_clock() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    holding = both(
        north, south, "conv/holding", answers=letter.digest, full_reply_by="221530Z NOV 26"
    )
    for side in (north, south):
        assert side.clock(letter.digest, "reply") == "RUNNING"
        assert side.clock(letter.digest, "read") == "RUNNING"
        assert side.clock(holding.digest, "promise") == "RUNNING"
        assert side.situation.statements[letter.digest].held
    missed = north.tick(11 * MINUTE_MS)
    assert ("reply", letter.digest) in {(one.clock, one.digest) for one in missed}  # type: ignore[attr-defined]


def test_promise_is_kept_by_the_full_reply() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    holding = both(north, south, "conv/holding", answers=letter.digest)
    both(north, south, "conv/reply", answers=letter.digest)
    for side in (north, south):
        assert side.clock(holding.digest, "promise") == "MET"
        assert not {one.clock for one in side.situation.running()} - {"read"}


# --- deadlines -----------------------------------------------------------------------


def test_deadline_is_missed_once_and_a_late_answer_is_said_to_be_late() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    early = north.tick(10 * MINUTE_MS - 1)
    assert not early
    (missed,) = north.tick(1)
    assert (missed.clock, missed.digest) == ("reply", letter.digest)  # type: ignore[attr-defined]
    assert not north.tick(1)
    assert north.clock(letter.digest, "reply") == "MISSED"
    assert (letter.digest, "reply", "NORTH") in north.situation.clocks
    both(north, south, "conv/reply", answers=letter.digest)
    clock = north.situation.deadlines[letter.digest, "reply", "NORTH"]
    assert (clock.state, clock.met_late) == ("MET", True)
    assert south.situation.deadlines[letter.digest, "reply", "NORTH"].met_late is False
    assert (letter.digest, "reply", "NORTH") not in north.situation.clocks


def test_reply_time_of_the_originator_overrides_the_templates() -> None:
    north, south = pair()
    due_ms = NOW_MS + 3 * MINUTE_MS
    letter = south.say("sea/encounter", _reply_by=format_time(due_ms))
    north.take(letter)
    assert north.situation.deadlines[letter.digest, "reply", "NORTH"].due_ms == due_ms


# --- retraction, correction, read-back -------------------------------------------------


def test_retraction_by_the_originator_ends_dialogue_and_reply_clock() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    both(south, north, "conv/retract", answers=letter.digest)
    for side in (north, south):
        assert how(side, letter) == "RETRACTED"
        assert side.situation.statements[letter.digest].retracted_by
        assert side.clock(letter.digest, "reply") == "MET"
        assert side.situation.statements[letter.digest].statement.fields


@pytest.mark.parametrize("template", ["conv/retract", "conv/correction"])
def test_statement_of_the_other_side_cannot_be_withdrawn_or_corrected(template: str) -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    both(north, south, template, answers=letter.digest)
    for side in (north, south):
        state = side.situation.statements[letter.digest]
        assert state.retracted_by is None
        assert state.corrected_by is None
        assert how(side, letter) == ""


def test_correction_by_the_originator_marks_and_keeps_the_statement() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    correction = both(south, north, "conv/correction", answers=letter.digest)
    for side in (north, south):
        assert side.situation.statements[letter.digest].corrected_by == correction.digest
        assert how(side, letter) == ""


def test_read_back_is_due_after_reading_until_it_agrees() -> None:
    north, south = pair()
    letter = both(south, north, "sea/encounter")
    assert not awaiting_read_back(north.situation, north.rules)
    both(north, south, "link/ack-read", answers=letter.digest)
    (due,) = awaiting_read_back(north.situation, north.rules)
    assert due.digest == letter.digest
    assert not awaiting_read_back(south.situation, south.rules)
    both(north, south, "conv/readback", answers=letter.digest, result="DIFFERS")
    assert awaiting_read_back(north.situation, north.rules)
    both(north, south, "conv/readback", answers=letter.digest, result="AGREES")
    assert not awaiting_read_back(north.situation, north.rules)
    assert south.situation.statements[letter.digest].readbacks == [
        ("NORTH", False),
        ("NORTH", True),
    ]


# --- closing -------------------------------------------------------------------------


def test_incident_that_closes_closes_its_dialogues_and_clocks_only() -> None:
    north, south = pair()
    inside = both(south, north, "sea/encounter", incident=INCIDENT)
    outside = both(south, north, "sea/encounter", incident="OTHER-1")
    first = both(south, north, "deesc/close", incident=INCIDENT)
    last = both(north, south, "deesc/close", incident=INCIDENT, answers=first.digest)
    for side in (north, south):
        assert side.ladder().state == "CLOSED"
        assert side.situation.incidents[INCIDENT].closed_at_ms is not None
        assert how(side, inside) == "CLOSED"
        assert how(side, first) == "ANSWERED"
        assert last.digest not in side.situation.dialogues
        assert how(side, outside) == ""
        assert side.clock(inside.digest, "reply") == "MET"
        assert side.clock(outside.digest, "reply") == "RUNNING"


def test_ladder_move_out_of_turn_expects_no_answer() -> None:
    north, south = pair()
    mine = north.say("deesc/cease-propose", incident=INCIDENT)
    south.now_ms += 1
    theirs = south.say("deesc/hold", incident=INCIDENT)
    late = south.take(mine)
    assert of_kind(late, ev.StepOutOfTurn)
    assert not of_kind(late, ev.DialogueOpened)
    assert [one.clock for one in of_kind(late, ev.DeadlineSet)] == ["read"]
    (lapsed,) = of_kind(north.take(theirs), ev.DialogueClosed)
    assert (lapsed.digest, lapsed.how) == (mine.digest, "LAPSED")


def test_statement_of_an_unknown_template_opens_its_incident_and_no_dialogue() -> None:
    north, south = pair()
    letter = south.say("sea/encounter", incident=INCIDENT)
    ref = letter.told.statement.template.model_copy(update={"digest": "00" * 32})
    told = south.write("sea/encounter", incident=INCIDENT, _template=ref)
    assert told.template is None
    taken = north.take(Letter(told, "SOUTH", ZERO_DIGEST.hex(), north.now_ms))
    assert INCIDENT in north.situation.incidents
    assert not of_kind(taken, ev.DialogueOpened)
    assert [one.clock for one in of_kind(taken, ev.DeadlineSet)] == ["read"]


def test_statement_of_an_unknown_template_can_be_acknowledged() -> None:
    north, south = pair()
    letter = south.say("sea/encounter", incident=INCIDENT)
    ref = letter.told.statement.template.model_copy(update={"digest": "00" * 32})
    told = south.write("sea/encounter", incident=INCIDENT, _template=ref)
    north.take(Letter(told, "SOUTH", ZERO_DIGEST.hex(), north.now_ms))
    assert [state.digest for state in north.situation.unread()] == [told.digest]
    north.say("link/ack-read", answers=told.digest)
    assert north.situation.unread() == []
    assert north.clock(told.digest, "read") == "MET"
