"""The ledger against bare SQLite, against itself when it is long, and against pymerkle.

All appends of one run take turns, so that a noisy machine slows all of them:

- floor: one bare insert of as many bytes as an append's rows hold, and its COMMIT;
- bare rows: the same rows into the same tables without triggers, and one COMMIT;
- ledger: `Ledger.append` of one event: seal, link, sign the head, commit;
- pymerkle: one entry into its SQLite tree (WAL, synchronous=FULL), nothing signed.

Sign and seal are timed between them: no append can do without. Then: groups of
100 events in one commit; opening and the last page of a long and a short
ledger; proofs; entries of a rare kind; memory of a process that opens one.

    python bench/bench_ledger.py [--entries N] [--samples N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ledger_rig as rig

from hotline.ledger.connection import open_ledger_file
from hotline.ledger.pages import PAGE_ENTRIES
from hotline.ledger.schema import INDEXES, TABLES
from hotline.ledger.store import APPENDS_BETWEEN_CHECKPOINTS, Ledger

try:
    import pymerkle
except ImportError:
    pymerkle = None  # type: ignore[assignment]

SHORT_ENTRIES = 1_000
GROUP = 100
OPENINGS = 31
PROOFS = 1_000
GOALS = {
    "append_ratio": ("<=", 1.4),
    "append_ratio_with_crypto": ("<=", 1.4),
    "group_entries_per_s": (">=", 20_000),
    "open_ratio": ("<=", 1.5),
    "proof_p50_us": ("<=", 1_000),
}
_TABLES = {
    "entry": "idx, kind, subject, leaf, sealed",
    "node": "level, idx, hash",
    "head": "size, note",
}


class Timer:
    """Microseconds of each call, by name."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        began = time.perf_counter()
        yield
        self.taken.setdefault(name, []).append((time.perf_counter() - began) * 1e6)

    def p50(self, name: str) -> float:
        """Return the median of `name`."""
        return round(statistics.median(self.taken[name]), 1)

    def p95(self, name: str) -> float:
        """Return the 95th percentile of `name`."""
        return round(statistics.quantiles(self.taken[name], n=20)[-1], 1)


