"""A newer card of a station that a line joins: its certificates and its reach count on the line.

So two stations find each other again after one of them was away past the end of the
other's certificates. Spec: docs/enrolment.md §10.5
"""

from __future__ import annotations

import ssl

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.trust import admit_record
from hotline.core.records import events as ev
from hotline.ledger.public import record_digest
from hotline.sealing.card import Card
from hotline.sealing.certificate import read_certificate
from hotline.sealing.dsse import decode_envelope
from hotline.sealing.items import MAX_ITEM_BYTES, CertificateItem, RootItem
from hotline.sealing.root import ROOT_TYPE
from hotline.station.home import Home, PeerCard, read_card, write_json
from hotline.station.introducing import Offered, admit_offered
from hotline.station.line import Line
from hotline.station.revoking import take_into_card
from hotline.station.upkeep import Bench, Work, at_work


def joins_line(home: Home, card: Card) -> bool:
    """Return whether this home has a line with the station of a card, under the card's root."""
    if not list(home.lines.glob("*/line.json")):
        return False
    line = read_card(home.only_line())
    known = any(record.encode() in card.records for record in line.records)
    return known and any(peer.station == card.name for peer in line.peers)


def take_newer_card(bench: Bench, card: Card) -> int:
    """Let what a newer card says count on the line; return how many certificates were new.

    Args:
        card: As `accept_card` returned it.
    Raises:
        OperatorError: a record on it does not verify on this line, or a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §10.5
    """
    with at_work(bench) as work:
        admitted = new_records_of(work.opened.line, card)
        for one in admitted:
            work.record(*admit_record(one).events)
            take_into_card(work, one.record)
        _take_reach(work, card)
    return len(admitted)


def new_records_of(line: Line, card: Card) -> list[AdmitRecord]:
    """Return what of a card's records is new and counts now; roots come before what they issued.

    Raises:
        OperatorError: one does not verify on this line.
    """
    known = line.roster.record_digests
    new = [record for record in card.records if record_digest(record) not in known]
    roots = [record for record in new if _is_root(record)]
    items: list[Offered] = [RootItem(envelope=record) for record in roots]
    items += [CertificateItem(envelope=record) for record in new if record not in roots]
    admitted = []
    for item in items:
        if isinstance(item, CertificateItem) and not _counts(card, item, line.clock()):
            continue
        found = admit_offered(line, card.name, item)
        if isinstance(found, AdmitRecord):
            admitted.append(found)
        elif found is not None:
            raise OperatorError(
                f"a record on this card does not fit the line: {found.reason}",
                hint="ask their officers in person what happened",
            )
    return admitted


def _counts(card: Card, item: CertificateItem, now_ms: int) -> bool:
    return card.station.certificates[read_certificate(item.envelope).digest].covers(now_ms)


def _is_root(record: bytes) -> bool:
    try:
        decode_envelope(record, expect=(ROOT_TYPE,), what="card", max_bytes=MAX_ITEM_BYTES)
    except PeerError:
        return False
    return True


def _take_reach(work: Work, card: Card) -> None:
    """Use the key of its links and its recovery key; recorded first."""
    directory = work.opened.directory
    line = read_card(directory)
    peers = tuple(_renewed(one, card) if one.station == card.name else one for one in line.peers)
    if peers == line.peers:
        return
    changed = ev.ReachRenewed(
        station=card.name,
        pin=card.tls_pin.hex(),
        recovery=card.recovery.key_id.hex(),
    )
    work.record(Planned(changed))
    write_json(directory / "line.json", line.model_copy(update={"peers": peers}))


def _renewed(peer: PeerCard, card: Card) -> PeerCard:
    """Return what is known of a peer by its newer card; its prekeys come by the handshake."""
    said = {
        "recovery": to_base64(card.recovery.encoded),
        "tls_certificate": ssl.DER_cert_to_PEM_cert(card.body.tls),
    }
    return peer.model_copy(update=said)
