"""The tables of a ledger file, the triggers that keep them append-only, and their check.

Triggers stop accidents, hashes stop people: an auditor relies on neither the
triggers nor the indexes, only on the text being the known one.
Spec: docs/ledger.md §9
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

APPLICATION_ID = 0x484C4C31
"""What SQLite's file header says: "HLL1"."""

SENT_KIND = 3
RECEIVED_KIND = 4
RECEIPT_KIND = 6
KEY_CHANGED_KIND = 39
"""Kinds that the ledger itself must know; the schema's text holds the 4, too."""

_ZEROS = "00" * 32

TABLES = (
    """CREATE TABLE entry(
 idx INTEGER PRIMARY KEY, kind INTEGER NOT NULL, subject BLOB NOT NULL,
 leaf BLOB NOT NULL, sealed BLOB NOT NULL) STRICT""",
    "CREATE TABLE enclosure(idx INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
    """CREATE TABLE public(
 seq INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes BLOB NOT NULL) STRICT""",
    "CREATE TABLE head(size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
    """CREATE TABLE cosignature(
 signer TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL,
 PRIMARY KEY(signer, size)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE witnessed(
 seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, old_size INTEGER NOT NULL,
 size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL) STRICT""",
    """CREATE TABLE lasting(
 signer TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL,
 PRIMARY KEY(signer, size)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE node(
 level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL,
 PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID""",
)

# Only what was received and verified is unique by subject: a forged copy in
# quarantine has another kind and so cannot keep the genuine one out.
INDEXES = (
    "CREATE INDEX entry_kind ON entry(kind)",
    "CREATE UNIQUE INDEX entry_received ON entry(subject) WHERE kind = 4",
    f"CREATE INDEX entry_subject ON entry(subject, kind) WHERE subject <> x'{_ZEROS}'",
    "CREATE UNIQUE INDEX public_digest ON public(digest)",
    "CREATE INDEX witnessed_origin ON witnessed(origin, size)",
)

# The comparison with zeros repeats the index's condition, or SQLite would not use it.
FIND = """SELECT min(idx) FROM entry WHERE subject = ? AND kind = ? AND subject
 <> x'0000000000000000000000000000000000000000000000000000000000000000'"""


def _refuse(table: str, action: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ROLLBACK, '{table} is append-only'); END"
    )


def _insert_when(table: str, refused: str) -> str:
    return (
        f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN {refused} "
        f"BEGIN SELECT RAISE(ROLLBACK, '{table} grows only at its end'); END"
    )


_GUARDED = ("entry", "enclosure", "public", "head", "cosignature", "witnessed", "lasting")

# INSERT OR REPLACE deletes without firing delete triggers on a connection that
# has not set recursive_triggers; so each insert trigger refuses the collision itself.
# ROLLBACK and not ABORT: a statement that may abort keeps a journal of its own, and
# each append would pay for it.
TRIGGERS = (
    *(_refuse(table, action) for table in _GUARDED for action in ("UPDATE", "DELETE")),
    _insert_when(
        "entry",
        "NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entry)"
        " OR (NEW.kind = 4 AND EXISTS (SELECT 1 FROM entry"
        " WHERE kind = 4 AND subject = NEW.subject))",
    ),
    _insert_when(
        "enclosure",
        "NOT EXISTS (SELECT 1 FROM entry"
        " WHERE idx = NEW.idx AND hex(substr(leaf, 3, 2)) IN ('0001', '0003'))"
        " OR EXISTS (SELECT 1 FROM enclosure WHERE idx >= NEW.idx)",
    ),
    _insert_when(
        "public",
        "NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM public)"
        " OR EXISTS (SELECT 1 FROM public WHERE digest = NEW.digest)",
    ),
    _insert_when(
        "head",
        "NEW.size IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)"
        " OR EXISTS (SELECT 1 FROM head WHERE size >= NEW.size)",
    ),
    _insert_when(
        "cosignature",
        "EXISTS (SELECT 1 FROM cosignature WHERE signer = NEW.signer AND size = NEW.size)",
    ),
    _insert_when(
        "lasting",
        "EXISTS (SELECT 1 FROM lasting WHERE signer = NEW.signer AND size = NEW.size)",
    ),
    _insert_when(
        "witnessed",
        "NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM witnessed)"
        " OR EXISTS (SELECT 1 FROM witnessed WHERE origin = NEW.origin AND size >= NEW.size)",
    ),
)


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """A way in which a file's schema differs from the known one.

    Attributes:
        readable: Whether the tables still are what they should be, so that
            their rows can be judged; False after a view in place of a table.
    """

    what: str
    readable: bool


def lay_schema(connection: sqlite3.Connection) -> None:
    """Create everything; the caller holds the transaction."""
    for statement in (*TABLES, *INDEXES, *TRIGGERS):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def is_blank(connection: sqlite3.Connection) -> bool:
    """Return whether the file holds nothing: a creation was cut short."""
    return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def find_schema_fault(connection: sqlite3.Connection) -> SchemaFault | None:
    """Compare application id and schema text with the known ones; return the worst difference.

    Spec: docs/ledger.md §9.3
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        return SchemaFault("the file is not a ledger of this program", readable=False)
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    found = {str(sql) for (sql,) in rows}
    missing_tables = [_name_of(text) for text in set(TABLES) - found]
    if missing_tables:
        return SchemaFault(f"table {min(missing_tables)} was replaced or altered", readable=False)
    missing = [_name_of(text) for text in {*INDEXES, *TRIGGERS} - found]
    if missing:
        return SchemaFault(f"{min(missing)} was dropped or altered", readable=True)
    if found - {*TABLES, *INDEXES, *TRIGGERS}:
        return SchemaFault("it holds a table, view or trigger that no ledger has", readable=True)
    return None


def _name_of(statement: str) -> str:
    """Return what a CREATE statement names, as in "trigger head_insert"."""
    words = statement.replace("(", " ").replace("UNIQUE ", "").split()
    return words[2] if words[1] == "TABLE" else f"{words[1].lower()} {words[2]}"
