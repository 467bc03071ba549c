"""A ledger put back on a line of three: what was lost comes back from one and goes to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError
from hotline.core.records import events as ev
from hotline.review.meeting import review_meeting
from hotline.sealing import items as its
from hotline.station import outgoing, witnessing
from tests.fakes.group import FakeGroup, pinged
from tests.fakes.line import wait_for
from tests.journeys.test_generations import LEDGER_FILES, put_aside, put_back, renew
from tests.station.test_rekeying import rekey


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


async def test_head_under_a_key_that_its_station_has_not_shown_here_yet_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NORTH changed its ledger key and reached EAST alone, which tells SOUTH of its head."""
    monkeypatch.setattr(witnessing, "SEEN_EVERY_S", 0.05)
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await group.settled()
        await south.stop()
        await north.stop()
        rekey(north)
        await north.start()
        await group.up(north, east)
        await wait_for(lambda: east.recorded(ev.LedgerKeyChanged))
        size = north.opened.ledger.size
        north.station.show_head()
        await wait_for(lambda: east.station._witness.held_of("NORTH").size >= size)
        await north.stop()
        await south.start()
        await group.up(south, east)
        await wait_for(lambda: south.heard_items(its.SeenItem))
        await pinged(east, south)
        assert not south.reasons
        await north.start()
        await group.up()
        await group.settled()
        assert not any(place.reasons for place in group.places)
        assert not any(place.recorded(ev.HeadRefused) for place in group.places)


async def test_what_was_lost_comes_back_from_one_peer_and_reaches_the_other(
    tmp_path: Path,
) -> None:
    files = (*LEDGER_FILES, "head.db", "peer-view.note")
    async with FakeGroup(tmp_path, deputies=True) as group:
        north, south, east = group.places
        early = await north.say("conv/free-text", {}, text="said early")
        await group.delivered(early)
        await group.settled()
        await north.stop()
        put_aside(north, tmp_path / "older", files)
        await east.stop()
        await north.start()
        await group.up(north, south)
        lost = [await north.say("conv/free-text", {}, text=f"lost {number}") for number in range(3)]
        await wait_for(lambda: all("SOUTH" in north.state(one).receipted for one in lost))
        await wait_for(lambda: south.station._witness.cosigned_size("NORTH"))
        await north.stop()

        put_back(north, tmp_path / "older", files)
        await north.start()
        assert isinstance(await north.died(), IntegrityError)
        await north.stop()
        renew(north)
        await north.start()
        await group.up(north, south)
        await wait_for(lambda: all(north.holds(one) for one in lost))
        assert [one.digest for one in north.recorded(ev.StatementRecovered)] == lost
        await east.start()
        await group.up()
        await wait_for(lambda: not north.situation.outbox)
        assert all(east.holds(one) for one in (early, *lost))
        for one in lost:
            assert north.state(one).receipted == {"SOUTH", "EAST"}
        for place in (south, east):
            (admitted,) = place.recorded(ev.PeerGenerationAdmitted)
            assert admitted.fits
            assert place.situation.generations == {"NORTH": 2}
        for place in group.places:
            await group.delivered(await place.say("conv/free-text", {}, text="going on"))
        assert not any(place.reasons for place in group.places)
        # SOUTH saw the copy that was put back go on before it was told; EAST never did.
        assert not east.recorded(ev.HeadRefused)
        await group.settled()
        directories = [place.directory for place in group.places]
    found = review_meeting(directories[0], directories[1:])
    assert found.ok, "\n".join(found.lines())
