"""What one member of a line of three may try on the others, with its real keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import sign_checkpoint
from hotline.core.records.fork_evidence import (
    Contradiction,
    read_fork_evidence,
    verify_fork_evidence,
)
from hotline.core.values import Digest
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.cell import seal_cell
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.packet import Packet, encode_packet, sign_packet
from hotline.station import comparing, witnessing
from hotline.station.courier import revocation_head
from hotline.station.forks import resolve_forks
from hotline.station.upkeep import Bench, at_work
from tests.fakes.group import FakeGroup, pinged, put
from tests.fakes.line import ENCOUNTER, Place, wait_for
from tests.station.months import no_passphrase


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnessing, "SEEN_EVERY_S", 0.05)
    monkeypatch.setattr(comparing, "ASK_AGAIN_S", 0.05)


def forged_head(place: Place, size: int, root: bytes = b"\x66" * 32) -> its.HeadItem:
    """A first head that the place signs and that its ledger does not have."""
    line = place.opened.line
    note = sign_checkpoint(line.origin, size, Digest(root), line.ledger)
    return its.HeadItem(checkpoint=note.decode(), old_size=0, proof=())


def refusals(place: Place) -> int:
    """How many cells were refused, summed up in the ledger or not yet."""
    return place.station._refused.total() + sum(
        one.count for one in place.recorded(ev.CellsRefused)
    )


async def test_member_cannot_speak_as_another_to_a_third(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await group.settled()
        # SOUTH's own statement, in a packet of EAST's: its order is not EAST's.
        put(east, "NORTH", south.item(south.statement(to=("NORTH", "EAST"))))
        await wait_for(lambda: north.reasons)
        assert north.reasons == ["it is not from the station that sent the packet"]
        assert not north.recorded(ev.StatementReceived)
        # A packet that says it is SOUTH's, sealed with the secret of NORTH and EAST.
        refused = refusals(north)
        keys, line = east.station._courier.pairs["NORTH"], east.opened.line
        recipient = keys.theirs.prekey.key
        now_ms = line.clock()
        encoded = encode_packet(
            Packet(
                line=line.roster.line,
                sender="SOUTH",
                to="NORTH",
                to_kid=recipient.key_id,
                counter=9,
                instance="5a" * 16,
                announcement=south.station._courier.pairs["NORTH"].ours.announce(now_ms),
                items=(),
                revocation=revocation_head(line),
                sent_at_ms=now_ms,
            )
        )
        for console in (line.console, south.opened.line.console):
            cell = seal_cell(
                encoded,
                sign_packet(encoded, console),
                recipient=recipient,
                line=line.roster.line,
                secret=keys.secret,
                day=keys.secret.sealing_day(now_ms),
                entropy=line.entropy,
            )
            await east.station.routes["NORTH"].send(cell)
        await wait_for(lambda: refusals(north) == refused + 2)


async def test_cell_for_one_member_is_no_use_at_another(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await group.delivered(await south.say("sea/encounter", ENCOUNTER))
        await group.settled()
        taken, refused = east.recorded(ev.StatementReceived), refusals(east)
        # What NORTH was sent goes on to EAST; what EAST had already comes to it by NORTH.
        for cell in south.cells[-6:]:
            await north.station.routes["EAST"].send(cell)
        await north.station.routes["EAST"].ping()
        assert refusals(east) == refused + 6
        assert east.recorded(ev.StatementReceived) == taken


async def test_member_cannot_forge_a_receipt_of_another(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await group.settled()
        east_task, east.task = east.task, None
        assert east_task is not None
        east_task.cancel()
        await wait_for(lambda: not north.station.routes["EAST"].up)
        digest = await north.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: "SOUTH" in north.state(digest).receipted)
        # SOUTH repeats its own proof and says displayed and rejected as loud as it can.
        put(
            south,
            "NORTH",
            *south.station._receipt_items(digest),
            its.DisplayedItem(digest=Digest(bytes.fromhex(digest)), at="2026-11-22T14:31:26.000Z"),
            its.RejectedItem(digest=Digest(bytes.fromhex(digest)), reason="not for EAST"),
        )
        await pinged(south, north)
        state = north.state(digest)
        assert state.receipted == {"SOUTH"}
        assert state.unreceipted == ("EAST",)
        assert not state.rejected
        assert digest in north.situation.outbox
        await east.station.close()


async def test_statement_that_leaves_a_member_out_is_refused(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        put(south, "NORTH", south.item(south.statement(to=("NORTH",))))
        await wait_for(lambda: north.reasons)
        assert north.reasons == ["it is not addressed to every other member of its line, once"]
        assert not east.reasons


async def test_two_statements_under_one_number_are_a_fork_for_whoever_sees_both(
    tmp_path: Path,
) -> None:
    async with FakeGroup(tmp_path, deputies=True) as group:
        north, south, east = group.places
        await group.settled()
        everybody = ("SOUTH", "EAST")
        one, other = (north.item(north.statement(to=everybody, text=word)) for word in "ab")
        put(north, "SOUTH", one)
        put(north, "EAST", other)
        await wait_for(lambda: south.recorded(ev.StatementReceived))
        await wait_for(lambda: east.recorded(ev.StatementReceived))
        put(north, "SOUTH", other)
        await wait_for(lambda: south.reasons)
        assert south.reasons[0].startswith("fork: number 1 of NORTH")
        # What SOUTH says goes to both, so that all of it waits; EAST saw no fork and speaks on.
        with pytest.raises(OperatorError, match="NORTH gave number 1 to two statements"):
            await south.say("conv/free-text", {}, text="to EAST alone there is no way")
        await group.delivered(await east.say("conv/free-text", {}, text="EAST speaks on"))
        await resolved(south, "niven", "sorel")
        await group.up()
        await wait_for(lambda: east.recorded(ev.ForkResolvedElsewhere))
        await wait_for(lambda: north.recorded(ev.ForkResolvedThere))
        (told,) = east.recorded(ev.ForkResolvedElsewhere)
        assert (told.peer, told.of, told.generation, told.seq) == ("SOUTH", "NORTH", 1, 1)
        assert [name.split()[-1] for name in told.officers] == ["Niven", "Sorel"]
        await wait_for(lambda: forks_told(east))
        ((mark, headline),) = forks_told(east)
        assert mark == "alarm"
        assert "SOUTH saw two statements of NORTH with number 1" in headline
        await group.delivered(await south.say("conv/free-text", {}, text="free again"))
        # It is told again with every link, and recorded once.
        await east.stop()
        await east.start()
        await group.up()
        await pinged(south, east)
        assert len(east.recorded(ev.ForkResolvedElsewhere)) == 1
        assert not east.reasons


def forks_told(place: Place) -> list[tuple[str, str]]:
    """Return mark and headline of the rows of forks on a place's watch screen."""
    rows = place.desk.timeline(0, 99)
    return [(row.mark, row.headline) for row in rows if row.state_word == "FORK"]


