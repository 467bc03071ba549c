"""Reading a ledger: entries checked against its root, proofs, and what stands beside the log."""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.errors import IntegrityError, InvariantError, PeerError
from hotline.core.records.checkpoint import Checkpoint, Cosignature, parse_cosignature
from hotline.core.records.entry import Entry
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
from hotline.ledger.handle import Handle
from hotline.ledger.pages import read_leaves, read_node
from hotline.ledger.schema import FIND

_WITNESSED = """SELECT origin, size, root, note, old_size FROM witnessed
 WHERE origin = ? ORDER BY size DESC LIMIT 1"""
_BLOBS = """SELECT e.sealed, x.sealed FROM entry e
 LEFT JOIN enclosure x ON x.idx = e.idx WHERE e.idx = ?"""


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
        return bytes(row[0])

    def leaves(self, start: int, stop: int) -> Iterator[Leaf]:
        """Yield the leaves of [start, stop), cut at `size`; each fits the root."""
        for leaf in read_leaves(self._file, self._frontier, start, stop):
            yield decode_leaf(leaf)

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Yield the entries of [start, stop), cut at `size`, opened and checked.

        Raises:
            IntegrityError: a leaf does not fit the root, a blob its leaf, a content
                its commitment; or the content key is not here.
        Spec: docs/ledger.md §4.3
        """
        leaves = read_leaves(self._file, self._frontier, start, stop)
        for index, leaf in enumerate(leaves, start):
            yield self._open_entry(index, leaf)

    def enclosure(self, index: int) -> bytes:
        """Return the statement item that entry `index` encloses.

        Raises:
            InvariantError: it has no enclosure.
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
        return None if row is None else row[0]

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
        return (row and row[0]) or 0

    def cosignature(self, size: int, signer: str) -> Cosignature | None:
        """Return the cosignature of witness `signer` on our head of `size`, or None."""
        sql = "SELECT note FROM cosignature WHERE signer = ? AND size = ?"
        row = self._file.row(sql, signer, size)
        if row is None:
            return None
        try:
            return parse_cosignature(bytes(row[0]))
        except PeerError as error:
            raise IntegrityError("a stored cosignature was altered") from error

    def witnessed(self, origin: str) -> WitnessedHead | None:
        """Return the newest head of `origin` that we countersigned, or None."""
        row = self._file.row(_WITNESSED, origin)
        return None if row is None else WitnessedHead(*row)

    def public_records(self) -> list[bytes]:
        """Return the public records bound by entries, in the order in which they came."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT bytes FROM public ORDER BY seq").fetchall()
        return [bytes(row[0]) for row in rows]

    def close(self) -> None:
        """Let go of the file; every later call raises StorageError."""
        self._file.close()

    def _bounded(self, size: int | None) -> int:
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise InvariantError(f"the ledger has {self.size} entries, not {wanted}")
        return wanted

    def _node(self, level: int, place: int) -> Digest:
        return read_node(self._file, level, place)

    def _blobs(self, index: int, leaf: Leaf) -> tuple[bytes, bytes | None]:
        sealed, enclosed = self._file.must(_BLOBS, index)
        if (enclosed is not None) != leaf.has_enclosure:
            raise IntegrityError(f"the enclosure of entry {index} is missing or was added")
        if sealed_digest(sealed, enclosed) != leaf.sealed_digest:
            raise IntegrityError(f"the sealed content of entry {index} was altered")
        return sealed, enclosed

    def _open_entry(self, index: int, encoded: bytes) -> Entry:
        leaf = decode_leaf(encoded)
        sealed, _ = self._blobs(index, leaf)
        plaintext = self._opened(index, leaf.kind, sealed)
        salt, content = plaintext[:SALT_BYTES], plaintext[SALT_BYTES:]
        if len(salt) != SALT_BYTES or commitment(salt, content) != leaf.commitment:
            raise IntegrityError(f"the content of entry {index} is not what its leaf commits to")
        return Entry(
            index=index,
            kind=leaf.kind,
            recorded_at_ms=leaf.recorded_at_ms,
            subject=leaf.subject,
            content=content,
            salt=salt,
            leaf=encoded,
            has_enclosure=leaf.has_enclosure,
        )

    def _opened(self, index: int, kind: int, blob: bytes) -> bytes:
        if self._sealer is None:
            raise IntegrityError(
                "the content cannot be read without its key", hint="give the station's key file"
            )
        return self._sealer.open(self._origin, index, kind, blob)
