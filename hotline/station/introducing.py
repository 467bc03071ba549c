"""A new ledger key becomes known to the other station: its certificate comes first.

Spec: docs/ledger.md §20.11
"""

from __future__ import annotations

from collections.abc import Sequence

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import AdmitLedgerKey, Quarantine
from hotline.core.records.events import MAX_REASON_CHARACTERS, LedgerKeyChanged
from hotline.ledger.public import record_digest
from hotline.sealing.certificate import Usage
from hotline.sealing.items import CertificateItem
from hotline.station.line import Line

MAX_LEDGER_KEYS = 64
"""Ledger keys of one peer that are admitted: five years of quarterly ones, and room."""


def admit_certificate(
    line: Line, peer: str, item: CertificateItem
) -> AdmitLedgerKey | Quarantine | None:
    """Judge a certificate that a peer sent, and let it count at once; None when it is known.

    Call it only while it is decided what to record: the next certificate is then judged
    beside this one, and what rests on it stands behind it in the queue.

    Returns:
        What to record: that it counts, or why it does not.
    Spec: docs/ledger.md §20.11
    """
    try:
        return _admit(line, peer, item)
    except PeerError as error:
        return Quarantine(peer, "", str(error)[:MAX_REASON_CHARACTERS], None)


def _admit(line: Line, peer: str, item: CertificateItem) -> AdmitLedgerKey | None:
    """Admit a certificate to the roster.

    Raises:
        PeerError: it does not verify under a member's root, is not for the peer's own
            ledger, does not cover this time, or is one of too many.
    """
    roster, certificate = line.roster.with_certificate(item.envelope)
    if certificate.id in line.roster.certificates:
        return None
    if (certificate.station, certificate.usage) != (peer, Usage.LEDGER):
        raise PeerError("certificate: only that of the sender's own ledger key comes by the line")
    if not certificate.covers(line.clock()):
        raise PeerError("certificate: it is not valid now")
    known = line.roster.certified(peer, Usage.LEDGER)
    if len(known) >= MAX_LEDGER_KEYS:
        raise PeerError("certificate: this station has had too many ledger keys")
    changed = LedgerKeyChanged(
        station=peer, certificate=certificate.id.hex(), before=known[-1].id.hex()
    )
    line.admit(roster)
    return AdmitLedgerKey(changed, item.envelope)


def introductions(line: Line, records: Sequence[bytes]) -> list[CertificateItem]:
    """Return the certificates of our ledger keys after the first, which enrolment made known.

    Args:
        records: Public records of our ledger.
    """
    later = {one.id for one in line.roster.certified(line.station, Usage.LEDGER)[1:]}
    if not later:
        return []
    return [CertificateItem(envelope=one) for one in records if record_digest(one) in later]
