"""The fast pass over all blocks: handed to the cores, taken back in order, joined.

Spec: docs/ledger.md §11.2
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import Checkpoint, parse_origin
from hotline.core.records.merkle import Frontier, read_frontier
from hotline.core.values import Digest
from hotline.ledger.audit_blocks import (
    BLOCK_ENTRIES,
    MAX_BOUND,
    MAX_NOTED_CLOCK_STEPS,
    Block,
    BlockFound,
    check_block,
)
from hotline.ledger.audit_crew import Crew, Task, WholeFile
from hotline.ledger.audit_heads import FIRST_SIZE, HeadPlan, HeadsFound, Parties, good_heads
from hotline.ledger.audit_since import judge_earlier
from hotline.ledger.audit_tree import stored_nodes
from hotline.ledger.snapshot import Snapshot
from hotline.ledger.verdict import Findings

MAX_AUDITED_HEADS = 4_096
"""Up to so many heads (and cosignatures, and witnessed ones) all are judged without asking."""
MAX_SIGNERS = 1_000

Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done; called on the thread of the caller."""

_UNREADABLE = "\ufffd"
"""What stands in a text in place of bytes that are no UTF-8 (`connection.open_copy`)."""

_SIGNERS = """WITH RECURSIVE one(signer) AS (SELECT min(signer) FROM {0} UNION ALL
 SELECT (SELECT min(signer) FROM {0} WHERE signer > one.signer) FROM one
 WHERE one.signer IS NOT NULL) SELECT signer FROM one WHERE signer IS NOT NULL LIMIT ?"""


@dataclass(slots=True)
class FastPass:
    """What the blocks showed, up to the first that is not sound.

    Attributes:
        edge: Edge of the tree over the entries that are known to be sound.
        before: Edge before the last sound block. The careful pass begins there: a bad
            leaf at the end of a block shows itself only at the next one.
        whole_file: SQLite finds the structure of the file in order.
        broken: Something in the entries after `edge` is wrong, or a head over them is.
        good: Size of the largest head that verifies over sound entries.
        nodes_good: The stored nodes over sound entries are right.
    """

    edge: Frontier
    before: Frontier = field(default_factory=Frontier)
    whole_file: bool = True
    broken: bool = False
    good: int = 0
    nodes_good: bool = True
    steps_back: list[tuple[int, int]] = field(default_factory=list)
    bound: dict[Digest, None] = field(default_factory=dict)
    heads: HeadsFound = field(default_factory=HeadsFound)

    def take(self, block: BlockFound) -> None:
        """Add what a sound block shows."""
        self.before, self.edge = self.edge, block.after
        self.good = max(self.good, block.heads.good)
        self.nodes_good = self.nodes_good and block.nodes_good
        self.steps_back += block.steps_back
        if len(self.bound) < MAX_BOUND:
            self.bound.update(block.bound)
        self.heads.faults += block.heads.faults
        self.heads.cosigned.update(block.heads.cosigned)
        self.heads.outside.update(block.heads.outside)
        self.heads.heads += block.heads.heads
        self.heads.cosignatures += block.heads.cosignatures
        self.heads.lasting += block.heads.lasting

    def tell(self, findings: Findings) -> None:
        """Add faults and notes to the findings."""
        for fault in self.heads.faults:
            findings.add(fault)
        for index, step_ms in self.steps_back[:MAX_NOTED_CLOCK_STEPS]:
            findings.notes.append(
                f"the station's clock went back by {step_ms / 1000:.3f} s at entry {index}"
            )


def plan_heads(
    connection: sqlite3.Connection, parties: Parties, audit: bool, findings: Findings
) -> HeadPlan:
    """Say which signatures are to be judged; blame those whose signer cannot be read."""
    (newest,) = connection.execute("SELECT max(size) FROM head").fetchone()
    signers = {table: _signers(connection, table) for table in ("lasting", "cosignature")}
    for table, found in signers.items():
        if any(_UNREADABLE in signer for signer in found):
            findings.blame("its signer was altered", f"a row of table {table}")
    lasting = (one for one in signers["lasting"] if not is_of_other_log(parties, one))
    latest = "SELECT max(size) FROM cosignature WHERE signer = ?"
    cosigned = {
        signer: int(connection.execute(latest, (signer,)).fetchone()[0])
        for signer in signers["cosignature"]
        if _UNREADABLE not in signer
    }
    return HeadPlan(parties, audit, newest or 0, cosigned, tuple(lasting))


