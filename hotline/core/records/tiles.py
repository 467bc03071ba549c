"""C2SP tlog-tiles: the whole log as small files of 256 hashes, made as the leaves come by.

Spec: docs/ledger.md §16
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.leaf import leaf_hash
from hotline.core.records.merkle import EMPTY_ROOT, Frontier, append_leaf
from hotline.core.values import Digest

TILE_WIDTH = 256
ENTRIES = "entries"
CHECKPOINT = "checkpoint"

_LENGTH = struct.Struct(">H")


class TileFile(NamedTuple):
    """One file of the export: its path below the directory, with '/', and its bytes."""

    path: str
    content: bytes


def tile_path(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile or of an entry bundle.

    Args:
        level: 0 to 63, or ENTRIES for a bundle.
        number: Its place in the level, from 0; in groups of three digits.
        width: How many hashes or entries it has; below TILE_WIDTH it is partial.
    Spec: docs/ledger.md §16.2
    """
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def encode_bundle(leaves: list[bytes]) -> bytes:
    """Return an entry bundle: each leaf after its length as u16.

    Spec: docs/ledger.md §16.3
    """
    return b"".join(_LENGTH.pack(len(leaf)) + leaf for leaf in leaves)


def decode_bundle(encoded: bytes) -> list[bytes]:
    """Return the leaves of an entry bundle, without looking into them.

    Raises:
        PeerError: a leaf is cut off, or there are more than TILE_WIDTH.
    Spec: docs/ledger.md §16.3
    """
    leaves, at = [], 0
    while at < len(encoded):
        if len(encoded) < at + _LENGTH.size:
            raise PeerError("an entry bundle ends within a length")
        (length,) = _LENGTH.unpack_from(encoded, at)
        at += _LENGTH.size + length
        leaves.append(encoded[at - length : at])
    if at != len(encoded) or len(leaves) > TILE_WIDTH:
        raise PeerError("an entry bundle ends within a leaf, or has too many")
    return leaves


class Tiler:
    """Takes the leaves of a log in order and gives its tiles; holds one tile of each level."""

    def __init__(self) -> None:
        """Begin before the first leaf."""
        self._leaves: list[bytes] = []
        self._levels: list[list[Digest]] = [[]]
        self._full: list[int] = [0]
        self.size = 0

    def add(self, leaf: bytes) -> Iterator[TileFile]:
        """Take one encoded leaf; yield the files that it completes, lowest level first."""
        self._leaves.append(leaf)
        self.size += 1
        if len(self._leaves) == TILE_WIDTH:
            yield TileFile(tile_path(ENTRIES, self._full[0]), encode_bundle(self._leaves))
            self._leaves = []
        yield from self._add_hash(0, leaf_hash(leaf))

    def _add_hash(self, level: int, digest: Digest) -> Iterator[TileFile]:
        if level == len(self._levels):
            self._levels.append([])
            self._full.append(0)
        tile = self._levels[level]
        tile.append(digest)
        if len(tile) < TILE_WIDTH:
            return
        yield TileFile(tile_path(level, self._full[level]), b"".join(tile))
        self._full[level] += 1
        self._levels[level] = []
        yield from self._add_hash(level + 1, _fold(tile).root())

    def finish(self) -> Iterator[TileFile]:
        """Yield the partial files at the right edge."""
        if self._leaves:
            path = tile_path(ENTRIES, self._full[0], len(self._leaves))
            yield TileFile(path, encode_bundle(self._leaves))
        for level, tile in enumerate(self._levels):
            if tile:
                yield TileFile(tile_path(level, self._full[level], len(tile)), b"".join(tile))

    def root(self) -> Digest:
        """Return the root over all leaves so far.

        A tile is a complete subtree whose hashes stand for 256^level leaves each, so
        the edges of the tiles, the highest level first, are the edge of the tree.
        """
        peaks = [peak for tile in reversed(self._levels) for peak in _fold(tile).peaks]
        return Frontier(self.size, tuple(peaks)).root() if peaks else EMPTY_ROOT


def _fold(tile: list[Digest]) -> Frontier:
    """Return the edge of the tree over a tile's hashes."""
    if len(tile) > TILE_WIDTH:
        raise InvariantError(f"a tile has at most {TILE_WIDTH} hashes")
    frontier = Frontier()
    for digest in tile:
        frontier, _ = append_leaf(frontier, digest)
    return frontier
