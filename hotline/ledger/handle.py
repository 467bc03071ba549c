"""One open ledger file: one thread writes, others read meanwhile, none after a failed write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hotline.core.errors import IntegrityError, StorageError
from hotline.ledger.connection import FAILURES, translate

CLOSED = "the ledger is closed"
POISONED = "a write to the ledger failed, so nothing more is read from or written to it"


def blob(value: object) -> bytes:
    """Return what a row holds where every ledger holds a blob.

    Raises:
        IntegrityError: it is something else, so somebody worked around the schema.
    """
    if not isinstance(value, bytes):
        raise IntegrityError("the ledger was altered: a row holds a value of the wrong type")
    return value


def number(value: object) -> int:
    """Return what a row holds where every ledger holds an integer.

    Raises:
        IntegrityError: it is something else, so somebody worked around the schema.
    """
    if not isinstance(value, int):
        raise IntegrityError("the ledger was altered: a row holds a value of the wrong type")
    return value


class Handle:
    """Holds the connections; every use goes through `reading` or `durably`.

    Reads have a connection of their own, so that no console waits for a slow disk.
    Whoever takes both locks takes `write_lock` first.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        reads: sqlite3.Connection | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Take over `connection`; `on_close` runs once, after it was closed.

        Args:
            connection: The writer's, or the only one.
            reads: A second one, read-only, of the same file.
            on_close: Lets go of what belongs to the file.
        """
        self._connection: sqlite3.Connection | None = connection
        self._reads = reads or connection
        self._on_close = on_close
        self._closed_because = CLOSED
        self.write_lock = threading.RLock()
        self.read_lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether it was neither closed nor poisoned."""
        return self._connection is not None

    def usable(self) -> sqlite3.Connection:
        """Return the writer's connection.

        Raises:
            StorageError: it was closed or poisoned.
        """
        if self._connection is None:
            raise StorageError(self._closed_because, hint="open the ledger again")
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for reads; SQLite's errors become ours."""
        with self.read_lock:
            try:
                self.usable()
                yield self._reads
            except FAILURES as error:
                raise translate(error, "reading the ledger") from error

    def durably(self, doing: str, step: Callable[[sqlite3.Connection], object]) -> None:
        """Lend the connection for a durable step; any failure in it is the last use.

        After a failed COMMIT nobody knows whether the rows are in the file, and this
        connection may show another answer than the next one. So it is not asked:
        whoever goes on opens the ledger again.

        Args:
            doing: What failed, as in "writing the ledger".
        Raises:
            StorageError: the disk, closed, or poisoned before.
        Spec: docs/ledger.md §9.4
        """
        with self.write_lock:
            connection = self.usable()
            try:
                step(connection)
            except BaseException as error:
                self._poison(connection)
                if isinstance(error, FAILURES):
                    raise translate(error, doing) from error
                raise

    def row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        with self.reading() as connection:
            found: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
        return found

    def must(self, sql: str, *values: object) -> tuple[Any, ...]:
        """Return the first row of a query that has one unless the file was altered."""
        found = self.row(sql, *values)
        if found is None:
            raise IntegrityError("a row of the ledger is missing")
        return found

    def close(self) -> None:
        """Let go of the file; every later use raises StorageError."""
        with self.write_lock, self.read_lock:
            if self._connection is None:
                return
            connection, self._connection = self._connection, None
            try:
                # The writer's last: only it may fold the log into the file.
                self._reads.close()
                connection.close()
            except sqlite3.Error as error:
                raise translate(error, "closing the ledger") from error
            finally:
                if self._on_close:
                    self._on_close()

    def _poison(self, connection: sqlite3.Connection) -> None:
        self._closed_because = POISONED
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self.close()
        except (sqlite3.Error, StorageError, IntegrityError):
            # The first error is the one to report; the file is judged when it is reopened.
            self._connection = None
