"""Frames in and out of a relay's websocket, at either end, in bounded time.

Spec: docs/transport.md §5.3, §9.7
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hotline.core.errors import LinkError, PeerError
from hotline.transport.relay.codec import decode, encode
from hotline.transport.relay.frames import Frame

PATH = "/relay"
SUBPROTOCOL = Subprotocol("hotline.relay.v1")


class Outgoing:
    """Sends frames; an end that stops reading is cut off.

    Attributes:
        broke: Why the connection was cut off, or "".
    """

    def __init__(self, socket: Connection, timeout_s: float) -> None:
        self._socket, self._timeout_s = socket, timeout_s
        self._turn = asyncio.Lock()
        self.broke = ""

    async def send(self, frame: Frame) -> None:
        """Return once the frame is with the operating system or in its small buffer.

        Raises:
            LinkError: the connection is over, or the other end stopped reading.
        """
        encoded = encode(frame)
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._socket.send(encoded)
            except TimeoutError as error:
                self.broke = "the other end stopped reading"
                self._socket.transport.abort()
                raise LinkError(self.broke) from error
            except ConnectionClosed as error:
                raise LinkError("the connection is closed") from error


async def receive(socket: Connection) -> Frame:
    """Return the next frame.

    Raises:
        PeerError: it is text, or no frame.
        ConnectionClosed: there is none any more.
    """
    message = await socket.recv()
    if isinstance(message, str):
        raise PeerError("a text message is not a frame")
    return decode(message)
