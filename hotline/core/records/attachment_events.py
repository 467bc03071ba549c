"""Events about files that travel beside statements (docs/ledger.md §24)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, Reason


class AttachmentEvent(Event):
    """What all of them say: the statement, and the place among its attachments, from 0."""

    statement: HexDigest
    place: int


class AttachmentKeyed(AttachmentEvent):
    """The key of an attachment, ours or the peer's; without it the stored stream says nothing.

    Attributes:
        digest, sealed: SHA-256 of the file and of its sealed stream.
        key: Hex.
    """

    kind: ClassVar[int] = 113
    digest: HexDigest
    sealed: HexDigest
    key: HexDigest = Field(repr=False)


class AttachmentReceived(AttachmentEvent):
    """A peer's attachment lies here whole; both digests were compared."""

    kind: ClassVar[int] = 114
    digest: HexDigest
    sealed: HexDigest
    size: int


class AttachmentRefused(AttachmentEvent):
    """A peer's attachment is not taken (any more), and why."""

    kind: ClassVar[int] = 115
    reason: Reason


class AttachmentHeldThere(AttachmentEvent):
    """The peer says that it holds our attachment whole."""

    kind: ClassVar[int] = 116
    peer: str


class AttachmentRefusedThere(AttachmentEvent):
    """The peer will not take our attachment, and why."""

    kind: ClassVar[int] = 117
    peer: str
    reason: Reason


class AttachmentSaved(AttachmentEvent):
    """Somebody at this station took an attachment out of the record, as a file of its own."""

    kind: ClassVar[int] = 118
    sealed: HexDigest
    by: str
