"""What goes to one peer: letters in order of urgency, and the outbox that the ledger is.

The outbox is no queue of its own: it is what the situation says was sent and
not yet receipted. What stands here is only what is on its way right now.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import HotlineError, InvariantError, LinkError, PeerError
from hotline.core.exchange.duties import urgency
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.sealing.items import Item
from hotline.station.bundle import Bundle
from hotline.station.courier import Courier
from hotline.station.witness import Witness

RETRY_S = 5.0
MAX_RETRY_S = 60.0
ANSWER_RANK = -1
"""Receipts and cosignatures go before every statement: they are small and end retries."""

HELLO_RANK = -2
"""The handshake goes before everything, and alone until the peer has proved itself."""
HOLD_S = 5.0
"""How long everything else waits for that; then it goes out sealed to the peer's prekey."""

Items = Callable[[], Sequence[Item]]


@dataclass(order=True, slots=True)
class _Letter:
    rank: int
    number: int
    items: Items = field(compare=False)
    key: str = field(compare=False, default="")


@dataclass(slots=True)
class _Flight:
    """A statement on its way: how urgently, when it is tried again, how often it was tried."""

    rank: int
    retry_at_s: float
    tries: int


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
    ) -> None:
        """Serve `peer`.

        Args:
            items_of: Builds a statement's packet items from its digest.
            fault: Is told what could not be written or sealed.
            release: Begins to release the newest head when it is called, and is done
                when head.db holds it.
        """
        self._fault, self._release = fault, release
        self.peer, self._route, self._courier = peer, route, courier
        self._witness, self._items_of = witness, items_of
        self._letters: asyncio.PriorityQueue[_Letter] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._waiting: set[str] = set()
        self._flights: dict[str, _Flight] = {}
        self._held: list[_Letter] = []
        self._hold_until_s = 0.0

    def put(self, items: Items, rank: int = ANSWER_RANK, key: str = "") -> None:
        """Send a letter; `items` is asked when it is its turn. Lost if the link is down.

        Args:
            key: A letter with the key of one that waits already is not put.
        """
        if self._route.up and key not in self._waiting:
            if key:
                self._waiting.add(key)
            letter = _Letter(rank, next(self._numbers), items, key)
            if self._hold_until_s and rank != HELLO_RANK:
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

    def pump(self, situation: Situation, rules: Rules, now_s: float) -> None:
        """Send what the outbox holds and is not on its way, the most urgent first.

        What waits here and became more urgent goes again: a repeat does no harm.
        Spec: docs/protocol.md §7.8
        """
        if not self._route.up:
            return
        if self._hold_until_s <= now_s:
            self.let_go()
        for digest, rank in urgency(situation, rules).items():
            if self.peer not in situation.statements[digest].unreceipted:
                continue
            flight = self._flights.get(digest)
            due = flight is None or flight.retry_at_s <= now_s
            if flight is not None and not due and flight.rank <= rank:
                continue
            tries = flight.tries + due if flight else 0
            if tries and due:
                self._witness.forget_shown(self.peer)
            pause_s = min(MAX_RETRY_S, RETRY_S * 2**tries)
            self._flights[digest] = _Flight(rank, now_s + pause_s, tries)
            self.put(lambda digest=digest: self._items_of(digest), rank)  # type: ignore[misc]

    def landed(self, digest: str) -> None:
        """Forget a statement that the peer receipted or refused."""
        self._flights.pop(digest, None)

    def sending(self, digest: str) -> bool:
        """Return whether a statement is on its way now."""
        return digest in self._flights and self._route.up

    def restart(self) -> None:
        """Begin again: the link came up anew or broke, so what was on its way is lost."""
        self.resend()
        self._waiting.clear()
        self._held.clear()
        while not self._letters.empty():
            self._letters.get_nowait()

    def resend(self) -> None:
        """Let the outbox be sent again; answers to the peer stay where they wait."""
        self._flights.clear()
        self._witness.forget_shown(self.peer)
        waiting, self._held = self._held, []
        while not self._letters.empty():
            waiting.append(self._letters.get_nowait())
        for letter in waiting:
            if letter.rank > ANSWER_RANK:
                self._waiting.discard(letter.key)
            elif self._hold_until_s and letter.rank != HELLO_RANK:
                self._held.append(letter)
            else:
                self._letters.put_nowait(letter)

    async def run(self) -> None:
        """Send letters until cancelled.

        Raises:
            StorageError, IntegrityError: a head could not be released; nothing that
                proves under it has left.
        """
        while True:
            letter = await self._letters.get()
            self._waiting.discard(letter.key)
            items = self._asked(letter)
            if not items:
                continue
            try:
                await self._send(items)
            except (InvariantError, PeerError) as error:
                # It cannot be sealed now; the others can, and the outbox keeps it.
                self._fault(error)
            except LinkError:
                # What was lost is found again: the outbox by the next pump, a
                # receipt when the peer repeats its statement.
                self.restart()

    def _asked(self, letter: _Letter) -> Sequence[Item]:
        """Return the items of a letter; one that cannot be written holds up no other."""
        try:
            return letter.items()
        except (HotlineError, ValueError) as error:
            self._fault(error)
            return ()

    async def _send(self, items: Sequence[Item]) -> None:
        """Seal while head.db is brought forward; nothing leaves before both are done.

        Spec: docs/ledger.md §10.2
        """
        released = self._release()
        try:
            cell = self._courier.seal(self.peer, items)
        finally:
            await released
        await self._route.send(cell)
