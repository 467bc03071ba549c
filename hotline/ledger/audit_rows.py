"""What stands beside the log: public records, receipts, witnessed heads, stored nodes.

Nothing unknown, unsigned or trailing passes.
Spec: docs/ledger.md §11.3
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from hotline.core.errors import HotlineError, PeerError
from hotline.core.records.checkpoint import (
    ED25519,
    Checkpoint,
    key_id,
    parse_note,
    parse_origin,
    verify_checkpoint,
)
from hotline.core.records.lasting import lasting_key_id
from hotline.core.seams import IdentifyLedger, Verifier
from hotline.core.values import Digest
from hotline.ledger.audit_blocks import MAX_BOUND
from hotline.ledger.audit_heads import Parties, lasting_fault, signature_damage
from hotline.ledger.public import record_digest
from hotline.ledger.schema import RECEIPT_KIND, SENT_KIND
from hotline.ledger.verdict import Damage, Findings

# Read without the indexes, which nobody checked against the table.
_RECEIPTED = """SELECT max(idx) FROM entry NOT INDEXED WHERE idx >= ?1 AND kind = ?2
 AND subject IN (SELECT subject FROM entry NOT INDEXED WHERE idx >= ?1 AND kind = ?3)"""


def read_origin(connection: sqlite3.Connection) -> str:
    """Return the origin that the newest head names.

    Raises:
        PeerError: no head, or it cannot be read.
    """
    row = connection.execute("SELECT note FROM head ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        raise PeerError("the ledger has no head")
    return parse_note(row[0]).checkpoint.origin


def read_records(connection: sqlite3.Connection) -> tuple[bytes, ...]:
    """Return the public records in the order in which they were bound, one more than allowed."""
    rows = connection.execute("SELECT bytes FROM public ORDER BY seq LIMIT ?", (MAX_BOUND,))
    return tuple(bytes(row[0]) for row in rows)


def establish(
    connection: sqlite3.Connection,
    identify: IdentifyLedger,
    verifiers: tuple[Verifier, Verifier | None],
    findings: Findings,
) -> Parties | None:
    """Read origin and public records; return the parties, or None with the faults found."""
    try:
        identity = identify(read_records(connection))
    except HotlineError as error:
        what = f"they do not verify: {error}"
        findings.blame(what, "the public records", damage=Damage.RECORDS)
        return None
    try:
        origin = read_origin(connection)
        parsed = parse_origin(origin)
    except PeerError as error:
        findings.blame(f"it cannot be read: {error}", "the newest head")
        return None
    ours = (identity.realm, identity.line.hex())
    if (parsed.realm, parsed.line) != ours or parsed.station not in identity.members:
        what = "it names another line, realm or station than the charter"
        findings.blame(what, "the newest head", damage=Damage.RECORDS)
        return None
    return Parties(origin, parsed, identity, *verifiers)


def check_newest(connection: sqlite3.Connection, entries: int, good: int, found: Findings) -> None:
    """Blame entries that no head covers; called when no entry is bad."""
    (size,) = connection.execute("SELECT coalesce(max(size), 0) FROM head").fetchone()
    if good < entries:
        what = f"entries {good} to {entries - 1} are not covered by any signed head"
        found.blame(what, f"entry {good}", good, Damage.UNSIGNED)
    elif size > entries:
        what = f"entries {entries} to {size - 1} are missing: a head covers {size}"
        found.blame(what, f"entry {entries}", entries, Damage.CUT)


def check_public(
    connection: sqlite3.Connection,
    parties: Parties,
    bound: Collection[Digest],
    whole: bool,
    findings: Findings,
) -> None:
    """Every record is accepted and bound by an entry; every binding has its record.

    Args:
        bound: What the examined entries bind, in the order of the first entry that does.
        whole: All entries were examined, so that a record that is not bound is a fault.
    """
    found: list[Digest] = []
    rows = connection.execute("SELECT seq, digest, bytes FROM public ORDER BY seq")
    for number, (seq, digest, record) in enumerate(rows, 1):
        what = _public_fault(digest, record, parties, bound if whole else None)
        if seq != number:
            what = "a record before it is missing"
        if what:
            findings.blame(what, f"public record {seq}", damage=Damage.RECORDS)
        found.append(Digest(digest))
    missing = set(bound) - set(found)
    if whole and sorted(bound) == sorted(found) and list(bound) != found:
        what = "they stand in another order than entries bind them"
        findings.blame(what, "the public records", damage=Damage.REORDERED)
    if missing:
        what = f"{len(missing)} that entries bind are missing"
        findings.blame(what, "the public records", damage=Damage.MISSING)


def _public_fault(
    digest: bytes, record: bytes, parties: Parties, bound: Collection[Digest] | None
) -> str | None:
    try:
        computed = record_digest(record)
    except PeerError as error:
        return f"it was altered: {error}"
    if computed != digest:
        return "it is not the record whose digest it stands under"
    if computed not in parties.identity.record_digests:
        return "it is not one that this line rests on"
    return None if bound is None or computed in bound else "no entry binds it"


def check_receipts(
    connection: sqlite3.Connection, cosigned: dict[str, int], findings: Findings
) -> None:
    """A receipt was obtained: so a cosignature on a head over the statement must be here."""
    largest = max(cosigned.values(), default=0)
    (index,) = connection.execute(_RECEIPTED, (largest, SENT_KIND, RECEIPT_KIND)).fetchone()
    if index is not None:
        what = f"the one behind the receipt for entry {index} is missing"
        findings.blame(what, "the cosignatures", damage=Damage.MISSING)


def check_orphans(connection: sqlite3.Connection, entries: int, findings: Findings) -> None:
    """Every enclosure belongs to an entry."""
    row = connection.execute("SELECT idx FROM enclosure WHERE idx >= ? OR idx < 0", (entries,))
    if row.fetchone():
        findings.blame("it belongs to no entry", "an enclosure", damage=Damage.INSERTED)


def check_nodes(
    connection: sqlite3.Connection, entries: int, good: bool, findings: Findings
) -> None:
    """The stored nodes, which nothing else here relies on, are those of the tree.

    Args:
        good: Those that the entries lead to are all there; so it remains to count.
    """
    (count,) = connection.execute("SELECT count(*) FROM node").fetchone()
    if not good or count != entries - entries.bit_count():
        findings.blame("they are not those of the entries", "the stored tree nodes")


def check_witnessed(
    connection: sqlite3.Connection, parties: Parties, audit: bool, findings: Findings
) -> int:
    """Every head that we countersigned extends the one before; judge the signatures.

    Args:
        audit: Judge the signature of every one, not only of the newest of each log.
    Returns:
        How many signatures were judged.
    """
    held: dict[str, tuple[int, int]] = {}
    judged = 0
    rows = connection.execute(
        "SELECT seq, origin, old_size, size, root, note FROM witnessed ORDER BY seq"
    )
    for number, (seq, origin, old_size, size, root, note) in enumerate(rows, 1):
        what = None
        if audit:
            what = _witnessed_fault(Checkpoint(origin, size, Digest(root)), note, parties)
            judged += 1
        before = held[origin][0] if origin in held else 0
        if seq != number or old_size != before or (origin in held and size <= before):
            what = what or (Damage.MISSING, "the one before it is missing")
        if what:
            findings.blame(what[1], f"witnessed head {seq}", damage=what[0])
        held[origin] = size, seq
    if not audit:
        _judge_newest_witnessed(connection, [seq for _, seq in held.values()], parties, findings)
    return judged or len(held)


def _judge_newest_witnessed(
    connection: sqlite3.Connection, rows: Sequence[int], parties: Parties, findings: Findings
) -> None:
    for seq in rows:
        found = "SELECT origin, size, root, note FROM witnessed WHERE seq = ?"
        origin, size, root, note = connection.execute(found, (seq,)).fetchone()
        what = _witnessed_fault(Checkpoint(origin, size, Digest(root)), note, parties)
        if what:
            findings.blame(what[1], f"witnessed head {seq}", damage=what[0])


def _witnessed_fault(
    expected: Checkpoint, note: bytes, parties: Parties
) -> tuple[Damage, str] | None:
    keys: Sequence[bytes] = ()
    try:
        theirs = parse_origin(expected.origin)
        keys = parties.keys_of(theirs.station)
        found = verify_checkpoint(note, keys, parties.verifier)
    except PeerError as error:
        damage = signature_damage(note, keys, lambda name, key: key_id(name, key, ED25519))
        return damage, f"it was altered: {error}"
    same_line = (theirs.realm, theirs.line) == (parties.parsed.realm, parties.parsed.line)
    if not same_line or theirs.station not in parties.others():
        return Damage.INSERTED, "it is not of another station on this line"
    return None if found == expected else (Damage.ALTERED, "it was altered: row and note differ")


def check_lasting_of_others(
    connection: sqlite3.Connection, parties: Parties, origins: Sequence[str], findings: Findings
) -> int:
    """Judge the long-lasting signatures of other stations on heads of their own logs.

    Returns:
        How many there are.
    """
    judged = 0
    rows = "SELECT size, note FROM lasting WHERE signer = ? ORDER BY size"
    for origin in origins:
        for size, note in connection.execute(rows, (origin,)):
            judged += 1
            what = _other_lasting_fault(connection, parties, origin, size, note)
            if what:
                where = f"a long-lasting signature of {parse_origin(origin).station}"
                findings.blame(what[1], f"{where} on its head of size {size}", damage=what[0])
    return judged


def _other_lasting_fault(
    connection: sqlite3.Connection, parties: Parties, origin: str, size: int, note: bytes
) -> tuple[Damage, str] | None:
    theirs = parse_origin(origin)
    same_line = (theirs.realm, theirs.line) == (parties.parsed.realm, parties.parsed.line)
    station = theirs.station if same_line and theirs.station in parties.others() else ""
    what = lasting_fault(parties, origin, station, note)
    if what:
        return signature_damage(note, parties.lasting_keys_of(station), lasting_key_id), what
    checkpoint = parse_note(note).checkpoint
    if (checkpoint.origin, checkpoint.size) != (origin, size):
        return Damage.INSERTED, "it is of another log or size"
    seen = "SELECT root FROM witnessed WHERE origin = ? AND size = ?"
    row = connection.execute(seen, (origin, size)).fetchone()
    if row is not None and row[0] != checkpoint.root:
        return Damage.FORKED, "the station signed two heads of that size"
    return None
