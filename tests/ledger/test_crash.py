"""Power, disk and COMMIT fail: nothing acknowledged is lost, nothing is guessed. §9.4, §10.3."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import StorageError
from hotline.ledger.store import Ledger
from hotline.ledger.verify import verify_ledger
from tests.ledger.rig import Station, admit, draft, identify, verifier

KILLS = int(os.environ.get("LEDGER_KILLS", "10"))

WRITER = """
import sys
from pathlib import Path
from tests.ledger.rig import Station, draft
station = Station("NORTH", Path(sys.argv[1]))
ledger = station.open()
print("open", flush=True)
while True:
    size = ledger.size
    head = ledger.append([draft(n, content=b"%d" % n) for n in range(size, size + 1 + size % 3)])
    print(head.size, head.root.hex(), flush=True)
"""


def killed_after(home: Path, heads: int) -> list[tuple[int, str]]:
    """Let a writer append, kill -9 it after some heads, return all that it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    lines = [child.stdout.readline() for _ in range(heads)]
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate(timeout=30)
    whole = [line.split() for line in (*lines, *rest.splitlines(keepends=True)) if "\n" in line]
    return [(int(size), root) for size, root in whole]


def test_ledger_whose_writer_is_killed_keeps_what_was_acknowledged(north: Station) -> None:
    ledger = north.create()
    admit(ledger)
    ledger.close()
    acknowledged: list[tuple[int, str]] = []
    for number in range(KILLS):
        acknowledged += killed_after(north.home, 1 + 7 * number % 23)
        ledger = north.open()
        assert ledger.size >= acknowledged[-1][0]
        for size, root in acknowledged:
            assert ledger.root_at(size).hex() == root
        ledger.close()
    ledger = north.open()
    contents = [entry.content for entry in ledger.entries(2, ledger.size)]
    assert contents == [b"%d" % number for number in range(2, ledger.size)]
    ledger.close()
    assert verify_ledger(north.file, identify=identify, verifier=verifier).ok


def append_until_refused(ledger: Ledger) -> None:
    for number in range(1, 200):
        ledger.append([draft(number, content=bytes(9_000))])


def test_disk_full_is_a_storage_error_and_the_ledger_reopens(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    connection = ledger._file.usable()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError, match="disk is full"):
        append_until_refused(ledger)
    durable = ledger.size
    with pytest.raises(StorageError, match="write to the ledger failed"):
        ledger.append([draft(1)])
    with pytest.raises(StorageError):
        ledger.head()
    ledger = north.open()
    assert ledger.size == durable
    assert ledger.append([draft(1)]).size == durable + 1


FULL_DISK = """
import resource, sys
from pathlib import Path
from hotline.core.errors import StorageError
from tests.ledger.rig import Station, draft
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Station("NORTH", Path(sys.argv[1])).open()
try:
    while True:
        print(ledger.append([draft(1, content=bytes(5_000))]).size, flush=True)
except StorageError:
    print("storage", flush=True)
"""


def test_file_that_cannot_grow_loses_nothing_acknowledged(north: Station) -> None:
    north.create().close()
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(north.home), "400000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    *sizes, last = run.stdout.split()
    assert last == "storage"
    ledger = north.open()
    assert ledger.size in (int(sizes[-1]), int(sizes[-1]) + 1)
    assert ledger.append([draft(1)]).size == ledger.size


class Failing:
    """A connection that fails at one statement, before or after SQLite has done it."""

    def __init__(self, connection: sqlite3.Connection, at: str, *, done: bool) -> None:
        self._connection, self._at, self._done = connection, at, done

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return self._run(self._connection.execute, sql, *values)

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return self._run(self._connection.executemany, sql, *values)

    def _run(self, run: Callable[..., sqlite3.Cursor], sql: str, *values: Any) -> sqlite3.Cursor:
        if not sql.replace("OR ROLLBACK ", "").startswith(self._at):
            return run(sql, *values)
        if self._done:
            run(sql, *values)
        raise sqlite3.OperationalError("disk I/O error")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


STATEMENTS = ["BEGIN", "INSERT INTO entry", "INSERT INTO head", "COMMIT"]


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("at", STATEMENTS)
def test_write_that_fails_poisons_and_reopening_tells_what_happened(
    north: Station, at: str, done: bool
) -> None:
    ledger = north.create()
    before = ledger.append([draft(0)])
    ledger._file._connection = Failing(ledger._file.usable(), at, done=done)  # type: ignore[assignment]
    with pytest.raises(StorageError):
        ledger.append([draft(1)])
    for use in (lambda: ledger.append([draft(2)]), ledger.head, lambda: ledger.find(bytes(32), 3)):
        with pytest.raises(StorageError, match="write to the ledger failed"):
            use()
    reopened = north.open()
    durable = done and at == "COMMIT"
    assert reopened.size == before.size + durable
    assert reopened.append([draft(3)]).size == reopened.size


@pytest.mark.parametrize("done", [False, True])
def test_release_that_fails_poisons_and_the_entry_is_found_again(
    north: Station, done: bool
) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    ledger._heads._connection = Failing(ledger._heads._connection, "UPDATE", done=done)  # type: ignore[assignment]
    ledger.append([draft(1)])
    with pytest.raises(StorageError, match=r"head\.db"):
        ledger.release()
    for use in (lambda: ledger.append([draft(2)]), ledger.head, ledger.release):
        with pytest.raises(StorageError, match="write to the ledger failed"):
            use()
    ledger = north.open()
    assert (ledger.size, ledger.released_size) == (2, 2)


def test_failure_before_the_transaction_does_not_poison(north: Station) -> None:
    ledger = north.create()

    def fail(_: int) -> bytes:
        raise RuntimeError("no entropy")

    ledger._composer._entropy, kept = fail, ledger._composer._entropy
    with contextlib.suppress(RuntimeError):
        ledger.append([draft(0)])
    ledger._composer._entropy = kept
    assert ledger.append([draft(0)]).size == 1


def test_errors_of_sqlite_never_leak(north: Station) -> None:
    ledger = north.create()
    ledger.append([draft(0)])
    ledger._file.usable().execute("DROP TABLE cosignature")
    with pytest.raises(StorageError) as caught:
        ledger.cosigned_size("anybody")
    assert "cosignature" not in str(caught.value)
