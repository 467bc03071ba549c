"""A relay as a route: two ends that dial one real relay, and every way in which it may say no."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import HotlineError, InvariantError, LinkError
from hotline.core.values import sha256
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.transport.link import Timings
from hotline.transport.relay.calling import RelayAddress
from hotline.transport.relay.route import (
    LEAVE_MS,
    MAX_TRIES,
    Means,
    OwnMailbox,
    PeerMailbox,
    RelayRoute,
)
from hotline.transport.relay.store import Quota
from hotline.transport.tls import pinned
from tests.transport.relay.rig import Rig, new_box, new_key, open_sqlite, with_limits
from tests.transport.rig import FAST, mint

DEADLINE_S = 30.0


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - conditions of many sources, one deadline
            await asyncio.sleep(0.005)


@dataclass
class End:
    """One station's end: its route, and all that came out of it."""

    name: str
    box: bytes = field(default_factory=new_box)
    take: Ed25519Signer = field(default_factory=new_key)
    put: Ed25519Signer = field(default_factory=new_key)
    """Puts into `box`; the peer has it."""
    token: bytes = b""
    taken: list[bytes] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    route: RelayRoute | None = None
    before: Callable[[bytes], Awaitable[None]] | None = None

    @property
    def way(self) -> RelayRoute:
        assert self.route is not None
        return self.route

    async def on_cell(self, cell: bytes) -> None:
        if self.before is not None:
            await self.before(cell)
        self.taken.append(cell)

    async def on_state(self, state: str, reason: str) -> None:
        self.states.append((state, reason))

    def make(self, where: RelayAddress, peer: End, timings: Timings = FAST, **more: Any) -> End:
        theirs = [PeerMailbox(peer.box, peer.put), *more.pop("others", ())]
        means = Means(
            more.pop("now", system_clock),
            time.monotonic,
            lambda: 1.0,
            verify_ed25519,
            system_entropy,
            timings,
        )
        self.route = RelayRoute(
            "relay-a",
            peer.name,
            relay=where,
            ours=OwnMailbox(self.box, self.take, self.put.public_key, self.token),
            theirs=more.pop("theirs", theirs),
            means=means,
            on_cell=self.on_cell,
            on_state=self.on_state,
            on_fault=self.faults.append,
        )
        return self

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        work = asyncio.create_task(self.way.run())
        try:
            yield
        finally:
            await self.way.close()
            await asyncio.wait_for(work, DEADLINE_S)


def two(rig: Rig) -> tuple[End, End]:
    # These ends dial again at once; refused AUTHs of an address have a test of their own.
    with_limits(rig, failures_per_minute=100_000)
    return End("NORTH", token=rig.token()), End("SOUTH", token=rig.token())


async def refusal(end: End, size: int = 20) -> LinkError:
    """Send until the relay takes no more."""
    while True:
        try:
            await end.way.send(os.urandom(size))
        except LinkError as error:
            return error


@contextlib.asynccontextmanager
async def joined(rig: Rig, north: End, south: End, **more: Any) -> AsyncIterator[None]:
    """Both ends at work, and UP."""
    north.make(rig.where, south, **more)
    south.make(rig.where, north, **more)
    async with north.running(), south.running():
        await until(lambda: north.way.up and south.way.up)
        yield


async def test_two_ends_that_only_dial_make_their_mailboxes_and_exchange_cells(rig: Rig) -> None:
    """Spec: docs/transport.md §10.3, §10.4, §10.9"""
    north, south = two(rig)
    async with rig.running(), joined(rig, north, south):
        there = [os.urandom(300) for _ in range(20)]
        back = [os.urandom(300) for _ in range(20)]
        for one, other in zip(there, back, strict=True):
            await asyncio.gather(north.way.send(one), south.way.send(other))
        await until(lambda: len(south.taken) == len(north.taken) == 20)
        assert (south.taken, north.taken) == (there, back)
        assert 0 < await north.way.ping() < DEADLINE_S
        assert north.way.name == "relay-a"
        assert north.way.stores
    assert north.states[-1] == ("DOWN", "the route was closed")
    assert "UP" in [state for state, _ in north.states]
    assert not north.faults + south.faults


async def test_cells_wait_for_a_peer_that_is_away_and_come_once_in_order(rig: Rig) -> None:
    north, south = two(rig)
    async with rig.running():
        async with joined(rig, north, south):
            pass
        left = [os.urandom(200) for _ in range(5)]
        north.make(rig.where, south)
        async with north.running():
            await until(lambda: north.way.up)
            for cell in (*left, left[0]):
                await north.way.send(cell)
        south.make(rig.where, north)
        async with south.running():
            await until(lambda: len(south.taken) == 5)
        async with south.make(rig.where, north).running():
            await until(lambda: south.way.up)
            await south.way.ping()
        assert south.taken == left


