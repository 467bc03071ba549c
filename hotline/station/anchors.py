"""The station journal against what a line's ledger says of it (docs/ledger.md §18.6).

The journal's own head.db may be lost with it. The line's ledger is not: its
newest JournalAnchored names a head that the journal must still have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from hotline.core.errors import IntegrityError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint, parse_origin
from hotline.core.values import Digest
from hotline.ledger.reader import LedgerReader

JOURNAL = "journal"


def journal_generation(home: Path) -> int:
    """Return the generation of the journal at work: one more than were moved aside by hand."""
    return 1 + len(list(home.glob(f"{JOURNAL}-*")))


def newest_anchor(ledger: LedgerReader, past: Iterable[LedgerReader] = ()) -> Checkpoint | None:
    """Return the head of the journal that a line's record anchored last, or None.

    Args:
        ledger: The ledger at work.
        past: Its earlier generations, oldest first; what does not read is passed over.
    Raises:
        IntegrityError: an entry of the ledger at work does not read.
    """
    found = _newest(ledger)
    for reader in reversed(list(past)):
        if found is None:
            with contextlib.suppress(IntegrityError):
                found = _newest(reader)
    return found


def _newest(reader: LedgerReader) -> Checkpoint | None:
    for entry in reader.of_kind(ev.JournalAnchored.kind, newest_first=True):
        event = ev.decode_event(entry.kind, entry.content) if entry.erased is None else None
        if isinstance(event, ev.JournalAnchored):
            return Checkpoint(event.origin, event.size, Digest(bytes.fromhex(event.root)))
    return None


def check_anchored(anchored: Checkpoint | None, origin: str, journal: LedgerReader | None) -> None:
    """Refuse a journal that a line's ledger knows more of, or otherwise.

    Args:
        anchored: What the line's record anchored last; None asks for nothing.
        origin: Of the journal at work.
        journal: The open journal, None when there is none.
    Raises:
        IntegrityError: it was lost, put back or rewritten; the hint says what to do.
    Spec: docs/ledger.md §18.6
    """
    if anchored is None or _is_followed(anchored, origin):
        return
    told = f"the line's ledger anchors the first {anchored.size} entries"
    if journal is None:
        what = f"was lost: {told} of it and there is none"
    elif origin != anchored.origin:
        what = f"is not the one that is anchored: {told} of {anchored.origin}, it is {origin}"
    elif journal.size < anchored.size:
        what = f"was put back: {told} of it and it holds {journal.size}"
    elif journal.root_at(anchored.size) != anchored.root:
        what = (
            f"was rewritten: {told} of it, and of the {journal.size} that it holds those are others"
        )
    else:
        return
    raise IntegrityError(f"the station journal {what}", hint=_hint(origin))


def _is_followed(anchored: Checkpoint, origin: str) -> bool:
    """Return whether a journal was begun after the anchored one had been moved aside."""
    ours, theirs = parse_origin(origin), parse_origin(anchored.origin)
    same = (ours.realm, ours.line, ours.station) == (theirs.realm, theirs.line, theirs.station)
    return same and ours.generation > theirs.generation


def _hint(origin: str) -> str:
    generation = parse_origin(origin).generation
    return (
        f"keep what is left for the reviewer: move HOME/{JOURNAL} to "
        f"HOME/{JOURNAL}-{generation}, or make that an empty directory if nothing is left; "
        f"the next start begins generation {generation + 1} of the journal"
    )
