"""An export in place of the other station's ledger: docs/ledger.md §16.8."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.records.add_checkpoint import WitnessKey, encode_vkey
from hotline.core.records.checkpoint import cosign, parse_note
from hotline.core.records.leaf import LEAF_BYTES
from hotline.core.records.tiles import decode_bundle, encode_bundle
from hotline.ledger.reconcile import Side, reconcile_sides
from hotline.ledger.tiled import TiledCopy, verify_tiles
from hotline.review.exporting import export_tiles
from hotline.review.reviewing import Asked, review_ledgers
from hotline.review.verdicts import Review
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import identify_ledger
from tests.ledger.rig import Key, tamper
from tests.ledger.test_reconcile import cut
from tests.review.outsider import make_pair
from tests.review.rig import Worked, ledger_of

WIDTH = 2 + LEAF_BYTES


def bundle_of(tiles: Path) -> Path:
    (bundle,) = (tiles / "tile" / "entries").rglob("[0-9]*[0-9]")
    return bundle


@pytest.fixture
def tiles(worked: Worked, tmp_path: Path) -> Path:
    """SOUTH's ledger as tiles; its home is gone."""
    export_tiles(worked.south, tmp_path / "tiles")
    (worked.south).rename(tmp_path / "elsewhere")
    return tmp_path / "tiles"


def said(review: Review) -> str:
    return "\n".join(review.lines())


def test_export_reconciles_with_the_ledger_and_says_what_it_cannot(
    kept: Worked, worked: Worked, tiles: Path
) -> None:
    whole = review_ledgers(kept.north, kept.south).reconciliation
    review = review_ledgers(worked.north, tiles)
    assert review.ok, said(review)
    assert whole is not None
    assert review.reconciliation is not None
    counts = (review.reconciliation.statements, review.reconciliation.receipted)
    assert counts == (whole.statements, whole.receipted)
    assert review.theirs is not None
    assert review.as_json()["peer"]["exported"] is True
    assert "An export: every leaf and link agrees with its one signed head" in said(review)
    assert "whether that was cut off at its end or rewritten, only SOUTH's ledger file" in said(
        review
    )
    assert ("Nobody has countersigned that head" in said(review)) == (not review.theirs.cosigned)


def test_trusted_outside_witness_on_the_head_of_an_export_counts(
    worked: Worked, tiles: Path
) -> None:
    checkpoint = tiles / "checkpoint"
    head = parse_note(checkpoint.read_bytes()).checkpoint
    line = cosign(head, "witness.example/w1", Key(b"w"), 1_795_357_886).split(b"\n\n")[1]
    checkpoint.write_bytes(checkpoint.read_bytes() + line)
    trusted = encode_vkey(WitnessKey("witness.example/w1", Key(b"w").public_key))
    stranger = encode_vkey(WitnessKey("witness.example/w1", Key(b"v").public_key))
    words = f"The outside witness witness.example/w1 countersigned the first {head.size} entries."
    assert words in said(review_ledgers(worked.north, tiles, Asked(witnesses=[trusted])))
    for asked in (Asked(), Asked(witnesses=[stranger])):
        review = review_ledgers(worked.north, tiles, asked)
        assert review.ok
        assert words not in said(review)


def test_export_larger_than_a_tile_is_read_whole(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, filler=700)
    export_tiles(pair.north.directory, tmp_path / "tiles", cards=True)
    steps: list[tuple[int, int]] = []
    verdict = verify_tiles(
        tmp_path / "tiles",
        pair.records,
        identify=identify_ledger,
        verifier=verify_ed25519,
        progress=lambda done, all_: steps.append((done, all_)),
    )
    assert verdict.ok, verdict.faults
    assert [done for done, _ in steps] == [256, 512, verdict.entries]
    with TiledCopy(tmp_path / "tiles", verdict) as copy:
        found = copy.connection.execute("SELECT count(*), max(idx) FROM entry").fetchone()
    assert found == (verdict.entries, verdict.entries - 1)


def flipped(tiles: Path) -> None:
    bundle = bundle_of(tiles)
    content = bytearray(bundle.read_bytes())
    content[20 * WIDTH + 100] ^= 1
    bundle.write_bytes(content)


def swapped(tiles: Path) -> None:
    bundle = bundle_of(tiles)
    leaves = decode_bundle(bundle.read_bytes())
    leaves[4], leaves[5] = leaves[5], leaves[4]
    bundle.write_bytes(encode_bundle(leaves))


def shortened(tiles: Path) -> None:
    bundle = bundle_of(tiles)
    bundle.write_bytes(bundle.read_bytes()[:-WIDTH])


def torn(tiles: Path) -> None:
    bundle = bundle_of(tiles)
    bundle.write_bytes(bundle.read_bytes()[:-1])


