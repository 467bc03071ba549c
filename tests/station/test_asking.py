"""Missing numbers: shown at once, asked for, sent again, filled. docs/protocol.md §7.10."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.core import canonical
from hotline.core.exchange.gaps import missing_ranges, standing_gaps
from hotline.core.messages.statement import encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing import items as its
from hotline.sealing.order import order_digest, read_order
from hotline.station import asking, outgoing
from tests.fakes.line import FakeLine, wait_for


@pytest.fixture(autouse=True)
def times(monkeypatch: pytest.MonkeyPatch) -> None:
    # A statement is repeated by itself so late that only asking brings it.
    monkeypatch.setattr(outgoing, "RETRY_S", 600.0)
    monkeypatch.setattr(outgoing, "MAX_RETRY_S", 600.0)
    monkeypatch.setattr(asking, "GRACE_S", 0.0)
    monkeypatch.setattr(asking, "ASK_AGAIN_S", 0.1)
    monkeypatch.setattr(asking, "FILL_PAUSE_S", 0.05)


@asynccontextmanager
async def with_a_hole(tmp_path: Path) -> AsyncIterator[tuple[FakeLine, list[str]]]:
    """Let SOUTH's numbers 2 and 3 be lost on their way; 1 and 4 arrive."""
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        honest, lost = south.station._outgoing._items_of, set[str]()

        def losing(digest: str) -> Sequence[its.Item]:
            if digest not in lost and south.state(digest).order.seq in (2, 3):
                lost.add(digest)
                return ()
            return honest(digest)

        south.station._outgoing._items_of = losing
        said = [await south.say("conv/free-text", {}, text=f"number {n}") for n in range(1, 5)]
        await wait_for(lambda: north.holds(said[3]))
        yield line, said


async def test_gap_is_shown_at_once_and_filled_by_asking(tmp_path: Path) -> None:
    async with with_a_hole(tmp_path) as (line, said):
        north, south = line.north, line.south
        gaps = north.recorded(ev.GapSeen)
        assert sum(one.last_seq - one.first_seq + 1 for one in gaps) == 2
        await wait_for(lambda: all(map(north.holds, said)))
        nacks = south.heard_items(its.NackItem)
        assert nacks
        assert all(one.code == "gap" for one in nacks)
        assert {seq for one in nacks for _, a, b in one.ranges for seq in range(a, b + 1)} == {2, 3}
        assert not standing_gaps(north.situation)
        rows = [one for one in north.desk.timeline(0, 99) if one.state_word.startswith("GAP")]
        assert {row.state_word for row in rows} == {"GAP FILLED"}
        assert north.desk.watch().alarm == ""
        await line.settled()
        assert (await line.judged()).ok


async def test_gap_stands_on_the_console_until_it_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 0)
    async with with_a_hole(tmp_path) as (line, said):
        north, south = line.north, line.south
        assert north.desk.watch().alarm.startswith("MISSING: 2 statements of SOUTH")
        (row,) = [one for one in north.desk.timeline(0, 99) if one.state_word == "GAP"]
        assert row.mark == "alarm"
        (alarm,) = north.desk.alarms()
        assert alarm.title == "MISSING: numbers 2 to 3 of SOUTH"
        south.inject(*south.station._statement_items("NORTH", said[1]))
        await wait_for(lambda: north.holds(said[1]))
        assert north.desk.watch().alarm.startswith("MISSING: number 3 of SOUTH is")
        assert not south.heard_items(its.NackItem)
        # Nothing was withheld meanwhile.
        await north.desk.acknowledge(said[3])


async def test_number_of_what_was_refused_is_not_missing_if_it_was_signed_for_that(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        payload = encode_statement(south.statement())
        digest = statement_digest(payload)
        unsigned = json.loads(south.sign(payload)) | {"signatures": []}
        refused = its.StatementItem(envelope=canonical.encode(unsigned), order=south.order(digest))
        second = south.order(digest, seq=2, prev=order_digest(read_order(refused.order)))
        bare = its.StatementItem(envelope=b"{}", order=second)
        south.inject(refused, bare, south.item(seq=3, prev=order_digest(read_order(second))))
        # Whether the bytes that number 2 was signed for ever came, nobody can say.
        await wait_for(lambda: missing_ranges(north.situation, "SOUTH") == [(1, 2, 2)])
        orders = [one.order for one in north.recorded(ev.StatementQuarantined)]
        assert [one.seq if one else 0 for one in orders] == [1, 0]


async def test_gap_that_nobody_fills_is_asked_for_a_bounded_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 2)
    monkeypatch.setattr(asking, "ASK_AGAIN_S", 0.0)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        south.inject(south.item(seq=5, prev=Digest(bytes([7]) * 32)))
        await wait_for(lambda: len(south.heard_items(its.NackItem)) == 2)
        ticks = []
        honest = north.station._keep_asking
        north.station._keep_asking = lambda: (honest(), ticks.append(1))[0]  # type: ignore[method-assign, func-returns-value]
        await wait_for(lambda: len(ticks) >= 3)
        await north.station.route.ping()
        assert len(south.heard_items(its.NackItem)) == 2
        assert standing_gaps(north.situation)
        assert not north.station.faults
        assert not south.station.faults


async def test_peer_that_asks_for_what_it_has_or_never_was_gets_nothing(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await south.say("conv/free-text", {}, text="received")
        await wait_for(lambda: south.receipted(digest))
        before = len(north.heard_items(its.StatementItem))
        nack = its.NackItem(code="gap", detail="x", ranges=((1, 1, 2**53 - 1), (9, 1, 4)))
        for _ in range(5):
            north.inject(nack)
        await north.station.route.ping()
        await south.station.route.ping()
        assert len(north.heard_items(its.StatementItem)) == before
        assert south.task is not None
        assert not south.task.done()


async def test_peer_that_asks_too_often_is_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "FILL_PAUSE_S", 600.0)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        filled: list[int] = []
        honest = south.station._outgoing.landed
        south.station._outgoing.landed = lambda digest: (filled.append(1), honest(digest))[1]  # type: ignore[method-assign, func-returns-value]
        south.station._outgoing._items_of = lambda _digest: ()
        await south.say("conv/free-text", {}, text="never on its way")
        nack = its.NackItem(code="gap", detail="x", ranges=((1, 1, 9),))
        for _ in range(20):
            north.inject(nack)
        await wait_for(lambda: len(south.heard_items(its.NackItem)) == 20)
        await wait_for(lambda: filled)
        assert len(filled) == 1


async def test_gap_is_asked_for_anew_on_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 1)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        south.inject(south.item(seq=3, prev=Digest(bytes([7]) * 32)))
        await wait_for(lambda: len(south.heard_items(its.NackItem)) == 1)
        await north.stop()
        await north.start()
        await wait_for(lambda: len(south.heard_items(its.NackItem)) == 2)
