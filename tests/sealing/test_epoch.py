"""Sealed blobs of the ledger: they open in their place only, and while their key is kept."""

from __future__ import annotations

import pytest

from hotline.core.errors import IntegrityError, InvariantError
from hotline.core.seams import BlobSealer
from hotline.sealing.epoch import MIN_BLOB_BYTES, EpochSealer, epoch_of

ORIGIN = "hotline/EXERCISE/0011223344556677/NORTH/0"
NOV_MS = 1_795_357_886_000
MONTH_MS = 31 * 86_400_000


def sealer(**keys: bytes) -> EpochSealer:
    named = {int(name[1:]): key for name, key in keys.items()}
    return EpochSealer(named or {202611: b"k" * 32}, lambda size: b"\7" * size)


def test_epoch_of_a_time_is_its_month() -> None:
    assert epoch_of(NOV_MS) == 202611
    assert epoch_of(0) == 197001


def test_blob_sealed_and_opened_is_the_same() -> None:
    ours: BlobSealer = sealer()
    blob = ours.seal(ORIGIN, 5, 1, b"content", NOV_MS)
    assert blob[:4] == (202611).to_bytes(4)
    assert len(blob) == MIN_BLOB_BYTES + 7
    assert ours.open(ORIGIN, 5, 1, blob) == b"content"


@pytest.mark.parametrize(
    ("origin", "index", "kind"), [(ORIGIN + "0", 5, 1), (ORIGIN, 6, 1), (ORIGIN, 5, 257)]
)
def test_blob_moved_to_another_place_is_refused(origin: str, index: int, kind: int) -> None:
    blob = sealer().seal(ORIGIN, 5, 1, b"content", NOV_MS)
    with pytest.raises(IntegrityError, match="altered or moved"):
        sealer().open(origin, index, kind, blob)


def test_blob_with_any_bit_flipped_is_refused() -> None:
    blob = sealer().seal(ORIGIN, 5, 1, b"content", NOV_MS)
    for bit in range(len(blob) * 8):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            sealer().open(ORIGIN, 5, 1, bytes(flipped))


def test_blob_truncated_is_refused() -> None:
    blob = sealer().seal(ORIGIN, 5, 1, b"content", NOV_MS)
    for kept in range(len(blob)):
        with pytest.raises(IntegrityError):
            sealer().open(ORIGIN, 5, 1, blob[:kept])


def test_blob_whose_epoch_key_was_destroyed_stays_closed() -> None:
    both = sealer(e202610=b"a" * 32, e202611=b"b" * 32)
    blob = both.seal(ORIGIN, 5, 1, b"content", NOV_MS)
    with pytest.raises(IntegrityError, match="epoch 202611"):
        sealer(e202610=b"a" * 32).open(ORIGIN, 5, 1, blob)


def test_sealer_chooses_the_newest_key_not_after_the_month() -> None:
    ours = sealer(e202610=b"a" * 32, e202612=b"b" * 32)
    epochs = [
        int.from_bytes(ours.seal(ORIGIN, 0, 1, b"", at_ms)[:4])
        for at_ms in (NOV_MS - 2 * MONTH_MS, NOV_MS, NOV_MS + MONTH_MS, NOV_MS + 9 * MONTH_MS)
    ]
    assert epochs == [202610, 202610, 202612, 202612]
    assert ours.with_key(202611, b"c" * 32).epochs == (202610, 202611, 202612)


@pytest.mark.parametrize("keys", [{}, {202611: b"short"}])
def test_sealer_without_proper_keys_is_our_bug(keys: dict[int, bytes]) -> None:
    with pytest.raises(InvariantError):
        EpochSealer(keys, bytes)
