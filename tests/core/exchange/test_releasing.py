"""From the first signature to the second, or to no release: docs/protocol.md §4.16."""

from __future__ import annotations

from typing import Any

import pytest

from hotline.core.errors import InvariantError, OperatorError
from hotline.core.exchange import releasing
from hotline.core.exchange.commands import AskRelease, EndRelease, Told
from hotline.core.exchange.fold import apply
from hotline.core.exchange.releasing import AWAITING, RELEASED, TABLE, awaiting
from hotline.core.exchange.situation import Happening
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Precedence
from tests.core.exchange.rig import INCIDENT, MINUTE_MS, Side, kinds, of_kind, pair

FIRST, SECOND = "cd" * 32, "ef" * 32


def ask(side: Side, told: Told, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "statement": told.statement,
        "digest": told.digest,
        "envelope": b"{}",
        "template": told.template,
        "certificate": FIRST,
        "officer": "Duty officer LT RAMOS",
        "need": 2,
    }
    return side.do(AskRelease(**(values | changes)))


def end(side: Side, digest: str, how: str) -> Any:
    return side.do(EndRelease(digest, how, SECOND, "Deputy LT VEGA", "wrong ship"))


def write(side: Side, **given: Any) -> Told:
    return side.write("deesc/cease-propose", incident=INCIDENT, _need=2, **given)


def test_first_signature_waits_and_gives_no_number_and_sends_nothing() -> None:
    north, _ = pair()
    told = write(north)
    (asked,) = kinds(ask(north, told))
    assert isinstance(asked, ev.ReleaseAsked)
    release = north.situation.releases[told.digest]
    assert (release.state, release.officer) == (AWAITING, "Duty officer LT RAMOS")
    assert north.situation.our_order is None
    assert not north.situation.outbox
    assert not north.situation.statements
    assert not north.situation.incidents
    assert north.situation.timeline[-1].event == asked
    assert north.refolded() == north.situation


def test_release_gives_the_next_number_and_keeps_what_happened_before() -> None:
    north, south = pair()
    told = write(north)
    ask(north, told)
    other = north.say()
    assert other.told.order.seq == 1
    again = write(north, _salt=told.statement.salt)
    assert again.digest == told.digest
    letter = north.send(again)
    assert letter.told.order.seq == 2
    state = north.situation.statements[told.digest]
    assert "AWAITING RELEASE: signed by Duty officer" in state.steps[0][1]
    assert north.situation.releases[told.digest].state == RELEASED
    assert not awaiting(north.situation)
    assert of_kind(south.take(other), ev.StatementReceived)
    assert of_kind(south.take(letter), ev.StatementReceived)


@pytest.mark.parametrize("how", ["REFUSED", "WITHDRAWN"])
def test_statement_that_was_refused_or_withdrawn_can_not_be_released(how: str) -> None:
    north, _ = pair()
    told = write(north)
    ask(north, told)
    (ended,) = of_kind(end(north, told.digest, how), ev.ReleaseEnded)
    assert (ended.how, ended.reason) == (how, "wrong ship")
    size = len(north.log)
    with pytest.raises(OperatorError, match=f"is {how} already"):
        north.send(told)
    with pytest.raises(OperatorError, match=f"is {how} already"):
        end(north, told.digest, "REFUSED")
    with pytest.raises(OperatorError, match="signed already"):
        ask(north, told)
    assert len(north.log) == size
    assert north.situation.our_order is None


@pytest.mark.parametrize(
    ("precedence", "minutes"), [(Precedence.FLASH, 10), (Precedence.IMMEDIATE, 30)]
)
def test_waiting_ends_after_the_handling_time_of_its_precedence(
    precedence: Precedence, minutes: int
) -> None:
    north, _ = pair()
    told = write(north, precedence=precedence)
    ask(north, told)
    assert not north.tick(minutes * MINUTE_MS - 1)
    with_clock = north.situation.releases[told.digest]
    assert with_clock.state == AWAITING
    (expired,) = north.tick(1)
    assert isinstance(expired, ev.ReleaseEnded)
    assert (expired.how, expired.officer) == ("EXPIRED", "")
    assert not north.tick(MINUTE_MS)
    with pytest.raises(OperatorError, match="is EXPIRED already"):
        north.send(told)


