"""What the tests of backup and restore share."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
from pathlib import Path

from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.backing import Backup, back_up
from hotline.station.home import Home
from hotline.station.upkeep import Bench, at_work
from tests.fakes.warm import warm_python
from tests.ledger.rig import tamper
from tests.review.rig import ledger_of
from tests.station.months import no_passphrase


def bench_of(home: Path) -> Bench:
    return Bench(Home(home), system_clock, system_entropy, no_passphrase)


def backup_of(home: Path, out: Path, *, keys: bool = False) -> Backup:
    return back_up(Home(home), out, with_keys=keys, clock=system_clock)


def grow(home: Path) -> int:
    """Let a home's ledger have one entry more; return how many it has."""
    with at_work(bench_of(home)) as work:
        work.record(Planned(ev.CellsRefused(count=1, reason="cells that do not open")))
        return work.opened.ledger.size


def size_of(home: Path) -> int:
    with at_work(bench_of(home)) as work:
        return work.opened.ledger.size


def line_file(home: Path, name: str) -> Path:
    return ledger_of(home).with_name(name)


def files_of(home: Path) -> dict[str, bytes]:
    """Return every file of a home but what sqlite keeps beside head.db while it is locked."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("head.db")
    }


def spoil_lasting(file: Path) -> None:
    """Flip a bit of the long-lasting (ML-DSA-65) signatures that a ledger stores."""
    connection = sqlite3.connect(file)
    notes = connection.execute("SELECT signer, size, note FROM lasting").fetchall()
    connection.close()
    assert notes
    for signer, size, note in notes:
        spoilt = note[:-40] + bytes([note[-40] ^ 1]) + note[-39:]
        change = f"UPDATE lasting SET note = x'{spoilt.hex()}'"
        tamper(file, f"{change} WHERE signer = '{signer}' AND size = {size}")


def with_small_files(limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [warm_python(), "-m", "hotline", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=small,
    )
