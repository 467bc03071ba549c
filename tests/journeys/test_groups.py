"""Three stations on one line: one statement, sealed to each, receipted by each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.delivery import Delivery
from hotline.core.messages.statement import encode_statement
from hotline.core.records import events as ev
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home
from tests.fakes.group import OFFICERS, FakeGroup, found
from tests.fakes.line import CEASE, ENCOUNTER, Place, catalogue, wait_for

VERIFIED = {
    "means": "RADAR",
    "confirmed": "YES",
    "observed_at": "-1m",
    "observation": "All ships keep to what was agreed",
}
CLOSE = {"summary": "All ships are clear of each other"}


def received(place: Place) -> list[str]:
    return [one.digest for one in place.recorded(ev.StatementReceived)]


async def test_statement_to_two_peers_is_signed_once_and_receipted_by_each(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        digest = await north.say("sea/encounter", ENCOUNTER)
        await group.delivered(digest)
        assert north.state(digest).receipted == {"SOUTH", "EAST"}
        envelopes = {place.heard_items(its.StatementItem)[0].envelope for place in (south, east)}
        assert len(envelopes) == 1
        for place in (south, east):
            statement = place.state(digest).statement
            assert (statement.to, statement.info) == (("SOUTH", "EAST"), ())
            assert received(place) == [digest]
            assert place.state(digest).order == north.state(digest).order
        await south.desk.displayed(digest)
        await wait_for(lambda: north.state(digest).reached["SOUTH"] == Delivery.DISPLAYED)
        assert north.state(digest).reached["EAST"] == Delivery.DELIVERED
        await group.settled()
        ledgers = [place.opened.ledger for place in group.places]
        for place, ledger in zip(group.places, ledgers, strict=True):
            for peer in place.station.peers:
                assert ledger.cosigned_size(place.opened.line.witness_of(peer)) == ledger.size


async def test_each_pair_has_a_secret_and_a_listener_of_its_own(tmp_path: Path) -> None:
    homes = found(tmp_path)
    async with FakeGroup(tmp_path / "run") as group:
        secrets = {
            frozenset((place.name, peer)): keys.held.secret.secret
            for place in group.places
            for peer, keys in place.opened.line.peers.items()
        }
        assert len(set(secrets.values())) == len(secrets) == 3
        found_ports = {path.name for path in group.north.directory.glob("listening*")}
        assert found_ports == {"listening-SOUTH.json", "listening-EAST.json"}
        assert not list(group.east.directory.glob("listening*"))
    assert set(homes) == {"NORTH", "SOUTH", "EAST"}


async def test_dead_member_holds_up_nobody_and_gets_everything_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await east.stop()
        said = [
            await place.say("conv/free-text", {}, text=f"word {n}")
            for n in range(3)
            for place in (north, south)
        ]
        await wait_for(
            lambda: (
                all("SOUTH" in north.state(one).receipted for one in said[::2])
                and all("NORTH" in south.state(one).receipted for one in said[1::2])
            )
        )
        assert set(north.situation.outbox) == set(said[::2])
        assert north.station._statement_items("SOUTH", said[0]) == ()
        await east.start()
        await group.up()
        for digest in said:
            await group.delivered(digest)
        await group.settled()
        assert set(received(east)) == set(said)
        assert not any(place.reasons for place in group.places)


async def test_every_addressee_must_answer_and_each_answer_closes_it_for_one(
    tmp_path: Path,
) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        digest = await north.say("sea/encounter", ENCOUNTER)
        await group.delivered(digest)
        await wait_for(lambda: all(digest in place.situation.dialogues for place in group.places))
        reply = await south.say("conv/reply", {"answer": "We keep clear"}, answers=digest)
        await group.delivered(reply)
        assert south.state(reply).statement.to == ("NORTH",)
        assert south.state(reply).statement.info == ("EAST",)
        await wait_for(
            lambda: all(
                place.situation.dialogues[digest].waiting == {"EAST"} for place in group.places
            )
        )
        assert all(not place.situation.dialogues[digest].how for place in group.places)
        second = await east.say("conv/reply", {"answer": "So do we"}, answers=digest)
        await group.delivered(second)
        await wait_for(
            lambda: all(
                place.situation.dialogues[digest].how == "ANSWERED" for place in group.places
            )
        )
        assert north.state(digest).reached == {
            "SOUTH": Delivery.ANSWERED,
            "EAST": Delivery.ANSWERED,
        }


async def test_step_is_agreed_when_both_others_accepted_and_verified_when_all_did(
    tmp_path: Path,
) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        opened = await north.say("sea/encounter", ENCOUNTER)
        await group.delivered(opened)
        incident = north.state(opened).statement.incident
        assert incident is not None

        def states() -> set[str]:
            return {place.situation.incidents[incident].ladder.state for place in group.places}

        step = await north.say("deesc/cease-propose", CEASE, incident=incident)
        await group.delivered(step)
        for place in (south, east):
            assert states() == {"PROPOSED"}
            answer = {"answer": "ACCEPT"}
            said = await place.say("deesc/answer", answer, answers=step, incident=incident)
            await group.delivered(said)
        await wait_for(lambda: states() == {"ACCEPTED"})
        for place in group.places:
            said = await place.say("deesc/verify-result", VERIFIED, answers=step, incident=incident)
            await group.delivered(said)
        await wait_for(lambda: states() == {"VERIFIED"})
        for place in group.places:
            await group.delivered(await place.say("deesc/close", CLOSE, incident=incident))
        await wait_for(lambda: states() == {"CLOSED"})


async def test_everybody_speaking_at_once_is_heard_once_by_everybody(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        said = await asyncio.gather(
            *(
                place.say("conv/free-text", {}, text=f"{place.name} {n}")
                for place in group.places
                for n in range(4)
            )
        )
        for digest in said:
            await group.delivered(digest)
        for place in group.places:
            assert sorted(received(place)) == sorted(
                one for one in said if not place.state(one).outbound
            )
        await group.settled()


@pytest.mark.parametrize("count", [1, 17])
def test_line_of_one_or_of_too_many_is_not_founded(tmp_path: Path, count: int) -> None:
    founders = [
        Founder(Home(tmp_path / f"S{n}"), f"S{n}", (OFFICERS["NORTH"],)) for n in range(count)
    ]
    with pytest.raises(OperatorError, match="2 to 16 stations"):
        found_line(
            founders,
            name="too-many",
            realm=Realm.EXERCISE,
            catalogue=catalogue(),
            clock=system_clock,
            entropy=system_entropy,
        )
    assert not list(tmp_path.iterdir())


async def test_statement_that_leaves_a_member_out_is_not_sent(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path, run=False) as group:
        north = group.north
        statement = north.statement(to=("SOUTH",))
        with pytest.raises(OperatorError, match="every other member of the line is addressed"):
            await north.station.submit(north.sign(encode_statement(statement)))
        assert not north.situation.statements
