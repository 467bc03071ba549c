"""What a line knows of keys goes over to the line that follows it: nothing revoked comes back.

Spec: docs/protocol.md §4.32
"""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.trust import admit_record
from hotline.core.records import events as ev
from hotline.ledger.public import record_digest
from hotline.sealing.certificate import CERTIFICATE_TYPE, Usage
from hotline.sealing.charter import MAX_CHARTER_ENVELOPE_BYTES
from hotline.sealing.dsse import decode_envelope
from hotline.sealing.revocation import REVOCATION_TYPE
from hotline.sealing.root import ROOT_TYPE, read_root
from hotline.sealing.roster import RECORD_TYPES
from hotline.station.home import OpenLine
from hotline.station.introducing import admit_withdrawal, certified, root_changed
from hotline.station.line import Line
from hotline.station.rerouting import is_elsewhere, route_told


def carried(before: OpenLine, after: OpenLine) -> Iterator[Planned]:
    """Let the records of a line count on the one that follows it; yield what to record of them.

    Roots, certificates and revocations go over; what was signed for one line alone does not.
    What is left out, as ledger keys that changed meanwhile, its own station shows again.

    Args:
        before, after: Both open; `after` is admitted to, one record after the other.
    Spec: docs/protocol.md §4.32, §4.42
    """
    for record in (text.encode() for text in before.card.records):
        if record_digest(record) not in after.line.roster.record_digests:
            admitted = _admit(after.line, record)
            if admitted is not None:
                yield from admit_record(admitted).events


def _admit(line: Line, record: bytes) -> AdmitRecord | None:
    envelope = decode_envelope(
        record, expect=RECORD_TYPES, what="record", max_bytes=MAX_CHARTER_ENVELOPE_BYTES
    )
    kind, digest = envelope.payload_type, envelope.digest.hex()
    try:
        if kind == REVOCATION_TYPE:
            return admit_withdrawal(line, record)
        if kind == ROOT_TYPE:
            roster, root = line.roster.with_successor(read_root(record))
            changed = root_changed(line.roster, roster, root.station)
            line.admit(roster)
            return AdmitRecord(digest, record, changed)
        if kind == CERTIFICATE_TYPE:
            roster, certificate = line.roster.with_certificate(record)
            if certificate.usage not in (Usage.STATEMENT, Usage.TRANSPORT):
                return None
            known = line.roster.certified(certificate.station, certificate.usage)
            line.admit(roster)
            event = certified(certificate, known[-1].id.hex() if known else "")
            return AdmitRecord(digest, record, event)
    except PeerError:
        # It rests on what this line does not have, as a certificate by a root that was followed.
        return None
    return None


def carried_routes(before: OpenLine, after: OpenLine) -> Iterator[Planned]:
    """Yield the routes that were told on a line after the one that follows it had been set up.

    The file is written from the record at the next start.
    Spec: docs/enrolment.md §9.7
    """
    for peer in after.card.peers:
        told, begun = route_told(before, peer.station), route_told(after, peer.station)
        if told.route is not None and told.at_ms > begun.at_ms and is_elsewhere(peer, told.route):
            yield Planned(
                ev.RouteChanged(
                    peer=peer.station,
                    host=told.route.host,
                    port=told.route.port,
                    before=f"{peer.host}:{peer.port}",
                )
            )
