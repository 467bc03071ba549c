"""A line whose charter changes: said on the old one, changed over, said on the new one, verified.

Two EXERCISE homes that were enrolled by hand, over real sockets.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.delivery import Delivery
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.review.opening import open_record
from hotline.review.reviewing import Asked, review_ledgers
from hotline.station.backing import back_up
from hotline.station.changing import change_over, whats_left
from hotline.station.doctor import check_up
from hotline.station.home import read_card, write_json
from tests.fakes.line import CEASE, Place, wait_for
from tests.station.amended import TWO, amends, exchange_cards, worked
from tests.station.homes import Place as Enrolled
from tests.station.homes import enrol


def listen_anywhere(north: Enrolled) -> None:
    """Let the system choose the port: several tests run at once."""
    directory = north.home.only_line()
    write_json(directory / "line.json", read_card(directory).model_copy(update={"port": 0}))


async def both_up(north: Place, south: Place) -> None:
    await north.start()
    await wait_for((north.directory / "listening.json").exists)
    south.reach(*north.listening())
    await south.start()
    await wait_for(lambda: north.station.up and south.station.up)


async def said(north: Place, south: Place, text: str) -> str:
    digest = await south.say("conv/free-text", {}, text=text)
    await wait_for(lambda: south.receipted(digest))
    return digest


async def stopped(*places: Place) -> None:
    for place in places:
        await place.stop()


async def test_line_is_amended_and_goes_on_under_the_new_charter(tmp_path: Path) -> None:
    enrolled = enrol(tmp_path, system_clock() - 60_000)
    listen_anywhere(enrolled[0])
    for one in enrolled:
        one.now_ms = system_clock()
    north, south = (worked(one) for one in enrolled)
    north.clock_ms = south.clock_ms = system_clock
    await both_up(north, south)
    first = await said(north, south, "on the old line")
    await stopped(north, south)

    exchange_cards(*enrolled)
    enrolled[0].completes(enrolled[1].joins(amends(enrolled[0], TWO)))
    # The old line is worked while the other station has not changed over.
    await both_up(north, south)
    second = await said(north, south, "still on the old line")
    await north.desk.acknowledge(second)
    await wait_for(lambda: south.state(second).least is Delivery.READ)
    await stopped(north, south)

    for one in enrolled:
        one.now_ms = system_clock()
        with pytest.raises(OperatorError, match="something still stands") as refused:
            change_over(one.bench, leave=False)
        assert "--leave" in refused.value.hint
        (line,) = [words for words in whats_left(one.bench).lines() if "NO ANSWER" in words]
        assert " by NORTH: " in line
        change_over(one.bench, leave=True)
    listen_anywhere(enrolled[0])
    await both_up(north, south)
    assert not north.holds(first)
    assert north.desk.watch().line == "n-s"
    (row, *_) = [row for row in north.desk.timeline(0, 9) if row.state_word == "FOLLOWS"]
    assert row.headline.startswith("This line follows n-s, which ended with ")
    third = await said(north, south, "on the new line")
    # What the new charter says holds: it takes two, and nobody else is certified here.
    (fault,) = south.draft("deesc/cease-propose", CEASE).faults
    assert fault.startswith("2 officers must sign it")
    await wait_for(lambda: north.holds(third))
    assert len(south.recorded(ev.LineContinued)) == 1
    await stopped(north, south)
    check_homes(tmp_path, enrolled)


def check_homes(tmp_path: Path, enrolled: tuple[Enrolled, Enrolled]) -> None:
    """Verify both homes, each other's lines, the doctor's findings, a backup and a replay."""
    cards = []
    for one in enrolled:
        card = tmp_path / f"{one.home.path.name}.card"
        card.write_bytes(one.card())
        cards.append(str(card))
    paths = [one.home.path for one in enrolled]
    review = review_ledgers(*paths, Asked(cards=cards))
    assert review.ok, review.lines()
    words = "\n".join(review.lines())
    assert "both agree, and SOUTH countersigned that." in words
    assert "both agree, and NORTH countersigned that." in words
    assert "RECONCILE" in words
    assert "Identity established for NORTH, SOUTH" in words
    for one in enrolled:
        found = check_up(one.home, one.bench.clock, None)
        assert {finding.level for finding in found} <= {"OK", "WARN"}
        assert any("another line has taken over" in finding.what for finding in found)
    made = back_up(enrolled[0].home, tmp_path / "b", with_keys=False, clock=system_clock)
    assert len(made.manifest.ledgers) == 3
    older, newer = sorted((paths[0] / "lines").iterdir(), key=lambda path: path.name)
    for path in (paths[0], older, newer):
        assert open_record(path, str).verdict.ok
