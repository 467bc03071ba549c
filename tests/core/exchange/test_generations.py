"""Over a border of generations: what is recovered, sent again, taken again and asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.canonical import MAX_INTEGER
from hotline.core.errors import InvariantError
from hotline.core.exchange.commands import (
    AdmitGeneration,
    RecoverStatement,
    SendAgain,
    TakeStatement,
)
from hotline.core.exchange.fold import apply
from hotline.core.exchange.generations import MAX_RANGES, _missing, our_missing, owed, their_missing
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, sha256
from tests.core.exchange.rig import LINE, NOW_MS, Letter, Side, kinds, of_kind, pair


def renewed(side: Side, entries: int | None = None, generation: int = 2) -> Side:
    """Return the side after its ledger was cut to `entries` and the next generation begun."""
    fresh = Side(side.name, side.peer, now_ms=side.now_ms)
    fresh.log = side.log
    fresh.put_back(len(side.log) if entries is None else entries, generation)
    return fresh


def placed(side: Side, letter: Letter) -> SendAgain:
    """Return the command that gives a statement the next place in a side's new generation."""
    before = side.situation.our_order
    order = ev.OrderRef(
        generation=side.situation.generation,
        seq=side.situation.next_seq(),
        prev=before.digest if before else ZERO_DIGEST.hex(),
        digest=sha256(f"again {letter.digest}".encode()).hex(),
    )
    return SendAgain(replace(letter.told, order=order))


def receipt(side: Side, letter: Letter) -> None:
    side.note(
        ev.ReceiptObtained.model_validate(
            {
                "digest": letter.digest,
                "peer": side.peer,
                "our_size": 99,
                "verdict": "VERIFIED",
                "received_at_ms": NOW_MS,
                "index": 1,
                "size": 2,
                "leaf": "",
                "salt": "",
                "content": "",
                "proof": [],
            }
        )
    )


def admitted(side: Side, peer: str, generation: int = 2) -> list[ev.Event]:
    event = ev.PeerGenerationAdmitted(
        peer=peer,
        generation=generation,
        authorisation="ab" * 32,
        kept_size=1,
        held_size=2,
        fits=True,
        reason="a test",
    )
    return kinds(side.do(AdmitGeneration(event, b"{}")))


def test_record_that_admits_generations_backwards_folds_to_the_highest() -> None:
    _, south = pair()
    (third,) = admitted(south, "NORTH", 3)
    assert isinstance(third, ev.PeerGenerationAdmitted)
    second = third.model_copy(update={"generation": 2})
    apply(south.situation, Happening(south.situation.length, NOW_MS, second))
    assert south.situation.generations == {"NORTH": 3}


def test_entries_of_earlier_generations_count_below_zero() -> None:
    north, _ = pair()
    north.say()
    after = renewed(north)
    (state,) = after.situation.statements.values()
    assert state.index < 0
    assert after.situation.length == 1
    assert (after.situation.generation, after.situation.begun) == (2, 1)
    assert after.situation.our_order is None
    assert after.situation.next_seq() == 1


def test_later_generation_begins_at_entry_zero_only() -> None:
    north, _ = pair()
    again = ev.LedgerOpened(realm="EXERCISE", line=LINE, station="NORTH", generation=2)
    with pytest.raises(InvariantError):
        apply(north.situation, Happening(5, 0, again))
    same = ev.LedgerOpened(realm="EXERCISE", line=LINE, station="NORTH", generation=1)
    with pytest.raises(InvariantError):
        apply(north.situation, Happening(0, 0, same))


def test_what_speaks_of_a_generation_that_is_not_here_changes_nothing() -> None:
    opened = ev.LedgerOpened(realm="EXERCISE", line=LINE, station="NORTH", generation=2)
    situation = Situation()
    apply(situation, Happening(0, 0, opened))
    rejected = ev.RejectionReceived(digest="ab" * 32, peer="SOUTH", reason="unknown here")
    apply(situation, Happening(1, 0, rejected))
    assert situation.length == 2
    assert not situation.timeline


