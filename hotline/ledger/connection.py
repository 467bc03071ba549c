"""Connections to ledger files: settings that are read back, errors that are ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotline.core.errors import HotlineError, IntegrityError, StorageError

BUSY_TIMEOUT_S = 5.0
PRIVATE_FILE = 0o600

_DURABLE: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("fullfsync", "1", 1),
    ("checkpoint_fullfsync", "1", 1),
    ("recursive_triggers", "1", 1),
    ("trusted_schema", "0", 0),
    ("cell_size_check", "1", 1),
)
# The writer checkpoints by hand, after the head is released (docs/ledger.md §9.5).
_LEDGER = (*_DURABLE, ("wal_autocheckpoint", "0", 0))
# One process at a time: the lock on head.db is what makes a second writer fail.
_HEADS = (("locking_mode", "EXCLUSIVE", "exclusive"), *_DURABLE, ("wal_autocheckpoint", "64", 64))
_READING: tuple[tuple[str, str, object], ...] = (
    ("query_only", "1", 1),
    ("trusted_schema", "0", 0),
    ("cell_size_check", "1", 1),
)

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reported an error",
    sqlite3.SQLITE_READONLY: "the file may not be written",
    sqlite3.SQLITE_BUSY: "another process has it open",
    sqlite3.SQLITE_LOCKED: "another process has it open",
    sqlite3.SQLITE_CANTOPEN: "the file could not be opened",
    sqlite3.SQLITE_CONSTRAINT: "the file refused a row",
}


FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What a database may raise; the last one where it names something that is no text."""


@contextmanager
def our_errors(doing: str) -> Iterator[None]:
    """Turn SQLite's and the system's errors into StorageError, damage into IntegrityError.

    Args:
        doing: What failed, as in "writing the ledger".
    """
    try:
        yield
    except FAILURES as error:
        raise translate(error, doing) from error


@contextmanager
def copy_errors(doing: str) -> Iterator[None]:
    """Turn SQLite's errors over a private copy into IntegrityError: the file is to blame.

    Only a full or failing disk under the copy is still a StorageError.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        code = getattr(error, "sqlite_errorcode", 0)
        ours = code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        if ours and code != sqlite3.SQLITE_IOERR_SHORT_READ:
            raise translate(error, doing) from error
        raise IntegrityError(f"{doing} failed: the file is damaged or no ledger") from error


def translate(error: sqlite3.Error | OSError | UnicodeDecodeError, doing: str) -> HotlineError:
    """Return the error that says what must happen next; no path, no row, no SQL in it."""
    if isinstance(error, OSError):
        return StorageError(f"{doing} failed: {error.strerror or 'the system refused'}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED or isinstance(error, UnicodeDecodeError):
        return IntegrityError(f"{doing} failed: the file is damaged or no database")
    return StorageError(f"{doing} failed: {_REASONS.get(code, 'the database gave up')}")


def open_ledger_file(path: Path) -> sqlite3.Connection:
    """Open a ledger for its one writer; transactions are begun by hand."""
    return _connect(path, _LEDGER)


def open_reading(path: Path) -> sqlite3.Connection:
    """Open a ledger beside its writer; never writes and never checkpoints."""
    return _connect(path, _READING, mode="ro")


def open_heads_file(path: Path) -> sqlite3.Connection:
    """Open head.db and hold it against every other process until it is closed."""
    connection = _connect(path, _HEADS)
    # The lock is taken by the first write, not by the setting.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")
    return connection


def open_copy(path: Path) -> sqlite3.Connection:
    """Open a private copy to read."""
    return _connect(path, _READING)


def create_file(path: Path) -> None:
    """Create an empty file that only its owner may read, unless it is there."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE))


def sync_directory(directory: Path) -> None:
    """Make the names of new files in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(
    path: Path, settings: tuple[tuple[str, str, object], ...], mode: str = "rw"
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
    )
    # Whatever stands in a text column can be read, and then be judged.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        for name, value, expected in settings:
            _set(connection, name, value, expected)
    except BaseException:
        connection.close()
        raise
    return connection


def _set(connection: sqlite3.Connection, name: str, value: str, expected: object) -> None:
    connection.execute(f"PRAGMA {name} = {value}")
    (found,) = connection.execute(f"PRAGMA {name}").fetchone()
    if found != expected:
        raise StorageError(f"the database does not accept {name} = {value}")
