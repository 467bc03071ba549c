"""The situation cache saves time and decides nothing."""

from __future__ import annotations

import asyncio
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.core.errors import IntegrityError, InvariantError, StorageError
from hotline.core.exchange.fold import apply, fold
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.twin import twin
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.sealing.epoch import EpochSealer
from hotline.station import snapshotting
from hotline.station.months import MonthlyKeys
from hotline.station.snapshotting import CACHE_NAME, SituationCache
from tests.fakes.line import CEASE, ENCOUNTER, UNSAFE_ACT, FakeLine, Place, wait_for


async def busy_watch(directory: Path) -> tuple[FakeLine, list[Happening]]:
    """Work a line through many kinds of events; return it stopped, with all of SOUTH's."""
    line = FakeLine(directory, deputies=True, two_person=("conv/correction",))
    async with line:
        north, south = line.north, line.south
        await south.desk.sign_on()
        await south.station.note(
            ev.DrillStarted(scenario="s", title="t"),
            ev.InjectPlayed(inject="i", trigger="t"),
            ev.HeadRefused(peer="NORTH", verdict="FORK", note="n"),
            ev.GapSeen(peer="NORTH", first_seq=1, last_seq=2),
        )
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        await north.desk.acknowledge(digest)
        await wait_for(lambda: south.state(digest).read_by)
        incident = next(iter(south.situation.incidents))
        theirs = await north.say("sea/unsafe-act", UNSAFE_ACT, incident=incident)
        await wait_for(lambda: south.holds(theirs))
        await south.say("deesc/cease-propose", CEASE, incident=incident)
        correction = {"field": "Course", "old": "045", "new": "054"}
        await south.say("conv/correction", correction, answers=digest)
        north.inject(north.item(seq=7))
        await wait_for(lambda: len(south.recorded(ev.GapSeen)) > 1)
        await south.station.note(
            ev.ForkSeen(
                peer="NORTH",
                generation=1,
                seq=7,
                held="aa" * 32,
                other="bb" * 32,
                digest="cc" * 32,
            )
        )
        await line.settled()
        await line.up()
        found = south.happenings()
    return line, found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeLine, list[Happening]]:
    return asyncio.run(busy_watch(tmp_path_factory.mktemp("watched")))


class FakeLedger:
    """As much of a ledger as the cache asks: its origin, its size and the root of each size."""

    def __init__(self, size: int, origin: str = "hotline/x", mark: bytes = b"") -> None:
        self.size, self.origin, self._mark = size, origin, mark

    def root_at(self, size: int) -> bytes:
        return size.to_bytes(32 - len(self._mark)) + self._mark


def months(*epochs: int, keys: dict[int, bytes] | None = None) -> MonthlyKeys:
    held = keys if keys is not None else {epoch: bytes([epoch % 251] * 32) for epoch in epochs}
    return MonthlyKeys(Path("content.key"), EpochSealer(held, system_entropy), None, system_entropy)


def written(directory: Path, happenings: list[Happening], ledger: Any) -> Situation:
    situation = fold(happenings)
    SituationCache(directory, months(202610, 202611)).write(situation, ledger)
    return situation


def read(directory: Path, ledger: Any, keys: MonthlyKeys | None = None) -> Situation | None:
    return SituationCache(directory, keys or months(202610, 202611)).read(ledger)


def test_situation_with_every_part_comes_back_equal(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    situation = written(tmp_path, found, FakeLedger(len(found)))
    assert situation.statements
    assert situation.incidents
    assert situation.timeline
    assert situation.deadlines
    assert situation.releases
    assert situation.gaps
    assert situation.forks
    assert read(tmp_path, FakeLedger(len(found))) == situation


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.integers(min_value=0, max_value=1_000))
def test_cache_and_the_rest_is_the_same_as_a_full_fold(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path, place: int
) -> None:
    _, found = watched
    size = place % (len(found) + 1)
    written(tmp_path, found[:size], FakeLedger(size))
    situation = read(tmp_path, FakeLedger(len(found)))
    assert situation is not None
    for happening in found[size:]:
        apply(situation, happening)
    assert situation == fold(found)
    # An object that stands in two places does so still: a clock that is met is met in both.
    for key, clock in situation.clocks.items():
        assert situation.deadlines[key] is clock
    for digest, dialogue in situation.expecting.items():
        assert situation.dialogues[digest] is dialogue


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.integers(min_value=0, max_value=1_000))
def test_twin_goes_its_own_way(watched: tuple[FakeLine, list[Happening]], place: int) -> None:
    _, found = watched
    size = place % (len(found) + 1)
    situation = fold(found[:size])
    ahead = twin(situation)
    assert ahead == situation
    for happening in found[size:]:
        apply(ahead, happening)
    assert situation == fold(found[:size])
    assert ahead == fold(found)
    for key, clock in ahead.clocks.items():
        assert ahead.deadlines[key] is clock