def _signers(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute(_SIGNERS.format(table), (MAX_SIGNERS,))
    return [str(signer) for (signer,) in rows]


def other_logs(connection: sqlite3.Connection, parties: Parties) -> list[str]:
    """Return the origins of other logs under which long-lasting signatures are stored."""
    signers = _signers(connection, "lasting")
    return [signer for signer in signers if is_of_other_log(parties, signer)]


def is_of_other_log(parties: Parties, signer: str) -> bool:
    """Return whether a long-lasting signature under that name is on another log than this."""
    try:
        parse_origin(signer)
    except PeerError:
        return False
    return signer != parties.origin


def run_blocks(
    crew: Crew,
    snapshot: Snapshot,
    plan: HeadPlan | None,
    entries: int,
    edge: Frontier,
    progress: Progress | None,
) -> FastPass:
    """Check the entries from `edge` to the end, on all cores of the crew.

    Args:
        entries: How many the file holds.
    """
    blocks = list(_blocks(edge, entries))
    tasks: list[Task] = [WholeFile(), *blocks]
    found = crew.run(snapshot.connection, snapshot.path, plan, tasks)
    passed = FastPass(edge, edge, whole_file=next(found) is True)
    for block, given in zip(blocks, found, strict=True):
        assert isinstance(given, BlockFound)
        result = given
        if given.sound and given.before != passed.edge:
            # The stored nodes misled the block; once more, with what is known by now.
            passed.nodes_good = False
            result = _again(snapshot.connection, block, plan, passed.edge)
        if not result.sound or result.heads.contradicts:
            passed.broken = True
            break
        passed.take(result)
        if progress is not None:
            progress(block.stop, entries)
    return passed


def _again(
    connection: sqlite3.Connection, block: Block, plan: HeadPlan | None, edge: Frontier
) -> BlockFound:
    known = Block(block.start, block.stop, block.first, block.last, edge)
    return check_block(connection, known, plan)


def _blocks(edge: Frontier, entries: int) -> Iterator[Block]:
    """Yield blocks whose borders are multiples of BLOCK_ENTRIES but for the first and the last."""
    start = edge.size
    while True:
        stop = min((start // BLOCK_ENTRIES + 1) * BLOCK_ENTRIES, entries)
        first, last = start == edge.size, stop == entries
        yield Block(start, stop, first, last, edge if first else None)
        if last:
            return
        start = stop


def find_good(connection: sqlite3.Connection, plan: HeadPlan, passed: FastPass, size: int) -> int:
    """Return the largest size up to where the careful pass begins whose head verifies.

    The fast pass passes over most heads; now that something is wrong, it matters
    how much exactly stands.
    """
    if plan.audit or not passed.nodes_good:
        return min(passed.good, size)
    last = "SELECT size FROM head WHERE size > ? AND size <= ? ORDER BY size DESC LIMIT 16"
    every = HeadPlan(plan.parties, True, plan.newest, {}, ())
    read = stored_nodes(connection)
    for (found,) in connection.execute(last, (min(passed.good, size), size)).fetchall():
        for checkpoint in good_heads(connection, every, found, found, HeadsFound()):
            if read_frontier(read, found).root() == checkpoint.root:
                return checkpoint.size
    return min(passed.good, size)


def heads_after(
    connection: sqlite3.Connection, plan: HeadPlan, size: int, found: HeadsFound
) -> Iterator[Checkpoint]:
    """Yield the well-signed heads above `size`, or of any size from 0; blame the others."""
    every = HeadPlan(plan.parties, True, plan.newest, {}, ())
    return good_heads(connection, every, size + 1 if size else FIRST_SIZE, 2**63 - 1, found)


def judge_before(
    connection: sqlite3.Connection, plan: HeadPlan, since: Checkpoint, passed: FastPass
) -> None:
    """Add what witnesses countersigned of the part that is trusted already."""
    judge_earlier(connection, plan, since, passed.heads)
    passed.good = max(passed.good, since.size)
