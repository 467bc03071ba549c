"""What an auditor without a key sees of erased months: which entries, on whose record.

Spec: docs/ledger.md §20.6
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hotline.ledger.public import erased_epochs

_SEALED_UNDER = """SELECT count(*), min(idx), max(idx) FROM entry
 WHERE substr(sealed, 1, 4) = ?"""


def erasure_notes(connection: sqlite3.Connection, records: Sequence[bytes]) -> list[str]:
    """Return one sentence for each erased epoch, oldest first.

    Args:
        records: The ledger's public records, verified.
    """
    return [_note(connection, epoch) for epoch in sorted(erased_epochs(records))]


def _note(connection: sqlite3.Connection, epoch: int) -> str:
    prefix = epoch.to_bytes(4)
    count, first, last = connection.execute(_SEALED_UNDER, (prefix,)).fetchone()
    which = f"{count} entries, from {first} to {last}" if count else "no entry here"
    return (
        f"the content of epoch {epoch} was erased on the authority of two officers ({which}); "
        "every proof about them stands"
    )
