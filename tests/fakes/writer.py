"""A station that records without a pause until it is killed, and what is left of it.

The children are forked from one warm parent (a *nursery*), so that a kill costs
some milliseconds and not the loading of a program:

    python -m tests.fakes.writer

On each line of its input, "HOME AIM SEED", a child opens the home's line for
work and records with the real recorder. It prints what was acknowledged and is
killed from outside (AIM any) or by itself, at once after SQLite began the
statement that AIM names: a COMMIT, a checkpoint, the swap in head.db.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotline.core.exchange.commands import Note
from hotline.core.records import events as ev
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.enrol import Subject
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, open_line
from hotline.station.recorder import Recorder
from tests.fakes.line import catalogue, rules

ROOT = Path(__file__).parents[2]
TASKS = 3
EVENTS_AT_ONCE = 4
LONGEST_DELAY_S = 0.1
JUST_AFTER_US = 1_500
AIMS = {
    "commit": ("ledger.db", "COMMIT"),
    "checkpoint": ("ledger.db", "PRAGMA wal_checkpoint"),
    "release": ("head.db", "UPDATE"),
}
DEADLINE_S = 30.0
KILLS_ON_A_LINE = 7
"""A new line after so many: judging costs more the longer the ledger grew."""


def found(directory: Path) -> Home:
    """Found a line; return the home of the one station that will write."""
    homes = [Home(directory / name) for name in ("NORTH", "SOUTH")]
    officers = (Subject("ramos", "A. Ramos", "LT", "Duty officer"),)
    found_line(
        [Founder(home, home.path.name, officers) for home in homes],
        name="north-south",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=system_clock,
        entropy=system_entropy,
    )
    return homes[0]


# --- the child -----------------------------------------------------------------------------


def say(*words: object) -> None:
    """Write one line at once; a line this short is never cut by a kill."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def kill_myself_soon(chance: random.Random) -> None:
    """Kill this process from another thread while SQLite goes on."""
    delay_s = chance.randrange(JUST_AFTER_US) / 1e6

    def kill() -> None:
        end = time.perf_counter() + delay_s
        while time.perf_counter() < end:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill).start()


