"""kill -9 while a station records, sends and receives: nothing is lost, nothing doubled.

A killed program loses what it has not given to the kernel; a power cut takes besides
what was not synced. The first half kills one station that records, the second one of
two that speak with each other. Spec: docs/ledger.md §18.1
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hotline.core.records.entry import Draft
from hotline.core.records.events import InjectPlayed, encode_event
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.station.home import open_line
from hotline.station.routes import ROUTE_NAME
from tests.fakes import deaths as dying
from tests.fakes import killing
from tests.fakes.deaths import ANY, Death
from tests.fakes.killing import Nursery
from tests.fakes.mortal import POINTS, SIDES
from tests.fakes.mortal_mutants import MUTANTS
from tests.fakes.mortal_relay import RELAY_POINTS
from tests.fakes.stormy import found as found_both
from tests.fakes.stormy_relay import RELAY, found_relayed
from tests.fakes.writer import AIMS, Acknowledged, Figures, campaign, found, judge
from tests.transport.relay.sqlite_keeper import build_shim

SOAK_BOUND_S = 900.0
CAMPAIGNS_ON_A_CORE = 2
"""While one waits for its disk or for a kill, another goes on."""


def assert_whole(figures: Figures) -> None:
    print(figures)  # noqa: T201  the figures
    assert (figures.lost, figures.doubled) == (0, 0)
    assert figures.acknowledged


@pytest.mark.parametrize("seed", [1, 2])
def test_station_killed_while_it_records_keeps_what_it_acknowledged_once(
    tmp_path: Path, seed: int
) -> None:
    figures = campaign(tmp_path, seed, 25, lambda: True)
    assert_whole(figures)
    assert figures.kills.total() == 25
    assert set(figures.kills) == {"any", *AIMS}


def _campaign_until(directory: Path, seed: int, kills: int, end: float) -> Figures:
    return campaign(directory, seed, kills, lambda: time.monotonic() < end)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_BOUND_S + 300)
def test_station_killed_a_thousand_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Kills SOAK_KILLS times in all, 1,000 unless told otherwise; too slow is a failure."""
    asked, begun = int(os.environ.get("SOAK_KILLS", "1000")), time.monotonic()
    side_by_side = CAMPAIGNS_ON_A_CORE * (os.cpu_count() or 1)
    total = Figures()
    with ProcessPoolExecutor(side_by_side) as pool:
        running = [
            pool.submit(
                _campaign_until,
                tmp_path / str(number),
                100 + number,
                len(range(number, asked, side_by_side)),
                begun + SOAK_BOUND_S,
            )
            for number in range(side_by_side)
        ]
        for campaigned in running:
            total.add(campaigned.result())
    print(f"in {time.monotonic() - begun:.0f} s:", end=" ")  # noqa: T201  the figures
    assert_whole(total)
    assert total.kills.total() == asked


def test_judge_of_kills_counts_what_is_lost_and_what_is_doubled(tmp_path: Path) -> None:
    home, heard = found(tmp_path), Acknowledged()
    opened = open_line(home, None, system_clock, system_entropy)
    twice = encode_event(InjectPlayed(inject="7-0-0-0", trigger="kill"))
    draft = Draft(kind=InjectPlayed.kind, content=twice, recorded_at_ms=system_clock())
    size = opened.ledger.append([draft, draft]).size
    opened.ledger.close()
    heard.entries = {size - 1: "7-0-0-0", size: "7-0-0-1"}
    figures = Figures()
    judge(home, heard, figures)
    assert (figures.recorded, figures.lost, figures.doubled) == (2, 1, 1)


# --- one of two that speak with each other --------------------------------------------------


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    shim = powercut_shim(tmp_path_factory.mktemp("shim"))
    with Nursery(shim) as nursery:
        yield nursery