class Bare:
    """A database with the ledger's settings and none of its work."""

    def __init__(self, path: Path, tables: tuple[str, ...]) -> None:
        """Create `path` with `tables`."""
        path.touch()
        self._database = open_ledger_file(path)
        for table in tables:
            self._database.execute(table)
        self._commits = 0

    def insert(self, rows: list[tuple[str, tuple[object, ...]]]) -> None:
        """Insert (statement, values) in one durable transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        for statement, values in rows:
            self._database.execute(statement, values)
        self._database.execute("COMMIT")

    def rest(self) -> None:
        """Keep the write-ahead log as short as the ledger keeps its own."""
        self._commits += 1
        if self._commits % APPENDS_BETWEEN_CHECKPOINTS == 0:
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def rows_of(database: sqlite3.Connection, index: int) -> list[tuple[str, tuple[object, ...]]]:
    """Return what the append of entry `index` wrote, as statements and values."""
    wanted = {
        "entry": ("idx = ?", (index,)),
        "node": ("((idx + 1) << level) = ?", (index + 1,)),
        "head": ("size = ?", (index + 1,)),
    }
    found = []
    for table, (where, key) in wanted.items():
        columns = _TABLES[table]
        marks = ", ".join("?" * (columns.count(",") + 1))
        insert = f"INSERT INTO {table}({columns}) VALUES({marks})"
        rows = database.execute(f"SELECT {columns} FROM {table} WHERE {where}", key)
        found += [(insert, row) for row in rows]
    return found


def bytes_of(rows: list[tuple[str, tuple[object, ...]]]) -> int:
    """Return how many bytes the values of `rows` have; a number counts as SQLite stores it."""
    values = [value for _, row in rows for value in row]
    return sum(
        len(v) if isinstance(v, bytes) else max(1, (v.bit_length() + 7) // 8) for v in values
    )  # type: ignore[attr-defined]


def sample_rows(directory: Path, count: int) -> list[list[tuple[str, tuple[object, ...]]]]:
    """Return the rows of `count` appends to a ledger that is thrown away."""
    ledger = rig.create(directory)
    for number in range(count):
        ledger.append([rig.draft(number)])
    ledger.close()
    database = sqlite3.connect(directory / "ledger.db")
    database.execute("CREATE INDEX last_leaf ON node((idx + 1) << level)")
    rows = [rows_of(database, index) for index in range(count)]
    database.close()
    return rows


def appends(directory: Path, samples: int) -> dict[str, Any]:
    """Time single appends and their floors in turns."""
    rows = sample_rows(directory / "rows", samples)
    size = round(statistics.mean(map(bytes_of, rows)))
    one_row = ("CREATE TABLE row(idx INTEGER PRIMARY KEY, bytes BLOB) STRICT",)
    floor, bare = (
        Bare(directory / "floor.db", one_row),
        Bare(directory / "bare.db", (*TABLES, *INDEXES)),
    )
    ledger, sealer = rig.create(directory / "ledger"), rig.sealer()
    tree = peer(directory / "pymerkle.db")
    blob, note, timed = os.urandom(size), os.urandom(160), Timer()
    for number in range(samples):
        draft = rig.draft(number)
        with timed("floor"):
            floor.insert([("INSERT INTO row(bytes) VALUES(?)", (blob,))])
        with timed("sign"):
            rig.SIGNER.sign(note)
        with timed("ledger"):
            ledger.append([draft])
        with timed("seal"):
            sealer.seal(rig.ORIGIN, number, draft.kind, bytes(32) + draft.content, rig.START_MS)
        with timed("bare rows"):
            bare.insert(rows[number])
        if tree is not None:
            with timed("pymerkle"):
                tree.append_entry(draft.content)
        floor.rest()
        bare.rest()
    ledger.close()
    figures = {name: {"p50_us": timed.p50(name), "p95_us": timed.p95(name)} for name in timed.taken}
    # Every 64th append folds the log into the file; the floors rest outside their time.
    base = timed.p50("floor")
    return {
        "row_bytes": size,
        "calls": figures,
        "append_ratio": round(timed.p50("ledger") / base, 3),
        "append_ratio_bare_rows": round(timed.p50("ledger") / timed.p50("bare rows"), 3),
        "append_ratio_with_crypto": round(
            timed.p50("ledger") / (timed.p50("bare rows") + timed.p50("sign") + timed.p50("seal")),
            3,
        ),
    }


def groups(directory: Path, count: int) -> dict[str, Any]:
    """Time commits of GROUP events each."""
    ledger, timed = rig.create(directory / "groups"), Timer()
    for first in range(0, count * GROUP, GROUP):
        drafts = list(rig.drafts(first, first + GROUP))
        with timed("group"):
            ledger.append(drafts)
    ledger.close()
    seconds = sum(timed.taken["group"]) / 1e6
    return {
        "group_entries_per_s": round(GROUP / timed.p50("group") * 1e6),
        "group_entries_per_s_overall": round(count * GROUP / seconds),
    }


def last_page(directory: Path) -> Ledger:
    """Open a ledger and read its last page of entries."""
    ledger = rig.open_ledger(directory)
    assert list(ledger.entries(max(0, ledger.size - PAGE_ENTRIES), ledger.size))
    return ledger


def openings(short: Path, long: Path) -> dict[str, Any]:
    """Time opening and last page of both ledgers in turns."""
    timed = Timer()
    for _ in range(OPENINGS):
        for name, directory in (("short", short), ("long", long)):
            with timed(name):
                ledger = last_page(directory)
            ledger.close()
    return {
        "open_short_ms": round(timed.p50("short") / 1e3, 2),
        "open_long_ms": round(timed.p50("long") / 1e3, 2),
        "open_ratio": round(timed.p50("long") / timed.p50("short"), 3),
    }


def reads(directory: Path) -> dict[str, Any]:
    """Time proofs at random places and all entries of the rare kind."""
    ledger, timed, chance = rig.open_ledger(directory), Timer(), random.Random(7)
    for _ in range(PROOFS):
        index = chance.randrange(ledger.size)
        with timed("proof"):
            ledger.prove_inclusion(index)
        with timed("consistency"):
            ledger.prove_consistency(index)
    with timed("kind"):
        found = sum(1 for _ in ledger.of_kind(rig.RARE_KIND))
    ledger.close()
    return {
        "proof_p50_us": timed.p50("proof"),
        "proof_p95_us": timed.p95("proof"),
        "consistency_p50_us": timed.p50("consistency"),
        "rare_kind_entries": found,
        "rare_kind_ms": round(timed.taken["kind"][0] / 1e3, 2),
    }


def memory_kib(directory: Path) -> int:
    """Return the largest resident size of a process that opens the ledger and proves."""
    run = subprocess.run(
        [sys.executable, __file__, "--open", str(directory)], stdout=subprocess.PIPE, check=True
    )
    return int(run.stdout)


def peer(path: Path) -> Any:
    """Return an empty pymerkle tree with a write-ahead log, None where there is no pymerkle."""
    if pymerkle is None:
        return None
    tree = pymerkle.SqliteTree(str(path))
    tree.con.execute("PRAGMA journal_mode=WAL")
    tree.con.execute("PRAGMA synchronous=FULL")
    return tree


def peer_proofs(directory: Path, entries: int) -> dict[str, Any]:
    """Time pymerkle's proofs over as many entries, at places it was not asked for before."""
    tree = peer(directory / "long-pymerkle.db")
    if tree is None:
        return {}
    tree.append_entries(draft.content for draft in rig.drafts(0, entries))
    timed, chance = Timer(), random.Random(7)
    with timed("first"):
        tree.prove_inclusion(1)
    for _ in range(100):
        index = chance.randrange(entries)
        with timed("proof"):
            tree.prove_inclusion(index + 1)
    tree.close()
    return {
        "pymerkle_first_proof_ms": round(timed.taken["first"][0] / 1e3, 1),
        "pymerkle_proof_p50_us": timed.p50("proof"),
    }


