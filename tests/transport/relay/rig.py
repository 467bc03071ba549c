"""A relay with a real store, socket and TLS; keys, tokens and sessions to use it with."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.transport.link import Timings
from hotline.transport.relay.admission import Admission
from hotline.transport.relay.calling import RelayAddress, open_mailboxes
from hotline.transport.relay.client import Mailboxes
from hotline.transport.relay.frames import NO_TOKEN
from hotline.transport.relay.limits import Limits
from hotline.transport.relay.metrics import Metrics
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.room import Room
from hotline.transport.relay.server import Relay
from hotline.transport.relay.sqlite_store import SqliteStore
from hotline.transport.relay.store import Quota, RelayStore
from hotline.transport.tls import pinned
from tests.transport.rig import FAST, Papers

HOUR_MS = 3_600_000
ROOMY = {"floor_part": 0.0, "ballast_bytes": 4096}
_numbers = itertools.count(1)


def later(hours: float = 1) -> int:
    return system_clock() + int(hours * HOUR_MS)


def new_key() -> Ed25519Signer:
    return Ed25519Signer(system_entropy(32))


def new_box() -> bytes:
    return system_entropy(16)


def cell(size: int = 200) -> bytes:
    return b"%012d" % next(_numbers) + os.urandom(size)


def open_sqlite(
    path: Path, *, quota: Quota | None = None, kind: type[SqliteStore] = SqliteStore, **room: Any
) -> SqliteStore:
    return kind(
        path,
        quota=quota or Quota(),
        room=Room(path, **(ROOMY | room)),
        clock=time.monotonic,
        on_commit=lambda _, __: None,
    )


@dataclass
class Tally:
    """What the relay told its log."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, **fields: str | int | float) -> None:
        self.events.append((event, fields))


@dataclass
class Rig:
    """One relay; `papers` are its certificate."""

    home: Path
    papers: Papers
    limits: Limits = field(default_factory=lambda: Limits(timings=FAST, strangers_per_address=64))
    relay_key: Ed25519Signer = field(default_factory=new_key)
    metrics: Metrics = field(default_factory=Metrics)
    tally: Tally = field(default_factory=Tally)
    clock: Callable[[], int] = system_clock
    address: tuple[str, int] = ("", 0)
    premises: Premises | None = None
    relay: Relay | None = None

    @property
    def admission(self) -> Path:
        path = self.home / "admission"
        if not path.exists():
            path.touch(0o600)
        return path

    def token(self) -> bytes:
        token = system_entropy(32)
        with self.admission.open("a") as file:
            file.write(token.hex() + "\n")
        return token

    @contextlib.asynccontextmanager
    async def running(self, store: RelayStore | None = None) -> AsyncIterator[RelayStore]:
        kept = store or open_sqlite(self.home / "relay.db")
        bound: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self.premises = Premises(
            store=kept,
            limits=self.limits,
            metrics=self.metrics,
            admission=Admission(self.admission),
            clock=self.clock,
            monotonic=time.monotonic,
            tell=self.tally,
        )
        relay = Relay(
            self.premises,
            host="127.0.0.1",
            port=self.address[1],
            bound=lambda host, port: bound.set_result((host, port)),
            identity=self.papers.identity,
            signer=self.relay_key,
            verifier=verify_ed25519,
            entropy=system_entropy,
        )
        self.relay = relay
        work = asyncio.create_task(relay.run())
        try:
            await asyncio.wait([work, bound], return_when=asyncio.FIRST_COMPLETED, timeout=20)
            self.address = bound.result()
            yield kept
        finally:
            work.cancel()
            await asyncio.wait([work], timeout=20)
            await kept.close()

    @property
    def where(self) -> RelayAddress:
        host, port = self.address
        return RelayAddress(host, port, self.relay_key.public_key, pinned(self.papers.der))

    def dial(
        self, box: bytes, key: Ed25519Signer, token: bytes = NO_TOKEN, **changes: Any
    ) -> contextlib.AbstractAsyncContextManager[Mailboxes]:
        settings: dict[str, Any] = {"timings": FAST, "entropy": system_entropy}
        where = changes.pop("where", self.where)
        return open_mailboxes(
            where, box, key, token=token, verifier=verify_ed25519, **(settings | changes)
        )

    async def made_box(self, recipient: Ed25519Signer, sender: Ed25519Signer) -> bytes:
        """Make a mailbox over the wire."""
        box, token = new_box(), self.token()
        async with self.dial(box, recipient, token) as mailboxes:
            await mailboxes.create(box, sender.public_key, token)
        return box


def with_limits(rig: Rig, **changes: Any) -> Rig:
    rig.limits = replace(rig.limits, **changes)
    return rig


def slow(**changes: Any) -> Timings:
    return replace(FAST, **changes)
