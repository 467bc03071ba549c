from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import hotline.core.exchange.decide as decide_module
from hotline.core.errors import OperatorError
from hotline.core.exchange import decide as module
from hotline.core.exchange import trust
from hotline.core.exchange.commands import SendStatement
from hotline.core.exchange.decide import decide
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Precedence
from tests.core.exchange.rig import (
    INCIDENT,
    MINUTE_MS,
    Letter,
    Side,
    kinds,
    of_kind,
    pair,
    receipt,
)


def reason(decision: module.Decision) -> str:
    (event,) = of_kind(decision, ev.StatementQuarantined)
    assert decision.rejected == (event.digest, event.reason)
    return str(event.reason)


# --- order, duplicates, forks ----------------------------------------------------------


def test_statement_that_comes_again_is_recorded_once_and_receipted_again() -> None:
    north, south = pair()
    letter = south.say()
    assert of_kind(north.take(letter), ev.StatementReceived)
    again = north.take(letter)
    assert again.duplicate
    assert not again.events
    assert again.rejected is None


def test_statement_under_another_number_is_quarantined_as_replayed() -> None:
    north, south = pair()
    letter = south.say()
    north.take(letter)
    order = letter.told.order.model_copy(update={"seq": 2})
    again = north.take(replace(letter, told=replace(letter.told, order=order)))
    assert "replayed" in reason(again)
    assert north.situation.their_orders["SOUTH"].seq == 1


def test_number_with_two_statements_is_a_fork_and_the_first_stands() -> None:
    north, south = pair()
    first = south.say()
    other = replace(south.write(), order=first.told.order)
    north.take(first)
    assert "fork: number 1 of SOUTH" in reason(north.take(Letter(other, "SOUTH", first.prev, 0)))
    assert list(north.situation.statements) == [first.digest]


def test_gap_is_shown_at_once_and_filled_later_in_any_order() -> None:
    north, south = pair()
    letters = [south.say() for _ in range(5)]
    north.take(letters[0])
    (gap,) = of_kind(north.take(letters[3]), ev.GapSeen)
    assert (gap.first_seq, gap.last_seq) == (2, 3)
    assert north.situation.statements[letters[3].digest]
    assert not of_kind(north.take(letters[4]), ev.GapSeen)
    for late in (letters[2], letters[1]):
        taken = north.take(late)
        assert of_kind(taken, ev.StatementReceived)
        assert not of_kind(taken, ev.GapSeen)
    assert north.situation.their_orders["SOUTH"].seq == 5


def test_order_that_does_not_continue_the_one_before_is_quarantined() -> None:
    north, south = pair()
    north.take(south.say())
    letter = south.say()
    assert "does not continue" in reason(north.take(letter, prev="ee" * 32))
    # The honest one is taken all the same.
    assert of_kind(north.take(letter), ev.StatementReceived)


def test_first_order_that_names_one_before_it_is_quarantined() -> None:
    north, south = pair()
    letter = south.say()
    assert letter.prev == ZERO_DIGEST.hex()
    assert "does not continue" in reason(north.take(letter, prev="ee" * 32))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_to": ("SOUTH",)}, "not addressed to this station"),
        ({"_to": ("WEST",)}, "not addressed to this station"),
        ({"_to": ("NORTH", "SOUTH")}, "addressed to its own sender"),
        ({"_to": ("NORTH",), "_info": ("SOUTH",)}, "addressed to its own sender"),
    ],
)
def test_statement_with_wrong_addressees_is_quarantined(
    changes: dict[str, Any], words: str
) -> None:
    north, south = pair()
    assert words in reason(north.take(south.say(**changes)))
    assert not north.situation.statements


def test_reference_to_another_statement_than_the_answered_one_is_quarantined() -> None:
    north, south = pair()
    one, two = north.say("sea/encounter"), north.say("sea/encounter")
    for letter in (one, two):
        south.take(letter)
    told = south.write("conv/reply", answers=one.digest, reference=two.digest)
    assert "its reference" in reason(north.take(Letter(told, "SOUTH", ZERO_DIGEST.hex(), 0)))


def test_quarantine_says_the_same_once_and_rejects_each_time() -> None:
    north, _ = pair()
    first, second = (north.quarantine("aa" * 32, "does not verify") for _ in range(2))
    assert len(first.events) == 1
    assert not second.events
    assert first.rejected == second.rejected == ("aa" * 32, "does not verify")
    assert len(north.quarantine("aa" * 32, "another reason").events) == 1


def test_quarantine_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUARANTINED_KEYS", 3)
    north, _ = pair()
    events = [len(north.quarantine(f"{n:064x}", "bad").events) for n in range(5)]
    assert events == [1, 1, 1, 0, 0]


def test_quarantined_forgery_does_not_keep_the_genuine_statement_out() -> None:
    north, south = pair()
    letter = south.say()
    north.quarantine(letter.digest, "does not verify")
    assert of_kind(north.take(letter), ev.StatementReceived)


