"""The operator's page: metrics for Prometheus, and one word for a balancer.

Spec: docs/transport.md §9.8
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hotline.core.errors import LinkError
from hotline.transport.relay.metrics import CONTENT_TYPE

MAX_REQUEST_BYTES = 4_096
MAX_VISITORS = 16
WAIT_S = 5.0
_OK, _UNAVAILABLE, _MISSING, _BAD = (
    "200 OK",
    "503 Service Unavailable",
    "404 Not Found",
    "400 Bad Request",
)


class Monitor:
    """Answers GET /metrics and GET /healthz in plain HTTP; for the operator's network only."""

    def __init__(self, page: Callable[[], str], healthy: Callable[[], bool]) -> None:
        self._page, self._healthy = page, healthy
        self._visitors = 0

    async def open(self, host: str, port: int) -> asyncio.Server:
        """Listen; the caller closes what is returned.

        Raises:
            LinkError: the address cannot be bound.
        """
        try:
            return await asyncio.start_server(self._visit, host, port, limit=MAX_REQUEST_BYTES)
        except OSError as error:
            raise LinkError(
                f"port {port} of {host} cannot be bound",
                hint="stop what uses it, or name another --metrics",
            ) from error

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visitors += 1
        try:
            if self._visitors <= MAX_VISITORS:
                async with asyncio.timeout(WAIT_S):
                    writer.write(self._answer(await _request_line(reader)))
                    await writer.drain()
        except (TimeoutError, OSError):
            writer.transport.abort()
        finally:
            self._visitors -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, line: bytes) -> bytes:
        match line.split(b" "):
            case [b"GET", b"/metrics", _]:
                status, body = _OK, self._page()
            case [b"GET", b"/healthz", _]:
                healthy = self._healthy()
                status, body = (_OK, "ok\n") if healthy else (_UNAVAILABLE, "not well\n")
            case [b"GET", _, _]:
                status, body = _MISSING, ""
            case _:
                status, body = _BAD, ""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
        )
        return (head + body).encode()


async def _request_line(reader: asyncio.StreamReader) -> bytes:
    """Read a request's head; return its first line, b"" if it is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""
    return head.partition(b"\r\n")[0]
