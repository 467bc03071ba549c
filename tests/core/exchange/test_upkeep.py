"""Erased months and holds in the Situation: nothing that is left stumbles over what is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.exchange.decision import Decision
from hotline.core.exchange.fold import apply, fold
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.upkeep import check_not_erased, is_later
from hotline.core.records import events as ev
from hotline.desk.presenter import Presenter, Surroundings
from tests.core.exchange.rig import Side, pair, receipt
from tests.core.exchange.test_fold import STEPS, Play
from tests.fakes.line import phrasebook, rules

OCTOBER = 202610
OFFICERS = ("OIC A", "XO B")


def left_of(happening: Happening) -> ev.ContentErased:
    """Return what an erased entry still says."""
    subject = getattr(happening.event, "digest", "00" * 32) or "00" * 32
    return ev.ContentErased(was=happening.event.kind, epoch=OCTOBER, subject=subject)


def erase(side: Side, cut: int) -> None:
    """Let a side's entries before `cut`, and those of the same commit, be erased."""
    while 0 < cut < len(side.log) and side.log[cut].at_ms == side.log[cut - 1].at_ms:
        cut += 1
    gone, left = side.log[1:cut], side.log[cut:]
    before = fold(side.log[:cut])
    erased = [Happening(one.index, one.at_ms, left_of(one)) for one in gone]
    destroyed = ev.EpochKeyDestroyed(
        epoch=OCTOBER,
        authorisation="ab" * 32,
        officers=OFFICERS,
        our_order=before.our_order,
        their_orders=before.their_orders,
    )
    last = Happening(len(side.log), side.now_ms, destroyed)
    side.log = [side.log[0], *erased, *left, last]
    side.situation = fold(side.log)


def kept_of(decision: Decision) -> list[bytes | None]:
    """Return what quarantine entries of a decision enclose."""
    return [one.item for one in decision.events if isinstance(one.event, ev.StatementQuarantined)]


def look(side: Side) -> None:
    """Present everything that is so, as the console would."""
    around = Surroundings(
        station=side.name,
        peers=(side.peer,),
        mode="STATION",
        clock=lambda: side.now_ms,
        sending=lambda _digest, _peer: "",
        coach=lambda: "",
        names=dict,
    )
    presenter = Presenter(lambda: side.situation, rules(), phrasebook(), around)
    presenter.watch()
    presenter.timeline(0, len(side.situation.timeline))
    for digest in side.situation.statements:
        presenter.message(digest)
    for name in side.situation.incidents:
        presenter.incident(name)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(1, 60), st.booleans(), STEPS)
@example([("say", True, 2), ("deliver", True, 0)], 99, False, [("say", True, 2)])
def test_fold_goes_on_after_any_beginning_was_erased(
    steps: list[tuple[str, bool, int]], cut: int, both: bool, more: list[tuple[str, bool, int]]
) -> None:
    play = Play()
    for step in steps:
        play.step(*step)
    sides = play.sides if both else play.sides[:1]
    for side in sides:
        before = side.situation
        erase(side, cut)
        assert side.situation.next_seq() == before.next_seq()
        assert side.situation.their_orders == before.their_orders
        assert side.situation.station == side.name
        look(side)
    play.reached.clear()
    for step in more:
        play.step(*step)
    for side in play.sides:
        look(side)
        assert side.refolded() == side.situation


def test_what_is_left_is_not_disturbed_by_what_is_gone() -> None:
    north, south = pair()
    first = south.say()
    north.take(first)
    cut = len(north.log)
    north.now_ms += 1000
    south.now_ms += 1000
    north.note(ev.DisplayedHere(digest=first.digest, role="Duty officer"))
    second = south.say()
    north.take(second)
    erase(north, cut)
    assert list(north.situation.statements) == [second.digest]
    assert north.situation.erased == {OCTOBER: cut - 1}
    north.take(south.say())
    assert not north.situation.quarantined


