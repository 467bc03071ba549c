"""The rows of one append, inside the transaction that the caller holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hotline.core.records.checkpoint import Cosignature
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import WitnessedHead
from hotline.ledger.batch import Batch

_ENTRY = "INSERT INTO entry(idx, kind, subject, leaf, sealed) VALUES(?, ?, ?, ?, ?)"
_ENCLOSURE = "INSERT INTO enclosure(idx, sealed) VALUES(?, ?)"
_NODE = "INSERT INTO node(level, idx, hash) VALUES(?, ?, ?)"
_PUBLIC = """INSERT INTO public(seq, digest, bytes)
 SELECT (SELECT coalesce(max(seq), 0) + 1 FROM public), ?1, ?2
 WHERE NOT EXISTS (SELECT 1 FROM public WHERE digest = ?1)"""
_COSIGNATURE = """INSERT INTO cosignature(signer, size, note) SELECT ?1, ?2, ?3
 WHERE NOT EXISTS (SELECT 1 FROM cosignature WHERE signer = ?1 AND size = ?2)"""
_LASTING = """INSERT INTO lasting(signer, size, note) SELECT ?1, ?2, ?3
 WHERE NOT EXISTS (SELECT 1 FROM lasting WHERE signer = ?1 AND size = ?2)"""
_WITNESSED = """INSERT INTO witnessed(seq, origin, old_size, size, root, note)
 SELECT (SELECT coalesce(max(seq), 0) + 1 FROM witnessed), ?, ?, ?, ?, ?"""


def write_batch(connection: sqlite3.Connection, batch: Batch, note: bytes) -> None:
    """Write entries, enclosures, public records, nodes and the head over them."""
    for row in batch.rows:
        entry = row.entry
        values = (entry.index, entry.kind, entry.subject, entry.leaf, row.sealed)
        connection.execute(_ENTRY, values)
        if row.enclosure is not None:
            connection.execute(_ENCLOSURE, (entry.index, row.enclosure))
        if row.public is not None:
            connection.execute(_PUBLIC, (entry.subject, row.public))
    connection.executemany(_NODE, batch.nodes)
    connection.execute("INSERT INTO head(size, note) VALUES(?, ?)", (batch.frontier.size, note))


def write_cosignatures(connection: sqlite3.Connection, cosignatures: Sequence[Cosignature]) -> None:
    """Write cosignatures on our heads; of each witness and size the first one stays."""
    for cosignature in cosignatures:
        values = (cosignature.signer, cosignature.checkpoint.size, cosignature.note)
        connection.execute(_COSIGNATURE, values)


def write_witnessed(connection: sqlite3.Connection, witnessed: Sequence[WitnessedHead]) -> None:
    """Write heads of other ledgers that we are about to countersign."""
    for head in witnessed:
        values = (head.origin, head.old_size, head.size, head.root, head.note)
        connection.execute(_WITNESSED, values)


def write_lasting(connection: sqlite3.Connection, heads: Sequence[LastingHead]) -> None:
    """Write long-lasting signatures on heads; of each signer and size the first one stays."""
    for head in heads:
        connection.execute(_LASTING, (head.signer, head.checkpoint.size, head.note))
