"""What two stations' ledgers say of each other, side by side in one throwaway database.

A million statements are compared on disk, not in memory; and by the tables,
not by the indexes of the files under review.
Spec: docs/ledger.md §12.2
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from hotline.core.values import Digest
from hotline.ledger.audit_tree import roots_at
from hotline.ledger.snapshot import Snapshot
from hotline.ledger.tiled import TiledCopy

_TABLES = """
CREATE TABLE said(side, kind, subject, PRIMARY KEY(side, kind, subject)) WITHOUT ROWID;
CREATE TABLE seen(side, origin, size, root, PRIMARY KEY(side, origin, size, root)) WITHOUT ROWID;
CREATE TABLE cosigned(side, origin, signer, size, PRIMARY KEY(side, origin, signer, size))
 WITHOUT ROWID;
"""
# Kinds by number, as in `hotline.ledger.schema`: 3 sent, 4 received, 6 receipt, 36 recovered.
_SAY = """INSERT OR IGNORE INTO said SELECT ?, kind, subject FROM copy.entry NOT INDEXED
 WHERE kind IN (3, 4, 6, 36)"""
_SEE = "INSERT OR IGNORE INTO seen SELECT ?, origin, size, root FROM copy.witnessed NOT INDEXED"
_COSIGN = "INSERT OR IGNORE INTO cosigned SELECT ?, ?, signer, size FROM copy.cosignature"

_RECEIPT_HERE = """ AND EXISTS
 (SELECT 1 FROM said o WHERE o.side = ?1 AND o.kind = 6 AND o.subject = s.subject)"""
_UNRECEIVED = """FROM said s WHERE side = ?1 AND kind = 3 AND NOT EXISTS
 (SELECT 1 FROM said o WHERE o.side = ?2 AND o.kind = 4 AND o.subject = s.subject)"""
_RECEIPTED_UNRECEIVED = _UNRECEIVED + _RECEIPT_HERE
# Here ?1 received and ?2 is the sender, who does not know of it.
_UNSENT = """FROM said s WHERE side = ?1 AND kind = 4 AND NOT EXISTS
 (SELECT 1 FROM said o WHERE o.side = ?2 AND o.kind IN (3, 36) AND o.subject = s.subject)"""
_STATEMENTS = """SELECT count(*) FROM
 (SELECT subject FROM said WHERE kind IN (3, 4, 36) GROUP BY subject)"""
_RECEIPTED = """SELECT count(*) FROM (SELECT DISTINCT subject FROM said s WHERE kind = 3 AND EXISTS
 (SELECT 1 FROM said o WHERE o.side = s.side AND o.kind = 6 AND o.subject = s.subject))"""
_RECOVERED = "SELECT count(*) FROM said WHERE side = ?1 AND kind = 36"
_FORGOTTEN = """SELECT min(size) FROM cosigned c WHERE side = ?1 AND signer = ?3 AND NOT EXISTS
 (SELECT 1 FROM seen w WHERE w.side = ?2 AND w.origin = c.origin AND w.size = c.size)"""


@dataclass(frozen=True, slots=True)
class LogAgainstWitness:
    """One log against the heads of it that the other side countersigned.

    Attributes:
        unchanged: The file still is the one whose verdict is at hand.
        rewritten_at: The first size at which the roots differ.
        agreed: The largest size before at which they agree.
    """

    unchanged: bool
    rewritten_at: int | None
    agreed: int


class Pairing:
    """Two sides, 0 and 1, each with one or more files; lives until it is closed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._directory = TemporaryDirectory(prefix="hotline-")
        path = Path(self._directory.name) / "pairing.db"
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_TABLES)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "trusted_schema = 0"):
            self._connection.execute(f"PRAGMA {setting}")
        self._copies: dict[tuple[int, str], sqlite3.Connection] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete it."""
        self._connection.close()
        self._directory.cleanup()

    def add(self, side: int, origin: str, snapshot: Snapshot | TiledCopy) -> None:
        """Take in one file of a side, or its export."""
        self._copies[side, origin] = snapshot.connection
        self._connection.execute("ATTACH ? AS copy", (str(snapshot.path),))
        self._connection.execute("BEGIN")
        self._connection.execute(_SAY, (side,))
        self._connection.execute(_SEE, (side,))
        self._connection.execute(_COSIGN, (side, origin))
        self._connection.execute("COMMIT")
        self._connection.execute("DETACH copy")

    def origins_seen(self, side: int, station_part: str) -> list[str]:
        """Return the logs that the other side countersigned and whose origin begins like that."""
        found = "SELECT DISTINCT origin FROM seen WHERE side = ? ORDER BY origin"
        rows = self._connection.execute(found, (1 - side,)).fetchall()
        return [str(origin) for (origin,) in rows if str(origin).startswith(station_part)]

    def largest_seen(self, side: int, origin: str) -> int:
        """Return the largest size of that log of `side` that the other side countersigned, or 0."""
        found = "SELECT coalesce(max(size), 0) FROM seen WHERE side = ? AND origin = ?"
        return int(self._connection.execute(found, (1 - side, origin)).fetchone()[0])

    def root_seen(self, side: int, origin: str, size: int) -> Digest | None:
        """Return the root of that log of `side` that the other side countersigned at a size."""
        found = "SELECT root FROM seen WHERE side = ? AND origin = ? AND size = ?"
        row = self._connection.execute(found, (1 - side, origin, size)).fetchone()
        return None if row is None else Digest(row[0])

    def has_file(self, side: int, origin: str) -> bool:
        """Return whether the file of that log is at hand."""
        return (side, origin) in self._copies

    def hold_against_witness(
        self, side: int, origin: str, entries: int, root: Digest
    ) -> LogAgainstWitness:
        """Compute the roots of a log again and compare the witness's with them."""
        agreed, rewritten, last = 0, None, None
        computed = roots_at(self._copies[side, origin], self._sizes(1 - side, origin, entries))
        for size, found in computed:
            seen = self.root_seen(side, origin, size)
            if size == entries:
                last = found
            if seen is None or rewritten is not None:
                continue
            if seen == found:
                agreed = size
            else:
                rewritten = size
        return LogAgainstWitness(last == root, rewritten, agreed)

    def _sizes(self, side: int, origin: str, entries: int) -> Iterator[int]:
        """Yield the sizes to compute a root at, rising, `entries` among them."""
        found = """SELECT size FROM seen WHERE side = ?1 AND origin = ?2
         UNION SELECT ?3 ORDER BY size"""
        rows = self._connection.execute(found, (side, origin, entries))
        return (int(size) for (size,) in rows)

    def first_forgotten(self, side: int, signer: str) -> int | None:
        """Return the smallest head of a side that `signer` countersigned and does not record."""
        row = self._connection.execute(_FORGOTTEN, (side, 1 - side, signer)).fetchone()
        return None if row[0] is None else int(row[0])

    def count_statements(self) -> int:
        """Return how many statements either side speaks of."""
        return int(self._connection.execute(_STATEMENTS).fetchone()[0])

    def count_receipted(self) -> int:
        """Return how many of them their sender holds a receipt for."""
        return int(self._connection.execute(_RECEIPTED).fetchone()[0])

    def count_recovered(self, side: int) -> int:
        """Return how many statements a side had lost and got back from the other."""
        return int(self._connection.execute(_RECOVERED, (side,)).fetchone()[0])

    def unreceived(self, side: int, limit: int) -> list[Digest]:
        """Return statements that a side sent and the other does not record."""
        return self._listed(_UNRECEIVED, side, limit)

    def count_unreceived(self, side: int) -> int:
        """Return how many those are."""
        return self._counted(_UNRECEIVED, side)

    def receipted_unreceived(self, side: int, limit: int) -> list[Digest]:
        """Return those of them that the side holds a receipt for."""
        return self._listed(_RECEIPTED_UNRECEIVED, side, limit)

    def count_receipted_unreceived(self, side: int) -> int:
        """Return how many those are."""
        return self._counted(_RECEIPTED_UNRECEIVED, side)

    def unsent(self, side: int, limit: int) -> list[Digest]:
        """Return statements that the other side received and this one does not record."""
        return self._listed(_UNSENT, 1 - side, limit)

    def count_unsent(self, side: int) -> int:
        """Return how many those are."""
        return self._counted(_UNSENT, 1 - side)

    def _listed(self, found: str, side: int, limit: int) -> list[Digest]:
        query = f"SELECT subject {found} ORDER BY subject LIMIT ?3"
        rows = self._connection.execute(query, (side, 1 - side, limit))
        return [Digest(row[0]) for row in rows]

    def _counted(self, found: str, side: int) -> int:
        query = f"SELECT count(*) {found}"
        return int(self._connection.execute(query, (side, 1 - side)).fetchone()[0])
