"""What waits to be recorded: decided, drafted, with the rows that go beside it.

Spec: docs/ledger.md §18.1, §18.2
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.errors import HotlineError
from hotline.core.exchange.decision import Decision
from hotline.core.exchange.situation import Happening
from hotline.core.records.checkpoint import Cosignature
from hotline.core.records.entry import Draft
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import WitnessedHead

MAX_GROUP_EVENTS = 1_024
"""Events that one commit takes; what waits beyond goes into the next."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became durable together: a decision per command, and the happenings."""

    decisions: tuple[Decision, ...]
    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows that stand beside the log and go into the commit of what they came with."""

    witnessed: tuple[WitnessedHead, ...] = ()
    cosignatures: tuple[Cosignature, ...] = ()
    lasting: tuple[LastingHead, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.witnessed or self.cosignatures or self.lasting)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `Recorder.record`, decided and not durable yet.

    Attributes:
        folded: What is folded when it is durable; `drafts`: what is written of it.
        done: Resolved when it is durable, or failed with all that it rests on.
    """

    decisions: tuple[Decision, ...]
    folded: tuple[Happening, ...]
    drafts: tuple[Draft, ...]
    beside: Beside
    done: asyncio.Future[Recorded]

    @property
    def writes(self) -> bool:
        """Whether anything of it goes to the disk."""
        return bool(self.drafts or self.beside)

    def fail(self, error: HotlineError) -> None:
        """Tell who waits that it will not become durable."""
        if not self.done.done():
            self.done.set_exception(error)
            # A caller that was cancelled never asks for it.
            self.done.exception()


def next_group(queue: Sequence[Request]) -> tuple[list[Request], list[Request]]:
    """Split a queue into what the next commit takes, never nothing, and what waits on."""
    count = events = 0
    for request in queue:
        events += len(request.drafts)
        if count and events > MAX_GROUP_EVENTS:
            break
        count += 1
    return list(queue[:count]), list(queue[count:])