def measure(directory: Path, entries: int, samples: int) -> dict[str, Any]:
    """Run everything; return the figures."""
    figures = {"entries": entries, "samples": samples, "pymerkle": pymerkle is not None}
    figures |= appends(directory, samples)
    figures |= groups(directory, max(20, samples // 10))
    short, long = directory / "short", directory / "long"
    rig.make_ledger(short, SHORT_ENTRIES, batch=SHORT_ENTRIES)
    rig.make_ledger(long, entries)
    figures |= openings(short, long)
    figures |= reads(long)
    figures |= {"open_short_kib": memory_kib(short), "open_long_kib": memory_kib(long)}
    shutil.rmtree(long)
    return figures | peer_proofs(directory, entries)


def show(figures: dict[str, Any]) -> None:
    """Print a table, and each goal beside what was reached."""
    print(f"{'call':<12} {'p50 us':>9} {'p95 us':>9}")
    for name, call in figures["calls"].items():
        print(f"{name:<12} {call['p50_us']:>9} {call['p95_us']:>9}")
    if not figures["pymerkle"]:
        print("pymerkle is not installed here: nothing to compare with it")
    for name, value in figures.items():
        if name != "calls":
            goal = " ".join(map(str, GOALS[name])) if name in GOALS else ""
            print(f"{name:<28} {value!s:>12} {goal}")


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=rig.ENTRIES)
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        last_page(options.open).prove_inclusion(0)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as directory:
        figures = measure(Path(directory), options.entries, options.samples)
    show(figures)
    text = json.dumps(figures)
    if options.json:
        options.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
