"""Two real stations while everything between them fails, and what has to be so once it is healed.

A run is what Hypothesis makes of the rules below: statements, harm to cells and to bytes,
stations closed, crashed and opened again; then all is healed and the record is judged. Many
runs share two stations, for they start slowly; a run that fails leaves them, and the next
one begins with others. Spec: docs/protocol.md §7.8, docs/transport.md §7
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from hotline.core.exchange import decide
from hotline.ledger.store import Ledger
from hotline.station.routes import ROUTE_NAME
from tests.fakes.faulty import HARMS
from tests.fakes.mortal_mutants import MUTANTS
from tests.fakes.promises import Account
from tests.fakes.proxy import TO_CLIENT, TO_TARGET, FaultProxy
from tests.fakes.stormy import PERSONS, StormyLine, found, hurried
from tests.fakes.stormy_relay import RELAY, found_relayed

RUNS = 500
RUNS_BY_RELAY = 30
PARTS = 5
"""Tests that share the runs, so that they may go side by side."""
STEPS, MANY_STEPS = 1, 2
"""Things that happen in a run; harm that came to no cell in it comes to one in the next."""
RUNS_ON_A_LINE = 16
MEMORY = Path("/dev/shm")
"""A disk that is fast, where there is one."""
MOMENTS_A_SECOND = 300_000

NAMES = sorted(PERSONS)
Event = Callable[[StormyLine, str, str, int], Coroutine[Any, Any, None]]


def _to_cells(*harms: str) -> Event:
    async def befall(line: StormyLine, name: str, route: str, size: int) -> None:
        # Not only the next cell: a statement, its receipt and a countersignature are three.
        kept = [harm for place, harm in enumerate(harms) if size >> place & 1] or list(harms)
        line.wires[name, route].next(*kept)

    return befall


def _to_bytes(strike: Callable[[FaultProxy, int], None]) -> Event:
    async def befall(line: StormyLine, name: str, route: str, size: int) -> None:
        strike(line.proxies[route], size)

    return befall


async def _display(line: StormyLine, name: str, route: str, size: int) -> None:
    await line.display(name)


def _restart(*, crash: bool) -> Event:
    async def befall(line: StormyLine, name: str, route: str, size: int) -> None:
        await line.restart(name, crash=crash)

    return befall


async def _restart_relay(line: StormyLine, name: str, route: str, size: int) -> None:
    if line.relay is not None:
        await line.relay.stop()
        await line.relay.start()


EVENTS: dict[str, Event] = {
    "cells: mixed": _to_cells("reorder", "delay", "duplicate", "replay", "drop"),
    "cells: all lost": _to_cells("drop", "drop", "drop", "drop"),
    **{f"cells: {harm}": _to_cells(harm) for harm in HARMS},
    "bytes: cut": _to_bytes(lambda proxy, size: proxy.cut()),
    "bytes: cut mid-frame": _to_bytes(lambda proxy, size: proxy.cut_after(size)),
    "bytes: black hole": _to_bytes(lambda proxy, size: proxy.black_hole()),
    "bytes: silence one way": _to_bytes(
        lambda proxy, size: proxy.silence(TO_CLIENT if size % 2 else TO_TARGET)
    ),
    "bytes: half-open": _to_bytes(lambda proxy, size: proxy.half_open()),
    "bytes: refuse": _to_bytes(lambda proxy, size: proxy.refuse()),
    "bytes: delay": _to_bytes(lambda proxy, size: proxy.delay(1 + size % 30)),
    "bytes: throttle": _to_bytes(lambda proxy, size: proxy.throttle(40_000 + 10 * size)),
    "bytes: corrupt": _to_bytes(lambda proxy, size: proxy.spoil("corrupt")),
    "bytes: drop": _to_bytes(lambda proxy, size: proxy.spoil("drop")),
    "bytes: duplicate": _to_bytes(lambda proxy, size: proxy.spoil("duplicate")),
    "bytes: reorder": _to_bytes(lambda proxy, size: proxy.spoil("reorder")),
    "bytes: heal": _to_bytes(lambda proxy, size: proxy.heal()),
    "officer: reads": _display,
    "station: closed and opened": _restart(crash=False),
    "station: crashed": _restart(crash=True),
    "relay: closed and opened": _restart_relay,
}
CHANCES = [*EVENTS, *3 * [name for name in EVENTS if name.startswith("cells")]]
"""Harm to a cell costs little and finds most: it comes four times as often."""


class Theatre:
    """One event loop, the line of now, and the figures of all runs."""

    def __init__(self, directory: Path, routes: Sequence[str]) -> None:
        self.directory, self.routes = directory, tuple(routes)
        self.runner = asyncio.Runner()
        self.founded = found(directory / "founded")
        if RELAY in routes:
            found_relayed(self.founded)
        self.line: StormyLine | None = None
        self.runs = self.lines = 0
        self.befell: Counter[str] = Counter()
        self.total = Account()

    def play(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def begin(self) -> StormyLine:
        if self.line is None:
            self.lines += 1
            line = StormyLine(self.directory / str(self.lines), self.founded, self.routes)
            self.play(line.__aenter__())
            self.line = line
        return self.line

    def end(self) -> None:
        """Heal and judge; a line that failed, or was used often enough, is left."""
        line, self.line, self.runs = self.begin(), None, self.runs + 1
        try:
            account = self.play(line.healed())
            assert account.kept, account
            assert not line.went_back, line.went_back
        except BaseException:
            self.play(line.__aexit__(None, None, None))
            raise
        self.total.add(account)
        self.line = line
        if self.runs % RUNS_ON_A_LINE == 0:
            self.leave()

    def leave(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            self.play(line.verified())

    def close(self) -> None:
        self.leave()
        self.runner.close()


class Storm(RuleBasedStateMachine):
    """What may befall a line; whatever it was, `teardown` heals it and judges."""

    theatre: ClassVar[Theatre]

    def __init__(self) -> None:
        super().__init__()
        self.line = self.theatre.begin()

    def teardown(self) -> None:
        self.theatre.end()

    @rule(drawn=st.integers(0, (1 << 64) - 1))
    def befall(self, drawn: int) -> None:
        """Let one thing happen, then a station say something; how far that comes is chance."""
        # Hypothesis likes to draw the same again; which run it is makes another event of it.
        chance = random.Random(f"{drawn} {self.theatre.runs}")
        what, size = chance.choice(CHANCES), chance.randrange(8_192)
        harmed, speaker = chance.choice(NAMES), chance.choice(NAMES)
        route = chance.choice(self.line.routes)
        note(f"{what} at {harmed}, {route}, {size}; then {speaker} speaks")
        self.theatre.befell[what] += 1
        self.theatre.play(EVENTS[what](self.line, harmed, route, size))
        self.theatre.play(self.line.say(speaker, 1, "FLASH" if size % 4 == 0 else "ROUTINE"))
        self.theatre.play(asyncio.sleep(size / MOMENTS_A_SECOND))


@contextlib.contextmanager
def theatre(*routes: str) -> Iterator[Theatre]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        played = Theatre(Path(directory), routes)
        with hurried():
            try:
                yield played
            finally:
                played.close()
    befell = ", ".join(f"{count} {what}" for what, count in sorted(played.befell.items()))
    by = " and ".join(routes)
    print(f"{played.runs} runs by {by}, {played.total}; befell: {befell}")  # noqa: T201  the figures


def storm(theatre: Theatre, number: int, runs: int, steps: int = MANY_STEPS) -> None:
    """Play so many runs; which ones, the number says."""
    kind = seed(number)(type("Storm", (Storm,), {"theatre": theatre}))
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            # Sockets and threads do not repeat themselves: shrinking would look for another fault.
            phases=[Phase.generate],
            database=None,
            derandomize=False,
            deadline=None,
        ),
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", range(PARTS))
def test_line_under_faults_delivers_everything_once_and_in_order(part: int) -> None:
    with theatre(ROUTE_NAME) as played:
        storm(played, part, RUNS // PARTS, STEPS if part else MANY_STEPS)
    assert played.runs >= RUNS // PARTS
    assert played.total.statements >= played.runs


@pytest.mark.timeout(400)
@pytest.mark.parametrize("routes", [(RELAY,), (ROUTE_NAME, RELAY)], ids=["relay", "both"])
def test_line_by_a_relay_under_faults_delivers_everything_once_and_in_order(
    routes: tuple[str, ...],
) -> None:
    with theatre(*routes) as played:
        storm(played, 9, RUNS_BY_RELAY, STEPS)
    assert played.runs >= RUNS_BY_RELAY
    assert played.total.statements >= played.runs


@pytest.mark.timeout(400)
def test_station_that_takes_a_statement_twice_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the mutant changes is put back after the test.
    monkeypatch.setattr(decide, "_take", decide._take)
    monkeypatch.setattr(Ledger, "append", Ledger.append)
    MUTANTS["takes a statement twice"].apply()
    with theatre(ROUTE_NAME) as played, pytest.raises((AssertionError, FlakyFailure)) as caught:
        storm(played, 5, RUNS)
    assert "doubled" in "".join(traceback.format_exception(caught.value))


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    "routes",
    [(ROUTE_NAME,), (RELAY,), (ROUTE_NAME, RELAY)],
    ids=["direct", "relay", "both"],
)
def test_line_under_faults_for_long_delivers_everything_once_and_in_order(
    routes: tuple[str, ...],
) -> None:
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "120"))
    number = time.time_ns()
    with theatre(*routes) as played:
        while time.monotonic() < end:
            storm(played, number + played.runs, RUNS // PARTS)
    assert played.runs
