"""From nothing to a first statement that two other stations receipted: three homes, files by hand.

Stations and cards are made, and what is only looked at is shown, by the same commands in this
process; every step of the line and all that is said on it are processes of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.cli.main import main
from tests.fakes.ports import free_ports
from tests.journeys.test_ceremony import begin, end, run, words_of

Told = Callable[..., str]
STATIONS = ("NORTH", "SOUTH", "EAST")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run a command in this process; return what it says."""

    def tell(*words: str | Path, code: int = 0) -> str:
        assert main([str(word) for word in words]) == code
        return capsys.readouterr().out

    return tell


def set_out(place: Path, told: Told, routes: dict[str, str]) -> None:
    """Make three stations, an officer at each, and have everybody compare everybody's words."""
    words = {}
    for name in STATIONS:
        home, route = place / name.lower(), routes.get(name)
        dialled = ["--route", route] if route else []
        exercise = ("--realm", "exercise", "--unprotected")
        told("init", home, "--station", name, *exercise, *dialled)
        person = f"{name.lower()}1"
        told("officer", "add", home, "--person", person, "--name", f"Officer of {name}")
        told("card", "export", home, "--out", place / f"{name}.card")
        words[name] = words_of(told("card", "show", home))
    for ours in STATIONS:
        for theirs in STATIONS:
            card = place / f"{theirs}.card"
            if theirs != ours:
                told("card", "import", place / ours.lower(), card, "--confirm", words[theirs])


@pytest.mark.timeout(300)
def test_three_stations_set_a_line_up_and_one_speaks_to_both_others(
    tmp_path: Path, told: Told
) -> None:
    port = free_ports(3)
    at = f"127.0.0.1:{port}"
    set_out(tmp_path, told, {"NORTH": at, "SOUTH": f"127.0.0.1:{port + 2}"})
    north, south, east = (tmp_path / name.lower() for name in STATIONS)
    stick = tmp_path / "stick"
    stick.mkdir()

    others = ("--with", "SOUTH", "--with", "EAST")
    opened = ("line", "open", north, *others, "--name", "three", "--out", stick / "opening")
    said = run(*opened)
    assert "Carry a copy to each of SOUTH and EAST" in said
    assert f"EAST dials NORTH at 127.0.0.1:{port + 1}" in said
    answers = {home: stick / f"{home.name}.answer" for home in (south, east)}
    for home, answer in answers.items():
        said = run("line", "join", home, stick / "opening", "--out", answer)
        assert "You are about to sign this charter" in said
        assert f"This station needs the answer of {'EAST' if home == south else 'SOUTH'}" in said
    waits = told("line", "complete", north, answers[east], code=3)
    assert "Kept: the answer of EAST. Still missing: the answer of SOUTH." in waits
    assert "Here already: the answer of EAST" in told("line", "show", north)
    # The rest is given as a whole stick: what is no answer for a station is passed over.
    ended = [run("line", "complete", home, *stick.iterdir()) for home in (north, south, east)]
    words = {line for said in ended for line in said.splitlines() if "check words:" in line}
    assert len(words) == 1
    assert f"NORTH listens for EAST at 127.0.0.1:{port + 1}" in ended[0]
    assert f"EAST dials NORTH at 127.0.0.1:{port + 1}" in told("line", "show", east)

    again = told("line", "join", south, stick / "opening", "--out", tmp_path / "again")
    assert "The line is complete here." in again
    assert (tmp_path / "again").read_bytes() == answers[south].read_bytes()

    waiting = [begin("inbox", home, "--wait", "60", "--json") for home in (south, east)]
    words_sent = ("-t", "conv/free-text", "--text", "First words to both.")
    sent = json.loads(run("send", north, *words_sent, "--wait", "60", "--json"))
    assert (sent["receipted_by"], sent["not_receipted_by"]) == (["EAST", "SOUTH"], [])
    for child in waiting:
        code, came = end(child)
        assert code == 0, came
        (statement,) = json.loads(came)
        assert (statement["from"], statement["text"]) == ("NORTH", "First words to both.")
        assert (statement["verdict"], statement["digest"]) == ("VERIFIED", sent["digest"])

    cards = [word for name in STATIONS for word in ("--card", tmp_path / f"{name}.card")]
    verdict = told("verify", north, "--peer", south, "--peer", east, *cards)
    assert "All 3 ledgers RECONCILE: 1 statement, 1 receipted by every other member." in verdict
    assert "Identity established for NORTH, SOUTH, EAST: by card." in verdict


def test_statement_that_only_one_of_two_has_receipted_says_who_has_not() -> None:
    from hotline.cli.post import _outcome

    sent = {"token": "ABC", "digest": "d" * 64, "receipted": False, "rejected": {}, "under_way": ""}
    said = _outcome({**sent, "receipted_by": ["SOUTH"], "not_receipted_by": ["EAST"]})
    assert said.startswith("DELIVERED 1 of 2 ABC")
    assert "EAST did not receipt it yet" in said
    said = _outcome({**sent, "receipted_by": [], "not_receipted_by": ["EAST", "SOUTH"]})
    assert said.startswith("QUEUED ABC")
    assert "EAST and SOUTH did not receipt it yet" in said
    said = _outcome({**sent, "receipted_by": [], "not_receipted_by": ["SOUTH"]})
    assert "recorded here, not receipted yet" in said
