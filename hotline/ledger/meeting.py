"""The ledgers of three and more stations of one line, all held against each other.

Two of them are compared as ever; what only all of them together can say stands here:
who sent what was received, whether as many recorded a statement as receipted it, and
whether one station signed two histories for two witnesses.
Spec: docs/ledger.md §12.6
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from hotline.core.records.checkpoint import parse_origin
from hotline.ledger.connection import copy_errors
from hotline.ledger.pairing import Pairing
from hotline.ledger.reconcile import Reconciliation, Side, reconcile_sides
from hotline.ledger.snapshot import Snapshot

MAX_TOLD = 50

_TABLES = """
CREATE TABLE receipts(subject, count);
"""
# Kinds by number, as in `hotline.ledger.schema`: 3 sent, 4 received, 6 receipt, 36 recovered.
_RECEIPTS = """INSERT INTO receipts
 SELECT subject, count(*) FROM copy.entry NOT INDEXED WHERE kind = 6 GROUP BY subject"""
_UNSENT = """SELECT subject, min(side) FROM said s WHERE kind = 4 AND NOT EXISTS
 (SELECT 1 FROM said o WHERE o.side != s.side AND o.kind IN (3, 36) AND o.subject = s.subject)
 GROUP BY subject ORDER BY subject LIMIT ?"""
_OVER_RECEIPTED = """SELECT subject, count, (SELECT count(*) FROM said o
  WHERE o.kind = 4 AND o.subject = r.subject) AS received FROM receipts r
 WHERE count > received ORDER BY subject LIMIT ?"""
_SPLIT = """SELECT a.origin, a.size, a.side, b.side FROM seen a JOIN seen b
 ON a.origin = b.origin AND a.size = b.size AND a.root < b.root
 GROUP BY a.origin, a.size ORDER BY a.origin, a.size LIMIT ?"""
_BY_ALL = "SELECT count(*) FROM receipts WHERE count >= ?"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Result of holding several ledgers against each other.

    Attributes:
        pairs: Stations of each pair, and what comparing them says.
        absent: Members of the line whose ledger is not at hand.
        statements: Distinct statements that any of them records as sent or received.
        receipted: How many of them every other member receipted.
        faults: What all of them together say, one sentence each, without its full stop.
    """

    pairs: Mapping[tuple[str, str], Reconciliation]
    absent: tuple[str, ...]
    statements: int
    receipted: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing contradicts."""
        return not self.faults and all(one.ok for one in self.pairs.values())


def reconcile_all(sides: Sequence[Side]) -> Meeting:
    """Compare each ledger with each other one, then all of them together.

    Args:
        sides: Each verifies by itself, and each is of another station of one line.
    Raises:
        OperatorError, StorageError, IntegrityError: as `reconcile`.
    Spec: docs/ledger.md §12.6
    """
    pairs = {
        (one.station, other.station): reconcile_sides(one, other)
        for one, other in itertools.combinations(sides, 2)
    }
    stations = [side.station for side in sides]
    absent = tuple(name for name in sides[0].verdict.members if name not in stations)
    with ExitStack() as stack, copy_errors("reading the ledgers"):
        table = stack.enter_context(_Table())
        for number, side in enumerate(sides):
            for verdict, path in side.files:
                table.take(number, verdict.origin, stack.enter_context(Snapshot(path)))
        faults = list(table.split_views(stations))
        if not absent and all(len(side.files) == 1 for side in sides):
            # A part of a ledger that two officers left behind may explain both.
            faults += table.contradictions(stations)
        receipted = table.count_receipted_by(len(sides[0].verdict.members) - 1)
        return Meeting(pairs, absent, table.count_statements(), receipted, tuple(faults))


class _Table(Pairing):
    """What any number of sides say, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self._connection.executescript(_TABLES)

    def take(self, side: int, origin: str, snapshot: Snapshot) -> None:
        """Take in one file of a side, and how many receipts it holds for each statement."""
        self.add(side, origin, snapshot)
        self._connection.execute("ATTACH ? AS copy", (str(snapshot.path),))
        self._connection.execute(_RECEIPTS)
        self._connection.execute("DETACH copy")

    def count_receipted_by(self, others: int) -> int:
        """Return how many statements have a receipt of each of the sender's `others`."""
        return int(self._connection.execute(_BY_ALL, (others,)).fetchone()[0])

    def split_views(self, stations: Sequence[str]) -> Iterator[str]:
        """Yield each head that two witnesses countersigned with two roots.

        Spec: docs/ledger.md §12.7
        """
        for origin, size, one, other in self._connection.execute(_SPLIT, (MAX_TOLD,)):
            first, second = sorted((stations[one], stations[other]))
            yield (
                f"{parse_origin(origin).station} signed two histories of {size} entries: "
                f"{first} countersigned one and {second} the other"
            )

    def contradictions(self, stations: Sequence[str]) -> Iterator[str]:
        """Yield what was received and nobody sent, and receipts that nobody stands for."""
        for subject, side in self._connection.execute(_UNSENT, (MAX_TOLD,)):
            yield (
                f"{stations[side]} received statement {subject.hex()[:16]}, "
                "but no other ledger records that it was sent"
            )
        for subject, count, received in self._connection.execute(_OVER_RECEIPTED, (MAX_TOLD,)):
            yield (
                f"statement {subject.hex()[:16]} has {count} receipts, "
                f"but {received} of the ledgers record it as received"
            )
