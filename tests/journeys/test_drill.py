"""The main job by script: two processes, one line, two ledgers that agree."""

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
from pathlib import Path

import pytest

SECONDS = 120
STATEMENTS = 44
ACKNOWLEDGED = 19


def _hotline(*words: str, timeout: float = SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotline", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _outcome(home: Path) -> dict[str, object]:
    done = _hotline("drill", "--auto", "--json", "--home", str(home))
    assert done.returncode == 0, done.stderr
    outcome: dict[str, object] = json.loads(done.stdout)
    return outcome


def _assert_whole(outcome: dict[str, object]) -> None:
    """Nothing lost and nothing doubled: the script has just so many statements."""
    assert outcome["reconciled"] is True
    assert outcome["ladder"] == "CLOSED"
    assert (outcome["statements"], outcome["acknowledged"]) == (STATEMENTS, ACKNOWLEDGED)
    stations = outcome["stations"]
    assert isinstance(stations, list)
    assert [one["name"] for one in stations] == ["NORTH", "SOUTH"]
    assert all(one["verified"] for one in stations)


class _Running:
    """A scripted drill whose sides can be killed while it runs."""

    def __init__(self, home: Path, speed: int) -> None:
        self.lines: list[str] = []
        self.sides: dict[str, int] = {}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hotline", "drill", "--auto"),
                *("--home", str(home), "--speed", str(speed)),
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


def test_drill_without_a_terminal_tells_every_statement_and_both_verdicts(tmp_path: Path) -> None:
    done = _hotline("drill", "--home", str(tmp_path / "homes"))
    assert done.returncode == 0, done.stderr
    told = done.stdout
    for template in ("sea/encounter", "sea/unsafe-act", "deesc/hold", "deesc/close"):
        assert template in told
    for words in ("DELIVERED", "DISPLAYED", "READ BY OFFICER", "READ BACK", "dialogue answered"):
        assert words in told
    assert told.count(": VERIFIED, ") == 2
    assert "The two ledgers AGREE: 44 statements, 44 receipted" in told
    assert "LADDER: CLOSED" in told
    ledgers = [Path(line.strip()) for line in told.splitlines() if line.endswith("ledger.db")]
    assert all(path.is_file() for path in ledgers[:2])


def test_drill_outcome_as_json_has_the_documented_shape(tmp_path: Path) -> None:
    outcome = _outcome(tmp_path / "homes")
    _assert_whole(outcome)
    assert set(outcome) == {"stations", "reconciled", "statements", "acknowledged", "ladder"}


@pytest.mark.parametrize("seed", [1, 2])
def test_drill_with_sides_killed_at_random_moments_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    running = _Running(tmp_path / "homes", speed=100)
    kills = 0
    deadline = time.monotonic() + SECONDS
    while running.process.poll() is None and kills < 5 and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.2, 1.4))
        kills += running.kill_a_side(chance)
    assert running.wait() == 0, "".join(running.lines[-20:])
    assert kills >= 2
    _assert_whole(_outcome(tmp_path / "homes"))


def test_drill_killed_whole_goes_on_from_its_homes(tmp_path: Path) -> None:
    running = _Running(tmp_path / "homes", speed=30)
    deadline = time.monotonic() + SECONDS
    while not any("READ BY OFFICER" in line for line in running.lines):
        assert time.monotonic() < deadline, "".join(running.lines)
        time.sleep(0.02)
    running.process.kill()
    running.wait()
    _assert_whole(_outcome(tmp_path / "homes"))


def test_drill_in_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("not a drill")
    done = _hotline("drill", "--auto", "--home", str(tmp_path))
    assert done.returncode == 2
    assert "holds no drill" in done.stderr
    assert "Traceback" not in done.stderr


def test_drill_of_an_unknown_scenario_names_the_known_ones() -> None:
    done = _hotline("drill", "--auto", "--scenario", "no-such-thing")
    assert done.returncode == 2
    assert "unplanned-encounter" in done.stderr


def test_drill_paired_without_a_terminal_is_refused(tmp_path: Path) -> None:
    done = _hotline("drill", "--paired", "--home", str(tmp_path / "homes"))
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_drill_joined_where_there_is_none_is_refused(tmp_path: Path) -> None:
    done = _hotline("drill", "--join", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
