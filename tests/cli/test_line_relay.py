"""`hotline line relay`: an operator's card and tokens, a real relay, two homes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.enrol import Subject
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from tests.fakes.line import catalogue
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.rig import mint


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with two homes, a relay's card, and the relay at work."""
    directory = tmp_path_factory.mktemp("place")
    found_line(
        [
            Founder(Home(directory / name), name, (Subject("ramos", "A. Ramos"),))
            for name in ("NORTH", "SOUTH")
        ],
        name="north-south",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=system_clock,
        entropy=system_entropy,
    )
    relay = RelayProcess(directory, mint(directory, "RELAY"), more=("--card=relay.card",)).start()
    try:
        yield directory
    finally:
        relay.kill()


def tokens(place: Path, name: str, count: int = 1) -> Path:
    """Write a token file as the operator hands it out."""
    path = place / f"{name}.tokens"
    lines = [os.urandom(32).hex() for _ in range(count)]
    path.write_text("# for a station\n" + "\n".join(lines) + "\n")
    with (place / "admission").open("a") as file:
        file.write(path.read_text())
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    out, errors = capsys.readouterr()
    return out + errors


def add(place: Path, home: str, file: Path, *more: str) -> int:
    relay = str(place / "relay.card")
    words = ["line", "relay", "add", str(place / home), relay, "--token-file", str(file), *more]
    return main(words if "--name" in more else [*words, "--name", "relay-a"])


def test_relay_is_added_listed_and_removed_by_commands(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tokens(place, "north")
    card = json.loads((place / "relay.card").read_text())
    assert add(place, "NORTH", file) == 0
    words = said(capsys)
    assert card["key"] in words
    assert "route of this line from the next start on" in words
    assert "Delete north.tokens" in words
    token = file.read_text().splitlines()[1]
    assert token not in words
    assert main(["line", "relay", "list", str(place / "NORTH")]) == 0
    listed = said(capsys)
    assert f"relay-a at 127.0.0.1:{card['port']}, priority 10, for what SOUTH leaves" in listed
    assert main(["line", "relay", "list", str(place / "NORTH"), "--json"]) == 0
    (one,) = json.loads(said(capsys))
    assert (one["name"], one["peers"], one["key"]) == ("relay-a", ["SOUTH"], card["key"])
    assert add(place, "NORTH", tokens(place, "again")) == 2
    assert "has a relay relay-a already" in said(capsys)
    assert main(["line", "relay", "remove", str(place / "NORTH"), "relay-b"]) == 2
    assert "its relays: relay-a" in said(capsys)
    assert main(["line", "relay", "remove", str(place / "NORTH"), "relay-a"]) == 0
    assert "no route of this line any more" in said(capsys)
    assert main(["line", "relay", "list", str(place / "NORTH")]) == 0
    assert said(capsys) == "This line has no relay.\n"


@pytest.mark.parametrize(
    ("spoilt", "more", "code", "words"),
    [
        ("tokens", (), 2, "line 1 of the token file is no token"),
        ("card", (), 2, "is not a relay's card"),
        ("key", (), 2, "refuses the token for NORTH, or is not the relay of this card"),
        ("certificate", (), 2, "does not read"),
        ("", ("--name", "Relay A"), 2, "no name for a relay"),
        ("", ("--address", "nowhere"), 2, "HOST:PORT"),
    ],
)
def test_relay_that_cannot_be_added_is_refused_in_one_sentence(
    place: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoilt: str,
    more: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    """Spec: docs/enrolment.md §15.2"""
    card = json.loads((place / "relay.card").read_text())
    if spoilt == "key":
        card["key"] = "00" * 32
    if spoilt == "certificate":
        card["certificates"] = ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    (tmp_path / "relay.card").write_text("{}" if spoilt == "card" else json.dumps(card))
    file = tokens(place, "south")
    (tmp_path / "south.tokens").write_text(
        "secret words" if spoilt == "tokens" else file.read_text()
    )
    os.symlink(place / "SOUTH", tmp_path / "SOUTH")
    assert add(tmp_path, "SOUTH", tmp_path / "south.tokens", *more) == code
    told = said(capsys)
    assert words in told
    assert "secret words" not in told
    assert file.read_text().splitlines()[1] not in told
    assert not list((place / "SOUTH").glob("lines/*/relays.json"))


def test_relay_that_is_away_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tokens(place, "later")
    assert add(place, "SOUTH", file, "--address", "127.0.0.1:9", "--name", "relay-z") == 0
    assert "No mailbox was made yet: the relay could not be reached" in said(capsys)
    assert main(["line", "relay", "remove", str(place / "SOUTH"), "relay-z"]) == 3
    assert "could not be reached" in said(capsys)
    assert main(["line", "relay", "remove", str(place / "SOUTH"), "relay-z", "--lost"]) == 0


def test_card_of_a_relay_that_listens_everywhere_needs_an_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--cert=c", "--key=k", "--admission=a", f"--card={tmp_path / 'relay.card'}"]
    assert main(["relay", "--listen=0.0.0.0:7443", *files]) == 2
    assert "say it with --address" in said(capsys)
