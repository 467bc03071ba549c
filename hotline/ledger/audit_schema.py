"""The schema's rows beside its text: names, and what SQLite made of them.

Spec: docs/ledger.md §9.3
"""

from __future__ import annotations

import sqlite3

from hotline.ledger.schema import SchemaFault, lay_schema

_ROWS = "SELECT type, name, tbl_name, sql FROM sqlite_schema"


def find_misnamed(connection: sqlite3.Connection) -> SchemaFault | None:
    """Compare every row of the schema with a schema laid anew; call it when the text is right."""
    fresh = sqlite3.connect(":memory:")
    try:
        lay_schema(fresh)
        expected = fresh.execute(_ROWS).fetchall()
    finally:
        fresh.close()
    if sorted(map(repr, connection.execute(_ROWS))) == sorted(map(repr, expected)):
        return None
    return SchemaFault("a table, index or trigger in it goes by another name", readable=True)
