"""Beginning an audit at a head that is trusted already, instead of at the first entry.

The stored nodes say what the tree was then; that they say the truth follows
from the trusted root alone, so not one earlier leaf has to be hashed again.
Spec: docs/ledger.md §11.6
"""

from __future__ import annotations

import sqlite3

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import Checkpoint, parse_cosignature
from hotline.core.records.leaf import leaf_hash
from hotline.core.records.merkle import (
    Frontier,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
    read_frontier,
)
from hotline.ledger.audit_heads import HeadPlan, HeadsFound, judge_cosignature
from hotline.ledger.audit_tree import roots_at, stored_nodes
from hotline.ledger.verdict import Damage, Findings

_COSIGNATURE = "SELECT note FROM cosignature WHERE signer = ? AND size = ?"


def trusted_edge(connection: sqlite3.Connection, since: Checkpoint) -> Frontier | None:
    """Return the edge of the tree at a trusted head, or None when the nodes do not lead to it.

    The leaf before it is under the root, too: the next entry links to that one.
    """
    if not since.size:
        return Frontier()
    read = stored_nodes(connection)
    try:
        edge = read_frontier(read, since.size)
        last = since.size - 1
        (leaf,) = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (last,)).fetchone()
        path = prove_inclusion(read, last, since.size)
        known = check_inclusion(leaf_hash(leaf), last, since.size, since.root, path)
    except (PeerError, InvariantError, TypeError):
        return None
    return edge if known and edge.root() == since.root else None


def judge_earlier(
    connection: sqlite3.Connection, plan: HeadPlan, since: Checkpoint, found: HeadsFound
) -> None:
    """Judge the newest cosignature of each witness that is on an earlier head than `since`."""
    for signer, size in plan.cosigned.items():
        if size >= since.size:
            continue
        (note,) = connection.execute(_COSIGNATURE, (signer, size)).fetchone()
        found.cosignatures += 1
        try:
            seen = parse_cosignature(note).checkpoint
            proof = prove_consistency(stored_nodes(connection), size, since.size)
            joined = check_consistency(size, since.size, seen.root, since.root, proof)
        except (PeerError, InvariantError):
            joined = False
        root = seen.root if joined else None
        judge_cosignature(plan.parties, signer, size, note, root, found)


def check_since(
    connection: sqlite3.Connection, since: Checkpoint, entries: int, findings: Findings
) -> None:
    """Say why the file does not lead to the trusted head, once all entries were examined."""
    where = "the trusted head"
    if since.size > entries:
        what = f"entries {entries} to {since.size - 1} are missing: it covers {since.size}"
        findings.blame(what, where, entries, Damage.CUT)
    elif dict(roots_at(connection, iter([since.size]))).get(since.size) != since.root:
        what = f"the first {since.size} entries are not those that it covers"
        findings.blame(what, where, damage=Damage.REWRITTEN)
