"""Receipts while heads cross: nothing is blamed on an honest peer, and nothing stays unproved."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.records import events as ev
from hotline.core.records.checkpoint import parse_note
from hotline.core.records.entry import Draft
from hotline.sealing import items as its
from hotline.station import outgoing
from tests.fakes.line import ENCOUNTER, FakeLine, wait_for


async def test_receipt_made_during_a_commit_proves_under_the_head_that_it_shows(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        north, south = line.north, line.south
        item = south.item()
        taken = north.station._intake.sort(_packet(line, item), north.situation)
        await north.station._record(lambda _situation, _now_ms: taken.commands())
        (digest,) = north.situation.statements
        ledger, witness = north.opened.ledger, north.station._witness
        honest = witness.countersign

        def commit_meanwhile(peer: str) -> its.CosignatureItem | None:
            event = ev.LinkChanged(peer="SOUTH", route="direct", state="UP", reason="meanwhile")
            ledger.append(
                [Draft(kind=event.kind, content=ev.encode_event(event), recorded_at_ms=1)]
            )
            return honest(peer)

        witness.countersign = commit_meanwhile  # type: ignore[method-assign]
        receipt = north.station._receipt_items(digest)
        (record,) = [one for one in receipt if isinstance(one, its.RecordItem)]
        (head,) = [one for one in receipt if isinstance(one, its.HeadItem)]
        assert parse_note(head.checkpoint.encode()).checkpoint.size == record.size
        assert ledger.size == record.size + 1


def _packet(line: FakeLine, item: its.Item) -> object:
    cell = line.south.station._courier.seal("NORTH", [item])
    return line.north.station._courier.open(cell)


async def test_receipt_under_a_stale_head_is_no_fault_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 60.0)  # nothing here waits for a retry
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        honest = north.station._receipt_items

        def stale(digest: str) -> list[its.Item]:
            north.station._receipt_items = honest  # type: ignore[method-assign]
            receipt = honest(digest)
            return [
                one.model_copy(update={"old_size": one.old_size + 1})
                if isinstance(one, its.HeadItem)
                else one
                for one in receipt
            ]

        north.station._receipt_items = stale  # type: ignore[method-assign]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest), 10)
        assert north.heard_items(its.HeadConflictItem)
        assert not south.reasons
        assert not south.recorded(ev.HeadRefused)
        assert len(north.recorded(ev.StatementReceived)) == 1


async def test_receipt_that_covers_nothing_yet_is_not_believed(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        honest = north.station._witness.countersign
        north.station._witness.countersign = lambda _peer: None  # type: ignore[method-assign]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.heard_items(its.RecordItem))
        await south.station.route.ping()
        assert not south.receipted(digest)
        assert (
            south.opened.ledger.cosignature(
                south.opened.ledger.size, south.opened.line.witness_of("NORTH")
            )
            is None
        )
        north.station._witness.countersign = honest  # type: ignore[method-assign]
