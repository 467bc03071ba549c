"""What all events have in common, and the bounds of what they hold."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from hotline.core.messages.statement import HexDigest

MAX_REASON_CHARACTERS = 400

Reason = Annotated[str, Field(max_length=MAX_REASON_CHARACTERS)]


class Event(BaseModel):
    """Base of all events: frozen, nothing extra, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    kind: ClassVar[int] = 0


class OrderRef(BaseModel):
    """Where a statement stands in its sender's order (docs/protocol.md §7.1).

    Attributes:
        prev: Digest of the order before, as the order itself names it; zeros at seq 1.
        digest: Digest of the order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    generation: int
    seq: int
    prev: HexDigest
    digest: HexDigest
