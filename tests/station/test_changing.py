"""The change-over: what is recorded, what stands in its way, and what a crash leaves."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.core.errors import HotlineError, OperatorError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.decision import Planned
from hotline.core.exchange.trust import admit_record
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.values import Digest, sha256
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.ledger.public import record_digest
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.review.reviewing import review_ledgers
from hotline.sealing.card import Route
from hotline.sealing.certificate import Usage
from hotline.sealing.items import RootItem
from hotline.sealing.root import ROOT_TYPE
from hotline.station import changing, rekeying
from hotline.station.assembly import Machine, open_station
from hotline.station.backing import back_up
from hotline.station.changing import change_over, pending_line, whats_left
from hotline.station.closing import closing_head
from hotline.station.doctor import check_up
from hotline.station.giving_up import give_up_successor
from hotline.station.holds import place_hold
from hotline.station.home import Home, content_sealer
from hotline.station.introducing import admit_offered
from hotline.station.lineup import SUCCESSOR, read_lineup
from hotline.station.opening import kept_opening
from hotline.station.rekeying import rekey_ledger
from hotline.station.rerooting import succeed_root
from hotline.station.rerouting import reroute
from hotline.station.restoring import restore
from hotline.station.revoking import revoke, suspend, take_into_card
from hotline.station.upkeep import at_work
from hotline.station.wanting import Amendment
from tests.fakes.line import FAST
from tests.station.amended import amend, amends, exchange_cards, places_in, worked
from tests.station.homes import NOW_MS, Place, enrol
from tests.station.test_enrolling import power_cut

LATER_MS = NOW_MS + 120_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes whose line was amended, with a second officer; no test changes them."""
    directory = tmp_path_factory.mktemp("amended")
    north, _ = amend(directory)
    north.add("deputy")
    return directory


@pytest.fixture
def north(made: Path, tmp_path: Path) -> Place:
    """NORTH of its own, a minute after the successor was set up."""
    shutil.copytree(made, tmp_path / "two")
    return places_in(tmp_path / "two", LATER_MS)[0]


@contextlib.contextmanager
def ledger_of(place: Place, directory: Path) -> Iterator[LedgerReader]:
    """Read a ledger of a place with its content key."""
    sealer = content_sealer(directory, None, system_entropy)
    with contextlib.closing(Ledger.open_read_only(directory, sealer=sealer)) as reader:
        yield reader


def last_event(reader: LedgerReader, kind: type[ev.Event]) -> ev.Event:
    entry = next(reader.of_kind(kind.kind, newest_first=True))
    return ev.decode_event(entry.kind, entry.content)


def test_change_over_closes_the_old_ledger_and_the_new_one_names_its_end(north: Place) -> None:
    before, after = pending_line(north.bench)
    done = change_over(north.bench, leave=False)
    assert (done.before.directory, done.after.directory) == (before.directory, after.directory)
    assert north.home.only_line() == after.directory
    found = read_lineup(north.home.lines)
    assert [one.line for one in found.earlier] == [before.line]
    with ledger_of(north, before.directory) as old:
        closed = last_event(old, ev.LineClosed)
        end = Checkpoint(old.origin, old.size, old.root)
        lasting = old.lasting(old.origin)
    assert isinstance(closed, ev.LineClosed)
    assert (closed.successor, closed.left, closed.undelivered) == (after.line, (), 0)
    assert done.end == end
    assert lasting is not None
    assert lasting.checkpoint == end
    with ledger_of(north, after.directory) as new:
        continued = last_event(new, ev.LineContinued)
        assert new.find(sha256(end.body()), ev.LineContinued.kind) is not None
    assert isinstance(continued, ev.LineContinued)
    assert (continued.origin, continued.size, continued.root) == (
        end.origin,
        end.size,
        end.root.hex(),
    )


def test_doctor_says_what_waits_and_what_is_closed(north: Place) -> None:
    (waits,) = [
        one for one in check_up(north.home, north.bench.clock, None) if "waits to" in one.what
    ]
    _, after = pending_line(north.bench)
    assert (waits.level, waits.about) == ("WARN", f"lines/{after.directory.name}")
    change_over(north.bench, leave=False)
    found = check_up(north.home, north.bench.clock, None)
    assert not any("waits to" in one.what for one in found)
    assert any("another line has taken over" in one.what for one in found)


def test_backup_of_lines_in_succession_comes_back_with_both(north: Place, tmp_path: Path) -> None:
    before, after = pending_line(north.bench)
    change_over(north.bench, leave=False)
    back_up(north.home, tmp_path / "b", with_keys=False, clock=north.bench.clock)
    for one in (before, after):
        for file in one.directory.glob("ledger.db*"):
            file.unlink()
    (before.directory / SUCCESSOR).unlink()
    placed = restore(north.bench, tmp_path / "b")
    assert len(placed) == 2
    assert north.home.only_line() == after.directory
    for one in (before, after):
        with ledger_of(north, one.directory) as reader:
            assert len(list(reader.of_kind(ev.LedgerRestored.kind))) == 1
    assert review_ledgers(north.home.path, None).ok