async def test_route_is_not_up_before_the_peer_has_its_mailbox_but_takes(rig: Rig) -> None:
    """Spec: docs/transport.md §10.4, §10.7"""
    north, south = two(rig)
    async with rig.running(), contextlib.AsyncExitStack() as last:
        await last.enter_async_context(north.make(rig.where, south).running())
        await until(lambda: any("no mailbox" in why for _, why in north.states))
        assert not north.way.up
        with pytest.raises(LinkError):
            await north.way.send(b"too early")
        with pytest.raises(LinkError):
            await north.way.ping()
        await until(lambda: north.way._taking.session)
        # Somebody who may put there already: it is taken though we can answer nothing.
        async with rig.dial(north.box, north.put) as mailboxes:
            cell = os.urandom(100)
            await mailboxes.put(north.box, cell, system_clock() + LEAVE_MS)
        await until(lambda: north.taken == [cell])
        south.make(rig.where, north)
        async with south.running():
            await until(lambda: north.way.up and south.way.up)
            await north.way.send(b"now")
            await until(lambda: south.taken == [b"now"])


async def test_cell_is_consumed_only_after_it_was_taken(rig: Rig) -> None:
    """Spec: docs/transport.md §10.6"""
    north, south = two(rig)
    gate = asyncio.Event()

    async def wait(_: bytes) -> None:
        await gate.wait()

    async with rig.running() as store, joined(rig, north, south):
        south.before = wait
        await north.way.send(b"held")
        await asyncio.wait_for(south.way.ping(), DEADLINE_S)
        assert (await store.census()).cells == 1
        gate.set()
        async with asyncio.timeout(DEADLINE_S):
            while (await store.census()).cells:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.01)
        assert south.taken == [b"held"]


async def test_cell_that_the_station_fails_to_take_comes_again_and_is_given_up_at_last(
    rig: Rig,
) -> None:
    """Spec: docs/transport.md §10.6"""
    north, south = two(rig)
    tried: list[bytes] = []

    async def fail(cell: bytes) -> None:
        tried.append(cell)
        if cell == b"poison" or tried.count(cell) < 2:
            raise RuntimeError("a fault of the station")

    south.before = fail
    async with rig.running(), joined(rig, north, south):
        for cell in (b"shy", b"poison", b"plain"):
            await until(lambda: north.way.up)
            await north.way.send(cell)
        await until(lambda: south.taken[-1:] == [b"plain"])
    assert south.taken == [b"shy", b"plain"]
    assert tried.count(b"poison") == MAX_TRIES
    assert tried.count(b"shy") == 2
    assert len([one for one in south.faults if isinstance(one, RuntimeError)]) >= MAX_TRIES


async def test_relay_killed_and_started_again_loses_nothing(rig: Rig) -> None:
    north, south = two(rig)
    async with contextlib.AsyncExitStack() as ends:
        async with rig.running():
            await ends.enter_async_context(joined(rig, north, south))
            await north.way.send(b"before")
            await until(lambda: south.taken == [b"before"])
        await until(lambda: not north.way.up)
        with pytest.raises(LinkError):
            await north.way.send(b"nobody there")
        async with rig.running():
            await until(lambda: north.way.up and south.way.up)
            await north.way.send(b"after")
            await until(lambda: south.taken == [b"before", b"after"])
            await ends.aclose()


async def test_mailboxes_are_made_again_after_the_relay_lost_its_disk(rig: Rig) -> None:
    """Spec: docs/transport.md §10.3"""
    north, south = two(rig)
    async with contextlib.AsyncExitStack() as ends:
        async with rig.running():
            await ends.enter_async_context(joined(rig, north, south))
            await north.way.send(b"first")
            await until(lambda: south.taken == [b"first"])
        async with rig.running(open_sqlite(rig.home / "empty.db")):
            await until(lambda: north.way.up and south.way.up)
            # The same bytes: this disk has never seen them.
            await north.way.send(b"first")
            await until(lambda: south.taken == [b"first", b"first"])
            await ends.aclose()


@pytest.mark.parametrize("other", ["key", "certificate"])
async def test_another_relay_is_refused_with_a_fault_and_gets_no_cell(
    rig: Rig, tmp_path: Path, other: str
) -> None:
    """Spec: docs/transport.md §10.8"""
    north, south = two(rig)
    async with rig.running():
        stranger = mint(tmp_path, "STRANGER")
        changes: dict[str, dict[str, Any]] = {
            "key": {"key": new_key().public_key},
            "certificate": {"tls": pinned(stranger.der)},
        }
        north.make(replace(rig.where, **changes[other]), south)
        async with north.running():
            await until(lambda: any(state == "BLOCKED" for state, _ in north.states))
            assert not north.way.up
            await until(lambda: len(north.faults) == 1)
            # It is looked at again, and nobody is told twice.
            failures = rig.metrics.refused.total()
            await until(lambda: rig.metrics.refused.total() > failures or other == "certificate")
        assert [state for state, _ in north.states if state == "BLOCKED"] == ["BLOCKED"]
        assert len(north.faults) == 1
        assert isinstance(north.faults[0], LinkError)