def test_lost_statement_comes_back_with_what_followed_from_it() -> None:
    north, _ = pair()
    letter = north.say("sea/encounter", incident="NORTH-2211-01")
    expected = kinds_after(north)
    after = renewed(north, entries=1)
    done = after.do(RecoverStatement(letter.told, "SOUTH"))
    (event,) = of_kind(done, ev.StatementRecovered)
    assert event.order == letter.told.order
    assert kinds(done)[1:] == expected[1:]
    state = after.situation.statements[letter.digest]
    assert state.receipted == {"SOUTH"}
    assert not after.situation.outbox
    assert after.situation.our_order is None


def test_answer_that_overtakes_what_comes_back_counts() -> None:
    north, south = pair()
    letter = north.say("sea/encounter", incident="NORTH-2211-01")
    south.take(letter)
    answer = south.say("sea/intent", answers=letter.digest)
    after = renewed(north, entries=1)
    after.take(answer)
    assert letter.digest not in after.situation.dialogues
    after.do(RecoverStatement(letter.told, "SOUTH"))
    found = after.situation.dialogues[letter.digest]
    assert (found.waiting, found.how) == (set(), "ANSWERED")
    assert not after.situation.early
    assert after.refolded() == after.situation


def kinds_after(side: Side) -> list[ev.Event]:
    return [one.event for one in side.log[1:]]


def test_statement_comes_back_once_and_only_from_an_earlier_generation() -> None:
    north, _ = pair()
    letter = north.say()
    after = renewed(north, entries=1)
    assert kinds(after.do(RecoverStatement(letter.told, "SOUTH")))
    assert after.do(RecoverStatement(letter.told, "SOUTH")).duplicate
    fresh = after.write()
    told = replace(fresh, order=fresh.order.model_copy(update={"generation": 2}))
    (kept,) = kinds(after.do(RecoverStatement(told, "SOUTH")))
    assert isinstance(kept, ev.StatementQuarantined)
    assert not kinds(after.do(RecoverStatement(told, "SOUTH")))


def test_statement_given_back_that_is_known_and_unreceipted_is_not_recorded_again() -> None:
    north, _ = pair()
    letter = north.say()
    after = renewed(north)
    for _ in range(3):
        done = after.do(RecoverStatement(letter.told, "SOUTH"))
        assert done.duplicate
        assert not kinds(done)
    after.do(placed(after, letter))
    assert not kinds(after.do(RecoverStatement(letter.told, "SOUTH")))
    state = after.situation.statements[letter.digest]
    assert state.order.generation == 2
    assert list(after.situation.outbox) == [letter.digest]


def test_older_order_never_takes_the_place_of_a_newer_one() -> None:
    north, _ = pair()
    letter = north.say()
    after = renewed(north, generation=3)
    after.do(placed(after, letter))
    older = letter.told.order.model_copy(update={"generation": 2, "seq": 9})
    told = replace(letter.told, order=older)
    (event,) = kinds(after.do(RecoverStatement(told, "SOUTH")))
    assert isinstance(event, ev.StatementRecovered)
    state = after.situation.statements[letter.digest]
    # Index and order stay together: what is sent again is read at the index.
    assert (state.order.generation, state.index) == (3, 1)
    assert older in state.orders
    assert not kinds(after.do(RecoverStatement(told, "SOUTH")))


def test_unreceipted_statement_gets_a_place_in_the_new_order_once() -> None:
    north, _south = pair()
    letter = north.say()
    after = renewed(north)
    assert list(after.situation.outbox) == [letter.digest]
    command = placed(after, letter)
    (sent,) = kinds(after.do(command))
    assert isinstance(sent, ev.StatementSent)
    state = after.situation.statements[letter.digest]
    assert [one.generation for one in state.orders] == [1, 2]
    assert state.index == 1
    assert after.situation.our_order == command.told.order
    assert after.do(placed(after, letter)).duplicate


def test_statement_known_here_is_taken_under_the_new_order_and_receipted() -> None:
    north, south = pair()
    letter = north.say()
    south.take(letter)
    after = renewed(north)
    command = placed(after, letter)
    after.do(command)
    again = TakeStatement(command.told, "NORTH", "VERIFIED", NOW_MS)
    assert south.do(again).rejected is not None
    assert admitted(south, "NORTH")
    done = south.do(again)
    assert done.duplicate
    (event,) = kinds(done)
    assert isinstance(event, ev.StatementRenumbered)
    assert south.situation.their_orders["NORTH"] == command.told.order
    done = south.do(again)
    assert done.duplicate
    assert not kinds(done)
    assert south.refolded() == south.situation


