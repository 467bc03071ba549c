"""What a line promises of its statements, judged by what two ledgers say after all is healed.

    account = judge(sender_happenings, receiver_happenings)
    assert account.kept, account

Every statement that the sender recorded is recorded by the receiver once, with the
same bytes, and receipted once; the numbers leave no gap; nothing else was received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hotline.core.records import events as ev
from hotline.ledger.reader import LedgerReader
from hotline.station.happenings import happenings


@dataclass
class Record:
    """What one ledger, or a part of it, says of statements.

    Attributes:
        bytes_of: The statement item that stands beside the entry that sent or received it.
    """

    sent: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    sent_numbers: list[int] = field(default_factory=list)
    received_numbers: list[int] = field(default_factory=list)
    bytes_of: dict[str, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def read_record(ledger: LedgerReader, start: int = 0) -> Record:
    """Read a ledger from the entry `start` on."""
    return record_of(ledger.entries(start, ledger.size), ledger.enclosure)


def record_of(entries: Iterable[object], enclosure: Callable[[int], bytes]) -> Record:
    record = Record()
    for one in happenings(entries, enclosure):  # type: ignore[arg-type]
        match one.event:
            case ev.StatementSent():
                record.sent.append(one.event.digest)
                record.sent_numbers.append(one.event.order.seq)
                record.bytes_of[one.event.digest] = enclosure(one.index)
            case ev.StatementReceived():
                record.received.append(one.event.digest)
                record.received_numbers.append(one.event.order.seq)
                record.bytes_of[one.event.digest] = enclosure(one.index)
            case ev.ReceiptObtained():
                record.receipts.append(one.event.digest)
            case ev.StatementQuarantined():
                record.refused.append(one.event.reason)
            case ev.RejectionReceived():
                record.refused.append(one.event.reason)
    return record


@dataclass
class Account:
    """How one direction kept its promises; every number but `statements` has to be 0."""

    statements: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    unreceipted: int = 0
    receipted_twice: int = 0
    gaps: int = 0
    refused: int = 0

    @property
    def kept(self) -> bool:
        return not any(vars(self)[name] for name in vars(self) if name != "statements")

    def add(self, other: Account) -> None:
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in vars(self).items())


def judge(sender: Record, receiver: Record) -> Account:
    """Judge the way from one station to the other by both records."""
    arrived, receipted = Counter(receiver.received), Counter(sender.receipts)
    first = min(sender.sent_numbers, default=1)
    whole = list(range(first, first + len(sender.sent)))
    return Account(
        statements=len(sender.sent),
        lost=sum(digest not in arrived for digest in sender.sent),
        doubled=sum(arrived.values()) - len(arrived.keys() & set(sender.sent)),
        altered=sum(
            sender.bytes_of[digest] != receiver.bytes_of[digest]
            for digest in sender.sent
            if digest in arrived
        ),
        unreceipted=sum(digest not in receipted for digest in sender.sent),
        receipted_twice=sum(receipted.values()) - len(receipted),
        gaps=(sender.sent_numbers != whole) + (sorted(receiver.received_numbers) != whole),
        refused=len(sender.refused),
    )
