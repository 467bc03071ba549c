"""A station leaves a line: who stays changes over, and who left is told and closes its side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.ledger.public import record_digest
from hotline.review.reviewing import review_ledgers
from hotline.sealing import items
from hotline.sealing.amendment import check_ended
from hotline.sealing.cell import seal_cell
from hotline.sealing.charter import read_charter
from hotline.sealing.dsse import encode_envelope
from hotline.sealing.enrol import countersign_charter, make_charter
from hotline.sealing.packet import Packet, RevocationHead, encode_packet, sign_packet
from hotline.sealing.statements import verify_statement
from hotline.station import changing
from hotline.station.amending import current_roster
from hotline.station.arriving import check_file
from hotline.station.assembly import Machine, open_station
from hotline.station.changing import change_over, whats_left
from hotline.station.courier import Courier
from hotline.station.doctor import check_up
from hotline.station.giving_up import give_up_successor
from hotline.station.parting import end_line, notice_of
from hotline.station.upkeep import at_work
from hotline.station.wanting import Amendment
from tests.fakes.line import FAST
from tests.fakes.line import Place as Worked
from tests.station.amended import amends
from tests.station.homes import (
    NOW_MS,
    ROUTE,
    WANTED,
    Place,
    begin,
    begin_three,
    exchange_cards,
    place_at,
)
from tests.station.test_enrolling import power_cut
from tests.station.test_members import gather, later, seen

LATER_MS = NOW_MS + 3_600_000
NO_EAST = Amendment(remove=["EAST"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line of three, and one of NORTH and SOUTH that waits to follow it; no test changes them."""
    directory = tmp_path_factory.mktemp("leaving")
    north, south, east = begin_three(directory)
    gather(north, south, east, opening=north.opens("SOUTH", "EAST"))
    for place in (north, south, east):
        place.now_ms = LATER_MS
    exchange_cards(north, south, east)
    gather(south, north, opening=amends(south, NO_EAST))
    return directory


@pytest.fixture
def three(made: Path, tmp_path: Path) -> list[Place]:
    """The same, to be changed."""
    shutil.copytree(made, tmp_path / "three")
    return later(tmp_path / "three")


async def said(place: Place, *peers: str) -> str:
    """Have an officer sign and record a statement that nobody gets; return its digest."""
    name = place.home.path.name.upper()
    worked = Worked(name, f"{name.lower()}1", place.home, peers[0], place.bench.clock)
    await worked.start(run=False)
    try:
        return await worked.say("conv/free-text", {}, text="before it ended")
    finally:
        await worked.stop()


def test_three_become_two_and_the_keys_of_who_left_mean_nothing(three: list[Place]) -> None:
    north, south, east = three
    before = current_roster(east.home)
    theirs = {one.id for one in before.certificates.values() if one.station == "EAST"}
    assert theirs
    for place in (north, south):
        change_over(place.bench, leave=False)
        after = current_roster(place.home)
        assert after.members == ("SOUTH", "NORTH")
        assert after.charter.predecessor == before.line
        assert not theirs & after.certificates.keys()
        review = review_ledgers(place.home.path, None)
        assert review.ok, review.lines()
        assert "both agree" in "\n".join(review.lines())
    with at_work(north.bench) as work:
        line = work.opened.line
        assert [*line.peers] == ["SOUTH"]
        assert "EAST" not in line.roster.lineages
        with pytest.raises(PeerError):
            line.roster.with_certificate(record_of(east, theirs))


def record_of(place: Place, wanted: set[Digest]) -> bytes:
    """Return the record of one of these certificates, as the ledger of a station binds it."""
    with at_work(place.bench) as work:
        return next(
            one for one in work.opened.ledger.public_records() if record_digest(one) in wanted
        )


async def test_statement_of_who_left_is_refused_on_the_line_that_follows(
    three: list[Place],
) -> None:
    north, _, east = three
    digest = await said(east, "NORTH", "SOUTH")
    with at_work(east.bench) as work:
        item = items.decode_item(
            work.opened.ledger.enclosure(work.situation.statements[digest].index)
        )
    assert isinstance(item, items.StatementItem)
    old = current_roster(north.home)
    assert verify_statement(old, item.envelope, at_ms=LATER_MS).statement.sender == "EAST"
    change_over(north.bench, leave=False)
    with pytest.raises(PeerError):
        verify_statement(current_roster(north.home), item.envelope, at_ms=LATER_MS)


