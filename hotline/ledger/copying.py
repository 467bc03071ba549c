"""Copying a ledger while its station may be writing it: a backup in one file.

The original is only read: no checkpoint, no lock that its writer would feel, no
new file beside it. Spec: docs/ledger.md §21.2
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotline.ledger.connection import create_file, open_reading, our_errors, sync_directory
from hotline.ledger.snapshot import Snapshot, check_regular

_LOG, _SHARED_MEMORY = "-wal", "-shm"


def copy_ledger(source: Path, target: Path) -> None:
    """Copy a ledger as it is at one moment into one new file without a log; durable.

    Args:
        source: A ledger.db, at work or not.
        target: A file that is not there yet; readable by its owner only.
    Raises:
        OperatorError: there is no such ledger, or it or its log is no regular file.
        IntegrityError: it is damaged.
        StorageError: the disk, or `target` cannot be made.
    Spec: docs/ledger.md §21.2
    """
    with our_errors("copying the ledger"), _still(source) as original:
        create_file(target)
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            copy.execute("PRAGMA synchronous=OFF")
            original.backup(copy)
            # One file alone: a log beside it could be forgotten when it is carried away.
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
        sync_file(target)


@contextmanager
def _still(source: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection that sees the ledger as it is at one moment."""
    for path in (source, source.with_name(source.name + _LOG)):
        if path.exists():
            check_regular(path.stat(), path)
    if source.with_name(source.name + _SHARED_MEMORY).exists():
        # Somebody has it open, or died with it open: a reader then makes no file.
        connection = open_reading(source)
        try:
            yield connection
        finally:
            connection.close()
        return
    with Snapshot(source) as snapshot:
        yield snapshot.connection


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(part: Path, ledger: Path) -> Path | None:
    """Rename a new ledger over the one that lies there, which is kept under another name.

    Args:
        part: The new file, whole and durable, in the same directory.
        ledger: The ledger.db that it becomes.
    Returns:
        Where the one before is kept, with its log; None if there was none.
    Raises:
        StorageError: the disk refused; either the old one or the new one is in place.
    Spec: docs/ledger.md §21.5
    """
    with our_errors("putting the ledger in its place"):
        kept = _keep(ledger)
        os.replace(part, ledger)
        sync_directory(ledger.parent)
    return kept


def _keep(ledger: Path) -> Path | None:
    number = 1
    # A log may have been kept without its ledger.
    while any(
        ledger.with_name(f"{ledger.name}.before-restore-{number}{ending}").exists()
        for ending in ("", _LOG, _SHARED_MEMORY)
    ):
        number += 1
    kept = ledger.with_name(f"{ledger.name}.before-restore-{number}")
    # The log first: a new file beside an old log would be spoiled by it.
    for ending in (_LOG, _SHARED_MEMORY):
        beside = ledger.with_name(ledger.name + ending)
        if beside.exists():
            os.replace(beside, kept.with_name(kept.name + ending))
    if not ledger.exists():
        return None
    try:
        os.link(ledger, kept)
    except OSError:
        # A disk without hard links: for a moment no ledger is in place.
        os.replace(ledger, kept)
    return kept
