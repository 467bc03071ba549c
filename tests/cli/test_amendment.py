"""`line amend`, `line change` and `line show` as a shell sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.host.clock import system_clock
from hotline.station.lineup import read_lineup
from tests.station.amended import exchange_cards
from tests.station.homes import SOUTH_ROUTE, WANTED, begin, begin_three, enrol
from tests.station.homes import exchange_cards as compared
from tests.station.test_members import gather


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    assert main([str(word) for word in words]) == code
    out, errors = capsys.readouterr()
    return str(out + errors)


def test_charter_is_amended_and_both_change_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = enrol(tmp_path, system_clock())
    exchange_cards(*places)
    north, south = (place.home.path for place in places)
    opening, answer = tmp_path / "o.enrol", tmp_path / "a.enrol"
    to = ("--out", opening)
    amend = ("line", "amend", north, *to)

    assert "would say what it says already" in run(capsys, *amend, code=2)
    assert "no pack holds a template" in run(capsys, *amend, "--two-person", "no/such", code=2)
    assert "no line waits" in run(capsys, "line", "change", north, code=2)
    two = ("--two-person", "deesc/cease-propose", "--name", "n-s-2", "--presence")
    shown = run(capsys, *amend, *two)
    what = shown.partition("What changes:\n")[2].partition("Wrote ")[0]
    assert what == (
        "  name\n    old  n-s\n    new  n-s-2\n"
        "  two officers sign\n    old  nothing\n    new  deesc/cease-propose\n"
        "  who is at the desk\n    old  is not shown\n    new  is shown\n"
    )
    first = opening.read_bytes()
    assert "What changes" not in run(capsys, *amend, *two)
    assert opening.read_bytes() == first
    assert "It waits for the answer of SOUTH." in run(capsys, "line", "show", north)
    assert "give it up with --anew" in run(capsys, *amend, "--name", "third", code=2)

    joined = run(capsys, "line", "join", south, opening, "--out", answer)
    assert what in joined
    assert f"all run\nhotline line change {south}\n" in joined
    run(capsys, "line", "complete", north, answer)
    assert "was set up already" in run(capsys, *amend, *two, code=2)
    shown = run(capsys, "line", "show", north)
    assert shown.startswith("Line n-s, realm EXERCISE")
    assert "A line waits to follow it" in shown
    assert "Line n-s-2, realm EXERCISE" in shown

    for home in (north, south):
        done = run(capsys, "line", "change", home)
        assert "is closed with" in done
        assert f"has taken over. Then: hotline console {home}" in done
    shown = run(capsys, "line", "show", north)
    assert shown.startswith("Line n-s-2, realm EXERCISE")
    assert "which is closed and kept" in shown
    earlier = read_lineup(north / "lines").earlier[0].directory.name
    hold = ("ledger", "hold", north, "--case", "A", "--reason", "why", "--officer", "north1")
    assert "The hold stands" in run(capsys, *hold, "--line", earlier)
    assert "no line of that name" in run(capsys, *hold, "--line", "nowhere", code=2)
    assert "both agree." in run(capsys, "verify", north)


def test_change_that_was_begun_is_given_up_on_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = enrol(tmp_path, system_clock())
    exchange_cards(*places)
    north, south = (place.home.path for place in places)
    opening, answer = tmp_path / "o.enrol", tmp_path / "a.enrol"
    run(capsys, "line", "amend", north, "--name", "second", "--out", opening)
    run(capsys, "line", "join", south, opening, "--out", answer)
    exchange_cards(*places)
    # What cannot be said gives nothing up.
    nothing = ("line", "amend", north, "--anew", "--out", opening)
    assert "would say what it says already" in run(capsys, *nothing, code=2)
    assert "It waits for the answer of SOUTH." in run(capsys, "line", "show", north)
    again = run(capsys, "line", "amend", north, "--name", "third", "--anew", "--out", opening)
    assert "third" in again
    assert "was set up already" in run(
        capsys, "line", "join", south, opening, "--out", answer, code=2
    )
    given_up = run(capsys, "line", "join", south, opening, "--anew", "--out", answer)
    assert "Gave up second-" in given_up
    run(capsys, "line", "complete", north, answer)
    assert read_lineup(north / "lines").count == read_lineup(south / "lines").count == 2


def test_station_joins_and_reads_that_the_record_before_is_not_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    north, south = enrol(tmp_path, system_clock())
    east = begin(tmp_path / "east", "EAST", route=SOUTH_ROUTE, now_ms=system_clock())
    compared(north, south, east)
    homes = [place.home.path for place in (north, south, east)]
    opening = tmp_path / "o.enrol"
    amend = ("line", "amend", homes[0], "--out", opening)
    assert "EAST is not on this line" in run(capsys, *amend, "--remove", "EAST", code=2)
    shown = run(capsys, *amend, "--add", "EAST")
    assert "  EAST joins\n    old  is not on the line\n    new  " in shown
    answers = [tmp_path / f"{path.name}.enrol" for path in homes[1:]]
    told = [
        run(capsys, "line", "join", home, opening, "--out", answer)
        for home, answer in zip(homes[1:], answers, strict=True)
    ]
    words = "which this station\nwas not on: its record is not yours. What changes:\n  EAST joins\n"
    assert [words in one for one in told] == [False, True]
    assert "  EAST joins\n" in told[0]
    assert words in run(capsys, "line", "show", homes[2])
    done = [run(capsys, "line", "complete", home, *answers) for home in homes]
    ends = ["in the minute in which the others change over" in one for one in done]
    assert ends == [False, False, True]
    for home in homes[:2]:
        run(capsys, "line", "change", home)
    assert "whose record is not here." in run(capsys, "line", "show", homes[2])
    assert "as of a station that joined" in run(capsys, "verify", homes[2])


def test_station_that_left_is_told_and_closes_its_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = begin_three(tmp_path, system_clock())
    opening, file = tmp_path / "o.enrol", tmp_path / "east.notice"
    gather(*places, opening=places[0].opens("SOUTH", "EAST"))
    exchange_cards(*places)
    north, south, east = (place.home.path for place in places)
    notice = ("line", "notice", north, "--out", file)
    assert "nobody has left the line" in run(capsys, *notice, code=2)
    shown = run(capsys, "line", "amend", north, "--remove", "EAST", "--out", opening)
    assert "  EAST leaves\n    old  " in shown
    assert "\n    new  is not on the line any more\n" in shown
    answer = tmp_path / "a.enrol"
    run(capsys, "line", "join", south, opening, "--out", answer)
    run(capsys, "line", "complete", north, answer)
    assert "EAST left: hotline line notice" in run(capsys, "line", "change", north)
    assert f"Carry it to EAST, not on the line {WANTED.name}" in run(capsys, *notice)
    done = run(capsys, "line", "end", east, file)
    assert "NORTH and SOUTH are on the line n-s, which follows this one without" in done
    refused = run(capsys, "inbox", east, code=2)
    assert "the other stations closed this line in favour of n-s, " in refused
    assert "which this station is not on" in refused
    assert "VERIFIED" in run(capsys, "verify", east)
    assert "closed it in favour of a line that this" in run(capsys, "line", "show", east)
    again = ("line", "amend", east, "--name", "again", "--out", opening)
    assert "nothing follows it here" in run(capsys, *again, code=2)
    assert "n-s" in run(capsys, "replay", east)
