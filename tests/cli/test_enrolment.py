"""The commands of enrolment and of working a line: what they refuse, print and exit with."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.host.clock import system_clock
from hotline.sealing.charter import default_policy
from hotline.sealing.fingerprint import read_fingerprint, root_words, word_list
from hotline.station.enrolling import Wanted
from tests.station.homes import ROUTE, begin, begin_two, enrol


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the homes north and south and a line between them."""
    directory = tmp_path_factory.mktemp("enrolled")
    enrol(directory, system_clock())
    return directory


@pytest.fixture
def homes(enrolled: Path, tmp_path: Path) -> Path:
    """The same, for one test's own use."""
    shutil.copytree(enrolled, tmp_path / "homes")
    return tmp_path / "homes"


def told(capsys: pytest.CaptureFixture[str]) -> str:
    out, errors = capsys.readouterr()
    return out + errors


# --- init, officer, card


OPEN = ("--realm", "exercise", "--unprotected")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--station", "north", *OPEN], "station"),
        (["--station", "NORTH", "--realm", "mixed"], "mixed"),
        (["--station", "NORTH", "--unprotected"], "a LIVE station's keys must have passphrases"),
        (["--station", "NORTH", "--route", "nowhere", *OPEN], "written as HOST:PORT"),
        (["--station", "NORTH", "--route", "host:0", *OPEN], "a port from 1 to 65535"),
        (["--station", "NORTH", "--route", "host:70000", *OPEN], "written as HOST:PORT"),
        (["--station", "NORTH", "--listen", "a b:1", *OPEN], "written as HOST:PORT"),
    ],
)
def test_init_with_what_cannot_be_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["init", str(tmp_path / "h"), *words]) == 2
    assert said in told(capsys)
    assert list(tmp_path.iterdir()) == []


def test_card_show_of_a_home_and_of_its_file_say_the_same(
    homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "n.card"
    assert main(["card", "export", str(homes / "north"), "--out", str(card)]) == 0
    told(capsys)
    assert main(["card", "show", str(homes / "north")]) == 0
    own = told(capsys)
    assert main(["card", "show", str(card), "--ascii"]) == 0
    assert told(capsys) == own
    assert "officer north1: Officer north1, until " in own
    assert f"dialled at 127.0.0.1:{ROUTE.port}" in own
    assert len(re.findall(r"\b\d{1,2} [a-z]{3,8}\b", own)) == 24


def test_card_show_draws_the_code_of_station_and_root_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import segno

    from hotline.cli import fingerprints
    from hotline.core.values import sha256

    digest = sha256(b"a root")
    assert list(fingerprints.qr_lines("NORTH", digest, ascii_only=False)) == []
    monkeypatch.setattr(fingerprints, "_shows_blocks", lambda: True)
    assert list(fingerprints.qr_lines("NORTH", digest, ascii_only=True)) == []
    lines = [line[2:] for line in fingerprints.qr_lines("NORTH", digest, ascii_only=False)]
    code = segno.make(f"NORTH:{digest.hex().upper()}", error="m", micro=False)
    wanted = [list(row) for row in code.matrix_iter(border=2)]
    # A block is light: codes are read dark on light, terminals are light on dark.
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}
    drawn: list[list[int]] = []
    for line in lines:
        drawn += [[halves[char][half] for char in line] for half in (0, 1)]
    assert drawn[: len(wanted)] == wanted


def test_what_is_no_card_is_refused(
    homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"\x00\x1b[31m no card\n\n")
    for words in (["card", "show", str(junk)], ["card", "import", str(homes / "north"), str(junk)]):
        assert main(words) == 2
        said = told(capsys)
        assert "this is no good card" in said
        assert "\x1b" not in said
    assert main(["card", "show", str(tmp_path / "gone")]) == 2
    assert "cannot be read" in told(capsys)


def test_confirmation_must_be_all_the_words_of_that_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = system_clock()
    north = begin(tmp_path / "n", "NORTH", now_ms=now_ms)
    south = begin(tmp_path / "s", "SOUTH", now_ms=now_ms)
    card = tmp_path / "s.card"
    card.write_bytes(south.card())
    words = root_words(south.root().digest).split()
    spoiled = (" ".join([*words[:23], last]) for last in word_list())
    misspelled = next(one for one in spoiled if read_fingerprint(one) is None)
    for wrong in (" ".join(words[:23]), misspelled, "one two", ""):
        assert main(["card", "import", str(tmp_path / "n"), str(card), "--confirm", wrong]) == 2
        assert "24 words whose check sum fits" in told(capsys)
    other = root_words(north.root().digest)
    assert main(["card", "import", str(tmp_path / "n"), str(card), "--confirm", other]) == 2
    said = told(capsys)
    assert "it was not accepted" in said
    assert " ".join(words[:2]) not in said
    assert (
        main(["card", "import", str(tmp_path / "n"), str(card), "--confirm", " ".join(words)]) == 0
    )


# --- lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--two-person", "no/such"], "no pack holds a template"),
        (["--test-period", "1"], "test_period_s"),
        (["--language", "english"], "languages"),
        (
            ["--language", "en", "--authentic", "fr"],
            "the authentic language is not an approved one",
        ),
        (["--name", "a b"], "name"),
        (["--with", "EAST"], "no card of EAST was accepted here"),
    ],
)
def test_line_open_with_what_no_charter_can_say_opens_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    from hotline.station.cards import accept_card
    from tests.station.homes import agreed

    now_ms = system_clock()
    north = begin(tmp_path / "n", "NORTH", route=ROUTE, now_ms=now_ms)
    south = begin(tmp_path / "s", "SOUTH", now_ms=now_ms)
    accept_card(north.home, south.card(), agreed, north.bench.clock)
    given = {"--with": "SOUTH", "--name": "n-s", "--out": str(tmp_path / "o")}
    given |= {words[0]: words[1]} if words[0] in given else {}
    more = [] if words[0] in given else words
    flat = [part for pair in given.items() for part in pair]
    assert main(["line", "open", str(tmp_path / "n"), *flat, *more]) == 2
    assert said in told(capsys)
    assert not (tmp_path / "o").exists()


