"""The ceremony of a new generation: who may, what is kept, and what a crash leaves."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import HotlineError, IntegrityError, OperatorError, StorageError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file, write_key_file
from hotline.ledger.store import Ledger
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.roster import identify_ledger
from hotline.station import succession
from hotline.station.doctor import check_up
from hotline.station.drafts import draft_of
from hotline.station.holds import place_hold
from hotline.station.home import open_line
from hotline.station.renewing import Renewed, renew_ledger
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine, Place, catalogue
from tests.station.months import say

YEAR_MS = 366 * 86_400_000


class Killed(BaseException):
    """The program ended here."""


def bench(place: Place, passphrase: str = "", clock_ms: int | None = None) -> Bench:
    clock = system_clock if clock_ms is None else lambda: clock_ms
    return Bench(place.home, clock, system_entropy, lambda _name: passphrase)


def renew(place: Place, *persons: str, new_key: bool = False, **more: Any) -> Renewed:
    people = persons or ("ramos", "vega")
    return renew_ledger(bench(place, **more), people, "a test", catalogue().packs, new_key=new_key)


def opens(place: Place) -> str:
    opened = open_line(place.home, None, system_clock, system_entropy)
    opened.ledger.close()
    return opened.ledger.origin


@pytest.fixture
def north(tmp_path: Path) -> Place:
    """A station whose head.db was lost: nobody can say that its ledger is the newest."""
    place = FakeLine(tmp_path, run=False, deputies=True).north
    shutil.move(place.directory / "head.db", place.home.path / "head.db")
    with pytest.raises(IntegrityError, match=r"head\.db does not know"):
        opens(place)
    return place


def test_two_officers_open_the_next_generation_and_keep_the_old_file(north: Place) -> None:
    before = (north.directory / "ledger.db").read_bytes()
    done = renew(north)
    assert done.generation == 2
    assert opens(north).endswith("/NORTH/2")
    assert (north.directory / "generation-1" / "ledger.db").read_bytes() == before
    assert not (north.directory / "renewing").exists()
    assert north.verdict().ok, north.verdict()


def test_hold_of_an_earlier_generation_is_still_shown_by_the_doctor(north: Place) -> None:
    shutil.move(north.home.path / "head.db", north.directory / "head.db")
    with at_work(bench(north)) as work:
        place_hold(work, "Inquiry 7", "the prosecutor asks for it", "ramos")
    shutil.move(north.directory / "head.db", north.home.path / "head.db")
    renew(north)
    words = [one.what for one in check_up(north.home, system_clock, None)]
    assert "A legal hold stands on case Inquiry 7: the prosecutor asks for it." in words


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        (("ramos",), "1 persons signed"),
        (("ramos", "ramos"), "a key id stands twice|same person"),
        (("ramos", "nobody"), "no key of an officer 'nobody' lies in NORTH"),
    ],
)
def test_officers_who_are_not_two_are_refused(
    north: Place, persons: tuple[str, ...], said: str
) -> None:
    with pytest.raises(OperatorError, match=said) as refused:
        renew(north, *persons)
    assert refused.value.exit_code == 2
    assert not (north.directory / "generation-1").exists()


def test_expired_certificate_is_refused(north: Place) -> None:
    with pytest.raises(OperatorError, match="does not cover its time"):
        renew(north, clock_ms=system_clock() + 3 * YEAR_MS)


def test_wrong_passphrase_is_refused(north: Place) -> None:
    path = north.home.officer("vega")
    held = read_key_file(path, None)
    write_key_file(path, held, "correct horse battery", entropy=system_entropy, replace=True)
    with pytest.raises(OperatorError, match="passphrase"):
        renew(north, passphrase="another horse entirely")
    assert renew(north, passphrase="correct horse battery").generation == 2


def test_ledger_that_stands_is_not_left_behind(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False, deputies=True).north
    with pytest.raises(OperatorError, match="stands"):
        renew(place)
    assert opens(place).endswith("/NORTH/1")


def test_running_station_is_not_renewed_under_its_feet(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False, deputies=True).north
    opened = open_line(place.home, None, system_clock, system_entropy)
    try:
        with pytest.raises(StorageError):
            renew(place)
    finally:
        opened.ledger.close()
    assert opens(place).endswith("/NORTH/1")


def test_damaged_ledger_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False, deputies=True).north
    path = place.directory / "ledger.db"
    damaged = bytearray(path.read_bytes())
    where = damaged.find(b"hotline/EXERCISE")
    damaged[where + 9] ^= 1
    path.write_bytes(damaged)
    done = renew(place)
    assert done.fault
    assert (done.kept / "ledger.db").read_bytes() == bytes(damaged)
    assert opens(place).endswith("/NORTH/2")


def test_ledger_and_head_that_are_gone_are_begun_anew(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False, deputies=True).north
    for name in ("ledger.db", "ledger.db-wal", "head.db"):
        (place.directory / name).unlink(missing_ok=True)
    done = renew(place)
    assert done.renewal is not None
    assert (done.renewal.kept_size, done.renewal.countersigned_size) == (0, 0)
    assert opens(place).endswith("/NORTH/2")


def test_generation_that_head_knows_is_never_opened_twice(north: Place, tmp_path: Path) -> None:
    shutil.copytree(north.directory, tmp_path / "older")
    renew(north)
    for path in north.directory.iterdir():
        if path.name not in ("head.db", "line.json", "line.key", "content.key"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy2(tmp_path / "older" / "ledger.db", north.directory / "ledger.db")
    assert renew(north).generation == 3
    assert opens(north).endswith("/NORTH/3")


FILES = ("ledger.db", "ledger.db-wal")
STEPS = ("commit", "close", "replace 0", "replace 1", "rmtree")


@pytest.mark.parametrize("step", STEPS)
def test_ceremony_killed_anywhere_is_ended_by_the_same_command(
    north: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    leave_log(north)
    before = north.verdict().entries
    with monkeypatch.context() as patched:
        kill_at(patched, step)
        with pytest.raises(Killed):
            renew(north)
    with pytest.raises(HotlineError):
        opens(north)
    done = renew(north)
    assert done.generation == 2
    assert opens(north).endswith("/NORTH/2")
    kept = verify_ledger(done.kept / "ledger.db", identify=identify_ledger, verifier=verify_ed25519)
    assert (kept.ok, kept.entries) == (True, before)
    assert sorted(path.name for path in north.directory.glob("generation-*")) == ["generation-1"]
    assert not (north.directory / "renewing").exists()
    assert north.verdict().ok, north.verdict()


def leave_log(place: Place) -> None:
    """Leave the ledger as a station that was killed leaves it: with entries in its log only."""
    (place.directory / "head.db").write_bytes((place.home.path / "head.db").read_bytes())
    opened = open_line(place.home, None, system_clock, system_entropy)
    opened.ledger.append([draft_of(Planned(ev.CellsRefused(count=1, reason="a test")), 1)])
    copies = [(place.directory / name).read_bytes() for name in FILES]
    opened.ledger.close()
    for name, copy in zip(FILES, copies, strict=True):
        (place.directory / name).write_bytes(copy)
    (place.directory / "head.db").unlink()


def kill_at(patched: pytest.MonkeyPatch, step: str) -> None:
    """End the program at a step of the ceremony."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    replaced: list[Any] = []
    real = os.replace

    def replace(old: Any, new: Any) -> None:
        replaced.append(old)
        if step == f"replace {len(replaced) - 1}":
            raise Killed
        real(old, new)

    match step.split(maxsplit=1)[0]:
        case "commit":
            patched.setattr(Ledger, "append", killed)
        case "close":
            patched.setattr(Ledger, "release", killed)
        case "replace":
            patched.setattr(succession.os, "replace", replace)
        case "rmtree":
            patched.setattr(succession.shutil, "rmtree", killed)


