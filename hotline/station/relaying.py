"""The relays of a line as routes to its peers, from what relays.json and line.key hold.

Spec: docs/transport.md §10.1 to §10.4
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from hotline.core.errors import LinkError
from hotline.sealing.ed25519 import SEED_BYTES, Ed25519Signer, verify_ed25519
from hotline.sealing.mailboxes import MAX_NUMBER, mailbox_of
from hotline.station.bundle import RoutePlan
from hotline.station.line import Line, PeerKeys
from hotline.station.line_keys import LineKeys
from hotline.station.relays import LineRelay, OurMailbox, read_relays
from hotline.transport.link import State, Timings
from hotline.transport.relay.route import Means, OwnMailbox, PeerMailbox, RelayRoute
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState, Route

TOKEN_BYTES = 32
AGAIN = "remove it with hotline line relay remove, and add it again"


class Laid(Protocol):
    """A line as its directory describes it, with or without an open ledger."""

    @property
    def directory(self) -> Path:
        """Of the line."""

    @property
    def line(self) -> Line:
        """Its keys and roster."""


def relay_plans(
    opened: Laid, peer: str, *, monotonic: Monotonic, chance: Chance, timings: Timings
) -> Sequence[RoutePlan]:
    """Return the relays of the line as routes to a peer, the preferred one first.

    Raises:
        OperatorError: relays.json is wrong.
        StorageError: the disk.
    """
    line = opened.line
    means = Means(line.clock, monotonic, chance, verify_ed25519, line.entropy, timings)
    return [
        RoutePlan(relay.name, partial(_make, line, peer, relay, means), relay.priority)
        for relay in read_relays(opened.directory).relays
    ]


def _make(
    line: Line,
    peer: str,
    relay: LineRelay,
    means: Means,
    on_cell: OnCell,
    on_state: OnState,
    on_fault: OnFault,
) -> Route:
    mailbox = relay.mailbox_for(peer)
    ours = own_mailbox(line, relay, mailbox) if mailbox is not None else None
    if mailbox is None or ours is None:
        return ShutRoute(relay.name, f"this home has no key for {relay.name}: {AGAIN}", on_state)
    if mailbox.endpoint != line.peers[peer].endpoint:
        why = f"the mailbox at {relay.name} is for a console of {peer} that was left behind"
        return ShutRoute(relay.name, f"{why}: {AGAIN}", on_state)
    return RelayRoute(
        relay.name,
        peer,
        relay=relay.card.address,
        ours=ours,
        theirs=[_peer_mailbox(line, peer, relay, number) for number in range(MAX_NUMBER + 1)],
        means=means,
        on_cell=on_cell,
        on_state=on_state,
        on_fault=on_fault,
    )


def keys_towards(line: Line, peer: str, endpoint: int) -> PeerKeys | None:
    """Return the keys towards one console of a peer, in office or not; None: there are none."""
    in_office = line.peers[peer]
    return in_office if in_office.endpoint == endpoint else line.aside.get((peer, endpoint))


def key_stores(line: Line) -> list[LineKeys]:
    """Return the key files of the line, line.key before those towards spare consoles."""
    keys = sorted([*line.peers.values(), *line.aside.values()], key=lambda one: one.endpoint)
    return list({id(one.store): one.store for one in keys if one.store is not None}.values())


def own_mailbox(line: Line, relay: LineRelay, mailbox: OurMailbox) -> OwnMailbox | None:
    """Return our mailbox at a relay with what opens it; None where this home has no key for it."""
    keys = keys_towards(line, mailbox.peer, mailbox.endpoint)
    found = [store.opening(relay.name, mailbox.peer) for store in key_stores(line)]
    opening = next((one for one in found if len(one) == TOKEN_BYTES + SEED_BYTES), None)
    if keys is None or not keys.held.mailboxes or opening is None:
        return None
    box = mailbox_of(
        keys.held.mailboxes,
        relay=bytes.fromhex(relay.card.key),
        recipient=line.station,
        endpoint=line.endpoint,
        number=mailbox.number,
    )
    token, seed = opening[:TOKEN_BYTES], opening[TOKEN_BYTES:]
    sender = Ed25519Signer(box.put_seed).public_key
    return OwnMailbox(box.id, Ed25519Signer(seed), sender, token)


def _peer_mailbox(line: Line, peer: str, relay: LineRelay, number: int) -> PeerMailbox:
    box = mailbox_of(
        line.peers[peer].held.mailboxes,
        relay=bytes.fromhex(relay.card.key),
        recipient=peer,
        endpoint=line.peers[peer].endpoint,
        number=number,
    )
    return PeerMailbox(box.id, Ed25519Signer(box.put_seed))


class ShutRoute:
    """Stands for a relay that this station cannot use: it says so, and carries nothing."""

    stores = True

    def __init__(self, name: str, why: str, on_state: OnState) -> None:
        """Prepare to say why."""
        self._name, self._why, self._on_state = name, why, on_state
        self._closed = asyncio.Event()

    @property
    def name(self) -> str:
        """The relay's name in settings and events."""
        return self._name

    @property
    def up(self) -> bool:
        """Never."""
        return False

    async def run(self) -> None:
        """Say BLOCKED, once, and wait for the end."""
        await self._on_state(str(State.BLOCKED), self._why)
        await self._closed.wait()

    async def send(self, cell: bytes) -> None:  # noqa: ARG002 - a Route takes one
        """Refuse; see `Route.send`."""
        raise LinkError(self._why)

    async def ping(self) -> float:
        """Refuse; see `Route.ping`."""
        raise LinkError(self._why)

    async def close(self) -> None:
        """Let `run` return."""
        self._closed.set()
