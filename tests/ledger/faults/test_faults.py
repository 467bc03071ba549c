"""EIO, ENOSPC and short writes at every write and sync of a commit: docs/ledger.md §9.4, §10.3.

A shim in C, compiled here and preloaded under a writer, lets the n-th call on the
ledger's files fail; the sweep goes over all of them, head.db and checkpoints included.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import OperatorError, StorageError
from hotline.ledger.heads import Released, ReleasedHeads
from hotline.ledger.store import Ledger
from hotline.ledger.verify import verify_ledger
from tests.ledger.faults.writer import SIZES, content
from tests.ledger.rig import Station, admit, draft, identify, verifier

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ONCE, FROM_NOW_ON, SHORT = range(3)
FAULTS = {
    "EIO once": (errno.EIO, ONCE),
    "EIO from then on": (errno.EIO, FROM_NOW_ON),
    "ENOSPC once": (errno.ENOSPC, ONCE),
    "ENOSPC from then on": (errno.ENOSPC, FROM_NOW_ON),
    "half written, then ENOSPC": (errno.ENOSPC, SHORT),
}
SAMPLE = 6
"""`make test` takes every sixth call; the soak takes all."""
BEFORE = 5
"""Entries that a ledger holds before its disk begins to fail."""


@dataclass
class Writer:
    """The process that writes over the failing disk."""

    pipe: subprocess.Popen[str]

    def do(self, does: str, home: Path, fault: tuple[int, int] = (0, 0), nth: int = 0) -> Any:
        order = {
            "does": does,
            "home": str(home),
            "pattern": str(home),
            "nth": nth,
            "error": fault[0],
            "manner": fault[1],
        }
        assert self.pipe.stdin is not None
        assert self.pipe.stdout is not None
        self.pipe.stdin.write(json.dumps(order) + "\n")
        self.pipe.stdin.flush()
        return json.loads(self.pipe.stdout.readline())


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc, clang) here: the failing disk cannot be built")
    shim = tmp_path_factory.mktemp("shim") / "shim.so"
    source = HERE / "shim.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", shim, source, "-ldl"], check=True
    )
    pipe = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.faults.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": str(ROOT)},
    )
    assert pipe.stdout is not None
    assert pipe.stdout.readline() == "ready\n"
    yield Writer(pipe)
    assert pipe.stdin is not None
    pipe.stdin.close()
    assert pipe.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger with two public records and some entries; tests copy it."""
    station = Station("NORTH", tmp_path_factory.mktemp("filled") / "home")
    ledger = station.create()
    admit(ledger)
    ledger.append([draft(number, content=content(number)) for number in range(2, BEFORE)])
    ledger.close()
    return station.home


def check_what_it_said(nth: int, said: Any) -> None:
    """A failure is a StorageError, and the ledger then refuses every use."""
    error = said["error"]
    assert error is None or error.startswith("StorageError"), (nth, error)
    if error is not None and said["opened"] >= 0:
        assert said["refused"], (nth, "a poisoned ledger was used again")


def check_what_is_left(home: Path, said: Any) -> None:
    """Reopen and compare with what the writer acknowledged before its disk failed."""
    station = Station("NORTH", home)
    heads = ReleasedHeads.open(home / "head.db")
    known = heads.read(station.origin)
    heads.close()
    ledger = station.open()
    held = ledger.size
    assert max(said["opened"], said["appended"]) <= held <= max(said["appended"], BEFORE) + 1
    assert known is not None
    assert said["released"] <= known.size <= held
    assert known == Released(known.size, ledger.root_at(known.size))
    assert ledger.released_size == held
    later = ledger.append([draft(held, content=content(held))])
    contents = [entry.content for entry in ledger.entries(2, later.size)]
    assert contents == [content(number) for number in range(2, later.size)]
    ledger.close()
    verdict = verify_ledger(station.file, identify=identify, verifier=verifier)
    assert verdict.ok, verdict


def sweep(writer: Writer, filled: Path, home: Path, fault: str, step: int) -> int:
    """Let each `step`-th call fail in a copy of its own; return how many writers noticed."""
    shutil.copytree(filled, home / "whole")
    calls = writer.do("append", home / "whole")["calls"]
    assert calls > 50, "the shim counts nothing"
    noticed = 0
    first = 1 + sorted(FAULTS).index(fault) % step
    for nth in range(first, calls + 1, step):
        copy = home / str(nth)
        shutil.copytree(filled, copy)
        said = writer.do("append", copy, FAULTS[fault], nth)
        check_what_it_said(nth, said)
        noticed += said["error"] is not None
        check_what_is_left(copy, said)
        shutil.rmtree(copy)
    return noticed


def test_writer_over_a_sound_disk_appends_everything(
    writer: Writer, filled: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    said = writer.do("append", home)
    assert (said["error"], said["appended"]) == (None, BEFORE + len(SIZES))


def take_up(station: Station) -> Ledger:
    """Open the ledger, or create it where its creation was cut short."""
    try:
        return station.open()
    except (OperatorError, StorageError):
        return station.create()


def test_disk_that_fails_during_creation_leaves_what_can_be_taken_up(
    writer: Writer, tmp_path: Path
) -> None:
    calls = writer.do("create", tmp_path / "whole")["calls"]
    cut_short = 0
    for nth in range(1, calls, SAMPLE):
        station = Station("NORTH", tmp_path / str(nth))
        said = writer.do("create", station.home, FAULTS["EIO from then on"], nth)
        check_what_it_said(nth, said)
        cut_short += said["opened"] < 0
        ledger = take_up(station)
        held = ledger.size
        assert max(said["appended"], said["opened"], 0) <= held
        assert ledger.append([draft(held)]).size == held + 1
        ledger.close()
    assert 3 < cut_short < calls // SAMPLE


@pytest.mark.parametrize("fault", FAULTS)
def test_disk_that_fails_at_a_call_loses_nothing_acknowledged(
    writer: Writer, filled: Path, tmp_path: Path, fault: str
) -> None:
    assert sweep(writer, filled, tmp_path, fault, SAMPLE) > 3


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
def test_disk_that_fails_at_any_call_loses_nothing_acknowledged(
    writer: Writer, filled: Path, tmp_path: Path, fault: str
) -> None:
    noticed = sweep(writer, filled, tmp_path, fault, 1)
    sys.stdout.write(f"{fault}: {noticed} writers stopped, nothing acknowledged was lost\n")
    assert noticed > 20