def test_unverified_statement_is_recorded_and_changes_nothing() -> None:
    north, south = pair()
    taken = north.take(south.say("sea/encounter", incident=INCIDENT), verdict="UNVERIFIED")
    assert [type(event) for event in kinds(taken)] == [ev.StatementReceived]
    assert not north.situation.incidents
    assert not north.situation.clocks


def test_doubtful_clock_is_flagged_and_nothing_is_corrected() -> None:
    north, south = pair()
    letter = south.say()
    (doubt,) = of_kind(north.take(letter, sent_at_ms=north.now_ms - 2 * MINUTE_MS), ev.ClockDoubted)
    assert doubt.difference_ms == -2 * MINUTE_MS
    assert north.situation.statements[letter.digest].statement.at_ms == letter.told.statement.at_ms


# --- what may be sent ----------------------------------------------------------------


def refused(side: Side, template: str, **given: Any) -> str:
    before = len(side.log)
    with pytest.raises(OperatorError) as caught:
        side.say(template, **given)
    assert len(side.log) == before
    return caught.value.sentence()


def test_answer_to_nothing_is_refused_before_it_is_said() -> None:
    _, south = pair()
    words = refused(south, "conv/reply", answers="ab" * 32)
    assert "must answer a statement that is in the record" in words


def test_ladder_move_without_an_incident_is_refused() -> None:
    _, south = pair()
    assert "must name its incident" in refused(south, "deesc/hold")


def test_ladder_move_out_of_turn_is_refused_with_what_can_be_done() -> None:
    north, south = pair()
    letter = south.say("deesc/hold", incident=INCIDENT)
    north.take(letter)
    say = {"incident": INCIDENT, "answers": letter.digest}
    assert "what you can do now: propose" in refused(south, "deesc/answer", answer="ACCEPT", **say)
    assert "propose or answer" in refused(north, "deesc/verify-result", **say)


def test_statement_that_fits_no_template_here_is_refused() -> None:
    _, south = pair()
    told = replace(south.write(), template=None)
    with pytest.raises(OperatorError, match="no template that the statement fits"):
        decide(south.situation, south.rules, SendStatement(told), south.now_ms)


def test_inject_of_a_script_plays_once() -> None:
    _, south = pair()
    key = ("INJECT-1", "")
    south.send(south.write(), key)
    again = south.do(SendStatement(south.write(), key))
    assert again.duplicate
    assert len(south.situation.statements) == 1


# --- acknowledgements -----------------------------------------------------------------


def read(reader: Side, writer: Side, digest: str) -> Letter:
    letter = reader.say("link/ack-read", answers=digest)
    writer.take(letter)
    return letter


def test_acknowledgement_is_taken_once_and_a_second_is_refused() -> None:
    north, south = pair()
    letter = south.say("sea/encounter")
    north.take(letter)
    read(north, south, letter.digest)
    for side in (north, south):
        ((station, role, _, _),) = side.situation.statements[letter.digest].read_by
        assert (station, role) == ("NORTH", "Duty officer")
        assert side.clock(letter.digest, "read") == "MET"
    assert "no acknowledgement from you any more" in refused(
        north, "link/ack-read", answers=letter.digest
    )


def test_second_acknowledgement_of_a_peer_says_nothing_new() -> None:
    north, south = pair()
    letter = south.say("sea/encounter")
    north.take(letter)
    first = read(north, south, letter.digest)
    second = north.write("link/ack-read", answers=letter.digest)
    taken = south.take(Letter(second, "NORTH", first.told.order.digest, south.now_ms))
    assert [type(event) for event in kinds(taken)] == [ev.StatementReceived]
    assert len(south.situation.statements[letter.digest].read_by) == 1


def test_acknowledgement_is_never_acknowledged() -> None:
    north, south = pair()
    letter = south.say("sea/encounter")
    north.take(letter)
    ack = read(north, south, letter.digest)
    assert "no acknowledgement" in refused(south, "link/ack-read", answers=ack.digest)
    # A peer that does it anyway changes nothing.
    told = south.write("link/ack-read", answers=ack.digest)
    taken = north.take(Letter(told, "SOUTH", letter.told.order.digest, north.now_ms))
    assert [type(event) for event in kinds(taken)] == [ev.StatementReceived]
    assert not [key for key in north.situation.clocks if key[0] == ack.digest]


def test_own_statement_cannot_be_acknowledged() -> None:
    _, south = pair()
    letter = south.say("sea/encounter")
    assert "your own statement" in refused(south, "link/ack-read", answers=letter.digest)


def test_statement_without_an_expected_reading_wants_no_acknowledgement() -> None:
    north, south = pair()
    question = north.say("sea/intent")
    south.take(question)
    reply = south.say("conv/response", answers=question.digest)
    north.take(reply)
    assert not north.situation.unread()
    assert "no acknowledgement" in refused(north, "link/ack-read", answers=reply.digest)


# --- news only once --------------------------------------------------------------------


def test_receipt_is_recorded_once_and_only_of_what_we_sent() -> None:
    north, south = pair()
    letter = south.say()
    receipts = (receipt(letter.digest, "NORTH"), receipt(letter.digest, "NORTH"))
    assert len(south.note(*receipts).events) == 1
    assert not south.note(*receipts).events
    assert not south.note(receipt("ab" * 32, "NORTH")).events
    assert not south.situation.outbox
    assert north.situation.length == 1


