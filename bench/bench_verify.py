"""Verifying a whole ledger against the bare hashes of the same bytes, and against pymerkle.

All of one round take turns, so that a noisy machine slows all of them:

- floor: SHA-256 of every leaf, node and sealed blob, driven from C on one core
  (`map` into an empty `deque`), nothing read, nothing compared;
- one core, two cores: `verify_ledger` of the file as a reviewer runs it, with its
  private copy, SQLite's own check, every entry, and all hourly heads (Ed25519,
  ML-DSA-65);
- since: the same from a trusted head before the last tenth.

pymerkle (SQLite, WAL) keeps leaf hashes and has no verification: shown is the
root over its stored leaf hashes, the nearest it has, for a tenth of the entries.

    python bench/bench_verify.py [--entries N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import ledger_rig as rig

from hotline.core.records.checkpoint import Checkpoint, verify_checkpoint
from hotline.core.records.lasting import sign_lasting
from hotline.core.seams import LedgerIdentity
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import MldsaSigner, verify_mldsa65

try:
    import pymerkle
except ImportError:
    pymerkle = None  # type: ignore[assignment]

HOUR_ENTRIES = 3_600_000 // rig.STEP_MS
CHUNK = 20_000
GOALS = {"floor_ratio": ("<=", 4.0), "two_core_gain": (">=", 1.8), "memory_ratio": ("<=", 1.25)}
_LASTING = MldsaSigner(hashlib.sha256(b"the second half of a key of benchmarks").digest())
_digest = methodcaller("digest")


def identify(records: Sequence[bytes]) -> LedgerIdentity:
    """As the rig's, with the key of the hourly heads."""
    keys = {rig.STATION: (_LASTING.public_key,), "SOUTH": ()}
    return replace(rig.identify(records), lasting_keys=keys)


def make(directory: Path, entries: int) -> Path:
    """Make a closed ledger of `entries` with one head an hour, signed for long."""
    ledger = rig.create(directory)
    try:
        for start in range(0, entries, HOUR_ENTRIES):
            head = ledger.append(list(rig.drafts(start, min(start + HOUR_ENTRIES, entries))))
            checkpoint = verify_checkpoint(head.note, [rig.SIGNER.public_key], verify_ed25519)
            ledger.append(lasting=[sign_lasting(checkpoint, _LASTING)])
    finally:
        ledger.close()
    return directory / "ledger.db"


def verify(file: Path, cores: int, since: Checkpoint | None = None) -> Verdict:
    """Verify as a reviewer does by default with so many heads; fail when it does not verify."""
    verdict = verify_ledger(
        file,
        identify=identify,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
        audit=False,
        cores=cores,
        since=since,
    )
    assert verdict.ok, verdict.first_fault
    return verdict


def pieces(file: Path) -> Iterator[tuple[list[bytes], list[bytes], list[bytes]]]:
    """Yield, CHUNK entries at a time, what a verification hashes: leaves, nodes, blobs."""
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT leaf, sealed FROM entry ORDER BY idx")
    while chunk := rows.fetchmany(CHUNK):
        leaves = [b"\0" + leaf for leaf, _ in chunk]
        yield leaves, [b"\1" + leaf[:64] for leaf in leaves], [sealed for _, sealed in chunk]
    connection.close()


