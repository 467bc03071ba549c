"""What a doctor looks at in a ledger's files, without touching them.

Spec: docs/ledger.md §21.7
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.core.values import Digest
from hotline.ledger.connection import copy_errors, open_copy, our_errors
from hotline.ledger.heads import Released
from hotline.ledger.snapshot import check_regular

MAX_ATTEMPTS = 8
_WAL = "-wal"
_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


def read_heads(path: Path) -> Mapping[str, Released]:
    """Return what head.db holds, by origin, from a private copy: a station may have it locked.

    Raises:
        OperatorError: it or its log is no regular file.
        StorageError: it cannot be copied, or is written all the time.
        IntegrityError: it is damaged.
    """
    with TemporaryDirectory(prefix="hotline-") as directory:
        copy = Path(directory) / path.name
        with our_errors("reading head.db"):
            _copy_both(path, copy)
        with copy_errors("reading head.db"):
            connection = open_copy(copy)
            try:
                rows = connection.execute("SELECT origin, size, root FROM released").fetchall()
            finally:
                connection.close()
    return {origin: Released(size, Digest(root)) for origin, size, root in rows}


def _copy_both(path: Path, copy: Path) -> None:
    log = path.with_name(path.name + _WAL)
    for _ in range(MAX_ATTEMPTS):
        before = _stamps(path, log)
        for one in filter(Path.exists, (path, log)):
            check_regular(one.stat(), one)
        shutil.copyfile(path, copy)
        if log.exists():
            shutil.copyfile(log, copy.with_name(copy.name + _WAL))
        if _stamps(path, log) == before:
            return
    raise OSError(None, "it is written all the time")


def _stamps(*paths: Path) -> list[tuple[int, int]]:
    return [
        (status.st_size, status.st_mtime_ns)
        for path in paths
        if path.exists() and (status := path.stat())
    ]


def wal_bytes(ledger: Path) -> int:
    """Return the length of a ledger's write-ahead log, 0 when there is none."""
    try:
        return ledger.with_name(ledger.name + _WAL).stat().st_size
    except FileNotFoundError:
        return 0


def sqlite_version() -> tuple[str, bool]:
    """Return SQLite's version, and whether it has the correction of the WAL-reset fault."""
    found = sqlite3.sqlite_version_info
    fixed = any(found[:2] == one[:2] and found >= one for one in _FIXED)
    return sqlite3.sqlite_version, fixed or found >= _FIXED[-1]
