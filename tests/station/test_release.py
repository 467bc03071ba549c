"""Nothing that proves under a head leaves the station before head.db holds that head."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import IntegrityError, StorageError
from hotline.sealing import items as its
from tests.fakes.line import ENCOUNTER, FakeLine, wait_for


@pytest.mark.parametrize(
    "refusal",
    [StorageError("writing head.db failed"), IntegrityError("another copy is at work")],
)
async def test_refusing_head_db_lets_no_cell_leave_and_stops_the_station(
    tmp_path: Path, refusal: Exception
) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        sent: list[bytes] = []
        honest = south.direct.send

        async def send(cell: bytes) -> None:
            sent.append(cell)
            await honest(cell)

        south.direct.send = send  # type: ignore[method-assign]

        def swap(*_: Any) -> None:
            raise refusal

        south.opened.ledger._heads.swap = swap  # type: ignore[method-assign]
        digest = await south.say("sea/encounter", ENCOUNTER)
        assert south.holds(digest)
        with pytest.raises(type(refusal)):
            raise await south.died()
        assert not sent
        assert not north.heard_items(its.StatementItem)
        assert not north.holds(digest)


async def test_release_begins_before_sealing_and_ends_before_sending(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        south = line.south
        await line.settled()
        steps: list[str] = []
        ledger, outgoing = south.opened.ledger, south.station._outgoing
        honest_seal = outgoing._courier.seal
        honest_release, honest_send = outgoing._release, south.direct.send

        def release() -> Any:
            steps.append("release begins")
            return honest_release()

        def seal(*arguments: Any) -> bytes:
            steps.append("seal")
            return honest_seal(*arguments)

        async def send(cell: bytes) -> None:
            steps.append(f"send, {ledger.size - ledger.released_size} unreleased")
            await honest_send(cell)

        outgoing._release = release
        outgoing._courier.seal = seal  # type: ignore[method-assign]
        south.direct.send = send  # type: ignore[method-assign]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        assert steps[:3] == ["release begins", "seal", "send, 0 unreleased"]


async def test_release_of_a_released_head_is_done_at_once(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        recorder = line.south.station._recorder
        await line.south.say("sea/encounter", ENCOUNTER)
        assert line.south.opened.ledger.released_size < line.south.opened.ledger.size
        await recorder.release()
        assert line.south.opened.ledger.released_size == line.south.opened.ledger.size
        assert recorder.release().done()


async def test_release_after_a_failure_is_refused(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        recorder = line.south.station._recorder
        recorder.failure = StorageError("the disk refused")
        with pytest.raises(StorageError, match="the disk refused"):
            await recorder.release()
        await asyncio.sleep(0)
