"""The de-escalation ladder: one table, one function that reads it (docs/protocol.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hotline.core.messages.template import LadderAct

INITIAL = "NONE"
VERIFIED = "VERIFIED"
CLOSED = "CLOSED"
CONFIRMED = "YES"


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
    """The step that stands. The later written one of two stands: (at_ms, digest) decides."""

    digest: str
    step: str
    station: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LadderState:
    """Where an incident's ladder is.

    Attributes:
        mover: Station whose statement led into `state`.
        standing: The proposal under discussion, or None.
        verdicts: What each station last said of the standing step, (station, YES or NO).
        closers: Stations that want to close.
        verified: Steps that all sides confirmed, in order.
    """

    state: str = INITIAL
    mover: str = ""
    standing: Proposal | None = None
    verdicts: tuple[tuple[str, str], ...] = ()
    closers: frozenset[str] = frozenset()
    verified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """A statement's attempt to move the ladder.

    Attributes:
        value: The answer, or the YES/NO of a verification, else "".
        step: The rung that a proposal names, else "".
        answers: Digest that the statement refers to first, or None.
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
    written stands, and verifications and closings count by side, not by order.

    Spec: docs/protocol.md §6.2
    """
    refused = _refusal(table, ladder, move)
    if refused:
        return refused
    counted = _count(ladder, move)
    row = _row(table, ladder, move, _value(counted, move, members))
    if row is None:
        return f"in state {ladder.state} a {move.act} by {move.station} has no effect"
    return enter(ladder, move, row.next)


def enter(ladder: LadderState, move: Move, state: str) -> LadderState:
    """Return the ladder after `move` led to `state`; the fold needs no table for this."""
    counted = _count(ladder, move)
    verified = counted.verified
    if state == VERIFIED and counted.standing and counted.standing.step not in verified:
        verified = (*verified, counted.standing.step)
    closers = counted.closers if move.act is LadderAct.CLOSE else frozenset()
    return replace(counted, state=state, mover=move.station, verified=verified, closers=closers)


def _refusal(table: LadderTable, ladder: LadderState, move: Move) -> str:
    standing = ladder.standing
    match move.act:
        case LadderAct.PROPOSE:
            if move.step not in table.steps:
                return f"{move.step} is not a step of this ladder"
            if standing and (move.at_ms, move.digest) < (standing.at_ms, standing.digest):
                return "a proposal written later stands"
        case LadderAct.ANSWER | LadderAct.VERIFY:
            if standing is None or move.answers != standing.digest:
                return "it does not refer to the proposal that stands"
        case LadderAct.CLOSE:
            pass
    return ""


def _count(ladder: LadderState, move: Move) -> LadderState:
    """Enter the move among what each side has said."""
    match move.act:
        case LadderAct.PROPOSE:
            standing = Proposal(move.digest, move.step, move.station, move.at_ms)
            return replace(ladder, standing=standing, verdicts=(), closers=frozenset())
        case LadderAct.VERIFY:
            said = {**dict(ladder.verdicts), move.station: move.value}
            return replace(ladder, verdicts=tuple(sorted(said.items())))
        case LadderAct.CLOSE:
            return replace(ladder, closers=ladder.closers | {move.station})
        case LadderAct.ANSWER:
            return ladder


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

    A side that has confirmed or closed already is not asked to do so again.
    """
    side = "mover" if station == ladder.mover else "other"
    acts = dict.fromkeys(
        row.act for row in table.row if row.state == ladder.state and row.by in ("either", side)
    )
    if dict(ladder.verdicts).get(station) == CONFIRMED:
        acts.pop(LadderAct.VERIFY, None)
    if station in ladder.closers:
        acts.pop(LadderAct.CLOSE, None)
    return tuple(acts)
