"""A fork freezes the line until two officers resolve it, and the peer is told.

docs/protocol.md §7.11
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.forks import fork_evidence, standing_forks
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.authorisation import (
    Act,
    Authorisation,
    sign_authorisation,
    verify_authorisation,
)
from hotline.station.forks import resolve_forks
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for
from tests.station.months import no_passphrase

WHY = "compared by voice: the second one was never said"
TWO = ("ramos", "vega")


@asynccontextmanager
async def forked(tmp_path: Path) -> AsyncIterator[FakeLine]:
    """Let SOUTH give its number 2 to two statements."""
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        first = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(first))
        one, two = south.item(), south.item()
        south.inject(one)
        await wait_for(lambda: len(north.situation.statements) == 2)
        south.inject(two)
        await wait_for(lambda: standing_forks(north.situation))
        south.go_on_from(north.situation.their_orders["SOUTH"])
        yield line


def bench(place: Place) -> Bench:
    return Bench(place.home, system_clock, system_entropy, no_passphrase)


async def test_frozen_line_says_so_shows_the_evidence_and_mutes_no_emergency(
    tmp_path: Path,
) -> None:
    async with forked(tmp_path) as line:
        north, south = line.north, line.south
        watch = north.desk.watch()
        assert watch.alarm.startswith("LINE FROZEN: SOUTH gave number 2 to two statements")
        assert watch.frozen
        (alarm,) = north.desk.alarms()
        (fork,) = standing_forks(north.situation)
        words = "\n".join(alarm.lines)
        for part in (fork.held, fork.other, fork.digest[:16], "by voice", "ledger resolve"):
            assert part in words
        with pytest.raises(OperatorError, match="FROZEN"):
            await north.say("conv/free-text", {}, text="as if nothing had happened")
        opened = next(iter(north.situation.statements))
        await north.desk.acknowledge(opened)
        held = await north.say("conv/holding", {"full_reply_by": "+15m"}, answers=opened)
        await wait_for(lambda: south.holds(held))
        said = await south.say("conv/free-text", {}, text="still heard")
        await wait_for(lambda: north.holds(said))


async def test_further_forks_of_a_station_do_not_interrupt_the_officer_again(
    tmp_path: Path,
) -> None:
    async with forked(tmp_path) as line:
        north, south = line.north, line.south
        before = north.desk.watch().frozen
        orders = north.situation.seen_orders
        first = Digest(bytes.fromhex(orders["SOUTH", 1, 1].digest))
        south.inject(south.item(seq=2, prev=first), south.item(seq=2, prev=first))
        await wait_for(lambda: len(standing_forks(north.situation)) == 3)
        assert north.desk.watch().frozen == before
        assert len(north.desk.alarms()) == 3


async def test_resolution_many_times_in_one_packet_is_recorded_once(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        told = its.ForkResolvedItem(envelope=_authorised(south))
        south.inject(told, told, told)
        await wait_for(lambda: north.recorded(ev.ForkResolvedThere))
        assert len(north.recorded(ev.ForkResolvedThere)) == 1


async def test_freeze_survives_a_restart(tmp_path: Path) -> None:
    async with forked(tmp_path) as line:
        await line.north.stop()
        await line.north.start()
        with pytest.raises(OperatorError, match="FROZEN"):
            await line.north.say("conv/free-text", {}, text="after the restart")


async def test_two_officers_resolve_it_and_the_peer_is_told_once(tmp_path: Path) -> None:
    async with forked(tmp_path) as line:
        north, south = line.north, line.south
        evidence = fork_evidence(standing_forks(north.situation))
        await north.stop()
        with at_work(bench(north)) as work:
            resolve_forks(work, WHY, TWO)
        with at_work(bench(north)) as work, pytest.raises(OperatorError, match="no fork stands"):
            resolve_forks(work, WHY, TWO)
        for _ in range(2):
            await north.start()
            await wait_for(lambda: south.recorded(ev.ForkResolvedThere))
            await line.up()
            await north.stop()
        await north.start()
        (event,) = north.recorded(ev.ForkResolved)
        assert (event.forks, event.evidence) == (1, evidence)
        (told,) = south.recorded(ev.ForkResolvedThere)
        assert (told.peer, told.seq, told.reason) == ("NORTH", 2, WHY)
        assert [name.split()[-1] for name in told.officers] == ["Ramos", "Vega"]
        assert any(row.state_word == "FORK" for row in south.desk.timeline(0, 99))
        digest = await north.say("conv/free-text", {}, text="free again")
        await wait_for(lambda: south.holds(digest))
        (kept,) = [one for one in north.happenings() if isinstance(one.event, ev.ForkResolved)]
        record = north.opened.ledger.enclosure(kept.index)
        verified = verify_authorisation(north.opened.line.roster, record, act=Act.RESOLVE_FORK)
        assert verified.authorisation.details["evidence"] == evidence
        # Resolving says what two officers decided; it does not make the two records agree.
        (fault,) = (await line.judged()).faults
        assert "does not record that it was sent" in fault


@pytest.mark.parametrize("persons", [("ramos",), ("ramos", "ramos"), ("ramos", "RAMOS")])
async def test_one_officer_resolves_nothing(tmp_path: Path, persons: tuple[str, ...]) -> None:
    async with forked(tmp_path) as line:
        await line.north.stop()
        with at_work(bench(line.north)) as work:
            size = work.opened.ledger.size
            with pytest.raises(OperatorError):
                resolve_forks(work, WHY, persons)
            assert work.opened.ledger.size == size
        await line.north.start()


async def test_line_without_a_fork_has_nothing_to_resolve(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True, run=False) as line:
        await line.north.stop()
        with at_work(bench(line.north)) as work, pytest.raises(OperatorError, match="no fork"):
            resolve_forks(work, WHY, TWO)
        await line.north.start(run=False)


DETAILS: dict[str, str | int] = {
    "peer": "NORTH",
    "forks": 1,
    "evidence": "ab" * 32,
    "generation": 1,
    "seq": 2,
}


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (DETAILS | {"peer": "SOUTH"}, "the order of no other member"),
        (DETAILS | {"peer": "EAST"}, "the order of no other member"),
        (DETAILS | {"peer": 7}, "the order of no other member"),
        ({"peer": "NORTH"}, "not those of a resolution"),
        (DETAILS | {"seq": "2"}, "not those of a resolution"),
        (DETAILS | {"more": 1}, "not those of a resolution"),
    ],
)
async def test_resolution_that_is_none_of_ours_is_refused(
    tmp_path: Path, details: dict[str, str | int], words: str
) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        south.inject(its.ForkResolvedItem(envelope=_authorised(south, details=details)))
        await wait_for(lambda: north.reasons)
        assert words in north.reasons[0]
        assert not north.recorded(ev.ForkResolvedThere)


async def test_resolution_of_another_act_or_station_is_refused(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        south.inject(its.ForkResolvedItem(envelope=_authorised(south, act=Act.ERASE)))
        await wait_for(lambda: len(north.reasons) == 1)
        assert "it is for erase" in north.reasons[0]
        ours = _authorised(north, details=DETAILS)
        south.inject(its.ForkResolvedItem(envelope=ours))
        await wait_for(lambda: len(north.reasons) == 2)
        assert "not of the station that sent it" in north.reasons[1]


def _authorised(
    place: Place, details: dict[str, str | int] = DETAILS, act: Act = Act.RESOLVE_FORK
) -> bytes:
    persons = {"NORTH": ("ramos", "vega"), "SOUTH": ("niven", "sorel")}[place.name]
    officers = [place.unlock(one, None) for one in persons]
    authorisation = Authorisation(
        line=place.opened.line.roster.line,
        station=place.name,
        act=act,
        details=details,
        reason=WHY,
        at_ms=system_clock(),
    )
    return sign_authorisation(authorisation, [(one.certificate, one.signer) for one in officers])
