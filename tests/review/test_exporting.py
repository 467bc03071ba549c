"""A ledger as tiles, read back without our code, and its head for a witness: docs/ledger.md §16."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import decode_add_checkpoint
from hotline.core.records.cards import parse_cards
from hotline.core.records.checkpoint import parse_note, verify_checkpoint
from hotline.core.records.leaf import decode_leaf
from hotline.core.records.merkle import check_consistency
from hotline.ledger.store import Ledger
from hotline.review.exporting import export_add_checkpoint, export_tiles
from hotline.sealing.ed25519 import verify_ed25519
from tests.core.records.tile_reader import read_tiles
from tests.review.outsider import NOW_MS, Pair, draft, make_pair

FILLER = 700


@pytest.fixture(scope="module")
def kept_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("pair"), filler=FILLER)


@pytest.fixture
def ledger(kept_pair: Pair, tmp_path: Path) -> Path:
    """A ledger of the test's own."""
    home = tmp_path / "NORTH"
    shutil.copytree(kept_pair.north.directory, home)
    return home


def files_of(directory: Path) -> dict[str, bytes]:
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def test_export_reads_back_to_every_leaf_and_the_signed_root(
    kept_pair: Pair, ledger: Path, tmp_path: Path
) -> None:
    done = export_tiles(ledger, tmp_path / "tiles")
    files = files_of(tmp_path / "tiles")
    keys = [kept_pair.north.signer.public_key]
    head = verify_checkpoint(files["checkpoint"], keys, verify_ed25519)
    leaves, root = read_tiles(files, head.size)
    assert (done.size, head.size) == (len(leaves), FILLER + kept_pair.fork_entry + 1)
    assert root == head.root
    assert [decode_leaf(leaf).index for leaf in leaves] == list(range(head.size))
    assert done.files == len(files)


def test_export_needs_no_content_key_and_shows_no_content(ledger: Path, tmp_path: Path) -> None:
    (ledger / "content.key").unlink()
    export_tiles(ledger, tmp_path / "tiles")
    whole = b"".join(files_of(tmp_path / "tiles").values())
    assert b"noise" not in whole
    assert b"closing fast" not in whole


def test_cards_beside_the_tiles_name_keys_and_no_officer(ledger: Path, tmp_path: Path) -> None:
    export_tiles(ledger, tmp_path / "tiles", cards=True)
    assert len(parse_cards((tmp_path / "tiles" / "cards").read_bytes())) == 5


def test_second_run_writes_nothing(ledger: Path, tmp_path: Path) -> None:
    export_tiles(ledger, tmp_path / "tiles")
    before = files_of(tmp_path / "tiles")
    assert export_tiles(ledger, tmp_path / "tiles").files == 0
    assert files_of(tmp_path / "tiles") == before


def test_export_that_was_cut_short_is_completed(ledger: Path, tmp_path: Path) -> None:
    export_tiles(ledger, tmp_path / "tiles")
    whole = files_of(tmp_path / "tiles")
    tiles = tmp_path / "tiles" / "tile"
    (tmp_path / "tiles" / "checkpoint").unlink()
    (tiles / "entries" / "001").unlink()
    (tiles / "0" / "000").write_bytes(b"half")
    (tiles / "0" / ".001.new").write_bytes(b"left over")
    assert export_tiles(ledger, tmp_path / "tiles").files == 3
    found = files_of(tmp_path / "tiles")
    assert {name: found[name] for name in whole} == whole


def grow(pair: Pair, ledger: Path, entries: int) -> None:
    opened = replace(pair.north, directory=ledger).open()
    opened.append(
        [draft(ev.CellsRefused(count=n, reason="more"), NOW_MS + n) for n in range(entries)]
    )
    opened.close()


def test_grown_ledger_renews_the_edge_alone(kept_pair: Pair, ledger: Path, tmp_path: Path) -> None:
    export_tiles(ledger, tmp_path / "tiles")
    grow(kept_pair, ledger, 300)
    done = export_tiles(ledger, tmp_path / "tiles")
    assert done.files <= 7
    files = files_of(tmp_path / "tiles")
    head = parse_note(files["checkpoint"]).checkpoint
    # Partial tiles of the older checkpoint may stay; the reader of tests counts the rest.
    stale = [name for name in files if ".p/" in name and f".p/{head.size % 256}" not in name]
    for name in stale:
        if not name.startswith("tile/1/"):
            del files[name]
    del files[f"tile/1/000.p/{(head.size - 300) // 256}"]
    assert read_tiles(files, head.size)[1] == head.root


def test_directory_of_another_log_is_left_alone(
    kept_pair: Pair, ledger: Path, tmp_path: Path
) -> None:
    other = make_pair(tmp_path / "other", seed="other")
    export_tiles(other.north.directory, tmp_path / "tiles")
    before = files_of(tmp_path / "tiles")
    with pytest.raises(OperatorError, match="another log"):
        export_tiles(ledger, tmp_path / "tiles")
    assert files_of(tmp_path / "tiles") == before


def test_directory_of_another_history_is_a_finding(
    kept_pair: Pair, ledger: Path, tmp_path: Path
) -> None:
    shutil.copytree(ledger, tmp_path / "twin")
    grow(kept_pair, tmp_path / "twin", 9)
    export_tiles(tmp_path / "twin", tmp_path / "tiles")
    with pytest.raises(IntegrityError, match="the ledger only"):
        export_tiles(ledger, tmp_path / "tiles")
    grow(kept_pair, ledger, 8)
    grow(kept_pair, ledger, 8)
    with pytest.raises(IntegrityError, match="another history"):
        export_tiles(ledger, tmp_path / "tiles")


def test_directory_with_other_files_is_refused(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("somebody's")
    with pytest.raises(OperatorError, match="holds other files"):
        export_tiles(ledger, tmp_path)
    (tmp_path / "a-file").write_text("x")
    with pytest.raises(OperatorError, match="cannot be a directory"):
        export_tiles(ledger, tmp_path / "a-file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_that_may_not_be_written_says_so(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(Exception, match="cannot be"):
        export_tiles(ledger, tmp_path / "locked" / "tiles")


def test_memory_of_an_export_does_not_grow_with_the_tiles(ledger: Path, tmp_path: Path) -> None:
    tracemalloc.start()
    export_tiles(ledger, tmp_path / "tiles")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A page of leaves, a tile of each level and the public records, in bytes.
    assert peak < 4_000_000


@pytest.mark.parametrize("old", [0, 1, 300, FILLER])
def test_request_for_a_witness_proves_the_head_from_the_old_one(
    ledger: Path, tmp_path: Path, old: int
) -> None:
    size = export_add_checkpoint(ledger, tmp_path / "body", old)
    body = decode_add_checkpoint((tmp_path / "body").read_bytes())
    head = parse_note(body.note).checkpoint
    reader = Ledger.open_read_only(ledger)
    roots = reader.root_at(old), reader.root_at(size)
    reader.close()
    assert (head.size, head.root, body.old_size) == (size, roots[1], old)
    assert check_consistency(old, size, *roots, body.proof)


@pytest.mark.parametrize("old", [-1, 10_000])
def test_request_from_a_size_that_never_was_is_refused(
    ledger: Path, tmp_path: Path, old: int
) -> None:
    with pytest.raises(OperatorError, match="no witness holds"):
        export_add_checkpoint(ledger, tmp_path / "body", old)
    assert not (tmp_path / "body").exists()
