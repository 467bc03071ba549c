"""Long-lasting signatures: given to our hourly and closing heads, asked of the peer, given to it.

Spec: docs/ledger.md §7.6, §18.8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.lasting import (
    LastingHead,
    cosign_lasting,
    parse_lasting,
    sign_lasting,
    verify_lasting,
)
from hotline.ledger.store import Ledger
from hotline.sealing.certificate import Usage
from hotline.sealing.items import Item, LastingItem
from hotline.sealing.mldsa import verify_mldsa65
from hotline.station.line import Line
from hotline.station.witness import JudgedHead, Witness


@dataclass(frozen=True, slots=True)
class JudgedLasting:
    """A long-lasting signature of the peer, verified.

    Attributes:
        fresh: What to store, None when it is here already.
        answer: The peer's head that waits for our long-lasting cosignature, or None.
    """

    fresh: LastingHead | None = None
    answer: Checkpoint | None = None


class LongTerm:
    """Signs our heads for long, judges what the peer sends, countersigns its heads for long."""

    def __init__(self, line: Line, ledger: Ledger, witness: Witness) -> None:
        """Serve one line with its ledger."""
        self._line, self._ledger, self._witness = line, ledger, witness

    @property
    def signed_size(self) -> int:
        """Size of our newest head that we signed for long, or 0."""
        newest = self._ledger.lasting(self._line.origin)
        return newest.checkpoint.size if newest else 0

    def sign(self, size: int) -> LastingHead:
        """Sign our head of `size` for long; it must be durable.

        Raises:
            InvariantError: there is no head of that size.
        """
        self._ledger.head(size)
        head = Checkpoint(self._line.origin, size, self._ledger.root_at(size))
        return sign_lasting(head, self._line.lasting)

    def show(self, peer: str) -> Sequence[Item]:
        """Return what shows `peer` our newest long-signed head; nothing if it countersigned it."""
        newest = self._ledger.lasting(self._line.origin)
        if newest is None:
            return ()
        size = newest.checkpoint.size
        if self._ledger.lasting(self._line.witness_of(peer), size) is not None:
            return ()
        head = self._witness.show(peer, size)
        return [*([head] if head else []), LastingItem(note=newest.note.decode())]

    def judge(self, peer: str, item: LastingItem, head: JudgedHead | None) -> JudgedLasting:
        """Verify what `peer` sent; nothing is recorded yet.

        Args:
            head: The head that came in the same packet, if one did.
        Returns:
            Nothing to do for a head that is not witnessed here, since heads cross, and for
            a signature on one of ours that was not asked for or is here already.
        Raises:
            PeerError: malformed, of another log, of another root, or not by a ledger key.
        Spec: docs/ledger.md §18.9
        """
        found = parse_lasting(item.note.encode())
        if found.signer == found.checkpoint.origin and self._is_of(peer, found.signer):
            return self._their_head(peer, found, head)
        if found.signer == self._line.witness_of(peer):
            return self._their_cosignature(peer, found)
        raise PeerError("a long-lasting signature is neither the peer's own nor on a head of ours")

    def _keys_of(self, peer: str) -> tuple[bytes, ...]:
        """Return the keys of `peer` that may sign for long what arrives now.

        Spec: docs/protocol.md §4.23
        """
        roster, now_ms = self._line.roster, self._line.clock()
        return tuple(one.key.mldsa65 for one in roster.unrevoked(peer, Usage.LEDGER, now_ms))

    def _is_of(self, peer: str, origin: str) -> bool:
        return origin.rpartition("/")[0] == self._line.witness_of(peer)

    def _their_head(self, peer: str, found: LastingHead, head: JudgedHead | None) -> JudgedLasting:
        checkpoint = found.checkpoint
        witnessed = self._witnessed(checkpoint, head)
        if witnessed is None:
            return JudgedLasting()
        if witnessed != checkpoint:
            raise PeerError("a long-lasting signature is on another head than the one witnessed")
        if self._ledger.lasting(found.signer, checkpoint.size) is not None:
            return JudgedLasting(answer=checkpoint)
        keys = self._keys_of(peer)
        verify_lasting(found.note, found.signer, keys, verify_mldsa65)
        return JudgedLasting(fresh=found, answer=checkpoint)

    def _witnessed(self, checkpoint: Checkpoint, head: JudgedHead | None) -> Checkpoint | None:
        """Return the head of that size that is witnessed here, or is about to be."""
        same = head is not None and head.checkpoint.size == checkpoint.size
        if head is not None and same and head.verdict.may_countersign:
            return head.checkpoint
        row = self._ledger.witnessed_at(checkpoint.origin, checkpoint.size)
        return Checkpoint(row.origin, row.size, row.root) if row else None

    def _their_cosignature(self, peer: str, found: LastingHead) -> JudgedLasting:
        ours = self._ledger.lasting(self._line.origin, found.checkpoint.size)
        if ours is None or self._ledger.lasting(found.signer, found.checkpoint.size) is not None:
            return JudgedLasting()
        if ours.checkpoint != found.checkpoint:
            raise PeerError("a long-lasting cosignature is on a head that we never signed")
        keys = self._keys_of(peer)
        return JudgedLasting(fresh=verify_lasting(found.note, found.signer, keys, verify_mldsa65))

    def countersign(self, peer: str, checkpoint: Checkpoint) -> Sequence[Item]:
        """Countersign a head of `peer` in both ways; nothing unless it is recorded here.

        Spec: docs/ledger.md §8.2
        """
        row = self._ledger.witnessed_at(checkpoint.origin, checkpoint.size)
        if row is None or row.root != checkpoint.root:
            return ()
        line = self._line
        name, at_s = line.witness_of(line.station), line.clock() // 1000
        signed = cosign_lasting(checkpoint, name, line.lasting, at_s)
        short = self._witness.countersign(peer)
        return [*([short] if short else []), LastingItem(note=signed.note.decode())]
