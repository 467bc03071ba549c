"""Attachments on their way: a receiver asks for one piece after the other, a sender brings it.

Whoever lacks something asks, so nothing has to be remembered by who has it: after a
break, a restart or a day the receiver goes on from the pieces that it holds. One piece
is under way at a time, below everything else that a station says.
Spec: docs/protocol.md §13, docs/transport.md §14, docs/ledger.md §24
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from hotline.core.errors import PeerError, StorageError
from hotline.core.exchange.attachment_state import AttachmentId, AttachmentState, travelling
from hotline.core.exchange.rules import FIRST_GENERATION
from hotline.core.exchange.situation import Situation
from hotline.core.messages.statement import AttachmentRef
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing import attachment_items as its
from hotline.sealing.attachment import stream_bytes
from hotline.sealing.items import Item
from hotline.station.attachments import AttachmentShelf
from hotline.station.bringing import Bringing, Progress, Put, Record, state_item
from hotline.station.line import Line

QUOTA_BYTES = 2**30
"""Sealed bytes that a line keeps of one peer; what would go beyond is refused."""

LOOK_S = 0.5
RETRY_S = 5.0
MAX_RETRY_S = 3_600.0
ROOM_S = 60.0
"""How long nothing is asked for after the disk refused."""

MAX_WAITING = 256
"""Items of peers that wait to be looked at; more are dropped, and asked for again."""

MAX_REPEATED = 16
"""Attachments of a peer of which it is told again how they ended: nothing acknowledges that."""


@dataclass(slots=True)
class _Arrival:
    """An attachment of a peer that is on its way.

    Attributes:
        held: Pieces that are here.
        resumed: Whether some of them are of an earlier run, and a crash may have spoilt them.
        ask_at_s: When it is asked for again; `tries`: how often that was in vain.
    """

    name: AttachmentId
    ref: AttachmentRef
    held: int
    resumed: bool
    ask_at_s: float = 0.0
    tries: int = 0

    @property
    def pieces(self) -> int:
        """How many pieces the whole has."""
        return -(-stream_bytes(self.ref.size) // its.PIECE_BYTES)

    def length_of(self, index: int) -> int:
        """Return how long a piece must be."""
        return min(its.PIECE_BYTES, stream_bytes(self.ref.size) - index * its.PIECE_BYTES)


class Attaching:
    """The attachments of one line on their way, in one task of its station.

    Attributes:
        progress: Bytes of the sealed stream that are here (of a peer's), or that a peer
            had when it asked last (of ours, by name and peer).
    """

    def __init__(
        self,
        line: Line,
        situation: Callable[[], Situation],
        shelf: AttachmentShelf | None,
        record: Record,
        put: Put,
        fault: Callable[[Exception], None],
    ) -> None:
        """Serve `line`; without a shelf nothing is asked for and nothing is brought."""
        self._line, self._situation, self._shelf = line, situation, shelf
        self._record, self._put, self._fault = record, put, fault
        self._queue: asyncio.Queue[tuple[str, Item | None]] = asyncio.Queue(MAX_WAITING)
        self._arrivals: dict[str, _Arrival] = {}
        self._not_before_s = 0.0
        self.progress: Progress = {}
        self._bringing = Bringing(line, situation, record, put, self.progress)

    # --- what the station calls ---------------------------------------------------------

    def settle(self) -> None:
        """Put right what the last run left on the disk, before anything is attached.

        Spec: docs/ledger.md §24.1, §24.5
        """
        if self._shelf is None:
            return
        situation = self._situation()
        said = [one.statement for one in situation.statements.values() if one.statement.attachments]
        said += [one.statement for one in situation.releases.values()]
        recorded = {ref.sealed for one in said for _, ref in travelling(one)}
        # Who folds a later generation alone does not know all that is named.
        every = bool(situation.erased) and situation.begun == FIRST_GENERATION
        try:
            self._shelf.settle(recorded, every=every)
        except StorageError as error:
            self._fault(error)

    def take(self, peer: str, items: Sequence[Item]) -> None:
        """Take what a packet says of attachments; it is looked at when there is time."""
        found: list[Item | None] = [one for one in items if isinstance(one, its.ATTACHMENT_ITEMS)]
        if self._situation().arriving and peer not in self._arrivals:
            found.append(None)
        for item in found:
            if not self._queue.full():
                self._queue.put_nowait((peer, item))

    def begin(self, peer: str) -> None:
        """Go on with a peer whose link came up: ask anew, and say again what was said."""
        self._arrivals.pop(peer, None)
        ended = list(self._ended(peer))[-MAX_REPEATED:]
        if ended and self._shelf is not None:
            self._put(peer, lambda: ended, "attachments")

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            StorageError, IntegrityError: it could not be recorded (the station stops).
        """
        if self._shelf is None:
            return
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    peer, item = await self._queue.get()
            except TimeoutError:
                await self._guarded(self._look(self._shelf))
            else:
                await self._guarded(self._take(self._shelf, peer, item))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Let what the disk refuses wait: an attachment never stops the line."""
        try:
            await work
        except StorageError as error:
            self._fault(error)
            self._arrivals.clear()
            self._not_before_s = _now_s() + ROOM_S
        except Exception as error:  # noqa: BLE001 - what it is, no file may stop the line
            self._fault(error)

    # --- receiving ----------------------------------------------------------------------

    async def _look(self, shelf: AttachmentShelf) -> None:
        """Begin with what arrives next of each peer, and ask again for what did not come."""
        for peer in self._line.peers:
            arrival = self._arrivals.get(peer)
            if arrival is None and _now_s() >= self._not_before_s:
                await self._begin_next(shelf, peer)
            elif arrival is not None and arrival.ask_at_s <= _now_s():
                arrival.tries += 1
                self._ask(peer, arrival)

    async def _begin_next(self, shelf: AttachmentShelf, peer: str) -> None:
        """Begin, or go on, with the most urgent attachment of a peer; of those, the oldest."""
        waiting = [
            (state.statement.precedence.rank, state.at_ms, name)
            for name in self._situation().arriving
            if (state := self._situation().statements[name[0]]).statement.sender == peer
        ]
        if not waiting:
            return
        name = min(waiting)[2]
        ref = self._ref(name)
        if self._kept_of(peer) + stream_bytes(ref.size) > QUOTA_BYTES:
            await self._refuse(shelf, peer, name, "its files fill all the room that a peer has")
            return
        held = await asyncio.to_thread(shelf.begin, ref.sealed, ref.size)
        resumed = held > 0 and not shelf.whole(ref.sealed).exists()
        arrival = self._arrivals[peer] = _Arrival(name, ref, held, resumed)
        await self._go_on(shelf, peer, arrival)

    def _kept_of(self, peer: str) -> int:
        """Return how many sealed bytes are kept of a peer.

        Spec: docs/ledger.md §24.4
        """
        return sum(stream_bytes(ref.size) for _, one, ref in self._of(peer) if one.state == "HELD")

    async def _go_on(self, shelf: AttachmentShelf, peer: str, arrival: _Arrival) -> None:
        held = min(arrival.held * its.PIECE_BYTES, stream_bytes(arrival.ref.size))
        self.progress[arrival.name, peer] = held
        if arrival.held < arrival.pieces or not self._key_of(arrival.name):
            self._ask(peer, arrival)
        else:
            await self._finish(shelf, peer, arrival)

    def _ask(self, peer: str, arrival: _Arrival) -> None:
        arrival.ask_at_s = _now_s() + min(MAX_RETRY_S, RETRY_S * 2**arrival.tries)
        digest, place = arrival.name
        wanted = its.ChunksWantedItem(
            statement=Digest(bytes.fromhex(digest)),
            place=place,
            first=arrival.held,
            key=not self._key_of(arrival.name),
        )
        self._put(peer, lambda: [wanted], f"wanted {digest} {place} {arrival.held}")

    async def _take(self, shelf: AttachmentShelf, peer: str, item: Item | None) -> None:
        match item:
            case None:
                await self._look(shelf)
            case its.ChunksWantedItem():
                self._bringing.bring(shelf, peer, item)
            case its.AttachmentKeyItem():
                await self._take_key(shelf, peer, item)
            case its.ChunkItem():
                await self._add(shelf, peer, item)
            case its.AttachmentStateItem() if item.state == "GONE":
                await self._gone(shelf, peer, item)
            case its.AttachmentStateItem():
                await self._bringing.told(peer, item)

    async def _take_key(
        self, shelf: AttachmentShelf, peer: str, item: its.AttachmentKeyItem
    ) -> None:
        """Record a key that we asked for: without it the record could not say what came.

        Spec: docs/ledger.md §24.2
        """
        name = (item.statement.hex(), item.place)
        arrival = self._arrivals.get(peer)
        if arrival is None or arrival.name != name or self._key_of(name):
            return
        ref = arrival.ref
        keyed = ev.AttachmentKeyed(
            statement=name[0],
            place=item.place,
            digest=ref.digest,
            sealed=ref.sealed,
            key=item.key.hex(),
        )
        await self._record([keyed])
        if arrival.held >= arrival.pieces:
            await self._go_on(shelf, peer, arrival)

    async def _add(self, shelf: AttachmentShelf, peer: str, item: its.ChunkItem) -> None:
        """Add the piece that was asked for; any other one came too late or was never wanted.

        Spec: docs/protocol.md §13.6
        """
        arrival = self._arrivals.get(peer)
        wanted = arrival is not None and (item.statement.hex(), item.place) == arrival.name
        if arrival is None or not wanted or item.index != arrival.held:
            return
        if item.index >= arrival.pieces or len(item.content) != arrival.length_of(item.index):
            await self._refuse(shelf, peer, arrival.name, "a piece of it has another length")
            return
        await asyncio.to_thread(shelf.add, arrival.ref.sealed, item.index, item.content)
        arrival.held, arrival.tries = arrival.held + 1, 0
        await self._go_on(shelf, peer, arrival)

    async def _finish(self, shelf: AttachmentShelf, peer: str, arrival: _Arrival) -> None:
        """Compare the whole with what was signed, on another thread; then record that it is here.

        Spec: docs/protocol.md §13.4, docs/ledger.md §24.2
        """
        name, ref = arrival.name, arrival.ref
        key = bytes.fromhex(self._key_of(name))
        try:
            await asyncio.to_thread(shelf.finish, ref, key, self._line.roster.line)
        except PeerError as error:
            if not arrival.resumed:
                await self._refuse(shelf, peer, name, str(error).removeprefix("attachment: "))
            # Of what a crash left, nobody knows what the disk kept: once more, all of it.
            self._arrivals.pop(peer, None)
            return
        await self._record(
            [
                ev.AttachmentReceived(
                    statement=name[0],
                    place=name[1],
                    digest=ref.digest,
                    sealed=ref.sealed,
                    size=ref.size,
                )
            ]
        )
        await self._say(shelf, peer, name, "HELD", "")

    async def _gone(self, shelf: AttachmentShelf, peer: str, item: its.AttachmentStateItem) -> None:
        arrival = self._arrivals.get(peer)
        if arrival is not None and arrival.name == (item.statement.hex(), item.place):
            await self._refuse(shelf, peer, arrival.name, f"{peer} has it no more")

    async def _refuse(
        self, shelf: AttachmentShelf, peer: str, name: AttachmentId, reason: str
    ) -> None:
        shelf.drop(self._ref(name).sealed)
        await self._record(
            [ev.AttachmentRefused(statement=name[0], place=name[1], reason=reason[:240])]
        )
        await self._say(shelf, peer, name, "REFUSED", reason)

    async def _say(
        self, shelf: AttachmentShelf, peer: str, name: AttachmentId, state: str, reason: str
    ) -> None:
        """Tell the sender how it ended, and go on with the next one."""
        self._arrivals.pop(peer, None)
        self.progress.pop((name, peer), None)
        said = state_item(name, state, reason)
        self._put(peer, lambda: [said], f"state {name[0]} {name[1]}")
        await self._look(shelf)

    def _ended(self, peer: str) -> Iterator[Item]:
        for name, one, _ in self._of(peer):
            if one.state:
                yield state_item(name, one.state, one.reason)

    def _of(self, peer: str) -> Iterator[tuple[AttachmentId, AttachmentState, AttachmentRef]]:
        """Yield the attachments of a peer's statements that the record can still name."""
        situation = self._situation()
        for name, one in situation.attachments.items():
            state = situation.statements.get(name[0])
            if state is not None and state.statement.sender == peer:
                yield name, one, state.statement.attachments[name[1]]

    # --- both ---------------------------------------------------------------------------

    def _ref(self, name: AttachmentId) -> AttachmentRef:
        return self._situation().statements[name[0]].statement.attachments[name[1]]

    def _key_of(self, name: AttachmentId) -> str:
        known = self._situation().attachments.get(name)
        return known.key if known is not None else ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
