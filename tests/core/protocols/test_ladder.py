from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from hotline.core.messages.template import LadderAct
from hotline.core.protocols import ladder as module
from hotline.core.protocols.ladder import (
    LadderRow,
    LadderState,
    LadderTable,
    Move,
    advance,
    enter,
    keep,
    next_acts,
)
from tests.fakes.line import rules

TABLE = rules().ladder
MEMBERS = ("NORTH", "SOUTH")
ANSWERS = ("ACCEPT", "COUNTER", "DECLINE", "REFERRED-TO-AUTHORITY")
T0 = 1_795_357_886_000


def move(
    act: str, station: str, value: str = "", *, step: str = "", answers: str | None = None
) -> Move:
    name = f"{act}-{station}-{step}" if act == "propose" else f"{act}-{station}-{value}"
    return Move(LadderAct(act), value, step, station, name, T0, answers)


def propose(station: str, step: str = "CEASE", answers: str | None = None) -> Move:
    return move("propose", station, step=step, answers=answers)


def moves(ladder: LadderState) -> Iterator[Move]:
    """Every kind of move by every side that refers to what stands."""
    standing = ladder.standing.digest if ladder.standing else None
    for station in MEMBERS:
        for step in TABLE.steps:
            yield propose(station, step, standing)
        for word in ANSWERS:
            yield move("answer", station, word, answers=standing)
        for word in ("YES", "NO"):
            yield move("verify", station, word, answers=standing)
        yield move("close", station)


def row_of(ladder: LadderState, made: Move) -> LadderRow | None:
    counted = module._count(ladder, made)
    return module._row(TABLE, ladder, made, module._value(counted, made, MEMBERS))


def normal(ladder: LadderState) -> object:
    """What of a ladder decides its future; the step and its age do not."""
    return ladder.state, ladder.mover, ladder.agreed, ladder.verdicts, ladder.closers


def explore() -> tuple[list[LadderState], list[LadderRow], dict[object, set[object]]]:
    """Walk every ladder that moves can lead to: ladders, rows used, and who leads where."""
    seen: dict[object, LadderState] = {normal(LadderState()): LadderState()}
    used: list[LadderRow] = []
    leads: dict[object, set[object]] = {}
    waiting = deque(seen.values())
    while waiting:
        ladder = waiting.popleft()
        for made in moves(ladder):
            after = advance(TABLE, ladder, made, MEMBERS)
            if isinstance(after, str):
                continue
            row = row_of(ladder, made)
            assert row is not None
            used.append(row)
            leads.setdefault(normal(ladder), set()).add(normal(after))
            if normal(after) not in seen:
                seen[normal(after)] = after
                waiting.append(after)
    return list(seen.values()), used, leads


LADDERS, USED, LEADS = explore()


@pytest.mark.parametrize("row", TABLE.row, ids=lambda row: f"{row.state}-{row.act}-{row.value}")
def test_row_of_the_table_is_reachable(row: LadderRow) -> None:
    assert row in USED


def test_closing_is_reachable_from_everywhere() -> None:
    ends = {normal(one) for one in LADDERS if one.state == TABLE.closed}
    for start in LADDERS:
        found, waiting = {normal(start)}, [normal(start)]
        while waiting:
            fresh = LEADS.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        assert found & ends, start


def test_every_state_of_the_table_is_met() -> None:
    assert {one.state for one in LADDERS} == TABLE.states


def test_move_without_a_row_says_why_and_changes_nothing() -> None:
    for ladder in LADDERS:
        for made in moves(ladder):
            after = advance(TABLE, ladder, made, MEMBERS)
            if row_of(ladder, made) is None:
                assert isinstance(after, str)
                assert after
                assert keep(ladder, made).state == ladder.state


def test_enter_gives_what_advance_gives_without_the_table() -> None:
    for ladder in LADDERS:
        for made in moves(ladder):
            after = advance(TABLE, ladder, made, MEMBERS)
            if not isinstance(after, str):
                assert enter(ladder, made, after.state) == after


def test_offered_acts_are_those_that_move() -> None:
    for ladder in LADDERS:
        for station in MEMBERS:
            offered = set(next_acts(TABLE, ladder, station))
            moving = {
                made.act
                for made in moves(ladder)
                if made.station == station
                and not isinstance(advance(TABLE, ladder, made, MEMBERS), str)
            }
            assert offered <= moving
            if ladder.state == TABLE.closed:
                assert not offered


def test_two_rows_never_fit_one_move() -> None:
    for ladder in LADDERS:
        for made in moves(ladder):
            value = module._value(module._count(ladder, made), made, MEMBERS)
            sides = ("either", "mover" if made.station == ladder.mover else "other")
            fitting = [
                row
                for row in TABLE.row
                if (row.state, row.act, row.value) == (ladder.state, made.act, value)
                and row.by in sides
            ]
            assert len(fitting) <= 1


def test_proposer_cannot_answer_its_own_proposal() -> None:
    made = propose("NORTH")
    ladder = advance(TABLE, LadderState(), made, MEMBERS)
    assert isinstance(ladder, LadderState)
    answer = move("answer", "NORTH", "ACCEPT", answers=made.digest)
    assert isinstance(advance(TABLE, ladder, answer, MEMBERS), str)


def test_answer_to_what_does_not_stand_has_no_effect() -> None:
    ladder = advance(TABLE, LadderState(), propose("NORTH"), MEMBERS)
    assert isinstance(ladder, LadderState)
    answer = move("answer", "SOUTH", "ACCEPT", answers="something else")
    assert advance(TABLE, ladder, answer, MEMBERS) == (
        "it does not refer to the proposal that stands"
    )


def test_unknown_step_has_no_effect() -> None:
    assert advance(TABLE, LadderState(), propose("NORTH", "ATTACK"), MEMBERS) == (
        "ATTACK is not a step of this ladder"
    )


def test_silence_of_one_side_confirms_nothing() -> None:
    ladder = LadderState()
    for made in (
        propose("NORTH"),
        move("answer", "SOUTH", "ACCEPT", answers="propose-NORTH-CEASE"),
        move("verify", "NORTH", "YES", answers="propose-NORTH-CEASE"),
    ):
        after = advance(TABLE, ladder, made, MEMBERS)
        assert isinstance(after, LadderState)
        ladder = after
    assert ladder.state == "EXECUTING"
    assert not ladder.confirmed("CEASE", MEMBERS)


def test_table_with_an_unknown_key_is_refused() -> None:
    shape = TABLE.model_dump(mode="json")
    with pytest.raises(ValidationError):
        LadderTable.model_validate({**shape, "escalate": True})


def test_no_row_climbs_by_itself_after_a_breach() -> None:
    onward = {row.next for row in TABLE.row if row.state == "BREACH-ALLEGED"}
    assert onward == {"EXECUTING", "VERIFIED", "BREACH-ALLEGED", "PROPOSED"}