@pytest.fixture
def forgetful(nursery: Nursery) -> Nursery:
    if not nursery.forgets:
        pytest.skip("no C compiler (cc, gcc, clang) here: the disk that forgets cannot be built")
    return nursery


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_both(tmp_path_factory.mktemp("founded"))


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_relayed(found_both(tmp_path_factory.mktemp("relayed")))


def powercut_shim(folder: Path) -> Path | None:
    try:
        return build_shim(folder)
    except pytest.skip.Exception:
        return None


def assert_kept(figures: dying.Figures) -> None:
    print(figures)  # noqa: T201  the figures
    assert figures.kept
    assert figures.acknowledged


@pytest.mark.timeout(400)
def test_station_that_dies_on_either_side_of_every_point_loses_and_doubles_nothing(
    tmp_path: Path, founded: Path, nursery: Nursery
) -> None:
    deaths = dying.deaths_at_every_point()
    figures = asyncio.run(killing.campaign(tmp_path, founded, nursery, deaths))
    assert_kept(figures)
    assert {f"{side} {point}" for point in POINTS for side in SIDES} <= figures.deaths.keys()


@pytest.mark.timeout(400)
def test_station_killed_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path, founded: Path, nursery: Nursery
) -> None:
    deaths = [Death(victim, ANY) for victim in ("NORTH", "SOUTH") for _ in range(2)]
    assert_kept(asyncio.run(killing.campaign(tmp_path, founded, nursery, deaths, seed=2)))


@pytest.mark.timeout(400)
def test_station_whose_power_fails_keeps_what_it_acknowledged(
    tmp_path: Path, founded: Path, forgetful: Nursery
) -> None:
    deaths = [
        Death(victim, point, "after", power=True)
        for victim, points in (
            ("NORTH", ("commit sent", "send receipt")),
            ("SOUTH", ("commit received", "send statement")),
        )
        for point in points
    ]
    assert_kept(asyncio.run(killing.campaign(tmp_path, founded, forgetful, deaths)))


@pytest.mark.timeout(400)
def test_relay_that_dies_on_either_side_of_every_point_loses_and_doubles_nothing(
    tmp_path: Path, relayed: Path, nursery: Nursery
) -> None:
    deaths = dying.deaths_of_the_relay()
    figures = asyncio.run(
        killing.campaign(tmp_path, relayed, nursery, deaths, seed=3, routes=(RELAY,))
    )
    assert_kept(figures)
    assert {f"{side} {point}" for point in RELAY_POINTS for side in SIDES} <= figures.deaths.keys()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_station_that_is_wrong_on_purpose_is_found_out(
    tmp_path: Path, founded: Path, request: pytest.FixtureRequest, mutant: str
) -> None:
    nursery = request.getfixturevalue("forgetful" if MUTANTS[mutant].power else "nursery")
    deaths = [dying.death_of_mutant(mutant)]
    figures = asyncio.run(killing.campaign(tmp_path, founded, nursery, deaths))
    print(figures)  # noqa: T201  the figures
    assert not figures.kept
    # For what it did, and not because it never came so far.
    assert not any(words.startswith("it never came") for words in figures.halted)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("routes", [(ROUTE_NAME,), (RELAY,)], ids=["direct", "relay"])
def test_stations_that_die_again_and_again_lose_and_double_nothing(
    tmp_path: Path, relayed: Path, nursery: Nursery, routes: tuple[str, ...]
) -> None:
    end, seed = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120")), time.time_ns()
    victims = ("NORTH", "SOUTH", *(one for one in routes if one == RELAY))
    total = dying.Figures()
    for number in itertools.count(seed):
        deaths = dying.deaths_by_chance(number, forgets=nursery.forgets, victims=victims)
        campaign = killing.campaign(
            tmp_path / str(number),
            relayed,
            nursery,
            itertools.islice(deaths, 40),
            number,
            routes,
        )
        total.add(asyncio.run(campaign))
        if time.monotonic() > end or not total.kept:
            break
    assert_kept(total)
