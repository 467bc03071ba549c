"""head.db: the last head of each origin that may have left the station.

It lies beside the ledger, better on another disk, and is never restored from a
backup: it is how a ledger that was put back to an older state is found out.
Spec: docs/ledger.md §10.1
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import IntegrityError
from hotline.core.values import Digest
from hotline.ledger.connection import create_file, open_heads_file, our_errors

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS released(
 origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER IF NOT EXISTS released_only_grows BEFORE UPDATE ON released
 WHEN NEW.size < OLD.size OR NEW.origin <> OLD.origin
 BEGIN SELECT RAISE(ABORT, 'a released head never goes back'); END""",
    """CREATE TRIGGER IF NOT EXISTS released_no_delete BEFORE DELETE ON released
 BEGIN SELECT RAISE(ABORT, 'a released head is never forgotten'); END""",
    """CREATE TRIGGER IF NOT EXISTS released_no_replace BEFORE INSERT ON released
 WHEN EXISTS (SELECT 1 FROM released WHERE origin = NEW.origin)
 BEGIN SELECT RAISE(ABORT, 'a released head is swapped, not replaced'); END""",
)
_SWAP = "UPDATE released SET size = ?, root = ? WHERE origin = ? AND size = ? AND root = ?"


@dataclass(frozen=True, slots=True)
class Released:
    """Size and root of the newest head that may have left the station."""

    size: int
    root: Digest


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head that is durable in the ledger.

    It may leave the station once head.db knows it, or a later one: `Ledger.release`.

    Attributes:
        note: C2SP checkpoint signed by the ledger's key.
    """

    size: int
    root: Digest
    note: bytes

    @property
    def released(self) -> Released:
        """What head.db keeps of it."""
        return Released(self.size, self.root)


class ReleasedHeads:
    """An open head.db; no other process can open it meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> ReleasedHeads:
        """Open head.db, creating it empty where there is none.

        Raises:
            StorageError: the disk, or another process has it open.
        """
        with our_errors("opening head.db"):
            create_file(path)
            connection = open_heads_file(path)
            for statement in _SCHEMA:
                connection.execute(statement)
        return cls(connection)

    def read(self, origin: str) -> Released | None:
        """Return the newest released head of `origin`, None when it is not known here."""
        with our_errors("reading head.db"):
            row = self._connection.execute(
                "SELECT size, root FROM released WHERE origin = ?", (origin,)
            ).fetchone()
        return Released(row[0], Digest(row[1])) if row else None

    def adopt(self, origin: str, released: Released) -> None:
        """Record the first head of an origin that is not known here."""
        with our_errors("writing head.db"):
            self._connection.execute(
                "INSERT INTO released VALUES(?, ?, ?)", (origin, released.size, released.root)
            )

    def swap(self, origin: str, old: Released, new: Released) -> None:
        """Replace `old` by `new`, durably, if `old` is what is recorded.

        Raises:
            IntegrityError: something else is: another copy of this ledger released heads.
            StorageError: the disk.
        Spec: docs/ledger.md §10.2
        """
        with our_errors("writing head.db"):
            changed = self._connection.execute(
                _SWAP, (new.size, new.root, origin, old.size, old.root)
            ).rowcount
        if changed != 1:
            raise IntegrityError("head.db records another head than the one released last")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
