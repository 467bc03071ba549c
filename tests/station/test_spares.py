"""A spare console: its own keys, tested, taking the line over; never two consoles at once."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.errors import HotlineError, IntegrityError, OperatorError, PeerError
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file
from hotline.host.packs import load_catalogue
from hotline.ledger.store import Ledger
from hotline.sealing import items as its
from hotline.sealing.authorisation import Act
from hotline.sealing.certificate import Usage
from hotline.sealing.dsse import decode_envelope
from hotline.sealing.roster import Roster
from hotline.sealing.standing import CERTIFICATE, ENDPOINT
from hotline.sealing.take_over import with_take_over
from hotline.station import renewing, spares, succession
from hotline.station.cards import accept_card
from hotline.station.consoles import renew_console
from hotline.station.courier import Courier
from hotline.station.endings import endings
from hotline.station.home import Home, content_sealer, read_card, read_line
from hotline.station.introducing import admit_offered
from hotline.station.line_keys import spare_name
from hotline.station.probing import probe_spare
from hotline.station.revoking import prepare, use_prepared
from hotline.station.spare_admitting import admit_spare
from hotline.station.spare_homes import NewSpare, begin_spare
from hotline.station.spare_sides import complete_spare
from hotline.station.spares import renew_spare, take_over, undelivered
from hotline.station.upkeep import at_work
from tests.fakes.line import FAST, Place, catalogue, wait_for
from tests.station import homes
from tests.station.test_enrolling import power_cut
from tests.station.twin import OFFICERS, Twin, bench_of, set_up, settled


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Twin]:
    """Each is set up once, when it is asked for first."""
    return functools.cache(
        lambda north_listens: set_up(tmp_path_factory.mktemp("twin"), north_listens=north_listens)
    )


@pytest.fixture(params=[True, False], ids=["dialled", "dials"])
def both_ways(
    request: pytest.FixtureRequest, twins: Callable[[bool], Twin], tmp_path: Path
) -> Twin:
    """NORTH is dialled in one run, and dials in the other."""
    return twins(request.param).copy(tmp_path / "twin")


@pytest.fixture
def laid(twins: Callable[[bool], Twin]) -> Twin:
    """One that no test changes."""
    return twins(False)


@pytest.fixture
def twin(laid: Twin, tmp_path: Path) -> Twin:
    return laid.copy(tmp_path / "twin")


async def say(sender: Place, receiver: Place, text: str) -> str:
    digest = await sender.say("conv/free-text", {}, text=text)
    await wait_for(lambda: sender.receipted(digest) and receiver.holds(digest))
    return digest


def roster_of(place: Place) -> Roster:
    return Roster.read([one.encode() for one in read_card(place.directory).records])


# --- its own keys -------------------------------------------------------------------------


def test_spare_shares_no_key_with_the_first_console(laid: Twin) -> None:
    first, spare = laid.north.home, laid.spare.home
    for name in ("keys/console.key", "lines/*/line.key", "journal/content.key"):
        seeds = [
            set(read_key_file(next(home.path.glob(name)), None).seeds.values())
            for home in (first, spare)
        ]
        # When a prekey was made and the day of a secret are no keys.
        assert not {one for one in seeds[0] & seeds[1] if len(one) == 32}
    assert (first.path / "tls/key.pem").read_bytes() != (spare.path / "tls/key.pem").read_bytes()
    assert not list(spare.keys.glob("root*")) + list(spare.keys.glob("succ*"))


def test_spare_is_certified_as_such_and_known_at_both(laid: Twin) -> None:
    for place in (laid.north, laid.south, laid.spare):
        found = roster_of(place).certified("NORTH", Usage.TRANSPORT)
        if place is laid.north or place is laid.south:
            assert sorted(one.endpoint for one in found) == [1, 2]
    assert read_card(laid.spare.directory).endpoint == 2
    assert [one.endpoint for one in read_card(laid.south.directory).spares] == [2]
    sealer = content_sealer(laid.south.directory, None, system_entropy)
    with closing(Ledger.open_read_only(laid.south.directory, sealer=sealer)) as reader:
        assert len(list(reader.of_kind(ev.SpareAdmitted.kind))) == 1
    with pytest.raises(OperatorError, match="is spare console 2 of NORTH, which has not taken"):
        asyncio.run(laid.spare.start())


# --- tested -------------------------------------------------------------------------------


def test_tested_spare_is_recorded_at_both_and_changes_nothing(both_ways: Twin) -> None:
    async def go() -> None:
        north, south, spare = both_ways.north, both_ways.south, both_ways.spare
        await (north if read_card(north.directory).listens else south).start()
        await (south if read_card(north.directory).listens else north).start()
        await say(north, south, "Before the test.")
        for _ in range(2):
            tested = await probe_spare(bench_of(spare), catalogue(), FAST, 20.0)
            await wait_for(lambda: south.recorded(ev.SpareTested))
        assert (tested.station, tested.endpoint, tested.peer) == ("NORTH", 2, "SOUTH")
        # One whose end nobody knows of is made again: there may be a third.
        await wait_for(lambda: len(south.recorded(ev.SpareTested)) >= 2)
        assert south.opened.line.roster.standing.endpoint_of("NORTH") == 1
        await say(south, north, "After the test.")
        assert not south.reasons
        await north.stop()
        await south.stop()

    asyncio.run(go())
    sealer = content_sealer(both_ways.spare.home.path / "journal", None, system_entropy)
    with closing(Ledger.open_read_only(both_ways.spare.home.path / "journal", sealer=sealer)) as it:
        assert len(list(it.of_kind(ev.SpareTested.kind))) == 2


def test_spare_that_has_not_taken_over_says_nothing_that_is_taken(twin: Twin) -> None:
    async def go() -> None:
        north, south = twin.north, twin.south
        await south.start()
        line = read_line(twin.spare.home, None, system_clock, system_entropy)[2]
        courier = Courier(line)
        size = south.opened.ledger.size
        words = its.LineTestItem(serial=1, phrase="x")
        for items in ([words], [its.RefetchItem(ours=(), yours=((1, 1, 9),))]):
            await south.station._take_cell(courier.seal("SOUTH", items))
        assert [one.in_office for one in south.heard] == [False, False]
        assert south.opened.ledger.size == size
        await north.start()
        await say(north, south, "The first console speaks.")
        await north.stop()
        await south.stop()

    asyncio.run(go())


# --- taking over --------------------------------------------------------------------------


def test_spare_takes_over_from_a_dead_console_and_gets_the_record_of_the_line_back(
    both_ways: Twin,
) -> None:
    async def go() -> None:
        north, south, spare = both_ways.north, both_ways.south, both_ways.spare
        await south.start()
        await north.start()
        before = await say(north, south, "Before the fire.")
        answer = await say(south, north, "Heard.")
        await settled(north, south)
        await north.stop()
        both_ways.takes_over()
        await spare.start()
        await wait_for(lambda: south.recorded(ev.EndpointTaken))
        digest = await say(spare, south, "The spare speaks.")
        assert south.state(digest).verdict == "VERIFIED"
        await wait_for(lambda: spare.holds(before) and spare.holds(answer))
        await say(south, spare, "Good to hear.")
        for place in (spare, south):
            await place.stop()
        for place in (south, spare):
            await place.start()
        await say(spare, south, "Once more, both started again.")
        (taken,) = south.recorded(ev.EndpointTaken)
        assert (taken.station, taken.endpoint, len(taken.officers)) == ("NORTH", 2, 2)
        for place in (spare, south):
            await place.stop()
            assert place.verdict().ok

    asyncio.run(go())


def test_spare_takes_over_from_a_console_that_is_alive_and_both_officers_see_it(
    both_ways: Twin,
) -> None:
    async def go() -> None:
        north, south, spare = both_ways.north, both_ways.south, both_ways.spare
        listens = read_card(north.directory).listens
        for place in (north, south) if listens else (south, north):
            await place.start()
        await say(north, south, "The first console speaks.")
        both_ways.takes_over()
        await spare.start()
        error = await north.died()
        assert isinstance(error, IntegrityError)
        assert str(error).startswith("spare console 2 of NORTH took this line over")
        assert north.recorded(ev.EndpointTaken)
        assert any(
            "took the line over" in row.headline
            for row in south.desk.timeline(0, south.desk.watch().timeline_length)
        )
        await say(spare, south, "The spare speaks.")
        for place in (north, spare, south):
            await place.stop()
        with pytest.raises(IntegrityError, match="took this line over"):
            await north.start()
        assert undelivered(north.home, None, bench_of(north)) == []

    asyncio.run(go())


def test_first_console_that_comes_back_is_told_and_nothing_of_it_is_taken(twin: Twin) -> None:
    async def go() -> None:
        north, south, spare = twin.north, twin.south, twin.spare
        await north.start()
        lost = await north.say("conv/free-text", {}, text="Never delivered.")
        await north.stop()
        twin.takes_over()
        await south.start()
        await spare.start()
        await say(spare, south, "The spare speaks.")
        await spare.stop()
        await north.start()
        error = await north.died()
        assert "1 statements of it were not delivered" in str(error)
        assert not south.holds(lost)
        await north.stop()
        await spare.start()
        await say(south, spare, "We hear the spare alone.")
        await spare.stop()
        await south.stop()
        (left,) = undelivered(north.home, None, bench_of(north))
        assert left.statement.text == "Never delivered."

    asyncio.run(go())


# --- who may not --------------------------------------------------------------------------


def authorised(twin: Twin, persons: tuple[str, ...] = OFFICERS, **details: str | int) -> bytes:
    """Return a take-over by real officers of NORTH, with details of the test's choosing."""
    _, _, line = read_line(twin.spare.home, None, system_clock, system_entropy)
    (console,) = [
        one for one in line.roster.certified("NORTH", Usage.TRANSPORT) if one.endpoint == 2
    ]
    good: dict[str, str | int] = {ENDPOINT: 2, CERTIFICATE: console.id.hex()}
    bench = bench_of(twin.spare)
    return bench.authorise(line, Act.TAKE_OVER, good | details, "a test", persons)[0]


