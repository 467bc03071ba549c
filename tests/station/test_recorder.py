from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import StorageError
from hotline.core.exchange.commands import Note
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for

RAN_OUT = ev.DrillStarted(scenario="s", title="t")


class SlowDisk:
    """Lets an append begin and finish only when told to."""

    def __init__(self, place: Place) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        honest = place.opened.ledger.append

        def append(*drafts: Any, **rows: Any) -> Any:
            self.begun.set()
            assert self.go.wait(20)
            return honest(*drafts, **rows)

        place.opened.ledger.append = append  # type: ignore[method-assign]


async def test_caller_that_is_cancelled_leaves_ledger_and_situation_alike(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        disk = SlowDisk(south)
        saying = asyncio.create_task(south.say("sea/encounter", ENCOUNTER))
        await wait_for(disk.begun.is_set)
        saying.cancel()
        await asyncio.wait([saying])
        assert saying.cancelled()
        disk.go.set()
        await wait_for(lambda: south.situation.statements)
        assert south.situation.length == south.opened.ledger.size
        assert south.station._recorder.failure is None
        # The next thing is recorded as if nothing had happened.
        await south.say("conv/free-text", {}, text="and goes on")
        assert south.situation.length == south.opened.ledger.size


async def test_commit_is_durable_before_anything_is_shown(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        disk = SlowDisk(south)
        told: list[int] = []
        south.station.subscribe(lambda: told.append(south.opened.ledger.size))
        before = south.situation.length
        saying = asyncio.create_task(south.say("sea/encounter", ENCOUNTER))
        await wait_for(disk.begun.is_set)
        assert south.situation.length == before
        assert not told
        disk.go.set()
        await saying
        assert told == [south.opened.ledger.size]
        assert south.opened.ledger.size > before


async def test_failed_append_poisons_every_later_record(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south, ledger = line.south, line.south.opened.ledger
        honest = ledger.append

        def refuse(*_: Any, **__: Any) -> Any:
            raise StorageError("the disk refused")

        ledger.append = refuse  # type: ignore[method-assign]
        before = south.situation.length
        with pytest.raises(StorageError, match="the disk refused"):
            await south.station.note(RAN_OUT)
        ledger.append = honest  # type: ignore[method-assign]
        with pytest.raises(StorageError, match="the disk refused"):
            await south.station.note(RAN_OUT)
        assert south.situation.length == ledger.size == before


async def test_record_after_closing_is_a_storage_error(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        await line.south.station.close()
        with pytest.raises(StorageError, match="closed"):
            await line.south.station.note(RAN_OUT)


async def test_nothing_to_record_writes_nothing(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        await south.station.note(RAN_OUT)
        size, told = south.opened.ledger.size, []
        south.station.subscribe(lambda: told.append(1))
        recorded = await south.station.note(RAN_OUT)
        assert recorded.happenings == ()
        assert south.opened.ledger.size == size
        assert not told


async def test_commands_see_the_situation_at_their_turn(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        lengths: list[int] = []

        def note(number: int) -> Any:
            def build(situation: Situation, _now_ms: int) -> list[Note]:
                lengths.append(situation.length)
                return [Note((ev.DrillStarted(scenario=str(number), title="t"),))]

            return build

        before = south.situation.length
        work = (south.station._recorder.record(note(number)) for number in range(3))
        await asyncio.gather(*work)
        assert lengths == [before, before + 1, before + 1]


async def test_subscription_ends_when_asked(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        told: list[int] = []
        end = line.south.station.subscribe(lambda: told.append(1))
        await line.south.say("sea/encounter", ENCOUNTER)
        assert told == [1]
        end()
        end()
        await line.south.say("sea/encounter", ENCOUNTER)
        assert told == [1]


async def test_screen_that_fails_stops_nothing_and_no_other_screen(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south, told = line.south, []

        def broken() -> None:
            raise RuntimeError("a screen")

        south.station.subscribe(broken)
        south.station.subscribe(lambda: told.append(1))
        for _ in range(2):
            await south.say("sea/encounter", ENCOUNTER)
        assert told == [1, 1]
        assert south.station.faults == ["RuntimeError"] * 2
        assert south.station._recorder.failure is None


async def test_statement_that_was_not_recorded_is_not_at_hand(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        disk = SlowDisk(south)
        saying = asyncio.create_task(south.say("sea/encounter", ENCOUNTER))
        await wait_for(disk.begun.is_set)
        assert not south.station._fresh_items
        disk.go.set()
        digest = await saying
        assert list(south.station._fresh_items) == [digest]


async def test_journal_that_does_not_close_leaves_no_ledger_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        south = line.south
        journal = south.station._kept.journal
        assert journal is not None
        honest = journal.close

        def close() -> None:
            honest()
            raise StorageError("the disk refused")

        monkeypatch.setattr(journal, "close", close)
        with pytest.raises(StorageError, match="the disk refused"):
            await south.station.close()
        # Nobody else has it open: it opens again.
        await south.start(run=False)


async def test_situation_reopened_from_disk_is_the_live_one(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        south = line.south
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        await line.north.desk.acknowledge(digest)
        await wait_for(lambda: south.state(digest).read_by)
        await line.settled()
        await south.stop()
        live = south.situation
        await south.start(run=False)
        assert south.situation.length >= live.length
        from hotline.core.exchange.fold import fold

        assert fold(south.happenings()[: live.length]) == live
