"""A ledger entry before and after it is recorded: what floors hand one another."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.core.values import ZERO_DIGEST, Digest


@dataclass(frozen=True, slots=True)
class Draft:
    """An event on its way into the ledger.

    Attributes:
        kind: Number of the event's kind, 1 to 255 (docs/ledger.md §3).
        content: The event's canonical JSON bytes, kept verbatim.
        subject: Digest of the statement or public record that it is about, or zeros.
        recorded_at_ms: The station's clock, milliseconds UTC.
        enclosure: A statement item (envelope and order) kept sealed beside it, or None.
        public: A public record that this entry binds, or None: `subject` is its digest.
    """

    kind: int
    content: bytes
    recorded_at_ms: int
    subject: Digest = ZERO_DIGEST
    enclosure: bytes | None = None
    public: bytes | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """Why an entry's content is not there: the key of its epoch was destroyed.

    Attributes:
        origin: The log that the entry stands in.
        epoch: The month, as in 202611.
    """

    origin: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the ledger gives it back.

    Attributes:
        index: Place in the log, from 0.
        leaf: The encoded leaf, LEAF_BYTES long.
        salt: 16..32 bytes that hide the content in its commitment.
        has_enclosure: Whether `Ledger.enclosure(index)` has something to give.
        erased: Set when the content was erased: then salt and content are empty.
    """

    index: int
    kind: int
    recorded_at_ms: int
    subject: Digest
    content: bytes
    salt: bytes
    leaf: bytes
    has_enclosure: bool
    erased: Erased | None = None
