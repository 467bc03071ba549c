"""What two stations say of attachments: ask for a chunk, bring it, say how it ended.

An attachment is named by its statement and its place among the attachments there.
Spec: docs/protocol.md §13.5
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hotline.sealing.attachment import ATTACHMENT_KEY_BYTES
from hotline.sealing.shapes import Count, DigestHex, Reason, Strict, base64_field

PIECE_BYTES = 32_768
"""A sealed stream is cut into pieces of so many bytes; the last one may be shorter."""

MAX_PLACE = 15
"""A statement names at most 16 files, whether they travel or not."""

Place = Annotated[int, Field(ge=0, le=MAX_PLACE)]


class ChunksWantedItem(Strict):
    """The sender wants the sealed stream of an attachment from piece `first` on, one piece now.

    Attributes:
        key: Whether it still lacks the key.
    """

    t: Literal["chunks-wanted"] = "chunks-wanted"
    statement: DigestHex
    place: Place
    first: Count
    key: bool


class AttachmentKeyItem(Strict):
    """The key of an attachment."""

    t: Literal["attachment-key"] = "attachment-key"
    statement: DigestHex
    place: Place
    key: Annotated[bytes, *base64_field(ATTACHMENT_KEY_BYTES, ATTACHMENT_KEY_BYTES)] = Field(
        repr=False
    )


class ChunkItem(Strict):
    """Piece `index` of the sealed stream of an attachment."""

    t: Literal["chunk"] = "chunk"
    statement: DigestHex
    place: Place
    index: Count
    content: Annotated[bytes, *base64_field(1, PIECE_BYTES)] = Field(repr=False)


class AttachmentStateItem(Strict):
    """How an attachment ended: HELD whole, REFUSED by its receiver, GONE at its sender."""

    t: Literal["attachment-state"] = "attachment-state"
    statement: DigestHex
    place: Place
    state: Literal["HELD", "REFUSED", "GONE"]
    reason: Reason


AttachmentItem = ChunksWantedItem | AttachmentKeyItem | ChunkItem | AttachmentStateItem
ATTACHMENT_ITEMS = (ChunksWantedItem, AttachmentKeyItem, ChunkItem, AttachmentStateItem)
"""The classes; each by the kind that it has in a packet in `ATTACHMENT_KINDS`."""

ATTACHMENT_KINDS: dict[str, type[AttachmentItem]] = {
    "chunks-wanted": ChunksWantedItem,
    "attachment-key": AttachmentKeyItem,
    "chunk": ChunkItem,
    "attachment-state": AttachmentStateItem,
}
