"""A roster joined by one more public record, whatever its kind.

Spec: docs/protocol.md §4.22
"""

from __future__ import annotations

from hotline.sealing.authorisation import AUTHORISATION_TYPE, Act, act_of
from hotline.sealing.certificate import CERTIFICATE_TYPE
from hotline.sealing.charter import MAX_CHARTER_ENVELOPE_BYTES
from hotline.sealing.dsse import decode_envelope
from hotline.sealing.revocation import REVOCATION_TYPE
from hotline.sealing.root import ROOT_TYPE
from hotline.sealing.roster import RECORD_TYPES, Roster
from hotline.sealing.take_over import with_take_over


def join_record(roster: Roster, record: bytes) -> Roster:
    """Return the roster with one more record; itself for one that says nothing of keys.

    Raises:
        PeerError: it is of no kind that a line rests on, or does not verify.
    Spec: docs/protocol.md §4.22
    """
    envelope = decode_envelope(
        record, expect=RECORD_TYPES, what="record", max_bytes=MAX_CHARTER_ENVELOPE_BYTES
    )
    match envelope.payload_type:
        case kind if kind == CERTIFICATE_TYPE:
            return roster.with_certificate(record)[0]
        case kind if kind == REVOCATION_TYPE:
            return roster.with_revocation(envelope)[0]
        case kind if kind == ROOT_TYPE:
            return roster.with_successor(envelope)[0]
        case kind if kind == AUTHORISATION_TYPE and act_of(envelope) is Act.SUSPEND:
            return roster.with_suspension(envelope)[0]
        case kind if kind == AUTHORISATION_TYPE and act_of(envelope) is Act.TAKE_OVER:
            return with_take_over(roster, envelope)[0]
    return roster
