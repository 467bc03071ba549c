"""One authenticated session at a relay: requests in, answers and cells out.

It is known by a mailbox key and by nothing else. Spec: docs/transport.md §9.4, §9.11
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from hotline.core.errors import LinkError, PeerError, StorageError
from hotline.core.values import sha256
from hotline.transport.allowance import Bucket
from hotline.transport.relay.admission import digest_of
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
    Put,
    Stage,
    Sub,
)
from hotline.transport.relay.outgoing import Outgoing, receive
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.pump import Pump
from hotline.transport.relay.store import LAST_POSITION, Box, Creation, Outcome
from hotline.transport.session import CLOSE_REFUSED, hang_up

RETRY_QUOTA_S, RETRY_FULL_S, RETRY_FAULT_S = 30, 60, 5
_BEHIND_ID = bytes(ID_BYTES - BOX_BYTES)
_REFUSED_PUTS = {
    Outcome.QUOTA: (Code.QUOTA, RETRY_QUOTA_S),
    Outcome.FULL: (Code.FULL, RETRY_FULL_S),
    Outcome.NO_BOX: (Code.NO_BOX, 0),
}
_REFUSED_BOXES = {
    Creation.TAKEN: (Code.ADMISSION, 0),
    Creation.FULL: (Code.FULL, RETRY_FULL_S),
}


class RelaySession:
    """Serves one mailbox key until its connection ends."""

    def __init__(self, socket: Connection, key: bytes, premises: Premises) -> None:
        self._socket, self._key, self._premises = socket, key, premises
        limits = premises.limits
        self._outgoing = Outgoing(socket, limits.timings.send_timeout_s)
        self._bucket = Bucket(limits.frames_per_s, limits.burst, premises.monotonic)
        self._slots = asyncio.Semaphore(limits.window_cells)
        self._unanswered_cells = self._unanswered_bytes = 0
        self._relayed: list[bytes] = []
        self._settled = asyncio.Event()
        self._pump = Pump(premises, self._outgoing, self._sheltered)
        self._sending: set[bytes] = set()
        self._senders = contextlib.ExitStack()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> str:
        """Read and answer until the session ends; return one word that says why."""
        acknowledging = asyncio.create_task(self._sheltered(self._acknowledge()))
        try:
            while True:
                frame = await receive(self._socket)
                if wait_s := self._bucket.wait_s():
                    # Reading nothing meanwhile is the cheapest way to slow somebody down.
                    await asyncio.sleep(wait_s)
                if isinstance(frame, Bye):
                    return "left"
                await self._take(frame)
        except ConnectionClosed:
            return "stopped reading" if self._outgoing.broke else "closed"
        except LinkError:
            return "stopped reading" if self._outgoing.broke else "closed"
        except PeerError as error:
            self._premises.metrics.refused["junk"] += 1
            await hang_up(self._socket, CLOSE_REFUSED, str(error), self._premises.limits.timings)
            return "refused"
        finally:
            await self._end([acknowledging, *self._pump.tasks])

    async def _end(self, endless: list[asyncio.Task[None]]) -> None:
        """Let what is on its way into the store get there: others wait to be woken by it."""
        for task in endless:
            task.cancel()
        try:
            if self._tasks:
                timeout_s = self._premises.limits.timings.send_timeout_s
                await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*endless, *self._tasks, return_exceptions=True)
        finally:
            # Last: a cell that gets there only now is the first one of its box.
            self._senders.close()

    async def end(self, code: int, reason: str) -> None:
        """Close the session from outside; `serve` returns then."""
        await hang_up(self._socket, code, reason, self._premises.limits.timings)

    def _spawn(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(self._sheltered(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sheltered(self, work: Awaitable[None]) -> None:
        """A task that fails ends its session, and nothing else."""
        try:
            await work
        except LinkError:
            self._socket.transport.abort()
        except Exception as fault:  # noqa: BLE001 - a bug of ours must not end the relay
            self._premises.tell("session_fault", fault=type(fault).__name__)
            self._socket.transport.abort()

    async def _take(self, frame: Frame) -> None:
        match frame:
            case Put():
                await self._take_put(frame)
            case Consumed():
                await self._in_a_slot(lambda: self._consume(frame))
            case Sub(box, after):
                await self._guarded(Sub, box, lambda: self._subscribe(box, after))
            case Create():
                await self._guarded(Create, frame.box, lambda: self._create(frame))
            case Drop(box):
                await self._guarded(Drop, box, lambda: self._drop(box))
            case Ping(nonce):
                health = await self._premises.store.health()
                await self._outgoing.send(Pong(nonce, int(health.writable)))
            case _:
                raise PeerError("a relay takes no such frame")

    async def _in_a_slot(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run it beside the reader, with a bound on how much runs there."""
        await self._slots.acquire()

        async def slotted() -> None:
            try:
                await work()
            finally:
                self._slots.release()

        self._spawn(slotted())

    async def _guarded(
        self, kind: type[Frame], box: bytes, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Answer FAULT when the store cannot say."""
        try:
            await work()
        except StorageError:
            await self._refuse(kind, box + _BEHIND_ID, Code.FAULT, RETRY_FAULT_S)

    async def _refuse(self, kind: type[Frame], ref: bytes, code: Code, retry_s: int) -> None:
        self._premises.metrics.naks[code.name] += 1
        await self._outgoing.send(Nak(kind_of(kind), ref, code, retry_s))

    async def _take_put(self, frame: Put) -> None:
        """Judge a cell by what is cheap to see, then hand it to the store.

        Spec: docs/transport.md §9.4, §9.7
        """
        limits, size = self._premises.limits, len(frame.body)
        cells, octets = self._unanswered_cells + 1, self._unanswered_bytes + size
        if cells > limits.window_cells or octets > limits.window_bytes:
            raise PeerError("more cells are unanswered than the window holds")
        if size > limits.max_body_bytes:
            await self._refuse(Put, frame.id, Code.TOO_BIG, 0)
        elif frame.expires_ms <= self._premises.clock():
            await self._refuse(Put, frame.id, Code.EXPIRED, 0)
        elif sha256(frame.body) != frame.id:
            raise PeerError("an id is not its cell's digest")
        else:
            self._unanswered_cells, self._unanswered_bytes = cells, octets
            await self._in_a_slot(lambda: self._put(frame))

    async def _put(self, frame: Put) -> None:
        limit_ms = self._premises.clock() + self._premises.limits.keep_s * 1_000
        expires_ms = min(frame.expires_ms, limit_ms)
        try:
            outcome = await self._premises.store.put(
                frame.box, self._key, frame.id, frame.body, expires_ms
            )
        except StorageError:
            await self._refuse(Put, frame.id, Code.FAULT, RETRY_FAULT_S)
            return
        finally:
            self._unanswered_cells -= 1
            self._unanswered_bytes -= len(frame.body)
        if outcome in _REFUSED_PUTS:
            await self._refuse(Put, frame.id, *_REFUSED_PUTS[outcome])
            return
        self._premises.metrics.cells[outcome.lower()] += 1
        self._watch_expiry(frame.box)
        self._relayed.append(frame.id)
        self._settled.set()

    async def _acknowledge(self) -> None:
        """Say of durable cells that they are; those of one commit share a frame."""
        while True:
            await self._settled.wait()
            self._settled.clear()
            while self._relayed:
                ids, self._relayed = self._relayed[:MAX_IDS], self._relayed[MAX_IDS:]
                await self._outgoing.send(Ack(Stage.RELAYED, tuple(ids)))

    def _watch_expiry(self, box: bytes) -> None:
        if box not in self._sending and len(self._sending) < self._premises.limits.boxes:
            self._sending.add(box)
            self._senders.enter_context(self._premises.hub.sending(box, self._tell_expired))

    def _tell_expired(self, cell_id: bytes) -> None:
        self._spawn(self._refuse(Put, cell_id, Code.EXPIRED, 0))

    async def _subscribe(self, box: bytes, after: int) -> None:
        found = await self._premises.store.find(box)
        if found is None or found.recipient != self._key:
            await self._refuse(Sub, box + _BEHIND_ID, Code.NO_BOX, 0)
        elif not self._pump.has_room(box):
            await self._refuse(Sub, box + _BEHIND_ID, Code.QUOTA, RETRY_QUOTA_S)
        else:
            await self._outgoing.send(Done(kind_of(Sub), box))
            self._pump.start(box, min(after, LAST_POSITION))

    async def _consume(self, frame: Consumed) -> None:
        ref = frame.box + _BEHIND_ID
        try:
            found = await self._premises.store.find(frame.box)
            if found is None or found.recipient != self._key:
                await self._refuse(Consumed, ref, Code.NO_BOX, 0)
                return
            gone = await self._premises.store.consume(frame.box, frame.ids)
        except StorageError:
            await self._refuse(Consumed, ref, Code.FAULT, RETRY_FAULT_S)
            return
        self._premises.metrics.cells["consumed"] += gone
        self._pump.forget(frame.box, frame.ids)
        await self._outgoing.send(Ack(Stage.CONSUMED, frame.ids))

    async def _create(self, frame: Create) -> None:
        ref = frame.box + _BEHIND_ID
        if not self._premises.admission.admits(frame.token):
            await self._refuse(Create, ref, Code.ADMISSION, 0)
            return
        box = Box(frame.box, self._key, frame.sender)
        made = await self._premises.store.create(box, digest_of(frame.token))
        if made in _REFUSED_BOXES:
            await self._refuse(Create, ref, *_REFUSED_BOXES[made])
        else:
            await self._outgoing.send(Done(kind_of(Create), frame.box))

    async def _drop(self, box: bytes) -> None:
        found = await self._premises.store.find(box)
        if found is None or found.recipient != self._key:
            await self._refuse(Drop, box + _BEHIND_ID, Code.NO_BOX, 0)
            return
        self._pump.stop(box)
        until_ms = self._premises.clock() + self._premises.limits.keep_s * 1_000
        await self._premises.store.drop(box, until_ms)
        await self._outgoing.send(Done(kind_of(Drop), box))
