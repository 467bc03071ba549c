"""One flipped bit anywhere in a ledger or its log: whatever a reader would see of it is caught.

`make test` tries a fixed sample, `make soak` goes on over all bits of both files.
"""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path

import pytest

from tests.ledger.tamper.flips import (
    Flip,
    Tally,
    every_bit,
    flip_in_file,
    flip_in_log,
    sample_of_file,
    sweep,
)
from tests.ledger.tamper.scene import Scene, play

PARTS = 4
STRIDE_BITS = 307
LOG_FLIPS = 1_000


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A ledger with one of everything."""
    return play(tmp_path_factory.mktemp("small"), statements=2)


def assert_caught(tally: Tally) -> None:
    assert tally.seen > tally.tried // 10
    assert sum(tally.caught.values()) == tally.seen, tally.escaped[:20]


@pytest.mark.parametrize("part", range(PARTS))
def test_flipped_bit_in_the_file_that_a_reader_sees_is_caught_by_verify_alone(
    small: Scene, part: int
) -> None:
    flips = sample_of_file(small.north.file.read_bytes(), STRIDE_BITS)
    assert_caught(flip_in_file(small, flips[part::PARTS]))


@pytest.mark.parametrize("part", range(2))
def test_flipped_bit_in_the_log_is_a_cut_tail_and_caught_by_head_db_or_the_peer(
    small: Scene, part: int
) -> None:
    length = (small.at_work / "ledger.db-wal").stat().st_size
    tally = flip_in_log(small, islice(every_bit(length), part, LOG_FLIPS, 2))
    assert_caught(tally)
    assert tally.seen == tally.tried


def test_every_bit_comes_once(small: Scene) -> None:
    for length in (1, 7, 100, 4096):
        flips = list(every_bit(length))
        assert len(set(flips)) == len(flips) == length * 8
    assert Flip(3, 1).of(b"aaaa") == b"aaac"


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("log", [False, True], ids=["file", "log"])
def test_every_bit_flipped_in_turn_is_caught(tmp_path: Path, log: bool) -> None:
    """Goes on for SOAK_SECONDS; with 1800 on two idle cores it reaches every bit."""
    scene = play(tmp_path, statements=2)
    length = (scene.at_work / "ledger.db-wal" if log else scene.north.file).stat().st_size
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120"))
    tally = sweep(scene, log=log, end=end, clock=time.monotonic, workers=os.cpu_count() or 1)
    print(f"{'log' if log else 'file'}: of {length * 8} bits {tally}")  # noqa: T201  the figures
    assert_caught(tally)
