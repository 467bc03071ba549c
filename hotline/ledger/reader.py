"""Reading a ledger: entries checked against its root, proofs, and what stands beside the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotline.core.errors import (
    ErasedContentError,
    IntegrityError,
    InvariantError,
    MissingKeyError,
    PeerError,
)
from hotline.core.records.checkpoint import Checkpoint, Cosignature, parse_cosignature
from hotline.core.records.entry import Entry, Erased
from hotline.core.records.lasting import LastingHead, parse_lasting
from hotline.core.records.leaf import (
    ENCLOSURE_KIND,
    SALT_BYTES,
    Leaf,
    commitment,
    decode_leaf,
    sealed_digest,
)
from hotline.core.records.merkle import (
    Frontier,
    prove_consistency,
    prove_inclusion,
    read_frontier,
)
from hotline.core.records.witness import WitnessedHead
from hotline.core.seams import BlobSealer
from hotline.core.values import Digest
from hotline.ledger.handle import Handle, blob, number
from hotline.ledger.pages import PAGE_ENTRIES, read_leaves, read_node
from hotline.ledger.public import erased_epochs
from hotline.ledger.schema import FIND

EPOCH_BYTES = 4
"""A sealed blob begins with its epoch, u32 (docs/ledger.md §4.1)."""

_WITNESSED = """SELECT origin, size, root, note, old_size FROM witnessed
 WHERE origin = ? ORDER BY size DESC LIMIT 1"""
_WITNESSED_AT = """SELECT origin, size, root, note, old_size FROM witnessed
 WHERE origin = ? AND size = ? LIMIT 1"""
_LASTING = "SELECT note FROM lasting WHERE signer = ? ORDER BY size DESC LIMIT 1"
_LASTING_AT = "SELECT note FROM lasting WHERE signer = ? AND size = ?"
_BY_EPOCH = """SELECT substr(sealed, 1, 4) AS epoch, count(*) FROM entry
 GROUP BY epoch ORDER BY epoch"""
_BLOBS = """SELECT e.sealed, x.sealed FROM entry e
 LEFT JOIN enclosure x ON x.idx = e.idx WHERE e.idx = ?"""

_OF_KIND = """SELECT idx FROM entry WHERE kind = ? AND idx >= ? AND idx < ?
 ORDER BY idx LIMIT ?"""
_FIRST_AND_LAST = "SELECT min(idx), max(idx) FROM entry WHERE kind = ?"
_OF_KIND_BACK = """SELECT idx FROM entry WHERE kind = ? AND idx >= ? AND idx < ?
 ORDER BY idx DESC LIMIT ?"""


class LedgerReader:
    """A ledger that is only read: the whole of it as it was when it was opened.

    Every method may raise StorageError (disk, closed) and IntegrityError (what is
    read does not fit the signed root). Threads may share one; calls take turns.
    """

    def __init__(
        self, file: Handle, checkpoint: Checkpoint, frontier: Frontier, sealer: BlobSealer | None
    ) -> None:
        """Take over `file`; `frontier` has the root of `checkpoint`."""
        self._file = file
        self._origin = checkpoint.origin
        self._frontier = frontier
        self._sealer = sealer
        self._erased: frozenset[int] = frozenset()

    @property
    def origin(self) -> str:
        """Which log this is: hotline/<REALM>/<line>/<STATION>/<generation>."""
        return self._origin

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._frontier.size

    @property
    def root(self) -> Digest:
        """RFC 6962 root over all entries."""
        return self._frontier.root()

    def head(self, size: int | None = None) -> bytes:
        """Return the signed note of the newest head, or of the one of `size`.

        Raises:
            InvariantError: no head of that size was signed.
        """
        wanted = self.size if size is None else size
        row = self._file.row("SELECT note FROM head WHERE size = ?", wanted)
        if row is None:
            raise InvariantError(f"no head of size {wanted} was signed")
        return blob(row[0])

    def leaves(self, start: int, stop: int) -> Iterator[Leaf]:
        """Yield the leaves of [start, stop), cut at `size`; each fits the root."""
        for leaf in read_leaves(self._file, self._frontier, start, stop):
            yield decode_leaf(leaf)

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Yield the entries of [start, stop), cut at `size`, opened and checked.

        One whose content was erased comes without it, and says so (`Entry.erased`).

        Raises:
            IntegrityError: a leaf does not fit the root, a blob its leaf, a content
                its commitment; or the content key is not here.
        Spec: docs/ledger.md §4.3
        """
        leaves = read_leaves(self._file, self._frontier, start, stop)
        for index, leaf in enumerate(leaves, start):
            yield self._open_entry(index, leaf)

    def of_kind(
        self, kind: int, start: int = 0, stop: int | None = None, *, newest_first: bool = False
    ) -> Iterator[Entry]:
        """Yield the entries of `kind` in [start, stop), opened and checked, by an index.

        What comes is checked as in `entries`. That nothing is left out rests on the
        column beside the leaf, as `find` does; `verify_ledger` compares the two.

        Args:
            kind: 1 to 255.
            start: First index that may come.
            stop: One beyond the last; None for all.
            newest_first: Whether the largest index comes first.
        Raises:
            IntegrityError: as `entries`, or an entry is of another kind than its row says.
        Spec: docs/ledger.md §9.7
        """
        low, high = start, self.size if stop is None else min(stop, self.size)
        sql = _OF_KIND_BACK if newest_first else _OF_KIND
        while low < high:
            # A few at a time, so that nothing is held open while the caller works.
            with self._file.reading() as connection:
                rows = connection.execute(sql, (kind, low, high, PAGE_ENTRIES)).fetchall()
            found = [index for (index,) in rows]
            for index in found:
                yield self._of_kind(index, kind)
            if len(found) < PAGE_ENTRIES:
                return
            low, high = (low, found[-1]) if newest_first else (found[-1] + 1, high)

    def _of_kind(self, index: int, kind: int) -> Entry:
        (entry,) = self.entries(index, index + 1)
        if entry.kind != kind:
            raise IntegrityError(f"entry {index} is of another kind than its row says")
        return entry

    def enclosure(self, index: int) -> bytes:
        """Return the statement item that entry `index` encloses.

        Raises:
            InvariantError: it has no enclosure.
            ErasedContentError: it was erased.
        Spec: docs/ledger.md §5
        """
        leaf = next(self.leaves(index, index + 1), None)
        if leaf is None or not leaf.has_enclosure:
            raise InvariantError(f"entry {index} has no enclosure")
        _, enclosed = self._blobs(index, leaf)
        return self._opened(index, leaf.kind + ENCLOSURE_KIND, enclosed or b"")

    def find(self, subject: Digest, kind: int) -> int | None:
        """Return the first entry of `kind` about `subject` (not zeros), or None."""
        row = self._file.row(FIND, subject, kind)
        return None if row is None or row[0] is None else number(row[0])

    def subjects_of(self, kind: int) -> list[tuple[int, Digest]]:
        """Return index and subject of every entry of `kind`, oldest first; opens no content.

        Raises:
            IntegrityError: a leaf does not fit the root, or is of another kind than its row.
        """
        with self._file.reading() as connection:
            rows = connection.execute(_OF_KIND, (kind, 0, self.size, self.size)).fetchall()
        found: list[tuple[int, Digest]] = []
        for (index,) in rows:
            (leaf,) = self.leaves(index, index + 1)
            if leaf.kind != kind:
                raise IntegrityError(f"entry {index} is of another kind than its row says")
            found.append((index, leaf.subject))
        return found

    def first_and_last(self, kind: int) -> tuple[int, int] | None:
        """Return the first and last index of `kind` by the column beside the leaf, or None."""
        row = self._file.row(_FIRST_AND_LAST, kind)
        return None if row is None or row[0] is None else (number(row[0]), number(row[1]))

    def prove_inclusion(self, index: int, size: int | None = None) -> list[Digest]:
        """Return the audit path of entry `index` under the head of `size` (default: newest)."""
        wanted = self._bounded(size)
        with self._file.read_lock:
            return prove_inclusion(self._node, index, wanted)

    def prove_consistency(self, old: int, new: int | None = None) -> list[Digest]:
        """Return the proof that the head of `new` (default: newest) extends that of `old`."""
        wanted = self._bounded(new)
        with self._file.read_lock:
            return prove_consistency(self._node, old, wanted)

    def root_at(self, size: int) -> Digest:
        """Return the root over the first `size` entries."""
        wanted = self._bounded(size)
        with self._file.read_lock:
            return read_frontier(self._node, wanted).root()

    def cosigned_size(self, signer: str) -> int:
        """Return the size of our largest head that witness `signer` countersigned, or 0."""
        row = self._file.row("SELECT max(size) FROM cosignature WHERE signer = ?", signer)
        return number((row and row[0]) or 0)

    def cosignature(self, size: int, signer: str) -> Cosignature | None:
        """Return the cosignature of witness `signer` on our head of `size`, or None."""
        sql = "SELECT note FROM cosignature WHERE signer = ? AND size = ?"
        row = self._file.row(sql, signer, size)
        if row is None:
            return None
        try:
            return parse_cosignature(blob(row[0]))
        except PeerError as error:
            raise IntegrityError("a stored cosignature was altered") from error

    def witnessed(self, origin: str) -> WitnessedHead | None:
        """Return the newest head of `origin` that we countersigned, or None."""
        row = self._file.row(_WITNESSED, origin)
        return _witnessed_head(row)

    def witnessed_at(self, origin: str, size: int) -> WitnessedHead | None:
        """Return the head of `origin` of exactly that size that we countersigned, or None."""
        row = self._file.row(_WITNESSED_AT, origin, size)
        return _witnessed_head(row)

    def lasting(self, signer: str, size: int | None = None) -> LastingHead | None:
        """Return the long-lasting signature of `signer` on the head of `size` (default: newest).

        Args:
            signer: An origin, for a station on a head of its own, or a witness's key name.
        Returns:
            None when there is none; what is given back was verified when it was stored.
        """
        row = (
            self._file.row(_LASTING, signer)
            if size is None
            else self._file.row(_LASTING_AT, signer, size)
        )
        if row is None:
            return None
        try:
            return parse_lasting(blob(row[0]))
        except PeerError as error:
            raise IntegrityError("a stored long-lasting signature was altered") from error

    def public_records(self) -> list[bytes]:
        """Return the public records bound by entries, in the order in which they came."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT bytes FROM public ORDER BY seq").fetchall()
        return [blob(row[0]) for row in rows]

    def count_by_epoch(self) -> dict[int, int]:
        """Return how many entries are sealed under each epoch; reads the whole file."""
        with self._file.reading() as connection:
            rows = connection.execute(_BY_EPOCH).fetchall()
        return {int.from_bytes(prefix): count for prefix, count in rows}

    def close(self) -> None:
        """Let go of the file; every later call raises StorageError."""
        self._file.close()

    def _bounded(self, size: int | None) -> int:
        # What follows may come from memory alone, and a poisoned ledger answers nothing.
        self._file.usable()
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise InvariantError(f"the ledger has {self.size} entries, not {wanted}")
        return wanted

    def _node(self, level: int, place: int) -> Digest:
        return read_node(self._file, level, place)

    def _blobs(self, index: int, leaf: Leaf) -> tuple[bytes, bytes | None]:
        sealed, enclosed = self._file.must(_BLOBS, index)
        sealed, enclosed = blob(sealed), None if enclosed is None else blob(enclosed)
        if (enclosed is not None) != leaf.has_enclosure:
            raise IntegrityError(f"the enclosure of entry {index} is missing or was added")
        if sealed_digest(sealed, enclosed) != leaf.sealed_digest:
            raise IntegrityError(f"the sealed content of entry {index} was altered")
        return sealed, enclosed

    def _open_entry(self, index: int, encoded: bytes) -> Entry:
        leaf = decode_leaf(encoded)
        sealed, _ = self._blobs(index, leaf)
        try:
            plaintext = self._opened(index, leaf.kind, sealed)
        except ErasedContentError:
            epoch = int.from_bytes(sealed[:EPOCH_BYTES])
            return _entry(encoded, leaf, erased=Erased(self._origin, epoch))
        salt, content = plaintext[:SALT_BYTES], plaintext[SALT_BYTES:]
        if len(salt) != SALT_BYTES or commitment(salt, content) != leaf.commitment:
            raise IntegrityError(f"the content of entry {index} is not what its leaf commits to")
        return _entry(encoded, leaf, salt, content)

    def _opened(self, index: int, kind: int, blob: bytes) -> bytes:
        if self._sealer is None:
            raise IntegrityError(
                "the content cannot be read without its key", hint="give the station's key file"
            )
        try:
            return self._sealer.open(self._origin, index, kind, blob)
        except MissingKeyError as error:
            if error.epoch not in self._erased:
                self._erased = self._read_erased()
            if error.epoch not in self._erased:
                raise
            raise ErasedContentError(index, error.epoch) from error

    def _read_erased(self) -> frozenset[int]:
        try:
            return erased_epochs(self.public_records())
        except PeerError as error:
            raise IntegrityError("a public record of the ledger was altered") from error


def _entry(
    encoded: bytes,
    leaf: Leaf,
    salt: bytes = b"",
    content: bytes = b"",
    erased: Erased | None = None,
) -> Entry:
    return Entry(
        index=leaf.index,
        kind=leaf.kind,
        recorded_at_ms=leaf.recorded_at_ms,
        subject=leaf.subject,
        content=content,
        salt=salt,
        leaf=encoded,
        has_enclosure=leaf.has_enclosure,
        erased=erased,
    )


def _witnessed_head(row: tuple[Any, ...] | None) -> WitnessedHead | None:
    if row is None:
        return None
    origin, size, root, note, old_size = row
    return WitnessedHead(origin, number(size), Digest(blob(root)), blob(note), number(old_size))
