"""A relay's cells in one SQLite file: WAL, synchronous=FULL, group commit.

Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hotline.core.errors import OperatorError, StorageError
from hotline.transport.relay import sqlite_rows as rows
from hotline.transport.relay.room import Room
from hotline.transport.relay.sqlite_writer import NoRoomError, OnCommit, Writer
from hotline.transport.relay.store import (
    Box,
    Census,
    Creation,
    Health,
    Held,
    OnArrival,
    Outcome,
    Quota,
)
from hotline.transport.route import Monotonic

T = TypeVar("T")


class SqliteStore:
    """The store of a relay on one machine; implements `RelayStore`.

    One thread writes, another reads, the event loop does neither.
    """

    writer_type: type[Writer] = Writer

    def __init__(
        self, path: Path, *, quota: Quota, room: Room, clock: Monotonic, on_commit: OnCommit
    ) -> None:
        """Open or create `path`; call it inside the running loop.

        Raises:
            OperatorError: another relay has it open, or its directory is missing.
            StorageError: the file cannot be opened, or is something else.
        """
        self._quota, self._room = quota, room
        self._lock = _lock(path)
        try:
            self._writing = self._open_to_write(path)
            self._reading = self._open(path, create=False)
        except (sqlite3.Error, OSError) as error:
            os.close(self._lock)
            raise StorageError(
                "the relay's store cannot be opened", hint="look at the file of --store"
            ) from error
        except StorageError:
            os.close(self._lock)
            raise
        room.lay_ballast()
        self._reader = ThreadPoolExecutor(1, "relay-reader")
        self._writer = self.writer_type(self._writing, room.drop_ballast, clock, on_commit)
        self._arrivals: deque[OnArrival] = deque()
        self._closed = False

    def _open_to_write(self, path: Path) -> sqlite3.Connection:
        """Open it also on a full disk: cells can still be taken away then."""
        try:
            return self._open(path, create=True)
        except sqlite3.Error:
            if not self._room.drop_ballast():
                raise
            return self._open(path, create=True)

    def _open(self, path: Path, *, create: bool) -> sqlite3.Connection:
        return rows.open_file(path, create=create)

    @property
    def depth(self) -> int:
        """How many changes wait for a commit."""
        return self._writer.depth

    async def put(
        self, box: bytes, sender: bytes, cell_id: bytes, body: bytes, expires_ms: int
    ) -> Outcome:
        """See `RelayStore.put`."""
        try:
            outcome = await self._writer.submit(
                lambda connection: self._put(connection, box, sender, cell_id, body, expires_ms)
            )
        except NoRoomError:
            return Outcome.FULL
        if outcome is Outcome.STORED:
            for arrived in self._arrivals:
                arrived(box)
        return outcome

    def _put(
        self,
        connection: sqlite3.Connection,
        box: bytes,
        sender: bytes,
        cell_id: bytes,
        body: bytes,
        expires_ms: int,
    ) -> Outcome:
        if self._is_full(connection):
            # A full store still knows what it has: that needs no room.
            known = rows.is_known(connection, box, cell_id)
            return Outcome.DUPLICATE if known else Outcome.FULL
        return rows.put(connection, self._quota, box, sender, cell_id, body, expires_ms)

    def _is_full(self, connection: sqlite3.Connection) -> bool:
        return self._room.is_full(0) and self._room.is_full(rows.reusable_bytes(connection))

    async def fetch(self, box: bytes, after: int, limit: int) -> Sequence[Held]:
        """See `RelayStore.fetch`."""
        return await self._read(lambda connection: rows.fetch(connection, box, after, limit))

    async def consume(self, box: bytes, ids: Sequence[bytes]) -> int:
        """See `RelayStore.consume`."""
        return await self._writer.submit(
            lambda connection: rows.consume(connection, box, ids), may_make_room=True
        )

    async def expire(self, now_ms: int) -> Sequence[tuple[bytes, bytes]]:
        """See `RelayStore.expire`; a good moment to lay the ballast again, too."""
        gone = await self._writer.submit(
            lambda connection: rows.expire(connection, now_ms), may_make_room=True
        )
        await asyncio.to_thread(self._room.lay_ballast)
        return gone

    async def create(self, box: Box, token: bytes) -> Creation:
        """See `RelayStore.create`."""

        def change(connection: sqlite3.Connection) -> Creation:
            if self._is_full(connection):
                return Creation.FULL
            return rows.create(connection, box, token)

        try:
            return await self._writer.submit(change)
        except NoRoomError:
            return Creation.FULL

    async def drop(self, box: bytes, until_ms: int) -> bool:
        """See `RelayStore.drop`."""
        return await self._writer.submit(
            lambda connection: rows.drop(connection, box, until_ms), may_make_room=True
        )

    async def find(self, box: bytes) -> Box | None:
        """See `RelayStore.find`."""
        return await self._read(lambda connection: rows.find(connection, box))

    async def health(self) -> Health:
        """See `RelayStore.health`."""

        def change(connection: sqlite3.Connection) -> bool:
            rows.beat(connection)
            return not self._is_full(connection)

        try:
            taking, writable = await self._writer.submit(change, may_make_room=True), True
        except StorageError:
            taking, writable = False, False
        return Health(writable, taking, self._room.free_bytes(), 1, 0)

    async def census(self) -> Census:
        """See `RelayStore.census`."""
        return await self._read(rows.census)

    def on_arrival(self, callback: OnArrival) -> None:
        """See `RelayStore.on_arrival`."""
        self._arrivals.append(callback)

    async def close(self) -> None:
        """See `RelayStore.close`."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        self._reader.shutdown(wait=True)
        self._reading.close()
        self._writing.close()
        os.close(self._lock)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StorageError("the relay's store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._reader, query, self._reading
            )
        except sqlite3.Error as error:
            raise StorageError("the relay's store could not be read") from error


def _lock(path: Path) -> int:
    """Hold the store against other relays: they would not hear of each other's cells."""
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise OperatorError(
            "the store's directory cannot be written", hint="create it, or name another --store"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise OperatorError(
            "another relay has this store open", hint="stop it, or name another --store"
        ) from error
    return descriptor