async def test_token_of_another_mailbox_blocks_the_route(rig: Rig) -> None:
    """Spec: docs/transport.md §10.8"""
    north, south = two(rig)
    south.token = north.token
    async with rig.running():
        north.make(rig.where, south)
        south.make(rig.where, north)
        async with north.running():
            await until(lambda: north.way._taking.session)
            async with south.running():
                await until(lambda: any(state == "BLOCKED" for state, _ in south.states))
                assert any("another mailbox" in why for _, why in south.states)


async def test_next_certificate_is_pinned_beside_the_current_and_dates_end_nothing(
    rig: Rig, tmp_path: Path
) -> None:
    """Spec: docs/transport.md §10.8"""
    north, south = two(rig)
    before = mint(tmp_path, "BEFORE")
    rig.papers = mint(tmp_path, "EXPIRED", days_ago=90)
    async with rig.running():
        where = replace(rig.where, tls=pinned(before.der, rig.papers.der))
        north.make(where, south)
        south.make(where, north)
        async with north.running(), south.running():
            await until(lambda: north.way.up and south.way.up)


@pytest.mark.parametrize(
    ("quota", "size", "clause"),
    [(Quota(cells=1), 100, "is full"), (Quota(octets=1_000), 5_000, "is full")],
)
async def test_full_mailbox_is_said_and_left_alone_for_a_while(
    rig: Rig, quota: Quota, size: int, clause: str
) -> None:
    """Spec: docs/transport.md §10.7"""
    north, south = two(rig)
    async with rig.running(open_sqlite(rig.home / "small.db", quota=quota)):
        async with joined(rig, north, south):
            pass
        north.make(rig.where, south)
        async with north.running():
            await until(lambda: north.way.up)
            refused = await refusal(north, size)
            assert clause in str(refused)
            await until(lambda: not north.way.up)
            assert north.states[-1][0] == "DOWN"
            assert clause in north.states[-1][1]


async def test_relay_without_room_is_said(rig: Rig) -> None:
    north, south = two(rig)
    store = open_sqlite(rig.home / "full.db", floor_part=1.0)
    async with rig.running(store):
        north.token, south.token = rig.token(), rig.token()
        north.make(rig.where, south)
        async with north.running():
            await until(lambda: "FULL" in north.way.why)


async def test_clock_that_is_weeks_behind_is_said(rig: Rig) -> None:
    north, south = two(rig)
    async with rig.running(), joined(rig, north, south, now=lambda: 1_000):
        with pytest.raises(LinkError, match="clock"):
            await north.way.send(b"long ago")


async def test_mailbox_that_the_peer_gave_up_is_said_and_found_under_its_next_number(
    rig: Rig,
) -> None:
    """Spec: docs/transport.md §10.3, §10.7"""
    north, south = two(rig)
    later = End("SOUTH", token=south.token)
    others = [PeerMailbox(new_box(), new_key()), PeerMailbox(later.box, later.put)]
    async with rig.running(), joined(rig, north, south, others=others):
        await south.way.close()
        async with rig.dial(south.box, south.take) as mailboxes:
            await mailboxes.drop(south.box)
        assert "is gone" in str(await refusal(north))
        await until(lambda: "SOUTH has no mailbox there yet" in north.way.why)
        later.make(rig.where, north)
        async with later.running():
            await until(lambda: north.way.up)
            await north.way.send(b"found")
            await until(lambda: later.taken == [b"found"])


async def test_cell_that_expires_unread_is_reported(rig: Rig) -> None:
    """Spec: docs/transport.md §10.7"""
    north, south = two(rig)
    async with rig.running() as store:
        async with joined(rig, north, south):
            pass
        async with north.make(rig.where, south).running():
            await until(lambda: north.way.up)
            await north.way.send(b"unread")
            assert rig.premises is not None
            for box, cell_id in await store.expire(system_clock() + 2 * LEAVE_MS):
                assert cell_id == sha256(b"unread")
                rig.premises.hub.expired(box, cell_id)
            await until(lambda: north.faults)
            fault = north.faults[0]
            assert isinstance(fault, HotlineError)
            assert "expired" in fault.sentence()


@pytest.mark.parametrize("size", [0, 61_441])
async def test_cell_of_a_length_that_no_cell_has_is_our_bug(rig: Rig, size: int) -> None:
    north, south = two(rig)
    with pytest.raises(InvariantError):
        await north.make(replace(rig_where(rig), port=1), south).way.send(bytes(size))


def rig_where(rig: Rig) -> RelayAddress:
    return RelayAddress("127.0.0.1", 1, rig.relay_key.public_key, pinned(rig.papers.der))


async def test_route_that_is_cancelled_says_down_and_ends(rig: Rig) -> None:
    north, south = two(rig)
    async with rig.running():
        north.make(rig.where, south)
        work = asyncio.create_task(north.way.run())
        await until(lambda: north.way._taking.session)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await until(lambda: rig.metrics.sessions == 0)
        assert not north.way.up


def test_keys_and_tokens_are_not_shown() -> None:
    key, token = new_key(), os.urandom(32)
    shown = repr(OwnMailbox(bytes(16), key, bytes(32), token)) + repr(PeerMailbox(bytes(16), key))
    for secret in (repr(token), token.hex(), "Signer"):
        assert secret not in shown