def test_statement_of_the_erased_time_that_comes_again_is_refused() -> None:
    north, south = pair()
    letters = [south.say() for _ in range(3)]
    for letter in letters:
        north.take(letter)
    erase(north, len(north.log))
    for letter in letters:
        decision = north.take(letter)
        assert decision.rejected is not None
        assert decision.rejected[1].startswith("erased: ")
        assert kept_of(decision) == [None]
    north.take(south.say())
    assert len(north.situation.statements) == 1


def test_statement_received_in_the_erased_time_is_refused_under_any_order() -> None:
    north, south = pair()
    first = south.say()
    north.take(first)
    erase(north, len(north.log))
    size = len(north.log)
    before = south.situation.our_order
    assert before is not None
    for seq in (2, 3, 9):
        order = ev.OrderRef(generation=1, seq=seq, prev=before.digest, digest=f"{seq:02}" * 32)
        decision = north.take(
            replace(first, told=replace(first.told, order=order), prev=before.digest)
        )
        assert decision.rejected is not None
        assert decision.rejected[1].startswith("erased: it was received here")
        assert kept_of(decision) in ([None], [])
    # Kept once, and its numbers are free for what is new.
    assert len(north.log) == size + 1
    north.take(south.say())
    assert len(north.situation.statements) == 1


def test_erased_statement_that_does_not_verify_any_more_is_not_kept_either() -> None:
    north, south = pair()
    first = south.say()
    north.take(first)
    erase(north, len(north.log))
    assert kept_of(north.quarantine(first.digest, "a signature does not verify")) == [None]
    assert kept_of(north.quarantine("99" * 32, "a signature does not verify")) == [b"{}"]


def test_fork_of_the_newest_erased_number_is_still_a_fork() -> None:
    north, south = pair()
    north.take(south.say())
    erase(north, len(north.log))
    _, liar = pair()
    decision = north.take(liar.say())
    assert decision.rejected is not None
    assert "fork" in decision.rejected[1]


def test_event_about_nothing_recorded_is_our_bug_while_nothing_is_erased() -> None:
    north, _ = pair()
    with pytest.raises(InvariantError):
        apply(north.situation, Happening(1, 0, receipt("ab" * 32, "SOUTH")))


def test_row_of_what_was_passed_over_is_not_shown() -> None:
    north, south = pair()
    letter = north.say()
    south.take(letter)
    cut = len(north.log)
    north.now_ms += 1000
    north.note(ev.RejectionReceived(digest=letter.digest, peer="SOUTH", reason="no"))
    erase(north, cut)
    shown = [type(one.event) for one in north.situation.timeline]
    assert shown == [ev.EpochKeyDestroyed]
    look(north)


def test_holds_stand_until_they_are_released() -> None:
    north, _ = pair()
    north.note(ev.HoldPlaced(case="A", reason="why", by="OIC A"))
    north.note(ev.HoldPlaced(case="B", reason="why", by="OIC A"))
    released = ev.HoldReleased(case="A", reason="over", authorisation="ab" * 32, officers=OFFICERS)
    north.note(released)
    assert north.situation.holds == {"B": "why"}
    look(north)


def test_orders_are_compared_by_generation_first() -> None:
    def order(generation: int, seq: int) -> ev.OrderRef:
        return ev.OrderRef(generation=generation, seq=seq, prev="00" * 32, digest="ab" * 32)

    assert is_later(order(1, 1), None)
    assert is_later(order(2, 1), order(1, 9))
    assert not is_later(order(1, 9), order(2, 1))
    assert not is_later(order(1, 3), order(1, 3))
    situation = Situation(erased_orders={"SOUTH": order(2, 5)})
    check_not_erased(situation, "SOUTH", order(2, 6))
    check_not_erased(situation, "NORTH", order(1, 1))
    for old in (order(1, 9), order(2, 5), order(2, 1)):
        with pytest.raises(PeerError, match="erased"):
            check_not_erased(situation, "SOUTH", old)