def first_console(twin: Twin) -> str:
    found = roster_of(twin.north).certified("NORTH", Usage.TRANSPORT)
    return next(one.id.hex() for one in found if one.endpoint == 1)


FORGED: dict[str, tuple[Callable[[Twin], bytes], str]] = {
    "for the first console": (
        lambda twin: authorised(twin, **{CERTIFICATE: first_console(twin)}),
        "not that spare",
    ),
    "with another number": (lambda twin: authorised(twin, **{ENDPOINT: 3}), "not that spare"),
    "with number 1": (lambda twin: authorised(twin, **{ENDPOINT: 1}), "number from 2 to 99"),
    "with a number that is a text": (
        lambda twin: authorised(twin, **{ENDPOINT: "2"}),
        "not those of a spare",
    ),
    "with one detail more": (lambda twin: authorised(twin, more=1), "not those of a spare"),
    "for a certificate that nobody has": (
        lambda twin: authorised(twin, **{CERTIFICATE: "ab" * 32}),
        "no console certificate",
    ),
    "altered": (
        lambda twin: authorised(twin).replace(b'"sig":"', b'"sig":"AA', 1),
        "",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_forged_take_over_is_refused(laid: Twin, how: str) -> None:
    make, reason = FORGED[how]
    _, _, line = read_line(laid.south.home, None, system_clock, system_entropy)
    found = admit_offered(line, "NORTH", its.RevocationItem(envelope=make(laid)))
    assert type(found).__name__ == "Quarantine"
    assert reason in getattr(found, "reason", "")
    assert line.roster.standing.endpoint_of("NORTH") == 1


@pytest.mark.parametrize("persons", [("north1",), ("north1", "north1")])
def test_take_over_by_one_officer_is_refused(twin: Twin, persons: tuple[str, ...]) -> None:
    with pytest.raises(OperatorError):
        twin.takes_over(*persons)
    assert read_card(twin.spare.directory).records == read_card(twin.spare.directory).records
    assert roster_of(twin.spare).standing.endpoint_of("NORTH") == 1


def test_take_over_that_a_revoked_officer_signed_is_refused_by_the_peer(twin: Twin) -> None:
    with at_work(bench_of(twin.north)) as work:
        ((_, slip),) = prepare(work, "north2")
    with at_work(bench_of(twin.south)) as work:
        use_prepared(work, slip)
    twin.takes_over()

    async def go() -> None:
        await twin.south.start()
        await twin.spare.start()
        await wait_for(lambda: twin.south.reasons)
        assert all("was not trusted any more" in one for one in twin.south.reasons)
        assert not twin.south.recorded(ev.EndpointTaken)
        await twin.spare.stop()
        await twin.south.stop()

    asyncio.run(go())


def test_replayed_take_over_changes_nothing_and_an_older_one_is_refused(twin: Twin) -> None:
    record = authorised(twin)
    _, _, line = read_line(twin.south.home, None, system_clock, system_entropy)
    item = its.RevocationItem(envelope=record)
    assert admit_offered(line, "NORTH", item) is not None
    assert admit_offered(line, "NORTH", item) is None
    again = admit_offered(line, "NORTH", its.RevocationItem(envelope=authorised(twin)))
    assert "was left behind" in getattr(again, "reason", "")
    assert line.roster.standing.endpoint_of("NORTH") == 2
    # Also by the file that its records are read from.
    roster = roster_of(twin.south)
    envelope = decode_envelope(
        record, expect=("application/vnd.hotline.authorisation.v1+json",), what="", max_bytes=60_000
    )
    grown, _ = with_take_over(roster, envelope)
    assert with_take_over(grown, envelope)[0].standing.endpoint_of("NORTH") == 2


def test_of_two_spares_the_one_that_was_admitted_last_can_take_over(
    twin: Twin, tmp_path: Path
) -> None:
    north = homes.Place(twin.north.home, load_catalogue(find_config()), system_clock())
    south = homes.Place(twin.south.home, north.catalogue, system_clock())
    accept_card(north.home, south.card(), homes.never, north.bench.clock)
    third = Home(twin.directory / "third")
    opening = begin_spare(
        north.bench, NewSpare(third), homes.nothing, north.root_file, north.catalogue
    )
    answer = admit_spare(south.bench, opening, south.root_file)
    (known,) = read_card(twin.south.directory).spares
    assert known.endpoint == 3
    assert not list(twin.south.directory.glob(f"{spare_name('NORTH', 2)}.*"))
    complete_spare(bench_of(Place("NORTH", "north1", third, "SOUTH")), answer)
    twin.takes_over()
    line = read_line(twin.spare.home, None, system_clock, system_entropy)[2]
    _, _, there = read_line(twin.south.home, None, system_clock, system_entropy)
    courier = Courier(line)
    with pytest.raises(PeerError):
        Courier(there).open(courier.seal("SOUTH", [courier.pairs["SOUTH"].ask(system_clock())]))


# --- cut short, refused -------------------------------------------------------------------

CUTS = [(spares, "write_json"), (spares, "renew_ledger"), (renewing, "_make")]
CUTS += [(renewing, "take_place"), (succession, "sync_directory")]


@pytest.mark.parametrize(("module", "name"), CUTS)
def test_take_over_that_was_cut_short_is_ended_by_the_same_command(
    twin: Twin, module: object, name: str
) -> None:
    with power_cut(module, name):
        twin.takes_over()
    with pytest.raises(HotlineError):
        asyncio.run(twin.spare.start())
    twin.takes_over()
    with pytest.raises(OperatorError, match="is in office already"):
        twin.takes_over()

    async def opens() -> None:
        await twin.spare.start(run=False)
        assert twin.spare.opened.line.generation == 10
        await twin.spare.stop()

    asyncio.run(opens())


def test_first_console_takes_nothing_over(twin: Twin) -> None:
    with pytest.raises(OperatorError, match="is the first console of its station"):
        take_over(bench_of(twin.north), OFFICERS, "no", catalogue().packs)


def test_spare_admitted_twice_gets_one_answer_and_files_for_others_are_refused(
    tmp_path: Path,
) -> None:
    north, south = homes.enrol(tmp_path, system_clock())
    new = NewSpare(Home(tmp_path / "spare"), homes.ROUTE)
    make = (north.bench, new, homes.nothing, north.root_file, north.catalogue)
    with pytest.raises(OperatorError, match="is the one that the line was made with"):
        begin_spare(*make)
    accept_card(north.home, south.card(), homes.never, north.bench.clock)
    with pytest.raises(OperatorError, match="would have to dial the spare"):
        begin_spare(north.bench, NewSpare(new.home), *make[2:])
    opening = begin_spare(*make)
    with pytest.raises(OperatorError, match="exists already"):
        begin_spare(*make)
    with pytest.raises(OperatorError, match="is for SOUTH, not for NORTH"):
        admit_spare(north.bench, opening, north.root_file)
    with pytest.raises(OperatorError, match="this file cannot be used"):
        admit_spare(south.bench, opening.replace(b'"sig":"', b'"sig":"AA', 1), south.root_file)
    answer = admit_spare(south.bench, opening, south.root_file)
    assert admit_spare(south.bench, opening, south.root_file) == answer
    spare = bench_of(Place("NORTH", "north1", new.home, "SOUTH"))
    with pytest.raises(OperatorError, match="this file cannot be used"):
        complete_spare(spare, opening)
    assert complete_spare(spare, answer) == complete_spare(spare, answer)


def test_spare_in_the_safe_is_certified_for_longer_and_brought_up_to_date(twin: Twin) -> None:
    bench = bench_of(twin.north)
    known = roster_of(twin.spare).certified("NORTH", Usage.TRANSPORT)
    before = [one for one in known if one.endpoint == 2]
    certificate = renew_spare(
        bench, twin.spare.home, twin.north.home.keys / "root.key", catalogue()
    )
    assert (certificate.endpoint, certificate.key) == (2, before[-1].key)
    assert certificate.id in roster_of(twin.spare).certificates
    assert certificate.id in roster_of(twin.north).certificates
    with pytest.raises(OperatorError, match="is no spare console of this station"):
        renew_spare(bench, twin.south.home, twin.north.home.keys / "root.key", catalogue())


def test_spare_in_office_is_renewed_as_that_spare(twin: Twin) -> None:
    twin.takes_over()
    bench = bench_of(twin.spare)
    root_file = twin.north.home.keys / "root.key"
    for new_key in (False, True):
        certificate = renew_console(bench, root_file, catalogue(), new_key=new_key)
        assert (certificate.endpoint, certificate.person) == (2, "console-2")
    found = endings(roster_of(twin.spare), "NORTH", system_clock())
    unattended = [
        (one.person, one.command) for one in found if one.ours and one.usage != "statement"
    ]
    assert unattended == [
        ("console-2", "hotline renew HOME"),
        ("ledger-2", "hotline ledger rekey HOME"),
    ]
    before = endings(roster_of(twin.north), "NORTH", system_clock())
    assert ("console-2", "hotline spare renew HOME SPARE") in [
        (one.person, one.command) for one in before
    ]


def test_spare_show_and_line_show_say_which_console_a_home_is(
    twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    homes_of = {"north": twin.north.home, "spare": twin.spare.home, "south": twin.south.home}
    paths = {name: str(home.path) for name, home in homes_of.items()}
    assert main(["spare", "show", paths["spare"]]) == 0
    assert main(["spare", "show", paths["south"]]) == 0
    told = capsys.readouterr().out
    assert "This is console 2 of NORTH; in office is console 1." in told
    assert "It has not taken over, so it holds no record yet." in told
    assert "console 2 of NORTH is known here" in told
    assert main(["line", "show", paths["north"]]) == 0
    assert "the certificate of console-2 of NORTH ends in 91" in capsys.readouterr().out
    words = ["--officer", "north1", "--officer", "north2", "--reason", "the site burns"]
    assert main(["console", paths["spare"]]) == 2
    assert main(["spare", "take-over", paths["spare"], *words]) == 0
    assert "its ledger begins with generation 10" in capsys.readouterr().out
    assert main(["spare", "show", paths["spare"]]) == 0
    told = capsys.readouterr().out
    assert "in office is console 2" in told
    assert "0 statements are not delivered" in told
    assert main(["spare", "test", paths["spare"]]) == 2
    assert "only a spare console that has not taken over" in capsys.readouterr().err
