"""Private copies of a ledger file with its write-ahead log, and nothing else.

An audit must neither change the original nor trust what lies beside it: a
connection to the original would replay its log, create files and take locks.
Spec: docs/ledger.md §11.1
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.core.errors import OperatorError, StorageError
from hotline.ledger.batch import MAX_ENCLOSURE_BYTES, MAX_RECORD_BYTES
from hotline.ledger.connection import copy_errors, open_copy, our_errors

LEDGER_NAME = "ledger.db"
MAX_COPY_ATTEMPTS = 8
MAX_ROW_BYTES = 2 * max(MAX_ENCLOSURE_BYTES, MAX_RECORD_BYTES)


class Snapshot:
    """A copy of a ledger that lives until it is closed.

    Attributes:
        connection: To the copy.
        path: The copy itself, for whoever needs a connection of its own.
    """

    def __init__(self, path: Path) -> None:
        """Copy `path`: a ledger file, or a directory that holds `ledger.db`.

        Raises:
            OperatorError: there is no such file.
            StorageError: it cannot be copied, or is being written all the time.
            IntegrityError: it is no database.
        """
        source = ledger_file(path)
        self._directory = TemporaryDirectory(prefix="hotline-")
        try:
            with our_errors("copying the ledger"):
                copy = _copy_still(source, Path(self._directory.name))
            with copy_errors("opening the copy"):
                self.connection: sqlite3.Connection = open_copy(copy)
            self.path = copy
        except BaseException:
            self._directory.cleanup()
            raise

    def __enter__(self) -> Snapshot:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection and delete the copy."""
        self.connection.close()
        self._directory.cleanup()


def ledger_file(path: Path) -> Path:
    """Return the ledger file that `path` (itself or its directory) names.

    Raises:
        OperatorError: there is none.
    """
    file = path / LEDGER_NAME if path.is_dir() else path
    if not file.is_file():
        raise OperatorError("there is no ledger at that path", hint="name a ledger.db")
    return file


def _copy_still(source: Path, directory: Path) -> Path:
    """Copy file and log as they were together at one moment.

    While the log only grows and the file stands still, file and earlier log belong
    together: the log's committed pages are replayed over the copy when it is opened.
    """
    log = source.with_name(source.name + "-wal")
    copy = directory / LEDGER_NAME
    for _ in range(MAX_COPY_ATTEMPTS):
        logged, stamp = _read(log), _stamp(source)
        shutil.copyfile(source, copy)
        if _read(log).startswith(logged) and _stamp(source) == stamp:
            copy.with_name(copy.name + "-wal").write_bytes(logged)
            return copy
    raise StorageError(
        "the ledger is being written while it is read", hint="stop the station or try again"
    )


def _read(log: Path) -> bytes:
    try:
        return log.read_bytes()
    except FileNotFoundError:
        return b""


def _stamp(source: Path) -> tuple[int, int]:
    status = source.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def limited_rows(connection: sqlite3.Connection) -> Iterator[None]:
    """Let SQLite refuse rows that no ledger has: a damaged length costs no memory."""
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES)
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def blames_file(error: sqlite3.Error) -> bool:
    """Return whether an error over a private copy is the file's fault, not the disk's."""
    code = getattr(error, "sqlite_errorcode", 0)
    of_disk = code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return not of_disk or code == sqlite3.SQLITE_IOERR_SHORT_READ
