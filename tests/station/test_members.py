"""Who is on a line changes: a station joins, or leaves, by a charter that follows another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.sealing.amendment import changes
from hotline.sealing.enrolment import Enrolment, read_enrolment
from hotline.station import enrolling
from hotline.station.amending import current_roster, is_newcomer, predecessor_of
from hotline.station.arriving import check_file
from hotline.station.cards import accept_card
from hotline.station.changing import change_over
from hotline.station.lineup import read_lineup
from hotline.station.wanting import Amendment, wanted_after
from tests.station.amended import amends
from tests.station.homes import (
    NOW_MS,
    SOUTH_ROUTE,
    Place,
    agreed,
    begin,
    enrol,
    exchange_cards,
    place_at,
)

LATER_MS = NOW_MS + 3_600_000
EAST = Amendment(add=["EAST"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NORTH and SOUTH on a line, EAST on none; every card compared by every officer."""
    directory = tmp_path_factory.mktemp("joining")
    places = (*enrol(directory), begin(directory / "east", "EAST", route=SOUTH_ROUTE))
    exchange_cards(*places)
    return directory


@pytest.fixture
def three(made: Path, tmp_path: Path) -> list[Place]:
    """The same an hour later, to be changed."""
    shutil.copytree(made, tmp_path / "three")
    return later(tmp_path / "three")


def later(directory: Path) -> list[Place]:
    places = [place_at(directory / name) for name in ("north", "south", "east")]
    for place in places:
        place.now_ms = LATER_MS
    return places


def gather(opener: Place, *joiners: Place, opening: bytes) -> None:
    """Have all others join and every station complete."""
    answers = [place.joins(opening) for place in joiners]
    assert opener.completes(*answers) == ()
    for place, own in zip(joiners, answers, strict=True):
        rest = [one for one in answers if one is not own]
        assert not rest or place.completes(*rest) == ()


def seen(place: Place, opening: bytes) -> tuple[Enrolment, list[tuple[str, str, str]]]:
    """Return an opening as a station checks it, and what it shows before it signs."""
    found = check_file(place.bench, opening, "open")
    before = predecessor_of(place.home, found.charter) or found.before
    assert before is not None
    return found, [(one.what, one.before, one.after) for one in changes(before, found.charter)]


def test_two_become_three_and_the_newcomer_gets_nothing_of_the_old_line(
    three: list[Place],
) -> None:
    north, south, east = three
    before = current_roster(north.home)
    peers, wanted = wanted_after(north.home, EAST)
    assert peers == ["SOUTH", "EAST"]
    shown = changes(before.charter, enrolling.draft_charter(north.bench, peers, wanted))
    opening = amends(north, EAST)
    for place in (south, east):
        found, told = seen(place, opening)
        assert told == [(one.what, one.before, one.after) for one in shown]
        assert [(what, old) for what, old, _ in told] == [("EAST joins", "is not on the line")]
        assert is_newcomer(place.home, found.charter, found.before) is (place is east)
    gather(north, south, east, opening=opening)
    for place in (north, south):
        assert current_roster(place.home).line == before.line
        change_over(place.bench, leave=False)
    lines = {current_roster(place.home).line for place in three}
    assert len(lines) == 1
    found = read_lineup(east.home.lines)
    assert found.current is not None
    assert (found.count, found.earlier, found.current.follows) == (1, (), before.line.hex())
    assert current_roster(east.home).members == ("NORTH", "SOUTH", "EAST")


def test_newcomer_repeats_every_step(three: list[Place]) -> None:
    north, south, east = three
    opening = amends(north, EAST)
    charter = read_enrolment(opening, "open").charter
    answer = east.joins(opening)
    again = enrolling.answer_again(east.bench, charter.line, charter.predecessor, newcomer=True)
    assert again == answer
    of_south = south.joins(opening)
    east.completes(of_south)
    east.completes(of_south)
    assert enrolling.answer_again(east.bench, charter.line, charter.predecessor) == answer
    assert check_file(east.bench, opening, "open").charter == charter


# --- refusals


def test_amendment_of_members_that_cannot_be_is_refused(three: list[Place]) -> None:
    north, *_ = three
    for amendment, words in (
        (Amendment(add=["SOUTH"]), "SOUTH cannot join the line: it would be on it twice"),
        (Amendment(add=["EAST", "EAST"]), "EAST cannot join the line"),
        (Amendment(add=["NORTH"]), "NORTH cannot join the line"),
        (Amendment(remove=["EAST"]), "EAST is not on this line"),
        (Amendment(remove=["NORTH"]), "NORTH cannot leave by a charter of its own"),
        (Amendment(remove=["SOUTH"]), "NORTH alone would stay on the line"),
        (Amendment(remove=["SOUTH"], add=["EAST"]), "NORTH alone would stay on the line"),
    ):
        with pytest.raises(OperatorError, match=words):
            wanted_after(north.home, amendment)
    with pytest.raises(OperatorError, match="WEST"):
        amends(north, Amendment(add=["WEST"]))


def test_newcomer_whose_card_one_member_never_compared_is_refused(
    made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made, tmp_path / "three")
    north, south, east = later(tmp_path / "three")
    opening = amends(north, EAST)
    (south.home.path / "cards" / "EAST.card").unlink()
    with pytest.raises(OperatorError, match="EAST"):
        check_file(south.bench, opening, "open")
    (east.home.path / "cards" / "SOUTH.card").unlink()
    with pytest.raises(OperatorError, match="SOUTH"):
        check_file(east.bench, opening, "open")


def test_newcomer_of_another_root_than_the_compared_one_is_refused(
    three: list[Place], tmp_path: Path
) -> None:
    north, south, _ = three
    false = begin(tmp_path / "false", "EAST", route=SOUTH_ROUTE, now_ms=LATER_MS)
    shutil.rmtree(north.home.path / "cards")
    for one in (false, south):
        accept_card(north.home, one.card(), agreed, north.bench.clock)
    opening = amends(north, EAST)
    with pytest.raises(OperatorError, match="names another root for EAST than the one"):
        check_file(south.bench, opening, "open")


def test_station_that_was_on_the_line_and_lost_it_is_no_newcomer(three: list[Place]) -> None:
    north, south, _ = three
    opening = amends(north, EAST)
    found, _ = seen(south, opening)
    shutil.rmtree(south.home.lines)
    assert not is_newcomer(south.home, found.charter, found.before)
    with pytest.raises(OperatorError, match="follows a line that this home does not have"):
        check_file(south.bench, opening, "open")


def test_newcomer_that_is_not_shown_the_line_before_is_refused(
    three: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    north, _, east = three
    monkeypatch.setattr(enrolling, "charter_shown", lambda _home, _charter: b"")
    with pytest.raises(OperatorError, match="follows a line that this home does not have"):
        check_file(east.bench, amends(north, EAST), "open")


def test_opening_that_shows_another_charter_than_the_one_that_it_follows_is_refused(
    three: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    north = three[0]
    other = read_enrolment(amends(north, Amendment(name="other")), "open").charter_record
    monkeypatch.setattr(enrolling, "charter_shown", lambda _home, _charter: other)
    with pytest.raises(IntegrityError, match="second charter is not the one"):
        amends(north, EAST)
