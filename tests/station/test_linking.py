"""What is recorded of a route that comes up, goes down and looks again."""

from __future__ import annotations

from pathlib import Path

from hotline.core.records import events as ev
from tests.fakes.line import FakeLine


async def test_blocked_route_that_looks_again_fills_no_record(tmp_path: Path) -> None:
    """Spec: docs/transport.md §11.2"""
    async with FakeLine(tmp_path, run=False) as line:
        station = line.south.station
        for state in ("DIALING", "BLOCKED", *("DIALING", "BLOCKED") * 5, "DIALING", "UP"):
            await station._link_changed("NORTH", "direct", state, "for a test")
        told = [(one.route, one.state) for one in line.south.recorded(ev.LinkChanged)]
        assert told == [("direct", "BLOCKED"), ("direct", "UP")]
