"""From nothing to a first receipted statement: two LIVE homes, separate processes, files by hand.

Every step is a `hotline` command of its own; passphrases come by a file descriptor.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.ports import free_port
from tests.fakes.warm import warm_python

TOP = Path(__file__).resolve().parents[2]
SECRETS = {
    "root.key": "the root sleeps in a safe",
    "successor.key": "and its heir in another",
    "console.key": "console of the night watch",
    "officer-n1.key": "northern lights at two",
    "officer-s1.key": "southern cross at three",
}
TIMEOUT_S = 100


@contextmanager
def descriptor_of(asked: Sequence[str]) -> Iterator[int]:
    """Give a descriptor that holds the passphrases of these key files, one a line."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.writelines(f"{SECRETS[name]}\n" for name in asked)
    try:
        yield reading
    finally:
        os.close(reading)


def begin(*words: str | Path, asked: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a command; `asked` are the key files whose passphrases it asks for, in order."""
    with descriptor_of(asked) as reading:
        given = ["--passphrase-fd", str(reading)] if asked else []
        return subprocess.Popen(
            [warm_python(), "-m", "hotline", *map(str, words), *given],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=TOP,
            pass_fds=[reading],
        )


def end(child: subprocess.Popen[str]) -> tuple[int, str]:
    out, errors = child.communicate(timeout=TIMEOUT_S)
    for secret in SECRETS.values():
        assert secret not in out + errors
    return child.returncode, out + errors


def run(*words: str | Path, asked: Sequence[str] = (), code: int = 0) -> str:
    ended, said = end(begin(*words, asked=asked))
    assert ended == code, said
    return said


def words_of(shown: str) -> str:
    """Return the 24 words on a screen that shows them, as an officer reads them out."""
    return " ".join(re.findall(r"\b\d{1,2} ([a-z]{3,8})\b", shown))


@pytest.mark.timeout(400)
def test_ceremony_from_nothing_to_a_first_receipted_statement(tmp_path: Path) -> None:
    north, south, stick = tmp_path / "north", tmp_path / "south", tmp_path / "stick"
    safe = tmp_path / "safe"
    stick.mkdir()
    safe.mkdir()
    fresh = ("root.key", "successor.key", "console.key")
    route = f"127.0.0.1:{free_port()}"
    said = run("init", north, "--station", "NORTH", "--route", route, asked=fresh)
    assert "Station NORTH (LIVE) is made" in said
    run("init", south, "--station", "SOUTH", asked=fresh)
    assert "exists already" in run("init", north, "--station", "NORTH", asked=fresh, code=2)

    # The root lives on a medium of its own; without it nobody becomes an officer.
    (north / "keys" / "root.key").rename(safe / "north-root.key")
    add = ("officer", "add", north, "--person", "n1", "--name", "A. Lind", "--rank", "CDR")
    assert "root.key is not there" in run(*add, asked=("console.key",), code=2)
    three = ("console.key", "root.key", "officer-n1.key")
    run(*add, "--root", safe / "north-root.key", asked=three)
    add = ("officer", "add", south, "--person", "s1", "--name", "B. Okoye", "--role", "Watch")
    run(*add, asked=("console.key", "root.key", "officer-s1.key"))
    assert "s1: Watch B. Okoye, until " in run("officer", "list", south)

    # Cards travel, words are read over the telephone.
    run("card", "export", north, "--out", stick / "north.card", asked=("console.key",))
    run("card", "export", south, "--out", stick / "south.card", asked=("console.key",))
    north_words = words_of(run("card", "show", north))
    south_words = words_of(run("card", "show", south))
    assert len(north_words.split()) == 24
    imported = ("card", "import", north, stick / "south.card")
    assert "a person must compare" in run(*imported, code=2)
    assert "it was not accepted" in run(*imported, "--confirm", north_words, code=2)
    run(*imported, "--confirm", south_words)
    run("card", "import", south, stick / "north.card", "--confirm", north_words)

    # Three steps, two files.
    both = ("console.key", "root.key")
    opening, answer = stick / "opening.enrol", stick / "answer.enrol"
    opened = ("line", "open", north, "--with", "SOUTH", "--name", "n-s", "--out", opening)
    said = run(*opened, "--root", safe / "north-root.key", asked=both)
    assert said.index("You are about to sign this charter") < said.index("Wrote ")
    assert "two officers sign: nothing" in said
    said = run("line", "join", south, opening, "--out", answer, asked=both)
    assert "You are about to sign this charter" in said
    run("line", "complete", north, answer, asked=("console.key",))
    assert f"SOUTH dials NORTH at {route}" in run("line", "show", south)

    # The first words over the line.
    waiting = begin("inbox", south, "--wait", "60", "--json", asked=("console.key",))
    sent = run(
        *("send", north, "-t", "conv/free-text", "--text", "First words.", "--wait", "60"),
        *("--json",),
        asked=("console.key", "officer-n1.key"),
    )
    assert json.loads(sent)["receipted"]
    code, came = end(waiting)
    assert code == 0, came
    (statement,) = json.loads(came)
    assert (statement["from"], statement["text"]) == ("NORTH", "First words.")
    assert statement["verdict"] == "VERIFIED"
    assert statement["digest"] == json.loads(sent)["digest"]

    # And anybody can verify it, by the cards that the officers compared.
    cards = ("--card", stick / "north.card", "--card", stick / "south.card")
    verdict = run("verify", north, "--peer", south, *cards)
    assert "RECONCILE: 1 statement, 1 receipted, no contradiction." in verdict
    assert "Identity established for NORTH, SOUTH: by card." in verdict
    assert "VERIFIED" in run("verify", north / "journal", "--card", stick / "north.card")


def test_passphrase_is_never_taken_from_the_environment_or_an_argument(tmp_path: Path) -> None:
    import typer

    from hotline.cli.main import app
    from tests.cli.test_readme import _commands

    commands = _commands(typer.main.get_command(app), "")
    options = {
        (name, option, parameter.envvar)
        for name, command in commands.items()
        for parameter in command.params
        for option in parameter.opts
        if "pass" in option
    }
    assert {option for _, option, _ in options} == {"--passphrase-fd"}
    assert {variable for _, _, variable in options} == {None}
    short = run_with("short", "init", tmp_path / "h", "--station", "NORTH")
    assert "at least 12 characters" in short
    assert list(tmp_path.iterdir()) == []
    closed = end(begin("init", tmp_path / "h", "--station", "NORTH", "--passphrase-fd", "77"))
    assert closed[0] == 2
    assert "no file descriptor 77" in closed[1]


def run_with(line: str, *words: str | Path) -> str:
    """Run a command with one line on its standard input, and expect it to refuse."""
    done = subprocess.run(
        [warm_python(), "-m", "hotline", *map(str, words)],
        input=f"{line}\n",
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=TOP,
    )
    assert done.returncode == 2
    assert line not in done.stdout + done.stderr.replace("too short", "")
    return done.stderr
