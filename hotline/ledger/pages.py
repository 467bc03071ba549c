"""Leaves and nodes off the disk, and the newest head: each checked before it is believed.

An aligned page of leaves is one node of the tree. It is hashed when it is read
and followed up to a peak of the edge, whose root is signed: so the last page of
a long ledger costs what the last page of a short one costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotline.core.errors import IntegrityError, InvariantError, PeerError
from hotline.core.records.checkpoint import Checkpoint, parse_note
from hotline.core.records.leaf import LEAF_BYTES, leaf_hash
from hotline.core.records.merkle import Frontier, Node, append_leaf, climb, read_frontier
from hotline.core.values import DIGEST_BYTES, Digest
from hotline.ledger.handle import Handle, blob

PAGE_LEVEL = 8
PAGE_ENTRIES = 1 << PAGE_LEVEL

_PAGE = "SELECT leaf FROM entry WHERE idx BETWEEN ? AND ? ORDER BY idx"
_NEWEST = "SELECT size, note FROM head ORDER BY size DESC LIMIT 1"


def read_node(file: Handle, level: int, place: int) -> Digest:
    """Return the hash at (level, place); level 0 is hashed from the leaf itself."""
    if level == 0:
        (leaf,) = file.must("SELECT leaf FROM entry WHERE idx = ?", place)
        if len(blob(leaf)) != LEAF_BYTES:
            raise IntegrityError(f"the leaf of entry {place} was altered")
        return leaf_hash(leaf)
    (digest,) = file.must("SELECT hash FROM node WHERE level = ? AND idx = ?", level, place)
    if len(blob(digest)) != DIGEST_BYTES:
        raise IntegrityError("a stored node was altered")
    return Digest(digest)


def read_newest_head(file: Handle) -> tuple[bytes, Checkpoint]:
    """Return the newest head's note and, not verified, what it says.

    Raises:
        IntegrityError: there is none, or it is not in the row where it belongs.
    """
    size, note = file.must(_NEWEST)
    try:
        checkpoint = parse_note(blob(note)).checkpoint
    except PeerError as error:
        raise IntegrityError("the newest head of the ledger was altered") from error
    if checkpoint.size != size:
        raise IntegrityError("the newest head of the ledger is not of its size")
    return note, checkpoint


def read_edge(file: Handle, checkpoint: Checkpoint) -> Frontier:
    """Return the edge of the stored tree, if it has the root of `checkpoint`.

    Raises:
        IntegrityError: entries are missing or added, or nodes or last leaves altered.
    Spec: docs/ledger.md §9.6
    """
    (size,) = file.must("SELECT coalesce(max(idx) + 1, 0) FROM entry")
    if size != checkpoint.size:
        raise IntegrityError(
            f"the ledger holds {size} entries but its newest head covers {checkpoint.size}"
        )
    frontier = read_frontier(lambda level, place: read_node(file, level, place), size)
    if frontier.root() != checkpoint.root:
        raise IntegrityError("the ledger's tree does not have the root that was signed")
    if size:
        _read_page(file, frontier, (size - 1) >> PAGE_LEVEL)
    return frontier


def read_leaf(file: Handle, frontier: Frontier, index: int) -> bytes:
    """Return one encoded leaf after following it up to the edge.

    Raises:
        IntegrityError: it does not fit the root.
    """
    (leaf,) = file.must("SELECT leaf FROM entry WHERE idx = ?", index)
    if len(blob(leaf)) != LEAF_BYTES or not _is_under(
        file, frontier, Node(0, index, leaf_hash(leaf))
    ):
        raise IntegrityError(f"entry {index} does not fit the signed head")
    return blob(leaf)


def _is_under(file: Handle, frontier: Frontier, node: Node) -> bool:
    number, digest = climb(lambda level, place: read_node(file, level, place), node, frontier.size)
    return digest == frontier.peaks[number]


def read_leaves(file: Handle, frontier: Frontier, start: int, stop: int) -> Iterator[bytes]:
    """Yield the encoded leaves of [start, stop), cut at the edge's size, page by page.

    Raises:
        InvariantError: `start` is negative.
        IntegrityError: a page does not fit the root.
    """
    if start < 0:
        raise InvariantError("entries are counted from 0")
    stop = min(stop, frontier.size)
    if stop - start == 1:
        yield read_leaf(file, frontier, start)
        return
    while start < stop:
        page = start >> PAGE_LEVEL
        first = page << PAGE_LEVEL
        leaves = _read_page(file, frontier, page)
        yield from leaves[start - first : stop - first]
        start = first + PAGE_ENTRIES


def _read_page(file: Handle, frontier: Frontier, page: int) -> Sequence[bytes]:
    first = page << PAGE_LEVEL
    last = min(first + PAGE_ENTRIES, frontier.size) - 1
    with file.reading() as connection:
        leaves = [blob(leaf) for (leaf,) in connection.execute(_PAGE, (first, last))]
        if not _fits(file, frontier, page, leaves):
            raise IntegrityError(f"entries {first} to {last} do not fit the signed head")
    return leaves


def _fits(file: Handle, frontier: Frontier, page: int, leaves: Sequence[bytes]) -> bool:
    expected = min(frontier.size - (page << PAGE_LEVEL), PAGE_ENTRIES)
    if len(leaves) != expected or any(len(leaf) != LEAF_BYTES for leaf in leaves):
        return False
    edge = Frontier()
    for leaf in leaves:
        edge, _ = append_leaf(edge, leaf_hash(leaf))
    if expected < PAGE_ENTRIES:
        return edge.peaks == frontier.peaks[-len(edge.peaks) :]
    return _is_under(file, frontier, Node(PAGE_LEVEL, page, edge.peaks[0]))
