"""Scripted drills as processes of their own, whole or with sides killed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.warm import warm_python

SECONDS = 120
STATEMENTS = 44
ACKNOWLEDGED = 19


def hotline(
    *words: str, timeout: float = SECONDS, cold: bool = False
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable if cold else warm_python(), "-m", "hotline", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def outcome_of(home: Path) -> dict[str, object]:
    done = hotline("drill", "--auto", "--json", "--home", str(home))
    assert done.returncode == 0, done.stderr
    outcome: dict[str, object] = json.loads(done.stdout)
    return outcome


def assert_whole(outcome: dict[str, object]) -> None:
    """Nothing lost and nothing doubled: the script has just so many statements."""
    assert outcome["reconciled"] is True
    assert outcome["ladder"] == "CLOSED"
    assert (outcome["statements"], outcome["acknowledged"]) == (STATEMENTS, ACKNOWLEDGED)
    stations = outcome["stations"]
    assert isinstance(stations, list)
    assert [one["name"] for one in stations] == ["NORTH", "SOUTH"]
    assert all(one["verified"] for one in stations)


class RunningDrill:
    """A scripted drill whose sides can be killed while it runs."""

    def __init__(
        self,
        home: Path,
        speed: int,
        scenario: str = "unplanned-encounter",
        words: Sequence[str] = (),
    ) -> None:
        self.lines: list[str] = []
        self.sides: dict[str, int] = {}
        self.process = subprocess.Popen(
            [
                *(warm_python(), "-m", "hotline", "drill", "--auto"),
                *("--home", str(home), "--speed", str(speed), "--scenario", scenario, *words),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.match(r"(\w+): on watch \(process (\d+)\)", line)
            if found:
                self.sides[found[1]] = int(found[2])

    def kill_a_side(self, chance: random.Random) -> bool:
        """Kill one side at once, as a power cut would; False when it was gone already."""
        if not self.sides:
            return False
        try:
            os.kill(self.sides[chance.choice(sorted(self.sides))], signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def wait(self) -> int:
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self._reader.join()


def run_with_kills(
    home: Path,
    seed: int,
    kills_wanted: int,
    scenario: str = "unplanned-encounter",
    words: Sequence[str] = (),
) -> int:
    """Run a drill to its end while its sides are killed at random moments; return the kills."""
    chance = random.Random(seed)
    running = RunningDrill(home, 100, scenario, words)
    kills = 0
    deadline = time.monotonic() + SECONDS
    while running.process.poll() is None and kills < kills_wanted and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.2, 1.4))
        kills += running.kill_a_side(chance)
    assert running.wait() == 0, "".join(running.lines[-20:])
    return kills
