"""Websocket connections that keep a bounded number of bytes for an end that does not read.

The library answers pings by itself, and waits for nobody to take the answers.
Spec: docs/transport.md §5.7
"""

from __future__ import annotations

import contextlib
import socket

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection

MAX_UNREAD_BYTES = 262_144
"""Four times the write buffer: what we send ourselves waits long before that."""


MAX_SOCKET_BYTES = 262_144
"""What the operating system holds for one connection in each direction. It bounds how many
cells stand before a FLASH that is written now, and what a stranger costs the kernel."""


def bound_buffers(plain: socket.socket) -> None:
    """Bound what the operating system keeps of a connection, read or not.

    Spec: docs/transport.md §5.8
    """
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        with contextlib.suppress(OSError):
            plain.setsockopt(socket.SOL_SOCKET, option, MAX_SOCKET_BYTES)


class _Bounded(Connection):
    def data_received(self, data: bytes) -> None:
        """Take bytes in and answer; hang up on whoever lets the answers pile up."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()


class BoundedServer(_Bounded, ServerConnection):
    """The called end."""


class BoundedClient(_Bounded, ClientConnection):
    """The calling end."""
