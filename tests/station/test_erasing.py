"""Erasing a month: what goes, what stays, what is refused, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.core.errors import (
    ErasedContentError,
    IntegrityError,
    OperatorError,
    StorageError,
)
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.standing import Fork, Release
from hotline.core.records import events as ev
from hotline.core.times import parse_time
from hotline.host import keyfile
from hotline.host.keyfile import read_key_file
from hotline.ledger.reconcile import reconcile
from hotline.ledger.store import Ledger
from hotline.review.opening import open_record
from hotline.sealing.items import StatementItem, decode_item
from hotline.station import erasing
from hotline.station.erasing import erase_epoch
from hotline.station.holds import place_hold, release_hold
from hotline.station.home import Home, content_sealer
from hotline.station.renewing import renew_ledger
from hotline.station.upkeep import at_work
from tests.core.exchange.rig import pair
from tests.fakes.line import ENCOUNTER, FakeLine, catalogue, wait_for
from tests.station.months import (
    DECEMBER,
    NORTHERN,
    NOVEMBER,
    OCTOBER,
    Calendar,
    Years,
    copied,
)

REASON = "the month is kept no longer"


@asynccontextmanager
async def two_months(directory: Path) -> AsyncIterator[Years]:
    """A line that spoke in October and in November; both stations are closed."""
    calendar = Calendar("2026-10-20T08:00:00.000Z")
    line = FakeLine(directory, clock=calendar, deputies=True)
    years = Years(line, calendar)
    async with line:
        await years.exchange()
        await years.answer()
    calendar.set("2026-11-03T08:00:00.000Z")
    async with line:
        await years.exchange()
        await years.answer()
    yield years


def erase(years: Years, epoch: int = OCTOBER, home: Home | None = None) -> erasing.Erasure:
    bench = years.bench
    if home is not None:
        bench = type(bench)(home, bench.clock, bench.entropy, bench.ask)
    with at_work(bench) as work:
        return erase_epoch(work, epoch, REASON, NORTHERN)


def refused(years: Years, words: str, epoch: int = OCTOBER) -> None:
    key = years.line.north.directory / "content.key"
    before = key.read_bytes()
    with pytest.raises(OperatorError, match=words):
        erase(years, epoch)
    assert key.read_bytes() == before


def seeds(years: Years) -> set[str]:
    return set(read_key_file(years.line.north.directory / "content.key", None).seeds)


def run(directory: Path, work: Callable[[Years], object]) -> None:
    async def go() -> None:
        async with two_months(directory) as years:
            work(years)

    asyncio.run(go())


def test_erased_month_cannot_be_read_and_its_proofs_stand(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        north = years.line.north
        old_key = (north.directory / "content.key").read_bytes()
        erased = erase(years)
        assert erased.entries > 10
        assert seeds(years) == {f"epoch/{NOVEMBER}", f"erased/{OCTOBER}"}
        assert (north.directory / "content.key").read_bytes() != old_key
        verdict = north.verdict()
        assert verdict.ok
        (note,) = [one for one in verdict.notes if "erased" in one]
        assert f"epoch {OCTOBER} was erased" in note
        assert f"{erased.entries} entries, from 0 to {erased.entries - 1}" in note
        sealer = content_sealer(north.directory, None, years.bench.entropy)
        reader = Ledger.open_read_only(north.directory, sealer=sealer)
        entries = list(reader.entries(0, reader.size))
        gone = [one for one in entries if one.erased]
        assert len(gone) == erased.entries
        assert all(one.content == one.salt == b"" for one in gone)
        enclosed = next(one for one in gone if one.has_enclosure)
        words = f"the content of entry {enclosed.index} was erased .epoch {OCTOBER}."
        with pytest.raises(ErasedContentError, match=words):
            reader.enclosure(enclosed.index)
        assert reader.prove_inclusion(enclosed.index)
        reader.close()

    run(tmp_path, work)


def test_line_goes_on_after_an_erasure_and_reconciles(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            line = years.line
            erase(years)
            async with line:
                situation = line.north.situation
                assert situation.erased[OCTOBER] > 10
                assert situation.our_order is not None
                assert situation.our_order.seq == 2
                assert situation.their_orders["SOUTH"].seq == 2
                await years.exchange()
                digest = await years.answer()
                assert line.north.state(digest).order.seq == 3
                assert not line.north.reasons
                assert not line.south.reasons
            found = await judged(line)
            assert found.statements == 6

    asyncio.run(go())


async def judged(line: FakeLine):  # type: ignore[no-untyped-def]
    verdicts = [place.verdict() for place in line.places]
    assert all(one.ok for one in verdicts), verdicts
    paths = [place.directory / "ledger.db" for place in line.places]
    found = reconcile(verdicts[0], paths[0], verdicts[1], paths[1])
    assert found.ok, found.faults
    return found


def test_line_goes_on_when_all_its_statements_were_erased(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            line = years.line
            years.calendar.set("2026-12-02T08:00:00.000Z")
            async with line:
                await line.settled()
                line.north.opened.line.clock()
                await line.north.station.note(
                    ev.LinkChanged(
                        peer="SOUTH", route="direct", state="DOWN", reason="a word in December"
                    )
                )
                await line.settled()
            erase(years)
            erase(years, NOVEMBER)
            assert seeds(years) >= {f"epoch/{DECEMBER}", f"erased/{NOVEMBER}"}
            async with line:
                assert not line.north.situation.statements
                assert line.north.situation.next_seq() == 3
                await years.exchange()
                await years.answer()
                assert not line.south.reasons
                assert not line.north.reasons
            await judged(line)

    asyncio.run(go())


def test_statement_of_an_erased_month_that_comes_again_is_refused_and_the_station_lives(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            line = years.line
            october = min(
                Ledger.open_read_only(line.south.directory).leaves(0, 200),
                key=lambda leaf: (leaf.kind != ev.StatementSent.kind, leaf.index),
            )
            erase(years)
            async with line:
                item = line.south.opened.ledger.enclosure(october.index)
                line.south.inject(decode_item(item))
                await wait_for(lambda: line.north.reasons)
                assert "erased" in line.north.reasons[0]
                await years.exchange()

    asyncio.run(go())


def test_statement_of_an_erased_month_under_a_new_order_does_not_stop_the_station(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            line = years.line
            reader = Ledger.open_read_only(line.south.directory)
            october = next(
                leaf for leaf in reader.leaves(0, reader.size) if leaf.kind == ev.StatementSent.kind
            )
            reader.close()
            erase(years)
            async with line:
                south, north = line.south, line.north
                old = decode_item(south.opened.ledger.enclosure(october.index))
                assert isinstance(old, StatementItem)
                order = south.order(october.subject)
                south.inject(StatementItem(envelope=old.envelope, order=order))
                await wait_for(lambda: north.reasons)
                assert north.reasons[0].startswith("erased: it was received here")
                await years.exchange()
                assert north.task is not None
                assert not north.task.done()

    asyncio.run(go())


def test_replay_of_an_erased_month_tells_what_is_gone(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        erase(years)
        record = open_record(years.line.north.directory, lambda _: "")
        gone = [one for one in record.happenings if isinstance(one.event, ev.ContentErased)]
        assert gone
        assert {one.event.epoch for one in gone} == {OCTOBER}  # type: ignore[attr-defined]
        assert isinstance(record.happenings[0].event, ev.LedgerOpened)
        destroyed = [one.event for one in record.happenings if one.event.kind == 41]
        assert len(destroyed) == 1

    run(tmp_path, work)


def test_month_that_is_not_over_is_refused(tmp_path: Path) -> None:
    run(tmp_path, lambda years: refused(years, "is not over", NOVEMBER))


def test_month_in_which_nothing_was_recorded_is_refused(tmp_path: Path) -> None:
    run(tmp_path, lambda years: refused(years, "no entry of this ledger", 202509))


def test_month_erased_before_is_refused(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        erase(years)
        refused(years, "was erased before")

    run(tmp_path, work)


def test_hold_keeps_everything_until_two_officers_release_it(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        with at_work(years.bench) as one:
            place_hold(one, "Inquiry 7/26", "the prosecutor asks for it", "vega")
        refused(years, "legal hold stands on Inquiry 7/26")
        with at_work(years.bench) as one:
            with pytest.raises(OperatorError, match="1 persons"):
                release_hold(one, "Inquiry 7/26", "it is over", ["vega"])
            with pytest.raises(OperatorError, match="no hold"):
                release_hold(one, "Inquiry 8/26", "it is over", NORTHERN)
            with pytest.raises(OperatorError, match="stands already"):
                place_hold(one, "Inquiry 7/26", "again", "vega")
        with at_work(years.bench) as one:
            release_hold(one, "Inquiry 7/26", "it is over", NORTHERN)
        erase(years)
        assert years.line.north.verdict().ok
        raw = (years.line.north.directory / "ledger.db").read_bytes()
        assert b"Inquiry 7/26" not in raw

    run(tmp_path, work)


def test_erasing_needs_two_persons(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        size = years.line.north.verdict().entries
        for persons in (["ramos"], ["ramos", "ramos"]):
            with at_work(years.bench) as one, pytest.raises(OperatorError):
                erase_epoch(one, OCTOBER, REASON, persons)
        assert years.line.north.verdict().entries == size
        assert f"epoch/{OCTOBER}" in seeds(years)

    run(tmp_path, work)


def test_open_incident_of_that_month_is_refused(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            years.calendar.set("2026-10-25T08:00:00.000Z")
            async with years.line as line:
                digest = await line.south.say("sea/encounter", ENCOUNTER)
                await wait_for(lambda: line.south.receipted(digest))
                await line.settled()
            years.calendar.set("2026-11-20T08:00:00.000Z")
            refused(years, "still open")

    asyncio.run(go())


def test_erasure_cut_short_after_its_record_is_finished_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(years: Years) -> None:
        class CrashError(Exception):
            pass

        def crash(*_: object) -> None:
            raise CrashError

        with monkeypatch.context() as patched:
            patched.setattr(erasing, "destroy_keys", crash)
            with pytest.raises(CrashError):
                erase(years)
        assert f"epoch/{OCTOBER}" in seeds(years)
        with at_work(years.bench) as one:
            assert one.situation.erased[OCTOBER] > 10
        assert seeds(years) == {f"epoch/{NOVEMBER}", f"erased/{OCTOBER}"}

    run(tmp_path, work)


def test_key_file_that_cannot_be_replaced_stays_whole_and_is_replaced_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(years: Years) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(keyfile.os, "replace", full)
            with pytest.raises(StorageError):
                erase(years)
        assert f"epoch/{OCTOBER}" in seeds(years)
        assert not list(years.line.north.directory.glob(".*.part"))
        with at_work(years.bench) as one:
            assert one.situation.erased[OCTOBER] > 10
        assert f"epoch/{OCTOBER}" not in seeds(years)

    run(tmp_path, work)


def test_hold_outlives_the_generation_in_which_it_was_placed(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        with at_work(years.bench) as one:
            place_hold(one, "Inquiry 7/26", "the prosecutor asks for it", "vega")
        packs = catalogue().packs
        renew_ledger(years.bench, NORTHERN, "the key is doubted", packs, new_key=True)
        refused(years, "legal hold stands on Inquiry 7/26")

    run(tmp_path, work)


def test_key_that_is_missing_without_a_record_of_erasure_is_a_fault(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        from hotline.core.values import Realm
        from hotline.host.keyfile import KeyFile, write_key_file

        home = copied(years.line.north.home, tmp_path / "elsewhere" / "NORTH")
        path = home.only_line() / "content.key"
        held = read_key_file(path, None).seeds
        left = {name: seed for name, seed in held.items() if name != f"epoch/{OCTOBER}"}
        write_key_file(
            path,
            KeyFile("NORTH", Realm.EXERCISE, left),
            None,
            entropy=years.bench.entropy,
            replace=True,
        )
        bench = type(years.bench)(home, years.calendar, years.bench.entropy, years.bench.ask)
        with at_work(bench) as one, pytest.raises(OperatorError, match="no erasure of it"):
            erase_epoch(one, OCTOBER, REASON, NORTHERN)
        with at_work(bench) as one, pytest.raises(IntegrityError, match=f"of epoch {OCTOBER}"):
            release_hold(one, "any", REASON, NORTHERN)

    run(tmp_path, work)


def test_generations_before_and_after_an_erasure_read_on(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_months(tmp_path) as years:
            line = years.line
            packs = catalogue().packs
            renew_ledger(years.bench, NORTHERN, "the key is doubted", packs, new_key=True)
            assert erase(years).entries > 10
            async with line:
                assert line.north.situation.generation == 2
                assert line.north.situation.erased[OCTOBER] > 10
                await years.exchange()
                await years.answer()
                assert not line.south.reasons
                assert not line.north.reasons
            years.calendar.set("2026-12-02T08:00:00.000Z")
            async with line:
                await years.exchange()
            erase(years, NOVEMBER)
            async with line:
                assert line.north.situation.erased[NOVEMBER] > 10
                await years.exchange()
                digest = await years.answer()
                assert line.north.state(digest).order.generation == 2
                assert not line.south.reasons
                assert not line.north.reasons
            assert line.north.verdict().ok
            assert line.south.verdict().ok

    asyncio.run(go())


def test_old_key_file_is_overwritten_where_it_lay(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        path = years.line.north.directory / "content.key"
        with path.open("rb") as old:
            before = old.read()
            erase(years)
            old.seek(0)
            assert old.read() == bytes(len(before))

    run(tmp_path, work)


def test_fork_that_stands_and_release_that_waits_keep_their_month() -> None:
    october = parse_time("2026-10-25T08:00:00.000Z")
    fork = Fork("SOUTH", 1, 4, "aa" * 32, "bb" * 32, "cc" * 32, october)
    situation = Situation(forks={("SOUTH", 1, 4, fork.other): fork})
    erasing._check_closed(situation, OCTOBER)
    with pytest.raises(OperatorError, match="the fork at number 4 of SOUTH"):
        erasing._check_closed(situation, NOVEMBER)
    fork.resolved = "dd" * 32
    erasing._check_closed(situation, NOVEMBER)
    north, _ = pair()
    told = north.write("conv/free-text", _need=2)
    release = Release(told.digest, told.statement, 1, october, "cd" * 32, "LT A", 2, october)
    situation.releases[told.digest] = release
    with pytest.raises(OperatorError, match="still awaits release"):
        erasing._check_closed(situation, NOVEMBER)
    release.state = "EXPIRED"
    erasing._check_closed(situation, NOVEMBER)
