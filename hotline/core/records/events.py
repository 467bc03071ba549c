"""Events: everything a ledger records, in the past tense (docs/ledger.md §3).

A kind's number is part of every leaf and never changes its meaning; a new fact
gets a new number. An event's fields are its content in the ledger, as
canonical JSON.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.core import canonical
from hotline.core.errors import IntegrityError, InvariantError
from hotline.core.messages.statement import HexDigest, first_fault

MAX_EVENT_BYTES = 16_384
MAX_REASON_CHARACTERS = 400

Reason = Annotated[str, Field(max_length=MAX_REASON_CHARACTERS)]


class Event(BaseModel):
    """Base of all events: frozen, nothing extra, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    kind: ClassVar[int] = 0


class OrderRef(BaseModel):
    """Where a statement stands in its sender's order (docs/protocol.md §7)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    generation: int
    seq: int
    digest: HexDigest


class LedgerOpened(Event):
    """Entry 0: whose ledger this is, of which line."""

    kind: ClassVar[int] = 1
    realm: str
    line: HexDigest
    station: str
    generation: int


class RecordAdmitted(Event):
    """A public record (root, certificate, charter) that the line rests on."""

    kind: ClassVar[int] = 2
    record: str


class StatementSent(Event):
    """An officer's statement left the desk; it leaves the station after this."""

    kind: ClassVar[int] = 3
    digest: HexDigest
    order: OrderRef


class StatementReceived(Event):
    """The peer's statement is recorded. The peer is shown this content as the receipt."""

    kind: ClassVar[int] = 4
    digest: HexDigest
    order: OrderRef
    verdict: Literal["VERIFIED", "UNVERIFIED"]
    received_at_ms: int


class StatementQuarantined(Event):
    """Something came that may not be shown as a statement; the enclosure keeps it."""

    kind: ClassVar[int] = 5
    sender: str
    digest: str
    reason: Reason


class ReceiptObtained(Event):
    """The peer proved that it recorded our statement and countersigned our head.

    Attributes:
        our_size: Size of our head that the peer countersigned; it covers the statement.
        leaf, content: The peer's entry, base64; salt: hex; index, size, proof: its
            place under the peer's head.
    """

    kind: ClassVar[int] = 6
    digest: HexDigest
    peer: str
    our_size: int
    verdict: str
    received_at_ms: int
    index: int
    size: int
    leaf: str
    salt: str
    content: str
    proof: tuple[HexDigest, ...] = Field(strict=False)


class RejectionReceived(Event):
    """The peer refused our statement and says why."""

    kind: ClassVar[int] = 7
    digest: HexDigest
    peer: str
    reason: Reason


class DisplayedHere(Event):
    """An inbound statement stood on our officer's screen."""

    kind: ClassVar[int] = 8
    digest: HexDigest
    role: str


class DisplayedThere(Event):
    """The peer says that our statement stood on its officer's screen."""

    kind: ClassVar[int] = 9
    digest: HexDigest
    peer: str
    at_ms: int


class OfficerAcknowledged(Event):
    """An officer said READ BY OFFICER (read, not agreed) by a statement of its own."""

    kind: ClassVar[int] = 10
    digest: HexDigest
    acknowledgement: HexDigest
    station: str
    role: str
    name: str
    at_ms: int


class ReadBack(Event):
    """An officer read critical fields back; the machine compared them."""

    kind: ClassVar[int] = 11
    digest: HexDigest
    statement: HexDigest
    station: str
    agreed: bool


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
    """The dialogue is over: ANSWERED, READ, RETRACTED or CLOSED with its incident."""

    kind: ClassVar[int] = 14
    digest: HexDigest
    statement: HexDigest
    how: Literal["ANSWERED", "READ", "RETRACTED", "CLOSED"]


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
    """A statement tried a ladder move that has no row; the ladder stays as it is."""

    kind: ClassVar[int] = 18
    incident: str
    statement: HexDigest
    station: str
    act: str
    value: str
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
    """What the clock waited for came."""

    kind: ClassVar[int] = 20
    digest: HexDigest
    clock: Literal["read", "reply", "promise"]
    statement: HexDigest