async def resolved(place: Place, *officers: str) -> None:
    """Let two officers of a place resolve its forks, with the station stopped as it must be."""
    await place.stop()
    with at_work(Bench(place.home, system_clock, system_entropy, no_passphrase)) as work:
        resolve_forks(work, "compared by voice", officers)
    await place.start()


async def split(group: FakeGroup, head: its.HeadItem) -> None:
    """Let EAST begin with another history of NORTH than SOUTH has."""
    north, south, east = group.places
    # An honest station stops when it is shown a head of its own that its ledger does not have.
    north.station._stands = lambda _shown: True  # type: ignore[method-assign]
    north.station._comparing.check_own = (  # type: ignore[method-assign]
        lambda item, honest=north.station._comparing.check_own: replace(honest(item), fault="")
    )
    north.station._witness.show = (  # type: ignore[method-assign]
        lambda peer, size=None, honest=north.station._witness.show: (
            head if peer == "EAST" else honest(peer, size)
        )
    )
    await east.start()
    await group.up(south, east)


async def started(tmp_path: Path) -> FakeGroup:
    group = FakeGroup(tmp_path, run=False, deputies=True)
    await group.north.start()
    await group.south.start()
    await group.up(group.north, group.south)
    await wait_for(lambda: group.south.station._witness.held_of("NORTH") is not None)
    return group


