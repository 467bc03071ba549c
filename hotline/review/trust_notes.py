"""What a reviewer is told of keys that were revoked or suspended, and of roots that changed.

Spec: docs/protocol.md §4.23, §4.26
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hotline.core.records.events import RecordAdmitted
from hotline.core.times import format_time
from hotline.core.values import Digest
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.review.findings import countersigned
from hotline.review.sentences import printable
from hotline.sealing.certificate import Certificate
from hotline.sealing.roster import Roster
from hotline.sealing.standing import Withdrawal

_SHORT = 16


def trust_notes(verdict: Verdict, file: Path) -> tuple[str, ...]:
    """Return a sentence for each withdrawn certificate and changed root that a ledger binds.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: it is no ledger any more.
    Spec: docs/protocol.md §4.26
    """
    if not verdict.ok or verdict.exported or len(verdict.members) < 2:
        return ()
    roster = Roster.read(verdict.records)
    changed = any(lineage.later for lineage in roster.lineages.values())
    if not changed and not roster.standing.withdrawn():
        return ()
    with contextlib.closing(Ledger.open_read_only(file)) as reader:
        covered = max(countersigned(verdict).values(), default=0)
        return tuple(map(printable, _notes(roster, reader, covered)))


def _notes(roster: Roster, reader: LedgerReader, covered: int) -> Iterator[str]:
    for one in sorted(roster.standing.withdrawn(), key=lambda one: (one.since_ms, one.record)):
        where = _where(reader, one.record, covered)
        words = withdrawal_words(roster, one)
        yield f"{words}; {where}. What was receipted before stands as it was."
    for station, lineage in roster.lineages.items():
        for root in lineage.later:
            where = _where(reader, root.digest, covered)
            yield f"{station} brought its committed next root into office; {where}"


def _where(reader: LedgerReader, record: Digest, covered: int) -> str:
    index = reader.find(record, RecordAdmitted.kind)
    if index is None:
        return "recorded in an earlier generation"
    known = "countersigned" if index < covered else "countersigned by nobody yet"
    return f"recorded as entry {index}, {known}"


def withdrawal_words(roster: Roster, withdrawal: Withdrawal) -> str:
    """Return whose certificate was withdrawn, when, from when it is not trusted, and why."""
    certificate = roster.certificates.get(withdrawal.certificate)
    whose = certificate.shown if certificate else "somebody who is not on the line"
    return (
        f"{whose} of {withdrawal.station} (certificate {withdrawal.certificate.hex()[:_SHORT]}) "
        f"was {withdrawal.how} on {format_time(withdrawal.at_ms)}, not trusted from "
        f"{format_time(withdrawal.since_ms)}: {withdrawal.reason}"
    )


def signer_words(
    roster: Roster, signer: Certificate, recorded_at_ms: int, countersigned_at_ms: int | None
) -> str:
    """Return what a later withdrawal of a signer's key means for one statement, or "".

    Args:
        recorded_at_ms: When the entry was recorded, by its station's clock.
        countersigned_at_ms: The earliest countersignature by a member that is shown, or None.
    Spec: docs/protocol.md §4.26
    """
    found = roster.standing.withdrawal(signer)
    if found is None:
        return ""
    words = withdrawal_words(roster, found)
    if countersigned_at_ms is not None and countersigned_at_ms < found.at_ms:
        return f"{words}. That was after this entry was countersigned, so the entry stands"
    if recorded_at_ms < found.since_ms:
        return f"{words}. That was after this entry was recorded"
    return f"{words}. That was BEFORE this entry was countersigned: do not rely on the signature"
