"""The one thread that writes a relay's database: many changes, one commit, one sync.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hotline.core.errors import StorageError
from hotline.transport.route import Monotonic

MAX_GROUP = 256
"""Changes of one commit."""

_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE}
"""What a full disk, or a full quota of the file system, makes SQLite say."""

_RETRIED_BY_CALLER = "the relay's store could not write"

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]
OnCommit = Callable[[int, float], None]
"""Takes the changes of a commit and the seconds that it took."""


class NoRoomError(StorageError):
    """The disk has no room for this change; others may pass."""

    default_hint = "free space on the store's volume"


@dataclass(slots=True)
class _Waiting:
    change: Change
    may_make_room: bool
    answer: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Takes changes from the event loop and answers after the commit that holds them.

    Attributes:
        broken: A sync failed: nobody knows what the disk holds, so nothing more is written.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        make_room: Callable[[], bool],
        clock: Monotonic,
        on_commit: OnCommit,
    ) -> None:
        """Start the thread; call it inside the loop that will submit."""
        self._connection, self._make_room = connection, make_room
        self._clock, self._on_commit = clock, on_commit
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self.broken = False
        self._thread = threading.Thread(target=self._work, name="relay-store", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many changes wait for a commit."""
        return self._waiting.qsize()

    async def submit(
        self, change: Callable[[sqlite3.Connection], T], *, may_make_room: bool = False
    ) -> T:
        """Return what `change` returned, once it is durable.

        Args:
            may_make_room: A full disk gives its ballast up for this change.

        Raises:
            NoRoomError: the disk is full.
            StorageError: it could not be written, or the writer is closed or broken.
        """
        if self._closed or self.broken:
            raise StorageError("the relay's store is closed" if self._closed else _BROKEN)
        waiting = _Waiting(change, may_make_room, self._loop.create_future())
        self._waiting.put(waiting)
        result: T = await waiting.answer
        return result

    async def close(self) -> None:
        """Write what was submitted, then end the thread."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ending = self._gather(first)
            self._write(group)
            self._loop.call_soon_threadsafe(_answer, group)
            if ending:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
        return group, False

    def _write(self, group: list[_Waiting]) -> None:
        """Commit the group; when that fails, commit one by one, so that each gets its answer."""
        began = self._clock()
        error = self._attempt(group)
        if error is not None:
            for waiting in group:
                self._write_alone(waiting)
        self._on_commit(len(group), self._clock() - began)

    def _write_alone(self, waiting: _Waiting) -> None:
        error = self._attempt([waiting])
        full = isinstance(error, NoRoomError)
        if full and waiting.may_make_room and self._make_room():
            error = self._attempt([waiting])
        waiting.error = error

    def _attempt(self, group: list[_Waiting]) -> StorageError | None:
        if self.broken:
            return StorageError(_BROKEN)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for waiting in group:
                waiting.result = waiting.change(self._connection)
            self._commit(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            return self._undo(error)
        return None

    def _commit(self, _group: list[_Waiting]) -> None:
        self._make_durable()

    def _make_durable(self) -> None:
        self._connection.execute("COMMIT")

    def _undo(self, error: Exception) -> StorageError:
        code = getattr(error, "sqlite_errorcode", 0)
        self.broken = code & 0xFF == sqlite3.SQLITE_IOERR and code not in _NO_ROOM
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.broken = True
        if code in _NO_ROOM:
            return NoRoomError(_RETRIED_BY_CALLER)
        return StorageError(_RETRIED_BY_CALLER)


_BROKEN = "the disk under the relay's store failed"


def _answer(group: list[_Waiting]) -> None:
    for waiting in group:
        if waiting.answer.done():
            continue
        if waiting.error is not None:
            waiting.answer.set_exception(waiting.error)
        else:
            waiting.answer.set_result(waiting.result)
