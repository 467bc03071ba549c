"""Record, then act: decide, make it durable, fold it, tell those who wait (design law 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hotline.core.errors import StorageError
from hotline.core.exchange.commands import Command
from hotline.core.exchange.decide import Decision, Planned, decide
from hotline.core.exchange.fold import apply, fold
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records.checkpoint import Cosignature
from hotline.core.records.entry import Draft
from hotline.core.records.events import encode_event
from hotline.core.records.witness import WitnessedHead
from hotline.core.seams import Clock
from hotline.ledger.store import Ledger
from hotline.station.happenings import happenings

Commands = Callable[[Situation, int], Sequence[Command]]
"""Builds commands from the situation and the time at which they will be recorded."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became durable together: a decision per command, and the happenings."""

    decisions: tuple[Decision, ...]
    happenings: tuple[Happening, ...]


class Recorder:
    """The one writer of a line's ledger, and the situation that the ledger says is so."""

    def __init__(self, ledger: Ledger, rules: Rules, clock: Clock) -> None:
        """Fold the whole ledger.

        Raises:
            IntegrityError: the ledger does not read.
        """
        self._ledger, self._rules, self._clock = ledger, rules, clock
        self.situation = fold(happenings(ledger.entries(0, ledger.size), ledger.enclosure))
        self.failure: StorageError | None = None
        self._turn = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        self._listeners.append(changed)

        def end() -> None:
            if changed in self._listeners:
                self._listeners.remove(changed)

        return end

    async def record(
        self,
        commands: Commands,
        *,
        witnessed: Sequence[WitnessedHead] = (),
        cosignatures: Sequence[Cosignature] = (),
    ) -> Recorded:
        """Decide the commands and record them, one commit for all.

        Each command is decided against the situation before all of them, so
        they must not build on one another.

        Raises:
            OperatorError: a command may not be done now; nothing was recorded.
            StorageError: it could not be made durable; the station must stop.
        """
        # A caller may be cancelled (a link that breaks, a screen that closes):
        # what it began is finished all the same, or ledger and situation part.
        work = asyncio.create_task(self._record(commands, witnessed, cosignatures))
        return await asyncio.shield(work)

    async def _record(
        self,
        commands: Commands,
        witnessed: Sequence[WitnessedHead],
        cosignatures: Sequence[Cosignature],
    ) -> Recorded:
        async with self._turn:
            if self.failure is not None:
                raise self.failure
            now_ms = self._clock()
            decisions = tuple(
                decide(self.situation, self._rules, command, now_ms)
                for command in commands(self.situation, now_ms)
            )
            planned = [event for decision in decisions for event in decision.events]
            if not planned and not witnessed and not cosignatures:
                return Recorded(decisions, ())
            first = self._ledger.size
            await self._append(
                [_draft(event, now_ms) for event in planned], witnessed, cosignatures
            )
            folded = tuple(
                Happening(first + place, now_ms, event.event, event.statement)
                for place, event in enumerate(planned)
            )
            for happening in folded:
                apply(self.situation, happening)
        for changed in list(self._listeners):
            changed()
        return Recorded(decisions, folded)

    async def _append(
        self,
        drafts: Sequence[Draft],
        witnessed: Sequence[WitnessedHead],
        cosignatures: Sequence[Cosignature],
    ) -> None:
        """Commit on the writer's thread: an fsync must not hold up the console.

        When the whole program is stopped, the commit is waited for; nothing may
        be recorded after it, because it was not folded.
        """
        loop = asyncio.get_running_loop()
        commit = loop.run_in_executor(
            self._writer,
            lambda: self._ledger.append(drafts, witnessed=witnessed, cosignatures=cosignatures),
        )
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            await asyncio.wait([commit])
            self.failure = StorageError("the station was stopped while it was recording")
            raise
        except StorageError as error:
            self.failure = error
            raise

    async def close(self) -> None:
        """Wait for the last commit and close the ledger."""
        async with self._turn:
            self.failure = self.failure or StorageError("the station was closed")
            self._writer.shutdown(wait=True)
            self._ledger.close()


def _draft(planned: Planned, now_ms: int) -> Draft:
    return Draft(
        kind=planned.event.kind,
        content=encode_event(planned.event),
        recorded_at_ms=now_ms,
        subject=planned.subject,
        enclosure=planned.item,
        public=planned.public,
    )
