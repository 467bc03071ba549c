"""A terminal of our own: one tmux server on its own socket, its panes as text."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOOK_EVERY_S = 0.03
PATIENCE_S = 30.0
TOP = Path(__file__).resolve().parents[2]
NEEDS_TMUX = pytest.mark.skipif(
    not shutil.which("tmux"), reason="this journey drives a real terminal by tmux: none installed"
)


class Terminal:
    """One window: keys go in, the screen comes out as rows."""

    def __init__(self, server: Server, name: str, columns: int, rows: int) -> None:
        self._server, self._name = server, name
        self._size = (columns, rows)

    def start(self, command: str) -> None:
        """Run `command` in the window; its exit code stands on the screen at the end."""
        columns, rows = map(str, self._size)
        shown = f"{command}; echo EXIT=$?; exec cat"
        size, place = ["-x", columns, "-y", rows], ["-s", self._name, "-c", str(TOP)]
        self._server.run("new-session", "-d", *size, *place, shown)

    def kill(self) -> None:
        """Kill -9 what runs in the window, then close it, as a power cut would."""
        shell = int(self._server.run("display", "-p", "-t", self._name, "#{pane_pid}"))
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self._server.run("kill-session", "-t", self._name)

    def rows(self) -> list[str]:
        """Return the screen."""
        return self._server.run("capture-pane", "-p", "-t", self._name).split("\n")

    def text(self) -> str:
        """Return all that was printed, with wrapped lines joined."""
        return self._server.run("capture-pane", "-p", "-J", "-S", "-2000", "-t", self._name)

    def keys(self, *keys: str) -> None:
        """Press keys by their tmux names."""
        self._server.run("send-keys", "-t", self._name, *keys)

    def type(self, words: str) -> None:
        """Type words as they are."""
        self._server.run("send-keys", "-t", self._name, "-l", "--", words)

    def until(self, check: Callable[[list[str]], bool], what: str) -> list[str]:
        """Return the screen on which `check` holds; fail with the last one otherwise."""
        end = time.monotonic() + PATIENCE_S
        while not check(rows := self.rows()):
            assert time.monotonic() < end, f"{self._name}: never came: {what}\n" + "\n".join(rows)
            time.sleep(LOOK_EVERY_S)
        return rows


class Server:
    """A tmux server on a socket of its own."""

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "tmux"
        self._conf = directory / "tmux.conf"
        # Or a server whose last window was closed goes away while the next one is opened.
        self._conf.write_text("set -s exit-empty off\n")

    def run(self, *words: str) -> str:
        """Run one tmux command and return what it printed."""
        command = ["tmux", "-f", str(self._conf), "-S", str(self._socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def terminal(self, name: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Return a window of that size, nothing running in it yet."""
        return Terminal(self, name, columns, rows)

    def stop(self) -> None:
        """End the server, and whatever runs in it by the end of its terminal."""
        pid = self.run("display", "-p", "#{pid}").strip()
        if pid:
            os.kill(int(pid), signal.SIGTERM)


@contextmanager
def tmux_server() -> Iterator[Server]:
    """Give a tmux server; it is gone afterwards."""
    # Not in the test's own directory: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="hl-", ignore_cleanup_errors=True) as directory:
        server = Server(Path(directory))
        try:
            yield server
        finally:
            server.stop()
