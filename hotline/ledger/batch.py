"""What one append writes: drafts sealed, hashed and linked, before any row is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from hotline.core.errors import InvariantError
from hotline.core.records.entry import Draft, Entry
from hotline.core.records.leaf import (
    ENCLOSURE,
    ENCLOSURE_KIND,
    PUBLIC,
    SALT_BYTES,
    Leaf,
    commitment,
    encode_leaf,
    leaf_hash,
    sealed_digest,
)
from hotline.core.records.merkle import Frontier, Node, grow
from hotline.core.seams import BlobSealer, Entropy
from hotline.core.values import Digest

MAX_CONTENT_BYTES = 65_536
MAX_ENCLOSURE_BYTES = 262_144
MAX_RECORD_BYTES = 131_072
SEAL_OVERHEAD_BYTES = 1_024
"""Room that a sealed blob may take beyond its plaintext."""


class Written(NamedTuple):
    """An entry as it is written, and what it was made of.

    Attributes:
        place: Its index in the log.
        leaf: The encoded leaf; `leaf_hash` is its hash.
        sealed: The sealed content.
    """

    draft: Draft
    place: int
    salt: bytes
    leaf: bytes
    sealed: bytes
    leaf_hash: Digest

    def entry(self) -> Entry:
        """Return the entry as `LedgerReader.entries` would read it from the disk."""
        draft = self.draft
        return Entry(
            index=self.place,
            kind=draft.kind,
            recorded_at_ms=draft.recorded_at_ms,
            subject=draft.subject,
            content=draft.content,
            salt=self.salt,
            leaf=self.leaf,
            has_enclosure=draft.enclosure is not None,
        )


@dataclass(slots=True)
class Batch:
    """The rows of one append and the edge of the tree after them.

    Attributes:
        frontier: The edge after the last entry.
        prev: Hash of the last leaf, zeros when there is none.
        entries: What was made, in order.
        enclosures: (index, sealed enclosure) of those that have one.
        publics: (digest, record) of those that bind one.
        nodes: Nodes above level 0 that became complete.
    """

    frontier: Frontier
    prev: Digest
    entries: list[Written] = field(default_factory=list)
    enclosures: list[tuple[int, bytes]] = field(default_factory=list)
    publics: list[tuple[Digest, bytes]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


class Composer:
    """Turns drafts into rows for one ledger."""

    def __init__(self, origin: str, sealer: BlobSealer, entropy: Entropy) -> None:
        self._origin = origin
        self._sealer = sealer
        self._entropy = entropy

    def compose(self, drafts: Iterable[Draft], frontier: Frontier, prev: Digest) -> Batch:
        """Seal and link `drafts` onto `frontier`.

        Args:
            drafts: In the order in which they are recorded.
            frontier: Edge of the tree so far.
            prev: Hash of the last leaf, zeros when there is none.
        Raises:
            InvariantError: a draft is over a bound.
        """
        batch = Batch(frontier, prev)
        index, peaks = frontier.size, list(frontier.peaks)
        for draft in drafts:
            written = self._write(draft, index, batch)
            batch.entries.append(written)
            batch.prev = written.leaf_hash
            batch.nodes += grow(peaks, index, written.leaf_hash)
            index += 1
        batch.frontier = Frontier(index, tuple(peaks))
        return batch

    def _write(self, draft: Draft, index: int, batch: Batch) -> Written:
        _check_bounds(draft)
        content, salt = draft.content, self._entropy(SALT_BYTES)
        sealed = self._seal(draft, index, draft.kind, salt + content)
        flags, enclosure = 0, None
        if draft.enclosure is not None:
            flags = ENCLOSURE
            enclosure = self._seal(draft, index, draft.kind + ENCLOSURE_KIND, draft.enclosure)
            batch.enclosures.append((index, enclosure))
        if draft.public is not None:
            flags |= PUBLIC
            batch.publics.append((draft.subject, draft.public))
        leaf = encode_leaf(
            Leaf(
                draft.kind,
                flags,
                index,
                draft.recorded_at_ms,
                batch.prev,
                draft.subject,
                commitment(salt, content),
                sealed_digest(sealed, enclosure),
            )
        )
        return Written(draft, index, salt, leaf, sealed, leaf_hash(leaf))

    def _seal(self, draft: Draft, index: int, kind: int, plaintext: bytes) -> bytes:
        return self._sealer.seal(self._origin, index, kind, plaintext, draft.recorded_at_ms)


def _check_bounds(draft: Draft) -> None:
    _check_bound(draft.content, MAX_CONTENT_BYTES)
    if draft.enclosure is not None:
        _check_bound(draft.enclosure, MAX_ENCLOSURE_BYTES)
    if draft.public is not None:
        _check_bound(draft.public, MAX_RECORD_BYTES)


def _check_bound(part: bytes, bound: int) -> None:
    if len(part) > bound:
        raise InvariantError(f"an entry's part has {len(part)} bytes, the bound is {bound}")
