"""What a command leads to: the events to record together, and what is answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.exchange.commands import Told
from hotline.core.messages.statement import Statement
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Digest


@dataclass(frozen=True, slots=True)
class Planned:
    """An event to record.

    Attributes:
        statement, item: Of those that carry a statement; `item` becomes the enclosure.
        public: The public record that the entry binds, or None.
        signers: Certificate ids (hex) of who signed the statement.
    """

    event: ev.Event
    statement: Statement | None = None
    item: bytes | None = None
    public: bytes | None = None
    signers: tuple[str, ...] = ()

    @classmethod
    def of_told(cls, event: ev.Event, told: Told) -> Planned:
        """Plan an event that carries a statement."""
        return cls(event, told.statement, told.item, signers=told.signers)

    @property
    def subject(self) -> Digest:
        """What the leaf names in the open (docs/ledger.md §3.2)."""
        match self.event:
            case (
                ev.StatementSent()
                | ev.StatementReceived()
                | ev.ReceiptObtained()
                | ev.RejectionReceived()
                | ev.OfficerAcknowledged()
                | ev.StatementRecovered()
                | ev.StatementRenumbered()
            ):
                return Digest(bytes.fromhex(self.event.digest))
            case ev.LedgerOpened():
                return Digest(bytes.fromhex(self.event.line))
            case ev.RecordAdmitted():
                return Digest(bytes.fromhex(self.event.record))
            case ev.LineClosed():
                return Digest(bytes.fromhex(self.event.successor))
            case ev.LineContinued():
                return Digest(bytes.fromhex(self.event.head))
            case ev.TrustWithdrawn() | ev.SuspensionLifted() | ev.EndpointTaken():
                return Digest(bytes.fromhex(self.event.record))
            case ev.KeyCertified():
                return Digest(bytes.fromhex(self.event.certificate))
            case ev.RootChanged():
                return Digest(bytes.fromhex(self.event.root))
            case (
                ev.GenerationOpened()
                | ev.PeerGenerationAdmitted()
                | ev.EpochKeyDestroyed()
                | ev.WitnessNamed()
                | ev.WitnessDropped()
            ):
                return Digest(bytes.fromhex(self.event.authorisation))
            case _:
                return ZERO_DIGEST


@dataclass(frozen=True, slots=True)
class Decision:
    """Events to record in one transaction, in order.

    Attributes:
        duplicate: The statement was recorded before; nothing to record, repeat the receipt.
        rejected: (digest, reason) to tell the peer, or None.
        uncounted: It was refused and nothing records it: whoever asked counts it.
    """

    events: tuple[Planned, ...] = ()
    duplicate: bool = False
    rejected: tuple[str, str] | None = field(default=None)
    uncounted: bool = False
