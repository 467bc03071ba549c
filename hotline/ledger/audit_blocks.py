"""The fast pass: one block of entries after another, each checked by itself.

A block tells only whether everything in it is as it should be; to name what
is not, the careful pass goes over it again (`audit_entries`).
Spec: docs/ledger.md §11.2
"""

from __future__ import annotations

import sqlite3
import struct
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import gt
from typing import Any

from hotline.core.errors import PeerError
from hotline.core.records.leaf import (
    ENCLOSURE,
    KNOWN_FLAGS,
    LEAF_BYTES,
    LEAF_VERSION,
    PUBLIC,
    leaf_hash,
)
from hotline.core.records.merkle import Frontier, read_frontier
from hotline.core.times import MAX_TIME_MS
from hotline.core.values import ZERO_DIGEST, Digest, sha256
from hotline.ledger.audit_heads import (
    FIRST_SIZE,
    LAST_SIZE,
    HeadPlan,
    HeadsFound,
    judge_heads,
)
from hotline.ledger.audit_tree import (
    Growth,
    digests,
    grow,
    leaf_hashes,
    prefixed,
    stored_nodes,
)
from hotline.ledger.batch import MAX_CONTENT_BYTES, MAX_ENCLOSURE_BYTES, SEAL_OVERHEAD_BYTES

BLOCK_ENTRIES = 8192
"""Entries of one block: what one core is given at a time, some tens of milliseconds."""
MAX_NOTED_CLOCK_STEPS = 20
MAX_BOUND = 4_097
"""Public records that entries bind, one more than a line may have."""

_CHUNK = 512
_ROWS = """SELECT idx, kind, subject, leaf, sealed FROM entry
 WHERE idx >= ? AND idx < ? ORDER BY idx"""
_ENCLOSED = "SELECT idx, sealed FROM enclosure WHERE idx >= ? AND idx < ? ORDER BY idx"
_NODES = "SELECT hash FROM node WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
_FIELDS = struct.Struct(">xBBHQQ32s32s32x32s")
_MALFORMED = (sqlite3.Error, struct.error, TypeError, ValueError, OverflowError, PeerError)


@dataclass(frozen=True, slots=True)
class Block:
    """Entries `start` to `stop` - 1, and the edge of the tree before them.

    Attributes:
        first: Nothing before it is looked at; a head of size `start` is judged with it.
        last: Nothing comes after it; heads of any larger size are judged with it.
        edge: None to take it from the stored nodes; whoever asked then compares it
            with the edge after the block before.
    """

    start: int
    stop: int
    first: bool
    last: bool
    edge: Frontier | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """Smallest and largest size of the heads that are judged with it."""
        low = self.start if self.first else self.start + 1
        return (low or FIRST_SIZE, LAST_SIZE if self.last else self.stop)


@dataclass(slots=True)
class BlockFound:
    """What one block shows.

    Attributes:
        sound: Every row, leaf, link and blob in it is right.
        before, after: The edge it began with, and the one it leads to.
        nodes_good: The stored nodes over it are those of the entries.
        steps_back: Index and milliseconds where the clock went back.
        bound: Subjects of entries that bind a public record, in the order of the first.
    """

    start: int
    stop: int
    sound: bool = False
    before: Frontier = field(default_factory=Frontier)
    after: Frontier = field(default_factory=Frontier)
    nodes_good: bool = False
    steps_back: list[tuple[int, int]] = field(default_factory=list)
    bound: dict[Digest, None] = field(default_factory=dict)
    heads: HeadsFound = field(default_factory=HeadsFound)


@dataclass(slots=True)
class _Pass:
    """Where the pass over one block is."""

    connection: sqlite3.Connection
    found: BlockFound
    at: int
    prev: Digest
    last_ms: int
    hashes: list[Digest] = field(default_factory=list)


def check_block(connection: sqlite3.Connection, block: Block, plan: HeadPlan | None) -> BlockFound:
    """Check the entries of one block, the nodes over them and the heads that end in it.

    Args:
        plan: Which heads to judge and with which keys, None for no heads at all.
    Returns:
        `sound` False whenever anything is wrong with an entry; nothing else counts then.
    """
    found = BlockFound(block.start, block.stop)
    try:
        growth = _grow(connection, block, found)
        if growth is None:
            return found
        found.before, found.after = growth.before, growth.after
        found.nodes_good = _nodes_agree(connection, growth)
    except _MALFORMED:
        return found
    found.sound = True
    if plan is not None:
        found.heads = judge_heads(connection, plan, *block.sizes, growth)
    return found


