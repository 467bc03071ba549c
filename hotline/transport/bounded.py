"""Websocket connections that keep a bounded number of bytes for an end that does not read.

The library answers pings by itself, and waits for nobody to take the answers.
Spec: docs/transport.md §5.7
"""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection

MAX_UNREAD_BYTES = 262_144
"""Four times the write buffer: what we send ourselves waits long before that."""


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
