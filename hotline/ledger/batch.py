"""What one append writes: drafts sealed, hashed and linked, before any row is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
from hotline.core.records.merkle import Frontier, Node, append_leaf
from hotline.core.seams import BlobSealer, Entropy
from hotline.core.values import Digest

MAX_CONTENT_BYTES = 65_536
MAX_ENCLOSURE_BYTES = 262_144
MAX_RECORD_BYTES = 131_072
SEAL_OVERHEAD_BYTES = 1_024
"""Room that a sealed blob may take beyond its plaintext."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it goes into the tables.

    Attributes:
        entry: The entry in the open, as `LedgerReader.entries` would give it back.
        sealed: Its sealed content.
        enclosure: The sealed enclosure, or None.
        public: The public record that the entry binds, or None.
    """

    entry: Entry
    sealed: bytes
    enclosure: bytes | None
    public: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one append, the nodes that they complete and the edge after them."""

    rows: tuple[Row, ...]
    nodes: tuple[Node, ...]
    frontier: Frontier
    prev: Digest


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
        rows: list[Row] = []
        nodes: list[Node] = []
        for draft in drafts:
            row = self._row(draft, frontier.size, prev)
            prev = leaf_hash(row.entry.leaf)
            frontier, completed = append_leaf(frontier, prev)
            rows.append(row)
            nodes += completed
        return Batch(tuple(rows), tuple(nodes), frontier, prev)

    def _row(self, draft: Draft, index: int, prev: Digest) -> Row:
        _check_bounds(draft)
        salt = self._entropy(SALT_BYTES)
        sealed = self._seal(draft, index, draft.kind, salt + draft.content)
        enclosure = None
        if draft.enclosure is not None:
            enclosure = self._seal(draft, index, draft.kind + ENCLOSURE_KIND, draft.enclosure)
        leaf = Leaf(
            kind=draft.kind,
            flags=_flags(draft),
            index=index,
            recorded_at_ms=draft.recorded_at_ms,
            prev=prev,
            subject=draft.subject,
            commitment=commitment(salt, draft.content),
            sealed_digest=sealed_digest(sealed, enclosure),
        )
        encoded = encode_leaf(leaf)
        entry = Entry(
            index=index,
            kind=draft.kind,
            recorded_at_ms=draft.recorded_at_ms,
            subject=draft.subject,
            content=draft.content,
            salt=salt,
            leaf=encoded,
            has_enclosure=enclosure is not None,
        )
        return Row(entry, sealed, enclosure, draft.public)

    def _seal(self, draft: Draft, index: int, kind: int, plaintext: bytes) -> bytes:
        return self._sealer.seal(self._origin, index, kind, plaintext, draft.recorded_at_ms)


def _flags(draft: Draft) -> int:
    enclosed = ENCLOSURE if draft.enclosure is not None else 0
    return enclosed | (PUBLIC if draft.public is not None else 0)


def _check_bounds(draft: Draft) -> None:
    bounds = (
        (draft.content, MAX_CONTENT_BYTES),
        (draft.enclosure or b"", MAX_ENCLOSURE_BYTES),
        (draft.public or b"", MAX_RECORD_BYTES),
    )
    for part, bound in bounds:
        if len(part) > bound:
            raise InvariantError(f"an entry's part has {len(part)} bytes, the bound is {bound}")
