"""The main job by script: two processes, one line, two ledgers that agree."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hotline.host.config import find_config
from tests.fakes.drill import (
    SECONDS,
    RunningDrill,
    assert_whole,
    hotline,
    outcome_of,
    run_with_kills,
)


def test_drill_without_a_terminal_tells_every_statement_and_both_verdicts(tmp_path: Path) -> None:
    done = hotline("drill", "--home", str(tmp_path / "homes"), cold=True)
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
    outcome = outcome_of(tmp_path / "homes")
    assert_whole(outcome)
    assert set(outcome) == {"stations", "reconciled", "statements", "acknowledged", "ladder"}


def test_drill_with_sides_killed_at_random_moments_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    kills = run_with_kills(tmp_path / "homes", 1, kills_wanted=6)
    assert kills >= 2
    assert_whole(outcome_of(tmp_path / "homes"))


def test_drill_killed_whole_goes_on_from_its_homes(tmp_path: Path) -> None:
    running = RunningDrill(tmp_path / "homes", speed=30)
    deadline = time.monotonic() + SECONDS
    while not any("READ BY OFFICER" in line for line in running.lines):
        assert time.monotonic() < deadline, "".join(running.lines)
        time.sleep(0.02)
    running.process.kill()
    running.wait()
    assert_whole(outcome_of(tmp_path / "homes"))


def test_drill_in_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("not a drill")
    done = hotline("drill", "--auto", "--home", str(tmp_path))
    assert done.returncode == 2
    assert "holds no drill" in done.stderr
    assert "Traceback" not in done.stderr


def test_drill_of_an_unknown_scenario_names_the_known_ones() -> None:
    done = hotline("drill", "--auto", "--scenario", "no-such-thing")
    assert done.returncode == 2
    assert "unplanned-encounter" in done.stderr


def test_drill_paired_without_a_terminal_is_refused(tmp_path: Path) -> None:
    done = hotline("drill", "--paired", "--home", str(tmp_path / "homes"))
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_drill_joined_where_there_is_none_is_refused(tmp_path: Path) -> None:
    done = hotline("drill", "--join", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


TWO = ("--two-person", "deesc/cease-propose", "--two-person", "deesc/close")


def test_drill_of_a_two_person_line_is_released_by_deputies_through_kills(tmp_path: Path) -> None:
    home = tmp_path / "homes"
    kills = run_with_kills(home, seed=3, kills_wanted=3, words=TWO)
    assert kills >= 1
    done = hotline("drill", "--auto", "--home", str(home), *TWO)
    assert done.returncode == 0, done.stderr
    assert_whole(outcome_of(home))
    told = hotline("replay", str(home / "SOUTH"), "--json").stdout
    asked = [json.loads(line) for line in told.splitlines() if '"ReleaseAsked"' in line]
    assert {one["event"]["need"] for one in asked} == {2}
    assert len(asked) >= 2
    other = hotline("drill", "--auto", "--home", str(home), *TWO[:2])
    assert other.returncode == 2
    assert "charter is made already" in other.stderr


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("link/ack-read", "must stay possible for one officer alone"),
        ("no/such", "no pack holds the template no/such"),
        ("not a template", "no pack holds"),
    ],
)
def test_drill_with_a_two_person_template_that_cannot_be_one_is_refused(
    tmp_path: Path, template: str, words: str
) -> None:
    done = hotline("drill", "--auto", "--home", str(tmp_path / "h"), "--two-person", template)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_drill_whose_scenario_has_no_deputy_has_no_two_person_line(tmp_path: Path) -> None:
    shipped = Path(find_config() / "scenarios" / "unplanned-encounter.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(shipped.replace('deputy = "M. Tull"\n', ""), "utf-8")
    done = hotline(
        *("drill", "--auto", "--home", str(tmp_path / "h"), "--scenario", str(own)), *TWO[:2]
    )
    assert done.returncode == 2
    assert "no deputy for SOUTH" in done.stderr