def arm(aim: str, chance: random.Random) -> None:
    """Let the statement that `aim` names kill the process, not the first time it is seen."""
    name, start = AIMS[aim]
    spared = chance.randrange(2 if aim == "checkpoint" else 20)
    connect = sqlite3.connect

    def traced(target: Any, *more: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(target, *more, **named)
        if name in str(target):
            connection.set_trace_callback(seen)
        return connection

    def seen(statement: str) -> None:
        nonlocal spared
        if not statement.startswith(start):
            return
        spared -= 1
        if spared == -1:
            kill_myself_soon(chance)

    sqlite3.connect = traced  # type: ignore[assignment]


async def write(home: Path, seed: int) -> None:
    """Record until the end comes; say each entry that was acknowledged, each release."""
    chance = random.Random(seed)
    opened = open_line(Home(home), None, system_clock, system_entropy)
    recorder = Recorder(opened.ledger, rules(), system_clock)
    say("open", opened.ledger.size)

    async def record(task: int) -> None:
        for number in range(1_000_000):
            names = [
                f"{seed}-{task}-{number}-{each}" for each in range(1 + number % EVENTS_AT_ONCE)
            ]
            events = tuple(ev.InjectPlayed(inject=name, trigger="kill") for name in names)
            recorded = await recorder.record(lambda _s, _n, events=events: [Note(events)])
            for happening in recorded.happenings:
                assert isinstance(happening.event, ev.InjectPlayed)
                say("ack", happening.index, happening.event.inject)
            if chance.random() < 0.3:
                await recorder.release()
                say("released", opened.ledger.released_size)

    await asyncio.gather(*(record(task) for task in range(TASKS)))


def nurse() -> None:
    """Fork a child for each line of input; say when it is dead."""
    for line in sys.stdin:
        home, aim, seed = line.split()
        child = os.fork()
        if child == 0:
            if aim in AIMS:
                arm(aim, random.Random(seed))
            asyncio.run(write(Path(home), int(seed)))
            os._exit(1)
        say("child", child)
        _, status = os.waitpid(child, 0)
        say("dead", os.waitstatus_to_exitcode(status))


# --- whoever kills it ----------------------------------------------------------------------


@dataclass
class Figures:
    """What a campaign of kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    recorded: int = 0
    lost: int = 0
    doubled: int = 0

    def add(self, other: Figures) -> None:
        """Take over another campaign's counts."""
        self.kills.update(other.kills)
        self.acknowledged += other.acknowledged
        self.recorded += other.recorded
        self.lost += other.lost
        self.doubled += other.doubled

    def __str__(self) -> str:
        aims = ", ".join(f"{count} {aim}" for aim, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({aims}), {self.acknowledged} acknowledged, "
            f"{self.recorded} recorded, lost {self.lost}, doubled {self.doubled}"
        )


@dataclass
class Acknowledged:
    """What the children said before they died."""

    entries: dict[int, str] = field(default_factory=dict)
    released: int = 0


class Nursery:
    """The warm parent of the writers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.writer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def close(self) -> None:
        """End the nursery."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE_S)

    def kill_one(self, home: Home, aim: str, seed: int, heard: Acknowledged) -> None:
        """Let a child write in `home` until it is killed."""
        assert self._process.stdin is not None
        print(home.path, aim, seed, file=self._process.stdin, flush=True)
        _, child = self._line().split()
        words = ["", ""]
        killer: threading.Timer | None = None
        while words[0] != "dead":
            words = self._line().split()
            if words[0] == "open" and aim == "any":
                delay_s = random.Random(seed).uniform(0, LONGEST_DELAY_S)
                killer = threading.Timer(delay_s, os.kill, (int(child), signal.SIGKILL))
                killer.start()
            self._hear(words, heard)
        if killer:
            killer.join()
        assert words[1] == str(-signal.SIGKILL), "the writer ended by itself"

    @staticmethod
    def _hear(words: list[str], heard: Acknowledged) -> None:
        if words[0] == "ack":
            assert heard.entries.setdefault(int(words[1]), words[2]) == words[2]
        elif words[0] == "released":
            heard.released = max(heard.released, int(words[1]))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith("\n"), "the nursery is gone"
        return line


def judge(home: Home, heard: Acknowledged, figures: Figures) -> None:
    """Reopen the home: all that was acknowledged is there, once; the ledger verifies."""
    # Opening fails if head.db is ahead of the ledger, or of another one.
    opened = open_line(home, None, system_clock, system_entropy)
    try:
        assert opened.ledger.released_size == opened.ledger.size >= heard.released
        found = {
            entry.index: ev.decode_event(entry.kind, entry.content)
            for entry in opened.ledger.entries(0, opened.ledger.size)
        }
    finally:
        opened.ledger.close()
    names = {
        index: event.inject for index, event in found.items() if isinstance(event, ev.InjectPlayed)
    }
    figures.recorded = len(names)
    figures.lost += sum(names.get(index) != name for index, name in heard.entries.items())
    figures.doubled += sum(count > 1 for count in Counter(names.values()).values())
    verdict = verify_ledger(
        opened.directory,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
        audit=True,
    )
    assert verdict.ok, verdict.faults


def campaign(directory: Path, seed: int, kills: int, going_on: Callable[[], bool]) -> Figures:
    """Kill writers again and again, of a new line now and then; judge the home after each kill."""
    chance, total, aims = random.Random(seed), Figures(), ["any", "any", *AIMS]
    founded, nursery = found(directory / "founded"), Nursery()
    try:
        while total.kills.total() < kills and going_on():
            home = Home(directory / str(total.kills.total()) / founded.path.name)
            shutil.copytree(founded.path, home.path)
            heard, figures = Acknowledged(), Figures()
            for _ in range(min(KILLS_ON_A_LINE, kills - total.kills.total())):
                aim = aims[(total.kills.total() + figures.kills.total()) % len(aims)]
                nursery.kill_one(home, aim, chance.randrange(1 << 30), heard)
                figures.kills[aim] += 1
                judge(home, heard, figures)
            figures.acknowledged = len(heard.entries)
            total.add(figures)
            if not figures.lost + figures.doubled:
                shutil.rmtree(home.path)
    finally:
        nursery.close()
    return total


if __name__ == "__main__":
    nurse()
