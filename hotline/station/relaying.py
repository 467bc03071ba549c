"""The relays of a line as routes to its peers, from what relays.json and line.key hold.

Spec: docs/transport.md §10.1 to §10.4
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from hotline.sealing.ed25519 import SEED_BYTES, Ed25519Signer, verify_ed25519
from hotline.sealing.mailboxes import MAX_NUMBER, mailbox_of
from hotline.station.bundle import RoutePlan
from hotline.station.line import Line
from hotline.station.relays import LineRelay, read_relays
from hotline.transport.link import Timings
from hotline.transport.relay.route import Means, OwnMailbox, PeerMailbox, RelayRoute
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState, Route

TOKEN_BYTES = 32


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
        if own_mailbox(line, peer, relay) is not None
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
    ours = own_mailbox(line, peer, relay)
    assert ours is not None, "only what has a mailbox is planned"
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


def own_mailbox(line: Line, peer: str, relay: LineRelay) -> OwnMailbox | None:
    """Return our mailbox at a relay for what the peer's console in office sends.

    Returns:
        None where line.key or relays.json holds none: the relay was added for another line,
        or for another console.
    """
    keys, number = line.peers[peer], relay.number_for(peer)
    opening = keys.store.opening(relay.name, peer) if keys.store is not None else b""
    if number is None or not keys.held.mailboxes or len(opening) != TOKEN_BYTES + SEED_BYTES:
        return None
    box = mailbox_of(
        keys.held.mailboxes,
        relay=bytes.fromhex(relay.card.key),
        recipient=line.station,
        endpoint=line.endpoint,
        number=number,
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