CUTS = [(changing, "sign_lasting"), (changing, "_continue"), (changing, "write_json")]


@pytest.mark.parametrize(("module", "name"), CUTS)
def test_change_over_cut_short_is_ended_by_the_same_command(
    north: Place, module: object, name: str
) -> None:
    before, after = pending_line(north.bench)
    with power_cut(module, name):
        change_over(north.bench, leave=False)
    machine = Machine(find_config(), north.bench.clock, system_entropy)
    with pytest.raises(OperatorError, match="closed for the one that follows it"):
        open_station(north.home, machine, passphrase=None, timings=FAST)
    # Without its successor a closed line could neither be worked nor followed.
    with pytest.raises(OperatorError, match="can be given up no more"):
        give_up_successor(north.bench)
    change_over(north.bench, leave=False)
    for directory, kind in ((before.directory, ev.LineClosed), (after.directory, ev.LineContinued)):
        with ledger_of(north, directory) as reader:
            assert len(list(reader.of_kind(kind.kind))) == 1
    assert north.home.only_line() == after.directory
    with pytest.raises(OperatorError, match="no line waits in this home"):
        change_over(north.bench, leave=False)


# --- what is left behind


async def test_what_was_never_delivered_is_named_and_left_only_on_purpose(north: Place) -> None:
    station = worked(north)
    await station.start(run=False)
    try:
        digest = await station.say("conv/free-text", {}, text="nobody got this")
    finally:
        await station.stop()
    left = whats_left(north.bench)
    (line,) = [one for one in left.lines() if one.startswith("NOT DELIVERED")]
    assert line.startswith("NOT DELIVERED to SOUTH: ")
    assert " conv/free-text of 2026-" in line
    with pytest.raises(OperatorError, match="something still stands on the line n-s") as refused:
        change_over(north.bench, leave=False)
    assert "--leave" in refused.value.hint
    before, _ = pending_line(north.bench)
    change_over(north.bench, leave=True)
    with ledger_of(north, before.directory) as old:
        closed = last_event(old, ev.LineClosed)
    assert isinstance(closed, ev.LineClosed)
    assert (closed.undelivered, closed.left) == (1, (digest,))


def test_hold_stays_on_the_old_record_which_goes_on_under_it(north: Place) -> None:
    before, _ = pending_line(north.bench)
    with at_work(north.bench) as work:
        place_hold(work, "HARBOUR", "the inquiry", "north1")
    notes = list(whats_left(north.bench).lines())
    assert "The legal hold on case HARBOUR stays on this record (the inquiry)." in notes
    done = change_over(north.bench, leave=False)
    earlier = Home(north.home.path, before.directory.name)
    bench = Place(earlier, north.catalogue, LATER_MS).bench
    with at_work(bench) as work:
        assert work.situation.holds == {"HARBOUR": "the inquiry"}
        place_hold(work, "SECOND", "later", "north1")
    with ledger_of(north, before.directory) as old:
        assert closing_head(old, Digest(bytes.fromhex(done.after.line))) == done.end
        assert old.size == done.end.size + 1
    with pytest.raises(OperatorError, match="no line of that name"):
        Home(north.home.path, "nowhere").only_line()


def test_suspension_of_one_line_is_settled_before_it_is_closed(north: Place) -> None:
    with at_work(north.bench) as work:
        suspend(work, "deputy", "the key is missing", ["north1", "deputy"])
    with pytest.raises(OperatorError, match="certificate of deputy is suspended on this line"):
        change_over(north.bench, leave=True)
    with at_work(north.bench) as work:
        revoke(work, "deputy", "it stays missing")
    change_over(north.bench, leave=False)


def test_what_was_revoked_and_certified_meanwhile_goes_over(north: Place) -> None:
    north.add("late")
    with at_work(north.bench) as work:
        (ended,) = revoke(work, "deputy", "the key was lost")
        old = work.opened.line.roster
    assert old.is_withdrawn(ended, LATER_MS)
    change_over(north.bench, leave=False)
    with at_work(north.bench) as work:
        roster = work.opened.line.roster
        withdrawn = work.situation.withdrawn
    assert roster.line != old.line
    assert roster.is_withdrawn(ended, LATER_MS)
    assert withdrawn[ended.id.hex()].how == "revoked"
    assert "late" in [one.person for one in roster.certified("NORTH", Usage.STATEMENT)]
    assert roster.standing.head("NORTH") == old.standing.head("NORTH")


async def test_route_that_was_told_meanwhile_goes_over(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "two")
    _, south = places_in(tmp_path / "two", LATER_MS)
    with at_work(south.bench) as work:
        reroute(work, Route(host="north.example", port=4_711))
    change_over(south.bench, leave=False)
    machine = Machine(find_config(), south.bench.clock, system_entropy)
    station, opened = open_station(south.home, machine, passphrase=None, timings=FAST)
    await station.close()
    assert [(one.host, one.port) for one in opened.card.peers] == [("north.example", 4_711)]