class DeadlineMissed(Event):
    """The clock ran out."""

    kind: ClassVar[int] = 21
    digest: HexDigest
    clock: Literal["read", "reply", "promise"]


class LinkChanged(Event):
    """A route to the peer came up, went down or is blocked."""

    kind: ClassVar[int] = 22
    peer: str
    route: str
    state: str
    reason: Reason


class StatementRetracted(Event):
    """The originator withdrew a statement; both stay in the record."""

    kind: ClassVar[int] = 23
    digest: HexDigest
    statement: HexDigest


class StatementCorrected(Event):
    """The originator corrected a statement; both stay in the record."""

    kind: ClassVar[int] = 24
    digest: HexDigest
    statement: HexDigest


class PackLoaded(Event):
    """The templates in use, to the byte."""

    kind: ClassVar[int] = 25
    pack: str
    digest: HexDigest


class WatchOpened(Event):
    """An officer unlocked a key and has the watch at a desk."""

    kind: ClassVar[int] = 26
    certificate: HexDigest
    name: str
    role: str


class DrillStarted(Event):
    """A drill began; injects count from here."""

    kind: ClassVar[int] = 27
    scenario: str
    title: str


class InjectPlayed(Event):
    """The drill's script acted; never twice for one trigger."""

    kind: ClassVar[int] = 28
    inject: str
    trigger: str


class DrillEnded(Event):
    """The drill is over on this side."""

    kind: ClassVar[int] = 29
    outcome: str


class CellsRefused(Event):
    """Cells came that do not open; one event a minute says how many."""

    kind: ClassVar[int] = 30
    count: int
    reason: Reason


class HeadRefused(Event):
    """The peer showed a head that contradicts one it showed before: kept as evidence."""

    kind: ClassVar[int] = 31
    peer: str
    verdict: str
    note: str


class GapSeen(Event):
    """Statements of the peer are missing before one that came; nothing is withheld."""

    kind: ClassVar[int] = 32
    peer: str
    first_seq: int
    last_seq: int


class ClockDoubted(Event):
    """The sender's clock and ours disagree more than clocks should."""

    kind: ClassVar[int] = 33
    digest: HexDigest
    difference_ms: int


EVENTS: dict[int, type[Event]] = {
    event.kind: event
    for event in (
        LedgerOpened,
        RecordAdmitted,
        StatementSent,
        StatementReceived,
        StatementQuarantined,
        ReceiptObtained,
        RejectionReceived,
        DisplayedHere,
        DisplayedThere,
        OfficerAcknowledged,
        ReadBack,
        DialogueOpened,
        DialogueHeld,
        DialogueClosed,
        IncidentOpened,
        IncidentClosed,
        LadderMoved,
        StepOutOfTurn,
        DeadlineSet,
        DeadlineMet,
        DeadlineMissed,
        LinkChanged,
        StatementRetracted,
        StatementCorrected,
        PackLoaded,
        WatchOpened,
        DrillStarted,
        InjectPlayed,
        DrillEnded,
        CellsRefused,
        HeadRefused,
        GapSeen,
        ClockDoubted,
    )
}
"""Kind number to event, as docs/ledger.md §3 lists them."""


def encode_event(event: Event) -> bytes:
    """Return the event's content bytes, at most MAX_EVENT_BYTES.

    Raises:
        InvariantError: the event is larger than an event may be.
    """
    content = canonical.encode(event.model_dump(mode="json"))
    if len(content) > MAX_EVENT_BYTES:
        raise InvariantError(f"a {type(event).__name__} of {len(content)} bytes")
    return content


def decode_event(kind: int, content: bytes) -> Event:
    """Read an event back from a ledger.

    Raises:
        IntegrityError: no event has this kind, or the content is not one.
    Spec: docs/ledger.md §3
    """
    known = EVENTS.get(kind)
    if known is None:
        raise IntegrityError(
            f"the ledger holds an event of unknown kind {kind}",
            hint="open it with the version of hotline that wrote it",
        )
    try:
        return known.model_validate_json(content)
    except ValidationError as error:
        raise IntegrityError(f"a {known.__name__} does not read: {first_fault(error)}") from error
