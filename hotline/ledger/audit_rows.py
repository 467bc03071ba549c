"""What stands beside the log: heads, public records, cosignatures, witnessed heads.

Nothing unknown, unsigned or trailing passes.
Spec: docs/ledger.md §11.3
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hotline.core.errors import HotlineError, PeerError
from hotline.core.records.checkpoint import (
    Checkpoint,
    Origin,
    parse_note,
    parse_origin,
    verify_checkpoint,
    verify_cosignature,
)
from hotline.core.seams import IdentifyLedger, LedgerIdentity, Verifier
from hotline.core.values import Digest
from hotline.ledger.public import record_digest
from hotline.ledger.verdict import Findings


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose ledger it is and whose keys may sign what."""

    origin: str
    parsed: Origin
    identity: LedgerIdentity
    verifier: Verifier

    def keys_of(self, station: str) -> Sequence[bytes]:
        """Return the certified ledger keys of a member, none for a stranger."""
        return self.identity.ledger_keys.get(station, ())

    def others(self) -> list[str]:
        """Return the members that are not the ledger's own station."""
        return [name for name in self.identity.members if name != self.parsed.station]

    def witness_name(self, station: str) -> str:
        """Return the cosignature key name of a member on this line."""
        return f"hotline/{self.parsed.realm}/{self.parsed.line}/{station}"


