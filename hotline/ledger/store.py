"""The ledger of one line, as its one writer holds it.

The way of an append: seal and link in memory, write everything in one
transaction, COMMIT. Before a head leaves the station, head.db is swapped to it.
Spec: docs/ledger.md §9, §10
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from hotline.core.errors import IntegrityError, InvariantError
from hotline.core.records.checkpoint import Checkpoint, Cosignature, hand_over, sign_checkpoint
from hotline.core.records.entry import Draft, Entry
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import WitnessedHead
from hotline.core.seams import BlobSealer, Entropy, Signer, Verifier
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.ledger.batch import Batch, Composer
from hotline.ledger.fresh import Fresh
from hotline.ledger.handle import Handle
from hotline.ledger.heads import Head
from hotline.ledger.opening import HEADS_NAME, OpenLedger, check_schema, lay_ledger, open_ledger
from hotline.ledger.pages import read_edge, read_newest_head, read_node
from hotline.ledger.reader import LedgerReader
from hotline.ledger.rows import write_batch, write_beside
from hotline.ledger.schema import RECEIVED_KIND
from hotline.ledger.snapshot import Snapshot

APPENDS_BETWEEN_CHECKPOINTS = 64
"""A short write-ahead log is a fast one; each checkpoint costs two more syncs."""


class Ledger(LedgerReader):
    """An open ledger: append, read, prove. One writer at a time, in one process.

    After a StorageError from `append` or `release` every call raises StorageError:
    open it again.
    """

    def __init__(
        self, parts: OpenLedger, signer: Signer, sealer: BlobSealer, entropy: Entropy
    ) -> None:
        """Take over open files; callers use `create` or `open`."""
        checkpoint = Checkpoint(parts.origin, parts.head.size, parts.head.root)
        super().__init__(parts.file, checkpoint, parts.frontier, sealer)
        self._heads = parts.heads
        self._newest = parts.head
        self._released = parts.head.released
        self._signer = signer
        self._successor: Signer | None = None
        self._composer = Composer(parts.origin, sealer, entropy)
        last = parts.frontier.size - 1
        self._prev = read_node(parts.file, 0, last) if last >= 0 else ZERO_DIGEST
        self._appends = 0
        self._fresh = Fresh()

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        origin: str,
        signer: Signer,
        sealer: BlobSealer,
        verifier: Verifier,
        entropy: Entropy,
        heads: Path | None = None,
    ) -> Ledger:
        """Create an empty ledger in `directory` and open it.

        Args:
            directory: Made if missing; holds ledger.db.
            origin: `build_origin(...)`.
            signer: The station's ledger key.
            sealer: Seals contents and enclosures.
            verifier: Checks head signatures.
            entropy: Gives the salts.
            heads: Path of head.db, best on another disk; default: in `directory`.
        Raises:
            OperatorError: there is one already.
            IntegrityError: head.db has released heads of this origin before.
            StorageError: the disk.
        Spec: docs/ledger.md §9.1
        """
        lay_ledger(directory, heads or directory / HEADS_NAME, origin, signer)
        return cls.open(
            directory,
            signer=signer,
            sealer=sealer,
            verifier=verifier,
            entropy=entropy,
            origin=origin,
            heads=heads,
        )

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        signer: Signer,
        sealer: BlobSealer,
        verifier: Verifier,
        entropy: Entropy,
        origin: str | None = None,
        heads: Path | None = None,
        trusted_keys: Sequence[bytes] = (),
        peer_view: Checkpoint | None = None,
    ) -> Ledger:
        """Open the ledger in `directory` for writing.

        Args:
            directory: Holds ledger.db.
            signer: The station's ledger key; signs every new head.
            sealer: Seals and opens contents and enclosures.
            verifier: Checks the newest head's signature.
            entropy: Gives the salts.
            origin: What the ledger must be of; None takes its own word.
            heads: Path of head.db; default: in `directory`.
            trusted_keys: Earlier ledger keys of this station (32 bytes each).
            peer_view: Newest head of ours that the peer is known to have countersigned,
                verified by the caller. Stands in for a head.db that was lost.
        Raises:
            OperatorError: no ledger there, or one of another origin.
            StorageError: the disk, another process, a creation that was cut short.
            IntegrityError: it was altered, or head.db or the peer is ahead of it.
        Spec: docs/ledger.md §9.6
        """
        parts = open_ledger(
            directory,
            heads or directory / HEADS_NAME,
            origin=origin,
            keys=(signer.public_key, *trusted_keys),
            verifier=verifier,
            peer_view=peer_view,
        )
        return cls(parts, signer, sealer, entropy)

    @staticmethod
    def open_read_only(path: Path, *, sealer: BlobSealer | None = None) -> LedgerReader:
        """Open a private copy of a ledger (file or its directory) to read.

        Checks schema and tree against the newest head, but not who signed it:
        that is `verify_ledger`. Without `sealer` no content and no enclosure opens.
        Raises:
            OperatorError: no ledger there.
            StorageError: it cannot be copied.
            IntegrityError: it was altered.
        """
        snapshot = Snapshot(path)
        file = Handle(snapshot.connection, on_close=snapshot.close)
        try:
            check_schema(file)
            _, checkpoint = read_newest_head(file)
            return LedgerReader(file, checkpoint, read_edge(file, checkpoint), sealer)
        except BaseException:
            file.close()
            raise

    def append(
        self,
        drafts: Sequence[Draft] = (),
        *,
        witnessed: Sequence[WitnessedHead] = (),
        cosignatures: Sequence[Cosignature] = (),
        lasting: Sequence[LastingHead] = (),
    ) -> Head:
        """Record everything in one durable transaction, which costs one sync.

        The head that it returns must not leave the station before `release`.

        Args:
            drafts: Events in order; together they cost one sync and get one head.
            witnessed: Heads of a peer, judged good, that will be countersigned after this.
            cosignatures: A peer's cosignatures on heads of ours, verified by the caller.
            lasting: ML-DSA signatures on heads, ours or a peer's, verified by the caller.
        Returns:
            The new head; with no drafts the newest one.
        Raises:
            InvariantError: a draft is over a bound, or receives a statement a second
                time; nothing was written, the ledger stays usable.
            IntegrityError: a cosignature is on a head that is not of this log; nothing
                was written, the ledger stays usable.
            StorageError: nobody knows whether it was written; the ledger is unusable.
        Spec: docs/ledger.md §9.4
        """
        with self._file.write_lock:
            self._file.usable()
            received = [draft.subject for draft in drafts if draft.kind == RECEIVED_KIND]
            if received:
                self._refuse_second_receipt(received)
            if cosignatures:
                self._refuse_foreign(cosignatures)
            if drafts or witnessed or cosignatures or lasting:
                batch = self._composer.compose(drafts, self._frontier, self._prev)
                self._commit(batch, witnessed, cosignatures, lasting)
            return self._newest

    @property
    def released_size(self) -> int:
        """Size of the largest head that may leave the station; entries."""
        return self._released.size

    def release(self) -> Head:
        """Bring head.db, durably, to the newest head, and return that head: it may leave.

        Any thread may call it; it costs nothing when there is nothing new.
        Raises:
            IntegrityError: head.db has another head than the one released last, so
                another copy of this ledger is at work; the ledger is unusable.
            StorageError: the disk; the ledger is unusable.
        Spec: docs/ledger.md §10.2
        """
        with self._file.write_lock:
            self._file.usable()
            newest = self._newest
            # Never before COMMIT: a head.db ahead means a ledger that was put back.
            if newest.size != self._released.size:
                old, new = self._released, newest.released
                swap = partial(self._heads.swap, self._origin, old, new)
                self._file.durably("writing head.db", lambda _: swap())
                self._released = new
            return newest

    def close(self) -> None:
        """Release what is durable and let go of the files; later calls raise StorageError.

        Raises:
            IntegrityError, StorageError: as `release`; the files are let go all the same.
        """
        with self._file.write_lock:
            try:
                if self._file.is_open:
                    self.release()
            finally:
                super().close()

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Yield the entries of [start, stop), cut at `size`, opened and checked.

        Raises:
            IntegrityError: as `LedgerReader.entries`.
        """
        fresh = self._fresh.entry(start) if stop == start + 1 else None
        if fresh is None:
            yield from super().entries(start, stop)
        else:
            self._file.usable()
            yield fresh

    def _node(self, level: int, place: int) -> Digest:
        return self._fresh.node(level, place) or super()._node(level, place)

    def _commit(
        self,
        batch: Batch,
        witnessed: Sequence[WitnessedHead],
        cosignatures: Sequence[Cosignature],
        lasting: Sequence[LastingHead],
    ) -> None:
        head = self._sign(batch) if batch.entries else self._newest

        def step(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            if batch.entries:
                write_batch(connection, batch, head.note)
            if witnessed or cosignatures or lasting:
                write_beside(connection, witnessed, cosignatures, lasting)
            connection.execute("COMMIT")
            self._appends += 1
            if self._appends % APPENDS_BETWEEN_CHECKPOINTS == 0:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

        self._file.durably("writing the ledger", step)
        self._frontier, self._prev, self._newest = batch.frontier, batch.prev, head
        self._fresh.remember(batch)

    def hand_over(self, drafts: Sequence[Draft], signer: Signer) -> Head:
        """Record a change of the ledger key; its head is signed by the old key and the new.

        Args:
            drafts: The last of them is the change.
            signer: The new key; it alone signs every later head.
        Raises:
            As `append`.
        Spec: docs/ledger.md §7.7
        """
        with self._file.write_lock:
            self._successor = signer
            try:
                head = self.append(drafts)
            finally:
                self._successor = None
            self._signer = signer
            return head

    def _sign(self, batch: Batch) -> Head:
        size, root = batch.frontier.size, batch.frontier.root()
        note = sign_checkpoint(self._origin, size, root, self._signer)
        if self._successor is not None:
            note = hand_over(note, self._successor)
        return Head(size, root, note)

    def _refuse_second_receipt(self, received: Sequence[Digest]) -> None:
        known = any(self.find(subject, RECEIVED_KIND) is not None for subject in received)
        if known or len(set(received)) != len(received):
            raise InvariantError("a statement would be recorded as received a second time")

    def _refuse_foreign(self, cosignatures: Sequence[Cosignature]) -> None:
        for cosignature in cosignatures:
            checkpoint = cosignature.checkpoint
            known = checkpoint.origin == self._origin and checkpoint.size <= self.size
            if not known or self.root_at(checkpoint.size) != checkpoint.root:
                raise IntegrityError("a cosignature is on a head that this ledger never had")
