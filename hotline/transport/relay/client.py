"""A station's end of a relay session: mailboxes made, filled and emptied.

Dialing again, and which route to take, is up to whoever uses it.
Spec: docs/transport.md §9.4, §9.9
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hotline.core.errors import LinkError, PeerError
from hotline.core.values import sha256
from hotline.transport.link import Timings
from hotline.transport.relay.codec import kind_of
from hotline.transport.relay.frames import (
    BOX_BYTES,
    ID_BYTES,
    MAX_IDS,
    Ack,
    Bye,
    Code,
    Consumed,
    Create,
    Done,
    Drop,
    Frame,
    Nak,
    Ping,
    Pong,
    Push,
    Put,
    Stage,
    Sub,
    Welcome,
)
from hotline.transport.relay.outgoing import Outgoing, receive
from hotline.transport.relay.questions import Question, Questions
from hotline.transport.route import OnCell
from hotline.transport.session import CLOSE_LEAVING, CLOSE_REFUSED, hang_up

_BEHIND_ID = bytes(ID_BYTES - BOX_BYTES)
OnExpired = Callable[[bytes], None]
"""Takes the id of a cell of ours that expired at the relay."""


class RefusedError(LinkError):
    """The relay did not do what it was asked for.

    Attributes:
        code: Why.
        retry_after_s: When it may be worth another try; 0 means never, as it stands.
    """

    default_hint = "take another relay, or try again later"

    def __init__(self, code: int, retry_after_s: int) -> None:
        name = Code(code).name if code in set(Code) else str(code)
        super().__init__(f"the relay refused ({name})")
        self.code, self.retry_after_s = code, retry_after_s


class Mailboxes:
    """One open session; `calling.open_mailboxes` makes it, `run` works it until it ends.

    Attributes:
        welcome: The relay's bounds.
    """

    def __init__(
        self,
        socket: ClientConnection,
        welcome: Welcome,
        timings: Timings,
        on_expired: OnExpired = lambda _: None,
    ) -> None:
        self._socket, self.welcome, self._timings = socket, welcome, timings
        self._on_expired = on_expired
        self._outgoing = Outgoing(socket, timings.send_timeout_s)
        self._questions = Questions(welcome.window_cells, welcome.window_bytes)
        self._on_cell: dict[bytes, OnCell] = {}
        self._arrived: asyncio.Queue[Push | None] = asyncio.Queue()
        self._taken: dict[bytes, list[bytes]] = {}
        self._took = asyncio.Event()
        self._nonces = itertools.count(1)
        self._over = asyncio.Event()
        self._why: BaseException | None = None

    async def ended(self) -> BaseException | None:
        """Wait until the session is over; return why: a LinkError, or what a taker let out."""
        await self._over.wait()
        return self._why

    async def create(self, box: bytes, sender: bytes, token: bytes) -> None:
        """Make the mailbox `box` (16 bytes of chance) into which only `sender` may put.

        Raises:
            RefusedError: the token admits nothing, or box or token belong to another mailbox.
            LinkError: the session ended; nobody knows, so ask again.
        """
        await self._ask(Create(box, sender, token), box + _BEHIND_ID)

    async def drop(self, box: bytes) -> None:
        """Destroy a mailbox and what it holds; its token may make another one.

        Raises:
            RefusedError: it is not there, or not ours.
            LinkError: the session ended; nobody knows, so ask again.
        """
        await self._ask(Drop(box), box + _BEHIND_ID)

    async def subscribe(self, box: bytes, on_cell: OnCell, after: int = 0) -> None:
        """Have `on_cell` take the cells of `box`, one at a time, now and as they come.

        When it returns, the cell is the station's: the relay is told to forget it.
        When it raises, the session ends, and the cell comes again in the next one.

        Raises:
            RefusedError: it is not there, or not ours.
            LinkError: the session is over.
        """
        self._on_cell[box] = on_cell
        await self._ask(Sub(box, after), box + _BEHIND_ID)

    async def put(self, box: bytes, cell: bytes, expires_ms: int) -> None:
        """Leave a cell; return once the relay has it durably. That is no receipt of the peer.

        Raises:
            RefusedError: the relay says why it does not take it.
            LinkError: the session ended; put the same bytes again.
        """
        size = len(cell)
        if not 1 <= size <= min(self.welcome.max_body_bytes, self.welcome.window_bytes):
            raise RefusedError(Code.TOO_BIG, 0)
        cell_id = sha256(cell)
        question = kind_of(Put), bytes(cell_id)
        answer, is_new = await self._questions.expect_cell(question, size)
        if is_new:
            await self._send(Put(box, cell_id, expires_ms, cell), question)
        await asyncio.shield(answer)

    async def ping(self) -> None:
        """Return once the relay's reader answered and its store made a write durable.

        Raises:
            RefusedError: the store did not.
            LinkError: the session ended, or no answer came in the send timeout.
        """
        nonce = next(self._nonces)
        try:
            async with asyncio.timeout(self._timings.send_timeout_s):
                await self._ask(Ping(nonce), nonce.to_bytes(8))
        except TimeoutError as error:
            raise LinkError("the relay did not answer in time") from error

    async def _ask(self, frame: Frame, ref: bytes) -> None:
        """Ask, or wait with whoever asked the same before."""
        question = kind_of(type(frame)), ref
        answer = self._questions.find(question)
        if answer is None:
            answer = self._questions.expect(question)
            await self._send(frame, question)
        await asyncio.shield(answer)

    async def _send(self, frame: Frame, question: Question) -> None:
        try:
            await self._outgoing.send(frame)
        except LinkError as error:
            self._questions.answer(question, error)

    async def run(self) -> None:
        """Work the session until it ends; `ended` tells why."""
        reading = asyncio.create_task(self._read())
        taking = asyncio.create_task(self._take_cells())
        telling = asyncio.create_task(self._tell_taken())
        try:
            tasks = (reading, taking, telling)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._why = next(iter(done)).exception()
        finally:
            await self._end(reading, taking, telling)
            self._over.set()

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        """Let the cell that is being taken be taken, then let go of everything."""
        self._socket.transport.abort()
        while not self._arrived.empty():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)
        _, left = await asyncio.wait(tasks[1:2], timeout=self._timings.close_timeout_s)
        for task in (*tasks[:1], *left, *tasks[2:]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._questions.end()

    async def close(self) -> None:
        """Say goodbye; `run` ends then."""
        with contextlib.suppress(LinkError):
            await self._outgoing.send(Bye(CLOSE_LEAVING))
        await hang_up(self._socket, CLOSE_LEAVING, "", self._timings)

    async def _read(self) -> None:
        try:
            while True:
                self._take(await receive(self._socket))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            raise LinkError(f"the relay's session ended ({code})") from closed
        except PeerError as error:
            await hang_up(self._socket, CLOSE_REFUSED, str(error), self._timings)
            raise LinkError(f"the relay broke the protocol: {error}") from error

    def _take(self, frame: Frame) -> None:
        match frame:
            case Push():
                self._take_push(frame)
            case Ack(Stage.RELAYED, ids):
                for cell_id in ids:
                    self._questions.answer((kind_of(Put), cell_id))
            case Ack(Stage.CONSUMED):
                pass
            case Done(kind, box):
                self._questions.answer((kind, box + _BEHIND_ID))
            case Nak(kind, ref, code, retry_after_s):
                self._take_nak((kind, ref), RefusedError(code, retry_after_s))
            case Pong(nonce, store_ok):
                error = None if store_ok else RefusedError(Code.FAULT, 0)
                self._questions.answer((kind_of(Ping), nonce.to_bytes(8)), error)
            case Bye(code):
                raise LinkError(f"the relay left ({code})")
            case _:
                raise PeerError("a relay says no such thing")

    def _take_nak(self, question: Question, refused: RefusedError) -> None:
        if self._questions.answer(question, refused):
            return
        if question[0] == kind_of(Put) and refused.code == Code.EXPIRED:
            self._on_expired(question[1])
        elif question[0] == kind_of(Consumed):
            raise LinkError("the relay could not forget cells") from refused

    def _take_push(self, push: Push) -> None:
        if push.box not in self._on_cell:
            raise PeerError("a cell of a mailbox that nobody asked for")
        if self._arrived.qsize() >= self.welcome.window_cells:
            raise PeerError("more cells came than the window holds")
        self._arrived.put_nowait(push)

    async def _take_cells(self) -> None:
        """Hand cells over one at a time; each is consumed once its taker returned."""
        while (push := await self._arrived.get()) is not None:
            await self._on_cell[push.box](push.body)
            self._taken.setdefault(push.box, []).append(sha256(push.body))
            self._took.set()

    async def _tell_taken(self) -> None:
        while True:
            await self._took.wait()
            self._took.clear()
            while self._taken:
                box, ids = self._taken.popitem()
                if ids[MAX_IDS:]:
                    self._taken[box] = ids[MAX_IDS:]
                await self._outgoing.send(Consumed(box, tuple(ids[:MAX_IDS])))
