"""A relay as a route: what we take there, and what we leave there for the peer.

Spec: docs/transport.md §10
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

from hotline.core.errors import InvariantError, LinkError
from hotline.core.seams import Clock, Entropy, Signer, Verifier
from hotline.core.values import sha256
from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.link import Event, State, Timings, step
from hotline.transport.relay.calling import (
    NotTheRelayError,
    RelayAddress,
    TurnedAwayError,
    open_mailboxes,
)
from hotline.transport.relay.client import Mailboxes, RefusedError
from hotline.transport.relay.frames import NO_TOKEN, Code, Refusal
from hotline.transport.relay.limits import DAY_S
from hotline.transport.relay.redialing import AbsentError, Redialing
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState

LEAVE_MS = 14 * DAY_S * 1_000
"""A cell is left for as long as any relay keeps one."""
MAX_TRIES = 3
"""A cell that our station failed to take so often is given up."""
MAX_TRIED = 256

WORST_FIRST: Final = (State.BLOCKED, State.DOWN, State.DIALING, State.UP)
"""The route is in the worse state of its two sessions."""

REFUSED: Mapping[int, tuple[str, float]] = MappingProxyType(
    {
        Code.QUOTA: ("the mailbox of {peer} there is full", 30.0),
        Code.FULL: ("the relay has no room", 60.0),
        Code.FAULT: ("the relay's disk does not answer", 5.0),
        Code.EXPIRED: ("the relay's clock and ours are weeks apart", 60.0),
        Code.NO_BOX: ("the mailbox of {peer} there is gone", 0.0),
    }
)
"""What a refused cell means, and how long no other is tried where the relay names no time."""


@dataclass(frozen=True, slots=True)
class OwnMailbox:
    """A mailbox that we take from.

    Attributes:
        signer: Our key, that nobody else has.
        sender: Public key of who may put into it.
        token: The operator's, with which it is made.
    """

    box: bytes
    signer: Signer = field(repr=False)
    sender: bytes
    token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeerMailbox:
    """A mailbox of the peer's, with the key that puts into it."""

    box: bytes
    signer: Signer = field(repr=False)


@dataclass(frozen=True, slots=True)
class Means:
    """What a route takes from the machine.

    Attributes:
        now: The time of day, in milliseconds; tells a relay how long to keep a cell.
    """

    now: Clock
    monotonic: Monotonic
    chance: Chance
    verifier: Verifier
    entropy: Entropy
    timings: Timings


