"""What arrives while a commit runs shares the next one, and nobody sees it before."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import InvariantError, OperatorError, StorageError
from hotline.core.exchange.commands import Note
from hotline.core.exchange.fold import fold
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.witness import WitnessedHead
from hotline.core.values import Digest
from hotline.station import recorder as recording
from hotline.station import requests
from hotline.station.months import MonthlyKeys
from hotline.station.recorder import Recorder
from hotline.station.requests import Recorded
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for
from tests.station.months import Calendar


class HeldDisk:
    """Counts the appends of a place and holds each one until it is let go."""

    def __init__(self, place: Place) -> None:
        self.groups: list[int] = []
        self.go = threading.Event()
        self.refuse: Exception | None = None
        honest = place.opened.ledger.append

        def append(drafts: Sequence[Any] = (), **rows: Any) -> Any:
            self.groups.append(len(drafts))
            assert self.go.wait(20)
            if self.refuse is not None:
                raise self.refuse
            return honest(drafts, **rows)

        place.opened.ledger.append = append  # type: ignore[method-assign]

    async def begun(self) -> None:
        await wait_for(lambda: self.groups)


def mid_month(directory: Path, *, run: bool = True) -> FakeLine:
    """A line on which no month begins: its key would be one entry more."""
    return FakeLine(directory, run=run, clock=Calendar("2026-10-20T08:00:00.000Z"))


def gap(number: int) -> ev.GapSeen:
    return ev.GapSeen(peer="NORTH", first_seq=number, last_seq=number)


def recorder_of(place: Place) -> Recorder:
    return place.station._recorder


async def test_requests_that_arrive_during_a_commit_share_the_next_one(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk, before = HeldDisk(south), south.opened.ledger.size
        first = asyncio.create_task(south.station.note(gap(1)))
        await disk.begun()
        others = [asyncio.create_task(south.station.note(gap(n))) for n in range(2, 22)]
        await asyncio.sleep(0)
        disk.go.set()
        recorded = await asyncio.gather(first, *others)
        assert disk.groups == [1, 20]
        found = [one.happenings[0] for one in recorded]
        assert [one.index for one in found] == list(range(before, before + 21))
        assert [one.event for one in found] == [gap(n) for n in range(1, 22)]
        # One head for each commit, none in between.
        south.opened.ledger.head(before + 21)
        with pytest.raises(InvariantError):
            south.opened.ledger.head(before + 7)


async def test_requests_of_one_moment_share_one_commit(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        disk = HeldDisk(line.south)
        disk.go.set()
        await asyncio.gather(*(line.south.station.note(gap(n)) for n in range(10)))
        assert disk.groups == [10]


async def test_commands_build_on_what_is_decided_and_not_yet_durable(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        saying = [
            asyncio.create_task(south.say("conv/free-text", {}, text=f"number {n}"))
            for n in range(3)
        ]
        await disk.begun()
        assert not south.situation.statements
        disk.go.set()
        digests = await asyncio.gather(*saying)
        orders = [south.state(digest).order for digest in digests]
        assert [order.seq for order in orders] == [1, 2, 3]
        assert [order.prev for order in orders[1:]] == [order.digest for order in orders[:2]]
        assert len(disk.groups) <= 2


async def test_nothing_decided_is_seen_before_it_is_durable(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk, told = HeldDisk(south), []
        south.station.subscribe(lambda: told.append(south.situation.length))
        length = south.situation.length
        tasks = [asyncio.create_task(south.station.note(gap(n))) for n in range(3)]
        await disk.begun()
        assert south.situation.length == length == south.opened.ledger.size
        assert not told
        assert not any(task.done() for task in tasks)
        disk.go.set()
        await asyncio.gather(*tasks)
        assert told[-1] == south.situation.length == south.opened.ledger.size == length + 3


async def test_answer_that_rests_on_what_is_not_durable_waits_for_it(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        started = ev.DrillStarted(scenario="s", title="t")
        first = asyncio.create_task(south.station.note(started))
        await disk.begun()
        again = asyncio.create_task(south.station.note(started))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not again.done()
        disk.go.set()
        assert (await first).happenings
        assert (await again).happenings == ()
        assert disk.groups == [1]


async def test_failed_commit_fails_its_group_and_all_that_follows(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk, length = HeldDisk(south), south.situation.length
        disk.refuse = StorageError("the disk refused")
        tasks = [asyncio.create_task(south.station.note(gap(1)))]
        await disk.begun()
        tasks += [asyncio.create_task(south.station.note(gap(n))) for n in range(2, 5)]
        await asyncio.sleep(0)
        disk.go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(one) for one in results] == ["the disk refused"] * 4
        assert all(isinstance(one, StorageError) for one in results)
        assert disk.groups == [1]
        disk.refuse = None
        with pytest.raises(StorageError, match="the disk refused"):
            await south.station.note(gap(9))
        assert south.situation.length == length == south.opened.ledger.size


async def test_command_that_may_not_be_done_disturbs_nobody_else(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        first = asyncio.create_task(south.station.note(gap(1)))
        await disk.begun()

        def refuse(_situation: Situation, _now_ms: int) -> Sequence[Note]:
            raise OperatorError("not now")

        with pytest.raises(OperatorError, match="not now"):
            await recorder_of(south).record(refuse)
        second = asyncio.create_task(south.station.note(gap(2)))
        disk.go.set()
        assert (await first).happenings[0].index + 1 == (await second).happenings[0].index


async def test_event_over_a_bound_disturbs_nobody_else(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        size = south.opened.ledger.size
        huge = ev.DrillStarted(scenario="s", title="t" * 20_000)
        with pytest.raises(InvariantError, match="bytes"):
            await recorder_of(south).record(lambda _situation, _now_ms: [Note((huge,))])
        await recorder_of(south).record(lambda _situation, _now_ms: [Note((gap(1),))])
        assert south.opened.ledger.size == size + 1 == south.situation.length


async def test_disk_that_does_not_read_before_anything_is_decided_disturbs_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        ledger, size = south.opened.ledger, south.opened.ledger.size
        asked: list[str] = []

        def broken(origin: str) -> WitnessedHead | None:
            asked.append(origin)
            if origin == "hotline/y":
                raise StorageError("the disk does not read")
            return None

        monkeypatch.setattr(ledger, "witnessed", broken)
        other = WitnessedHead("hotline/y", 4, Digest(bytes(32)), b"note", 0)
        with pytest.raises(StorageError, match="does not read"):
            await recorder_of(south).record(
                lambda _situation, _now_ms: [Note((gap(1),))], witnessed=[head(5, 0), other]
            )
        assert asked == ["hotline/x", "hotline/y"]
        monkeypatch.undo()
        recorder = recorder_of(south)
        assert recorder.failure is None
        assert recorder._ahead.length == recorder.situation.length == size
        await south.station.note(gap(2))
        assert recorder._ahead.length == recorder.situation.length == size + 1 == ledger.size
        # The first head of the call that failed was promised to nobody.
        await witness(south, head(9, 0))
        assert held_size(south) == 9


async def test_fold_that_fails_ahead_stops_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south

        def broken(*_: Any) -> None:
            raise AttributeError("a bug")

        with monkeypatch.context() as patched:
            patched.setattr(recording, "apply", broken)
            with pytest.raises(AttributeError):
                await recorder_of(south).record(lambda _situation, _now_ms: [Note((gap(1),))])
        with pytest.raises(StorageError, match="stopped while"):
            await south.station.note(gap(2))


async def test_closing_waits_for_the_key_of_a_new_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = Calendar("2026-10-20T08:00:00.000Z")
    async with FakeLine(tmp_path, run=False, clock=calendar) as line:
        south = line.south
        recorder, go = recorder_of(south), threading.Event()
        honest = MonthlyKeys.turn

        def turn(self: MonthlyKeys, now_ms: int) -> ev.Event | None:
            assert go.wait(20)
            return honest(self, now_ms)

        monkeypatch.setattr(MonthlyKeys, "turn", turn)
        calendar.set("2026-11-03T08:00:00.000Z")
        caller = asyncio.create_task(south.station.note(gap(1)))
        await wait_for(lambda: recorder._turning is not None)
        closing = asyncio.create_task(recorder.close())
        await asyncio.sleep(0)
        assert not closing.done()
        go.set()
        await closing
        await asyncio.wait([caller])
        journal = south.station._kept.journal
        assert journal is not None
        journal.close()
        await south.start(run=False)
        assert south.recorded(ev.EpochKeyMade) == [ev.EpochKeyMade(epoch=202611)]


async def test_group_is_bounded_and_never_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_GROUP_EVENTS", 4)
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        disk.go.set()
        large = tuple(gap(n) for n in range(100, 106))
        await asyncio.gather(
            *(south.station.note(gap(n)) for n in range(6)), south.station.note(*large)
        )
        assert disk.groups == [4, 2, 6]


async def test_caller_that_is_cancelled_in_a_shared_group_takes_nothing_back(
    tmp_path: Path,
) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk, length = HeldDisk(south), south.situation.length
        first = asyncio.create_task(south.station.note(gap(1)))
        await disk.begun()
        gone = asyncio.create_task(south.station.note(gap(2)))
        stays = asyncio.create_task(south.station.note(gap(3)))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        disk.go.set()
        await asyncio.gather(first, stays)
        assert south.situation.length == south.opened.ledger.size == length + 3
        assert recorder_of(south).failure is None


def head(size: int, old_size: int, mark: int = 0) -> WitnessedHead:
    return WitnessedHead("hotline/x", size, Digest(bytes([mark] * 32)), b"note", old_size)


async def witness(place: Place, *heads: WitnessedHead) -> Recorded:
    return await recorder_of(place).record(lambda _situation, _now_ms: (), witnessed=heads)


def held_size(place: Place) -> int:
    held = place.opened.ledger.witnessed("hotline/x")
    return held.size if held else 0


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ([head(5, 0), head(9, 0)], [5]),  # both extend nothing: the second is no longer a first
        ([head(9, 0), head(5, 0)], [9]),  # no longer larger
        ([head(5, 0), head(5, 0, mark=1)], [5]),  # a fork of one moment
        ([head(5, 0), head(9, 5)], [5, 9]),  # a chain
    ],
)
async def test_heads_of_one_group_form_a_chain(
    tmp_path: Path, shown: list[WitnessedHead], kept: list[int]
) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        first = asyncio.create_task(south.station.note(gap(1)))
        await disk.begun()
        others = [asyncio.create_task(witness(south, one)) for one in shown]
        await asyncio.sleep(0)
        disk.go.set()
        await asyncio.gather(first, *others)
        assert held_size(south) == kept[-1]
        found = [south.opened.ledger.witnessed_at("hotline/x", size) for size in (5, 9)]
        assert [one.size for one in found if one] == kept
        # What became durable since a head was judged counts as well.
        await witness(south, head(20, 3))
        assert held_size(south) == kept[-1]


async def test_station_stopped_while_it_records_records_nothing_after(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        caller = asyncio.create_task(south.station.note(gap(1)))
        await disk.begun()
        work = recorder_of(south)._work
        assert work is not None
        work.cancel()
        disk.go.set()
        with pytest.raises(StorageError, match="stopped while"):
            await caller
        with pytest.raises(StorageError, match="stopped while"):
            await south.station.note(gap(2))


async def test_closing_waits_for_what_is_queued(tmp_path: Path) -> None:
    async with mid_month(tmp_path, run=False) as line:
        south = line.south
        disk = HeldDisk(south)
        tasks = [asyncio.create_task(south.station.note(gap(1)))]
        await disk.begun()
        tasks.append(asyncio.create_task(south.station.note(gap(2))))
        await asyncio.sleep(0)
        closing = asyncio.create_task(recorder_of(south).close())
        await asyncio.sleep(0)
        with pytest.raises(StorageError, match="closed"):
            await south.station.note(gap(3))
        disk.go.set()
        await closing
        assert [len((await task).happenings) for task in tasks] == [1, 1]


async def test_both_situations_and_the_ledger_agree_after_a_busy_watch(tmp_path: Path) -> None:
    async with mid_month(tmp_path) as line:
        for place in line.places:
            disk = HeldDisk(place)
            disk.go.set()
        await asyncio.gather(
            *(line.south.say("sea/encounter", ENCOUNTER) for _ in range(4)),
            *(line.north.say("conv/free-text", {}, text=f"number {n}") for n in range(6)),
            *(line.south.station.note(gap(n)) for n in range(1, 6)),
        )
        await line.settled()
        for place in line.places:
            recorder = recorder_of(place)
            assert recorder._ahead == recorder.situation == fold(place.happenings())
            orders = sorted(
                (state.order.seq, state.order.prev, state.order.digest)
                for state in place.situation.statements.values()
                if state.outbound
            )
            assert [seq for seq, _, _ in orders] == list(range(1, len(orders) + 1))
            chain = itertools.pairwise(orders)
            assert all(before[2] == after[1] for before, after in chain)
            assert place.verdict().ok
