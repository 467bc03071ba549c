"""`hotline replay`: as frames, as text, in the console; passphrases asked for and never told."""

from __future__ import annotations

import base64
import fcntl
import getpass
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.host.keyfile import read_key_file
from tests.cli.shell import TOP, one_sentence, run
from tests.ledger.rig import tamper
from tests.review.rig import PASSPHRASE, Worked, ledger_of, protect


def spellings(secret: bytes) -> tuple[str, ...]:
    return secret.hex(), base64.b64encode(secret).decode()[:-2], repr(secret)[2:-1]


def secrets_of(home: Path) -> list[bytes]:
    paths = [path for path in home.rglob("*.key") if path.is_file()]
    return [seed for path in paths for seed in read_key_file(path, None).seeds.values()]


def test_frames_parse_and_hold_no_key(worked: Worked) -> None:
    done = run("replay", worked.north, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    frames = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["index"] for one in frames] == list(range(len(frames)))
    assert sum(one["statement"] is not None for one in frames) > 5
    assert done.stdout.isascii()
    secrets = [one for one in secrets_of(worked.north) if len(one) >= 16]
    assert len(secrets) > 8
    for secret in secrets:
        for spelled in spellings(secret):
            assert spelled not in done.stdout


def test_without_a_terminal_every_event_is_a_line_and_then_the_state(
    kept: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(kept.south)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("The ledger of SOUTH on line north-south, EXERCISE: ")
    assert any("StatementSent: " in line and "sea/encounter to NORTH" in line for line in lines)
    assert any(line.startswith("-- state at ") for line in lines)


def test_protected_content_key_opens_with_a_line_of_standard_input(worked: Worked) -> None:
    key = protect(worked.north)
    done = run("replay", worked.north, "--json", stdin=f"{PASSPHRASE}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[0])["kind"] == "LedgerOpened"
    for spelled in (PASSPHRASE, *spellings(key)):
        assert spelled not in done.stdout


def test_wrong_or_no_passphrase_says_so_and_exits_2(worked: Worked) -> None:
    protect(worked.north)
    wrong = run("replay", worked.north, stdin="incorrect horse\n")
    said = one_sentence(wrong.stderr)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said.startswith("content.key does not open with that passphrase; ")
    assert "incorrect horse" not in wrong.stderr
    none = run("replay", worked.north)
    assert none.returncode == 2
    assert one_sentence(none.stderr).startswith(
        "content.key is protected and no passphrase was given; "
    )


def test_passphrase_on_a_terminal_is_typed_unseen(
    worked: Worked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    protect(worked.north)
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        return PASSPHRASE

    monkeypatch.setattr(getpass, "getpass", typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main(["replay", str(worked.north), "--json"]) == 0
    assert prompts == ["Passphrase of content.key: "]
    assert PASSPHRASE not in capsys.readouterr().out


def test_unprotected_content_key_asks_nothing(
    kept: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: pytest.fail("asked"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main(["replay", str(kept.north), "--json"]) == 0


def test_tampered_ledger_is_not_replayed_and_exits_1(
    worked: Worked, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(ledger_of(worked.north), "UPDATE entry SET leaf = zeroblob(148) WHERE idx = 12")
    assert main(["replay", str(worked.north)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "does not verify: entry 1" in one_sentence(err)
    assert "hotline verify" in err


def test_reader_that_goes_away_ends_the_replay_quietly(kept: Worked) -> None:
    command = [sys.executable, "-m", "hotline", "replay", str(kept.north), "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 141


@dataclass
class Terminal:
    """The command line in a terminal of its own, and everything that stood on it."""

    ours: int
    running: subprocess.Popen[bytes]
    shown: str = ""

    def read(self, words: str | None) -> None:
        """Read until `words` stood there; None: until the program let go of the terminal."""
        end_s = time.monotonic() + 30.0
        while words is None or words not in self.shown:
            if not select.select([self.ours], [], [], max(end_s - time.monotonic(), 0))[0]:
                pytest.fail(f"{words!r} never came: {self.shown[-2000:]!r}")
            try:
                self.shown += os.read(self.ours, 65_536).decode(errors="replace")
            except OSError:
                assert words is None, self.shown[-2000:]
                return


@contextmanager
def terminal(home: Path, rows: int, columns: int) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "hotline", "replay", str(home)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=TOP,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    try:
        yield Terminal(ours, running)
    finally:
        running.kill()
        running.wait()
        os.close(ours)


def test_terminal_opens_the_console_in_replay(kept: Worked) -> None:
    with terminal(kept.north, 24, 80) as screen:
        screen.read("REPLAY read-only")
        os.write(screen.ours, b"\x1b[C")
        screen.read("LedgerOpened: the ledger of NORTH begins")
        screen.running.terminate()
        screen.read(None)
        assert screen.running.wait(30) == 0


def test_terminal_without_a_size_gets_text(kept: Worked) -> None:
    with terminal(kept.north, 0, 0) as screen:
        screen.read(None)
        assert screen.running.wait(30) == 0
        assert "-- state at " in screen.shown
