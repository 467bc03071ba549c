"""Two real stations in network namespaces of their own, and a network between them that is bad.

The promises are those of tests/journeys/test_faults.py; the faults are those of packets,
and the waits are the product's own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import netem
from tests.fakes.deaths import Figures
from tests.fakes.killing import Nursery, Pair
from tests.fakes.netem import Netem, Shape
from tests.fakes.stormy import found

SATELLITE = Shape(loss=0.05, duplicates=0.02, disorder=0.05, delay_ms=50, jitter_ms=10)
WORST = Shape(loss=0.10, duplicates=0.05, disorder=0.10, delay_ms=50, jitter_ms=450)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    if missing := netem.why_not():
        pytest.skip(f"this system allows no network of the test's own: {missing}")
    with Nursery(before=netem.AS_ROOT) as nursery:
        yield nursery


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found(tmp_path_factory.mktemp("founded"))


async def converse(pair: Pair, network: Netem, partings_s: list[float]) -> Figures:
    """Let both speak, before, during and after each time that the network is parted."""
    try:
        async with pair:
            await pair.settle({})
            for parted_s in partings_s:
                pair.all_say(2)
                network.parted = True
                pair.all_say(2)
                await asyncio.sleep(parted_s)
                network.parted = False
                await pair.settle({})
            await pair.close()
            return await pair.judge()
    finally:
        network.close()


def assert_kept(figures: Figures, network: Netem) -> None:
    befell = ", ".join(f"{count} {what}" for what, count in sorted(network.befell.items()))
    print(f"{figures}; shaped by {network.shaped_by}: {befell}")  # noqa: T201  the figures
    assert figures.kept
    assert network.shaped_by
    if network.shaped_by == {"this program"}:
        assert network.befell["lost"]
        assert network.befell["overtook"]


@pytest.mark.timeout(400)
def test_network_that_loses_delays_and_parts_loses_no_statement(
    tmp_path: Path, founded: Path, nursery: Nursery
) -> None:
    network = Netem(SATELLITE, seed=3)
    pair = Pair(tmp_path, founded, nursery, network)
    assert_kept(asyncio.run(converse(pair, network, [1.0])), network)
    assert network.befell["parted"]


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_worst_network_loses_no_statement_for_long(
    tmp_path: Path, founded: Path, nursery: Nursery
) -> None:
    seconds = float(os.environ.get("SOAK_SECONDS", "120"))
    end, number, total = time.monotonic() + seconds, 0, Figures()
    while number == 0 or time.monotonic() < end:
        network = Netem(WORST if number % 2 else SATELLITE, seed=number)
        pair = Pair(tmp_path / str(number), founded, nursery, network)
        # The last parting is longer than it takes to find out that nobody answers.
        figures = asyncio.run(converse(pair, network, [1.0, 5.0, 25.0]))
        assert_kept(figures, network)
        total.add(figures)
        number += 1
    print(f"{number} networks, {total}")  # noqa: T201  the figures