def swollen(tiles: Path) -> None:
    bundle_of(tiles).write_bytes(bytes(1_000_000))


def lost(tiles: Path) -> None:
    bundle_of(tiles).unlink()


def a_file_for_the_directory(tiles: Path) -> None:
    entries = tiles / "tile" / "entries"
    entries.rename(tiles.parent / "entries")
    entries.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (flipped, "does not (have the root|follow)"),
        (swapped, "does not follow the entry before it"),
        (shortened, "too short"),
        (torn, "ends within a leaf"),
        (swollen, "more than"),
        (lost, "its tile is not there"),
        (a_file_for_the_directory, "its tile is not there"),
    ],
)
def test_spoiled_export_does_not_verify(
    worked: Worked, tiles: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(tiles)
    review = review_ledgers(worked.north, tiles)
    assert not review.ok
    assert review.theirs is not None
    assert review.theirs.first_fault is not None
    assert re.search(words, review.theirs.first_fault.sentence())
    assert "does not verify by itself" in said(review)


def test_head_by_a_key_of_another_line_does_not_verify(
    worked: Worked, tiles: Path, tmp_path: Path
) -> None:
    head = tiles / "checkpoint"
    lines = head.read_bytes().split(b"\n")
    pair = make_pair(tmp_path / "other")
    strange = pair.south.signer.sign(parse_note(head.read_bytes()).checkpoint.body())
    forged = lines[4][: lines[4].rindex(b" ") + 1]
    blob = base64.b64decode(lines[4].rsplit(b" ", 1)[1])
    lines[4] = forged + base64.b64encode(blob[:4] + strange)
    head.write_bytes(b"\n".join(lines))
    review = review_ledgers(worked.north, tiles)
    assert not review.ok
    assert "unknown-key" in str(review.as_json()["peer"]["first_fault"])


def test_export_of_another_line_or_of_the_same_station_is_refused(
    worked: Worked, tmp_path: Path
) -> None:
    pair = make_pair(tmp_path / "other")
    export_tiles(pair.north.directory, tmp_path / "tiles")
    with pytest.raises(OperatorError, match="different lines"):
        review_ledgers(worked.north, tmp_path / "tiles")
    export_tiles(worked.north, tmp_path / "own")
    with pytest.raises(OperatorError, match="both ledgers are of NORTH"):
        review_ledgers(worked.north, tmp_path / "own")


@pytest.mark.parametrize("junk", [b"", b"junk\n", bytes(200_000), "hotline\n1\né\n\n".encode()])
def test_junk_for_a_checkpoint_is_one_sentence(worked: Worked, tiles: Path, junk: bytes) -> None:
    (tiles / "checkpoint").write_bytes(junk)
    with pytest.raises(OperatorError) as refused:
        review_ledgers(worked.north, tiles)
    assert "\n" not in refused.value.sentence()


def test_pipe_in_place_of_a_tile_is_refused_and_not_waited_for(worked: Worked, tiles: Path) -> None:
    bundle = bundle_of(tiles)
    bundle.unlink()
    os.mkfifo(bundle)
    with pytest.raises(OperatorError, match="no regular file"):
        review_ledgers(worked.north, tiles)


def test_receipt_for_what_the_export_does_not_record_is_a_contradiction(
    worked: Worked, tmp_path: Path
) -> None:
    """SOUTH exports a ledger cut to an early head: NORTH holds receipts for what came after."""
    file = ledger_of(worked.south)
    with contextlib.closing(sqlite3.connect(file)) as database:
        (size,) = database.execute("SELECT max(size) FROM head WHERE size < 22").fetchone()
    cut(file, size)
    export_tiles(worked.south, tmp_path / "tiles")
    review = review_ledgers(worked.north, tmp_path / "tiles")
    assert not review.ok
    assert "holds a receipt for statement" in said(review)
    assert "of SOUTH's ledger are missing: NORTH countersigned a head that covers them" in said(
        review
    )


def test_export_replaced_after_its_verdict_is_found(worked: Worked, tiles: Path) -> None:
    review = review_ledgers(worked.north, tiles)
    assert review.theirs is not None
    lost(tiles)
    with pytest.raises(IntegrityError, match="replaced while it was read"):
        reconcile_sides(Side(review.ours, ledger_of(worked.north)), Side(review.theirs, tiles))


def test_ledger_that_was_rewritten_is_found_by_an_export_of_the_truth(
    worked: Worked, tiles: Path
) -> None:
    """NORTH drops what it received: SOUTH's export holds a receipt for it."""
    file = ledger_of(worked.north)
    tamper(file, "UPDATE entry SET kind = 5 WHERE kind = 4")
    assert not review_ledgers(worked.north, tiles).ok
