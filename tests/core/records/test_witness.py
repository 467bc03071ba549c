"""The witness's table: docs/ledger.md §8."""

from __future__ import annotations

import pytest

from hotline.core.errors import InvariantError
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.merkle import EMPTY_ROOT, prove_consistency, root_of
from hotline.core.records.witness import HeadVerdict, WitnessedHead, judge_head
from hotline.core.values import Digest, sha256

LOG = "hotline/LIVE/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/NORTH/1"
HASHES = [sha256(b"%d" % number) for number in range(20)]
FORGED = [*HASHES[:3], *(sha256(b"forged %d" % number) for number in range(17))]


def head(size: int, hashes: list[Digest] = HASHES) -> Checkpoint:
    return Checkpoint(LOG, size, root_of(hashes[:size]))


def held(size: int) -> WitnessedHead:
    return WitnessedHead(LOG, size, root_of(HASHES[:size]), b"note", 0)


def proof(old: int, new: int, hashes: list[Digest] = HASHES) -> list[Digest]:
    def read(level: int, place: int) -> Digest:
        return root_of(hashes[place << level : (place + 1) << level])

    return prove_consistency(read, old, new)


TABLE = [
    (None, head(5), 0, [], HeadVerdict.FIRST),
    (None, head(0), 0, [], HeadVerdict.FIRST),
    (None, head(5), 3, proof(3, 5), HeadVerdict.STALE),
    (None, head(5), 0, [HASHES[0]], HeadVerdict.INCONSISTENT),
    (held(3), head(5), 3, proof(3, 5), HeadVerdict.EXTENDS),
    (held(0), head(5), 0, [], HeadVerdict.EXTENDS),
    (held(4), head(16), 4, proof(4, 16), HeadVerdict.EXTENDS),
    (held(5), head(5), 5, [], HeadVerdict.SAME),
    (held(5), head(5), 3, proof(3, 5), HeadVerdict.SAME),
    (held(5), head(7), 3, proof(3, 7), HeadVerdict.STALE),
    (held(5), head(7), 0, [], HeadVerdict.STALE),
    (held(5), head(4), 5, [], HeadVerdict.STALE),
    (held(5), head(4), 3, proof(3, 4), HeadVerdict.STALE),
    (held(5), head(5, FORGED), 5, [], HeadVerdict.FORK),
    (held(5), head(7, FORGED), 5, proof(5, 7, FORGED), HeadVerdict.INCONSISTENT),
    (held(5), head(7), 5, [], HeadVerdict.INCONSISTENT),
    (held(5), head(7), 5, proof(3, 7), HeadVerdict.INCONSISTENT),
]


@pytest.mark.parametrize(("before", "shown", "old_size", "path", "verdict"), TABLE)
def test_head_shown_is_judged_by_the_table(
    before: WitnessedHead | None,
    shown: Checkpoint,
    old_size: int,
    path: list[Digest],
    verdict: HeadVerdict,
) -> None:
    assert judge_head(before, shown, old_size, path) is verdict


def test_only_heads_that_extend_or_repeat_are_countersigned() -> None:
    good = {verdict for verdict in HeadVerdict if verdict.may_countersign}
    assert good == {HeadVerdict.FIRST, HeadVerdict.EXTENDS, HeadVerdict.SAME}


def test_every_verdict_has_a_row() -> None:
    assert {row[-1] for row in TABLE} == set(HeadVerdict)


def test_head_of_another_log_is_a_bug() -> None:
    with pytest.raises(InvariantError):
        judge_head(held(1), Checkpoint("other", 0, EMPTY_ROOT), 0, [])
