"""Two stations, moves that cross on the wire: when all has arrived, both hold one ladder."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotline.core.errors import OperatorError
from hotline.core.exchange.duties import urgency
from hotline.core.protocols.ladder import next_acts
from hotline.core.records import events as ev
from hotline.core.values import Precedence
from tests.core.exchange.rig import INCIDENT, Letter, Side, pair

PROPOSALS = ("deesc/cease-propose", "deesc/hold", "deesc/separate")
MOVES: list[tuple[str, dict[str, str]]] = [
    *((template, {}) for template in PROPOSALS),
    *(
        ("deesc/answer", {"answer": word})
        for word in ("ACCEPT", "ACCEPT", "COUNTER", "DECLINE", "REFERRED-TO-AUTHORITY")
    ),
    ("deesc/verify-result", {"confirmed": "YES"}),
    ("deesc/verify-result", {"confirmed": "YES"}),
    ("deesc/verify-result", {"confirmed": "NO"}),
    ("deesc/close", {}),
    ("deesc/close", {}),
]
DELIVER = len(MOVES)


class Crossing:
    """Two sides and what is on its way between them, each way in its order."""

    def __init__(self, skew_ms: int = 0) -> None:
        self.sides = pair()
        self.sides[1].now_ms += skew_ms
        self.wires: tuple[deque[Letter], deque[Letter]] = (deque(), deque())

    def move(self, who: int, number: int) -> bool:
        """Let a side make a move if it may; return whether it did."""
        side = self.sides[who]
        for one in self.sides:
            one.now_ms += 1
        template, values = MOVES[number]
        standing = side.ladder().standing
        refers = standing is not None and template != "deesc/close"
        answers = standing.digest if standing is not None and refers else None
        if template in ("deesc/answer", "deesc/verify-result") and answers is None:
            return False
        try:
            letter = side.say(template, incident=INCIDENT, answers=answers, **values)
        except OperatorError:
            return False
        self.wires[who].append(letter)
        return True

    def deliver(self, who: int) -> bool:
        """Let the oldest statement that `who` sent arrive."""
        if not self.wires[who]:
            return False
        self.sides[1 - who].take(self.wires[who].popleft())
        return True

    def finish(self) -> None:
        for who in (0, 1):
            while self.deliver(who):
                pass


def play(steps: Sequence[tuple[int, int]], skew_ms: int = 0) -> Crossing:
    crossing = Crossing(skew_ms)
    for who, number in steps:
        if number >= DELIVER:
            crossing.deliver(who)
        else:
            crossing.move(who, number)
    crossing.finish()
    return crossing


def index(template: str, **values: str) -> int:
    return MOVES.index((template, values))


CEASE, HOLD = index("deesc/cease-propose"), index("deesc/hold")
ACCEPT, COUNTER = index("deesc/answer", answer="ACCEPT"), index("deesc/answer", answer="COUNTER")
DECLINE = index("deesc/answer", answer="DECLINE")
YES = index("deesc/verify-result", confirmed="YES")
NO = index("deesc/verify-result", confirmed="NO")
CLOSE = index("deesc/close")
N, S = 0, 1
AGREED = [(N, CEASE), (N, DELIVER), (S, ACCEPT), (S, DELIVER)]
CONFIRMED = [*AGREED, (N, YES), (N, DELIVER), (S, YES), (S, DELIVER)]

STEP = st.tuples(
    st.sampled_from((N, S)),
    st.one_of(st.integers(0, DELIVER - 1), st.just(DELIVER), st.just(DELIVER)),
)


def same(crossing: Crossing) -> None:
    north, south = crossing.sides
    assert north.ladder() == south.ladder()
    closed = [
        one.situation.incidents[INCIDENT].closed_at_ms is not None
        for one in crossing.sides
        if INCIDENT in one.situation.incidents
    ]
    assert len(set(closed)) <= 1
    assert [north.ladder().state == "CLOSED"] * len(closed) == closed
    for side in crossing.sides:
        assert side.refolded() == side.situation


@settings(max_examples=400)
@given(
    st.lists(STEP, max_size=40),
    st.sampled_from([[], AGREED, CONFIRMED, [*AGREED, (N, NO), (N, DELIVER)]]),
    st.sampled_from([0, -5_000, 86_400_000]),
)
@example([(S, YES), (N, NO)], [*AGREED, (N, YES), (N, DELIVER)], 0)
@example([(S, YES), (N, HOLD)], [*AGREED, (N, YES), (N, DELIVER)], 0)
@example([(N, CLOSE), (N, DELIVER), (S, CLOSE), (N, HOLD)], CONFIRMED, 0)
@example([(N, CLOSE), (N, DELIVER), (S, CLOSE), (N, NO)], CONFIRMED, 0)
@example([(N, CLOSE), (S, CLOSE)], CONFIRMED, 0)
def test_ladder_after_crossing_moves_is_the_same_on_both_sides(
    steps: list[tuple[int, int]], prefix: list[tuple[int, int]], skew_ms: int
) -> None:
    same(play([*prefix, *steps], skew_ms))


def test_proposals_that_cross_leave_the_later_written_one_standing() -> None:
    crossing = play([(N, CEASE), (S, HOLD)])
    same(crossing)
    standing = crossing.sides[0].ladder().standing
    assert standing is not None
    assert (standing.step, standing.station) == ("HOLD", "SOUTH")


def test_proposal_from_a_slow_clock_replaces_the_one_it_refers_to() -> None:
    crossing = play([(S, CEASE), (S, DELIVER), (N, HOLD)], skew_ms=86_400_000)
    same(crossing)
    standing = crossing.sides[0].ladder().standing
    assert standing is not None
    assert (standing.step, standing.station) == ("HOLD", "NORTH")


def test_objection_that_crosses_the_last_closing_opens_the_incident_again() -> None:
    crossing = play([*CONFIRMED, (N, CLOSE), (N, DELIVER), (S, CLOSE), (N, NO)])
    same(crossing)
    assert crossing.sides[0].ladder().state == "BREACH-ALLEGED"
    assert crossing.sides[1].situation.incidents[INCIDENT].closed_at_ms is None


def test_closed_incident_is_not_opened_on_purpose() -> None:
    crossing = play([*CONFIRMED, (N, CLOSE), (S, CLOSE)])
    north, south = crossing.sides
    assert north.ladder().state == south.ladder().state == "CLOSED"
    assert next_acts(north.rules.ladder, north.ladder(), "NORTH") == ()
    with pytest.raises(OperatorError, match="closed on every side"):
        north.say("deesc/hold", incident=INCIDENT)


def test_verification_that_crossed_a_new_proposal_counts_for_its_own_step() -> None:
    crossing = play([*AGREED, (N, YES), (N, DELIVER), (S, YES), (N, HOLD)])
    same(crossing)
    north = crossing.sides[0]
    assert north.ladder().state == "PROPOSED"
    assert north.ladder().confirmed("CEASE", north.rules.members)
    assert north.situation.incidents[INCIDENT].out_of_turn


def test_breach_after_verification_takes_the_step_back() -> None:
    crossing = play([*CONFIRMED, (N, NO), (N, DELIVER)])
    same(crossing)
    north = crossing.sides[0]
    assert north.ladder().state == "BREACH-ALLEGED"
    assert not north.ladder().confirmed("CEASE", north.rules.members)


def test_declined_step_cannot_be_alleged_as_breached_while_closing() -> None:
    crossing = play(
        [(N, CEASE), (N, DELIVER), (S, DECLINE), (S, DELIVER), (N, CLOSE), (N, DELIVER)]
    )
    south = crossing.sides[1]
    assert south.ladder().state == "CLOSING"
    assert not crossing.move(S, NO)


def test_proposal_that_is_replaced_lets_its_dialogue_and_clock_lapse() -> None:
    crossing = play([(N, CEASE), (S, HOLD)])
    north, south = crossing.sides
    for side in (north, south):
        (open_one,) = side.situation.open_dialogues()
        standing = side.ladder().standing
        assert standing is not None
        assert open_one.digest == standing.digest
        assert {one.digest for one in side.situation.running() if one.clock == "reply"} == {
            standing.digest
        }


def test_closing_that_is_overtaken_by_a_proposal_lapses() -> None:
    crossing = play([*CONFIRMED, (N, CLOSE), (N, DELIVER), (S, HOLD)])
    for side in crossing.sides:
        hows = [one.how for one in side.situation.dialogues.values()]
        assert "LAPSED" in hows
        asked = [one.reply for one in side.situation.open_dialogues() if one.reply == "answer"]
        assert len(asked) == 1


def test_move_out_of_turn_keeps_the_state_and_says_so() -> None:
    crossing = play([(N, CEASE), (S, HOLD)])
    south = crossing.sides[1]
    (late,) = [one.event for one in south.log if isinstance(one.event, ev.StepOutOfTurn)]
    assert late.reason == "a proposal written later stands"
    assert late.state == "PROPOSED"
    assert south.situation.incidents[INCIDENT].out_of_turn == [late.statement]


def urgent(side: Side, **given: Any) -> str:
    return side.say(**given).digest


def test_flash_move_does_not_overtake_earlier_moves_of_its_incident() -> None:
    north, south = pair()
    south.take(north.say("deesc/cease-propose", incident=INCIDENT))
    standing = south.ladder().standing
    assert standing is not None
    say = {"incident": INCIDENT, "answers": standing.digest}
    routine = urgent(south, template="conv/free-text", precedence=Precedence.ROUTINE)
    answer = urgent(
        south, template="deesc/answer", answer="ACCEPT", precedence=Precedence.PRIORITY, **say
    )
    verify = urgent(
        south,
        template="deesc/verify-result",
        confirmed="YES",
        precedence=Precedence.FLASH,
        **say,
    )
    assert urgency(south.situation, south.rules) == {routine: 3, answer: 0, verify: 0}