def test_line_show_says_how_far_it_has_come(
    homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["line", "show", str(homes / "south")]) == 0
    assert f"SOUTH dials NORTH at 127.0.0.1:{ROUTE.port}" in told(capsys)
    begin(tmp_path / "e", "EAST")
    assert main(["line", "show", str(tmp_path / "e")]) == 0
    assert "EAST has no line yet. Cards accepted: none." in told(capsys)
    assert main(["line", "show", str(tmp_path / "none")]) == 2
    assert "holds no station" in told(capsys)


# --- working the line


def test_statement_that_nobody_receipts_is_queued_and_exits_3(
    homes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["send", str(homes / "south"), "-t", "conv/free-text", "--text", "hello"]
    assert main([*words, "--wait", "0.2", "--json"]) == 3
    sent = json.loads(capsys.readouterr().out)
    assert sent["receipted"] is False
    assert "> hello" in sent["lines"]
    assert main(["inbox", str(homes / "north"), "--wait", "0.2"]) == 3
    assert main(["inbox", str(homes / "north")]) == 0
    assert told(capsys).count("Nothing came in yet.") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-t", "no/such"], "is not on offer now; on offer are "),
        (["-t", "conv/free-text"], "text"),
        (["-t", "conv/free-text", "--text", "x", "-f", "course=1"], "has no field course"),
        (["-t", "conv/free-text", "--text", "x", "-f", "course"], "given as NAME=VALUE"),
        (["-t", "conv/free-text", "--text", "x", "-f", "a=1", "-f", "a=2"], "is given twice"),
        (["-t", "conv/free-text", "--text", "x", "--precedence", "SOON"], "recedence"),
        (["-t", "conv/free-text", "--text", "x", "--answers", "ff"], "is not on offer now"),
        (
            ["-t", "conv/free-text", "--text", "x", "--officer", "nobody"],
            "no key of an officer 'nobody'",
        ),
    ],
)
def test_statement_that_cannot_be_sent_is_refused_and_nothing_goes(
    homes: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["send", str(homes / "north"), *words, "--wait", "0.2"]) == 2
    assert said in told(capsys)
    assert main(["inbox", str(homes / "north"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_officer_must_be_named_where_several_have_keys(
    homes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = homes / "north" / "keys" / "officer-north1.key"
    shutil.copy(key, key.with_name("officer-n2.key"))
    assert main(["send", str(homes / "north"), "-t", "conv/free-text", "--text", "x"]) == 2
    assert "several officers have keys here: n2, north1; say which with --officer" in told(capsys)


def test_console_without_a_terminal_is_refused(
    homes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["console", str(homes / "north")]) == 2
    assert "the console needs a terminal" in told(capsys)


def test_passphrases_come_from_a_descriptor_one_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write("a root's passphrase\nits heir's passphrase\nthe console's one\n")
    home = str(tmp_path / "h")
    words = ["init", home, "--station", "NORTH", "--realm", "exercise"]
    try:
        assert main([*words, "--passphrase-fd", str(reading)]) == 0
    finally:
        os.close(reading)
    said = told(capsys)
    assert "passphrase" not in said.replace("passphrases", "")
    from hotline.host.keyfile import read_key_file

    for name, phrase in (
        ("root", "a root's passphrase"),
        ("successor", "its heir's passphrase"),
        ("console", "the console's one"),
    ):
        assert read_key_file(tmp_path / "h" / "keys" / f"{name}.key", phrase).station == "NORTH"
    empty, written = os.pipe()
    os.close(written)
    try:
        assert (
            main(["card", "export", home, "--out", home + ".card", "--passphrase-fd", str(empty)])
            == 2
        )
    finally:
        os.close(empty)
    assert "console.key is protected and no passphrase was given" in told(capsys)


def test_statement_that_needs_a_second_officer_awaits_the_release_and_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted("n-s", default_policy(("conv/free-text",)))
    north, south = begin_two(tmp_path, system_clock())
    north.add("north2")
    north.completes(south.joins(north.opens("SOUTH", wanted=wanted)))
    words = ["send", str(tmp_path / "north"), "-t", "conv/free-text", "--text", "x"]
    assert main([*words, "--officer", "north1", "--wait", "0.2"]) == 3
    assert "it awaits the second officer that the charter asks for" in told(capsys)


def test_renewed_console_is_shown_by_the_line_and_its_card_counts_at_the_other_station(
    homes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spec: docs/enrolment.md §10.2, §10.5, §10.6"""
    north, south, card = str(homes / "north"), str(homes / "south"), str(homes / "north.card")
    assert main(["renew", north, "--new-key", "--days", "12"]) == 0
    assert "Start the station: the other one is told" in told(capsys)
    assert main(["line", "show", north]) == 0
    shown = told(capsys)
    assert "ALARM: the certificate of the console of NORTH ends in 11 days" in shown
    assert "the certificate of the console of SOUTH ends in 91 days" in shown
    assert main(["renew", north, "--days", "93"]) == 2
    assert main(["card", "export", north, "--out", card]) == 0
    told(capsys)
    assert main(["card", "import", south, card]) == 0
    assert "It counts on the line: 1 new certificates." in told(capsys)
