"""Keys that are revoked or suspended: on the line, end to end, and what is left of their word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.sealing.slip import read_slip, write_slip
from hotline.station import outgoing
from hotline.station.revoking import lift, prepare, revoke, suspend, use_prepared
from hotline.station.upkeep import Bench, Work, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station.months import no_passphrase, say


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


def at(place: Place, act: Callable[[Work], object]) -> object:
    with at_work(Bench(place.home, place.clock_ms, system_entropy, no_passphrase)) as work:
        return act(work)


def test_statement_of_a_revoked_officer_is_recorded_unverified_and_receipted_so(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        async with line:
            before = await say(line, line.north, line.south)
        at(line.north, lambda work: revoke(work, "ramos", "the key file was stolen"))
        async with line:
            await wait_for(lambda: line.south.recorded(ev.TrustWithdrawn))
            (said,) = line.south.recorded(ev.TrustWithdrawn)
            assert (said.station, said.how, said.reason) == (
                "NORTH",
                "revoked",
                "the key file was stolen",
            )
            # The thief speaks with the key that is revoked.
            item = line.north.item(line.north.statement(text="all is well"))
            line.north.inject(item)
            await wait_for(
                lambda: any(one.verdict == "UNVERIFIED" for one in line.south.received())
            )
        print(before)

    asyncio.run(go())
