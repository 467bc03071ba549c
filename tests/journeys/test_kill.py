"""kill -9 while a station records: nothing acknowledged is lost, nothing doubled.

A killed program loses what it has not given to the kernel; what a power cut takes
besides is the matter of fsync, and of tests/ledger/test_crash.py.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hotline.core.records.entry import Draft
from hotline.core.records.events import InjectPlayed, encode_event
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.home import open_line
from tests.fakes.writer import AIMS, Acknowledged, Figures, campaign, found, judge

SOAK_BOUND_S = 900.0
CAMPAIGNS_ON_A_CORE = 2
"""While one waits for its disk or for a kill, another goes on."""


def assert_whole(figures: Figures) -> None:
    print(figures)  # noqa: T201  the figures
    assert (figures.lost, figures.doubled) == (0, 0)
    assert figures.acknowledged


@pytest.mark.parametrize("seed", [1, 2])
def test_station_killed_while_it_records_keeps_what_it_acknowledged_once(
    tmp_path: Path, seed: int
) -> None:
    figures = campaign(tmp_path, seed, 25, lambda: True)
    assert_whole(figures)
    assert figures.kills.total() == 25
    assert set(figures.kills) == {"any", *AIMS}


def _campaign_until(directory: Path, seed: int, kills: int, end: float) -> Figures:
    return campaign(directory, seed, kills, lambda: time.monotonic() < end)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_BOUND_S + 300)
def test_station_killed_a_thousand_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Kills SOAK_KILLS times in all, 1,000 unless told otherwise; too slow is a failure."""
    asked, begun = int(os.environ.get("SOAK_KILLS", "1000")), time.monotonic()
    side_by_side = CAMPAIGNS_ON_A_CORE * (os.cpu_count() or 1)
    total = Figures()
    with ProcessPoolExecutor(side_by_side) as pool:
        running = [
            pool.submit(
                _campaign_until,
                tmp_path / str(number),
                100 + number,
                len(range(number, asked, side_by_side)),
                begun + SOAK_BOUND_S,
            )
            for number in range(side_by_side)
        ]
        for campaigned in running:
            total.add(campaigned.result())
    print(f"in {time.monotonic() - begun:.0f} s:", end=" ")  # noqa: T201  the figures
    assert_whole(total)
    assert total.kills.total() == asked


def test_judge_of_kills_counts_what_is_lost_and_what_is_doubled(tmp_path: Path) -> None:
    home, heard = found(tmp_path), Acknowledged()
    opened = open_line(home, None, system_clock, system_entropy)
    twice = encode_event(InjectPlayed(inject="7-0-0-0", trigger="kill"))
    draft = Draft(kind=InjectPlayed.kind, content=twice, recorded_at_ms=system_clock())
    size = opened.ledger.append([draft, draft]).size
    opened.ledger.close()
    heard.entries = {size - 1: "7-0-0-0", size: "7-0-0-1"}
    figures = Figures()
    judge(home, heard, figures)
    assert (figures.recorded, figures.lost, figures.doubled) == (2, 1, 1)
