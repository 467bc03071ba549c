"""Outside witnesses asked over real sockets: honest, hostile, silent, back again, put back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import decode_vkey
from hotline.core.records.checkpoint import verify_cosignature
from hotline.core.values import Realm
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station.cosigning import Patience
from hotline.station.naming import name_witness
from hotline.station.outsiders import WITNESSES, WitnessPlaces, place_of
from hotline.station.upkeep import Bench, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.fakes.witness import FakeWitness
from tests.station.months import NORTHERN, no_passphrase, say
from tests.station.test_keeping import HandClock, entries_but_links, hour, set_clocks

LIES = {
    "junk": "not acceptable",
    "empty": "not acceptable",
    "wrong-key": "no signature by the key",
    "other-head": "not acceptable",
    "words": "not acceptable",
    "malformed": "malformed",
    "wanders": "each time",
}
HASTE = Patience(timeout_s=2.0, retry_s=0.05, retry_cap_s=0.1, close_s=3.0)


@pytest.fixture
def witness() -> Iterator[FakeWitness]:
    with FakeWitness() as made:
        yield made


def bench_of(place: Place) -> Bench:
    return Bench(place.home, place.clock_ms, system_entropy, no_passphrase)


def name(place: Place, *witnesses: FakeWitness) -> None:
    """Have two officers of NORTH name witnesses, and tell these of its log."""
    with at_work(bench_of(place)) as work:
        for one in witnesses:
            name_witness(work, place_of(one.vkey, one.url, None, ()), "a test", NORTHERN)
            one.trust(work.opened.line.origin, work.opened.line.ledger.public_key)


@asynccontextmanager
async def working(
    directory: Path, *witnesses: FakeWitness, patience: Patience = HASTE
) -> AsyncIterator[tuple[FakeLine, HandClock]]:
    """Run a line whose NORTH asks the witnesses at each full hour."""
    line = FakeLine(directory, deputies=True)
    clock = set_clocks(line)
    name(line.north, *witnesses)
    async with line:
        line.north.station._cosigning.patience = patience
        yield line, clock


def answers(place: Place) -> list[str]:
    return [one.state for one in place.recorded(ev.WitnessAnswered)]


async def turn_hour(line: FakeLine, clock: HandClock) -> None:
    await say(line, line.north, line.south)
    await hour(line, clock)


def held(place: Place, witness: FakeWitness) -> int:
    return place.opened.ledger.cosigned_size(witness.name)


async def test_hourly_heads_are_countersigned_and_verify_by_the_named_key(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        north = line.north
        sizes = []
        for _ in range(3):
            await turn_hour(line, clock)
            signed = north.station._longterm.signed_size
            await wait_for(lambda signed=signed: held(north, witness) == signed)
            sizes.append(signed)
        assert sizes == sorted(set(sizes))
        assert witness.statuses == [200, 200, 200]
        assert [shown.old for shown, _ in witness.asked] == [0, *sizes[:2]]
        key = decode_vkey(witness.vkey)
        for size in sizes:
            stored = north.opened.ledger.cosignature(size, witness.name)
            assert stored is not None
            found = verify_cosignature(stored.note, key.name, [key.public_key], verify_ed25519)
            assert found.checkpoint.root == north.opened.ledger.root_at(size)
        assert answers(north) == ["COSIGNS"]
        assert (await line.judged()).ok
        verdict = north.verdict()
        assert verdict.outside == {key: sizes[-1]}
        assert set(verdict.cosigned) == {north.opened.line.witness_of("SOUTH")}


async def test_idle_hours_ask_nothing(tmp_path: Path, witness: FakeWitness) -> None:
    async with working(tmp_path, witness) as (line, clock):
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["COSIGNS"])
        await line.settled()
        # The record that it countersigns is news of its own, once.
        await hour(line, clock)
        await wait_for(lambda: len(witness.asked) == 2)
        await line.settled()
        counts = entries_but_links(line.north)
        for _ in range(3):
            await hour(line, clock)
        assert len(witness.asked) == 2
        assert entries_but_links(line.north) == counts


async def test_closing_head_is_countersigned_before_the_watch_ends(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, _):
        await say(line, line.north, line.south)
        await line.north.station.conclude()
        assert held(line.north, witness) == line.north.station._longterm.signed_size > 0


async def test_head_reaches_head_db_before_it_reaches_the_witness(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        ledger, released = line.north.opened.ledger, []
        real = witness.judge

        def judge(shown):  # type: ignore[no-untyped-def]
            released.append((ledger.released_size, shown.size))
            return real(shown)

        witness.judge = judge  # type: ignore[method-assign]
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north))
        assert all(known >= size for known, size in released)
        assert released


async def test_witness_that_holds_a_head_already_is_asked_from_there(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        ledger = line.north.opened.ledger
        witness.seen[ledger.origin] = 3, ledger.root_at(3)
        await turn_hour(line, clock)
        await wait_for(lambda: held(line.north, witness))
        assert witness.statuses == [409, 200]
        assert [shown.old for shown, _ in witness.asked] == [0, 3]


async def test_witness_that_was_shown_a_newer_head_by_hand_gets_the_newest(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        north = line.north
        witness.mood = "broken"
        await turn_hour(line, clock)
        await wait_for(lambda: answers(north) == ["SILENT"])
        ledger = north.opened.ledger
        newest = ledger.size
        assert newest > north.station._longterm.signed_size
        witness.seen[ledger.origin] = newest, ledger.root_at(newest)
        witness.mood = "honest"
        await wait_for(lambda: answers(north) == ["SILENT", "COSIGNS"])
        assert held(north, witness) >= newest


async def test_silent_witness_is_recorded_once_asked_again_and_holds_up_nothing(
    tmp_path: Path, witness: FakeWitness
) -> None:
    patience = Patience(timeout_s=0.2, retry_s=0.02, retry_cap_s=0.05, close_s=0.2)
    async with working(tmp_path, witness, patience=patience) as (line, clock):
        told: list[str] = []
        for mood in ("hangs", "broken", "redirect", "huge", "mutters"):
            witness.mood, witness.over = mood, threading.Event()
            asked = len(witness.asked)
            await turn_hour(line, clock)
            told += ["SILENT"]
            await wait_for(lambda told=told: answers(line.north) == told)
            await wait_for(lambda asked=asked: len(witness.asked) >= asked + 3)
            await say(line, line.south, line.north)
            await line.north.station.conclude()
            assert answers(line.north) == told
            witness.mood = "honest"
            witness.over.set()
            told += ["COSIGNS"]
            await wait_for(lambda told=told: answers(line.north) == told)
        assert not line.north.station.faults


async def test_witness_that_is_down_and_comes_up_again_gets_the_newest_head(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["COSIGNS"])
        witness.stop()
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["COSIGNS", "SILENT"])
        await turn_hour(line, clock)
        signed = line.north.station._longterm.signed_size
        witness.start()
        await wait_for(lambda: held(line.north, witness) >= signed)
        await wait_for(lambda: answers(line.north) == ["COSIGNS", "SILENT", "COSIGNS"])
        assert witness.statuses == [200, 200]


async def test_witness_that_lies_gives_no_cosignature(tmp_path: Path, witness: FakeWitness) -> None:
    async with working(tmp_path, witness) as (line, clock):
        for mood, reason in LIES.items():
            known, before = held(line.north, witness), len(answers(line.north))
            witness.mood = mood
            await turn_hour(line, clock)
            await wait_for(lambda before=before: len(answers(line.north)) > before)
            told = line.north.recorded(ev.WitnessAnswered)[-1]
            assert told.state == "REFUSES"
            assert reason in told.reason, mood
            assert held(line.north, witness) == known
            asked = len(witness.asked)
            await turn_hour(line, clock)
            await wait_for(lambda asked=asked: len(witness.asked) > asked)
            await line.north.station._cosigning.settle()
            assert len(answers(line.north)) == before + 1
            witness.mood = "honest"
            await turn_hour(line, clock)
            await wait_for(lambda: answers(line.north)[-1] == "COSIGNS")
        assert (await line.judged()).ok


async def test_witness_that_knows_another_log_or_key_refuses(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        (origin,) = witness.logs
        known = witness.logs.pop(origin)
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["REFUSES"])
        witness.trust(origin, *known)
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["REFUSES", "COSIGNS"])
        witness.trust(origin, bytes(32))
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["REFUSES", "COSIGNS", "REFUSES"])
        first, _, last = line.north.recorded(ev.WitnessAnswered)
        assert "does not know this log" in first.reason
        assert "does not know the key" in last.reason


async def test_witness_that_holds_more_than_the_ledger_is_evidence_once_and_stops_nobody(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        witness.mood, witness.claim = "claims", 1_000_000
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north))
        (told,) = line.north.recorded(ev.WitnessAnswered)
        assert (told.state, told.held_size) == ("CONTRADICTS", 1_000_000)
        witness.claim = 2**63 - 1
        await turn_hour(line, clock)
        await wait_for(lambda: len(witness.asked) >= 2)
        await line.north.station._cosigning.settle()
        assert answers(line.north) == ["CONTRADICTS"]
        rows = line.north.desk.timeline(0, 1000)
        assert [row.state_word for row in rows].count("EVIDENCE") == 1
        await say(line, line.south, line.north)


@pytest.mark.parametrize("at", ["same size", "earlier size"])
async def test_witness_that_holds_another_history_contradicts(
    tmp_path: Path, witness: FakeWitness, at: str
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        ledger = line.north.opened.ledger
        if at == "earlier size":
            witness.seen[ledger.origin] = 3, bytes(32)
        else:
            real = witness.judge

            def judge(shown):  # type: ignore[no-untyped-def]
                witness.seen[shown.origin] = shown.size, bytes(32)
                return real(shown)

            witness.judge = judge  # type: ignore[method-assign]
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["CONTRADICTS"])
        assert held(line.north, witness) == 0
        assert witness.statuses == ([409, 422] if at == "earlier size" else [409, 409])


async def test_ledger_that_was_put_back_with_head_db_is_found_by_the_witness(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        north = line.north
        await line.settled()
        await line.south.stop()
        await north.stop()
        files = {
            path: path.read_bytes()
            for folder in (north.directory, north.home.path / "journal")
            for path in folder.glob("*.db")
        }
        await north.start()
        north.station._cosigning.patience = HASTE
        for _ in range(20):
            await north.station.note(ev.PackLoaded(pack="none", digest="00" * 32))
        await north.station._keep_hour(clock())
        clock.next_hour()
        await north.station._keep_hour(clock())
        longterm = north.station._longterm
        await wait_for(lambda: held(north, witness) == longterm.signed_size > 30)
        known = held(north, witness)
        await north.stop()
        for path, content in files.items():
            path.write_bytes(content)
            path.with_name(path.name + "-wal").unlink(missing_ok=True)
        await north.start()
        north.station._cosigning.patience = HASTE
        assert north.opened.ledger.size < known
        await north.station.conclude()
        (told,) = north.recorded(ev.WitnessAnswered)
        assert (told.state, told.held_size) == ("CONTRADICTS", known)


async def test_two_witnesses_are_asked_independently_and_the_silent_one_delays_no_other(
    tmp_path: Path, witness: FakeWitness
) -> None:
    with FakeWitness("witness.example/w2", mood="hangs") as second:
        async with working(tmp_path, witness, second) as (line, clock):
            await turn_hour(line, clock)
            await wait_for(lambda: held(line.north, witness))
            assert held(line.north, second) == 0


async def test_start_asks_for_what_the_last_watch_left_open(
    tmp_path: Path, witness: FakeWitness
) -> None:
    async with working(tmp_path, witness) as (line, clock):
        witness.mood = "broken"
        await turn_hour(line, clock)
        await wait_for(lambda: answers(line.north) == ["SILENT"])
        await line.north.stop()
        witness.mood = "honest"
        await line.north.start()
        await wait_for(lambda: answers(line.north) == ["SILENT", "COSIGNS"])


async def test_station_without_witnesses_asks_nobody(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, realm=Realm.EXERCISE)
    async with line:
        assert line.north.station._cosigning._outsiders == ()
        await asyncio.wait_for(line.north.station.conclude(), 5)


async def test_witness_in_the_file_that_the_record_does_not_name_is_not_asked(
    tmp_path: Path, witness: FakeWitness
) -> None:
    line = FakeLine(tmp_path)
    places = WitnessPlaces(witnesses=(place_of(witness.vkey, witness.url, None, ()),))
    (line.north.directory / WITNESSES).write_text(places.model_dump_json())
    async with line:
        await line.north.station.conclude()
    assert not witness.asked
