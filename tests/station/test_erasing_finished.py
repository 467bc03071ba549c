"""An erasure that was cut short is finished, whichever generation recorded it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.ledger.public import erased_epochs, record_digest
from hotline.station import erasing
from hotline.station.drafts import draft_of
from hotline.station.erasing import erase_epoch
from hotline.station.renewing import renew_ledger
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import catalogue
from tests.station.months import NORTHERN, NOVEMBER, OCTOBER, Years, no_passphrase
from tests.station.test_erasing import erase, run, seeds


class CrashError(Exception):
    """The program ended here."""


def crash(*_: object) -> None:
    raise CrashError


def cut_short(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erase October, die before its key goes; then lose what knows the ledger, and renew it."""
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "destroy_keys", crash)
        with pytest.raises(CrashError):
            erase(years)
    for name in ("head.db", "peer-view.note"):
        (years.line.north.directory / name).unlink()
    renew_ledger(years.bench, NORTHERN, "head.db was lost", catalogue().packs)
    assert f"epoch/{OCTOBER}" in seeds(years)


def test_erasure_recorded_in_a_generation_that_was_left_behind_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(years: Years) -> None:
        cut_short(years, monkeypatch)
        with at_work(years.bench) as one:
            assert one.opened.line.generation == 2
            assert one.situation.erased[OCTOBER] > 10
        assert seeds(years) == {f"epoch/{NOVEMBER}", f"erased/{OCTOBER}"}
        assert years.line.north.verdict().ok

    run(tmp_path, work)


def test_generation_that_does_not_read_destroys_nothing_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(years: Years) -> None:
        cut_short(years, monkeypatch)
        kept = years.line.north.directory / "generation-1" / "ledger.db"
        kept.write_bytes(b"junk")
        with at_work(years.bench) as one:
            assert one.opened.line.generation == 2
        assert f"epoch/{OCTOBER}" in seeds(years)

    run(tmp_path, work)


def test_erasure_that_another_station_authorised_destroys_nothing(tmp_path: Path) -> None:
    def work(years: Years) -> None:
        line = years.line
        south = Bench(line.south.home, years.calendar, years.bench.entropy, no_passphrase)
        with at_work(south) as one:
            erase_epoch(one, OCTOBER, "theirs is over", ("niven", "sorel"))
            records = one.opened.ledger.public_records()
            (theirs,) = [record for record in records if erased_epochs([record])]
        gone = ev.EpochKeyDestroyed(
            epoch=OCTOBER,
            authorisation=record_digest(theirs).hex(),
            officers=("K. Niven", "M. Sorel"),
            our_order=None,
            their_orders={},
        )
        with at_work(years.bench) as one:
            planned = Planned(gone, public=theirs)
            one.opened.ledger.append([draft_of(planned, years.bench.clock())])
        with pytest.raises(IntegrityError, match="of another station"), at_work(years.bench):
            pass
        assert f"epoch/{OCTOBER}" in seeds(years)

    run(tmp_path, work)
