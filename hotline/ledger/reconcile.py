"""Two ledgers of one line, held against each other without any content key.

Spec: docs/ledger.md §12
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import parse_origin
from hotline.core.records.leaf import leaf_hash
from hotline.core.records.merkle import Frontier, append_leaf
from hotline.core.values import Digest
from hotline.ledger.connection import copy_errors
from hotline.ledger.schema import RECEIPT_KIND, RECEIVED_KIND, SENT_KIND
from hotline.ledger.snapshot import Snapshot
from hotline.ledger.verdict import Verdict


@dataclass(frozen=True, slots=True)
class MissingTail:
    """Entries that a station's ledger had, its peer countersigned, and the file no longer holds.

    Attributes:
        first, last: Indexes, both included.
    """

    station: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Result of holding our ledger against theirs.

    Attributes:
        ok: Nothing contradicts; statements on their way are no contradiction.
        statements: Distinct statements that either ledger records as sent or received.
        receipted: How many of them their sender holds a receipt for.
        only_ours: Statements that we sent and they do not record.
        only_theirs: Statements that they sent and we do not record.
        missing_tail: What was cut off, on either side.
        faults: One sentence each, without its full stop.
        notes: What is odd but not wrong.
    """

    ok: bool
    statements: int
    receipted: int
    only_ours: tuple[Digest, ...]
    only_theirs: tuple[Digest, ...]
    missing_tail: tuple[MissingTail, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Witnessed:
    origin: str
    size: int
    root: Digest


@dataclass(frozen=True, slots=True)
class _Side:
    """What one ledger contributes.

    Attributes:
        roots: At each size that the other side speaks of and this log reaches.
        cosigned: Sizes of own heads that each witness (key name) countersigned.
    """

    verdict: Verdict
    sent: frozenset[Digest]
    received: frozenset[Digest]
    receipted: frozenset[Digest]
    roots: dict[int, Digest]
    cosigned: dict[str, frozenset[int]]
    witnessed: tuple[_Witnessed, ...]

    @property
    def station(self) -> str:
        return self.verdict.station


def reconcile(verdict_a: Verdict, path_a: Path, verdict_b: Verdict, path_b: Path) -> Reconciliation:
    """Compare our ledger (a) with the other station's (b).

    Args:
        verdict_a: What `verify_ledger` said of `path_a`; likewise b.
        path_a: The ledger file or its directory; likewise b.
    Raises:
        OperatorError: a file is not there.
        StorageError: a file cannot be copied.
        IntegrityError: a file cannot be read.
    Spec: docs/ledger.md §12
    """
    refusal = _refusal(verdict_a, verdict_b)
    if refusal:
        return Reconciliation(False, 0, 0, (), (), (), (refusal,), ())
    with Snapshot(path_a) as ours, Snapshot(path_b) as theirs, copy_errors("reading the ledgers"):
        a = _load(ours.connection, verdict_a, _sizes_of(theirs.connection, verdict_a.origin))
        b = _load(theirs.connection, verdict_b, _sizes_of(ours.connection, verdict_b.origin))
    # Heads first: one missing end explains many missing statements.
    faults = [*_changed(a), *_changed(b), *_head_faults(a, b), *_head_faults(b, a)]
    faults += [*_statement_faults(a, b), *_statement_faults(b, a)]
    return Reconciliation(
        ok=not faults,
        statements=len(a.sent | a.received | b.sent | b.received),
        receipted=len((a.sent & a.receipted) | (b.sent & b.receipted)),
        only_ours=tuple(sorted(a.sent - b.received)),
        only_theirs=tuple(sorted(b.sent - a.received)),
        missing_tail=tuple(tail for tail in (_cut(a, b), _cut(b, a)) if tail),
        faults=tuple(faults),
        notes=(*_generation_notes(a, b), *_generation_notes(b, a)),
    )


def _refusal(a: Verdict, b: Verdict) -> str | None:
    for verdict in (a, b):
        if not verdict.ok:
            name = verdict.station or "one station"
            return f"the ledger of {name} does not verify by itself"
    if (a.line, a.realm) != (b.line, b.realm):
        return "the two ledgers are of different lines or realms"
    if a.station == b.station:
        return f"both ledgers are of {a.station}"
    return None


def _sizes_of(connection: sqlite3.Connection, origin: str) -> frozenset[int]:
    rows = connection.execute("SELECT size FROM witnessed WHERE origin = ?", (origin,))
    return frozenset(row[0] for row in rows)


def _load(connection: sqlite3.Connection, verdict: Verdict, sizes: frozenset[int]) -> _Side:
    return _Side(
        verdict=verdict,
        sent=_subjects(connection, SENT_KIND),
        received=_subjects(connection, RECEIVED_KIND),
        receipted=_subjects(connection, RECEIPT_KIND),
        roots=_roots(connection, sizes | {verdict.entries}),
        cosigned=_cosigned(connection),
        witnessed=tuple(
            _Witnessed(row[0], row[1], Digest(row[2]))
            for row in connection.execute("SELECT origin, size, root FROM witnessed ORDER BY seq")
        ),
    )


def _subjects(connection: sqlite3.Connection, kind: int) -> frozenset[Digest]:
    rows = connection.execute("SELECT subject FROM entry WHERE kind = ?", (kind,))
    return frozenset(Digest(row[0]) for row in rows)


def _roots(connection: sqlite3.Connection, sizes: frozenset[int]) -> dict[int, Digest]:
    frontier = Frontier()
    roots = {0: frontier.root()}
    for (leaf,) in connection.execute("SELECT leaf FROM entry ORDER BY idx"):
        frontier, _ = append_leaf(frontier, leaf_hash(leaf))
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root()
    return roots


def _cosigned(connection: sqlite3.Connection) -> dict[str, frozenset[int]]:
    sizes: dict[str, set[int]] = {}
    for signer, size in connection.execute("SELECT signer, size FROM cosignature"):
        sizes.setdefault(signer, set()).add(size)
    return {signer: frozenset(found) for signer, found in sizes.items()}


def _changed(side: _Side) -> Iterator[str]:
    if side.roots.get(side.verdict.entries) != side.verdict.root:
        yield f"the ledger of {side.station} is not the one that was verified"


def _statement_faults(ours: _Side, theirs: _Side) -> Iterator[str]:
    """Yield contradictions over what `ours` sent and `theirs` received."""
    if len(ours.verdict.members) != 2:
        # A third member may have sent or receipted it; only its own ledger can say.
        return
    for digest in sorted(ours.sent & ours.receipted - theirs.received):
        yield (
            f"{ours.station} holds a receipt for statement {digest.hex()[:16]}, "
            f"but the ledger of {theirs.station} does not record it"
        )
    for digest in sorted(theirs.received - ours.sent):
        yield (
            f"{theirs.station} received statement {digest.hex()[:16]}, "
            f"but the ledger of {ours.station} does not record that it was sent"
        )


def _head_faults(ours: _Side, theirs: _Side) -> Iterator[str]:
    """Yield contradictions between our log and the heads of it that they countersigned."""
    agreed = 0
    for head in _of_log(theirs, ours):
        root = ours.roots.get(head.size)
        if root == head.root:
            agreed = head.size
        elif root is not None:
            yield (
                f"{ours.station}'s ledger was rewritten: {theirs.station} countersigned another "
                f"root of its first {head.size} entries, and only the first {agreed} agree"
            )
            return
    cut = _cut(ours, theirs)
    if cut:
        yield (
            f"entries {cut.first} to {cut.last} of {cut.station}'s ledger are missing: "
            f"{theirs.station} countersigned a head that covers them"
        )
    yield from _forgotten(ours, theirs)


def _forgotten(ours: _Side, theirs: _Side) -> Iterator[str]:
    """Yield cosignatures that we hold and the witness no longer knows of."""
    name = parse_origin(theirs.verdict.origin).witness_name
    recorded = {head.size for head in _of_log(theirs, ours)}
    lost = sorted(ours.cosigned.get(name, frozenset()) - recorded)
    if lost:
        yield (
            f"{theirs.station} countersigned {ours.station}'s head of {lost[0]} entries, but "
            f"its own ledger does not record that: it was cut, put back, or copied before"
        )


def _cut(ours: _Side, theirs: _Side) -> MissingTail | None:
    largest = max((head.size for head in _of_log(theirs, ours)), default=0)
    entries = ours.verdict.entries
    return MissingTail(ours.station, entries, largest - 1) if largest > entries else None


def _of_log(witness: _Side, log: _Side) -> list[_Witnessed]:
    return [head for head in witness.witnessed if head.origin == log.verdict.origin]


def _generation_notes(ours: _Side, theirs: _Side) -> Iterator[str]:
    current = parse_origin(ours.verdict.origin)
    for text in sorted({head.origin for head in theirs.witnessed}):
        try:
            other = parse_origin(text)
        except PeerError:
            continue
        if other.station == current.station and other.generation != current.generation:
            yield (
                f"{theirs.station} also countersigned generation {other.generation} "
                f"of {ours.station}'s ledger, which is another file"
            )