def test_rejection_after_a_receipt_changes_nothing_and_the_reverse_order_ends_it() -> None:
    _, south = pair()
    one, two = south.say(), south.say()
    rejection = ev.RejectionReceived(digest=one.digest, peer="NORTH", reason="no")
    assert len(south.note(receipt(one.digest, "NORTH"), rejection).events) == 1
    assert not south.situation.statements[one.digest].rejected
    other = ev.RejectionReceived(digest=two.digest, peer="NORTH", reason="no")
    assert len(south.note(other).events) == 1
    assert two.digest not in south.situation.outbox
    assert not south.note(other).events


def test_rejection_by_a_station_that_was_not_asked_changes_nothing() -> None:
    _, south = pair()
    letter = south.say()
    said = ev.RejectionReceived(digest=letter.digest, peer="WEST", reason="no")
    assert not south.note(said).events
    assert letter.digest in south.situation.outbox


def test_displayed_is_recorded_once_each() -> None:
    north, south = pair()
    letter = south.say()
    north.take(letter)
    there = ev.DisplayedThere(digest=letter.digest, peer="NORTH", at_ms=1)
    assert len(south.note(there, there).events) == 1
    assert not south.note(there).events
    assert not south.note(ev.DisplayedThere(digest=letter.digest, peer="WEST", at_ms=1)).events
    here = ev.DisplayedHere(digest=letter.digest, role="Duty officer")
    assert len(north.note(here).events) == 1
    assert not north.note(here).events
    assert not south.note(here).events


def test_contradicting_head_is_kept_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REFUSED_HEADS", 2)
    north, _ = pair()
    heads = [ev.HeadRefused(peer="SOUTH", verdict="FORK", note=f"note {n}") for n in range(4)]
    assert [len(north.note(head, head).events) for head in heads] == [1, 1, 0, 0]
    assert not north.note(heads[0]).events


def test_refused_lists_of_one_peer_do_not_hide_those_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Spec: docs/ledger.md §3.4"""
    monkeypatch.setattr(trust, "MAX_REFUSED_LISTS", 2)
    north, _ = pair()

    def shown(peer: str, digest: int) -> ev.RevocationsRefused:
        return ev.RevocationsRefused(peer=peer, counter=1, digest=f"{digest:064x}", known=1)

    flood = [shown("SOUTH", n) for n in range(4)]
    assert [len(north.note(one).events) for one in flood] == [1, 1, 0, 0]
    assert len(north.note(shown("EAST", 0)).events) == 1
    assert not north.note(shown("EAST", 0)).events


def test_drill_begins_and_ends_once() -> None:
    north, _ = pair()
    for event in (
        ev.DrillStarted(scenario="s", title="t"),
        ev.InjectPlayed(inject="I", trigger=""),
        ev.DrillEnded(outcome="done"),
    ):
        assert len(north.note(event).events) == 1
        assert not north.note(event).events


# --- what a leaf shows -----------------------------------------------------------------


def test_subject_of_a_leaf_is_the_statement_or_nothing() -> None:
    north, south = pair()
    sent = decide(
        south.situation, south.rules, SendStatement(south.write("sea/encounter")), south.now_ms
    )
    subjects = {type(one.event).__name__: one.subject for one in sent.events}
    assert subjects["StatementSent"].hex() == sent.events[0].event.digest  # type: ignore[attr-defined]
    assert subjects["DeadlineSet"] == subjects["DialogueOpened"] == ZERO_DIGEST
    assert north.situation.length == 1


def test_precedence_sets_the_reading_clock() -> None:
    north, south = pair()
    for precedence, minutes in ((Precedence.FLASH, 10), (Precedence.ROUTINE, 360)):
        letter = south.say("sea/encounter", precedence=precedence)
        north.take(letter)
        due_ms = north.situation.deadlines[letter.digest, "read", "NORTH"].due_ms
        assert due_ms == north.now_ms + minutes * MINUTE_MS


def test_order_that_fills_a_gap_must_fit_what_came_after_it() -> None:
    north, south = pair()
    first, second, third = (south.say() for _ in range(3))
    north.take(first)
    north.take(third)
    assert "does not continue" in reason(north.take(second, prev="ee" * 32))
    other = replace(
        second.told,
        digest="99" * 32,
        order=second.told.order.model_copy(update={"digest": "77" * 32}),
    )
    taken = north.take(Letter(other, "SOUTH", second.prev, north.now_ms))
    assert "does not continue this order" in reason(taken)
    assert not north.take(second).rejected


def test_fork_is_kept_when_the_quarantine_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide_module, "MAX_QUARANTINED_KEYS", 2)
    north, _ = pair()
    kept = [north.quarantine(f"{number:064x}", "junk") for number in range(4)]
    assert [len(one.events) for one in kept] == [1, 1, 0, 0]
    assert [one.uncounted for one in kept] == [False, False, True, True]
    assert all(one.rejected for one in kept)
    assert north.quarantine("ab" * 32, "fork: number 1 of SOUTH stands already").events
