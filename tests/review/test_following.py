"""Lines that follow one another: what a review of a home, or of one of its ledgers, says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.values import sha256
from hotline.review.locating import locate
from hotline.review.reviewing import Asked, review_ledgers
from hotline.review.verdicts import Review
from hotline.station.changing import change_over, pending_line
from hotline.station.lineup import read_lineup
from hotline.station.upkeep import at_work
from tests.station.amended import amend, places_in
from tests.station.homes import NOW_MS, Place

LATER_MS = NOW_MS + 120_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes whose line was amended; NORTH changed over in `changed`, not in `waiting`."""
    directory = tmp_path_factory.mktemp("followed")
    (directory / "waiting").mkdir()
    amend(directory / "waiting")
    shutil.copytree(directory / "waiting", directory / "changed")
    north, south = places_in(directory / "changed", LATER_MS)
    for place in (north, south):
        change_over(place.bench, leave=False)
    return directory


def copied(made: Path, which: str, to: Path) -> tuple[Place, Path, Path]:
    """Copy one; return NORTH with the directories of its first and second line."""
    shutil.copytree(made / which, to / which)
    north, _ = places_in(to / which, LATER_MS)
    found = read_lineup(north.home.lines)
    first, second = (one.directory for one in found.all)
    return north, first, second


def said(review: Review) -> str:
    return "\n".join(review.lines())


def test_home_that_changed_over_is_reviewed_with_the_line_before(
    made: Path, tmp_path: Path
) -> None:
    north, first, second = copied(made, "changed", tmp_path)
    assert locate(north.home.path) == second / "ledger.db"
    review = review_ledgers(north.home.path, None)
    assert review.ok
    assert "was closed with" in said(review)
    assert "entries: both agree." in said(review)
    assert f"The line before: {first.name}." in said(review)
    assert len(review.as_json()["ledger"]["generations"]["before"]) == 1
    older = review_ledgers(first, None)
    assert older.ok
    assert "which goes on from that very end" in said(older)


def test_cards_establish_who_it_is_on_both_lines(made: Path, tmp_path: Path) -> None:
    north, _, _ = copied(made, "changed", tmp_path)
    cards = tmp_path / "changed"
    peer = cards / "n.card"
    peer.write_bytes(north.card())
    theirs = sorted((north.home.path / "cards").glob("*.card"))
    review = review_ledgers(north.home.path, None, Asked(cards=[str(peer), *map(str, theirs)]))
    assert review.ok
    assert "Identity established for NORTH, SOUTH: by card." in said(review)


def test_both_homes_reconcile_on_the_new_line(made: Path) -> None:
    review = review_ledgers(made / "changed" / "north", made / "changed" / "south")
    assert review.ok
    assert said(review).count("both agree.") == 2


def test_line_that_waits_is_said_to_wait(made: Path, tmp_path: Path) -> None:
    north, _, _ = copied(made, "waiting", tmp_path)
    current, pending = pending_line(north.bench)
    assert locate(north.home.path) == current.directory / "ledger.db"
    assert review_ledgers(north.home.path, None).ok
    review = review_ledgers(pending.directory, None)
    assert review.ok
    assert "is to follow the line n-s" in said(review)
    assert "has not taken over" in said(review)


def test_end_that_was_cut_off_is_a_failure(made: Path, tmp_path: Path) -> None:
    _, first, second = copied(made, "changed", tmp_path)
    waiting = made / "waiting" / "north" / "lines" / first.name
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (first / name).unlink(missing_ok=True)
        if (waiting / name).exists():
            shutil.copy(waiting / name, first / name)
    review = review_ledgers(second, None)
    assert not review.ok
    assert "which was not closed for it" in said(review)


def test_ledger_of_the_line_before_that_is_gone_is_said(made: Path, tmp_path: Path) -> None:
    _, first, second = copied(made, "changed", tmp_path)
    shutil.rmtree(first)
    review = review_ledgers(second, None)
    assert review.ok
    assert "whose ledger is not here" in said(review)


@pytest.mark.parametrize("forged", ["end", "twice", "both"])
def test_beginning_that_names_another_end_is_a_failure(
    made: Path, tmp_path: Path, forged: str
) -> None:
    north, _, _ = copied(made, "waiting", tmp_path)
    current, pending = pending_line(north.bench)
    head = sha256(b"another end")
    continued = ev.LineContinued(
        predecessor=current.line, name="n-s", origin="o", size=1, root="00" * 32, head=head.hex()
    )
    chosen = replace(north.bench.home, chosen=pending.directory.name)
    with at_work(replace(north.bench, home=chosen)) as work:
        work.record(*[Planned(continued)] * (2 if forged == "twice" else 1))
    if forged != "end":
        change_over(north.bench, leave=False)
    review = review_ledgers(pending.directory, None)
    assert not review.ok
    expected = {
        "end": "which was not closed for it",
        "twice": "took over from another one more than once",
        "both": "more than once",
    }
    assert expected[forged] in said(review)


def test_second_closing_and_a_statement_after_the_first_are_failures(
    made: Path, tmp_path: Path
) -> None:
    north, first, _ = copied(made, "changed", tmp_path)
    closed = ev.LineClosed(
        successor="ab" * 32, name="x", undelivered=0, unreleased=0, unanswered=0, left=()
    )
    order = ev.OrderRef(generation=1, seq=1, prev="00" * 32, digest="cd" * 32)
    sent = ev.StatementSent(digest="ef" * 32, order=order)
    earlier = replace(north.bench, home=replace(north.home, chosen=first.name))
    with at_work(earlier) as work:
        work.record(Planned(closed), Planned(sent, item=b"{}"))
    review = review_ledgers(first, None)
    assert not review.ok
    assert "closed for another one more than once" in said(review)
    assert "a statement was recorded after the line had been closed" in said(review)
