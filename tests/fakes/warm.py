"""`python -m hotline` without waiting for its imports: a process forked from a warm parent.

    subprocess.run([warm_python(), "-m", "hotline", "verify", ...])

Importing hotline takes longer than most commands, and the suite starts hundreds. What is
started here is a process of its own like any other: it has its own memory, descriptors,
limits, working directory, environment, exit code and death, and what it starts in turn
with `sys.executable` is started alike. Only its modules were loaded before it was born.

`warm_python()` names a small program that passes what it was given to the warm parent and stays
in the place of the child: it forwards signals, ends as the child ended, and if it is killed,
the child is killed. Any other words than `-m hotline`, and an environment in which Python
itself would start in another way, get a cold interpreter. What it starts stretches
passphrases as the tests do (tests/fakes/quick_keys.py); a cold one cannot open such files.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import fcntl
import gc
import importlib
import io
import json
import marshal
import os
import pkgutil
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.quick_keys import stretch_quickly

TOP = Path(__file__).resolve().parents[2]
MAX_REQUEST_BYTES = 1 << 20
MAX_DESCRIPTORS = 64
MAX_SHEBANG_BYTES = 120
HIGH = 1_000
"""Descriptors are put above it while they are moved to their places."""

_STARTING = (
    *("PYTHON", "LC_", "LANG", "TZ", "ESCDELAY", "PYDANTIC", "TEXTUAL", "TYPER", "_TYPER"),
    "WEBSOCKETS",
)
"""How the variables begin that are read while the interpreter and the modules start."""

_LAUNCHER = """#!{python} -IS
import _signal, _socket, marshal, os, resource, sys
python, server, starting = {python!r}, {server!r}, {starting!r}
known = {known!r}
special = sorted(
    one for one in os.environ.items() if one[0].startswith(starting) and one[0] != "PYTHONPATH"
)
line = None
if sys.argv[1:3] == ["-m", "hotline"] and special == known:
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        line.connect(server)
    except OSError:
        line = None
if line is None:
    os.execv(python, [python, *sys.argv[1:]])
for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGWINCH):
    _signal.signal(number, lambda number, _: line.send(bytes([number])))
places = [int(one) for one in os.listdir("/proc/self/fd")]
held = []
for one in places:
    try:
        os.fstat(one)
    except OSError:
        continue
    if one != line.fileno():
        held.append(one)
mask = os.umask(0)
request = marshal.dumps((
    sys.argv[3:], dict(os.environ), os.getcwd(), held, mask,
    resource.getrlimit(resource.RLIMIT_FSIZE),
))
rights = b"".join(one.to_bytes(4, sys.byteorder) for one in held)
line.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
try:
    answer = line.recv(16)
except OSError:
    answer = b""
code = int(answer) if answer else 70
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL) if -code != _signal.SIGKILL else None
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def warm_python() -> str:
    """Return the program to use in the place of `sys.executable`; its parent starts at need."""
    return _parent_for(os.getpid()).program


@cache
def _parent_for(_pid: int) -> _Parent:
    return _Parent()


