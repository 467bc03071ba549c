"""What is recorded of callers at a station's listener. Spec: docs/transport.md §13.1, §13.3"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hotline.core.records import events as ev
from hotline.station import station
from hotline.station.bundle import Bundle
from hotline.station.turned_away import MIN_CALLERS, PAUSE_S, TurnedAway
from hotline.transport.listener import Listener
from tests.fakes.line import FakeLine, wait_for
from tests.station.months import say


async def test_callers_with_garbage_are_recorded_once_and_the_line_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "TICK_S", 0.05)
    async with FakeLine(tmp_path) as line:
        place = line.north.listening()
        for _ in range(MIN_CALLERS):
            _, writer = await asyncio.open_connection(*place)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            writer.close()
        await wait_for(lambda: line.north.recorded(ev.CellsRefused))
        await say(line, line.north, line.south)
        (told,) = line.north.recorded(ev.CellsRefused)
        assert told.count >= MIN_CALLERS
        assert told.reason.startswith("callers turned away: ")
        assert "unopened" in told.reason


def bundle(**counted: int) -> tuple[Bundle, Any]:
    """Return routes to a peer, one of which listens and has turned callers away."""
    listener = Listener.__new__(Listener)
    listener.refused = Counter(counted)
    routes = {"direct": listener, "relay-a": SimpleNamespace(refused={"key": 1_000})}
    return cast(Bundle, SimpleNamespace(routes=routes)), listener


def test_few_callers_and_what_a_proved_peer_does_are_not_recorded() -> None:
    routes, listener = bundle(unopened=MIN_CALLERS - 1, slowed=900, replaced=900, text=900)
    away = TurnedAway()
    assert away.summary([routes], 0.0) is None
    listener.refused["key"] += 1
    told = away.summary([routes], 1.0)
    assert told is not None
    assert told.count == MIN_CALLERS
    assert told.reason == f"callers turned away: {MIN_CALLERS - 1} unopened, 1 key"


def test_callers_are_recorded_once_an_hour_and_counted_once() -> None:
    routes, listener = bundle(unopened=500)
    away = TurnedAway()
    assert away.summary([routes], 0.0) is not None
    listener.refused["unopened"] += 500
    assert away.summary([routes], PAUSE_S - 1) is None
    told = away.summary([routes], PAUSE_S)
    assert told is not None
    assert told.count == 500
    assert away.summary([routes], 3 * PAUSE_S) is None
