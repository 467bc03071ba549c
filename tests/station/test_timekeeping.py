"""What the doctor says of this machine's clock. Spec: docs/ledger.md §21.10"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from hotline.core.records import events as ev
from hotline.host.clock import is_clock_kept, system_clock
from hotline.station.doctor import check_up
from hotline.station.home import Home
from hotline.station.timekeeping import say_whether_kept
from tests.fakes.line import FakeLine
from tests.station.months import say

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def set_back(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose machine's clock went back by an hour, and whose peer's differed."""
    folder, ahead_ms = tmp_path_factory.mktemp("clocks"), [HOUR_MS]

    async def go() -> None:
        async with FakeLine(folder, clock=lambda: system_clock() + ahead_ms[0]) as line:
            digest = await say(line, line.south, line.north)
            ahead_ms[0] = 0
            await line.north.station.note(ev.ClockDoubted(digest=digest, difference_ms=95_000))

    asyncio.run(go())
    return folder / "NORTH"


def warned(home: Path, shift_ms: int = 0) -> str:
    findings = check_up(Home(home), lambda: system_clock() + shift_ms, None)
    return "\n".join(one.what for one in findings if one.level == "WARN")


def test_clock_that_was_set_back_is_told_with_how_far_and_when(set_back: Path) -> None:
    said = warned(set_back)
    assert "clock was set back by 3599 s" in said or "clock was set back by 3600 s" in said
    assert time.strftime("%Y-%m-%dT", time.gmtime()) in said
    assert "let a time server keep it" in said


def test_peer_whose_time_differed_is_told_with_when(set_back: Path) -> None:
    assert "clock and this one differed by more than a minute on" in warned(set_back)


def test_what_is_long_ago_is_told_no_more(set_back: Path) -> None:
    said = warned(set_back, shift_ms=31 * DAY_MS)
    assert "set back" not in said
    assert "differed by" not in said


def test_clock_behind_the_newest_entry_is_told(set_back: Path) -> None:
    assert "clock is behind the newest entry" in warned(set_back, shift_ms=-2 * HOUR_MS)


@pytest.mark.parametrize(
    ("kept", "level", "words"),
    [(True, "OK", "a time server"), (None, "OK", "does not say"), (False, "WARN", "set-ntp")],
)
def test_what_the_system_says_of_its_clock_is_passed_on(
    kept: bool | None, level: str, words: str
) -> None:
    ((found, what),) = say_whether_kept(kept)
    assert (found, words in what) == (level, True)


def test_asking_the_system_about_its_clock_changes_nothing() -> None:
    before = system_clock()
    answers = {is_clock_kept() for _ in range(100)}
    assert answers <= {True, False, None}
    assert 0 <= system_clock() - before < 60_000
