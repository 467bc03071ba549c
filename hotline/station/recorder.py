"""Record, then act: decide at once, make it durable together, then tell (design law 3).

Two Situations are kept. `ahead` is decided against: it holds what was decided
and is on its way to the disk, so that commands which arrive while a commit
runs may build on one another and share the next commit. `situation` holds what
is durable; nobody outside sees another one.
Spec: docs/ledger.md §18
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from hotline.core.errors import HotlineError, StorageError
from hotline.core.exchange.commands import Command, Note
from hotline.core.exchange.decide import decide
from hotline.core.exchange.fold import apply
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.twin import twin
from hotline.core.records.checkpoint import Cosignature, parse_origin
from hotline.core.records.events import Event
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import WitnessedHead
from hotline.core.seams import Clock
from hotline.ledger.store import Ledger
from hotline.station.drafts import draft_of
from hotline.station.happenings import happenings
from hotline.station.requests import Beside, Recorded, Request, next_group

Commands = Callable[[Situation, int], Sequence[Command]]
"""Builds commands from the situation and the time at which they will be recorded."""


class Months(Protocol):
    """Who makes a new content key when a month begins (hotline.station.months)."""

    def due(self, now_ms: int) -> bool:
        """Return whether the month of `now_ms` has no key yet and one shall be made."""

    def turn(self, now_ms: int) -> Event | None:
        """Make the key, durably; return the event that says so, None if it failed.

        Runs on the writer's thread and may take a second.
        """


class Recorder:
    """The one writer of a line's ledger, and the situation that the ledger says is so.

    Attributes:
        situation: What is durable.
        failure: Why nothing is recorded any more, or None.
        fault: Is told what a listener raised.
    """

    def __init__(
        self,
        ledger: Ledger,
        rules: Rules,
        clock: Clock,
        *,
        start: Situation | None = None,
        months: Months | None = None,
    ) -> None:
        """Fold the ledger.

        Args:
            start: The situation after the first entries, or after an earlier generation,
                if it is known already: only what came later is folded. It is taken over.
            months: Makes the content key of a new month; None goes on under the old ones.
        Raises:
            IntegrityError: the ledger does not read.
        """
        self._ledger, self._rules, self._clock, self._months = ledger, rules, clock, months
        self.situation = start if start is not None else Situation()
        ours = self.situation.generation == parse_origin(ledger.origin).generation
        rest = ledger.entries(self.situation.length if ours else 0, ledger.size)
        for happening in happenings(rest, ledger.enclosure):
            apply(self.situation, happening)
        self._ahead = twin(self.situation)
        self._promised: dict[str, WitnessedHead] = {}
        self.failure: HotlineError | None = None
        self.fault: Callable[[Exception], None] = lambda _error: None
        self._queue: list[Request] = []
        self._work: asyncio.Task[None] | None = None
        self._turning: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        self._listeners.append(changed)

        def end() -> None:
            if changed in self._listeners:
                self._listeners.remove(changed)

        return end

    # --- deciding ------------------------------------------------------------------

    async def record(
        self,
        commands: Commands,
        *,
        witnessed: Sequence[WitnessedHead] = (),
        cosignatures: Sequence[Cosignature] = (),
        lasting: Sequence[LastingHead] = (),
    ) -> Recorded:
        """Decide the commands now, and return when they are durable.

        The commands of one call are decided against the situation before all of
        them; those of a later call see what this one decided. A caller that is
        cancelled (a link that breaks, a screen that closes) takes nothing back.

        Raises:
            OperatorError: a command may not be done now; nothing of this call is recorded.
            InvariantError: an event is over a bound; nothing of this call is recorded.
            StorageError, IntegrityError: it could not be made durable; the station must stop
                if `failure` is set, else nothing of this call is recorded.
        Spec: docs/ledger.md §18.1
        """
        if self.failure is None and self._months and self._months.due(self._clock()):
            await self._turn_month(self._months)
        beside = Beside(tuple(witnessed), tuple(cosignatures), tuple(lasting))
        return await asyncio.shield(self._decide(commands, beside))

    def _decide(self, commands: Commands, beside: Beside) -> asyncio.Future[Recorded]:
        if self.failure is not None:
            raise self.failure
        now_ms = self._clock()
        decisions = tuple(
            decide(self._ahead, self._rules, command, now_ms)
            for command in commands(self._ahead, now_ms)
        )
        planned = [event for decision in decisions for event in decision.events]
        drafts = tuple(draft_of(event, now_ms) for event in planned)
        first = self._ahead.length
        folded = tuple(
            Happening(first + place, now_ms, event.event, event.statement, event.signers)
            for place, event in enumerate(planned)
        )
        done: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        # It reads the disk and may fail: before anything is decided, or never.
        beside = self._promise(beside)
        self._go_ahead(folded)
        self._enqueue(Request(decisions, folded, drafts, beside, done))
        return done

    def _go_ahead(self, folded: Sequence[Happening]) -> None:
        try:
            for happening in folded:
                apply(self._ahead, happening)
        except Exception as error:
            # What is decided against is no longer what will be recorded.
            self.failure = _failure_of(error)
            raise

    def _promise(self, beside: Beside) -> Beside:
        """Leave out a witnessed head that another one has overtaken since it was judged.

        Only one that extends the newest one recorded or promised may follow it: the
        rows form a chain. The peer shows what was left out again.
        Spec: docs/ledger.md §18.2
        """
        kept, dropped, promised = [], set(), dict(self._promised)
        for head in beside.witnessed:
            before = promised.get(head.origin) or self._ledger.witnessed(head.origin)
            held_size = before.size if before else 0
            if head.old_size == held_size < head.size:
                promised[head.origin] = head
                kept.append(head)
            else:
                dropped.add(head.origin)
        lasting = tuple(one for one in beside.lasting if one.checkpoint.origin not in dropped)
        self._promised = promised
        return Beside(tuple(kept), beside.cosignatures, lasting)

    def _enqueue(self, request: Request) -> None:
        idle = self._work is None or self._work.done()
        if idle and not request.writes:
            request.done.set_result(Recorded(request.decisions, ()))
            return
        # Also what records nothing waits: it may rest on what is not durable yet.
        self._queue.append(request)
        if idle:
            self._work = asyncio.create_task(self._write())

    async def _turn_month(self, months: Months) -> None:
        """Let a new month begin with its key; whoever records meanwhile waits for it."""
        if self._turning is None or self._turning.done():
            self._turning = asyncio.create_task(self._turn(months, self._clock()))
        await asyncio.shield(self._turning)

    async def _turn(self, months: Months, now_ms: int) -> None:
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(self._writer, months.turn, now_ms)
        if made is not None:
            self._decide(lambda _situation, _now_ms: [Note((made,))], Beside())

    # --- writing -------------------------------------------------------------------

    async def _write(self) -> None:
        """Commit what is queued, again and again, until nothing is."""
        while self._queue:
            group, self._queue = next_group(self._queue)
            try:
                await self._commit(group)
                changed = self._publish(group)
            except BaseException as error:
                self._fail(group, error)
                if not isinstance(error, HotlineError):
                    raise
            else:
                if changed:
                    self._tell()

    async def _commit(self, group: Sequence[Request]) -> None:
        """Make one append of a group on the writer's thread: no sync holds up the console.

        When the whole program is stopped, the commit is waited for.
        """
        drafts = [draft for request in group for draft in request.drafts]
        witnessed = [head for request in group for head in request.beside.witnessed]
        cosignatures = [one for request in group for one in request.beside.cosignatures]
        lasting = [one for request in group for one in request.beside.lasting]
        if not (drafts or witnessed or cosignatures or lasting):
            return
        commit = asyncio.get_running_loop().run_in_executor(
            self._writer,
            lambda: self._ledger.append(
                drafts, witnessed=witnessed, cosignatures=cosignatures, lasting=lasting
            ),
        )
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            await asyncio.wait([commit])
            raise

    def _publish(self, group: Sequence[Request]) -> bool:
        """Fold what is durable and answer who waits; return whether anything was recorded."""
        changed = False
        for request in group:
            for happening in request.folded:
                apply(self.situation, happening)
            for head in request.beside.witnessed:
                if self._promised.get(head.origin) is head:
                    del self._promised[head.origin]
            changed = changed or request.writes
            request.done.set_result(Recorded(request.decisions, request.folded))
        return changed

    def _tell(self) -> None:
        """Call the listeners; what fails in a screen is its own fault, and stops nothing."""
        for listener in list(self._listeners):
            try:
                listener()
            except Exception as error:  # noqa: BLE001 - what is recorded stands, and work goes on
                self.fault(error)

    def _fail(self, group: Sequence[Request], error: BaseException) -> None:
        """Fail a group and all that was decided after it: it rests on what is not recorded."""
        self.failure = _failure_of(error)
        left, self._queue = [*group, *self._queue], []
        for request in left:
            request.fail(self.failure)

    # --- releasing -----------------------------------------------------------------

    def release(self) -> asyncio.Future[None]:
        """Begin at once to bring head.db to the newest head; it may leave when this is done.

        Raises:
            StorageError, IntegrityError: (when awaited) the head must not leave, and
                the station must stop.
        Spec: docs/ledger.md §10.2
        """
        loop = asyncio.get_running_loop()
        if self.failure is None and self._ledger.released_size == self._ledger.size:
            ready: asyncio.Future[None] = loop.create_future()
            ready.set_result(None)
            return ready
        return asyncio.ensure_future(self._released(self._begin_release(loop)))

    def _begin_release(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[object] | None:
        if self.failure is not None:
            return None
        return loop.run_in_executor(self._writer, self._ledger.release)

    async def _released(self, begun: asyncio.Future[object] | None) -> None:
        if begun is None:
            raise self.failure or StorageError("the station was closed")
        try:
            await begun
        except HotlineError as error:
            self.failure = self.failure or error
            raise

    async def close(self) -> None:
        """Wait for the last commit and close the ledger."""
        if self._turning is not None and not self._turning.done():
            # The key of a new month is being made: the event that says so is recorded, too.
            await asyncio.wait([self._turning])
        self.failure = self.failure or StorageError("the station was closed")
        if self._work is not None and not self._work.done():
            await asyncio.wait([self._work])
        self._fail((), self.failure)
        self._writer.shutdown(wait=True)
        self._ledger.close()


def _failure_of(error: BaseException) -> HotlineError:
    """Return what is said of a failure from now on."""
    if isinstance(error, HotlineError):
        return error
    return StorageError("the station was stopped while it was recording")
