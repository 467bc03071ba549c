"""One file that travels beside a statement, as the record has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.messages.statement import AttachmentRef, Statement

AttachmentId = tuple[str, int]
"""The statement's digest in hex, and the place among its attachments."""


@dataclass(slots=True)
class AttachmentState:
    """One attachment; only the fold changes it.

    Attributes:
        key: Hex, "" while it is not here.
        state: Of a peer's: "" while it is on its way, HELD or REFUSED.
        reason: Why it was refused.
        there: Of ours, by peer: "" when that one holds it, else why it will not.
    """

    key: str = field(default="", repr=False)
    state: str = ""
    reason: str = ""
    there: dict[str, str] = field(default_factory=dict)


def travelling(statement: Statement) -> list[tuple[int, AttachmentRef]]:
    """Return place and description of each file that travels beside a statement."""
    return [(place, one) for place, one in enumerate(statement.attachments) if one.sealed]