def test_release_too_late_is_refused_before_anybody_looked_at_the_clock() -> None:
    north, _ = pair()
    told = write(north, precedence=Precedence.FLASH)
    ask(north, told)
    north.now_ms += 10 * MINUTE_MS
    with pytest.raises(OperatorError, match=r"expired at .* cannot be released"):
        north.send(told)


def test_statement_that_is_old_already_is_not_let_wait() -> None:
    north, _ = pair()
    told = write(north, at_ms=north.now_ms - 31 * MINUTE_MS, precedence=Precedence.IMMEDIATE)
    with pytest.raises(OperatorError, match="too old to be released"):
        ask(north, told)


def test_ladder_that_moved_meanwhile_refuses_the_release() -> None:
    north, south = pair()
    told = write(north)
    ask(north, told)
    letter = south.say("deesc/cease-propose", incident=INCIDENT)
    north.take(letter)
    answered = north.say("deesc/answer", incident=INCIDENT, answers=letter.digest, answer="ACCEPT")
    south.take(answered)
    late = north.write(
        "deesc/answer", incident=INCIDENT, answers=letter.digest, answer="DECLINE", _need=2
    )
    with pytest.raises(OperatorError, match="would not move"):
        ask(north, late)


def test_statement_without_effect_is_refused_before_it_waits() -> None:
    north, _ = pair()
    told = north.write("deesc/hold", _need=2)
    with pytest.raises(OperatorError, match="must name its incident"):
        ask(north, told)


def test_inject_that_asked_for_a_release_plays_once() -> None:
    north, _ = pair()
    key = ("N1", "trigger")
    decision = ask(north, write(north), inject=key)
    assert [type(one) for one in kinds(decision)] == [ev.InjectPlayed, ev.ReleaseAsked]
    assert ask(north, write(north), inject=key).duplicate
    assert len(awaiting(north.situation)) == 1


def test_only_so_many_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releasing, "MAX_AWAITING", 2)
    north, _ = pair()
    told = [write(north) for _ in range(3)]
    ask(north, told[0])
    ask(north, told[1])
    with pytest.raises(OperatorError, match="2 statements await release"):
        ask(north, told[2])
    end(north, told[0].digest, "WITHDRAWN")
    assert of_kind(ask(north, told[2]), ev.ReleaseAsked)


def test_unknown_statement_cannot_be_refused() -> None:
    north, _ = pair()
    with pytest.raises(OperatorError, match="no such statement"):
        end(north, "ab" * 32, "REFUSED")


def test_table_has_rows_for_what_waits_only() -> None:
    assert {state for state, _ in TABLE} == {AWAITING}
    assert set(TABLE.values()) == {RELEASED, "REFUSED", "WITHDRAWN", "EXPIRED"}


def test_ended_release_stays_as_it_ended_whatever_the_ledger_says_next() -> None:
    north, _ = pair()
    told = write(north)
    ask(north, told)
    end(north, told.digest, "REFUSED")
    late = ev.ReleaseEnded(
        digest=told.digest, how="EXPIRED", certificate="", officer="", reason="late"
    )
    apply(north.situation, Happening(len(north.log), north.now_ms, late))
    assert north.situation.releases[told.digest].state == "REFUSED"


def test_entry_without_its_statement_is_our_bug() -> None:
    north, _ = pair()
    asked = ev.ReleaseAsked(
        digest="ab" * 32, certificate=FIRST, officer="x", need=2, until_ms=north.now_ms
    )
    with pytest.raises(InvariantError):
        apply(north.situation, Happening(1, north.now_ms, asked))


def test_leaf_of_what_was_never_sent_names_nothing_in_the_open() -> None:
    north, _ = pair()
    (planned,) = ask(north, write(north)).events
    assert planned.subject == ZERO_DIGEST
    assert planned.item == b"{}"
