"""Everything that any reader of a ledger file may come to see.

Rows as they stand, and the answers that SQLite's indexes give: a flipped bit in
an index changes no row, and still lets a reader look in vain for a statement.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hotline.ledger.schema import FIND

Seen = tuple[object, ...]

TABLES = {
    "entry": "SELECT idx, kind, subject, leaf, sealed FROM entry NOT INDEXED ORDER BY idx",
    "enclosure": "SELECT idx, sealed FROM enclosure ORDER BY idx",
    "public": "SELECT seq, digest, bytes FROM public NOT INDEXED ORDER BY seq",
    "head": "SELECT size, note FROM head ORDER BY size",
    "cosignature": "SELECT signer, size, note FROM cosignature ORDER BY signer, size",
    "witnessed": "SELECT * FROM witnessed NOT INDEXED ORDER BY seq",
    "lasting": "SELECT signer, size, note FROM lasting ORDER BY signer, size",
    "node": "SELECT level, idx, hash FROM node ORDER BY level, idx",
}
_BY_KEY = {
    "entry": "SELECT leaf FROM entry WHERE idx = ?",
    "head": "SELECT note FROM head WHERE size = ?",
}


def see(path: Path, *, alone: bool = False) -> Seen:
    """Return what readers of the file see, or which error SQLite gives them instead.

    Args:
        alone: There is no log beside it; then nothing is written and it goes faster.
            Otherwise the log is folded into the file.
    """
    how = "mode=ro&immutable=1" if alone else "mode=rw"
    connection = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, isolation_level=None)
    connection.text_factory = bytes
    try:
        return _see(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # The second: the damage stands in SQLite's own sentence about the damage.
        return ("error", type(error).__name__)
    finally:
        connection.close()


def _see(connection: sqlite3.Connection) -> Seen:
    found: dict[str, list[tuple[object, ...]]] = {
        name: connection.execute(sql).fetchall() for name, sql in TABLES.items()
    }
    asked = [*_found_subjects(connection, found["entry"]), *_found_rows(connection, found)]
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    application = connection.execute("PRAGMA application_id").fetchone()
    return (tuple(map(tuple, found.values())), tuple(asked), tuple(schema), application)


def _found_subjects(
    connection: sqlite3.Connection, entries: list[tuple[object, ...]]
) -> list[object]:
    pairs = {(subject, kind) for _, kind, subject, _, _ in entries}
    return [connection.execute(FIND, pair).fetchone() for pair in sorted(pairs, key=repr)]


def _found_rows(
    connection: sqlite3.Connection, found: dict[str, list[tuple[object, ...]]]
) -> list[object]:
    """Ask for rows as the program does: by key, by origin, by signer, by digest."""
    ask = connection.execute
    answers: list[object] = [
        ask(sql, (row[0],)).fetchone() for table, sql in _BY_KEY.items() for row in found[table]
    ]
    newest = "SELECT seq, size FROM witnessed WHERE origin = ? ORDER BY size DESC LIMIT 1"
    answers += [ask(newest, (row[1],)).fetchone() for row in found["witnessed"]]
    largest = "SELECT max(size) FROM cosignature WHERE signer = ?"
    answers += [ask(largest, (row[0],)).fetchone() for row in found["cosignature"]]
    known = "SELECT seq FROM public WHERE digest = ?"
    answers += [ask(known, (row[1],)).fetchone() for row in found["public"]]
    received = "SELECT EXISTS (SELECT 1 FROM entry WHERE kind = 4 AND subject = ?)"
    answers += [ask(received, (row[2],)).fetchone() for row in found["entry"]]
    return answers
