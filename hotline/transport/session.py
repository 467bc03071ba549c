"""One authenticated websocket connection, from its opening to its end.

Spec: docs/transport.md §5
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import Counter

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State as SocketState

from hotline.core.errors import LinkError, PeerError
from hotline.transport.allowance import Allowance
from hotline.transport.frames import Bye, Cell, Frame, Ping, Pong, decode, encode
from hotline.transport.link import Timings
from hotline.transport.route import Monotonic, OnCell

CLOSE_NORMAL = 1000
CLOSE_LEAVING = 1001
CLOSE_REFUSED = 4400
CLOSE_REPLACED = 4409

_REFUSED_BY_LIBRARY = {1002: "junk", 1007: "text", 1009: "oversized"}
_KEEPALIVE_FAILED = 1011

QUIET = logging.getLogger("hotline.transport.websockets")
"""The library's log. A stranger must not be able to write tracebacks on a console's screen."""
QUIET.setLevel(logging.CRITICAL + 1)


class Session:
    """Reads, answers and delivers; one writer task sends, one frame at a time.

    Make it inside a running loop: the writer starts at once.
    """

    def __init__(
        self,
        socket: Connection,
        deliver: OnCell,
        timings: Timings,
        allowances: tuple[Allowance, Allowance],
        clock: Monotonic,
        refused: Counter[str],
    ) -> None:
        self._socket, self._deliver = socket, deliver
        self._timings, self._clock, self._refused = timings, clock, refused
        reading, writing = allowances
        self._bucket, self._pace = reading.reading(clock), writing.writing(clock)
        self._turn = asyncio.Lock()
        self._outgoing: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue()
        self._nonces = itertools.count(1)
        self._echoes: dict[int, asyncio.Future[None]] = {}
        self._broke = ""
        self._writer = asyncio.create_task(self._write())

    @property
    def open(self) -> bool:
        """Whether a frame can be put."""
        return self._socket.state is SocketState.OPEN and not self._writer.done()

    async def put(self, frame: Frame) -> None:
        """Return once the frame is with the operating system or in its small buffer.

        Raises:
            LinkError: the session is over, or ends before that.
            InvariantError: the frame cannot be encoded.
        """
        encoded = encode(frame)
        async with self._turn:
            if self.open and (wait_s := self._pace.wait_s()):
                # What waits here can be overtaken by what is more urgent; what left cannot.
                await asyncio.sleep(wait_s)
            if not self.open:
                raise LinkError("the link is down")
            sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._outgoing.put_nowait((encoded, sent))
            await sent

    async def _write(self) -> None:
        """Send in order; a peer that stops reading is cut off.

        While a send waits for the peer to read, the library's keepalive waits
        too, so only this timeout finds such a peer. Spec: docs/transport.md §5.3
        """
        sent: asyncio.Future[None] | None = None
        try:
            while True:
                encoded, sent = await self._outgoing.get()
                async with asyncio.timeout(self._timings.send_timeout_s):
                    await self._socket.send(encoded)
                if not sent.done():
                    sent.set_result(None)
        except TimeoutError:
            self._broke = "the peer stopped reading"
        except ConnectionClosed:
            return  # The reader sees it too, and knows the reason.
        finally:
            self._socket.transport.abort()
            _fail(sent)
            while not self._outgoing.empty():
                _fail(self._outgoing.get_nowait()[1])

    async def read(self) -> str:
        """Deliver cells until the session ends; return one clause that says why it did.

        Spec: docs/transport.md §2.2, §5.2
        """
        try:
            while True:
                frame = await self._receive()
                await self._slow_down()
                ended = await self._take(frame)
                if ended:
                    return ended
        except ConnectionClosed as closed:
            return self._broke or self._reason(closed)
        except LinkError as error:
            return self._broke or str(error)
        except PeerError as error:
            await hang_up(self._socket, CLOSE_REFUSED, str(error), self._timings)
            return f"a frame was refused: {error}"

    async def _receive(self) -> Frame:
        message = await self._socket.recv()
        if isinstance(message, str):
            self._refused["text"] += 1
            raise PeerError("a text message is not a frame")
        try:
            return decode(message)
        except PeerError:
            self._refused["junk"] += 1
            raise

    async def _slow_down(self) -> None:
        """Keep a sender over its rate waiting: whatever it sends is read later, and refused never.

        Spec: docs/transport.md §5.10
        """
        if wait_s := self._bucket.wait_s():
            self._refused["slowed"] += 1
            await asyncio.sleep(wait_s)

    async def _take(self, frame: Frame) -> str:
        match frame:
            case Cell(sealed):
                await self._deliver(sealed)
            case Ping(nonce):
                await self.put(Pong(nonce))
            case Pong(nonce):
                self._hear(nonce)
            case Bye(code):
                return f"the peer left ({code})"
        return ""

    def _hear(self, nonce: int) -> None:
        echo = self._echoes.pop(nonce, None)
        if echo is not None and not echo.done():
            echo.set_result(None)

    def _reason(self, closed: ConnectionClosed) -> str:
        ours, theirs = closed.sent, closed.rcvd
        if ours is not None and not closed.rcvd_then_sent:
            if ours.code in _REFUSED_BY_LIBRARY:
                self._refused[_REFUSED_BY_LIBRARY[ours.code]] += 1
                return f"a message was refused ({ours.code})"
            if ours.code == _KEEPALIVE_FAILED:
                return "the peer stopped answering"
            if ours.code == CLOSE_REPLACED:
                return "a newer session of the same peer took over"
            return "this station closed the session"
        return "the connection broke" if theirs is None else f"the peer closed it ({theirs.code})"

    async def ping(self) -> float:
        """Return the seconds until the other reader answered.

        Raises:
            LinkError: the session is over, or no answer came in the send timeout.
        """
        nonce, began = next(self._nonces), self._clock()
        echo = self._echoes[nonce] = asyncio.get_running_loop().create_future()
        # The end of the session may fail the send and the echo; whoever waits hears of one.
        echo.add_done_callback(lambda echo: echo.cancelled() or echo.exception())
        try:
            await self.put(Ping(nonce))
            async with asyncio.timeout(self._timings.send_timeout_s):
                await echo
        except TimeoutError as error:
            raise LinkError("the peer did not answer in time") from error
        finally:
            self._echoes.pop(nonce, None)
        return self._clock() - began

    async def stop(self, code: int) -> None:
        """End the session in bounded time: goodbye, closing handshake, then the axe."""
        try:
            if code == CLOSE_LEAVING and self.open:
                with contextlib.suppress(LinkError, TimeoutError):
                    async with asyncio.timeout(self._timings.close_timeout_s):
                        await self.put(Bye(code))
            await hang_up(self._socket, code, "", self._timings)
        finally:
            self._socket.transport.abort()
            self._writer.cancel()
            for echo in self._echoes.values():
                _fail(echo)
        await asyncio.gather(self._writer, return_exceptions=True)


def _fail(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_exception(LinkError("the link went down while sending"))


async def hang_up(socket: Connection, code: int, reason: str, timings: Timings) -> None:
    """Close with `code` (u16) and a short reason, then abort whatever is left.

    The library's own close waits without limit while the peer does not read,
    hence the timeout round it. Spec: docs/transport.md §5.3
    """
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * timings.close_timeout_s):
                await socket.close(code, reason[:80])
    finally:
        socket.transport.abort()
