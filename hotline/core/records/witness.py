"""What a witness makes of a head that the other station shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hotline.core.errors import InvariantError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.merkle import check_consistency
from hotline.core.values import Digest


@dataclass(frozen=True, slots=True)
class WitnessedHead:
    """A head of a peer that we countersigned.

    Attributes:
        old_size: Size of the head of the same origin that we had witnessed before, or 0.
        note: The peer's signed note.
    """

    origin: str
    size: int
    root: Digest
    note: bytes
    old_size: int = 0


class HeadVerdict(Enum):
    """What to do with a peer's head (docs/ledger.md §8).

    FIRST and EXTENDS: keep it in the transaction of what it came with, then countersign.
    SAME: countersign again. STALE: accept what it came with, answer `head-conflict`
    with the size we hold. INCONSISTENT and FORK: keep both notes as evidence, alarm.
    """

    FIRST = "first"
    EXTENDS = "extends"
    SAME = "same"
    STALE = "stale"
    INCONSISTENT = "inconsistent"
    FORK = "fork"

    @property
    def may_countersign(self) -> bool:
        """Whether the head may be countersigned once it is recorded."""
        return self in (HeadVerdict.FIRST, HeadVerdict.EXTENDS, HeadVerdict.SAME)


def judge_head(
    held: WitnessedHead | None, checkpoint: Checkpoint, old_size: int, proof: Sequence[bytes]
) -> HeadVerdict:
    """Judge a head whose signature is verified against the one we witnessed last.

    Args:
        held: Our newest witnessed head of the same origin, or None.
        old_size: The size that the peer believes we hold.
        proof: Consistency proof from `old_size` to `checkpoint.size`.
    Raises:
        InvariantError: `held` is of another origin.
    Spec: docs/ledger.md §8.1
    """
    if held is None:
        return _judge_first(old_size, proof)
    if held.origin != checkpoint.origin:
        raise InvariantError("a head was compared with one of another ledger")
    if checkpoint.size == held.size:
        return HeadVerdict.SAME if checkpoint.root == held.root else HeadVerdict.FORK
    if checkpoint.size < held.size or old_size != held.size:
        return HeadVerdict.STALE
    extends = check_consistency(held.size, checkpoint.size, held.root, checkpoint.root, proof)
    return HeadVerdict.EXTENDS if extends else HeadVerdict.INCONSISTENT


def _judge_first(old_size: int, proof: Sequence[bytes]) -> HeadVerdict:
    if old_size != 0:
        return HeadVerdict.STALE
    return HeadVerdict.INCONSISTENT if proof else HeadVerdict.FIRST
