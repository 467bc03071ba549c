"""The pass over all entries of a copy: hashes, links, blobs, and the heads over them.

Entry by entry the tree grows; wherever a head was signed its root is compared.
So the last good head before a bad entry says exactly what still stands.
Spec: docs/ledger.md §11.2
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.leaf import Leaf, decode_leaf, leaf_hash, sealed_digest
from hotline.core.records.merkle import Frontier, Node, append_leaf
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.ledger.batch import MAX_CONTENT_BYTES, MAX_ENCLOSURE_BYTES, SEAL_OVERHEAD_BYTES
from hotline.ledger.schema import RECEIPT_KIND, SENT_KIND
from hotline.ledger.verdict import Findings

_ROWS = """SELECT e.idx, e.kind, e.subject, e.leaf, e.sealed, x.sealed
 FROM entry e LEFT JOIN enclosure x ON x.idx = e.idx ORDER BY e.idx"""
_OVERSIZED = """SELECT min(idx) FROM (
 SELECT idx FROM entry WHERE length(sealed) > ?1 OR length(leaf) > ?1 OR length(subject) > ?1
 UNION ALL SELECT idx FROM enclosure WHERE length(sealed) > ?2)"""

MAX_NOTED_CLOCK_STEPS = 20

_BROKEN_LINK = "it does not follow the entry before it"


@dataclass(slots=True)
class EntryPass:
    """What the pass has seen so far.

    Attributes:
        heads: Stored heads by size whose signature verified, in rising order, still to come.
        wanted: Sizes whose root somebody will ask for.
        frontier: Edge of the tree over the entries seen.
        good: Size of the largest verified head whose root was reached.
        roots: Root at each size of `wanted` that was reached.
        bound: Subjects of entries that bind a public record.
        sent: Index of each StatementSent by subject.
        receipted: Subjects of ReceiptObtained.
    """

    findings: Findings
    heads: Iterator[Checkpoint]
    wanted: frozenset[int] = frozenset()
    frontier: Frontier = field(default_factory=Frontier)
    good: int = 0
    roots: dict[int, Digest] = field(default_factory=dict)
    bound: set[Digest] = field(default_factory=set)
    sent: dict[Digest, int] = field(default_factory=dict)
    receipted: set[Digest] = field(default_factory=set)
    _prev: Digest = ZERO_DIGEST
    _last_ms: int = 0
    _steps_back: int = 0
    _next: Checkpoint | None = None
    _levels: dict[int, _LevelHash] = field(default_factory=dict)

    def run(self, connection: sqlite3.Connection) -> None:
        """Go over the entries until one is bad or all are seen."""
        if self._refuses_oversized(connection):
            return
        self._next = next(self.heads, None)
        self._reach_heads()
        for index, kind, subject, encoded, sealed, enclosed in connection.execute(_ROWS):
            what = self._judge(index, kind, subject, encoded, sealed, enclosed)
            if what is not None:
                self._blame(self.frontier.size, what, encoded)
                return
            if not self._grow(encoded):
                return
        if self._next is None:
            self._check_nodes(connection)
        else:
            self._blame_cut(self._next.size)

    def _refuses_oversized(self, connection: sqlite3.Connection) -> bool:
        bounds = (
            MAX_CONTENT_BYTES + SEAL_OVERHEAD_BYTES,
            MAX_ENCLOSURE_BYTES + SEAL_OVERHEAD_BYTES,
        )
        (index,) = connection.execute(_OVERSIZED, bounds).fetchone()
        if index is not None:
            self.findings.blame("it is larger than any entry may be", f"entry {index}", index)
        return index is not None

    def _judge(
        self,
        index: int,
        kind: int,
        subject: bytes,
        encoded: bytes,
        sealed: bytes,
        enclosed: bytes | None,
    ) -> str | None:
        """Return what is wrong with the row that comes next, or None."""
        expected = self.frontier.size
        if index != expected:
            return f"it is missing; the next one in the file is entry {index}"
        try:
            leaf = decode_leaf(encoded)
        except PeerError as error:
            return f"its leaf was altered ({error})"
        if leaf.index != expected:
            return f"another entry stands in its place, number {leaf.index}"
        if leaf.prev != self._prev:
            return _BROKEN_LINK
        if (leaf.kind, leaf.subject) != (kind, subject):
            return "its kind or subject in the table is not what its leaf says"
        if leaf.has_enclosure != (enclosed is not None):
            return "its enclosure is missing" if enclosed is None else "an enclosure was added"
        if sealed_digest(sealed, enclosed) != leaf.sealed_digest:
            return "its sealed content was altered"
        self._note(leaf)
        return None

    def _note(self, leaf: Leaf) -> None:
        if leaf.recorded_at_ms < self._last_ms:
            self._note_step_back(leaf)
        self._last_ms = leaf.recorded_at_ms
        if leaf.binds_public:
            self.bound.add(leaf.subject)
        if leaf.kind == SENT_KIND:
            self.sent.setdefault(leaf.subject, leaf.index)
        elif leaf.kind == RECEIPT_KIND:
            self.receipted.add(leaf.subject)

    def _note_step_back(self, leaf: Leaf) -> None:
        self._steps_back += 1
        if self._steps_back > MAX_NOTED_CLOCK_STEPS:
            return
        step_ms = self._last_ms - leaf.recorded_at_ms
        self.findings.notes.append(
            f"the station's clock went back by {step_ms / 1000:.3f} s at entry {leaf.index}"
        )

    def _grow(self, encoded: bytes) -> bool:
        """Add the leaf to the tree; return whether the head over it, if any, agrees."""
        self._prev = leaf_hash(encoded)
        self.frontier, completed = append_leaf(self.frontier, self._prev)
        for node in completed:
            self._levels.setdefault(node.level, _LevelHash()).add(node)
        if self._reach_heads():
            return True
        index = self.frontier.size - 1
        self._blame(index, "it is not the entry that the signed head over it covers", encoded)
        return False

    def _reach_heads(self) -> bool:
        size = self.frontier.size
        if size in self.wanted:
            self.roots[size] = self.frontier.root()
        if self._next is None or self._next.size != size:
            return True
        if self._next.root != self.frontier.root():
            return False
        self.good = size
        self._next = next(self.heads, None)
        return True

    def _blame(self, index: int, what: str, encoded: bytes) -> None:
        # A broken chain is the fault of the earlier entry, unless a signed head
        # covers that one and so clears it.
        if what is _BROKEN_LINK and self.good < index:
            index, encoded = index - 1, b""
            what = "it was altered: the entry after it names another hash"
        self.findings.blame(what, f"entry {index}{_described(index, encoded)}", index)

    def _blame_cut(self, covered: int) -> None:
        size = self.frontier.size
        what = f"entries {size} to {covered - 1} are missing: a signed head covers {covered}"
        self.findings.blame(what, f"entry {size}", size)

    def _check_nodes(self, connection: sqlite3.Connection) -> None:
        """Compare the stored nodes, which nothing else here relies on, with the tree."""
        stored: dict[int, _LevelHash] = {}
        for row in connection.execute("SELECT level, idx, hash FROM node ORDER BY level, idx"):
            stored.setdefault(row[0], _LevelHash()).add(Node(*row))
        of_tree = {level: seen.digest() for level, seen in self._levels.items()}
        if {level: seen.digest() for level, seen in stored.items()} != of_tree:
            self.findings.blame("they are not those of the entries", "the stored tree nodes")


class _LevelHash:
    """Hash over all nodes of one level, so that two million are compared as one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, node: Node) -> None:
        self._hash.update(node.place.to_bytes(8, "big", signed=True) + node.digest)

    def digest(self) -> bytes:
        return self._hash.digest()


def _described(index: int, encoded: bytes) -> str:
    try:
        leaf = decode_leaf(encoded)
    except PeerError:
        return ""
    if leaf.index != index:
        return ""
    return f" (kind {leaf.kind}, recorded {format_time(leaf.recorded_at_ms)})"
