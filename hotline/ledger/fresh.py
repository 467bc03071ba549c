"""What was written last, kept in memory: receipts and proofs want it next.

It comes from the writer and not from the disk, so there is nothing to check.
"""

from __future__ import annotations

from collections import deque

from hotline.core.records.entry import Entry
from hotline.core.values import Digest
from hotline.ledger.batch import Batch, Written

MAX_FRESH_NODES = 16_384
MAX_FRESH_ENTRIES = 256
"""The rest is read from the disk."""


class Fresh:
    """The newest entries, at most MAX_FRESH_ENTRIES, and hashes of the tree."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[int, int], Digest] = {}
        self._written: deque[Written] = deque(maxlen=MAX_FRESH_ENTRIES)

    def remember(self, batch: Batch) -> None:
        """Keep what a durable batch holds."""
        nodes = self._nodes
        if len(nodes) > MAX_FRESH_NODES:
            nodes.clear()
        for level, place, digest in batch.nodes:
            nodes[level, place] = digest
        for written in batch.entries:
            nodes[0, written.place] = written.leaf_hash
        self._written.extend(batch.entries)

    def entry(self, index: int) -> Entry | None:
        """Return entry `index` if it is one of the newest."""
        written = self._written
        try:
            place = index - written[0].place
            found = written[place] if place >= 0 else None
        except IndexError:
            return None
        # The writer may have pushed the oldest out meanwhile: then another stands there.
        return found.entry() if found and found.place == index else None

    def node(self, level: int, place: int) -> Digest | None:
        """Return the hash at (level, place) if it is known."""
        return self._nodes.get((level, place))
