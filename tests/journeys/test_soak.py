"""Longer than a test may be: `make soak`, bounded by SOAK_SECONDS."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fakes.drill import assert_whole, outcome_of, run_with_kills


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_drills_with_sides_killed_again_and_again_lose_and_double_nothing(tmp_path: Path) -> None:
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120"))
    drills = kills = 0
    while time.monotonic() < end:
        home = tmp_path / f"drill-{drills}"
        kills += run_with_kills(home, seed=1_000 + drills, kills_wanted=8)
        assert_whole(outcome_of(home))
        drills += 1
    print(f"{drills} drills, {kills} kills, nothing lost, nothing doubled")  # noqa: T201  the figures
    assert drills
    assert kills
