"""Relay processes over one NATS cluster of three: any of them may go at any time.

Spec: docs/transport.md §9.6, §9.10
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hotline.core.errors import StorageError
from hotline.transport.relay.nats_opening import open_nats
from hotline.transport.relay.nats_store import NatsStore
from tests.transport.relay.nats_servers import NatsServer, three_servers
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.rig import cell, later
from tests.transport.relay.traffic import Letters, balanced, dial
from tests.transport.rig import Papers, until

KEEP_S, CELLS_PER_BOX = 14 * 86_400, 1_000
MOST, PASSING = 950, 8
"""Cells of one mailbox, fewer than its quota; and those that pass between two kills."""

WAIT_S = 90.0


@dataclass
class Cluster:
    """Three servers and two relays; `token` admits a mailbox at either."""

    servers: list[NatsServer]
    relays: list[RelayProcess]

    def token(self) -> bytes:
        """Add a token to the admission file that the relays share."""
        return self.relays[0].token()

    @contextlib.asynccontextmanager
    async def looked_at(self) -> AsyncIterator[Stream]:
        """Look at the stream of cells as an operator may."""
        store = await open_nats(
            [one.url for one in self.servers],
            [one.monitor for one in self.servers],
            replicas=3,
            keep_s=KEEP_S,
            cells_per_box=CELLS_PER_BOX,
            clock=time.monotonic,
        )
        try:
            yield Stream(self, store)
        finally:
            await store.close()


@dataclass
class Stream:
    """Who leads the stream of cells, and who is behind."""

    cluster: Cluster
    store: NatsStore

    async def _asked(self) -> dict[str, Any]:
        while True:
            with contextlib.suppress(StorageError):
                about = await self.store._js.describe("hotline_cells")
                if about and about["cluster"].get("leader"):
                    return about
            await asyncio.sleep(0.05)

    async def leader(self) -> NatsServer:
        name = (await self._asked())["cluster"]["leader"]
        return next(one for one in self.cluster.servers if one.name == name)

    async def follower(self) -> NatsServer:
        leader = await self.leader()
        return next(one for one in self.cluster.servers if one is not leader and one.running)

    async def is_whole(self) -> bool:
        """Return whether every server has every cell."""
        others = (await self._asked())["cluster"].get("replicas") or []
        return len(others) == 2 and all(
            one.get("current") and not one.get("offline") for one in others
        )

    async def until_whole(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                if await self.is_whole():
                    return
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(
    binary: str, tmp_path_factory: pytest.TempPathFactory, relay_papers: Papers
) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    with three_servers(binary, home) as servers:
        monitors = [f"--nats-monitor=127.0.0.1:{one.http}" for one in servers]
        hosts = ",".join(one.url.removeprefix("nats://") for one in servers)
        store = (f"--store=nats://{hosts}", *monitors)
        relays = [RelayProcess(home / f"relay{at}", relay_papers, store) for at in (1, 2)]
        for one in relays:
            one.home.mkdir()
        (relays[0].home / "admission").touch(0o600)
        (relays[1].home / "admission").symlink_to(relays[0].home / "admission")
        # Whoever comes first makes the key and the streams.
        relays[0].start()
        shutil.copy(relays[0].home / "relay.key", relays[1].home)
        relays[1].start()
        yield Cluster(servers, relays)
        for one in relays:
            one.kill()


async def test_cell_put_at_one_relay_is_taken_at_another(cluster: Cluster) -> None:
    first, second = cluster.relays
    letters = Letters()
    assert first.key == second.key
    await letters.make_box(first.where, cluster.token())
    taking = asyncio.create_task(letters.keep_taking(second.where))
    letters.write(20)
    await letters.keep_putting(first.where)
    await until(lambda: letters.lost == 0)
    async with dial(first.where, letters.box, letters.sender) as out:
        await out.put(letters.box, letters.sent[0], later())
        await out.put(letters.box, one := cell(1_000), later())
    await until(lambda: one in letters.came)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert letters.order == [*letters.sent, one]
    assert not letters.again


def replace(server: NatsServer) -> None:
    """Start a killed server anew with nothing on its disk, as another machine would."""
    shutil.rmtree(server.home / server.name)
    server.start().wait()


async def lose_one_after_the_other(cluster: Cluster, letters: list[Letters]) -> None:
    """Kill a follower and replace it, then a relay, then the leader, amid traffic."""

    async def some_pass() -> None:
        goals = [one.put + PASSING for one in letters]
        await until(
            lambda: all(one.put >= goal for one, goal in zip(letters, goals, strict=True)), WAIT_S
        )

    async with cluster.looked_at() as stream:
        await some_pass()
        follower = await stream.follower()
        follower.kill()
        await some_pass()
        await asyncio.to_thread(replace, follower)
        await stream.until_whole()
        cluster.relays[0].kill()
        await some_pass()
        leader = await stream.leader()
        leader.kill()
        await some_pass()
        await asyncio.to_thread(leader.start().wait)
        await asyncio.to_thread(cluster.relays[0].start)
        await some_pass()


async def carry(cluster: Cluster) -> list[Letters]:
    """Send through kills; return a mailbox emptied all along, and one read in the end."""
    live, kept, stop = Letters(), Letters(), asyncio.Event()
    both = [live, kept]
    async with balanced([one.where for one in cluster.relays]) as where:
        for one in both:
            await one.make_box(where, cluster.token())
        writing = [asyncio.create_task(one.write_on(stop, MOST)) for one in both]
        putting = [asyncio.create_task(one.keep_putting(where)) for one in both]
        taking = [asyncio.create_task(live.keep_taking(where))]
        try:
            await lose_one_after_the_other(cluster, both)
            stop.set()
            async with asyncio.timeout(WAIT_S):
                await asyncio.gather(*writing, *putting)
            taking.append(asyncio.create_task(kept.keep_taking(where)))
            await until(lambda: all(set(one.came) == set(one.sent) for one in both), WAIT_S)
        finally:
            for task in (*taking, *putting, *writing):
                task.cancel()
            await asyncio.gather(*taking, *putting, *writing, return_exceptions=True)
    return both


def figures(letters: list[Letters]) -> str:
    """Return one line: what was put, lost, doubled, and how it went."""
    live, kept = letters
    return (
        f"{live.put + kept.put} cells put, lost {live.lost + kept.lost},"
        f" doubled {kept.again}; came again before they were consumed {live.again};"
        f" tried again {live.tries + kept.tries}, longest gap {max(live.gap_s, kept.gap_s):.1f} s"
    )


def check(letters: list[Letters]) -> None:
    """See that everything came, once, in its order."""
    for one in letters:
        assert one.put == len(one.sent)
        assert one.order == one.sent
    # Nobody took from the second mailbox while servers died: what comes twice is kept twice.
    assert not letters[1].again


async def test_cluster_loses_a_server_a_relay_and_its_leader_and_keeps_every_cell_once(
    cluster: Cluster,
) -> None:
    letters = await carry(cluster)
    print(figures(letters))  # noqa: T201  the figures
    check(letters)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_cluster_that_loses_one_part_after_the_other_keeps_every_cell_once(
    cluster: Cluster,
) -> None:
    end, rounds, put = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120")), 0, 0
    while time.monotonic() < end:
        letters = await carry(cluster)
        print(figures(letters))  # noqa: T201  the figures
        check(letters)
        rounds, put = rounds + 1, put + sum(one.put for one in letters)
    print(f"{rounds} rounds, {put} cells, 3 kills in each: lost 0, doubled 0")  # noqa: T201
    assert rounds