@pytest.mark.usefixtures("talkative")
async def test_two_histories_of_one_size_become_evidence_at_both_witnesses(tmp_path: Path) -> None:
    group = await started(tmp_path)
    north, south, east = group.places
    try:
        held = south.station._witness.held_of("NORTH")
        assert held is not None
        await split(group, forged_head(north, held.size))
        for place in (south, east):
            await wait_for(lambda place=place: place.recorded(ev.HeadRefused))
            (told,) = place.recorded(ev.HeadRefused)
            assert (told.peer, told.verdict) == ("NORTH", "FORK")
            await wait_for(lambda place=place: list(place.directory.glob("evidence/*.json")))
            (file,) = place.directory.glob("evidence/*.json")
            evidence = read_fork_evidence(file.read_bytes())
            keys = place.opened.line.roster.ledger_keys("NORTH")
            found = verify_fork_evidence(evidence, keys, verify_ed25519)
            assert found is Contradiction.FORK
        # It is an alarm on the watch screen of both, and freezes both.
        for place in (south, east):
            await wait_for(lambda place=place: forks_told(place))
            rows = place.desk.timeline(0, 99)
            for word in ("EVIDENCE", "FORK"):
                assert [row.mark for row in rows if row.state_word == word] == ["alarm"]
            assert place.desk.watch().alarm.startswith("LINE FROZEN: NORTH shows two histories")
            with pytest.raises(OperatorError, match="NORTH shows two histories of its ledger"):
                await place.say("conv/free-text", {}, text="as if nothing had happened")
        (seen,) = south.recorded(ev.SplitSeen)
        words = "\n".join(south.desk.alarms()[0].lines)
        assert seen.size == held.size
        for part in (seen.held, seen.other, "every member by voice", "ledger resolve"):
            assert part in words
        assert {seen.held, seen.other} == {held.root.hex(), "66" * 32}
        await south.say("sea/encounter", ENCOUNTER)
        # Two officers end it here; the two histories stay two, and say nothing new.
        await resolved(south, "niven", "sorel")
        await group.up(south, east)
        await wait_for(lambda: east.recorded(ev.ForkResolvedElsewhere))
        (told,) = east.recorded(ev.ForkResolvedElsewhere)
        assert (told.peer, told.of, told.seq) == ("SOUTH", "NORTH", 0)
        south.station._comparing.forget_told("EAST")
        await wait_for(lambda: south.heard_items(its.SeenItem))
        await south.say("conv/free-text", {}, text="free again")
        assert len(south.recorded(ev.SplitSeen)) == 1
        with pytest.raises(OperatorError, match="FROZEN"):
            await east.say("conv/free-text", {}, text="its own officers have not resolved it")
    finally:
        await group.__aexit__(None, None, None)


@pytest.mark.usefixtures("talkative")
@pytest.mark.parametrize(("shift", "verdict"), [(-1, "INCONSISTENT"), (1000, "UNJOINED")])
async def test_two_histories_of_two_sizes_cannot_be_joined(
    tmp_path: Path, shift: int, verdict: str
) -> None:
    group = await started(tmp_path)
    north, south, east = group.places
    try:
        held = south.station._witness.held_of("NORTH")
        assert held is not None
        await split(group, forged_head(north, held.size + shift))
        await wait_for(lambda: east.recorded(ev.HeadRefused))
        assert {told.peer for told in east.recorded(ev.HeadRefused)} == {"NORTH"}
        assert verdict in {told.verdict for told in east.recorded(ev.HeadRefused)}
    finally:
        await group.__aexit__(None, None, None)


@pytest.mark.usefixtures("talkative")
async def test_honest_heads_of_all_sizes_are_joined_and_nothing_is_recorded(
    tmp_path: Path,
) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        for number in range(3):
            await east.stop()
            digest = await north.say("conv/free-text", {}, text=f"word {number}")
            await wait_for(lambda digest=digest: "SOUTH" in north.state(digest).receipted)
            await east.start()
            await group.up()
            await group.delivered(digest)
        await wait_for(lambda: south.heard_items(its.SeenItem) and east.heard_items(its.SeenItem))
        await wait_for(lambda: any(place.heard_items(its.JoinedItem) for place in group.places))
        await group.settled()
        for place in group.places:
            await wait_for(lambda place=place: not place.station._comparing._questions)
            assert not place.recorded(ev.HeadRefused)
            assert not place.reasons


async def test_seen_head_that_nobody_signed_is_a_bad_item(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        north, south, east = group.places
        await group.settled()
        forged = forged_head(east, 3).checkpoint.replace("/EAST/", "/NORTH/")
        put(east, "SOUTH", its.SeenItem(checkpoint=forged))
        await wait_for(lambda: south.reasons)
        assert "signed by no third member" in south.reasons[0]
        own = forged_head(east, 3)
        put(east, "SOUTH", its.SeenItem(checkpoint=own.checkpoint))
        await pinged(east, south)
        assert len(south.reasons) == 1
        assert not south.recorded(ev.HeadRefused)
        assert not north.recorded(ev.HeadRefused)


@pytest.mark.usefixtures("talkative")
async def test_head_seen_before_any_of_our_own_is_judged_when_there_is_one(tmp_path: Path) -> None:
    group = await started(tmp_path)
    north, south, east = group.places
    try:
        held = south.station._witness.held_of("NORTH")
        assert held is not None
        north.station._witness.show = lambda _peer, _size=None: None  # type: ignore[method-assign]
        await east.start()
        await wait_for(lambda: ("SOUTH", "NORTH") in east.station._comparing._early)
        assert not east.recorded(ev.HeadRefused)
        await split_later(group, forged_head(north, held.size))
        await wait_for(lambda: east.recorded(ev.HeadRefused))
        assert east.recorded(ev.HeadRefused)[0].verdict == "FORK"
    finally:
        await group.__aexit__(None, None, None)


async def split_later(group: FakeGroup, head: its.HeadItem) -> None:
    north = group.north
    north.station._stands = lambda _shown: True  # type: ignore[method-assign]
    put(north, "EAST", head)