def read_origin(connection: sqlite3.Connection) -> str:
    """Return the origin that the newest head names.

    Raises:
        PeerError: no head, or it cannot be read.
    """
    row = connection.execute("SELECT note FROM head ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        raise PeerError("the ledger has no head")
    return parse_note(row[0]).checkpoint.origin


def establish(
    connection: sqlite3.Connection, identify: IdentifyLedger, verifier: Verifier, findings: Findings
) -> Parties | None:
    """Read origin and public records; return the parties, or None with the faults found."""
    records = [bytes(row[0]) for row in connection.execute("SELECT bytes FROM public ORDER BY seq")]
    try:
        identity = identify(records)
    except HotlineError as error:
        findings.blame(f"they do not verify: {error}", "the public records")
        return None
    try:
        origin = read_origin(connection)
        parsed = parse_origin(origin)
    except PeerError as error:
        findings.blame(f"it cannot be read: {error}", "the newest head")
        return None
    ours = (identity.realm, identity.line.hex())
    if (parsed.realm, parsed.line) != ours or parsed.station not in identity.members:
        findings.blame(
            "it names another line, realm or station than the charter", "the newest head"
        )
        return None
    return Parties(origin, parsed, identity, verifier)


def good_heads(
    connection: sqlite3.Connection, parties: Parties, findings: Findings
) -> Iterator[Checkpoint]:
    """Yield the stored heads that are of this log and signed by its key; blame the others."""
    keys = parties.keys_of(parties.parsed.station)
    for size, note in connection.execute("SELECT size, note FROM head ORDER BY size"):
        try:
            checkpoint = verify_checkpoint(note, keys, parties.verifier)
        except PeerError as error:
            findings.blame(f"it was altered: {error}", f"the head of size {size}")
            continue
        if (checkpoint.size, checkpoint.origin) != (size, parties.origin):
            findings.blame("it is of another log or size", f"the head of size {size}")
            continue
        yield checkpoint


def check_newest(connection: sqlite3.Connection, entries: int, good: int, found: Findings) -> None:
    """Blame entries that no head covers; called when no entry is bad."""
    (size,) = connection.execute("SELECT coalesce(max(size), 0) FROM head").fetchone()
    if good < entries:
        what = f"entries {good} to {entries - 1} are not covered by any signed head"
        found.blame(what, f"entry {good}", good)
    elif size > entries:
        what = f"entries {entries} to {size - 1} are missing: a head covers {size}"
        found.blame(what, f"entry {entries}", entries)


def check_public(
    connection: sqlite3.Connection, parties: Parties, bound: set[Digest], findings: Findings
) -> None:
    """Every record is accepted and bound by an entry; every binding has its record."""
    found: set[Digest] = set()
    rows = connection.execute("SELECT seq, digest, bytes FROM public ORDER BY seq")
    for number, (seq, digest, record) in enumerate(rows, 1):
        what = _public_fault(digest, record, parties, bound)
        if seq != number:
            what = "a record before it is missing"
        if what:
            findings.blame(what, f"public record {seq}")
        found.add(Digest(digest))
    missing = bound - found
    if missing:
        what = f"{len(missing)} that entries bind are missing"
        findings.blame(what, "the public records")


def _public_fault(digest: bytes, record: bytes, parties: Parties, bound: set[Digest]) -> str | None:
    try:
        computed = record_digest(record)
    except PeerError as error:
        return f"it was altered: {error}"
    if computed != digest:
        return "it is not the record whose digest it stands under"
    if computed not in parties.identity.record_digests:
        return "it is not one that this line rests on"
    return None if computed in bound else "no entry binds it"


def cosigned_sizes(connection: sqlite3.Connection) -> frozenset[int]:
    """Return the sizes at which cosignatures need a root."""
    return frozenset(row[0] for row in connection.execute("SELECT size FROM cosignature"))


def check_cosignatures(
    connection: sqlite3.Connection, parties: Parties, roots: dict[int, Digest], findings: Findings
) -> dict[str, int]:
    """Check every cosignature; return for each witness the size it countersigned up to."""
    names = {parties.witness_name(name): name for name in parties.others()}
    largest: dict[str, int] = {}
    rows = connection.execute("SELECT signer, size, note FROM cosignature ORDER BY signer, size")
    for signer, size, note in rows:
        keys = parties.keys_of(names.get(signer, ""))
        try:
            checkpoint = verify_cosignature(note, signer, keys, parties.verifier).checkpoint
        except PeerError as error:
            findings.blame(f"it was altered: {error}", f"a cosignature on the head of size {size}")
            continue
        if checkpoint != Checkpoint(parties.origin, size, roots.get(size, Digest(b""))):
            what = "the witness saw another log than this one"
            findings.blame(what, f"a cosignature on the head of size {size}")
            continue
        largest[signer] = size
    return largest


def check_receipts(
    sent: dict[Digest, int], receipted: set[Digest], cosigned: dict[str, int], findings: Findings
) -> None:
    """A receipt was obtained: so a cosignature on a head over the statement must be here."""
    indexes = [sent[subject] for subject in receipted if subject in sent]
    largest = max(cosigned.values(), default=0)
    if indexes and largest <= max(indexes):
        what = f"the one behind the receipt for entry {max(indexes)} is missing"
        findings.blame(what, "the cosignatures")


def check_witnessed(connection: sqlite3.Connection, parties: Parties, findings: Findings) -> None:
    """Every head that we countersigned is its station's, and each extends the one before."""
    held: dict[str, int] = {}
    rows = connection.execute(
        "SELECT seq, origin, old_size, size, root, note FROM witnessed ORDER BY seq"
    )
    for number, (seq, origin, old_size, size, root, note) in enumerate(rows, 1):
        what = _witnessed_fault(Checkpoint(origin, size, Digest(root)), note, parties)
        if seq != number or old_size != held.get(origin, 0):
            what = what or "the one before it is missing"
        if what:
            findings.blame(what, f"witnessed head {seq}")
        held[origin] = size


def _witnessed_fault(expected: Checkpoint, note: bytes, parties: Parties) -> str | None:
    try:
        theirs = parse_origin(expected.origin)
        found = verify_checkpoint(note, parties.keys_of(theirs.station), parties.verifier)
    except PeerError as error:
        return f"it was altered: {error}"
    same_line = (theirs.realm, theirs.line) == (parties.parsed.realm, parties.parsed.line)
    if not same_line or theirs.station not in parties.others():
        return "it is not of another station on this line"
    return None if found == expected else "it was altered: row and note differ"
