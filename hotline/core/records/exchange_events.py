"""Events that follow from statements: incidents, dialogues, ladder moves, clocks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, Reason


class DialogueOpened(Event):
    """A statement expects an answer."""

    kind: ClassVar[int] = 12
    digest: HexDigest
    station: str
    reply: str
    replies: tuple[str, ...] = Field(strict=False)
    incident: str | None


class DialogueHeld(Event):
    """A holding reply: the full one is promised; no clock stops."""

    kind: ClassVar[int] = 13
    digest: HexDigest
    statement: HexDigest
    until_ms: int | None


class DialogueClosed(Event):
    """The dialogue is over: ANSWERED, READ, RETRACTED, CLOSED with its incident, or LAPSED.

    ANSWERED and READ: for the station whose statement it was; over for all when every
    station that must answer has.
    LAPSED: it asked about a ladder step or a closing that no longer stands.
    """

    kind: ClassVar[int] = 14
    digest: HexDigest
    statement: HexDigest
    how: Literal["ANSWERED", "READ", "RETRACTED", "CLOSED", "LAPSED"]


class IncidentOpened(Event):
    """An unplanned encounter has a name on both sides."""

    kind: ClassVar[int] = 15
    incident: str
    statement: HexDigest
    station: str


class IncidentClosed(Event):
    """Both sides closed the incident."""

    kind: ClassVar[int] = 16
    incident: str
    statement: HexDigest


class LadderMoved(Event):
    """A statement moved the de-escalation ladder along a row of its table."""

    kind: ClassVar[int] = 17
    incident: str
    statement: HexDigest
    station: str
    act: str
    value: str
    step: str
    before: str
    after: str


class StepOutOfTurn(Event):
    """A statement tried a ladder move that has no row; the ladder's state stays as it is."""

    kind: ClassVar[int] = 18
    incident: str
    statement: HexDigest
    station: str
    act: str
    value: str
    step: str
    state: str
    reason: Reason


class DeadlineSet(Event):
    """A clock runs: `clock` is read, reply or promise; `station` must act by `due_ms`."""

    kind: ClassVar[int] = 19
    digest: HexDigest
    clock: Literal["read", "reply", "promise"]
    station: str
    due_ms: int
    incident: str | None


class DeadlineMet(Event):
    """What the clock waited for came. `station`: whose clock; "" where all of them are met."""

    kind: ClassVar[int] = 20
    digest: HexDigest
    clock: Literal["read", "reply", "promise"]
    statement: HexDigest
    station: str = ""


class DeadlineMissed(Event):
    """The clock of `station` ran out; "" where all that run did."""

    kind: ClassVar[int] = 21
    digest: HexDigest
    clock: Literal["read", "reply", "promise"]
    station: str = ""
