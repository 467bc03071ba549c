"""Events about single statements: sent, received, receipted, shown, read, withdrawn."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, OrderRef, Reason


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
    """Something came that may not be shown as a statement; the enclosure keeps it.

    Attributes:
        order: The number that its sender signed for it and that is not missing any more;
            None when there is none, or another statement must stand under it.
    """

    kind: ClassVar[int] = 5
    sender: str
    digest: str
    reason: Reason
    order: OrderRef | None = None


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
