"""Asking outside witnesses to countersign our hourly and closing heads.

A witness is asked beside everything else: whether it answers holds up nothing,
and how it stands is recorded once for each change.
Spec: docs/ledger.md §16.10
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hotline.core.canonical import MAX_INTEGER
from hotline.core.errors import LinkError, PeerError
from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from hotline.core.records.checkpoint import Checkpoint, Cosignature
from hotline.core.records.witness_answer import (
    Cosigned,
    Declined,
    Holds,
    WitnessState,
    judge_held,
    read_answer,
)
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station.outsiders import Outsider
from hotline.transport.posting import post

ADD_CHECKPOINT = "add-checkpoint"
MAX_ROUNDS = 3
"""Requests for one head: a witness may name the size that it holds, and once more."""

MAX_DOUBLINGS = 16
"""Beyond it the cap decides anyway."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a witness is waited for, in seconds.

    Attributes:
        timeout_s: For one request.
        retry_s: Until a silent witness is asked again; it doubles up to `retry_cap_s`.
        close_s: How long the end of a watch waits for the answers to its head.
    """

    timeout_s: float = 10.0
    retry_s: float = 30.0
    retry_cap_s: float = 1_800.0
    close_s: float = 5.0

    def pause_s(self, failures: int) -> float | None:
        """Return the wait after so many silences in a row; None: until there is a new head."""
        if not failures:
            return None
        doubled_s: float = self.retry_s * 2 ** min(failures - 1, MAX_DOUBLINGS)
        return min(self.retry_cap_s, doubled_s)


class Recording(Protocol):
    """Makes a cosignature, or an event, durable."""

    def __call__(
        self, events: Sequence[ev.Event], cosignatures: Sequence[Cosignature]
    ) -> Awaitable[object]:
        """Return when it is."""


class Cosigning:
    """Shows our newest long-signed head to each outside witness until it has countersigned it."""

    def __init__(
        self,
        ledger: Ledger,
        outsiders: Sequence[Outsider],
        wanted: Callable[[], int],
        release: Callable[[], Awaitable[None]],
        record: Recording,
        fault: Callable[[Exception], None],
    ) -> None:
        """Prepare; nothing is asked before `run`.

        Args:
            wanted: Size of the newest head that shall be countersigned, 0 for none yet.
            release: Is done when head.db holds our newest head.
            fault: Is told what went wrong with the asking itself.
        """
        self._ledger, self._outsiders, self._wanted = ledger, tuple(outsiders), wanted
        self._release, self._record, self._fault = release, record, fault
        self._calls = {one.key.name: asyncio.Event() for one in self._outsiders}
        self._answered = asyncio.Condition()
        self._tried: dict[str, int] = {}
        self.patience = Patience()

    def wake(self) -> None:
        """There is a new head to show."""
        for call in self._calls.values():
            call.set()

    async def run(self) -> None:
        """Ask until cancelled; a witness that fails stops nobody."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._outsiders:
                tasks.create_task(self._keep(one))

    async def settle(self) -> None:
        """Wait, for as long as a close may take, until each was asked about the newest head."""
        wanted = self._wanted()

        def done() -> bool:
            return all(
                max(self._tried.get(name, 0), self._ledger.cosigned_size(name)) >= wanted
                for name in self._calls
            )

        try:
            async with asyncio.timeout(self.patience.close_s), self._answered:
                await self._answered.wait_for(done)
        except TimeoutError:
            return

    async def _keep(self, outsider: Outsider) -> None:
        call, failures = self._calls[outsider.key.name], 0
        while True:
            call.clear()
            failures = failures + 1 if await self._ask_again(outsider) else 0
            try:
                async with asyncio.timeout(self.patience.pause_s(failures)):
                    await call.wait()
            except TimeoutError:
                continue

    async def _ask_again(self, outsider: Outsider) -> bool:
        """Ask if there is something to ask; return whether to try again without a new head."""
        name, wanted = outsider.key.name, self._wanted()
        if self._ledger.cosigned_size(name) >= wanted:
            return False
        try:
            answer = await self._ask(outsider, wanted)
            await self._take(outsider, answer)
        except Exception as error:  # noqa: BLE001 - a witness must not end the station
            self._fault(error)
            return True
        finally:
            async with self._answered:
                self._tried[name] = wanted
                self._answered.notify_all()
        return isinstance(answer, Declined) and answer.state is WitnessState.SILENT

    async def _ask(self, outsider: Outsider, wanted: int) -> Cosigned | Declined:
        """Show a head, from the size that the witness holds, as far as it says so.

        Spec: docs/ledger.md §16.10
        """
        await self._release()
        old = self._ledger.cosigned_size(outsider.key.name)
        size = wanted
        for _ in range(MAX_ROUNDS):
            head = Checkpoint(self._ledger.origin, size, self._ledger.root_at(size))
            try:
                answer = await self._show(outsider, head, old)
            except LinkError as error:
                return Declined(WitnessState.SILENT, str(error))
            except PeerError as error:
                return Declined(WitnessState.REFUSES, f"its answer is not acceptable: {error}")
            if not isinstance(answer, Holds):
                return answer
            ours = self._ledger.size
            declined = judge_held(answer.size, old, head, ours)
            if declined is not None:
                return declined
            # It may hold a newer head than the hourly one: somebody showed it by hand.
            old, size = answer.size, size if answer.size <= size else ours
            await self._release()
        return Declined(WitnessState.REFUSES, "it names another size each time it is asked", old)

    async def _show(
        self, outsider: Outsider, head: Checkpoint, old: int
    ) -> Cosigned | Holds | Declined:
        proof = tuple(self._ledger.prove_consistency(old, head.size)) if old else ()
        note = self._ledger.head(head.size)
        reply = await post(
            outsider.destination,
            ADD_CHECKPOINT,
            encode_add_checkpoint(AddCheckpoint(old, proof, note)),
            trust=outsider.trust,
            timeout_s=self.patience.timeout_s,
        )
        return read_answer(reply.status, reply.body, head, outsider.key, verify_ed25519)

    async def _take(self, outsider: Outsider, answer: Cosigned | Declined) -> None:
        """Make a cosignature durable, and how the witness stands if that is news.

        Spec: docs/ledger.md §16.11
        """
        if isinstance(answer, Cosigned):
            size, given = answer.cosignature.checkpoint.size, [answer.cosignature]
            stands = Declined(WitnessState.COSIGNS, f"it countersigned the first {size}", size)
        else:
            stands, given = answer, []
        told = ev.WitnessAnswered(
            witness=outsider.key.name,
            state=stands.state.value,
            held_size=min(stands.held_size, MAX_INTEGER),
            our_size=self._ledger.size,
            reason=stands.reason[: ev.MAX_REASON_CHARACTERS],
        )
        await self._record([told], given)
