"""A relay's cells in NATS JetStream: any number of relays over the same servers.

Nothing is in flight between a relay and the servers: cells are read by
position and deleted when they were consumed, so a relay keeps no state.
Spec: docs/transport.md §9.6, §9.10
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from hotline.core.errors import StorageError
from hotline.transport.relay.nats_api import (
    NO_ROOM,
    STORE_FAILED,
    WRONG_LAST_SEQUENCE,
    ApiRefusalError,
    JetStream,
)
from hotline.transport.relay.nats_checks import BOXES, CELLS, MAX_MESSAGE_BYTES
from hotline.transport.relay.store import (
    Box,
    Census,
    Creation,
    Health,
    Held,
    OnArrival,
    Outcome,
)
from hotline.transport.route import Monotonic

BOX_KNOWN_S = 5.0
MAX_BOXES_KNOWN = 10_000
MAX_SEQUENCES_KNOWN = 100_000
LOOKED_AT_ONCE = 512
"""Cells that one sweep looks at; the next one goes on behind them."""

_CELL, _BOX, _TOKEN = "hotline.cell.", "hotline.box.", "hotline.token."
_PULSE, _ARRIVED = "hotline.pulse", "hotline.arrived"
_HEAD = struct.Struct(">Q32s")
_RECORD_BYTES = 96
_DROPPED = struct.Struct(">Q")
_ONLY_FIRST = {"Nats-Expected-Last-Subject-Sequence": "0"}
_SUBJECT_FULL = "per subject"


class NatsStore:
    """The store of relays that share NATS servers; implements `RelayStore`."""

    def __init__(self, client: Client, clock: Monotonic) -> None:
        """Use a connected client whose servers and streams `nats_opening` has checked."""
        self._client, self._clock = client, clock
        self._js = JetStream(client)
        self._arrivals: deque[OnArrival] = deque()
        self._boxes: OrderedDict[bytes, tuple[float, Box | None]] = OrderedDict()
        self._sequences: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()
        self._looked_at = 0
        self._open = 0

    async def listen(self) -> None:
        """Hear of cells that other relays have put."""

        async def arrived(message: Any) -> None:
            for callback in self._arrivals:
                callback(message.data)

        await self._client.subscribe(_ARRIVED, cb=arrived)

    @property
    def depth(self) -> int:
        """How many cells wait for the servers' acknowledgement."""
        return self._open

    async def put(
        self, box: bytes, sender: bytes, cell_id: bytes, body: bytes, expires_ms: int
    ) -> Outcome:
        """See `RelayStore.put`."""
        found = await self._known(box)
        if found is None or found.sender != sender:
            return Outcome.NO_BOX
        payload = _HEAD.pack(expires_ms, cell_id) + body
        headers = {"Nats-Msg-Id": f"{box.hex()}.{cell_id.hex()}"}
        with self._counted():
            try:
                said = await self._js.publish(_CELL + box.hex(), payload, headers)
            except ApiRefusalError as refused:
                return _refused(refused)
        if said.get("duplicate"):
            return Outcome.DUPLICATE
        self._remember(box, cell_id, said["seq"])
        await self._tell(box)
        return Outcome.STORED

    @contextlib.contextmanager
    def _counted(self) -> Any:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _tell(self, box: bytes) -> None:
        """Wake this relay at once and the others soon; a lost word only delays a cell."""
        for callback in self._arrivals:
            callback(box)
        with contextlib.suppress(NatsError):
            await self._client.publish(_ARRIVED, box)

    async def fetch(self, box: bytes, after: int, limit: int) -> Sequence[Held]:
        """See `RelayStore.fetch`."""
        found: list[Held] = []
        async for held in self._walk(_CELL + box.hex(), after):
            self._remember(box, held.id, held.position)
            found.append(held)
            if len(found) >= limit:
                break
        return found

    async def _walk(self, subject: str, after: int) -> AsyncIterator[Held]:
        while True:
            question = {"seq": after + 1, "next_by_subj": subject}
            stored = await self._js.get(CELLS, question)
            if stored is None:
                return
            after = stored.seq
            expires_ms, cell_id = _HEAD.unpack_from(stored.payload)
            yield Held(after, cell_id, expires_ms, stored.payload[_HEAD.size :])

    def _remember(self, box: bytes, cell_id: bytes, seq: int) -> None:
        self._sequences[box, cell_id] = seq
        while len(self._sequences) > MAX_SEQUENCES_KNOWN:
            self._sequences.popitem(last=False)

    async def consume(self, box: bytes, ids: Sequence[bytes]) -> int:
        """See `RelayStore.consume`."""
        if any((box, cell_id) not in self._sequences for cell_id in ids):
            async for held in self._walk(_CELL + box.hex(), 0):
                self._remember(box, held.id, held.position)
        places = [self._sequences.pop((box, cell_id), None) for cell_id in ids]
        known = [seq for seq in places if seq is not None]
        gone = await asyncio.gather(*(self._js.delete(CELLS, seq) for seq in known))
        return sum(gone)

    async def expire(self, now_ms: int) -> Sequence[tuple[bytes, bytes]]:
        """See `RelayStore.expire`."""
        gone: list[tuple[bytes, bytes]] = []
        for _ in range(LOOKED_AT_ONCE):
            question = {"seq": self._looked_at + 1, "next_by_subj": _CELL + "*"}
            stored = await self._js.get(CELLS, question)
            if stored is None:
                self._looked_at = 0
                break
            self._looked_at = stored.seq
            expires_ms, cell_id = _HEAD.unpack_from(stored.payload)
            # Another relay may have been faster: then it tells the sender.
            if expires_ms <= now_ms and await self._js.delete(CELLS, stored.seq):
                gone.append((bytes.fromhex(stored.subject.removeprefix(_CELL)), cell_id))
        return gone

    async def create(self, box: Box, token: bytes) -> Creation:
        """See `RelayStore.create`; the token first: a box without one is never made."""
        try:
            bound, is_new = await self._once(_TOKEN + token.hex(), box.id)
            if bound != box.id and await self._is_dropped(bound):
                # A relay died between dropping that box and freeing its token.
                await self._release(token)
                bound, is_new = await self._once(_TOKEN + token.hex(), box.id)
            if bound != box.id:
                return Creation.TAKEN
            record = box.recipient + box.sender + token
            there, _ = await self._once(_BOX + box.id.hex(), record)
        except ApiRefusalError as refused:
            if refused.code in NO_ROOM or refused.code == STORE_FAILED:
                return Creation.FULL
            raise
        self._boxes.pop(box.id, None)
        if there != record:
            if is_new:
                await self._release(token)
            return Creation.TAKEN
        return Creation.MADE

    async def _once(self, subject: str, payload: bytes) -> tuple[bytes, bool]:
        """Publish where nothing stands yet; return what stands there now, and if it is new."""
        try:
            await self._js.publish(subject, payload, _ONLY_FIRST)
        except ApiRefusalError as refused:
            if refused.code not in WRONG_LAST_SEQUENCE:
                raise
            stored = await self._js.get(BOXES, {"last_by_subj": subject})
            return (b"" if stored is None else stored.payload), False
        return payload, True

    async def _is_dropped(self, box: bytes) -> bool:
        stored = await self._js.get(BOXES, {"last_by_subj": _BOX + box.hex()})
        return stored is not None and len(stored.payload) == _DROPPED.size

    async def _release(self, token: bytes) -> None:
        stored = await self._js.get(BOXES, {"last_by_subj": _TOKEN + token.hex()})
        if stored is not None:
            await self._js.delete(BOXES, stored.seq)

    async def drop(self, box: bytes, until_ms: int) -> bool:
        """See `RelayStore.drop`; the marker stands until the stream's operator removes it."""
        subject = _BOX + box.hex()
        stored = await self._js.get(BOXES, {"last_by_subj": subject})
        if stored is None or len(stored.payload) != _RECORD_BYTES:
            return False
        await self._js.publish(subject, _DROPPED.pack(until_ms))
        self._boxes.pop(box, None)
        await self._js.call(f"STREAM.PURGE.{CELLS}", {"filter": _CELL + box.hex()})
        await self._release(stored.payload[64:])
        return True

    async def find(self, box: bytes) -> Box | None:
        """See `RelayStore.find`."""
        stored = await self._js.get(BOXES, {"last_by_subj": _BOX + box.hex()})
        if stored is None or len(stored.payload) != _RECORD_BYTES:
            return None
        return Box(box, stored.payload[:32], stored.payload[32:64])

    async def _known(self, box: bytes) -> Box | None:
        """Find a box as it was within the last seconds."""
        seen_s, found = self._boxes.get(box, (0.0, None))
        if found is None or self._clock() - seen_s > BOX_KNOWN_S:
            found = await self.find(box)
            self._boxes[box] = self._clock(), found
            while len(self._boxes) > MAX_BOXES_KNOWN:
                self._boxes.popitem(last=False)
        return found

    async def health(self) -> Health:
        """See `RelayStore.health`."""
        try:
            await self._js.publish(_PULSE, b"")
            about = await self._js.describe(CELLS)
        except StorageError:
            return Health(False, False, -1, 0, 0)
        if about is None:
            return Health(False, False, -1, 0, 0)
        free = about["config"]["max_bytes"] - about["state"]["bytes"]
        others = (about.get("cluster") or {}).get("replicas") or ()
        behind = sum(bool(one.get("offline") or not one.get("current")) for one in others)
        replicas = about["config"]["num_replicas"]
        return Health(True, free >= MAX_MESSAGE_BYTES, free, replicas, behind)

    async def census(self) -> Census:
        """See `RelayStore.census`."""
        cells = await self._js.describe(CELLS)
        boxes = await self._js.describe(BOXES, subjects_filter=_TOKEN + "*")
        if cells is None or boxes is None:
            raise StorageError("a stream of the relay is gone")
        state = cells["state"]
        held = len(boxes["state"].get("subjects") or ())
        return Census(held, state["messages"], state["bytes"])

    def on_arrival(self, callback: OnArrival) -> None:
        """See `RelayStore.on_arrival`."""
        self._arrivals.append(callback)

    async def close(self) -> None:
        """See `RelayStore.close`."""
        with contextlib.suppress(NatsError, TimeoutError, OSError):
            await self._client.close()


def _refused(refused: ApiRefusalError) -> Outcome:
    if refused.code == STORE_FAILED and _SUBJECT_FULL in refused.words:
        return Outcome.QUOTA
    if refused.code in NO_ROOM or refused.code == STORE_FAILED:
        return Outcome.FULL
    raise refused
