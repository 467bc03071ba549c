"""What goes to one peer: letters in order of urgency, and the outbox that the ledger is.

The outbox is no queue of its own: it is what the situation says was sent and
not yet receipted. What stands here is only what is on its way right now.
Spec: docs/protocol.md §7.37
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from hotline.core.errors import HotlineError, InvariantError, LinkError, PeerError
from hotline.core.exchange.duties import urgency
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.protocols.flights import Flight, Outlook, Step, next_step, pause_s
from hotline.core.values import Precedence
from hotline.sealing.items import Item
from hotline.station.bundle import Bundle
from hotline.station.courier import Courier
from hotline.station.witness import Witness

RETRY_S = 5.0
"""A receipt is waited for so long at least before a statement goes another way."""
MAX_RETRY_S = 60.0
REFUSED_PAUSE_S = 0.5
"""After a route that stays up did not take a cell."""
ANSWER_RANK = -1
"""Receipts and cosignatures go before every statement: they are small and end retries."""

ATTACHMENT_RANK = 1_000
"""What files need goes below every statement, however late one comes (docs/transport.md §14.2)."""

HELLO_RANK = -2
"""The handshake goes before everything, and alone until the peer has proved itself."""
HOLD_S = 5.0
"""How long everything else waits for that; then it goes out sealed to the peer's prekey."""

Items = Callable[[], Sequence[Item]]


@dataclass(order=True, slots=True)
class _Letter:
    """What waits for its turn: items, or the statement of that digest.

    Attributes:
        by: The route that it must go by, and no other; "" leaves that to the bundle.
        cell: Where it was sealed and no route took it.
    """

    rank: int
    number: int
    items: Items = field(compare=False)
    key: str = field(compare=False, default="")
    digest: str = field(compare=False, default="")
    by: str = field(compare=False, default="")
    cell: bytes = field(compare=False, default=b"", repr=False)


