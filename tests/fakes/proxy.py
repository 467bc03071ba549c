"""A TCP proxy that fails on command and keeps every byte that passed.

    async with FaultProxy(lambda: ("127.0.0.1", listener_port)) as proxy:
        dialer = Dialer(..., where=lambda: proxy.address)
        ...
        proxy.cut()             # reset every connection; new ones are welcome
        proxy.cut_after(100)    # the same, after 100 more bytes in either direction: mid-frame
        proxy.black_hole()      # everything stays open and nothing passes, new ones included
        proxy.silence(TO_CLIENT)        # the same in one direction only
        proxy.half_open()       # the target is told that it is over, the client is not
        proxy.refuse()          # reset every connection and every new one
        proxy.delay(50)         # each chunk waits 50 ms, one way
        proxy.throttle(20_000)  # so many bytes a second in each direction
        proxy.spoil("corrupt")  # the next chunk: "corrupt", "drop", "duplicate" or "reorder"
        proxy.heal()            # pass again what was held, accept again, no delay
        proxy.record().both     # all bytes so far; TLS shows, plaintext would

It works below TLS: it sees and breaks bytes, never frames; a chunk that it
spoils costs the session, cells are spoiled by tests/fakes/faulty.py. Held bytes
are not lost but late, as on a network that comes back. The commands are plain
calls that take effect at once; nothing here waits for the routes under test.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

MAX_CHUNK_BYTES = 16_384
SLICES_A_SECOND = 50

Direction = Literal["to_target", "to_client"]
TO_TARGET: Direction = "to_target"
TO_CLIENT: Direction = "to_client"
Harm = Literal["corrupt", "drop", "duplicate", "reorder"]


@dataclass(slots=True)
class Recording:
    """What passed so far, all connections in a row."""

    to_target: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)

    def of(self, way: Direction) -> bytearray:
        """The bytes of one direction."""
        return self.to_target if way == TO_TARGET else self.to_client

    @property
    def both(self) -> bytes:
        """Both directions in one string of bytes, for searching."""
        return bytes(self.to_target) + bytes(self.to_client)


class FaultProxy:
    """Listens on a free loopback port and connects each caller to `target()`.

    Attributes:
        accepted: Connections accepted so far, refused ones included.
    """

    def __init__(self, target: Callable[[], tuple[str, int]]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recording = Recording()
        self._passing = {TO_TARGET: asyncio.Event(), TO_CLIENT: asyncio.Event()}
        self._parted: set[asyncio.StreamWriter] = set()
        self._parting = asyncio.Event()
        self._refusing = False
        self._delay_s, self._bytes_per_s = 0.0, 0.0
        self._harm: Harm | None = None
        self._allowance: int | None = None
        self.accepted = 0
        self.heal()

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to dial instead of the target."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def connections(self) -> int:
        """Client connections that are open now."""
        return len(self._tasks)

    def record(self) -> Recording:
        """Return the live recording of all bytes that were passed on."""
        return self._recording

    def cut(self) -> None:
        """Reset every open connection; new ones are welcome."""
        self._allowance = None
        for writer in tuple(self._writers):
            writer.transport.abort()

    def cut_after(self, n_bytes: int) -> None:
        """Pass `n_bytes` more, both directions counted together, then cut once."""
        self._allowance = n_bytes

    def black_hole(self) -> None:
        """Keep every connection, old and new, and pass nothing until `heal`."""
        self.silence(TO_TARGET)
        self.silence(TO_CLIENT)

    def silence(self, way: Direction) -> None:
        """Keep every connection, old and new, and pass nothing in one direction until `heal`."""
        self._passing[way].clear()

    def half_open(self) -> None:
        """Reset every connection at the target's end alone; the client hears of it at `heal`."""
        # Who comes later is whole.
        self._parting.set()
        self._parting = asyncio.Event()

    def refuse(self) -> None:
        """Reset every connection and every new one until `heal`."""
        self._refusing = True
        self.cut()

    def delay(self, delay_ms: int) -> None:
        """Hold each chunk for `delay_ms` before passing it on."""
        self._delay_s = delay_ms / 1000

    def throttle(self, bytes_per_s: float) -> None:
        """Let no more than so many bytes a second pass in each direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def spoil(self, harm: Harm) -> None:
        """Let the next chunk, of either direction, come to harm."""
        self._harm = harm

    def heal(self) -> None:
        """End every fault that lasts, and one that has not come yet; who was parted is reset."""
        self._refusing, self._delay_s, self._allowance = False, 0.0, None
        self._bytes_per_s, self._harm = 0.0, None
        for passing in self._passing.values():
            passing.set()
        for writer in tuple(self._parted):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._refusing:
                # The stream's own callback cannot bear a task that was cancelled.
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await self._join(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing[TO_TARGET].wait()
        their_reader, their_writer = await asyncio.open_connection(*self._target())
        self._writers.add(their_writer)
        parted = asyncio.create_task(self._parting.wait())
        ways = {
            asyncio.create_task(self._pass(reader, their_writer, TO_TARGET)),
            asyncio.create_task(self._pass(their_reader, writer, TO_CLIENT)),
        }
        try:
            # Either end going away ends both, as a dying connection does.
            await asyncio.wait({*ways, parted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers.discard(their_writer)
            their_writer.transport.abort()
            for task in (parted, *ways):
                task.cancel()
            await asyncio.gather(parted, *ways, return_exceptions=True)
        if parted.done() and not parted.cancelled():
            await self._leave_in_doubt(reader, writer)

    async def _leave_in_doubt(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Swallow what the client says to nobody until it goes, or until `heal`."""
        self._parted.add(writer)
        try:
            while await reader.read(MAX_CHUNK_BYTES):
                pass
        finally:
            self._parted.discard(writer)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
    ) -> None:
        into, held = self._recording.of(way), b""
        while chunk := await reader.read(self._chunk_bytes()):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            if self._bytes_per_s:
                await asyncio.sleep(len(chunk) / self._bytes_per_s)
            await self._passing[way].wait()
            if self._harm == "reorder" and not held:
                # It goes behind the next one, and is lost with the connection if none comes.
                held, self._harm = chunk, None
                continue
            whole, held = self._harmed(chunk) + held, b""
            allowed = self._allow(whole)
            into += allowed
            writer.write(allowed)
            await writer.drain()
            if len(allowed) < len(whole) or self._allowance == 0:
                self.cut()
                return

    def _chunk_bytes(self) -> int:
        slice_bytes = int(self._bytes_per_s / SLICES_A_SECOND)
        return max(1, slice_bytes) if self._bytes_per_s else MAX_CHUNK_BYTES

    def _harmed(self, chunk: bytes) -> bytes:
        harm, self._harm = self._harm, None
        match harm:
            case "drop":
                return b""
            case "duplicate":
                return chunk + chunk
            case "corrupt":
                middle = len(chunk) // 2
                return chunk[:middle] + bytes([chunk[middle] ^ 1]) + chunk[middle + 1 :]
            case _:
                return chunk

    def _allow(self, chunk: bytes) -> bytes:
        if self._allowance is None:
            return chunk
        allowed = chunk[: self._allowance]
        self._allowance -= len(allowed)
        return allowed