def floor_s(file: Path) -> tuple[float, float, float]:
    """Return seconds for the hashes with their digests, the core's part of it, and the calls alone.

    OpenSSL hashes the last block only when the digest is asked for: the last
    number is of hashes that were never finished.
    """
    whole_s = busy_s = calls_s = 0.0
    for parts in pieces(file):

        def whole(parts: tuple[list[bytes], ...] = parts) -> None:
            for part in parts:
                deque(map(_digest, map(hashlib.sha256, part)), maxlen=0)

        def calls(parts: tuple[list[bytes], ...] = parts) -> None:
            for part in parts:
                deque(map(hashlib.sha256, part), maxlen=0)

        taken = busy(whole)
        whole_s, busy_s, calls_s = whole_s + taken[0], busy_s + taken[1], calls_s + timed(calls)
    return whole_s, busy_s, calls_s


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def busy(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that `work` takes, and those in which this core worked for it."""
    begun = time.process_time()
    taken_s = timed(work)
    return taken_s, time.process_time() - begun


def trusted(file: Path, size: int) -> Checkpoint:
    """Return the newest head of at most `size`."""
    connection = sqlite3.connect(file)
    found = "SELECT note FROM head WHERE size <= ? ORDER BY size DESC LIMIT 1"
    (note,) = connection.execute(found, (size,)).fetchone()
    connection.close()
    return verify_checkpoint(note, [rig.SIGNER.public_key], verify_ed25519)


def peak_mb(file: Path) -> float:
    """Return the largest memory of a process that verifies, its workers included."""
    code = (
        "import resource, sys; from pathlib import Path; import bench_verify as b;"
        "b.verify(Path(sys.argv[1]), 2);"
        "print(max(resource.getrusage(w).ru_maxrss for w in"
        " (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
    )
    here = Path(__file__).resolve().parent
    path = os.pathsep.join([str(here), str(here.parent)])
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
        text=True,
    )
    return int(done.stdout) / 1024


def pymerkle_us(file: Path, directory: Path, entries: int) -> float | None:
    """Return microseconds per entry for pymerkle's root over stored leaf hashes."""
    if pymerkle is None:
        return None
    tree = pymerkle.SqliteTree(str(directory / "pymerkle.db"))
    tree.con.execute("PRAGMA journal_mode = WAL")
    rows = sqlite3.connect(file).execute("SELECT leaf FROM entry ORDER BY idx LIMIT ?", (entries,))
    tree.append_entries(leaf for (leaf,) in rows)
    tree.close()
    again = pymerkle.SqliteTree(str(directory / "pymerkle.db"))
    taken_s = timed(again.get_root)
    again.close()
    return taken_s / entries * 1e6


def measure(directory: Path, entries: int, rounds: int) -> dict[str, Any]:
    """Make the ledgers and return all figures."""
    file, small = make(directory / "long", entries), make(directory / "short", entries // 10)
    since = trusted(file, entries * 9 // 10)
    names = ("floor", "floor_busy", "calls", "one", "one_busy", "two", "since")
    ways: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        floor = floor_s(file)
        one = busy(lambda: verify(file, 1))
        two = timed(lambda: verify(file, 2))
        latest = timed(lambda: verify(file, 1, since))
        for name, taken_s in zip(names, (*floor, *one, two, latest), strict=True):
            ways[name].append(taken_s)
    seen = verify(file, 2).examined
    found: dict[str, Any] = {
        "entries": entries,
        "rounds": rounds,
        "file_mb": file.stat().st_size / 1e6,
        "heads_judged": seen.heads,
        "lasting_judged": seen.lasting,
        "load": os.getloadavg()[0],
        **{f"{name}_s": statistics.median(taken) for name, taken in ways.items()},
    }
    found["floor_ratio"] = statistics.median(map(_quotient, ways["one"], ways["floor"]))
    found["busy_ratio"] = statistics.median(map(_quotient, ways["one_busy"], ways["floor_busy"]))
    found["calls_ratio"] = statistics.median(map(_quotient, ways["one"], ways["calls"]))
    found["two_core_gain"] = statistics.median(map(_quotient, ways["one"], ways["two"]))
    found["peak_mb"], found["peak_small_mb"] = peak_mb(file), peak_mb(small)
    found["memory_ratio"] = found["peak_mb"] / found["peak_small_mb"]
    found["pymerkle_root_us"] = pymerkle_us(file, directory, entries // 10)
    return found


def _quotient(one: float, other: float) -> float:
    return one / other


def table(found: dict[str, Any]) -> Iterator[str]:
    """Yield the figures as lines."""
    entries = found["entries"]
    yield f"{entries} entries, {found['file_mb']:.0f} MB, load {found['load']:.1f}"
    yield f"judged: {found['heads_judged']} heads, {found['lasting_judged']} long-lasting ones"
    names = {
        "floor_s": "hashes alone, one core",
        "one_s": "verify, one core",
        "two_s": "verify, two cores",
        "since_s": "verify the last tenth (--since)",
    }
    for key, name in names.items():
        yield f"{name:34} {found[key]:8.3f} s {found[key] / entries * 1e6:8.2f} us an entry"
    if found["pymerkle_root_us"] is not None:
        name, taken_us = "pymerkle: root of its leaf hashes", found["pymerkle_root_us"]
        yield f"{name:34} {taken_us:19.2f} us an entry"
    peaks = f"{found['peak_mb']:8.1f} and {found['peak_small_mb']:.1f} MB"
    yield f"{'memory, long and short ledger':34} {peaks}"
    yield f"{'against the hashes, by busy time':34} {found['busy_ratio']:8.2f} x"
    yield f"{'against unfinished hashes':34} {found['calls_ratio']:8.2f} x"
    for key, (sign, bound) in GOALS.items():
        good = found[key] <= bound if sign == "<=" else found[key] >= bound
        yield f"{key:34} {found[key]:8.2f}   {'good' if good else 'MISSED'}, {sign} {bound}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=rig.ENTRIES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as directory:
        found = measure(Path(directory), options.entries, options.rounds)
    print("\n".join(table(found)))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