def _grow(connection: sqlite3.Connection, block: Block, found: BlockFound) -> Growth | None:
    going = _begin(connection, block, found)
    rows = connection.execute(_ROWS, (block.start, block.stop))
    while chunk := rows.fetchmany(_CHUNK):
        if not _chunk_is_sound(going, chunk):
            return None
    if going.at != block.stop:
        return None
    edge = block.edge
    if edge is None:
        edge = _stored_edge(connection, block.start)
    return grow(edge, going.hashes)


def _stored_edge(connection: sqlite3.Connection, size: int) -> Frontier:
    """Return the edge as the nodes say it; a wrong one is found by who compares it."""
    try:
        return read_frontier(stored_nodes(connection), size)
    except PeerError:
        return Frontier(size, tuple([ZERO_DIGEST] * size.bit_count()))


def _begin(connection: sqlite3.Connection, block: Block, found: BlockFound) -> _Pass:
    if not block.start:
        return _Pass(connection, found, 0, ZERO_DIGEST, 0)
    before = "SELECT leaf FROM entry WHERE idx = ?"
    (leaf,) = connection.execute(before, (block.start - 1,)).fetchone() or (b"",)
    if len(leaf) != LEAF_BYTES:
        raise PeerError("the leaf before the block is malformed")
    last_ms = int.from_bytes(leaf[12:20], "big")
    return _Pass(connection, found, block.start, leaf_hash(leaf), last_ms)


def _chunk_is_sound(going: _Pass, chunk: list[Any]) -> bool:
    """Check some rows in order and take their leaf hashes."""
    indexes, kinds, subjects, leaves, sealed = zip(*chunk, strict=True)
    expected = tuple(range(going.at, going.at + len(chunk)))
    if indexes != expected or set(map(len, leaves)) != {LEAF_BYTES}:
        return False
    joined = prefixed(leaves)
    hashes = leaf_hashes(joined)
    version, kind, flags, index, at_ms, prev, subject, sealed_digest = zip(
        *_FIELDS.iter_unpack(joined), strict=True
    )
    good = (
        (index, kind, subject) == (expected, kinds, subjects)
        and prev == (going.prev, *hashes[:-1])
        and set(version) == {LEAF_VERSION}
        and min(kind) > 0
        and max(flags) <= KNOWN_FLAGS
        and max(at_ms) <= MAX_TIME_MS
        and max(map(len, sealed)) <= MAX_CONTENT_BYTES + SEAL_OVERHEAD_BYTES
        and sealed_digest == _sealed_digests(going, expected, flags, sealed)
    )
    if not good:
        return False
    _note(going, expected, flags, at_ms, subject)
    going.hashes += hashes
    going.at, going.prev, going.last_ms = expected[-1] + 1, hashes[-1], at_ms[-1]
    return True


def _sealed_digests(
    going: _Pass, indexes: tuple[int, ...], flags: tuple[int, ...], sealed: tuple[bytes, ...]
) -> tuple[Digest, ...] | None:
    """Return what the leaves must say of the blobs; None when enclosure and flag differ."""
    found = digests(sealed)
    flagged = list(compress(indexes, map(ENCLOSURE.__and__, flags)))
    seen = []
    bound = MAX_ENCLOSURE_BYTES + SEAL_OVERHEAD_BYTES
    rows = going.connection.execute(_ENCLOSED, (indexes[0], indexes[-1] + 1))
    for index, enclosed in rows:
        if len(enclosed) > bound:
            return None
        place = index - indexes[0]
        found[place] = sha256(found[place] + sha256(enclosed))
        seen.append(index)
    return tuple(found) if seen == flagged else None


def _note(
    going: _Pass,
    indexes: tuple[int, ...],
    flags: tuple[int, ...],
    at_ms: tuple[int, ...],
    subjects: tuple[Digest, ...],
) -> None:
    """Keep what later checks ask for: bindings, and where the clock went back."""
    bound = going.found.bound
    if max(flags) >= PUBLIC and len(bound) < MAX_BOUND:
        bound.update(dict.fromkeys(compress(subjects, map(PUBLIC.__and__, flags))))
    earlier = (going.last_ms, *at_ms[:-1])
    if any(map(gt, earlier, at_ms)) and len(going.found.steps_back) <= MAX_NOTED_CLOCK_STEPS:
        steps = zip(indexes, earlier, at_ms, strict=True)
        going.found.steps_back += [(i, was - now) for i, was, now in steps if was > now]


def _nodes_agree(connection: sqlite3.Connection, growth: Growth) -> bool:
    """Return whether the stored nodes that the block completed are those of its entries."""
    for level, (first, row) in enumerate(growth.levels[1:], 1):
        held = growth.before.size >> level
        new = row[held - first :]
        stored = connection.execute(_NODES, (level, held, first + len(row)))
        if list(chain.from_iterable(stored)) != new:
            return False
    return True