class _Parent:
    """The warm parent, seen from the tests: it ends with the process that started it."""

    def __init__(self) -> None:
        self.born_in = os.getpid()
        self.program = sys.executable
        python = sys.executable
        if not sys.platform.startswith("linux") or " " in python or len(python) > MAX_SHEBANG_BYTES:
            return
        # Not in the test's own directory: the path of a socket must be short.
        self._directory = tempfile.TemporaryDirectory(prefix="hl-", ignore_cleanup_errors=True)
        place = Path(self._directory.name)
        self._process = subprocess.Popen(
            [python, "-m", "tests.fakes.warm", place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=TOP,
        )
        assert self._process.stdout is not None
        known = json.loads(self._process.stdout.readline())
        program = place / "python"
        program.write_text(
            _LAUNCHER.format(
                python=python,
                server=str(place / "socket"),
                starting=_STARTING,
                known=[tuple(one) for one in known],
            )
        )
        program.chmod(0o700)
        self.program = str(program)
        atexit.register(self.close)

    def close(self) -> None:
        """End the warm parent, and with it what it still runs."""
        if self.born_in != os.getpid():
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._directory.cleanup()


# --- the warm parent itself --------------------------------------------------------------


def _load_everything() -> None:
    import hotline
    from hotline.tui import entry

    stretch_quickly()
    # What a console sets before it loads textual.
    entry._prepare_terminal()
    for module in pkgutil.walk_packages(hotline.__path__, "hotline."):
        if not module.name.endswith("__main__"):
            # What needs a library that is not installed is left to who asks for it.
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


class _Child:
    """One child: its connection to whoever stands in its place, and itself."""

    def __init__(self, line: socket.socket, program: str) -> None:
        self.line, self._program = line, program
        self.pid = self.pidfd = 0

    def heard(self) -> bool:
        """Take what came from its place; False when that is gone."""
        if not self.pid:
            return self._begin()
        try:
            numbers = self.line.recv(1)
        except OSError:
            numbers = b""
        if not numbers:
            return False
        os.kill(self.pid, numbers[0])
        return True

    def _begin(self) -> bool:
        room = socket.CMSG_SPACE(4 * MAX_DESCRIPTORS)
        try:
            raw, extra, _, _ = self.line.recvmsg(MAX_REQUEST_BYTES, room)
        except OSError:
            return False
        if not raw:
            return False
        numbers = array.array("i")
        for _, _, rights in extra:
            numbers.frombytes(rights[: len(rights) // 4 * 4])
        self.pid = os.fork()
        if not self.pid:
            _live(marshal.loads(raw), list(numbers), self._program)
        for one in numbers:
            os.close(one)
        self.pidfd = os.pidfd_open(self.pid)
        return True

    def ended(self) -> None:
        """Tell whoever stands in its place how it ended."""
        _, status = os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            self.line.send(str(os.waitstatus_to_exitcode(status)).encode())
        self.close()

    def kill(self) -> None:
        """Kill it, as whoever stands in its place was killed."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.close()

    def close(self) -> None:
        """Forget it."""
        self.line.close()
        if self.pidfd:
            os.close(self.pidfd)


def _live(request: Any, given: list[int], program: str) -> None:
    """Become the program that was asked for."""
    code = 70
    try:
        words, environment, directory, places, mask, limits = request
        _take_places(given, places)
        os.setsid()
        os.umask(mask)
        os.chdir(directory)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.argv = ["hotline", *words]
        sys.executable = program
        sys.stdin, sys.stdout, sys.stderr = (_stream(one) for one in range(3))
        from hotline.cli.main import main

        code = main(words)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def _take_places(given: list[int], places: list[int]) -> None:
    high = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, HIGH) for one in given]
    os.closerange(0, HIGH)
    for one, place in zip(high, places, strict=True):
        os.dup2(one, place)
    os.closerange(HIGH, HIGH + MAX_DESCRIPTORS)


def _stream(number: int) -> Any:
    """Return a standard stream as Python makes it when it starts."""
    old: Any = (sys.__stdin__, sys.__stdout__, sys.__stderr__)[number]
    try:
        os.fstat(number)
    except OSError:
        return None
    raw = open(number, "rb" if number == 0 else "wb", buffering=-1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        raw,
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=number == 2 or os.isatty(number),
        write_through=old.write_through,
    )


def serve(place: Path) -> None:
    """Give birth to children until whoever started this goes."""
    # The tree's own modules stand first on the path in any case.
    known = sorted(
        one for one in os.environ.items() if one[0].startswith(_STARTING) and one[0] != "PYTHONPATH"
    )
    _load_everything()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(str(place / "socket"))
    server.listen(64)
    sys.stdout.write(json.dumps(known) + "\n")
    sys.stdout.flush()
    ready = selectors.DefaultSelector()
    ready.register(server, selectors.EVENT_READ)
    ready.register(0, selectors.EVENT_READ)
    children: dict[int, _Child] = {}
    gc.collect()
    gc.freeze()
    while True:
        for key, _ in ready.select():
            if key.fd == 0:
                for child in set(children.values()):
                    child.kill()
                return
            if key.fd == server.fileno():
                line, _ = server.accept()
                child = _Child(line, str(place / "python"))
                children[line.fileno()] = child
                ready.register(line, selectors.EVENT_READ)
                continue
            if key.fd not in children:
                continue
            child = children[key.fd]
            if key.fd == child.pidfd:
                _forget(child, children, ready)
                child.ended()
            elif not child.heard():
                _forget(child, children, ready)
                child.kill()
            elif child.pidfd and child.pidfd not in children:
                children[child.pidfd] = child
                ready.register(child.pidfd, selectors.EVENT_READ)


def _forget(child: _Child, children: dict[int, _Child], ready: selectors.BaseSelector) -> None:
    for number in (child.line.fileno(), child.pidfd):
        if children.pop(number, None):
            ready.unregister(number)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
