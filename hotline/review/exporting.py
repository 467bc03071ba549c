"""Exporting a ledger for outside auditors and witnesses: tiles, heads, nothing of its contents.

Spec: docs/ledger.md §16
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import IntegrityError, InvariantError, OperatorError, PeerError
from hotline.core.records.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from hotline.core.records.cards import format_cards, ledger_records
from hotline.core.records.checkpoint import MAX_NOTE_BYTES, Checkpoint, parse_note
from hotline.core.records.leaf import encode_leaf
from hotline.core.records.tiles import CHECKPOINT, TileFile, Tiler
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.review.disclosing import source_note
from hotline.review.files import (
    OPEN_FILE,
    make_directory,
    read_bounded,
    reading_errors,
    write_new,
    write_whole,
)
from hotline.review.locating import locate, shown
from hotline.sealing.roster import identify_ledger

CARDS_NAME = "cards"

Progress = Callable[[int, int], None]
"""Told how many entries are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        size: How many entries it covers.
        files: How many files were written or renewed; those that stood already are not counted.
    """

    size: int
    files: int


def export_tiles(
    path: Path, out: Path, *, cards: bool = False, progress: Progress | None = None
) -> Exported:
    """Write the ledger at `path` as a C2SP tlog-tiles directory, or complete one.

    Needs no content key. The checkpoint is written last, when every tile is durable: a
    directory without one is unfinished, and a second run completes it.

    Args:
        out: A directory, made if need be; an older export of the same ledger may be in it.
        cards: Whether the public records that name the keys are written into it.
        progress: Called after each full tile.
    Raises:
        OperatorError: no ledger there, or `out` holds another log.
        IntegrityError: the ledger does not fit its head, or `out` holds a history that
            the ledger contradicts.
        StorageError: a disk refused.
    Spec: docs/ledger.md §16.1, §16.4
    """
    with _opened(path) as reader:
        note = source_note(reader, identify_ledger(reader.public_records()))
        make_directory(out)
        _check_older(reader, out)
        written = sum(_renew(out, file) for file in _tiles(reader, progress))
        if cards:
            records = format_cards(ledger_records(reader.public_records()))
            written += _renew(out, TileFile(CARDS_NAME, records))
        os.sync()
        written += _renew(out, TileFile(CHECKPOINT, note), sync=True)
        return Exported(reader.size, written)


def export_add_checkpoint(path: Path, out: Path, old_size: int) -> int:
    """Write the request that shows an outside witness the newest head; return its size.

    Args:
        out: A file that is not there yet.
        old_size: How many entries the witness has countersigned, 0 if none.
    Raises:
        OperatorError: no ledger there, it is shorter than `old_size`, or a file is in the way.
        IntegrityError: the ledger does not fit its head.
        StorageError: a disk refused.
    Spec: docs/ledger.md §16.6
    """
    with _opened(path) as reader:
        if not 0 <= old_size <= reader.size:
            raise OperatorError(
                f"the ledger holds {reader.size} entries, so no witness holds {old_size} of it",
                hint="give the size that the witness answered with after --old",
            )
        note = reader.head()
        proof = tuple(reader.prove_consistency(old_size))
        write_new(out, encode_add_checkpoint(AddCheckpoint(old_size, proof, note)))
        return reader.size


@contextmanager
def _opened(path: Path) -> Iterator[LedgerReader]:
    reader = Ledger.open_read_only(locate(path))
    try:
        yield reader
    finally:
        reader.close()


def _tiles(reader: LedgerReader, progress: Progress | None) -> Iterator[TileFile]:
    tiler = Tiler()
    for leaf in reader.leaves(0, reader.size):
        # A leaf has one spelling, so encoding it again gives the stored bytes.
        for file in tiler.add(encode_leaf(leaf)):
            yield file
            if progress is not None:
                progress(tiler.size, reader.size)
    yield from tiler.finish()
    if progress is not None:
        progress(tiler.size, reader.size)
    if (tiler.size, tiler.root()) != (reader.size, reader.root):
        raise IntegrityError("the tiles do not have the root that was signed")


def _check_older(reader: LedgerReader, out: Path) -> None:
    """Refuse a directory whose checkpoint this ledger does not extend."""
    path = out / CHECKPOINT
    if not path.exists():
        _check_empty(out)
        return
    older = _older(path)
    if older.origin != reader.origin:
        raise OperatorError(
            f"{shown(out)} holds the export of another log", hint="name another directory"
        )
    try:
        root = reader.root_at(older.size)
    except InvariantError as error:
        raise IntegrityError(
            f"{shown(out)} holds {older.size} entries, the ledger only {reader.size}"
        ) from error
    if root != older.root:
        raise IntegrityError(
            f"{shown(out)} holds another history of the first {older.size} entries"
        )


def _check_empty(out: Path) -> None:
    """Refuse a directory with files of somebody else's; an unfinished export has tiles only."""
    with reading_errors(out):
        others = {entry.name for entry in out.iterdir()} - {"tile", CARDS_NAME}
    if {name for name in others if not name.startswith(".")}:
        raise OperatorError(
            f"{shown(out)} holds other files", hint="name an empty or a new directory"
        )


def _older(path: Path) -> Checkpoint:
    try:
        return parse_note(read_bounded(path, MAX_NOTE_BYTES)).checkpoint
    except PeerError as error:
        raise OperatorError(
            f"{shown(path)} is not a checkpoint", hint="name another directory"
        ) from error


def _renew(out: Path, file: TileFile, *, sync: bool = False) -> int:
    """Write one file unless it stands there as it should; return how many were written."""
    target = out / file.path
    if target.is_file() and read_bounded(target, 2**24) == file.content:
        return 0
    with reading_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, file.content, mode=OPEN_FILE, sync=sync)
    return 1
