"""What is so of the files that travel beside statements (docs/ledger.md §24)."""

from __future__ import annotations

from hotline.core.exchange.attachment_state import AttachmentState, travelling
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev


def unheld(situation: Situation, state: StatementState) -> dict[tuple[int, str], str | None]:
    """Return by place and peer which files of a statement of ours a peer does not hold.

    The value says why it will not take it, None while it may still come.
    """
    peers = (*state.statement.to, *state.statement.info)
    found: dict[tuple[int, str], str | None] = {}
    for place, _ in travelling(state.statement):
        there = situation.attachments[state.digest, place].there
        for peer in peers:
            if there.get(peer) != "":
                found[place, peer] = there.get(peer)
    return found


def fold_attachment(situation: Situation, happening: Happening, event: ev.AttachmentEvent) -> None:
    """Fold one event of an attachment, and let the statement's history tell of it.

    Raises:
        KeyError: it speaks of a statement that is not recorded.
    """
    name, words = (event.statement, event.place), ""
    if isinstance(event, ev.AttachmentKeyed):
        # What awaits its second officer has its key before it is a statement.
        situation.attachments.setdefault(name, AttachmentState()).key = event.key
        return
    state = situation.statements[event.statement]
    match event:
        case ev.AttachmentReceived():
            situation.attachments[name].state = "HELD"
            words = "came whole"
            situation.arriving.pop(name, None)
        case ev.AttachmentRefused():
            situation.attachments[name].state = "REFUSED"
            situation.attachments[name].reason = event.reason
            words = f"NOT TAKEN: {event.reason}"
            situation.arriving.pop(name, None)
        case ev.AttachmentHeldThere():
            situation.attachments[name].there[event.peer] = ""
            words = f"HELD by {event.peer}"
        case ev.AttachmentRefusedThere():
            situation.attachments[name].there[event.peer] = event.reason
            words = f"NOT TAKEN by {event.peer}: {event.reason}"
        case ev.AttachmentSaved():
            words = f"saved by {event.by}"
    if words:
        state.steps.append((happening.at_ms, f"file {event.place + 1} {words}"))


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