def test_keys_that_a_charter_names_stay_until_the_change_over(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "two")
    north, _ = places_in(tmp_path / "two", LATER_MS)
    for change in (rekey_ledger, succeed_root):
        with (
            at_work(north.bench) as work,
            pytest.raises(OperatorError, match="a line that names the keys of today"),
        ):
            change(work)
    change_over(north.bench, leave=False)
    with at_work(north.bench) as work:
        rekey_ledger(work)


REKEY_CUTS = [("_hand_over", 0), ("_hand_over", 1), ("write_json", 0), ("adopt_key", 0)]


@pytest.mark.parametrize(("name", "after"), [("", 0), *REKEY_CUTS])
def test_ledger_key_that_changes_is_handed_over_in_the_closed_ledgers_too(
    north: Place, name: str, after: int
) -> None:
    before, _ = pending_line(north.bench)
    change_over(north.bench, leave=False)
    with at_work(north.bench) as work:
        succeed_root(work)
    if name:
        with power_cut(rekeying, name, after), at_work(north.bench) as work:
            rekey_ledger(work)
        look_after(north, before.directory.name)
    with at_work(north.bench) as work:
        rekey_ledger(work)
    look_after(north, before.directory.name)
    with at_work(north.bench) as work:
        place_hold(work, "NOW", "why", "north1")
    review = review_ledgers(north.home.path, None)
    assert review.ok, review.lines()


def test_line_amended_after_its_ledger_key_changed_takes_over(tmp_path: Path) -> None:
    north, south = enrol(tmp_path)
    for name, opener, joiner in (("second", south, north), ("third", north, south)):
        with at_work(north.bench) as work:
            rekey_ledger(work)
        north.now_ms = south.now_ms = north.now_ms + 60_000
        exchange_cards(north, south)
        opener.completes(joiner.joins(amends(opener, Amendment(name=name))))
        for one in (north, south):
            change_over(one.bench, leave=False)
    assert review_ledgers(north.home.path, None).ok


def test_line_is_not_closed_for_one_that_does_not_open(north: Place) -> None:
    before, after = pending_line(north.bench)
    (after.directory / "line.key").unlink()
    with pytest.raises(OperatorError):
        change_over(north.bench, leave=True)
    with ledger_of(north, before.directory) as old:
        assert not list(old.of_kind(ev.LineClosed.kind))


def look_after(north: Place, handle: str) -> None:
    """Record something in the ledger of a closed line."""
    earlier = Place(Home(north.home.path, handle), north.catalogue, north.now_ms)
    with at_work(earlier.bench) as work:
        place_hold(work, f"CASE {work.opened.ledger.size}", "why", "north1")


def test_frozen_line_is_not_left_by_a_new_charter(
    north: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.core.exchange.standing import Fork
    from hotline.station import leaving

    fork = Fork("SOUTH", 1, 2, "aa" * 32, "bb" * 32, "cc" * 32, 0)
    monkeypatch.setattr(leaving, "standing_forks", lambda _situation: [fork])
    with pytest.raises(OperatorError, match="FROZEN: SOUTH gave number 2") as refused:
        change_over(north.bench, leave=True)
    assert "ledger resolve" in refused.value.hint


# --- roots that followed


def test_amended_charter_names_the_newest_root_and_nobody_reads_words(tmp_path: Path) -> None:
    north, south = enrol(tmp_path)
    north.now_ms = south.now_ms = NOW_MS + 60_000
    with at_work(north.bench) as work:
        newest = succeed_root(work)
        records = work.opened.ledger.public_records()
    exchange_cards(north, south)
    with pytest.raises(HotlineError, match="is not the newest one"):
        # SOUTH's line does not know it yet.
        south.joins(amends(north))
    tell(south, records)
    north.completes(south.joins(kept(north)))
    for place in (north, south):
        _, after = pending_line(place.bench)
        lineage = changing.roster_in(after.directory).lineages["NORTH"]
        assert lineage.roots[lineage.named].digest == newest.digest
        assert lineage.later == ()
    with pytest.raises(OperatorError, match="changed root of NORTH right yet"):
        change_over(south.bench, leave=False)
    with at_work(south.bench) as work:
        compared = ev.RootCompared(
            station="NORTH", root=newest.digest.hex(), agreed=True, role="", name="B"
        )
        work.record(Planned(compared))
    change_over(south.bench, leave=False)
    change_over(north.bench, leave=False)


def kept(place: Place) -> bytes:
    """Return the opening that waits in a home."""
    found = kept_opening(place.home)
    assert found is not None
    return found.own.encoded


def tell(place: Place, records: list[bytes]) -> None:
    """Have a line take over records of the other station, as it does when the link is up."""
    with at_work(place.bench) as work:
        for record in (one for one in records if ROOT_TYPE.encode() in one):
            known = work.opened.line.roster.record_digests
            if record_digest(record) in known:
                continue
            admitted = admit_offered(work.opened.line, "NORTH", RootItem(envelope=record))
            assert isinstance(admitted, AdmitRecord)
            work.record(*admit_record(admitted).events)
            take_into_card(work, record)
