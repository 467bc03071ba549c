"""`hotline verify` over the ledgers of three stations: all of one line, each against each."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.ledger.meeting import reconcile_all
from hotline.ledger.reconcile import Side
from hotline.review.meeting import MeetingReview, review_meeting
from tests.fakes.drill import hotline
from tests.fakes.group import FakeGroup
from tests.fakes.line import ENCOUNTER, wait_for
from tests.journeys.test_group_attacks import forged_head


async def worked(tmp_path: Path) -> list[Path]:
    """Let all three speak, close them, and return their ledgers."""
    async with FakeGroup(tmp_path / "line") as group:
        for place in group.places:
            await group.delivered(await place.say("sea/encounter", ENCOUNTER))
        await group.settled()
        return [place.directory / "ledger.db" for place in group.places]


def review(paths: list[Path]) -> MeetingReview:
    return review_meeting(paths[0], paths[1:])


async def test_three_ledgers_reconcile_and_tell_each_pair_and_all(tmp_path: Path) -> None:
    paths = await worked(tmp_path)
    found = review(paths)
    assert found.ok, found.lines()
    assert found.meeting is not None
    assert (found.meeting.statements, found.meeting.receipted) == (3, 3)
    assert len(found.meeting.pairs) == 3
    text = "\n".join(found.lines())
    # What SOUTH and EAST both received is receipted in NORTH's ledger, not in theirs.
    assert "The ledgers of SOUTH and EAST RECONCILE: 3 statements, no contradiction." in text
    assert "All 3 ledgers RECONCILE: 3 statements, 3 receipted by every other member." in text
    done = hotline(
        "verify", str(paths[0]), "--peer", str(paths[1]), "--peer", str(paths[2]), "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["meeting"]["ok"] is True
    assert [one["station"] for one in told["peers"]] == ["SOUTH", "EAST"]
    assert [one["stations"] for one in told["pairs"]] == [
        ["NORTH", "SOUTH"],
        ["NORTH", "EAST"],
        ["SOUTH", "EAST"],
    ]
    # Two of three: what is said says who is not at hand.
    pair = review_meeting(paths[1], [paths[2]])
    assert pair.ok
    assert pair.meeting is not None
    assert pair.meeting.absent == ("NORTH",)
    assert "Not at hand: NORTH" in "\n".join(pair.lines())
    with pytest.raises(OperatorError, match="two of the ledgers are of SOUTH"):
        review([paths[0], paths[1], paths[1]])


async def test_received_statement_that_nobody_sent_and_receipts_of_nobody_are_faults(
    tmp_path: Path,
) -> None:
    paths = await worked(tmp_path)
    taken = review(paths).taken
    for kind, words in ((3, "no other ledger records that it was sent"), (4, "has 2 receipts")):
        changed = tmp_path / f"changed-{kind}"
        sides = []
        for number, one in enumerate(taken):
            copy = changed / str(number) / "ledger.db"
            copy.parent.mkdir(parents=True)
            shutil.copy(one.path, copy)
            sides.append(Side(one.verdict, copy))
        # Only the comparison is asked here: by itself the file would no longer verify.
        with sqlite3.connect(sides[0].path) as connection:
            for (trigger,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            connection.execute("UPDATE entry SET kind = 99 WHERE kind = ?", (kind,))
        connection.close()
        faults = reconcile_all(sides).faults
        assert any(words in fault for fault in faults), faults


async def test_split_view_is_told_from_the_witnesses_alone(tmp_path: Path) -> None:
    group = FakeGroup(tmp_path, run=False)
    north, south, east = group.places
    try:
        await north.start()
        await south.start()
        await group.up(north, south)
        await wait_for(lambda: south.station._witness.held_of("NORTH"))
        held = south.station._witness.held_of("NORTH")
        assert held is not None
        north.station._stands = lambda _shown: True  # type: ignore[method-assign]
        north.station._witness.show = (  # type: ignore[method-assign]
            lambda peer, size=None: forged_head(north, held.size) if peer == "EAST" else None
        )
        await east.start()
        await wait_for(lambda: east.station._witness.held_of("NORTH"))
    finally:
        await group.__aexit__(None, None, None)
    found = review_meeting(south.directory / "ledger.db", [east.directory / "ledger.db"])
    assert not found.ok
    assert found.meeting is not None
    (fault,) = found.meeting.faults
    assert fault.startswith(f"NORTH signed two histories of {held.size} entries: EAST")
