"""A relay's rows in SQLite: the schema, and each change as a function of a connection.

A function here runs inside a transaction that its caller begins and commits.
Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hotline.core.errors import StorageError
from hotline.transport.relay.store import Box, Census, Creation, Held, Outcome, Quota

EXPIRED_AT_ONCE = 512
APPLICATION_ID = 0x686C7279
_PRIVATE_FILE = 0o600

_SCHEMA = """
CREATE TABLE box (
    id BLOB PRIMARY KEY, recipient BLOB NOT NULL, sender BLOB NOT NULL,
    token BLOB UNIQUE NOT NULL, cells INTEGER NOT NULL DEFAULT 0, octets INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE cell (
    position INTEGER PRIMARY KEY AUTOINCREMENT, box BLOB NOT NULL, id BLOB NOT NULL,
    expires_ms INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX cell_once ON cell (box, id);
CREATE INDEX cell_order ON cell (box, position);
CREATE INDEX cell_expiry ON cell (expires_ms);
CREATE TABLE tombstone (
    box BLOB NOT NULL, id BLOB NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY KEY (box, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_expiry ON tombstone (expires_ms);
CREATE TABLE dropped (id BLOB PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), beats INTEGER NOT NULL) STRICT;
INSERT INTO pulse VALUES (1, 0);
"""

_SETTINGS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("fullfsync", "1", 1),
    ("checkpoint_fullfsync", "1", 1),
    ("trusted_schema", "0", 0),
    ("cell_size_check", "1", 1),
    # Overwriting whole freed pages would double what a consumed cell writes,
    # and a full disk could not forget any more.
    ("secure_delete", "FAST", 2),
)


def open_file(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the store's file with settings that lose nothing, and read them back.

    Raises:
        StorageError: it is not a relay's store, or a setting does not hold.
        sqlite3.Error: SQLite cannot open it.
    Spec: docs/transport.md §9.6
    """
    if create:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _PRIVATE_FILE))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for name, word, value in _SETTINGS:
        connection.execute(f"PRAGMA {name} = {word}")
        if connection.execute(f"PRAGMA {name}").fetchone()[0] != value:
            raise StorageError(f"the store's database does not keep the setting {name}")
    if create:
        _prepare(connection)
        _sync_names(path.parent)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Create what is missing, and write once: now the log has a name in the directory."""
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    if found != APPLICATION_ID:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StorageError("the file holds another database", hint="name another --store")
        connection.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA application_id = {APPLICATION_ID};COMMIT;"
        )
    beat(connection)


def _sync_names(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(
    connection: sqlite3.Connection,
    quota: Quota,
    box: bytes,
    sender: bytes,
    cell_id: bytes,
    body: bytes,
    expires_ms: int,
) -> Outcome:
    """Insert a cell unless it is there, was consumed, or finds no room in its box."""
    row = connection.execute("SELECT sender, cells, octets FROM box WHERE id = ?", (box,))
    found = row.fetchone()
    if found is None or found[0] != sender:
        return Outcome.NO_BOX
    if is_known(connection, box, cell_id):
        return Outcome.DUPLICATE
    if found[1] >= quota.cells or found[2] + len(body) > quota.octets:
        return Outcome.QUOTA
    connection.execute(
        "INSERT INTO cell (box, id, expires_ms, body) VALUES (?, ?, ?, ?)",
        (box, cell_id, expires_ms, body),
    )
    _count(connection, box, 1, len(body))
    return Outcome.STORED


def is_known(connection: sqlite3.Connection, box: bytes, cell_id: bytes) -> bool:
    """Return whether the box holds the cell, or did until it was consumed."""
    found = connection.execute(
        "SELECT 1 FROM cell WHERE box = ?1 AND id = ?2"
        " UNION ALL SELECT 1 FROM tombstone WHERE box = ?1 AND id = ?2",
        (box, cell_id),
    )
    return found.fetchone() is not None


def _count(connection: sqlite3.Connection, box: bytes, cells: int, octets: int) -> None:
    connection.execute(
        "UPDATE box SET cells = cells + ?, octets = octets + ? WHERE id = ?", (cells, octets, box)
    )


def fetch(connection: sqlite3.Connection, box: bytes, after: int, limit: int) -> Sequence[Held]:
    """Read cells behind `after`, oldest first."""
    rows = connection.execute(
        "SELECT position, id, expires_ms, body FROM cell WHERE box = ? AND position > ?"
        " ORDER BY position LIMIT ?",
        (box, after, limit),
    )
    return [Held(*row) for row in rows]


def consume(connection: sqlite3.Connection, box: bytes, ids: Sequence[bytes]) -> int:
    """Replace cells by tombstones, which stay until the cells would have expired."""
    gone, octets = 0, 0
    for cell_id in ids:
        row = connection.execute(
            "DELETE FROM cell WHERE box = ? AND id = ? RETURNING expires_ms, length(body)",
            (box, cell_id),
        ).fetchone()
        if row is not None:
            gone, octets = gone + 1, octets + row[1]
            connection.execute(
                "INSERT OR IGNORE INTO tombstone VALUES (?, ?, ?)", (box, cell_id, row[0])
            )
    if gone:
        _count(connection, box, -gone, -octets)
    return gone


def expire(connection: sqlite3.Connection, now_ms: int) -> Sequence[tuple[bytes, bytes]]:
    """Delete cells, tombstones and ids of dropped boxes whose time is over."""
    rows = connection.execute(
        "DELETE FROM cell WHERE position IN (SELECT position FROM cell WHERE expires_ms <= ?"
        " LIMIT ?) RETURNING box, id, length(body)",
        (now_ms, EXPIRED_AT_ONCE),
    ).fetchall()
    for box, _, octets in rows:
        _count(connection, box, -1, -octets)
    connection.execute("DELETE FROM tombstone WHERE expires_ms <= ?", (now_ms,))
    connection.execute("DELETE FROM dropped WHERE until_ms <= ?", (now_ms,))
    return [(box, cell_id) for box, cell_id, _ in rows]


def create(connection: sqlite3.Connection, box: Box, token: bytes) -> Creation:
    """Insert a box, unless its id or its token belongs to another one."""
    row = connection.execute(
        "SELECT id, recipient, sender, token FROM box WHERE id = ? OR token = ?", (box.id, token)
    ).fetchone()
    if row is not None:
        return (
            Creation.MADE if row == (box.id, box.recipient, box.sender, token) else (Creation.TAKEN)
        )
    if connection.execute("SELECT 1 FROM dropped WHERE id = ?", (box.id,)).fetchone():
        return Creation.TAKEN
    connection.execute(
        "INSERT INTO box (id, recipient, sender, token) VALUES (?, ?, ?, ?)",
        (box.id, box.recipient, box.sender, token),
    )
    return Creation.MADE


def drop(connection: sqlite3.Connection, box: bytes, until_ms: int) -> bool:
    """Delete a box and what it holds; its token may make another one."""
    gone = connection.execute("DELETE FROM box WHERE id = ?", (box,)).rowcount
    connection.execute("DELETE FROM cell WHERE box = ?", (box,))
    connection.execute("DELETE FROM tombstone WHERE box = ?", (box,))
    if gone:
        connection.execute("INSERT OR REPLACE INTO dropped VALUES (?, ?)", (box, until_ms))
    return bool(gone)


def find(connection: sqlite3.Connection, box: bytes) -> Box | None:
    """Read a box."""
    row = connection.execute(
        "SELECT id, recipient, sender FROM box WHERE id = ?", (box,)
    ).fetchone()
    return None if row is None else Box(*row)


def census(connection: sqlite3.Connection) -> Census:
    """Sum up every box."""
    row = connection.execute("SELECT count(*), total(cells), total(octets) FROM box").fetchone()
    return Census(row[0], int(row[1]), int(row[2]))


def beat(connection: sqlite3.Connection) -> None:
    """Change one row, so that the commit has something to make durable."""
    connection.execute("UPDATE pulse SET beats = beats + 1")


def reusable_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the file's free pages."""
    pages: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * size
