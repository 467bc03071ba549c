"""One number, two statements: frozen until two officers resolve it. docs/protocol.md §7.11."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.commands import AdmitResolution, Note
from hotline.core.exchange.decision import Decision
from hotline.core.exchange.forks import fork_evidence, standing_forks
from hotline.core.messages.lifelines import is_lifeline
from hotline.core.records import events as ev
from tests.core.exchange.rig import INCIDENT, Letter, Side, of_kind, pair

OFFICERS = ("OIC A", "OIC B")


def fork(north: Side, south: Side) -> Decision:
    """Let NORTH take two statements of SOUTH's under one number."""
    first = south.say("sea/encounter", incident=INCIDENT)
    second = south.write()
    order = second.order.model_copy(update={"seq": first.told.order.seq})
    north.take(first)
    return north.take(Letter(replace(second, order=order), "SOUTH", first.prev, south.now_ms))


def resolved(north: Side) -> ev.ForkResolved:
    forks = standing_forks(north.situation)
    return ev.ForkResolved(
        peer="SOUTH",
        forks=len(forks),
        evidence=fork_evidence(forks),
        authorisation="ab" * 32,
        officers=OFFICERS,
        reason="spoken by voice",
    )


def test_second_statement_under_a_number_is_kept_whole_and_told_of() -> None:
    north, south = pair()
    decision = fork(north, south)
    quarantined, seen = decision.events
    assert isinstance(quarantined.event, ev.StatementQuarantined)
    assert quarantined.item
    assert isinstance(seen.event, ev.ForkSeen)
    assert decision.rejected is not None
    (standing,) = standing_forks(north.situation)
    held = north.situation.seen_orders["SOUTH", 1, 1]
    assert (standing.seq, standing.held) == (1, held.digest)
    assert standing.other == seen.event.other != standing.held
    assert north.refolded() == north.situation


def test_same_fork_again_is_recorded_once() -> None:
    north, south = pair()
    first = south.say()
    second = replace(south.write(), order=south.write().order.model_copy(update={"seq": 1}))
    letter = Letter(second, "SOUTH", first.prev, south.now_ms)
    north.take(first)
    assert of_kind(north.take(letter), ev.ForkSeen)
    again = north.take(letter)
    assert not again.events
    assert again.rejected is not None


@pytest.mark.parametrize(
    ("template", "given"),
    [
        ("conv/free-text", {}),
        ("sea/unsafe-act", {}),
        ("deesc/cease-propose", {"incident": INCIDENT}),
    ],
)
def test_frozen_line_refuses_what_is_no_lifeline(template: str, given: dict[str, Any]) -> None:
    north, south = pair()
    fork(north, south)
    assert not is_lifeline(template)
    size = len(north.log)
    with pytest.raises(OperatorError, match="FROZEN: SOUTH gave number 1") as caught:
        north.say(template, **given)
    assert "by voice" in caught.value.sentence()
    assert len(north.log) == size


def test_frozen_line_never_mutes_acknowledging_holding_aid_and_safety() -> None:
    north, south = pair()
    fork(north, south)
    (asked,) = north.situation.unread()
    for template in ("link/ack-read", "conv/holding"):
        letter = north.say(template, answers=asked.digest)
        assert of_kind(south.take(letter), ev.StatementReceived)
    assert of_kind(south.take(north.say("sea/encounter", incident=INCIDENT)), ev.StatementReceived)
    assert of_kind(south.take(north.say("sea/intent", incident=INCIDENT)), ev.StatementReceived)


def test_frozen_line_takes_and_shows_what_the_peer_says() -> None:
    north, south = pair()
    fork(north, south)
    assert of_kind(north.take(south.say()), ev.StatementReceived)


def test_station_that_is_told_of_a_rejected_fork_is_not_frozen_by_it() -> None:
    north, south = pair()
    letter = south.say()
    north.take(letter)
    south.note(ev.RejectionReceived(digest=letter.digest, peer="NORTH", reason="fork: number 1"))
    assert not standing_forks(south.situation)
    assert south.say()


def test_resolution_frees_the_line_and_the_same_fork_freezes_it_no_more() -> None:
    north, south = pair()
    fork(north, south)
    north.note(resolved(north))
    assert not standing_forks(north.situation)
    assert north.say()
    assert all(one.resolved for one in north.situation.forks.values())
    assert north.refolded() == north.situation


def test_another_fork_after_a_resolution_freezes_the_line_again() -> None:
    north, south = pair()
    fork(north, south)
    north.note(resolved(north))
    third = south.write()
    order = third.order.model_copy(update={"seq": 1, "digest": "77" * 32})
    north.take(Letter(replace(third, order=order), "SOUTH", "00" * 32, south.now_ms))
    with pytest.raises(OperatorError, match="FROZEN"):
        north.say()


def test_evidence_is_of_all_forks_in_any_order() -> None:
    north, south = pair()
    fork(north, south)
    (one,) = standing_forks(north.situation)
    other = replace(one, seq=9)
    assert fork_evidence([one, other]) == fork_evidence([other, one]) != fork_evidence([one])


def split(size: int = 9, generation: int = 1) -> ev.SplitSeen:
    roots = {"held": "11" * 32, "other": f"{size:064x}"}
    return ev.SplitSeen(peer="SOUTH", generation=generation, size=size, **roots)


def test_split_view_freezes_once_in_each_generation() -> None:
    """Two histories stay two: their next heads say nothing new. docs/protocol.md §7.34."""
    north, _ = pair()
    assert len(north.do(Note((split(),))).events) == 1
    with pytest.raises(OperatorError, match="FROZEN: SOUTH shows two histories of its ledger"):
        north.say()
    north.say("sea/encounter", incident=INCIDENT)
    (standing,) = standing_forks(north.situation)
    assert fork_evidence([standing]) == fork_evidence([replace(standing, at_ms=1)])
    assert not north.do(Note((split(),))).events
    north.do(Note((resolved(north),)))
    assert north.say()
    assert not north.do(Note((split(10),))).events
    assert north.say()
    assert north.do(Note((split(10, generation=2),))).events
    with pytest.raises(OperatorError, match="FROZEN"):
        north.say()
    assert north.refolded() == north.situation


def test_split_view_and_number_given_twice_are_resolved_by_one_act() -> None:
    north, south = pair()
    fork(north, south)
    alone = fork_evidence(standing_forks(north.situation))
    north.do(Note((split(),)))
    event = resolved(north)
    assert (event.forks, event.evidence == alone) == (2, False)
    north.do(Note((event,)))
    assert not standing_forks(north.situation)


def test_resolution_there_is_recorded_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from hotline.core.exchange import forks

    monkeypatch.setattr(forks, "MAX_RESOLUTIONS_THERE", 2)
    _, south = pair()

    def told(number: int) -> Decision:
        event = ev.ForkResolvedThere(
            peer="NORTH",
            forks=1,
            generation=1,
            seq=4,
            authorisation=f"{number:064x}",
            officers=OFFICERS,
            reason="spoken",
        )
        return south.do(AdmitResolution(event, b"{}"))

    assert len(told(1).events) == 1
    assert not told(1).events
    assert len(told(2).events) == 1
    assert not told(3).events
    assert south.say()
