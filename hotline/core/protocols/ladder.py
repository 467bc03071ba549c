"""The de-escalation ladder: one table, one function that reads it (docs/protocol.md §6)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hotline.core.messages.template import LadderAct

INITIAL = "NONE"
ACCEPTED = "ACCEPTED"
CLOSED = "CLOSED"
CONFIRMED = "YES"
ACCEPT = "ACCEPT"
ANSWERS_BY_WEIGHT = ("DECLINE", "COUNTER", "REFERRED-TO-AUTHORITY")
"""Of several sides' answers the first of these decides; nobody is outvoted by the others."""

PAIR = 2


class LadderRow(BaseModel):
    """In `state`, `act` (with `value`, where the act has one) by `by` leads to `next`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    act: LadderAct
    value: str = ""
    by: Literal["either", "mover", "other"] = "either"
    next: str


class LadderTable(BaseModel):
    """The whole machine as the configuration gives it; `steps` are rungs, lowest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: Annotated[int, Field(ge=1)]
    initial: Literal["NONE"]
    closed: Literal["CLOSED"]
    steps: tuple[str, ...]
    row: tuple[LadderRow, ...]

    @property
    def states(self) -> frozenset[str]:
        """Every state that a row starts from or leads to."""
        return frozenset({self.initial} | {r.state for r in self.row} | {r.next for r in self.row})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed step. Of two that cross the later written one stands: (rank_ms, digest).

    Attributes:
        rank_ms: When it was written, but never before a proposal that it refers
            to: a slow clock cannot keep a side from making the next proposal.
    """

    digest: str
    step: str
    station: str
    rank_ms: int


@dataclass(frozen=True, slots=True)
class LadderState:
    """Where an incident's ladder is.

    Attributes:
        mover: Station whose proposal or answer led into `state`; "" where sides are counted.
        standing: The proposal under discussion, or None.
        agreed: Whether the standing proposal was accepted.
        verdicts: What each station last said of the standing step, (station, YES or NO).
        closers: Stations that want to close.
        answers: What each station last answered to the standing proposal, (station, answer).
        proposals: Every proposal so far, sorted.
        said: What each station last said of each step ever: (step, station, YES or NO).
    """

    state: str = INITIAL
    mover: str = ""
    standing: Proposal | None = None
    agreed: bool = False
    verdicts: tuple[tuple[str, str], ...] = ()
    closers: frozenset[str] = frozenset()
    answers: tuple[tuple[str, str], ...] = ()
    proposals: tuple[Proposal, ...] = ()
    said: tuple[tuple[str, str, str], ...] = ()

    def proposal(self, digest: str | None) -> Proposal | None:
        """Return the proposal of that digest, standing or not."""
        return next((one for one in self.proposals if one.digest == digest), None)

    def confirmed(self, step: str, members: Sequence[str]) -> bool:
        """Return whether every member last said YES of `step`."""
        said = {station: value for one, station, value in self.said if one == step}
        return all(said.get(member) == CONFIRMED for member in members)


@dataclass(frozen=True, slots=True)
class Move:
    """A statement's attempt to move the ladder.

    Attributes:
        value: The answer, or the YES/NO of a verification, else "".
        step: The rung that a proposal names, else "".
        answers: Digest that the statement refers to first, or None. A proposal
            refers to the one that stood when it was written.
    """

    act: LadderAct
    value: str
    step: str
    station: str
    digest: str
    at_ms: int
    answers: str | None


def advance(
    table: LadderTable, ladder: LadderState, move: Move, members: Sequence[str]
) -> LadderState | str:
    """Return the ladder after `move`, or why the move has no effect.

    Crossing statements meet in the same state: of two proposals the later
    written stands, verifications and closings count by side, not by order, and
    an objection or a proposal that crosses the last closing opens it again.

    Spec: docs/protocol.md §6.5
    """
    refused = _refusal(table, ladder, move)
    if refused:
        return refused
    counted = _count(ladder, move)
    several = len(members) > PAIR
    if several and move.act is LadderAct.ANSWER:
        after = _answered(table, counted, move, members)
    else:
        value = _value(counted, move, members)
        row = _row(table, ladder, move, value)
        # One more side spoke, and some still have not: the tally grew, the state stands.
        grew = several and value == "SOME" and counted != ladder
        stands = ladder.state if grew and _is_tally(table, ladder.state, move.act) else None
        after = row.next if row else stands
    if after is None:
        return f"in state {ladder.state} a {move.act} by {move.station} has no effect"
    return enter(ladder, move, after)


def enter(ladder: LadderState, move: Move, state: str) -> LadderState:
    """Return the ladder after `move` led to `state`; the fold needs no table for this."""
    counted = _count(ladder, move)
    by_one = move.act in (LadderAct.PROPOSE, LadderAct.ANSWER)
    # An answer that leaves the state to the others leaves it to whoever led into it, too.
    waits = move.act is LadderAct.ANSWER and state == ladder.state
    mover = ladder.mover if waits else move.station
    return replace(
        counted,
        state=state,
        mover=mover if by_one else "",
        agreed=counted.agreed or state == ACCEPTED,
        closers=counted.closers if move.act is LadderAct.CLOSE else frozenset(),
    )


def keep(ladder: LadderState, move: Move) -> LadderState:
    """Return the ladder after a move out of turn: the same state, with what was said kept.

    A verification that crossed a new proposal still counts for its own step, or
    the two sides would not agree on which steps are confirmed.

    Spec: docs/protocol.md §6.6
    """
    match move.act:
        case LadderAct.PROPOSE:
            proposals = {*ladder.proposals, _proposal(ladder, move)}
            return replace(ladder, proposals=_sorted(proposals))
        case LadderAct.VERIFY:
            return replace(ladder, said=_said(ladder, move))
        case LadderAct.ANSWER | LadderAct.CLOSE:
            return ladder


def _refusal(table: LadderTable, ladder: LadderState, move: Move) -> str:
    standing = ladder.standing
    match move.act:
        case LadderAct.PROPOSE:
            if move.step not in table.steps:
                return f"{move.step} is not a step of this ladder"
            if standing and _age(_proposal(ladder, move)) < _age(standing):
                return "a proposal written later stands"
        case LadderAct.ANSWER | LadderAct.VERIFY:
            if standing is None or move.answers != standing.digest:
                return "it does not refer to the proposal that stands"
            if move.act is LadderAct.VERIFY and not ladder.agreed:
                return "the step that stands was not agreed"
            accepted = dict(ladder.answers).get(move.station) == ACCEPT
            if move.act is LadderAct.ANSWER and accepted:
                return "this side has accepted it already"
        case LadderAct.CLOSE:
            pass
    return ""


def _count(ladder: LadderState, move: Move) -> LadderState:
    """Enter the move among what each side has said."""
    match move.act:
        case LadderAct.PROPOSE:
            standing = _proposal(ladder, move)
            return replace(
                ladder,
                standing=standing,
                agreed=False,
                verdicts=(),
                closers=frozenset(),
                answers=(),
                proposals=_sorted({*ladder.proposals, standing}),
            )
        case LadderAct.VERIFY:
            verdicts = {**dict(ladder.verdicts), move.station: move.value}
            return replace(
                ladder, verdicts=tuple(sorted(verdicts.items())), said=_said(ladder, move)
            )
        case LadderAct.CLOSE:
            return replace(ladder, closers=ladder.closers | {move.station})
        case LadderAct.ANSWER:
            answers = {**dict(ladder.answers), move.station: move.value}
            return replace(ladder, answers=tuple(sorted(answers.items())))


def _answered(
    table: LadderTable, counted: LadderState, move: Move, members: Sequence[str]
) -> str | None:
    """Return the state that the answers of three and more sides lead to, or None.

    It is the same in whatever order they came: the answer that weighs most decides,
    and a step is agreed when every side but its proposer accepted it.
    Spec: docs/protocol.md §6.8
    """
    proposed = next(row.next for row in table.row if row.act is LadderAct.PROPOSE)
    rows = {
        row.value: row.next
        for row in table.row
        if row.act is LadderAct.ANSWER and row.state == proposed
    }
    open_ = {proposed, *rows.values()} - {ACCEPTED}
    standing = counted.standing
    if standing is None or standing.station == move.station or counted.state not in open_:
        return None
    said = dict(counted.answers)
    for value in ANSWERS_BY_WEIGHT:
        if value in said.values():
            return rows.get(value)
    agreed = said.keys() >= set(members) - {standing.station}
    return rows.get(ACCEPT) if agreed else proposed


def _is_tally(table: LadderTable, state: str, act: LadderAct) -> bool:
    """Return whether `state` is one in which some sides have spoken and others are awaited."""
    return any((row.act, row.value, row.next) == (act, "SOME", state) for row in table.row)


def _proposal(ladder: LadderState, move: Move) -> Proposal:
    before = ladder.proposal(move.answers)
    rank_ms = max(move.at_ms, before.rank_ms + 1) if before else move.at_ms
    return Proposal(move.digest, move.step, move.station, rank_ms)


def _age(proposal: Proposal) -> tuple[int, str]:
    return proposal.rank_ms, proposal.digest


def _sorted(proposals: Set[Proposal]) -> tuple[Proposal, ...]:
    return tuple(sorted(proposals, key=_age))


def _said(ladder: LadderState, move: Move) -> tuple[tuple[str, str, str], ...]:
    proposal = ladder.proposal(move.answers)
    if proposal is None:
        return ladder.said
    said = {(step, station): value for step, station, value in ladder.said}
    said[proposal.step, move.station] = move.value
    return tuple(sorted((step, station, value) for (step, station), value in said.items()))


def _value(counted: LadderState, move: Move, members: Sequence[str]) -> str:
    """Return the value that the table's row must have."""
    match move.act:
        case LadderAct.VERIFY:
            said = dict(counted.verdicts)
            if any(value != CONFIRMED for value in said.values()):
                return "ANY-NO"
            return "ALL" if said.keys() >= set(members) else "SOME"
        case LadderAct.CLOSE:
            return "ALL" if counted.closers >= set(members) else "SOME"
        case LadderAct.ANSWER:
            return move.value
        case LadderAct.PROPOSE:
            return ""


