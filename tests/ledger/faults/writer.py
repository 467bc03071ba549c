"""A writer over a disk that fails when it is told to; started with shim.so preloaded.

Each line of standard input is an order (JSON); for each one a fork of this process
works on a ledger and one line of JSON says what it acknowledged and how it ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotline.core.errors import HotlineError, StorageError
from hotline.ledger import store
from hotline.ledger.store import Ledger
from tests.ledger.rig import Station, admit, draft

SIZES = (60, 60, 9_000, 60, 60, 2_000, 60)
"""Bytes of the entries' contents: some commits take a page, some several."""
CHECKPOINT_AFTER = 3


class Disk:
    """The preloaded shim."""

    def __init__(self) -> None:
        self._shim = ctypes.CDLL(None)
        self._shim.faults_disarm.restype = ctypes.c_long

    def arm(self, pattern: str, nth: int, error: int, manner: int) -> None:
        self._shim.faults_arm(pattern.encode(), ctypes.c_long(nth), error, manner)

    def disarm(self) -> int:
        """Return the number of calls that were counted."""
        return int(self._shim.faults_disarm())


def content(number: int) -> bytes:
    return (b"%d," % number).ljust(SIZES[number % len(SIZES)], b".")


def work(order: dict[str, Any], station: Station, said: dict[str, Any]) -> None:
    """Append, release and close; note each acknowledgement as it is given."""
    if order["does"] == "create":
        ledger = station.create()
        admit(ledger)
    else:
        ledger = station.open()
    said["opened"] = ledger.size
    try:
        for number in range(ledger.size, ledger.size + len(SIZES)):
            said["appended"] = ledger.append([draft(number, content=content(number))]).size
            if number % 2:
                said["released"] = ledger.release().size
        ledger.close()
    except StorageError:
        said["refused"] = all(refuses(use) for use in uses(ledger))
        raise


def uses(ledger: Ledger) -> list[Callable[[], object]]:
    return [
        ledger.release,
        ledger.head,
        lambda: ledger.append([draft(99)]),
        lambda: list(ledger.entries(0, 1)),
        lambda: list(ledger.of_kind(18)),
        lambda: ledger.find(bytes(32), 3),
        lambda: ledger.prove_inclusion(0),
        lambda: ledger.prove_consistency(1),
        lambda: ledger.root_at(1),
        ledger.public_records,
    ]


def refuses(use: Callable[[], object]) -> bool:
    try:
        use()
    except StorageError:
        return True
    return False


def answer(order: dict[str, Any]) -> dict[str, Any]:
    store.APPENDS_BETWEEN_CHECKPOINTS = CHECKPOINT_AFTER
    disk, station = Disk(), Station("NORTH", Path(order["home"]))
    said: dict[str, Any] = {"opened": -1, "appended": -1, "released": -1, "error": None}
    disk.arm(order["pattern"], order["nth"], order["error"], order["manner"])
    try:
        work(order, station, said)
    except HotlineError as error:
        said["error"] = f"{type(error).__name__}: {error}"
    finally:
        said["calls"] = disk.disarm()
    return said


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            say(json.dumps(answer(json.loads(line))))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            say(json.dumps({"error": f"the writer ended with {status}"}))


if __name__ == "__main__":
    main()
