"""Stations whose routes are relays: relays added as an officer does it, direct routes left out."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.bundle import RoutePlan
from hotline.station.footing import PlanRoutes
from hotline.station.home import Home
from hotline.station.relay_setup import Added, WantedRelay, add_relay, remove_relay
from hotline.station.relays import LineRelay, RelayCard
from hotline.station.routes import ROUTE_NAME
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FAST, FakeLine, wait_for
from tests.station.months import no_passphrase

CALM = replace(FAST, backoff_cap_s=0.3, blocked_s=1.0)
"""Stations that dial a relay which is away at every moment would leave it no time to start."""
FAR_S = 60.0
"""A shared machine may be slow; nothing here takes as long on its own."""


@functools.cache
def _founded() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="hotline-founded-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    FakeLine(directory, run=False)
    return directory


def copied_line(directory: Path) -> FakeLine:
    """Return a line that nobody worked yet, its homes in `directory`; founded once a process."""
    for name in ("NORTH", "SOUTH"):
        shutil.copytree(_founded() / name, directory / name)
    return FakeLine(directory, run=False, found=False)


def relay_card(host: str, port: int, key: bytes, *ders: bytes) -> RelayCard:
    """Return the card of a relay."""
    certificates = tuple(ssl.DER_cert_to_PEM_cert(der) for der in ders)
    return RelayCard(host=host, port=port, key=key.hex(), certificates=certificates)


def new_tokens(admission: Path, count: int = 1) -> list[bytes]:
    """Have the operator give out tokens."""
    tokens = [os.urandom(32) for _ in range(count)]
    admission.touch(0o600)
    with admission.open("a") as file:
        file.writelines(token.hex() + "\n" for token in tokens)
    return tokens


def bench_of(home: Home) -> Bench:
    return Bench(home, system_clock, system_entropy, no_passphrase)


async def add(
    home: Home, card: RelayCard, tokens: Sequence[bytes], name: str = "relay-a", priority: int = 10
) -> Added:
    """Add a relay to the line of a home, as `hotline line relay add` does."""
    with at_work(bench_of(home)) as work:
        return await add_relay(work, WantedRelay(name, card, priority, tokens), FAST)


async def remove(home: Home, name: str = "relay-a", *, lost: bool = False) -> LineRelay:
    """Take it away again."""
    with at_work(bench_of(home)) as work:
        return await remove_relay(work, name, lost=lost, timings=FAST)


def relays_only(plan: PlanRoutes) -> PlanRoutes:
    """Leave the direct route out: both stations can only dial."""

    def others(peer: str) -> list[RoutePlan]:
        return [one for one in plan(peer) if one.name != ROUTE_NAME]

    return others


async def by_relay_alone(line: FakeLine) -> None:
    """Start both stations without a direct route, and wait until each has heard the other."""
    for place in line.places:
        place.planned, place.timings = relays_only, CALM
        await place.start()
    await wait_for(lambda: all(place.pair.ready for place in line.places), FAR_S)