def test_cell_of_who_left_opens_on_the_old_line_and_is_refused_on_the_new_one(
    three: list[Place],
) -> None:
    north, _, east = three
    with at_work(east.bench) as work:
        courier = Courier(work.opened.line)
        cell = courier.seal("NORTH", [items.LineTestItem(serial=1, phrase="of one that left")])
        old = work.opened.line.peers["NORTH"]
    with at_work(north.bench) as work:
        assert Courier(work.opened.line).open(cell).packet.sender == "EAST"
    change_over(north.bench, leave=False)
    with at_work(north.bench) as work:
        line = work.opened.line
        with pytest.raises(PeerError):
            Courier(line).open(cell)
        # Also where it is sealed anew for the new line and to NORTH's new key, which it may see.
        secret = old.held.secret
        packet = Packet(
            line=line.roster.line,
            sender="EAST",
            to="NORTH",
            to_kid=line.recovery.key_id,
            counter=1,
            instance="00" * 16,
            announcement=Courier(line).pairs["SOUTH"].ours.announce(LATER_MS),
            items=(items.LineTestItem(serial=2, phrase="of one that left"),),
            revocation=RevocationHead(counter=0, digest=ZERO_DIGEST),
            sent_at_ms=LATER_MS,
        )
        encoded = encode_packet(packet)
        false = seal_cell(
            encoded,
            sign_packet(encoded, line.console),
            recipient=line.recovery.public,
            line=line.roster.line,
            secret=secret,
            day=secret.sealing_day(LATER_MS),
            entropy=system_entropy,
        )
        with pytest.raises(PeerError):
            Courier(line).open(false)


async def test_what_who_left_never_got_is_named_and_left_on_purpose(three: list[Place]) -> None:
    north, *_ = three
    await said(north, "SOUTH", "EAST")
    (line,) = [one for one in whats_left(north.bench).lines() if one.startswith("NOT DELIVERED")]
    assert "EAST" in line
    with pytest.raises(OperatorError, match="something still stands"):
        change_over(north.bench, leave=False)
    change_over(north.bench, leave=True)


def test_who_left_closes_its_side_and_can_only_read_it(three: list[Place]) -> None:
    north, south, east = three
    notice = notice_of(north.home)
    assert (notice.gone, notice.charter.stations) == (("EAST",), ("SOUTH", "NORTH"))
    change_over(south.bench, leave=False)
    assert notice_of(south.home).encoded == notice.encoded
    done = end_line(east.bench, notice.encoded)
    assert done.charter.line == notice.charter.line
    again = end_line(east.bench, notice.encoded)
    assert again.end == done.end
    machine = Machine(find_config(), east.bench.clock, system_entropy)
    with pytest.raises(OperatorError, match="which this station is not on") as refused:
        open_station(east.home, machine, passphrase=None, timings=FAST)
    words = (
        f"the other stations closed this line in favour of n-s, {notice.charter.line.hex()[:16]}"
    )
    assert words in str(refused.value)
    assert "its record stays" in refused.value.hint
    review = review_ledgers(east.home.path, None)
    assert review.ok, review.lines()
    assert "whose ledger is not here" in "\n".join(review.lines())
    found = check_up(east.home, east.bench.clock, None)
    assert any(one.what.startswith("The other stations closed it") for one in found)
    with at_work(east.bench) as work:
        assert len(list(work.opened.ledger.of_kind(ev.LineClosed.kind))) == 1


def test_end_that_was_cut_short_is_ended_by_the_same_command(three: list[Place]) -> None:
    north, _, east = three
    notice = notice_of(north.home).encoded
    with power_cut(changing, "sign_lasting"):
        end_line(east.bench, notice)
    done = end_line(east.bench, notice)
    with at_work(east.bench) as work:
        ledger = work.opened.ledger
        assert ledger.lasting(done.end.origin, done.end.size) is not None
        assert len(list(ledger.of_kind(ev.LineClosed.kind))) == 1


# --- refusals


def test_rival_successor_without_another_station_is_refused(three: list[Place]) -> None:
    """EAST would have a line without SOUTH: a line has one successor."""
    north, south, east = three
    rival = amends(east, Amendment(remove=["SOUTH"]))
    with pytest.raises(OperatorError, match="was set up already"):
        check_file(north.bench, rival, "open")
    with pytest.raises(OperatorError, match="is for NORTH, not for SOUTH"):
        check_file(south.bench, rival, "open")
    change_over(north.bench, leave=False)
    with pytest.raises(OperatorError, match="followed by another one already"):
        check_file(north.bench, rival, "open")


