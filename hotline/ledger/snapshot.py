"""Private copies of a ledger file with its write-ahead log, and nothing else.

An audit must neither change the original nor trust what lies beside it: a
connection to the original would replay its log, create files and take locks.
Spec: docs/ledger.md §11.1
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.core.errors import OperatorError, StorageError
from hotline.ledger.batch import MAX_ENCLOSURE_BYTES, MAX_RECORD_BYTES
from hotline.ledger.connection import copy_errors, open_copy, our_errors

LEDGER_NAME = "ledger.db"
MAX_COPY_ATTEMPTS = 8
COPY_BLOCK_BYTES = 1 << 20
MAX_ROW_BYTES = 2 * max(MAX_ENCLOSURE_BYTES, MAX_RECORD_BYTES)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PLACE = "there is no room for the private copy of the ledger"
_FREE_SPACE = "free space in the directory for temporary files, or name another in TMPDIR"


class Snapshot:
    """A copy of a ledger that lives until it is closed.

    Attributes:
        connection: To the copy.
        path: The copy itself, for whoever needs a connection of its own.
    """

    def __init__(self, path: Path) -> None:
        """Copy `path`: a ledger file, or a directory that holds `ledger.db`.

        Raises:
            OperatorError: there is no such file, or it or its log is no regular file.
            StorageError: it cannot be copied, there is no room for the copy, or it is
                being written all the time.
            IntegrityError: it is no database.
        """
        source = ledger_file(path)
        try:
            self._directory = TemporaryDirectory(prefix="hotline-")
        except OSError as error:
            raise StorageError(_NO_PLACE, hint=_FREE_SPACE) from error
        try:
            with our_errors("copying the ledger"), _room_errors():
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
        OperatorError: there is none, or it is no regular file.
    """
    file = path / LEDGER_NAME if path.is_dir() else path
    if not file.exists():
        raise OperatorError("there is no ledger at that path", hint="name a ledger.db")
    check_regular(file.stat(), file)
    return file


def check_regular(status: os.stat_result, path: Path) -> None:
    """Refuse what is no regular file: reading a pipe waits for ever, a device may act.

    Args:
        status: Of `path`, or of a descriptor that it led to; a link counts as its target.
    Raises:
        OperatorError: it is something else.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OperatorError(
            f"{path.name} is no regular file, so it is not read",
            hint="ask for the ledger as plain files",
        )


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The first bytes of a log: how many, and their SHA-256."""

    length: int
    digest: bytes

    def is_of(self, log: Path) -> bool:
        """Return whether `log` still begins with them."""
        try:
            with _open_regular(log) as file:
                summed = hashlib.sha256()
                for block in _blocks(file, self.length):
                    summed.update(block)
        except FileNotFoundError:
            return not self.length
        return summed.digest() == self.digest


def _copy_still(source: Path, directory: Path) -> Path:
    """Copy file and log as they were together at one moment.

    While the log only grows and the file stands still, file and earlier log belong
    together: the log's committed pages are replayed over the copy when it is opened.
    """
    log = source.with_name(source.name + "-wal")
    copy = directory / LEDGER_NAME
    for _ in range(MAX_COPY_ATTEMPTS):
        logged = _copy_log(log, copy.with_name(copy.name + "-wal"))
        stamp = _copy_file(source, copy)
        if logged.is_of(log) and _stamp(source.stat()) == stamp:
            return copy
    raise StorageError(
        "the ledger is being written while it is read", hint="stop the station or try again"
    )


def _copy_log(log: Path, copy: Path) -> _Beginning:
    """Copy a log as long as it is now; one that is missing is an empty one."""
    summed = hashlib.sha256()
    length = 0
    try:
        with _open_regular(log) as file:
            for block in _write(copy, file):
                summed.update(block)
                length += len(block)
    except FileNotFoundError:
        copy.write_bytes(b"")
    return _Beginning(length, summed.digest())


def _copy_file(source: Path, copy: Path) -> tuple[int, int]:
    """Copy the ledger itself; return what tells whether it was written since."""
    with _open_regular(source) as file:
        stamp = _stamp(os.fstat(file.fileno()))
        for _ in _write(copy, file):
            pass
    return stamp


def _open_regular(path: Path) -> FileIO:
    check_regular(path.stat(), path)
    # Whatever has taken its place by now: a pipe does not keep us waiting.
    file = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        check_regular(os.fstat(file.fileno()), path)
    except OperatorError:
        file.close()
        raise
    return file


def _write(copy: Path, file: FileIO) -> Iterator[memoryview]:
    """Copy a file, as long as it is at the beginning; yield each block that was written."""
    length = os.fstat(file.fileno()).st_size
    with copy.open("wb") as written:
        disk = shutil.disk_usage(copy.parent)
        if disk.total and length > disk.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for block in _blocks(file, length):
            written.write(block)
            yield block


def _blocks(file: FileIO, length: int) -> Iterator[memoryview]:
    """Yield the first `length` bytes, fewer if there are no more; each block until the next."""
    buffer = memoryview(bytearray(COPY_BLOCK_BYTES))
    while length > 0 and (count := file.readinto(buffer[:length])):
        length -= count
        yield buffer[:count]


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


@contextmanager
def _room_errors() -> Iterator[None]:
    """Say in a sentence of its own that the copy has no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageError(_NO_PLACE, hint=_FREE_SPACE) from error


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
