"""The RFC 6962 tree: an append that keeps its right edge, and both kinds of proof.

Positions are (level, index): level 0 holds leaf hashes, a node of level n at
index i covers the 2^n leaves from i·2^n. Only complete subtrees have a node;
ragged right ends are folded when they are asked for.
Spec: docs/ledger.md §6
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hotline.core.errors import InvariantError
from hotline.core.values import DIGEST_BYTES, Digest, sha256

MAX_PROOF_NODES = 128
EMPTY_ROOT = sha256(b"")

NodeReader = Callable[[int, int], Digest]
"""Returns the hash at (level, index) of a complete subtree."""

_NODE_PREFIX = b"\x01"


class Node(NamedTuple):
    """Root of one complete subtree."""

    level: int
    place: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all it takes to append and to know the root.

    Attributes:
        size: Number of leaves.
        peaks: Roots of the complete subtrees, the largest first; one per set bit of `size`.
    """

    size: int = 0
    peaks: tuple[Digest, ...] = ()

    def root(self) -> Digest:
        """Return the RFC 6962 root, EMPTY_ROOT for no leaves."""
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT


def node_hash(left: bytes, right: bytes) -> Digest:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return Digest(hashlib.sha256(_NODE_PREFIX + left + right).digest())


def append_leaf(frontier: Frontier, digest: Digest) -> tuple[Frontier, list[Node]]:
    """Append the leaf hash `digest`; return the new edge and the nodes that became complete.

    The nodes are those above level 0, lowest first; on average one per leaf.
    Spec: docs/ledger.md §6.2
    """
    peaks = list(frontier.peaks)
    completed = grow(peaks, frontier.size, digest)
    return Frontier(frontier.size + 1, tuple(peaks)), completed


def grow(peaks: list[Digest], size: int, digest: Digest) -> list[Node]:
    """Append the leaf hash `digest` to the edge `peaks` of `size` leaves, in place.

    Returns:
        As `append_leaf`, for whoever appends many leaves and wants one new edge.
    """
    completed: list[Node] = []
    level, index = 0, size
    while index & 1:
        digest = node_hash(peaks.pop(), digest)
        level, index = level + 1, index >> 1
        completed.append(Node(level, index, digest))
    peaks.append(digest)
    return completed


def root_of(leaf_hashes: Iterable[Digest]) -> Digest:
    """Return the root over `leaf_hashes`."""
    frontier = Frontier()
    for digest in leaf_hashes:
        frontier, _ = append_leaf(frontier, digest)
    return frontier.root()


def read_frontier(read: NodeReader, size: int) -> Frontier:
    """Return the edge of the first `size` leaves from stored nodes."""
    return Frontier(size, tuple(read(level, index) for level, index in _cover(0, size)))


def climb(read: NodeReader, node: Node, size: int) -> tuple[int, Digest]:
    """Return the number of the peak above `node` in a tree of `size`, and the hash it implies.

    Whoever compares that hash with the peak knows that the subtree is in the tree.
    """
    level, index, digest = node
    positions = list(_cover(0, size))
    while (level, index) not in positions:
        if index << level >= size:
            raise InvariantError(f"no node ({node.level}, {node.place}) in a tree of {size}")
        sibling = read(level, index ^ 1)
        digest = node_hash(sibling, digest) if index & 1 else node_hash(digest, sibling)
        level, index = level + 1, index >> 1
    return positions.index((level, index)), digest


def prove_inclusion(read: NodeReader, index: int, size: int) -> list[Digest]:
    """Return the RFC 6962 audit path of leaf `index` in the tree of the first `size` leaves.

    Raises:
        InvariantError: not 0 <= index < size.
    Spec: docs/ledger.md §6.3
    """
    if not 0 <= index < size:
        raise InvariantError(f"no leaf {index} in a tree of {size}")
    path: list[Digest] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_root(read, middle, stop))
            stop = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    return path[::-1]


def check_inclusion(
    leaf: Digest, index: int, size: int, root: Digest, proof: Sequence[bytes]
) -> bool:
    """Return whether `proof` shows that leaf hash `leaf` is at `index` under `root`.

    Spec: docs/ledger.md §6.3
    """
    if not 0 <= index < size or not _plausible(proof):
        return False
    place, last, digest = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            digest = node_hash(sibling, digest)
            place, last = _skip_missing(place, last)
        else:
            digest = node_hash(digest, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and digest == root


def prove_consistency(read: NodeReader, old: int, new: int) -> list[Digest]:
    """Return the RFC 6962 proof that the first `old` leaves are a prefix of the first `new`.

    Empty for `old` 0 and for `old` == `new`.
    Raises:
        InvariantError: not 0 <= old <= new.
    Spec: docs/ledger.md §6.4
    """
    if not 0 <= old <= new:
        raise InvariantError(f"a tree of {new} has no prefix of {old}")
    path: list[Digest] = []
    if old in (0, new):
        return path
    start, stop = 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_range_root(read, middle, stop))
            stop = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    if start:
        path.append(_range_root(read, start, stop))
    return path[::-1]


def check_consistency(
    old: int, new: int, old_root: Digest, new_root: Digest, proof: Sequence[bytes]
) -> bool:
    """Return whether `proof` shows that the tree of `new` leaves extends the one of `old`.

    Spec: docs/ledger.md §6.4
    """
    if not 0 <= old <= new or not _plausible(proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    # A prefix that is one complete subtree needs no hash of its own in the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return bool(path) and _roots_follow(old, new, path) == (old_root, new_root)


def _roots_follow(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return both roots that `path` leads to, or None where it has the wrong length."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_digest = new_digest = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old_digest, new_digest = node_hash(sibling, old_digest), node_hash(sibling, new_digest)
            place, last = _skip_missing(place, last)
        else:
            new_digest = node_hash(new_digest, sibling)
        place, last = place >> 1, last >> 1
    return (old_digest, new_digest) if last == 0 else None


def _skip_missing(place: int, last: int) -> tuple[int, int]:
    """Pass the levels at which the right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _plausible(proof: Sequence[bytes]) -> bool:
    return len(proof) <= MAX_PROOF_NODES and all(len(node) == DIGEST_BYTES for node in proof)


def _split(size: int) -> int:
    """Return the largest power of two below `size` (>= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _cover(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield (level, index) of the complete subtrees of [start, stop), the largest first.

    `start` is a multiple of a power of two that is no smaller than the length.
    """
    while start < stop:
        level = (stop - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _range_root(read: NodeReader, start: int, stop: int) -> Digest:
    return _fold([read(level, index) for level, index in _cover(start, stop)])


def _fold(peaks: Sequence[Digest]) -> Digest:
    digest = peaks[-1]
    for peak in reversed(peaks[:-1]):
        digest = node_hash(peak, digest)
    return digest
