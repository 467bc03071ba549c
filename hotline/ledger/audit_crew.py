"""Several cores for one audit: each has an interpreter of its own and opens the copy itself.

The workers are started as programs of their own, not forked: a fork of a
process with threads or an open database may stand still for ever.
Spec: docs/ledger.md §11.1
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from hotline.core.errors import StorageError
from hotline.ledger.audit_blocks import Block, BlockFound, check_block
from hotline.ledger.audit_heads import HeadPlan
from hotline.ledger.connection import open_copy
from hotline.ledger.snapshot import blames_file, limited_rows

MAX_CORES = 64
_START = """
import sys
from multiprocessing.connection import Connection
line = Connection(int(sys.argv[1]))
sys.path[:] = line.recv()
from hotline.ledger.audit_crew import serve
serve(line)
"""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A task: SQLite's own check of the file's structure."""


Task = WholeFile | Block
Found = bool | BlockFound


@dataclass(frozen=True, slots=True)
class _Worker:
    program: subprocess.Popen[bytes]
    line: Connection


class Crew:
    """Workers that check blocks; started early, they load while the file is copied."""

    def __init__(self, cores: int) -> None:
        """Start `cores` workers, none for 1: then the caller's own core does everything."""
        count = min(cores, MAX_CORES) if cores > 1 and sys.executable else 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_start())
        except OSError as error:
            self.close()
            raise StorageError("the system does not start the verification") from error

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.line.close()
            worker.program.kill()
            worker.program.wait()
        self._workers = []

    def __enter__(self) -> Crew:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def run(
        self,
        connection: sqlite3.Connection,
        path: Path,
        plan: HeadPlan | None,
        tasks: Sequence[Task],
    ) -> Iterator[Found]:
        """Yield what each task finds, in the order of `tasks`.

        A task that a worker cannot do is done by the caller's own core: what the file
        makes SQLite say then reaches the caller as it does without any worker.

        Args:
            connection: To the copy, for the caller's own core.
            path: Of the same copy, for the workers.
        Raises:
            StorageError: a worker ended before its time.
        """
        if not self._workers:
            for task in tasks:
                yield _do_here(connection, task, plan)
            return
        try:
            for task, result in zip(tasks, self._run(path, plan, tasks), strict=True):
                yield _do_here(connection, task, plan) if result is None else result
        except (EOFError, OSError) as error:
            raise StorageError("a part of the verification was ended from outside") from error

    def _run(
        self, path: Path, plan: HeadPlan | None, tasks: Sequence[Task]
    ) -> Iterator[Found | None]:
        waiting = deque(enumerate(tasks))
        lines = [worker.line for worker in self._workers]
        for line in lines:
            line.send((path, plan))
            _give(line, waiting)
        found: dict[int, Found | None] = {}
        for number in range(len(tasks)):
            while number not in found:
                for ready in wait(lines):
                    assert isinstance(ready, Connection)
                    done, result = ready.recv()
                    found[done] = result
                    _give(ready, waiting)
            yield found.pop(number)


def _give(line: Connection, waiting: deque[tuple[int, Task]]) -> None:
    if waiting:
        line.send(waiting.popleft())


def _start() -> _Worker:
    ours, theirs = Pipe()
    number = theirs.fileno()
    program = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, str(number)],
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    theirs.close()
    ours.send([one for one in sys.path if isinstance(one, str)])
    return _Worker(program, ours)


def serve(line: Connection) -> None:
    """Do tasks as a worker until the other end closes."""
    try:
        path, plan = line.recv()
        connection = open_copy(path)
        with limited_rows(connection):
            while True:
                number, task = line.recv()
                line.send((number, _attempt(connection, task, plan)))
    except (EOFError, OSError):
        return


def _attempt(connection: sqlite3.Connection, task: Task, plan: HeadPlan | None) -> Found | None:
    """Do one task as a worker; None if it cannot be done here, whatever the reason is."""
    try:
        return do(connection, task, plan)
    except Exception:  # noqa: BLE001 - whoever asked does it again and sees the same
        return None


def _do_here(connection: sqlite3.Connection, task: Task, plan: HeadPlan | None) -> Found:
    with limited_rows(connection):
        return do(connection, task, plan)


def do(connection: sqlite3.Connection, task: Task, plan: HeadPlan | None) -> Found:
    """Do one task and return what it found."""
    if isinstance(task, Block):
        return check_block(connection, task, plan)
    return is_whole(connection)


def is_whole(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite finds structure and indexes of the file in order.

    A flipped bit in an index changes no row and still lets a reader look in vain.
    """
    try:
        answers = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
    except UnicodeDecodeError:
        # The damage stands in SQLite's own sentence about the damage.
        return False
    except sqlite3.DatabaseError as error:
        if not blames_file(error):
            raise
        return False
    return answers == ["ok"]
