"""Three stations as three processes: a drill by script, whole and with sides killed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.drill import hotline, run_with_kills

SCENARIO = "three-coasts"
STATEMENTS = 45


def outcome_of(home: Path) -> dict[str, object]:
    done = hotline("drill", "--auto", "--json", "--scenario", SCENARIO, "--home", str(home))
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_three_stations_killed_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    home = tmp_path / "homes"
    kills = run_with_kills(home, 3, kills_wanted=5, scenario=SCENARIO)
    assert kills >= 2
    outcome = outcome_of(home)
    assert outcome["reconciled"] is True
    assert outcome["ladder"] == "CLOSED"
    assert outcome["statements"] == STATEMENTS
    stations = outcome["stations"]
    assert isinstance(stations, list)
    assert {one["name"] for one in stations} == {"NORTH", "SOUTH", "WEST"}
    assert all(one["verified"] for one in stations)
    ledgers = [str(one["ledger"]) for one in stations]
    done = hotline("verify", ledgers[0], "--peer", ledgers[1], "--peer", ledgers[2], "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)["meeting"]
    assert (told["statements"], told["receipted"]) == (STATEMENTS, STATEMENTS)


def test_drill_of_three_for_two_persons_is_refused(tmp_path: Path) -> None:
    done = hotline("drill", "--paired", "--scenario", SCENARIO, "--home", str(tmp_path / "homes"))
    assert done.returncode == 2
