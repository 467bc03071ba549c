"""The rows of one append, inside the transaction that the caller holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hotline.core.records.checkpoint import Cosignature
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import WitnessedHead
from hotline.ledger.batch import Batch

# Any refusal ends the whole append, so no statement keeps a journal to undo itself alone.
_ENTRY = "INSERT OR ROLLBACK INTO entry(idx, kind, subject, leaf, sealed) VALUES(?, ?, ?, ?, ?)"
_ENCLOSURE = "INSERT OR ROLLBACK INTO enclosure(idx, sealed) VALUES(?, ?)"
_NODE = "INSERT OR ROLLBACK INTO node(level, idx, hash) VALUES(?, ?, ?)"
_HEAD = "INSERT OR ROLLBACK INTO head(size, note) VALUES(?, ?)"
_PUBLIC = """INSERT OR ROLLBACK INTO public(seq, digest, bytes)
 SELECT (SELECT coalesce(max(seq), 0) + 1 FROM public), ?1, ?2
 WHERE NOT EXISTS (SELECT 1 FROM public WHERE digest = ?1)"""
_COSIGNATURE = """INSERT OR ROLLBACK INTO cosignature(signer, size, note) SELECT ?1, ?2, ?3
 WHERE NOT EXISTS (SELECT 1 FROM cosignature WHERE signer = ?1 AND size = ?2)"""
_LASTING = """INSERT OR ROLLBACK INTO lasting(signer, size, note) SELECT ?1, ?2, ?3
 WHERE NOT EXISTS (SELECT 1 FROM lasting WHERE signer = ?1 AND size = ?2)"""
_WITNESSED = """INSERT OR ROLLBACK INTO witnessed(seq, origin, old_size, size, root, note)
 SELECT (SELECT coalesce(max(seq), 0) + 1 FROM witnessed), ?, ?, ?, ?, ?"""


def write_batch(connection: sqlite3.Connection, batch: Batch, note: bytes) -> None:
    """Write entries, enclosures, public records, nodes and the head over them."""
    connection.executemany(
        _ENTRY,
        [(w.place, w.draft.kind, w.draft.subject, w.leaf, w.sealed) for w in batch.entries],
    )
    if batch.enclosures:
        connection.executemany(_ENCLOSURE, batch.enclosures)
    if batch.publics:
        connection.executemany(_PUBLIC, batch.publics)
    if batch.nodes:
        connection.executemany(_NODE, batch.nodes)
    connection.execute(_HEAD, (batch.frontier.size, note))


def write_beside(
    connection: sqlite3.Connection,
    witnessed: Sequence[WitnessedHead],
    cosignatures: Sequence[Cosignature],
    lasting: Sequence[LastingHead],
) -> None:
    """Write what stands beside the log.

    Args:
        witnessed: Heads of other ledgers that we are about to countersign.
        cosignatures: On our heads; of each witness and size the first one stays.
        lasting: Long-lasting signatures; of each signer and size the first one stays.
    """
    connection.executemany(
        _COSIGNATURE, [(c.signer, c.checkpoint.size, c.note) for c in cosignatures]
    )
    connection.executemany(
        _WITNESSED, [(w.origin, w.old_size, w.size, w.root, w.note) for w in witnessed]
    )
    connection.executemany(_LASTING, [(h.signer, h.checkpoint.size, h.note) for h in lasting])