class Outgoing:
    """Sends letters to one peer over its routes and retries what is not receipted."""

    def __init__(
        self,
        peer: str,
        route: Bundle,
        courier: Courier,
        witness: Witness,
        items_of: Callable[[str], Sequence[Item]],
        fault: Callable[[Exception], None],
        release: Callable[[], Awaitable[None]],
        chance: Callable[[], float],
    ) -> None:
        """Serve `peer`.

        Args:
            items_of: Builds a statement's packet items from its digest.
            fault: Is told what could not be written or sealed.
            release: Begins to release the newest head when it is called, and is done
                when head.db holds it.
            chance: Gives a random number, 0 to 1.
        """
        self._fault, self._release, self._chance = fault, release, chance
        self.peer, self._route, self._courier = peer, route, courier
        self._witness, self._items_of = witness, items_of
        self._storing = frozenset(name for name, one in route.routes.items() if one.stores)
        self._letters: asyncio.PriorityQueue[_Letter] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._waiting: set[str] = set()
        self._flights: dict[str, Flight] = {}
        self._held: list[_Letter] = []
        self._hold_until_s = 0.0

    def put(self, items: Items, rank: int = ANSWER_RANK, key: str = "", by: str = "") -> None:
        """Send a letter; `items` is asked when it is its turn. Lost if the link is down.

        Args:
            key: A letter with the key of one that waits already is not put.
            by: The route that it must go by, and no other.
        """
        if self._route.up and key not in self._waiting:
            if key:
                self._waiting.add(key)
            self._queue(_Letter(rank, next(self._numbers), items, key, by=by))

    def _queue(self, letter: _Letter) -> None:
        if self._hold_until_s and letter.rank != HELLO_RANK:
            self._held.append(letter)
        else:
            self._letters.put_nowait(letter)

    def hold(self, now_s: float) -> None:
        """Let nothing but the handshake go out from now on, for HOLD_S at most.

        Spec: docs/protocol.md §7.26
        """
        self._hold_until_s = now_s + HOLD_S

    def let_go(self) -> None:
        """Let everything go out: the peer's newest key is known."""
        self._hold_until_s = 0.0
        while self._held:
            self._letters.put_nowait(self._held.pop(0))

    # --- the outbox ----------------------------------------------------------------------

    def pump(self, situation: Situation, rules: Rules, now_s: float) -> None:
        """Send what the outbox holds and is not on its way, the most urgent first.

        What became more urgent meanwhile goes again, with its new urgency.
        Spec: docs/protocol.md §7.37
        """
        if not self._route.up:
            return
        if self._hold_until_s <= now_s:
            self.let_go()
        for digest, rank in urgency(situation, rules).items():
            if self.peer not in situation.statements[digest].unreceipted:
                continue
            flight = self._flights.get(digest, Flight(rank))
            pressed = digest not in self._flights or rank < flight.rank
            if pressed or (not flight.queued and self._is_due(digest, flight, now_s)):
                self._flights[digest] = replace(flight, rank=min(rank, flight.rank), queued=True)
                self._queue(_Letter(rank, next(self._numbers), tuple, digest=digest))

    def _is_due(self, digest: str, flight: Flight, now_s: float) -> bool:
        if flight.due_s > now_s:
            return False
        if next_step(self._outlook(flight, now_s)) is not Step.WAIT:
            return True
        # Nothing can be done before the peer is heard; perhaps it only had nothing to say.
        self._route.ask()
        self._flights[digest] = replace(flight, due_s=now_s + self._wait_s() / 4)
        return False

    def _outlook(self, flight: Flight, now_s: float) -> Outlook:
        return Outlook(flight, self._route.best, self._storing, self._route.heard_s, now_s)

    def _wait_s(self) -> float:
        return max(RETRY_S, self._route.answer_s)

    def landed(self, digest: str) -> None:
        """Forget a statement that the peer receipted or refused."""
        self._flights.pop(digest, None)

    def sending(self, digest: str) -> str:
        """Return by which routes a statement is on its way now, and who keeps it, or "".

        Spec: docs/transport.md §11.6
        """
        flight, up = self._flights.get(digest), self._route.best
        if flight is None or not up:
            return ""
        words = [
            f"{name}: relayed" if name in self._storing else name
            for name in flight.by
            if name in self._storing or name in up
        ]
        return " ".join(words) or up[0]

    def lost(self, route: str, now_s: float) -> None:
        """Take it that a route broke: what it carried is looked at again, soon.

        Spec: docs/protocol.md §7.37
        """
        for digest, flight in self._flights.items():
            if route in flight.by:
                self._flights[digest] = replace(flight, due_s=min(flight.due_s, now_s + RETRY_S))

    def restart(self) -> None:
        """Begin again: the link came up anew or broke, so what was on its way is lost."""
        self.resend()
        self._route.forget()
        self._waiting.clear()
        self._held.clear()
        while not self._letters.empty():
            self._letters.get_nowait()

    def resend(self) -> None:
        """Let the outbox be sealed and sent again; answers to the peer stay where they wait."""
        self._flights.clear()
        self._witness.forget_shown(self.peer)
        waiting, self._held = self._held, []
        while not self._letters.empty():
            waiting.append(self._letters.get_nowait())
        for letter in waiting:
            if letter.rank > ANSWER_RANK:
                self._waiting.discard(letter.key)
            else:
                self._queue(letter)

    # --- one after the other ---------------------------------------------------------------

    async def run(self) -> None:
        """Send letters until cancelled.

        Raises:
            StorageError, IntegrityError: a head could not be released; nothing that
                proves under it has left.
        """
        while True:
            letter = await self._letters.get()
            self._waiting.discard(letter.key)
            try:
                await (self._fly(letter.digest) if letter.digest else self._post(letter))
            except (InvariantError, PeerError) as error:
                # It cannot be sealed now; the others can, and the outbox keeps it.
                self._fault(error)
            except LinkError:
                await self._not_taken(letter)

    async def _not_taken(self, letter: _Letter) -> None:
        """Keep what no route takes, where one is up all the same; else all begins anew.

        What was lost with the link is found again: the outbox by the next pump, a
        receipt when the peer repeats its statement.
        """
        if not self._route.up:
            self.restart()
            return
        if not letter.digest:
            self._queue(letter)
        await asyncio.sleep(REFUSED_PAUSE_S)

    async def _post(self, letter: _Letter) -> None:
        if not letter.cell:
            items = self._asked(letter.items)
            if not items:
                return
            letter.cell = await self._sealed(items)
        if letter.by:
            self._route.test_by(letter.by, letter.cell)
        elif letter.rank >= ATTACHMENT_RANK:
            await self._send_once(letter.cell)
        else:
            await self._route.send(letter.cell)

    async def _send_once(self, cell: bytes) -> None:
        """Hand a piece to the best route, and bring it along by no other: it is asked for again.

        Spec: docs/transport.md §14.4
        """
        with contextlib.suppress(LinkError):
            for name in self._route.best[:1]:
                await self._route.send_alone(name, cell)

    async def _fly(self, digest: str) -> None:
        """Hand a statement's cell to the route whose turn it is, sealed anew where it must be.

        Spec: docs/protocol.md §7.37
        """
        flight = self._flights.get(digest)
        if flight is None or not flight.queued:
            return
        now_s = _now_s()
        self._flights[digest] = flight = replace(flight, queued=False, due_s=now_s + RETRY_S)
        outlook = self._outlook(flight, now_s)
        match next_step(outlook):
            case Step.SAME:
                names: tuple[str, ...] = (outlook.next_route,)
                await self._route.send_by(names[0], flight.cell)
                self._took(digest, flight, names)
            case Step.SEAL | Step.SEAL_LASTING as step:
                if step is Step.SEAL_LASTING:
                    self._courier.pairs[self.peer].doubt()
                await self._seal_and_send(digest, flight)

    async def _seal_and_send(self, digest: str, flight: Flight) -> None:
        if flight.tries:
            self._witness.forget_shown(self.peer)
        items = self._asked(lambda: self._items_of(digest))
        if not items:
            return
        proved = self._courier.pairs[self.peer].ready
        cell = await self._sealed(items)
        flight = replace(flight, cell=cell, by={}, proved=proved, tries=flight.tries + 1)
        urgent = flight.rank == Precedence.FLASH.rank
        self._took(digest, flight, await self._route.send(cell, urgent=urgent))

    def _took(self, digest: str, flight: Flight, names: Sequence[str]) -> None:
        """Note which routes have the cell, unless the peer answered meanwhile."""
        if digest not in self._flights:
            return
        now_s = _now_s()
        wait_s = pause_s(flight.tries - 1, self._wait_s(), MAX_RETRY_S, self._chance())
        by = dict(flight.by) | dict.fromkeys(names, now_s)
        self._flights[digest] = replace(flight, by=by, due_s=now_s + wait_s)

    def _asked(self, items: Items) -> Sequence[Item]:
        """Return the items of a letter; one that cannot be written holds up no other."""
        try:
            return items()
        except (HotlineError, ValueError) as error:
            self._fault(error)
            return ()

    async def _sealed(self, items: Sequence[Item]) -> bytes:
        """Seal while head.db is brought forward; nothing leaves before both are done.

        Spec: docs/ledger.md §10.2
        """
        released = self._release()
        try:
            return self._courier.seal(self.peer, items)
        finally:
            await released


def _now_s() -> float:
    return asyncio.get_running_loop().time()
