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


MAX_UNSENT_BYTES = 131_072
"""What the operating system takes of a connection before it has sent what it took before.
What it holds cannot be overtaken by a FLASH that is written now."""


def bound_unsent(plain: socket.socket) -> None:
    """Bound what the operating system keeps of a connection that it has not sent yet.

    The buffers themselves are left to it: one of a fixed size that fills with small messages
    drops acknowledgements, too, and stops the other direction.
    Spec: docs/transport.md §5.8
    """
    # Not every system has it; on those the bound is theirs.
    with contextlib.suppress(OSError, AttributeError):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)


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
