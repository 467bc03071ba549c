"""A TCP proxy that fails on command and keeps every byte that passed.

    async with FaultProxy(lambda: ("127.0.0.1", listener_port)) as proxy:
        dialer = Dialer(..., where=lambda: proxy.address)
        ...
        proxy.cut()             # reset every connection; new ones are welcome
        proxy.cut_after(100)    # the same, after 100 more bytes in either direction: mid-frame
        proxy.black_hole()      # everything stays open and nothing passes, new ones included
        proxy.refuse()          # reset every connection and every new one
        proxy.delay(50)         # each chunk waits 50 ms, one way
        proxy.heal()            # pass again what was held, accept again, no delay
        proxy.record().both     # all bytes so far; TLS shows, plaintext would

It works below TLS: it sees and breaks bytes, never frames. Held bytes are not
lost but late, as on a network that comes back. The commands are plain calls
that take effect at once; nothing here waits for the routes under test.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

MAX_CHUNK_BYTES = 16_384


@dataclass(slots=True)
class Recording:
    """What passed so far, all connections in a row."""

    to_target: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)

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
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self._delay_s = 0.0
        self._allowance: int | None = None
        self.accepted = 0

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
        self._passing.clear()

    def refuse(self) -> None:
        """Reset every connection and every new one until `heal`."""
        self._refusing = True
        self.cut()

    def delay(self, delay_ms: int) -> None:
        """Hold each chunk for `delay_ms` before passing it on."""
        self._delay_s = delay_ms / 1000

    def heal(self) -> None:
        """End black hole, refusal, delay and a cut that has not come yet."""
        self._refusing, self._delay_s, self._allowance = False, 0.0, None
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._refusing:
                with contextlib.suppress(OSError):
                    await self._join(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        their_reader, their_writer = await asyncio.open_connection(*self._target())
        self._writers.add(their_writer)
        ways = (
            asyncio.create_task(self._pass(reader, their_writer, self._recording.to_target)),
            asyncio.create_task(self._pass(their_reader, writer, self._recording.to_client)),
        )
        try:
            # Either end going away ends both, as a dying connection does.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers.discard(their_writer)
            their_writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, into: bytearray
    ) -> None:
        while chunk := await reader.read(MAX_CHUNK_BYTES):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._passing.wait()
            allowed = self._allow(chunk)
            into += allowed
            writer.write(allowed)
            await writer.drain()
            if len(allowed) < len(chunk) or self._allowance == 0:
                self.cut()
                return

    def _allow(self, chunk: bytes) -> bytes:
        if self._allowance is None:
            return chunk
        allowed = chunk[: self._allowance]
        self._allowance -= len(allowed)
        return allowed