def test_doubted_key_is_replaced_with_the_generation(tmp_path: Path) -> None:
    place = FakeLine(tmp_path, run=False, deputies=True).north
    before = open_line(place.home, None, system_clock, system_entropy)
    before.ledger.close()
    done = renew(place, new_key=True)
    assert done.generation == 2
    after = open_line(place.home, None, system_clock, system_entropy)
    after.ledger.close()
    assert after.line.ledger.public_key != before.line.ledger.public_key
    assert after.line.staged is None
    verdict = place.verdict()
    assert verdict.ok, verdict


def test_log_that_could_not_be_folded_stays_until_the_same_command_folds_it(
    north: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[sqlite3.Connection] = []
    real = Ledger.append

    def append(self: Ledger, *drafts: Any, **rows: Any) -> Any:
        head = real(self, *drafts, **rows)
        # Somebody who reads keeps the log from being folded, as a full disk does.
        reader = sqlite3.connect(north.directory / "renewing" / "ledger.db")
        readers.append(reader)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return head

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", append)
        with pytest.raises(StorageError, match="one file"):
            renew(north)
    assert (north.directory / "ledger.db").exists()
    with pytest.raises(StorageError, match="one file"):
        renew(north)
    for reader in readers:
        reader.close()
    done = renew(north)
    assert (done.generation, done.resumed) == (2, True)
    assert opens(north).endswith("/NORTH/2")
    assert north.verdict().ok, north.verdict()
    assert north.verdict().entries > 2


SPOILED = (
    "UPDATE witnessed SET root = zeroblob(32) WHERE seq = (SELECT max(seq) FROM witnessed)",
    "UPDATE witnessed SET size = size + 1 WHERE seq = (SELECT max(seq) FROM witnessed)",
    "UPDATE witnessed SET note = zeroblob(90) WHERE seq = (SELECT max(seq) FROM witnessed)",
)


@pytest.mark.parametrize("spoil", SPOILED)
async def test_witnessed_head_that_its_peer_did_not_sign_is_not_taken_over(
    tmp_path: Path, spoil: str
) -> None:
    line = FakeLine(tmp_path, deputies=True)
    north = line.north
    async with line:
        await say(line, line.south, north)
    alter_witnessed(north.directory / "ledger.db", spoil)
    assert not north.verdict().ok
    renew(north)
    assert north.verdict().ok, north.verdict()
    async with line:
        await say(line, line.south, north)
        origin = line.south.opened.line.origin
        assert north.opened.ledger.witnessed(origin) is not None
        assert not north.situation.refused_heads
    assert north.verdict().ok, north.verdict()


async def test_witnessed_head_that_its_peer_signed_is_taken_over(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, deputies=True)
    async with line:
        await say(line, line.south, line.north)
        origin = line.south.opened.line.origin
    (line.north.directory / "head.db").unlink()
    kept = renew(line.north).kept
    found = []
    for place in (kept, line.north.directory):
        with contextlib.closing(Ledger.open_read_only(place)) as reader:
            head = reader.witnessed(origin)
        assert head is not None
        found.append((head.size, head.root, head.note))
    assert found[0] == found[1]


def alter_witnessed(path: Path, change: str) -> None:
    """Change a row of the peer's heads as somebody with the file could."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        guards = ledger.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'witnessed'"
        ).fetchall()
        for name, _ in guards:
            ledger.execute(f"DROP TRIGGER {name}")
        assert ledger.execute(change).rowcount == 1
        for _, statement in guards:
            ledger.execute(statement)