def _row(table: LadderTable, ladder: LadderState, move: Move, value: str) -> LadderRow | None:
    side = "mover" if move.station == ladder.mover else "other"
    wanted = (ladder.state, move.act, value)
    return next(
        (
            row
            for row in table.row
            if (row.state, row.act, row.value) == wanted and row.by in ("either", side)
        ),
        None,
    )


def next_acts(table: LadderTable, ladder: LadderState, station: str) -> tuple[LadderAct, ...]:
    """Return the acts that `station` may usefully take now, once each.

    A side that has confirmed or closed already is not asked to do so again, and
    nobody opens a closed incident on purpose.
    """
    if ladder.state == table.closed:
        return ()
    side = "mover" if station == ladder.mover else "other"
    acts = dict.fromkeys(
        row.act for row in table.row if row.state == ladder.state and row.by in ("either", side)
    )
    if _may_still_answer(ladder, station):
        acts[LadderAct.ANSWER] = None
    if dict(ladder.answers).get(station) == ACCEPT:
        acts.pop(LadderAct.ANSWER, None)
    if dict(ladder.verdicts).get(station) == CONFIRMED:
        acts.pop(LadderAct.VERIFY, None)
    if station in ladder.closers:
        acts.pop(LadderAct.CLOSE, None)
    if not ladder.agreed:
        acts.pop(LadderAct.VERIFY, None)
    return tuple(acts)


def _may_still_answer(ladder: LadderState, station: str) -> bool:
    """Return whether others answered and `station` has not, so that its word is awaited."""
    standing, said = ladder.standing, dict(ladder.answers)
    return bool(
        standing
        and said
        and not ladder.agreed
        and station != standing.station
        and station not in said
        and ladder.state not in ("CLOSING", CLOSED)
    )
