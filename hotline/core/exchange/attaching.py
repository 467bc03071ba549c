"""What is so of the files that travel beside statements (docs/ledger.md §24)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotline.core.messages.statement import AttachmentRef, Statement
from hotline.core.records import events as ev

if TYPE_CHECKING:
    from hotline.core.exchange.situation import Situation

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


def expect(situation: Situation, digest: str, statement: Statement, *, outbound: bool) -> None:
    """Note the attachments of a statement that is new; a peer's are on their way from now on."""
    for place, _ in travelling(statement):
        situation.attachments.setdefault((digest, place), AttachmentState())
        if not outbound:
            situation.arriving[digest, place] = None


def fold_attachment(situation: Situation, event: ev.AttachmentEvent) -> None:
    """Fold one event of an attachment.

    Raises:
        KeyError: it speaks of a statement that is not recorded.
    """
    name = (event.statement, event.place)
    match event:
        case ev.AttachmentKeyed():
            # What awaits its second officer has its key before it is a statement.
            situation.attachments.setdefault(name, AttachmentState()).key = event.key
        case ev.AttachmentReceived():
            situation.attachments[name].state = "HELD"
            situation.arriving.pop(name, None)
        case ev.AttachmentRefused():
            situation.attachments[name].state = "REFUSED"
            situation.attachments[name].reason = event.reason
            situation.arriving.pop(name, None)
        case ev.AttachmentHeldThere():
            situation.attachments[name].there[event.peer] = ""
        case ev.AttachmentRefusedThere():
            situation.attachments[name].there[event.peer] = event.reason
        case _:
            pass


def is_attachment_news(situation: Situation, event: ev.AttachmentEvent) -> bool:
    """Return whether the record does not say this yet, and speaks of that statement.

    Spec: docs/ledger.md §24.3
    """
    name = (event.statement, event.place)
    known = situation.attachments.get(name)
    if known is None:
        return False
    match event:
        case ev.AttachmentKeyed():
            return not known.key
        case ev.AttachmentReceived() | ev.AttachmentRefused():
            return name in situation.arriving
        case ev.AttachmentHeldThere():
            # Held is the last word: what was refused for want of room may come later.
            return known.there.get(event.peer) != ""
        case ev.AttachmentRefusedThere():
            return event.peer not in known.there
        case _:
            return True
