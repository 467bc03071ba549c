"""Trust on a line of three: who hears of a withdrawn key, when, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from hotline.core.messages.statement import encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.order import read_order
from hotline.sealing.packet import RevocationHead
from hotline.station import comparing, courier, trusting, witnessing
from hotline.station.intake import reference_of
from hotline.station.line import Line
from hotline.station.revoking import revoke
from hotline.station.upkeep import Bench, Work, at_work
from tests.fakes.group import FakeGroup, put
from tests.fakes.line import Place, wait_for
from tests.station.months import no_passphrase

Found = TypeVar("Found")


def at(place: Place, act: Callable[[Work], Found]) -> Found:
    """Do upkeep at a station that is stopped."""
    with at_work(Bench(place.home, place.clock_ms, system_entropy, no_passphrase)) as work:
        return act(work)


def steal(place: Place, *peers: str) -> str:
    """Speak to some peers with the officer's key, past the desk and the station's own checks."""
    statement = place.statement(to=("SOUTH", "EAST"), text="all is well")
    item = place.item(statement)
    for peer in peers:
        put(place, peer, item)
    place.go_on_from(reference_of(read_order(item.order)))
    return statement_digest(encode_statement(statement)).hex()


def assert_alarmed(place: Place, digest: str) -> None:
    """The statement stands there as an alarm with the reason, and opens nothing."""
    assert place.state(digest).verdict == "UNVERIFIED"
    assert digest not in place.situation.dialogues
    view = place.desk.message(digest)
    assert view is not None
    assert view.state_word == "UNVERIFIED"
    assert "the key file was stolen" in view.flags[0]
    assert "UNVERIFIED" in place.desk.watch().notice


async def test_key_revoked_at_one_station_is_not_believed_at_the_others_the_late_one_too(
    tmp_path: Path,
) -> None:
    group = FakeGroup(tmp_path, run=False, deputies=True)
    north, south, east = group.places
    try:
        await north.start()
        await south.start()
        await group.up(north, south)
        before = await north.say("conv/free-text", {}, text="said before")
        await wait_for(lambda: "SOUTH" in north.state(before).receipted)
        await north.stop()
        at(north, lambda work: revoke(work, "ramos", "the key file was stolen"))
        await north.start()
        await group.up(north, south)
        await wait_for(lambda: south.recorded(ev.TrustWithdrawn))
        stolen = steal(north, "SOUTH")
        await wait_for(lambda: south.holds(stolen))
        assert_alarmed(south, stolen)
        assert south.state(before).verdict == "VERIFIED"

        # EAST was away all the time: it hears of the revocation before anything else.
        await east.start()
        await group.up()
        await wait_for(lambda: east.recorded(ev.TrustWithdrawn))
        again = steal(north, "SOUTH", "EAST")
        for place in (south, east):
            await wait_for(lambda place=place: place.holds(again))
            assert_alarmed(place, again)
        # The verdict is by arrival: what EAST had missed, it can believe no longer.
        await wait_for(lambda: "EAST" in north.state(before).receipted)
        assert_alarmed(east, before)
        view = north.desk.message(before)
        assert view is not None
        assert any("UNVERIFIED at EAST" in flag for flag in view.flags)

        await north.stop()
        north.person = "vega"
        await north.start()
        await group.up()
        after = await north.say("conv/free-text", {}, text="the deputy speaks")
        await group.delivered(after)
        for place in (south, east):
            assert place.state(after).verdict == "VERIFIED"
            (said,) = place.recorded(ev.TrustWithdrawn)
            assert (said.station, said.reason) == ("NORTH", "the key file was stolen")
        verdicts = [place.verdict() for place in (south, east)]
        assert all(one.ok for one in verdicts), [one.faults for one in verdicts]
    finally:
        await group.__aexit__(None, None, None)


async def test_station_whose_list_is_behind_is_not_accused_of_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it answers is not read, so that it is asked when it has caught up."""
    for module, name in (
        (witnessing, "SEEN_EVERY_S"),
        (comparing, "ASK_AGAIN_S"),
        (trusting, "ASK_AGAIN_S"),
    ):
        monkeypatch.setattr(module, name, 0.05)
    group = FakeGroup(tmp_path, run=False, deputies=True)
    north, south, east = group.places
    at(north, lambda work: revoke(work, "vega", "left the service"))
    honest, empty = courier.revocation_head, RevocationHead(counter=0, digest=ZERO_DIGEST)

    def behind(line: Line) -> RevocationHead:
        return empty if line.station == "NORTH" else honest(line)

    try:
        for place in group.places:
            await place.start()
        await group.up()
        for place in (south, east):
            await wait_for(lambda place=place: place.recorded(ev.TrustWithdrawn))
        await group.settled()
        await east.stop()
        said = await north.say("conv/free-text", {}, text="SOUTH knows a longer ledger now")
        await wait_for(lambda: "SOUTH" in north.state(said).receipted)
        # From now on NORTH shows a list from before: EAST takes none of its words.
        monkeypatch.setattr(courier, "revocation_head", behind)
        await east.start()
        await group.up(south, east)
        await wait_for(lambda: east.recorded(ev.RevocationsRefused))
        await wait_for(lambda: east.station._comparing._questions)
        for number in range(6):  # so often the question comes up, more often than it is put
            seen = len(east.heard_items(its.SeenItem))
            south.station._comparing.forget_told("EAST")
            await wait_for(lambda seen=seen: len(east.heard_items(its.SeenItem)) > seen)
            assert not east.recorded(ev.HeadRefused), number
        monkeypatch.setattr(courier, "revocation_head", honest)
        monkeypatch.setattr(comparing, "ASK_AGAIN_S", 20.0)
        north.station.show_head()
        await wait_for(lambda: not east.station._comparing._questions)
        await group.settled()
        assert [place.recorded(ev.HeadRefused) for place in (south, east)] == [[], []]
    finally:
        await group.__aexit__(None, None, None)
