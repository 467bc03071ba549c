"""Events of keeping a ledger: journal, long-lasting heads, generations, keys, epochs, holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, OrderRef, Reason

MAX_CASE_CHARACTERS = 46

Case = Annotated[str, Field(min_length=1, max_length=MAX_CASE_CHARACTERS)]
Officers = Annotated[tuple[str, ...], Field(strict=False, min_length=2, max_length=8)]
"""Role, rank and name of the officers who signed the authorisation, two or more persons."""

Vkey = Annotated[str, Field(max_length=200)]
"""Name, key id and key of an outside witness (docs/ledger.md §16.7)."""


class JournalAnchored(Event):
    """The head of the station's journal, so that the peer's countersignature covers it, too."""

    kind: ClassVar[int] = 34
    origin: str
    size: int
    root: HexDigest
    occasion: Literal["hour", "watch", "close"]


class HeadRefusedThere(Event):
    """The peer will not countersign a head of ours: it holds one that contradicts it."""

    kind: ClassVar[int] = 35
    peer: str
    origin: str
    size: int
    verdict: Literal["FORK", "INCONSISTENT"]


class StatementRecovered(Event):
    """A statement that we sent before our ledger was put back; the peer gave it back.

    Attributes:
        order: The order it went under then, of an earlier generation.
    """

    kind: ClassVar[int] = 36
    digest: HexDigest
    peer: str
    order: OrderRef


class GenerationOpened(Event):
    """Entry 1 of a later generation: what it follows, and on whose authority.

    Attributes:
        authorisation: Digest of the record that two officers signed; the entry binds it.
        kept_origin, kept_size, kept_root: The ledger that was left behind, as it was found.
        countersigned_size, countersigned_root: The newest head of it that the peer is known
            to hold countersigned; larger than kept_size when the end of it was lost.
        released_size: Size of the newest head of it that head.db knew, 0 if it knew none.
    """

    kind: ClassVar[int] = 37
    authorisation: HexDigest
    kept_origin: str
    kept_size: int
    kept_root: HexDigest
    countersigned_size: int
    countersigned_root: HexDigest
    released_size: int
    reason: Reason
    officers: Officers


class PeerGenerationAdmitted(Event):
    """The peer left its ledger behind and opened the next; the entry binds its authorisation.

    Attributes:
        kept_size: Entries of the ledger that the peer left behind, as it says.
        held_size: Size of the newest head of that ledger that we countersigned, or 0.
        fits: Whether what it says of our countersignatures fits what we hold.
    """

    kind: ClassVar[int] = 38
    peer: str
    generation: int
    authorisation: HexDigest
    kept_size: int
    held_size: int
    fits: bool
    reason: Reason


class LedgerKeyChanged(Event):
    """The station's ledger key changed; this entry's head is signed by the old and the new."""

    kind: ClassVar[int] = 39
    station: str
    certificate: HexDigest
    before: HexDigest


class EpochKeyMade(Event):
    """A month has its own content key from here on."""

    kind: ClassVar[int] = 40
    epoch: int


class EpochKeyDestroyed(Event):
    """The content of a month's entries can no longer be read; every proof stays whole.

    Attributes:
        authorisation: Digest of the record that two officers signed; the entry binds it.
        our_order, their_orders: Newest orders up to the end of that time, so that the
            order goes on; by station.
    """

    kind: ClassVar[int] = 41
    epoch: int
    authorisation: HexDigest
    officers: Officers
    our_order: OrderRef | None
    their_orders: dict[str, OrderRef]


class HoldPlaced(Event):
    """A legal hold: while it stands, no epoch's content is destroyed."""

    kind: ClassVar[int] = 42
    case: Case
    reason: Reason
    by: str


class HoldReleased(Event):
    """Two officers released a hold; the enclosure is their authorisation."""

    kind: ClassVar[int] = 43
    case: Case
    reason: Reason
    authorisation: HexDigest
    officers: Officers


class ContentErased(Event):
    """What is left of an event whose content was erased; folded and shown, never recorded.

    Attributes:
        was: The number of its kind, as its leaf says.
        subject: What its leaf names: of a statement, its digest.
    """

    kind: ClassVar[int] = 0
    was: int
    epoch: int
    subject: HexDigest


class LedgerRestored(Event):
    """A backup was put in place and nothing newer was known of: nothing is missing."""

    kind: ClassVar[int] = 44
    size: int
    root: HexDigest
    backed_up_at_ms: int


class WitnessNamed(Event):
    """Two officers named an outside witness; the entry binds their authorisation.

    Attributes:
        vkey: Its key as it publishes it. That it stands here proves that the station named it.
    """

    kind: ClassVar[int] = 46
    vkey: Vkey
    authorisation: HexDigest
    reason: Reason
    officers: Officers


class WitnessDropped(Event):
    """Two officers decided that an outside witness is asked no more."""

    kind: ClassVar[int] = 47
    vkey: Vkey
    authorisation: HexDigest
    reason: Reason
    officers: Officers


class WitnessAnswered(Event):
    """An outside witness stands otherwise to our log than before.

    Attributes:
        held_size: How many of our entries it says it holds, 0 if it did not say. Nobody signs
            that number.
        our_size: How many entries our ledger had then.
    """

    kind: ClassVar[int] = 48
    witness: Annotated[str, Field(max_length=128)]
    state: Literal["COSIGNS", "REFUSES", "SILENT", "CONTRADICTS"]
    held_size: int
    our_size: int
    reason: Reason


class StatementRenumbered(Event):
    """A statement of the peer's that we hold came again under an order of its later generation."""

    kind: ClassVar[int] = 45
    digest: HexDigest
    peer: str
    order: OrderRef
