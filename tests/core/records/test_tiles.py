"""Tiles as C2SP has them, read back by a reader of the tests' own: docs/ledger.md §16."""

from __future__ import annotations

import hashlib

import pytest

from hotline.core.records.leaf import LEAF_BYTES
from hotline.core.records.merkle import root_of
from hotline.core.records.tiles import TileFile, Tiler, tile_path
from hotline.core.values import Digest
from tests.core.records.tile_reader import read_tiles


def leaf_of(number: int) -> bytes:
    return number.to_bytes(8, "big") * 18 + b"leaf"


def tile(size: int) -> tuple[Tiler, dict[str, bytes]]:
    tiler, files = Tiler(), list[TileFile]()
    for number in range(size):
        files += tiler.add(leaf_of(number))
    files += tiler.finish()
    found = dict(files)
    assert len(found) == len(files)
    return tiler, found


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, 256, "tile/0/000"),
        (5, 7, "tile/0/005.p/7"),
        (999, 256, "tile/0/999"),
        (1000, 256, "tile/0/x001/000"),
        (1_234_067, 256, "tile/0/x001/x234/067"),
        (1_234_067, 1, "tile/0/x001/x234/067.p/1"),
    ],
)
def test_path_is_the_published_one(number: int, width: int, path: str) -> None:
    assert tile_path(0, number, width) == path


def test_leaf_of_the_tests_is_as_long_as_a_real_one() -> None:
    assert len(leaf_of(0)) == LEAF_BYTES


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 700, 3 * 256 + 5])
def test_tiles_read_back_to_every_leaf_and_the_root(size: int) -> None:
    tiler, files = tile(size)
    leaves = [leaf_of(number) for number in range(size)]
    assert read_tiles(files, size) == (leaves, root(leaves))
    assert (tiler.size, tiler.root()) == (size, root(leaves))


def root(leaves: list[bytes]) -> Digest:
    return root_of(Digest(hashlib.sha256(b"\x00" + leaf).digest()) for leaf in leaves)


def test_seventy_thousand_entries_make_the_tiles_of_the_public_example() -> None:
    """273 full and one of 112 at level 0, one full and one of 17 at level 1, one of 1 above."""
    _, files = tile(70_000)
    names = [path.removeprefix("tile/") for path in files]
    level0 = sorted(name for name in names if name.startswith("0/"))
    assert (len(level0), level0[-1]) == (274, "0/273.p/112")
    assert sorted(n for n in names if n.startswith("1/")) == ["1/000", "1/001.p/17"]
    assert [n for n in names if n.startswith("2/")] == ["2/000.p/1"]
    assert sum(name.startswith("entries/") for name in names) == 274
    assert len(files["tile/0/000"]) == 8192
    assert len(files["tile/entries/273.p/112"]) == 112 * (2 + LEAF_BYTES)


def test_exactly_one_full_tile_has_one_hash_above_it() -> None:
    _, files = tile(256)
    assert sorted(files) == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
