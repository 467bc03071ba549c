"""Three stations on one line: one statement, sealed to each, receipted by each."""

from __future__ import annotations

from pathlib import Path

from hotline.core.exchange.delivery import Delivery
from hotline.core.records import events as ev
from tests.fakes.group import FakeGroup
from tests.fakes.line import ENCOUNTER, wait_for


async def test_statement_to_two_peers_is_signed_once_and_receipted_by_each(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        digest = await north.say("sea/encounter", ENCOUNTER)
        await group.delivered(digest)
        assert north.state(digest).receipted == {"SOUTH", "EAST"}
        items = [
            next(one.envelope for one in place.heard_items(type(place.item())))
            for place in (south, east)
        ]
        assert items[0] == items[1]
        for place in (south, east):
            statement = place.state(digest).statement
            assert (statement.to, statement.info) == (("SOUTH", "EAST"), ())
            assert len(place.recorded(ev.StatementReceived)) == 1
        await south.desk.displayed(digest)
        await wait_for(lambda: north.state(digest).reached["SOUTH"] == Delivery.DISPLAYED)
        assert north.state(digest).reached["EAST"] == Delivery.DELIVERED
        await group.settled()
