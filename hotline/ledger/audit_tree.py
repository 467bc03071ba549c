"""Hashing a run of leaves into the tree, level by level, with as little Python as can be.

The loops over entries run inside the interpreter's C code (`struct`, `map`,
`zip`), so that a million entries cost little more than their hashes.
Spec: docs/ledger.md §6.2
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import methodcaller
from struct import Struct

from hotline.core.errors import PeerError
from hotline.core.records.leaf import LEAF_BYTES, leaf_hash
from hotline.core.records.merkle import Frontier, NodeReader, read_frontier
from hotline.core.values import Digest

PREFIXED_LEAF_BYTES = 1 + LEAF_BYTES

_RUN = 4096
_LEAVES = Struct(f"{PREFIXED_LEAF_BYTES}s")
_PAIRS = Struct("64s")
_NODES = Struct("65s")
_digest = methodcaller("digest")


@dataclass(frozen=True, slots=True)
class Growth:
    """What a run of leaves adds to a tree.

    Attributes:
        before, after: The edge before the run and after it.
        levels: For each level the place of its first node and the nodes from there,
            with the left neighbour that the first new one was joined with.
    """

    before: Frontier
    after: Frontier
    levels: tuple[tuple[int, list[Digest]], ...]

    def root_at(self, size: int) -> Digest:
        """Return the root over the first `size` leaves.

        Args:
            size: From the size before the run to the size after it.
        """
        return read_frontier(self._read, size).root()

    def _read(self, level: int, place: int) -> Digest:
        if level < len(self.levels):
            first, row = self.levels[level]
            if first <= place < first + len(row):
                return row[place - first]
        return _peaks(self.before)[level]


def digests(pieces: Sequence[bytes]) -> list[Digest]:
    """Return SHA-256 of each piece."""
    return list(map(_digest, map(hashlib.sha256, pieces)))


def prefixed(leaves: Sequence[bytes]) -> bytes:
    """Return all `leaves` (LEAF_BYTES each) in one piece, each behind its prefix 0x00."""
    return b"\0" + b"\0".join(leaves)


def leaf_hashes(joined: bytes) -> list[Digest]:
    """Return the leaf hashes of what `prefixed` returned."""
    pieces = chain.from_iterable(_LEAVES.iter_unpack(joined))
    return list(map(_digest, map(hashlib.sha256, pieces)))


def grow(edge: Frontier, hashes: list[Digest]) -> Growth:
    """Append the leaf hashes to the tree with that edge."""
    peaks, left = _peaks(edge), []
    levels: list[tuple[int, list[Digest]]] = []
    row, first, level = hashes, edge.size, 0
    while row or edge.size >> level:
        if edge.size >> level & 1:
            row, first = [peaks[level], *row], first - 1
        levels.append((first, row))
        if len(row) & 1:
            left.append(row[-1])
        row, first, level = _parents(row), first >> 1, level + 1
    return Growth(edge, Frontier(edge.size + len(hashes), tuple(reversed(left))), tuple(levels))


def _parents(row: list[Digest]) -> list[Digest]:
    """Return the hashes of the pairs in `row`; an odd one at the end has no partner yet."""
    joined = b"".join(row[: len(row) & ~1])
    pairs = b"\1" + b"\1".join(chain.from_iterable(_PAIRS.iter_unpack(joined)))
    if not joined:
        return []
    pieces = chain.from_iterable(_NODES.iter_unpack(pairs))
    return list(map(_digest, map(hashlib.sha256, pieces)))


def _peaks(edge: Frontier) -> dict[int, Digest]:
    """Return the peaks of an edge by their level."""
    levels = [level for level in range(edge.size.bit_length()) if edge.size >> level & 1]
    return dict(zip(reversed(levels), edge.peaks, strict=True))


def stored_nodes(connection: sqlite3.Connection) -> NodeReader:
    """Return a reader of the stored nodes; whoever uses one compares what follows from them.

    The reader raises PeerError where a node is not there.
    """

    def read(level: int, place: int) -> Digest:
        if level:
            found = "SELECT hash FROM node WHERE level = ? AND idx = ?"
            row = connection.execute(found, (level, place)).fetchone()
        else:
            row = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (place,)).fetchone()
        if row is None or len(row[0]) != (32 if level else LEAF_BYTES):
            raise PeerError(f"no node ({level}, {place}) is stored")
        return Digest(row[0]) if level else leaf_hash(row[0])

    return read


def roots_at(connection: sqlite3.Connection, sizes: Iterator[int]) -> Iterator[tuple[int, Digest]]:
    """Yield each of `sizes`, which must rise, that the log reaches, with the root there.

    Hashes every leaf in the file and nothing else.
    """
    edge = Frontier()
    size = next(sizes, None)
    rows = connection.execute("SELECT leaf FROM entry ORDER BY idx")
    while size is not None:
        chunk = rows.fetchmany(_RUN) if size > edge.size else []
        growth = grow(edge, digests([b"\0" + leaf for (leaf,) in chunk]))
        edge = growth.after
        while size is not None and size <= edge.size:
            if size >= growth.before.size:
                yield size, growth.root_at(size)
            size = next(sizes, None)
        if not chunk and size is not None:
            return
