"""A gate in the middle of a route: it passes bytes, resets, or goes silent.

It knows TCP only, so that what passes is TLS between the two ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class Gate:
    """Stands in the middle of one route: passes, resets, or goes silent."""

    def __init__(self, target: Callable[[], tuple[str, int]]) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._shut = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        """Listen on any free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let nobody in any more, and end what is open."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cut(self) -> None:
        """Reset everything that is open, and whoever comes."""
        self._shut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Keep everything open and pass nothing."""
        self._passing.clear()

    def heal(self) -> None:
        """Pass again; what was silent is reset, as after a change of routes."""
        if not self._passing.is_set():
            self.cut()
        self._shut = False
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            if not self._shut:
                await self._join(reader, writer)
        writer.transport.abort()
        self._writers.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        there, back = await asyncio.open_connection(*self._target())
        self._writers.add(back)
        ways = [asyncio.create_task(self._pass(*one)) for one in ((reader, back), (there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        back.transport.abort()
        self._writers.discard(back)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()
