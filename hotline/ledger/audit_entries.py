"""The careful pass: entry by entry, to name the first bad one and what happened to it.

It begins where the fast pass found something wrong. The tree grows with each
entry; wherever a head was signed its root is compared. So the last good head
before a bad entry says exactly what still stands.
Spec: docs/ledger.md §11.2
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.leaf import Leaf, decode_leaf, leaf_hash, sealed_digest
from hotline.core.records.merkle import Frontier, append_leaf
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.ledger.batch import MAX_CONTENT_BYTES, MAX_ENCLOSURE_BYTES, SEAL_OVERHEAD_BYTES
from hotline.ledger.snapshot import blames_file, limited_rows
from hotline.ledger.verdict import Damage, Findings

_ROWS = """SELECT e.idx, e.kind, e.subject, e.leaf, e.sealed, x.sealed
 FROM entry e LEFT JOIN enclosure x ON x.idx = e.idx WHERE e.idx >= ? ORDER BY e.idx"""
# Rows before the first entry are looked for, too, unless the pass begins in the middle.
_BEFORE_ALL = -(2**63)

_Wrong = tuple[Damage, str]

_OVERSIZED = (Damage.OVERSIZED, "it is larger than any entry may be")
_BROKEN_LINK = (Damage.ALTERED, "it does not follow the entry before it")


@dataclass(slots=True)
class EntryPass:
    """What the pass has seen so far.

    Attributes:
        heads: Stored heads by size whose signature verified, in rising order, still to come.
        frontier: Edge of the tree over the entries seen.
        good: Size of the largest verified head whose root was reached.
        prev: Leaf hash of the entry before.
    """

    findings: Findings
    heads: Iterator[Checkpoint]
    frontier: Frontier = field(default_factory=Frontier)
    good: int = 0
    prev: Digest = ZERO_DIGEST
    _next: Checkpoint | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Go over the entries until one is bad or all are seen."""
        try:
            with limited_rows(connection):
                self._run(connection)
        except sqlite3.DatabaseError as error:
            if not blames_file(error):
                raise
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_TOOBIG:
                self._blame(self.frontier.size, _OVERSIZED, b"")
                return
            damage = (Damage.DAMAGED_FILE, "it cannot be read: the file is damaged there")
            self._blame(self.frontier.size, damage, b"")

    def _run(self, connection: sqlite3.Connection) -> None:
        self._next = next(self.heads, None)
        self._reach_heads()
        start = self.frontier.size or _BEFORE_ALL
        for row in connection.execute(_ROWS, (start,)):
            wrong = self._judge(*row)
            if wrong is not None:
                self._blame(self.frontier.size, wrong, b"" if wrong is _OVERSIZED else row[3])
                return
            if not self._grow(row[3]):
                return
        if self._next is not None:
            self._blame_cut(self._next.size)

    def _judge(
        self,
        index: int,
        kind: int,
        subject: bytes,
        encoded: bytes,
        sealed: bytes,
        enclosed: bytes | None,
    ) -> _Wrong | None:
        """Return what is wrong with the row that comes next, or None."""
        expected = self.frontier.size
        if index != expected:
            what = f"it is missing; the next one in the file is entry {index}"
            return (Damage.MISSING if index > expected else Damage.INSERTED), what
        if not all(isinstance(blob, bytes) for blob in (subject, encoded, sealed, enclosed or b"")):
            return Damage.DAMAGED_FILE, "its row is damaged"
        if _is_oversized(sealed, enclosed):
            return _OVERSIZED
        try:
            leaf = decode_leaf(encoded)
        except PeerError as error:
            return Damage.ALTERED, f"its leaf was altered ({error})"
        if leaf.index != expected:
            what = f"another entry stands in its place, number {leaf.index}"
            return Damage.REORDERED, what
        if leaf.prev != self.prev:
            return _BROKEN_LINK
        return _judge_row(leaf, kind, subject, sealed, enclosed)

    def _grow(self, encoded: bytes) -> bool:
        """Add the leaf to the tree; return whether the head over it, if any, agrees."""
        self.prev = leaf_hash(encoded)
        self.frontier, _ = append_leaf(self.frontier, self.prev)
        if self._reach_heads():
            return True
        what = "it is not the entry that the signed head over it covers"
        self._blame(self.frontier.size - 1, (Damage.REWRITTEN, what), encoded)
        return False

    def _reach_heads(self) -> bool:
        if self._next is None or self._next.size != self.frontier.size:
            return True
        if self._next.root != self.frontier.root():
            return False
        self.good = self.frontier.size
        self._next = next(self.heads, None)
        return True

    def _blame(self, index: int, wrong: _Wrong, encoded: bytes) -> None:
        damage, what = wrong
        # A broken chain is the fault of the earlier entry, unless a signed head
        # covers that one and so clears it.
        if wrong is _BROKEN_LINK and self.good < index:
            index, encoded = index - 1, b""
            what = "it was altered: the entry after it names another hash"
        self.findings.blame(what, f"entry {index}{_described(index, encoded)}", index, damage)

    def _blame_cut(self, covered: int) -> None:
        size = self.frontier.size
        what = f"entries {size} to {covered - 1} are missing: a signed head covers {covered}"
        self.findings.blame(what, f"entry {size}", size, Damage.CUT)


def _is_oversized(sealed: bytes, enclosed: bytes | None) -> bool:
    content, enclosure = MAX_CONTENT_BYTES, MAX_ENCLOSURE_BYTES
    most = content + SEAL_OVERHEAD_BYTES, enclosure + SEAL_OVERHEAD_BYTES
    return len(sealed) > most[0] or len(enclosed or b"") > most[1]


def _judge_row(
    leaf: Leaf, kind: int, subject: bytes, sealed: bytes, enclosed: bytes | None
) -> _Wrong | None:
    """Return how a row differs from what its leaf says, or None."""
    if (leaf.kind, leaf.subject) != (kind, subject):
        return Damage.ALTERED, "its kind or subject in the table is not what its leaf says"
    if leaf.has_enclosure and enclosed is None:
        return Damage.MISSING, "its enclosure is missing"
    if enclosed is not None and not leaf.has_enclosure:
        return Damage.INSERTED, "an enclosure was added"
    if sealed_digest(sealed, enclosed) != leaf.sealed_digest:
        return Damage.ALTERED, "its sealed content was altered"
    return None


def _described(index: int, encoded: bytes) -> str:
    try:
        leaf = decode_leaf(encoded)
    except (PeerError, TypeError):
        return ""
    if leaf.index != index:
        return ""
    return f" (kind {leaf.kind}, recorded {format_time(leaf.recorded_at_ms)})"
