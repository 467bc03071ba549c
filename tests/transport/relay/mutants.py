"""Stores that are wrong in one way each. The conformance suite must find every one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from hotline.transport.relay import sqlite_rows as rows
from hotline.transport.relay.sqlite_store import SqliteStore
from hotline.transport.relay.sqlite_writer import Writer, _answer
from hotline.transport.relay.store import Outcome


class _Hasty(Writer):
    def _commit(self, group: Any) -> None:
        self._loop.call_soon_threadsafe(_answer, list(group))
        super()._commit(group)


class AckBeforeCommit(SqliteStore):
    """Says that a cell is durable while its commit is still to come."""

    writer_type = _Hasty


class Unsynced(SqliteStore):
    """Commits without waiting for the disk."""

    def _open(self, path: Path, *, create: bool) -> sqlite3.Connection:
        connection = super()._open(path, create=create)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


class Forgetful(SqliteStore):
    """Keeps the same cell as often as it is put."""

    def _open(self, path: Path, *, create: bool) -> sqlite3.Connection:
        connection = super()._open(path, create=create)
        connection.execute("DROP INDEX IF EXISTS cell_once")
        return connection

    def _put(
        self,
        connection: sqlite3.Connection,
        box: bytes,
        sender: bytes,
        cell_id: bytes,
        body: bytes,
        expires_ms: int,
    ) -> Outcome:
        connection.execute(
            "INSERT INTO cell (box, id, expires_ms, body) VALUES (?, ?, ?, ?)",
            (box, cell_id, expires_ms, body),
        )
        return Outcome.STORED


class NoTombstones(SqliteStore):
    """Does not remember what was consumed."""

    def _put(self, connection: sqlite3.Connection, *rest: Any) -> Outcome:
        connection.execute("DELETE FROM tombstone")
        return super()._put(connection, *rest)


class Evicting(SqliteStore):
    """Makes room for the new by throwing away the oldest."""

    def _put(self, connection: sqlite3.Connection, box: bytes, *rest: Any) -> Outcome:
        outcome = super()._put(connection, box, *rest)
        if outcome is not Outcome.QUOTA:
            return outcome
        oldest = rows.fetch(connection, box, 0, 1)
        rows.consume(connection, box, [held.id for held in oldest])
        return super()._put(connection, box, *rest)


BY_NAME: dict[str, type[SqliteStore]] = {
    one.__name__: one
    for one in (SqliteStore, AckBeforeCommit, Unsynced, Forgetful, NoTombstones, Evicting)
}
