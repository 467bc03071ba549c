"""The console in a real terminal: keys through a pty, signals, crash, hang-up."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hotline.tui.alarm import KEY_GUARD_MS

CLEAN = {name: value for name, value in os.environ.items() if name not in ("ESCDELAY", "NO_COLOR")}
TOP = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0
NEEDS_TMUX = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")


async def until(check: Callable[[], bool], what: Callable[[], str]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while not check():
        assert loop.time() < end, f"never came:\n{what()}"
        await asyncio.sleep(0.05)


class Tmux:
    """One tmux server of our own with one window."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def run(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *words],
            capture_output=True,
            text=True,
        )
        return done.stdout

    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    async def see(self, words: str) -> None:
        await until(lambda: words in self.screen(), self.screen)


@contextmanager
def window(tmp_path: Path, *flags: str) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path / "tmux.sock")
    command = f"{sys.executable} -m tests.fakes.console {' '.join(flags)}; echo code=$?; exec sh"
    tmux.run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(TOP), command)
    try:
        yield tmux
    finally:
        tmux.run("kill-server")


@NEEDS_TMUX
async def test_flash_read_and_answered_through_a_real_terminal(tmp_path: Path) -> None:
    with window(tmp_path, "--ascii", "--late-flash") as tmux:
        await tmux.see("!! FLASH 6K0 NOT READ")
        await tmux.see("F8=OPEN")
        await asyncio.sleep(KEY_GUARD_MS / 1000)  # the guard is a span of time, not a condition
        tmux.run("send-keys", "F8")
        await tmux.see("F8=READ BY OFFICER")
        tmux.run("send-keys", "F8")
        await tmux.see("the sender is told READ BY OFFICER")
        tmux.run("send-keys", "C-o", "c")
        await tmux.see("WHAT DO YOU WANT TO WRITE?")
        tmux.run("send-keys", "Enter")
        await tmux.see("*Course")
        tmux.run("send-keys", "0", "4", "5", "Tab", "8", "Tab", "Right", "C-p")
        await tmux.see("READY. ^G opens")
        tmux.run("send-keys", "C-g")
        await tmux.see("> Cancel <")
        await asyncio.sleep(KEY_GUARD_MS / 1000)
        tmux.run("send-keys", "Tab")
        await tmux.see("> SEND <")
        tmux.run("send-keys", "Enter")
        await tmux.see("is signed and recorded")
        tmux.run("send-keys", "C-x")
        await tmux.see("Leave the console? The line then stops.")
        tmux.run("send-keys", "Tab")
        await tmux.see("> Leave <")
        tmux.run("send-keys", "Enter")
        await tmux.see("code=0")


@NEEDS_TMUX
async def test_terminal_made_tiny_and_large_again_is_drawn_whole(tmp_path: Path) -> None:
    with window(tmp_path, "--ascii", "--flash") as tmux:
        await tmux.see("^X:Leave")
        tmux.run("resize-window", "-x", "20", "-y", "5")
        await tmux.see("need 80x24")
        assert "!! FLASH" in tmux.screen()
        tmux.run("resize-window", "-x", "120", "-y", "40")
        await tmux.see("MESSAGE 6K0")


class Child:
    """The console on a pty of our own; every byte it writes is kept."""

    def __init__(self, *flags: str, env: dict[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.bytes = bytearray()
        self.run = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.console", *flags],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=TOP,
            env={**CLEAN, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
        )
        os.set_blocking(self.master, False)

    def read(self) -> str:
        try:
            while chunk := os.read(self.master, 65_536):
                self.bytes += chunk
        except OSError:
            pass
        return self.bytes.decode("utf-8", "replace")

    async def see(self, words: str) -> None:
        await until(lambda: words in plain(self.read()), lambda: plain(self.read())[-2_000:])

    async def ended(self) -> int:
        await until(lambda: self.read() is not None and self.run.poll() is not None, self.read)
        return self.run.returncode

    def close(self) -> None:
        if self.run.poll() is None:
            self.run.kill()
            self.run.wait()
        for end in (self.master, self.slave):
            with suppress(OSError):
                os.close(end)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?<>=$]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1bP[^\x1b]*\x1b\\", "", text)


@pytest.fixture
def started() -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def start(*flags: str, env: dict[str, str] | None = None) -> Child:
        children.append(Child(*flags, env=env))
        return children[-1]

    yield start
    for child in children:
        child.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
async def test_signal_ends_it_in_order_and_leaves_the_terminal_whole(
    number: signal.Signals, started: Callable[..., Child]
) -> None:
    child = started("--ascii")
    await child.see("^X:Leave")
    assert termios.tcgetattr(child.slave) != child.before
    child.run.send_signal(number)
    assert await child.ended() == 0
    assert termios.tcgetattr(child.slave) == child.before
    end = child.read()
    assert "\x1b[?1049l" in end
    assert "\x1b[?25h" in end[end.rindex("\x1b[?1049l") - 200 :]


async def test_crash_names_the_place_and_prints_no_local_and_no_message(
    started: Callable[..., Child],
) -> None:
    child = started("--ascii", "--crash")
    await child.see("^X:Leave")
    os.write(child.master, b"\x1bOR")
    assert await child.ended() == 70
    seen = plain(child.read())
    assert "the console stopped by a fault of its own (RuntimeError)" in seen
    assert "tests/fakes/console.py" in seen
    assert "correct horse" not in seen
    assert "Traceback" not in seen
    assert termios.tcgetattr(child.slave) == child.before


async def test_terminal_that_goes_away_ends_the_console(started: Callable[..., Child]) -> None:
    child = started("--ascii")
    await child.see("^X:Leave")
    os.close(child.slave)
    os.close(child.master)
    await until(lambda: child.run.poll() is not None, lambda: "still running")


async def test_idle_console_writes_next_to_nothing(started: Callable[..., Child]) -> None:
    child = started("--ascii", "--quiet")
    await child.see("^X:Leave")
    loop = asyncio.get_running_loop()
    await asyncio.sleep(1.0)
    child.read()
    before, start = len(child.bytes), loop.time()
    await asyncio.sleep(4.0)
    child.read()
    rate = (len(child.bytes) - before) / (loop.time() - start)
    assert rate <= 150


async def test_no_colour_terminal_still_says_everything_in_words(
    started: Callable[..., Child],
) -> None:
    child = started("--ascii", "--flash", env={"NO_COLOR": "1"})
    await child.see("!! FLASH 6K0 NOT READ")
    await child.see("EXERCISE EXERCISE EXERCISE")


def test_entry_sets_the_escape_delay_before_textual_reads_it() -> None:
    words = (
        "import sys\n"
        "from tests.fakes.desk_scenes import quiet_desk\n"
        "import os\n"
        "import hotline.tui.entry as entry\n"
        "assert 'textual' not in sys.modules\n"
        "entry.make_console(quiet_desk(), clock=lambda: 0)\n"
        "from textual import constants\n"
        "print(constants.ESCAPE_DELAY, constants.TEXTUAL_ANIMATIONS, os.environ.get('COLUMNS'))\n"
    )
    env = {**CLEAN, "COLUMNS": "20"}
    done = subprocess.run(
        [sys.executable, "-c", words], cwd=TOP, env=env, capture_output=True, text=True
    )
    assert done.stdout.split() == ["0.25", "none", "None"], done.stderr