def test_cache_of_another_ledger_root_or_size_is_ignored(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    size = len(found)
    written(tmp_path, found, FakeLedger(size))
    assert read(tmp_path, FakeLedger(size + 5)) is not None
    assert read(tmp_path, FakeLedger(size - 1)) is None
    assert read(tmp_path, FakeLedger(size, origin="hotline/y")) is None
    assert read(tmp_path, FakeLedger(size, mark=b"other")) is None


def test_cache_opens_with_all_its_keys_only(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    ledger = FakeLedger(len(found))
    written(tmp_path, found, ledger)
    assert read(tmp_path, ledger, months(202610, 202611, 202612)) is not None
    assert read(tmp_path, ledger, months(202611, 202612)) is None
    assert read(tmp_path, ledger, months(202610)) is None
    other = {202610: bytes(32), 202611: bytes(32)}
    assert read(tmp_path, ledger, months(keys=other)) is None


def test_altered_cut_or_missing_cache_is_ignored(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    ledger = FakeLedger(len(found))
    assert read(tmp_path, ledger) is None
    written(tmp_path, found, ledger)
    path = tmp_path / CACHE_NAME
    whole = path.read_bytes()
    for place in (0, 1, 2, 5, 9, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read(tmp_path, ledger) is None
        path.write_bytes(whole[:place])
        assert read(tmp_path, ledger) is None
    path.write_bytes(whole)
    assert read(tmp_path, ledger) is not None


def test_cache_of_other_code_is_ignored(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = watched
    ledger = FakeLedger(len(found))
    written(tmp_path, found, ledger)
    monkeypatch.setattr(snapshotting, "code_digest", lambda: b"x" * 32)
    assert read(tmp_path, ledger) is None
    monkeypatch.setattr(snapshotting, "code_digest", lambda: b"")
    assert read(tmp_path, ledger) is None
    (tmp_path / CACHE_NAME).unlink()
    written(tmp_path, found, ledger)
    assert not (tmp_path / CACHE_NAME).exists()


class Burglar:
    """Pickles as a call that must never be made."""

    def __reduce__(self) -> Any:
        return os.system, ("false",)


@pytest.mark.parametrize("content", [Burglar(), {"a": Burglar()}, [1], None, Path("x")])
def test_pickle_of_anything_else_makes_nothing(
    tmp_path: Path, content: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*_: Any) -> int:
        raise AssertionError("a call in a cache was made")

    pickled = pickle.dumps(content)
    monkeypatch.setattr(os, "system", called)
    ledger: Any = FakeLedger(0)
    keys = months(202611)
    front = snapshotting.MAGIC + snapshotting.code_digest() + bytes(8) + ledger.root_at(0)
    context = b"situation " + ledger.origin.encode()
    blob = keys.sealer.seal_beside(context, front + pickled)
    (tmp_path / CACHE_NAME).write_bytes(blob)
    assert read(tmp_path, ledger, keys) is None


def test_cache_shows_nothing_in_the_open(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    written(tmp_path, found, FakeLedger(len(found)))
    blob = (tmp_path / CACHE_NAME).read_bytes()
    for word in (b"SOUTH", b"NORTH", b"sea/encounter", b"F 213", b"Niven"):
        assert word not in blob
    assert (tmp_path / CACHE_NAME).stat().st_mode & 0o777 == 0o600


def test_cache_that_cannot_be_written_says_so_and_leaves_the_old_one(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = watched
    ledger = FakeLedger(len(found))
    written(tmp_path, found, ledger)
    before = (tmp_path / CACHE_NAME).read_bytes()

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="cache"):
        written(tmp_path, found, ledger)
    assert (tmp_path / CACHE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CACHE_NAME]


def entries_read_at_opening(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that fills with the first entry of each read of a ledger."""
    from hotline.ledger.reader import LedgerReader

    starts: list[int] = []
    honest = LedgerReader.entries

    def entries(self: LedgerReader, start: int, stop: int) -> Any:
        if stop - start != 1:
            starts.append(start)
        return honest(self, start, stop)

    monkeypatch.setattr(LedgerReader, "entries", entries)
    return starts


async def test_station_opens_from_its_cache_and_folds_the_rest(
    watched: tuple[FakeLine, list[Happening]], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, _ = watched
    south = line.south
    starts = entries_read_at_opening(south, monkeypatch)
    await south.start(run=False)
    size = south.opened.ledger.size
    assert starts == [size]
    assert south.situation == fold(south.happenings())
    # What is recorded after the cache was written is folded at the next opening.
    gaps = (ev.GapSeen(peer="NORTH", first_seq=seq, last_seq=seq) for seq in (8, 9))
    await south.station.note(*gaps)
    await south.station._recorder.close()
    if south.station._kept.journal is not None:
        south.station._kept.journal.close()
    starts.clear()
    await south.start(run=False)
    assert starts == [size]
    assert south.situation.length == size + 2
    assert south.situation == fold(south.happenings())
    await south.stop()
    starts.clear()
    (south.directory / CACHE_NAME).unlink()
    await south.start(run=False)
    assert starts[0] == 0
    assert south.situation == fold(south.happenings())
    await south.stop()


def test_cache_is_of_the_earlier_generations_that_it_was_folded_from(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    _, found = watched
    ledger: Any = FakeLedger(len(found), origin="hotline/x/3")
    first: Any = FakeLedger(9, origin="hotline/x/1")
    second: Any = FakeLedger(4, origin="hotline/x/2")
    keys = months(202610, 202611)
    situation = fold(found)
    SituationCache(tmp_path, keys, [first, second]).write(situation, ledger)
    assert SituationCache(tmp_path, keys, [first, second]).read(ledger) == situation
    shorter: Any = FakeLedger(3, origin="hotline/x/2")
    other: Any = FakeLedger(4, origin="hotline/x/2", mark=b"other")
    for past in ([], [first], [second], [second, first], [first, shorter], [first, other]):
        assert SituationCache(tmp_path, keys, past).read(ledger) is None


def test_no_cache_is_made_of_an_earlier_generation_that_does_not_read(
    watched: tuple[FakeLine, list[Happening]], tmp_path: Path
) -> None:
    class Damaged(FakeLedger):
        def root_at(self, size: int) -> bytes:
            raise IntegrityError("the ledger was damaged")

    _, found = watched
    ledger: Any = FakeLedger(len(found))
    past: list[Any] = [Damaged(4, origin="hotline/x/1")]
    keys = months(202610, 202611)
    SituationCache(tmp_path, keys, past).write(fold(found), ledger)
    assert not (tmp_path / CACHE_NAME).exists()
    assert SituationCache(tmp_path, keys, past).read(ledger) is None


async def test_statement_whose_file_is_gone_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        station = line.south.station
        gone = await line.south.say("sea/encounter", ENCOUNTER)
        stands = await line.south.say("sea/encounter", ENCOUNTER)
        honest, lost = station._enclosure, station.situation.statements[gone].index

        def enclosure(index: int) -> bytes:
            if index == lost:
                raise InvariantError(f"no earlier generation has an entry {index}")
            return honest(index)

        monkeypatch.setattr(station, "_enclosure", enclosure)
        station._recoveries["NORTH"].owed = (gone, stands)
        assert not station._next_owed("NORTH")
        assert len(station._next_owed("NORTH")) == 1
        monkeypatch.setattr(station, "_is_left_behind", lambda _state: True)
        await station._send_again(gone)
        assert len(station.faults) == 2
        assert station.situation.statements[gone].order.seq == 1
