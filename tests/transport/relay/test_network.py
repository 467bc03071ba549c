"""A network of 57 stations through one relay process, every mailbox with its own keys.

The stations stand in a ring: each has a mailbox for what its neighbour sends, and is a
sender at the next one's, so that every one of them is both. Nobody's outbox waits for
another's.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.traffic import Letters
from tests.transport.rig import Papers, until

STATIONS = 57
AT_ONCE = 16
"""Mailboxes that are made at once: fewer than the strangers whom a relay lets wait."""

WAIT_S = 90.0
MAX_SESSION_KIB = 250
"""An idle session of a station takes less; bench/bench_relay.py says how much."""


@pytest.fixture
def relay(tmp_path: Path, relay_papers: Papers) -> Iterator[RelayProcess]:
    process = RelayProcess(tmp_path, relay_papers).start()
    yield process
    process.kill()


def resident_kib(relay: RelayProcess) -> int:
    assert relay.running is not None
    rows = Path(f"/proc/{relay.running.pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1])


@dataclass
class Network:
    """A ring of stations; `mailboxes[n]` is where station n hears the one before it."""

    relay: RelayProcess
    mailboxes: list[Letters] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self, stations: int) -> None:
        """Make every mailbox, and let every recipient wait at its own."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def make(letters: Letters) -> None:
            async with slots:
                await letters.make_box(self.relay.where, self.relay.token())

        self.mailboxes = [Letters() for _ in range(stations)]
        await asyncio.gather(*map(make, self.mailboxes))
        for letters in self.mailboxes:
            self.tasks.append(asyncio.create_task(letters.keep_taking(self.relay.where)))
        await until(lambda: self.sessions == stations, WAIT_S)

    @property
    def sessions(self) -> int:
        row = next(
            row
            for row in self.relay.page("metrics")[1].splitlines()
            if row.startswith("hotline_relay_sessions ")
        )
        return int(float(row.split()[1]))

    @property
    def came(self) -> int:
        return sum(len(one.came) for one in self.mailboxes)

    async def say(self, cells: int) -> None:
        """Let every station send `cells` more to the next one; return when all have come."""
        for letters in self.mailboxes:
            letters.write(cells)
        where = self.relay.where
        putting = [asyncio.create_task(one.keep_putting(where)) for one in self.mailboxes]
        self.tasks += putting
        await until(lambda: all(set(one.came) == set(one.sent) for one in self.mailboxes), WAIT_S)
        await asyncio.gather(*putting)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def network(relay: RelayProcess) -> Iterator[Network]:
    ring = Network(relay)
    yield ring
    await ring.close()


def figures(mailboxes: Sequence[Letters]) -> str:
    """Return one line: what was sent, lost, doubled, and how long it took."""
    delays = sorted(1e3 * one for letters in mailboxes for one in letters.delays_s)
    p50, p99 = statistics.median(delays), delays[int(0.99 * len(delays))]
    sent, lost = (sum(getattr(one, name) for one in mailboxes) for name in ("put", "lost"))
    again = sum(one.again for one in mailboxes)
    return (
        f"{len(mailboxes)} stations, {sent} cells, lost {lost}, came again {again};"
        f" put to taken p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


async def test_network_of_57_stations_through_one_relay_loses_and_doubles_nothing(
    network: Network,
) -> None:
    before = resident_kib(network.relay)
    await network.open(STATIONS)
    each_kib = (resident_kib(network.relay) - before) / STATIONS
    await network.say(8)
    print(f"{figures(network.mailboxes)}; {each_kib:.0f} KiB a session")  # noqa: T201
    for letters in network.mailboxes:
        assert letters.order == letters.sent
        assert not letters.again
    assert 0 < each_kib < MAX_SESSION_KIB


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_network_of_57_stations_outlives_its_relay_again_and_again(
    network: Network,
) -> None:
    end, kills = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120")), 0
    await network.open(STATIONS)
    while time.monotonic() < end:
        goal = network.came + 10 * STATIONS
        saying = asyncio.create_task(network.say(20))
        await until(lambda goal=goal: network.came >= goal, WAIT_S)
        await asyncio.to_thread(network.relay.kill)
        began = time.monotonic()
        await asyncio.to_thread(network.relay.start)
        await saying
        kills += 1
        print(f"all taken {time.monotonic() - began:.1f} s after a kill")  # noqa: T201
    print(f"{figures(network.mailboxes)}; {kills} kills of the relay")  # noqa: T201
    assert kills
    for letters in network.mailboxes:
        assert letters.order == letters.sent