def test_statement_of_our_earlier_ledger_is_recorded_once_more_to_be_proved() -> None:
    north, south = pair()
    letter = north.say("sea/encounter", incident="NORTH-2211-01")
    south.take(letter)
    after = renewed(south)
    done = after.take(letter)
    assert [type(event) for event in kinds(done)] == [ev.StatementReceived]
    assert after.situation.statements[letter.digest].index == 1
    assert not kinds(after.take(letter))


def test_order_of_a_generation_left_behind_or_never_opened_is_refused() -> None:
    north, south = pair()
    first = north.say()
    admitted(south, "NORTH")
    refused = south.take(first)
    assert refused.rejected is not None
    assert "left behind" in refused.rejected[1]
    third = replace(first.told, order=first.told.order.model_copy(update={"generation": 3}))
    refused = south.do(TakeStatement(third, "NORTH", "VERIFIED", NOW_MS))
    assert refused.rejected is not None
    assert "never opened" in refused.rejected[1]


def test_generation_is_admitted_once_and_never_back() -> None:
    north, south = pair()
    north.say()
    assert admitted(south, "NORTH", 3)
    assert not admitted(south, "NORTH", 3)
    assert not admitted(south, "NORTH", 2)
    assert south.situation.generation_of("NORTH") == 3
    assert south.situation.generation_of("SOUTH") == 1


def test_what_is_missing_is_asked_for_and_owed_in_the_order_of_the_record() -> None:
    north, south = pair()
    kept = north.say()
    south.take(kept)
    receipt(north, kept)
    theirs = south.say()
    north.take(theirs)
    entries = len(north.log)
    lost = [north.say(), north.say()]
    for letter in lost:
        south.take(letter)
    answer = south.say()
    receipt(south, theirs)
    receipt(south, answer)
    after = renewed(north, entries)
    ours, yours = our_missing(after.situation, "SOUTH"), their_missing(after.situation, "SOUTH")
    assert ours == [(1, 2, MAX_INTEGER)]
    assert yours == [(1, 2, MAX_INTEGER)]
    found = owed(south.situation, "NORTH", ours, yours)
    assert found == [lost[0].digest, lost[1].digest, answer.digest]
    assert owed(south.situation, "EAST", ours, yours) == []


def test_number_that_the_peer_refused_as_a_fork_is_asked_for() -> None:
    north, _ = pair()
    forked, refused = north.say(), north.say()
    for letter, reason in ((forked, "fork: number 1 of NORTH stands already"), (refused, "no")):
        north.note(ev.RejectionReceived(digest=letter.digest, peer="SOUTH", reason=reason))
    assert our_missing(renewed(north).situation, "SOUTH") == [(1, 1, 1), (1, 3, MAX_INTEGER)]


def test_what_was_erased_on_purpose_is_not_asked_back() -> None:
    north, _ = pair()
    letters = [north.say(), north.say(), north.say()]
    after = renewed(north, entries=1)
    after.situation.erased_orders["NORTH"] = letters[1].told.order
    assert our_missing(after.situation, "SOUTH") == [(1, 3, MAX_INTEGER)]
    assert not kinds(after.do(RecoverStatement(letters[0].told, "SOUTH")))
    assert kinds(after.do(RecoverStatement(letters[2].told, "SOUTH")))


@given(st.sets(st.integers(1, 200)), st.integers(0, 50))
def test_ranges_are_what_is_not_held(held: set[int], floor: int) -> None:
    erased = ev.OrderRef(generation=1, seq=floor, prev="00" * 32, digest="00" * 32)
    ranges = _missing({1: held}, 1, erased)
    assert len(ranges) <= MAX_RANGES
    named = {seq for _, first, last in ranges for seq in range(first, min(last, 250) + 1)}
    absent = {seq for seq in range(floor + 1, 251) if seq not in held}
    assert named <= absent
    if len(ranges) < MAX_RANGES:
        assert named == absent
