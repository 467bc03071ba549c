"""A receipt whose head never arrived is not lost: the repeated statement brings another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.station import outgoing
from tests.fakes.line import ENCOUNTER, FakeLine, wait_for


async def test_receipt_whose_head_never_arrived_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        await line.settled()
        honest, lost = north.station._receipt_items, []

        def lose(digest: str) -> list[object]:
            lost.append(honest(digest))  # built, marked as shown, and then it never leaves
            north.station._receipt_items = honest  # type: ignore[method-assign]
            return []

        north.station._receipt_items = lose  # type: ignore[method-assign,assignment]
        digest = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(digest))
        assert lost
        assert not north.reasons
        assert not south.reasons
