"""Senders and recipients that never give up, as stations do, and a balancer before relays.

A sender puts the same bytes until a relay says that it has them; a recipient keeps what
it got by digest, as a ledger does, and comes back to whichever relay answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import LinkError
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.transport.relay.calling import RelayAddress, open_mailboxes
from hotline.transport.relay.client import Mailboxes
from hotline.transport.relay.frames import NO_TOKEN
from tests.fakes.proxy import FaultProxy
from tests.transport.relay.rig import cell, later, new_box, new_key
from tests.transport.rig import FAST

AGAIN_S = 0.02
"""Between two attempts of somebody who found no relay."""

PACE_S = 0.08
"""Between two cells of somebody who writes on and on."""


def dial(
    where: RelayAddress, box: bytes, key: Ed25519Signer, token: bytes = NO_TOKEN
) -> contextlib.AbstractAsyncContextManager[Mailboxes]:
    """Open a session of one mailbox key."""
    return open_mailboxes(
        where,
        box,
        key,
        token=token,
        verifier=verify_ed25519,
        entropy=system_entropy,
        timings=FAST,
    )


@contextlib.asynccontextmanager
async def balanced(relays: Sequence[RelayAddress]) -> AsyncIterator[RelayAddress]:
    """Give one address for relays with one key: each connection goes to the next of them."""
    turns = itertools.cycle([(one.host, one.port) for one in relays])
    async with FaultProxy(lambda: next(turns)) as proxy:
        yield RelayAddress(*proxy.address, relays[0].key, relays[0].tls)


@dataclass
class Letters:
    """What one sender has to say to one recipient by one mailbox.

    Attributes:
        sent: Every cell, in the order in which it is put.
        put: How many of them a relay says it has.
        open: More will be written, so that the sender waits for it.
        tries: How often a cell was put, or a session opened, in vain.
        gap_s: The longest time between two cells that a relay took.
        came: How often each cell came.
        order: The cells in the order in which each came first.
        delays_s: From the first attempt to put a cell until it came, in that order.
    """

    box: bytes = field(default_factory=new_box)
    recipient: Ed25519Signer = field(default_factory=new_key)
    sender: Ed25519Signer = field(default_factory=new_key)
    sent: list[bytes] = field(default_factory=list)
    put: int = 0
    open: bool = False
    tries: int = 0
    gap_s: float = 0.0
    came: Counter[bytes] = field(default_factory=Counter)
    order: list[bytes] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    _last_s: float = 0.0
    _began_s: dict[bytes, float] = field(default_factory=dict)

    def write(self, cells: int, size: int = 500) -> None:
        """Add cells to put."""
        self.sent += [cell(size) for _ in range(cells)]

    async def write_on(self, stop: asyncio.Event, most: int) -> None:
        """Write a cell now and then, until told to stop or until there are `most`."""
        self.open = True
        while not stop.is_set() and len(self.sent) < most:
            self.write(1)
            await asyncio.sleep(PACE_S)
        self.open = False

    async def make_box(self, where: RelayAddress, token: bytes) -> None:
        """Make the mailbox; asked again until a relay answers."""
        while True:
            with contextlib.suppress(LinkError):
                async with dial(where, self.box, self.recipient, token) as mine:
                    await mine.create(self.box, self.sender.public_key, token)
                    return
            await asyncio.sleep(AGAIN_S)

    async def keep_putting(self, where: RelayAddress) -> None:
        """Do what an outbox does: the same bytes, until a relay has them."""
        while self.open or self.put < len(self.sent):
            with contextlib.suppress(LinkError):
                async with dial(where, self.box, self.sender) as out:
                    await self._put_all(out)
                    return
            self.tries += 1
            await asyncio.sleep(AGAIN_S)

    async def _put_all(self, out: Mailboxes) -> None:
        while self.open or self.put < len(self.sent):
            if self.put == len(self.sent):
                await asyncio.sleep(AGAIN_S)
                continue
            sealed = self.sent[self.put]
            self._began_s.setdefault(sealed, time.monotonic())
            await out.put(self.box, sealed, later())
            self.put += 1
            now = time.monotonic()
            self.gap_s = max(self.gap_s, now - (self._last_s or now))
            self._last_s = now

    async def keep_taking(self, where: RelayAddress) -> None:
        """Take what comes, from whichever relay answers, until cancelled."""
        while True:
            with contextlib.suppress(LinkError):
                async with dial(where, self.box, self.recipient) as mine:
                    await mine.subscribe(self.box, self._take)
                    await mine.ended()
            await asyncio.sleep(AGAIN_S)

    async def _take(self, sealed: bytes) -> None:
        if sealed not in self.came:
            self.order.append(sealed)
            now = time.monotonic()
            self.delays_s.append(now - self._began_s.get(sealed, now))
        self.came[sealed] += 1

    @property
    def lost(self) -> int:
        """How many of the cells that a relay took have not come."""
        return len(set(self.sent[: self.put]) - set(self.came))

    @property
    def again(self) -> int:
        """How many came that had come before; a ledger refuses them by their digest."""
        return sum(self.came.values()) - len(self.came)
