"""What is written of an event: kind, content, time, subject and what goes with it.

Spec: docs/ledger.md §3.2
"""

from __future__ import annotations

from hotline.core.exchange.decision import Planned
from hotline.core.records.entry import Draft
from hotline.core.records.events import RecordAdmitted, encode_event
from hotline.ledger.public import record_digest


def draft_of(planned: Planned, now_ms: int) -> Draft:
    """Return what is written of a planned event.

    Raises:
        InvariantError: the event is larger than an event may be.
    """
    return Draft(
        kind=planned.event.kind,
        content=encode_event(planned.event),
        recorded_at_ms=now_ms,
        subject=planned.subject,
        enclosure=planned.item,
        public=planned.public,
    )


def record_draft(record: bytes, now_ms: int) -> Draft:
    """Return the draft of the entry that binds a public record.

    Raises:
        PeerError: it is no record.
    """
    admitted = RecordAdmitted(record=record_digest(record).hex())
    return draft_of(Planned(admitted, public=record), now_ms)