class RelayRoute:
    """Two sessions at a relay as one route; see `Route`.

    Attributes:
        stores: What was sent may be read much later.
    """

    stores: Final = True

    def __init__(
        self,
        name: str,
        peer: str,
        *,
        relay: RelayAddress,
        ours: OwnMailbox,
        theirs: Sequence[PeerMailbox],
        means: Means,
        on_cell: OnCell,
        on_state: OnState,
        on_fault: OnFault,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            theirs: The peer's mailbox, under each number that it may have.
        """
        self._name, self._peer, self._relay = name, peer, relay
        self._ours, self._theirs, self._means = ours, theirs, means
        self._on_cell, self._on_state, self._on_fault = on_cell, on_state, on_fault
        redialing = partial(
            Redialing,
            happen=self._happen,
            on_fault=self._report,
            clock=means.monotonic,
            chance=means.chance,
            timings=means.timings,
        )
        self._taking, self._putting = redialing(self._open_ours), redialing(self._open_theirs)
        self._number = self._looked = 0
        self._shown = State.DOWN
        self._one_at_a_time = asyncio.Lock()
        self._is_up = asyncio.Event()
        self._tries: Counter[bytes] = Counter()
        self._closed = False
        self._work: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The relay's name in settings and events."""
        return self._name

    @property
    def state(self) -> State:
        """The worse state of both sessions."""
        return min(self._taking.state, self._putting.state, key=WORST_FIRST.index)

    @property
    def why(self) -> str:
        """What was said last of each session that is not open, for whoever asks."""
        found = {one.why: None for one in (self._taking, self._putting) if one.state != State.UP}
        return "; ".join(found)

    @property
    def up(self) -> bool:
        """Whether a cell can be left now, and what the peer leaves is taken."""
        return self._taking.session is not None and self._putting.session is not None

    # --- what a station does with it ---------------------------------------------------------

    async def send(self, cell: bytes) -> None:
        """Leave one cell; return once the relay has it durably. See `Route.send`.

        Spec: docs/transport.md §10.5
        """
        if not 1 <= len(cell) <= MAX_CELL_BYTES:
            raise InvariantError(f"a cell has 1 to {MAX_CELL_BYTES} bytes")
        session, box = self._putting.session, self._theirs[self._number].box
        if session is None or self._taking.session is None:
            raise LinkError(f"route {self._name} is {self.state}")
        try:
            async with asyncio.timeout(self._means.timings.send_timeout_s):
                await session.put(box, cell, self._means.now() + LEAVE_MS)
        except TimeoutError as error:
            self._putting.drop("the relay did not say in time that it has a cell")
            raise LinkError(f"{self._name} did not answer in time") from error
        except RefusedError as refused:
            raise self._refused(refused) from refused
        self._putting.served()

    def _refused(self, refused: RefusedError) -> LinkError:
        """Spec: docs/transport.md §10.7."""
        words, pause_s = REFUSED.get(refused.code, (str(refused), 0.0))
        clause = words.format(peer=self._peer)
        if refused.code == Code.NO_BOX:
            self._putting.drop(clause)
        elif refused.code in REFUSED:
            self._putting.pause(clause, refused.retry_after_s or pause_s)
        return LinkError(f"{self._name}: {clause}")

    async def ping(self) -> float:
        """Return the longer round trip to the relay's store, in seconds; see `Route.ping`.

        Spec: docs/transport.md §10.9
        """
        taking, putting = self._taking.session, self._putting.session
        if taking is None or putting is None:
            raise LinkError(f"route {self._name} is {self.state}")
        began = self._means.monotonic()
        await asyncio.gather(taking.ping(), putting.ping())
        return self._means.monotonic() - began

    async def run(self) -> None:
        """Keep both sessions going until cancelled or closed; see `Route.run`."""
        if self._closed:
            return
        self._work = asyncio.create_task(self._keep_both())
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._ended_by_close():
                # Whoever waits for us is told only once the sessions are over.
                self._work.cancel()
                await asyncio.wait([self._work])
                raise

    def _ended_by_close(self) -> bool:
        """Tell a `run` that `close` ends from one whose caller cancelled it."""
        task = asyncio.current_task()
        return self._closed and (task is None or not task.cancelling())

    async def _keep_both(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._taking.keep())
                tasks.create_task(self._putting.keep())
        finally:
            for one in (self._taking, self._putting):
                if one.state is not State.DOWN:
                    await self._happen(one, Event.CLOSED, "the route was closed")

    async def close(self) -> None:
        """Say goodbye and let `run` return; see `Route.close`."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()
            if self._work is not asyncio.current_task():
                await asyncio.wait([self._work])

    # --- the two sessions -------------------------------------------------------------------

    def _dial(
        self, box: bytes, signer: Signer, token: bytes = NO_TOKEN
    ) -> contextlib.AbstractAsyncContextManager[Mailboxes]:
        return open_mailboxes(
            self._relay,
            box,
            signer,
            verifier=self._means.verifier,
            entropy=self._means.entropy,
            token=token,
            timings=self._means.timings,
            on_expired=self._expired,
        )

    @contextlib.asynccontextmanager
    async def _open_ours(self) -> AsyncIterator[Mailboxes]:
        """Open our mailbox, made anew where the relay does not know it. Spec: §10.3."""
        ours = self._ours
        async with contextlib.AsyncExitStack() as last:
            try:
                session = await last.enter_async_context(self._dial(ours.box, ours.signer))
            except TurnedAwayError as refused:
                if refused.code != Refusal.FORBIDDEN:
                    raise
                session = await self._make_ours(last)
            await session.subscribe(ours.box, self._take)
            yield session

    async def _make_ours(self, last: contextlib.AsyncExitStack) -> Mailboxes:
        ours = self._ours
        try:
            opening = self._dial(ours.box, ours.signer, ours.token)
            session = await last.enter_async_context(opening)
            await session.create(ours.box, ours.sender, ours.token)
        except TurnedAwayError as refused:
            if refused.code != Refusal.FORBIDDEN:
                raise
            raise NotTheRelayError(
                "the relay refuses this station's token, or is another relay"
            ) from refused
        except RefusedError as refused:
            if refused.code != Code.ADMISSION:
                raise
            raise NotTheRelayError(
                "the relay holds this station's token for another mailbox"
            ) from refused
        return session

    @contextlib.asynccontextmanager
    async def _open_theirs(self) -> AsyncIterator[Mailboxes]:
        """Open the peer's mailbox under the number that served last, else look for it.

        Spec: docs/transport.md §10.3
        """
        number = self._number_to_try()
        mailbox = self._theirs[number]
        async with contextlib.AsyncExitStack() as last:
            try:
                session = await last.enter_async_context(self._dial(mailbox.box, mailbox.signer))
            except TurnedAwayError as refused:
                if refused.code != Refusal.FORBIDDEN:
                    raise
                self._looked += 1
                raise AbsentError(f"{self._peer} has no mailbox there yet") from refused
            self._number, self._looked = number, 0
            yield session

    def _number_to_try(self) -> int:
        """Every second time the number that served last, between them the others in turn."""
        others = [one for one in range(len(self._theirs)) if one != self._number]
        if self._looked % 2 == 0 or not others:
            return self._number
        return others[self._looked // 2 % len(others)]

    async def _take(self, cell: bytes) -> None:
        """Have the station take a cell; what it fails to take comes again, but not for ever.

        Spec: docs/transport.md §10.6
        """
        # An answer to a cell that is taken before the route is UP would find no way.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._means.timings.open_timeout_s):
                await self._is_up.wait()
        try:
            async with self._one_at_a_time:
                await self._on_cell(cell)
        except Exception as fault:
            self._report(fault)
            cell_id = sha256(cell)
            self._tries[cell_id] += 1
            if self._tries[cell_id] < MAX_TRIES:
                raise LinkError("this station could not take a cell; it comes again") from fault
        self._tries.pop(sha256(cell), None)

    def _expired(self, _cell_id: bytes) -> None:
        words = f"{self._name}: a cell for {self._peer} expired there before it was taken"
        self._report(LinkError(words, hint="what was not receipted is sent again"))

    # --- what the station hears ----------------------------------------------------------------

    async def _happen(self, session: Redialing, event: Event, reason: str) -> None:
        before = session.state
        taken = step(before, event)
        if not taken.known:
            self._report(InvariantError(f"route {self._name}: {taken.note}"))
            return
        session.state, session.why = taken.state, reason
        if event is Event.MISMATCHED and self._shown is not State.BLOCKED:
            self._report(LinkError(f"{self._name}: {reason}", hint=NotTheRelayError.default_hint))
        await self._show(reason)

    async def _show(self, reason: str) -> None:
        """Tell the station the route's state where it is another one.

        That a blocked route is looked at again is no news until something comes of it.
        """
        now = self.state
        if now is self._shown or (now, self._shown) == (State.DIALING, State.BLOCKED):
            return
        self._shown = now
        if now is not State.UP:
            self._is_up.clear()
        await self._sheltered(self._on_state, str(now), reason)
        if self.state is State.UP:
            self._is_up.set()

    async def _sheltered(self, callback: Callable[..., Awaitable[None]], *said: object) -> None:
        try:
            async with self._one_at_a_time:
                await callback(*said)
        except Exception as fault:  # noqa: BLE001 - whatever the station let out, the route goes on
            self._report(fault)

    def _report(self, fault: Exception) -> None:
        # A reporter that fails has nobody left to tell; the route still goes on.
        with contextlib.suppress(Exception):
            self._on_fault(fault)
