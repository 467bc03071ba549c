"""Verifying a whole ledger without any content key, from a private copy.

Spec: docs/ledger.md §11
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hotline.core.errors import IntegrityError, PeerError
from hotline.core.seams import IdentifyLedger, Verifier
from hotline.ledger.audit_entries import EntryPass
from hotline.ledger.audit_rows import (
    Parties,
    check_cosignatures,
    check_newest,
    check_public,
    check_receipts,
    check_witnessed,
    cosigned_sizes,
    establish,
    good_heads,
    read_origin,
)
from hotline.ledger.connection import copy_errors
from hotline.ledger.schema import find_schema_fault
from hotline.ledger.snapshot import Snapshot
from hotline.ledger.verdict import MAX_FAULTS, Fault, Findings, Verdict


def verify_ledger(path: Path, *, identify: IdentifyLedger, verifier: Verifier) -> Verdict:
    """Verify the ledger at `path` (file or its directory) and say what stands.

    Args:
        path: Read once, never written; a log beside it is read with it.
        identify: Checks the public records and names the keys.
        verifier: Checks Ed25519 signatures.
    Returns:
        A verdict also for a file that cannot be read as a ledger at all.
    Raises:
        OperatorError: there is no such file.
        StorageError: it cannot be copied.
    Spec: docs/ledger.md §11
    """
    findings = Findings()
    try:
        with Snapshot(path) as snapshot, copy_errors("reading the ledger"):
            return _verify(snapshot.connection, identify, verifier, findings)
    except IntegrityError as error:
        findings.blame(str(error), "the file")
        return _verdict(findings, None, EntryPass(findings, iter(())), {}, "")


def _verify(
    connection: sqlite3.Connection, identify: IdentifyLedger, verifier: Verifier, findings: Findings
) -> Verdict:
    if not _check_file(connection, findings):
        return _verdict(findings, None, EntryPass(findings, iter(())), {}, "")
    parties = establish(connection, identify, verifier, findings)
    heads = good_heads(connection, parties, findings) if parties else iter(())
    entries = EntryPass(findings, heads, cosigned_sizes(connection))
    before = len(findings.faults)
    entries.run(connection)
    for _ in heads:
        # The pass stops at a bad entry; the heads after it are judged all the same.
        continue
    cosigned: dict[str, int] = {}
    if parties:
        if all(fault.index is None for fault in findings.faults[before:]):
            check_newest(connection, entries.frontier.size, entries.good, findings)
        cosigned = _check_beside(connection, parties, entries, findings)
    return _verdict(findings, parties, entries, cosigned, _origin_of(connection))


def _check_file(connection: sqlite3.Connection, findings: Findings) -> bool:
    """Return whether the tables can be read for what they are."""
    fault = find_schema_fault(connection)
    if fault:
        findings.blame(fault.what, "the schema")
        if not fault.readable:
            return False
    answers = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    if answers != ["ok"]:
        findings.blame("the file is damaged", "the file")
        return False
    return True


def _check_beside(
    connection: sqlite3.Connection, parties: Parties, entries: EntryPass, findings: Findings
) -> dict[str, int]:
    """Check what hangs on the entries; after a bad entry the rest of them is not known."""
    check_witnessed(connection, parties, findings)
    if any(fault.index is not None for fault in findings.faults):
        return {}
    check_public(connection, parties, entries.bound, findings)
    cosigned = check_cosignatures(connection, parties, entries.roots, findings)
    check_receipts(entries.sent, entries.receipted, cosigned, findings)
    _check_orphans(connection, entries.frontier.size, findings)
    return cosigned


def _check_orphans(connection: sqlite3.Connection, entries: int, findings: Findings) -> None:
    row = connection.execute("SELECT idx FROM enclosure WHERE idx >= ? OR idx < 0", (entries,))
    if row.fetchone():
        findings.blame("it belongs to no entry", "an enclosure")


def _origin_of(connection: sqlite3.Connection) -> str:
    try:
        return read_origin(connection)
    except PeerError:
        return ""


def _verdict(
    findings: Findings,
    parties: Parties | None,
    entries: EntryPass,
    cosigned: dict[str, int],
    origin: str,
) -> Verdict:
    first = findings.first()
    identity = parties.identity if parties else None
    return Verdict(
        ok=not findings.faults,
        entries=entries.frontier.size,
        root=entries.frontier.root(),
        origin=origin,
        realm=identity.realm if identity else None,
        station=parties.parsed.station if parties else "",
        line=identity.line if identity else None,
        line_name=identity.name if identity else "",
        members=identity.members if identity else (),
        root_words=dict(identity.root_words) if identity else {},
        first_fault=first,
        faults=tuple(findings.faults[:MAX_FAULTS]),
        stands=_stands(first, entries.good),
        notes=tuple(findings.notes),
        cosigned=cosigned,
    )


def _stands(first: Fault | None, good: int) -> int:
    return good if first is None or first.index is None else min(good, first.index)