def test_charter_that_not_all_who_stay_signed_ends_nothing(three: list[Place]) -> None:
    north, _, east = three
    notice = notice_of(north.home)
    envelope = read_charter(notice.encoded.strip())
    for kept in (envelope.signatures[:2], envelope.signatures[2:]):
        short = type(envelope)(envelope.payload_type, envelope.payload, kept)
        with pytest.raises(OperatorError, match="did not sign it"):
            end_line(east.bench, encode_envelope(short))
    flipped = bytearray(notice.encoded)
    at = flipped.index(b'"sig":"') + 40
    flipped[at] = ord("A") if flipped[at] != ord("A") else ord("B")
    with pytest.raises(OperatorError, match=r"did not sign it|signature"):
        end_line(east.bench, bytes(flipped))
    with pytest.raises(OperatorError, match="does not end the line"):
        end_line(east.bench, b"no charter")
    with at_work(east.bench) as work:
        assert work.situation.closed_for == ""


def test_charter_that_names_the_station_or_follows_nothing_does_not_end_its_line(
    three: list[Place],
) -> None:
    north, south, east = three
    before = current_roster(east.home)
    members = [(one.station, one.root) for one in before.charter.members]

    def signed(
        members: list[tuple[str, Digest]], predecessor: Digest | None, at_ms: int = LATER_MS
    ) -> bytes:
        made = make_charter(
            north.root(),
            name="n-s",
            members=members,
            policy=WANTED.policy,
            at_ms=at_ms,
            predecessor=predecessor,
        )
        return countersign_charter(made, south.root())

    for encoded, words in (
        (signed([*members], before.line), "it names EAST"),
        (signed([*members[:2]], None), "does not follow this line"),
        (signed([*members[:2]], before.line, NOW_MS - 60_000), "older than the one"),
    ):
        with pytest.raises(PeerError, match=words):
            check_ended(before, read_charter(encoded), "EAST")
    good = read_charter(signed([*members[:2]], before.line))
    assert check_ended(before, good, "EAST").stations == ("NORTH", "SOUTH")


def test_line_that_was_ended_is_not_closed_for_another_one(three: list[Place]) -> None:
    north, south, east = three
    end_line(east.bench, notice_of(north.home).encoded)
    before = current_roster(east.home)
    members = [(one.station, one.root) for one in before.charter.members[:2]]
    other = make_charter(
        north.root(),
        name="other",
        members=members,
        policy=WANTED.policy,
        at_ms=LATER_MS,
        predecessor=before.line,
    )
    with pytest.raises(OperatorError, match="was closed in favour of the line"):
        end_line(east.bench, countersign_charter(other, south.root()))


def test_notice_where_nobody_left_is_refused(made: Path) -> None:
    with pytest.raises(OperatorError, match="nobody has left the line"):
        notice_of(place_at(made / "east").home)


def test_station_that_left_comes_back_from_another_home_under_another_name_only(
    three: list[Place], tmp_path: Path
) -> None:
    north, south, east = three
    notice = notice_of(north.home).encoded
    for place in (north, south):
        change_over(place.bench, leave=False)
    end_line(east.bench, notice)
    exchange_cards(*three)
    opening = amends(north, Amendment(add=["EAST"]))
    assert [what for what, _, _ in seen(south, opening)[1]] == ["EAST joins"]
    with pytest.raises(OperatorError, match="east has a line already") as refused:
        check_file(east.bench, opening, "open")
    assert "another home" in refused.value.hint
    same, other = (
        begin(tmp_path / name, name.upper(), route=ROUTE, now_ms=LATER_MS)
        for name in ("east", "east-2")
    )
    with pytest.raises(OperatorError, match="another root than the one that was compared for EAST"):
        exchange_cards(north, same)
    exchange_cards(north, other)


def test_member_swapped_by_the_opener_is_listed_where_it_is_signed(
    three: list[Place], tmp_path: Path
) -> None:
    """The opener was asked to add WEST; it leaves EAST out besides: SOUTH and WEST read that."""
    north, south, _ = three
    west = begin(tmp_path / "west", "WEST", route=ROUTE, now_ms=LATER_MS)
    for place in (north, south):
        give_up_successor(place.bench)
    exchange_cards(north, south, west)
    opening = amends(north, Amendment(add=["WEST"], remove=["EAST"]))
    for place in (south, west):
        _, told = seen(place, opening)
        assert sorted(what for what, _, _ in told) == ["EAST leaves", "WEST joins"]
