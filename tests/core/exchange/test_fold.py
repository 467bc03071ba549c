from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, OperatorError
from hotline.core.exchange.delivery import Delivery, token_of
from hotline.core.exchange.fold import apply, fold
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev
from tests.core.exchange.rig import INCIDENT, Letter, Side, pair, receipt

ACTIONS = (
    "say",
    "deliver",
    "receipt",
    "displayed here",
    "displayed there",
    "read",
    "read back",
    "answer",
    "hold",
    "retract",
    "correct",
    "reject",
    "tick",
    "close",
    "again",
)
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.booleans(), st.integers(0, 5)), max_size=40)


class Play:
    """Two sides doing whatever may be done, in any order, with repeats."""

    def __init__(self) -> None:
        self.sides = pair()
        self.letters: list[Letter] = []
        self.reached: dict[tuple[str, str, str], Delivery] = {}

    def step(self, action: str, first: bool, which: int) -> None:
        me, other = self.sides if first else self.sides[::-1]
        for side in self.sides:
            side.now_ms += 1000
        try:
            self._act(action, me, other, which)
        except OperatorError:
            return
        self._check(me)
        self._check(other)

    def _act(self, action: str, me: Side, other: Side, which: int) -> None:
        if action == "say":
            template = ("sea/encounter", "sea/intent", "conv/free-text")[which % 3]
            self.letters.append(me.say(template, incident=INCIDENT))
        elif action == "tick":
            me.tick(60_000 * 4**which)
        elif action == "close":
            self.letters.append(me.say("deesc/close", incident=INCIDENT))
        elif self.letters:
            self._about(action, me, other, self.letters[which % len(self.letters)])

    def _about(self, action: str, me: Side, other: Side, letter: Letter) -> None:
        digest = letter.digest
        templates: dict[str, tuple[str, dict[str, Any]]] = {
            "read": ("link/ack-read", {}),
            "read back": ("conv/readback", {"result": "AGREES"}),
            "answer": ("conv/reply", {}),
            "hold": ("conv/holding", {}),
            "retract": ("conv/retract", {}),
            "correct": ("conv/correction", {}),
        }
        if action in templates:
            template, values = templates[action]
            self.letters.append(me.say(template, answers=digest, incident=INCIDENT, **values))
        elif action in ("deliver", "again"):
            (me if letter.sender != me.name else other).take(letter)
        elif action == "receipt":
            me.note(receipt(digest, other.name))
        elif action == "displayed here":
            me.note(ev.DisplayedHere(digest=digest, role="Duty officer"))
        elif action == "displayed there":
            me.note(ev.DisplayedThere(digest=digest, peer=other.name, at_ms=1))
        elif action == "reject":
            me.note(ev.RejectionReceived(digest=digest, peer=other.name, reason="no"))

    def _check(self, side: Side) -> None:
        for state in side.situation.statements.values():
            for station, step in state.reached.items():
                key = (side.name, state.digest, station)
                assert step >= self.reached.get(key, step), (key, step)
                self.reached[key] = step


@given(STEPS)
def test_delivery_state_never_goes_back(steps: list[tuple[str, bool, int]]) -> None:
    play = Play()
    for step in steps:
        play.step(*step)
    for side in play.sides:
        for state in side.situation.statements.values():
            assert set(state.unreceipted) == (
                set(state.reached) - state.receipted - set(state.rejected)
                if state.outbound
                else set()
            )
        waiting = [
            state.digest for state in side.situation.statements.values() if state.unreceipted
        ]
        assert list(side.situation.outbox) == waiting


@given(STEPS)
def test_fold_of_the_record_gives_the_live_situation_each_time(
    steps: list[tuple[str, bool, int]],
) -> None:
    play = Play()
    for step in steps:
        play.step(*step)
    for side in play.sides:
        assert side.refolded() == side.refolded() == side.situation


@given(STEPS, st.integers(0, 40))
def test_fold_of_a_prefix_never_fails(steps: list[tuple[str, bool, int]], length: int) -> None:
    play = Play()
    for step in steps:
        play.step(*step)
    for side in play.sides:
        assert fold(side.log[:length]).length == min(length, len(side.log))


def test_entry_out_of_place_is_our_bug() -> None:
    event = ev.LedgerOpened(realm="EXERCISE", line="ab" * 32, station="NORTH", generation=1)
    situation = Situation()
    with pytest.raises(InvariantError):
        apply(situation, Happening(1, 0, event))
    assert situation == Situation()


def test_event_about_nothing_recorded_is_our_bug() -> None:
    north, _ = pair()
    met = ev.DeadlineMet(digest="ab" * 32, clock="read", statement="ab" * 32)
    with pytest.raises(InvariantError, match="not recorded"):
        apply(north.situation, Happening(1, 0, met))


def test_statement_event_without_its_statement_is_our_bug() -> None:
    north, south = pair()
    letter = south.say()
    sent = ev.StatementSent(digest=letter.digest, order=letter.told.order)
    with pytest.raises(InvariantError):
        apply(north.situation, Happening(1, 0, sent))


def test_acknowledgement_is_no_row_of_the_timeline() -> None:
    north, south = pair()
    letter = south.say("sea/encounter")
    north.take(letter)
    rows = len(north.situation.timeline)
    north.say("link/ack-read", answers=letter.digest)
    assert len(north.situation.timeline) == rows


def test_unread_puts_the_most_urgent_first() -> None:
    from hotline.core.values import Precedence

    north, south = pair()
    said = [
        south.say("sea/intent", precedence=precedence)
        for precedence in (Precedence.ROUTINE, Precedence.FLASH, Precedence.PRIORITY)
    ]
    for letter in said:
        north.take(letter)
    order = [state.digest for state in north.situation.unread()]
    assert order == [said[1].digest, said[2].digest, said[0].digest]


def test_token_has_no_letters_that_are_misheard() -> None:
    assert token_of("0000" + "0" * 60) == "AAA"
    assert token_of("ffff" + "0" * 60) == "999"
    assert not set("IO01") & set(token_of("8421") + token_of("7bde") + token_of("1234"))
