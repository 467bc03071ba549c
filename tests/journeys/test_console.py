"""A person's drill in a real terminal, by keys alone, from the first screen to the verdicts."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.fakes.officer import Officer
from tests.fakes.tmux import NEEDS_TMUX, PATIENCE_S, tmux_server
from tests.fakes.warm import warm_python

LOOK_EVERY_S = 0.05
SPEED = "20"
WRITTEN = [
    *("SEA-02", "CONV-01", "CONV-07", "DEESC-04", "DEESC-05"),
    *("DEESC-02", "DEESC-05", "DEESC-04", "DEESC-05", "DEESC-06"),
]


def _command(*words: str, cold: bool = False) -> str:
    return shlex.join([sys.executable if cold else warm_python(), "-m", "hotline", "drill", *words])


def _work(officers: list[Officer], done: Callable[[], bool]) -> None:
    """Let everybody do what their screens say until `done`; fail when nobody can go on."""
    idle_since = time.monotonic()
    while not done():
        busy = [officer.step() for officer in officers]
        if any(busy):
            idle_since = time.monotonic()
        else:
            screens = ["\n".join(officer.terminal.rows()) for officer in officers]
            assert time.monotonic() < idle_since + PATIENCE_S, "\n\n".join(screens)
            time.sleep(LOOK_EVERY_S)


def _assert_verified(shown: str) -> None:
    assert "EXIT=0" in shown, shown
    assert len(re.findall(r"(?:NORTH|SOUTH): VERIFIED, \d+ entries", shown)) == 2
    assert "The two ledgers AGREE" in shown


@NEEDS_TMUX
def test_officer_takes_a_drill_to_its_end_by_what_the_screen_says(tmp_path: Path) -> None:
    with tmux_server() as server:
        terminal = server.terminal("north")
        terminal.start(_command("--home", str(tmp_path / "home"), "--speed", SPEED, cold=True))
        officer = Officer(terminal)
        _work([officer], lambda: "The exercise is over" in officer.guide())
        shown = officer.leave()
    _assert_verified(shown)
    assert "LADDER: CLOSED" in shown
    assert "The drill came to its end." in shown
    assert officer.said == WRITTEN


@NEEDS_TMUX
def test_second_officer_at_the_same_desk_releases_by_what_the_screen_says(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    with tmux_server() as server:
        terminal = server.terminal("north")
        words = ("--home", home, "--speed", SPEED, "--two-person", "conv/reply")
        terminal.start(_command(*words))
        officer = Officer(terminal)
        _work([officer], lambda: bool(officer.released))
        terminal.until(
            lambda rows: (
                any(f" {officer.released[0]} " in row and "DELIVERED" in row for row in rows)
                or any(f" {officer.released[0]} " in row and "READ" in row for row in rows)
            ),
            "the released statement at the peer",
        )
        shown = officer.leave()
    _assert_verified(shown)
    assert officer.said[-1] == "CONV-07"


@NEEDS_TMUX
def test_two_officers_meet_and_one_terminal_is_killed_and_opened_again(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    with tmux_server() as server:
        first, second = server.terminal("north"), server.terminal("south", 120, 40)
        first.start(_command("--paired", "--home", home, "--speed", SPEED))
        first.until(lambda rows: any("hotline drill --join" in row for row in rows), "--join")
        second.start(_command("--join", home))
        north, south = Officer(first), Officer(second)
        _work([north, south], lambda: any("READ BACK" in row for row in second.rows()))
        second.kill()
        first.until(lambda rows: "LINK DOWN" in rows[0], "LINK DOWN")
        second.start(_command("--join", home))
        _work([north, south], lambda: "SEA-02" in north.said and "SEA-03" in south.said)
        # Whoever leaves first waits for nobody; the other one's ledger is whole all the same.
        _assert_verified(south.leave())
        _assert_verified(north.leave())
    assert south.said == ["SEA-01", "SEA-03"]
