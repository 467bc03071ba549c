"""A charter that follows another: how it is set up, what is refused, what stays as it was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.values import Digest, Realm
from hotline.review.reviewing import review_ledgers
from hotline.sealing.amendment import changes, check_successor
from hotline.sealing.enrol import make_charter
from hotline.station.amending import current_roster, roster_in
from hotline.station.arriving import check_file
from hotline.station.changing import change_over
from hotline.station.enrolling import Wanted, answer_again, draft_charter, opening_again
from hotline.station.giving_up import give_up_successor
from hotline.station.home import Home
from hotline.station.lineup import read_lineup
from hotline.station.opening import discard_opening, kept_opening
from hotline.station.wanting import Amendment, wanted_after
from tests.station.amended import TWO, amends, exchange_cards, places_in
from tests.station.homes import DAY_MS, NOW_MS, WANTED, Place, begin, begin_three, enrol

LATER_MS = NOW_MS + 3 * DAY_MS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes with a line between them, which no test changes."""
    directory = tmp_path_factory.mktemp("amended")
    enrol(directory)
    return directory


@pytest.fixture
def two(made: Path, tmp_path: Path) -> tuple[Place, Place]:
    """The same three days later, with each other's card of that day."""
    shutil.copytree(made, tmp_path / "two")
    north, south = places_in(tmp_path / "two", LATER_MS)
    exchange_cards(north, south)
    return north, south


def test_amended_line_waits_beside_the_one_that_is_worked(two: tuple[Place, Place]) -> None:
    north, south = two
    before = current_roster(north.home)
    north.completes(south.joins(amends(north)))
    for place in two:
        found = read_lineup(place.home.lines)
        assert found.current is not None
        assert found.pending is not None
        assert (found.earlier, found.count) == ((), 2)
        assert place.home.only_line() == found.current.directory
        assert found.current.line == before.line.hex()
        charter = roster_in(found.pending.directory).charter
        assert charter.predecessor == before.line
        assert charter.policy.two_person == ("deesc/cease-propose",)
    ours, theirs = (read_lineup(place.home.lines).pending for place in two)
    assert ours is not None
    assert theirs is not None
    assert ours.line == theirs.line


def test_every_step_of_an_amendment_again_gives_what_it_gave(two: tuple[Place, Place]) -> None:
    north, south = two
    opening = amends(north)
    peers, wanted = wanted_after(north.home, TWO)
    assert opening_again(north.bench, peers, wanted) == opening
    answer = south.joins(opening)
    charter = check_file(south.bench, opening, "open").charter
    assert answer_again(south.bench, charter.line, charter.predecessor) == answer
    north.completes(answer)
    north.completes(answer)
    assert read_lineup(north.home.lines).count == 2


def test_only_what_is_named_changes_and_is_shown_before_it_is_signed(
    two: tuple[Place, Place],
) -> None:
    north, _ = two
    before = current_roster(north.home).charter
    amendment = Amendment(
        name="n-s-two", two=["deesc/cease-propose"], languages=["en", "fr"], test_period_s=3600
    )
    _, wanted = wanted_after(north.home, amendment)
    shown = changes(before, draft_charter(north.bench, ["SOUTH"], wanted))
    assert [(one.what, one.before, one.after) for one in shown] == [
        ("name", "n-s", "n-s-two"),
        ("languages", "en; en decides", "en, fr; en decides"),
        ("two officers sign", "nothing", "deesc/cease-propose"),
        ("tested every", "86400 s", "3600 s"),
    ]
    opening = north.opens("SOUTH", wanted=wanted)
    signed = check_file(two[1].bench, opening, "open").charter
    assert changes(before, signed) == shown


def test_amendment_takes_away_and_keeps(two: tuple[Place, Place]) -> None:
    north, _ = two
    with pytest.raises(OperatorError, match="would say what it says already"):
        wanted_after(north.home, Amendment(name="n-s", languages=["en"]))
    with pytest.raises(OperatorError, match="one officer may sign 'deesc/x' already"):
        wanted_after(north.home, Amendment(one=["deesc/x"]))
    with pytest.raises(OperatorError, match="test_period_s"):
        wanted_after(north.home, Amendment(test_period_s=1))
    _, wanted = wanted_after(north.home, Amendment(languages=["fr"], presence=True))
    assert (wanted.policy.authentic, wanted.policy.presence) == ("fr", True)
    assert wanted.policy.two_person == WANTED.policy.two_person


def test_line_of_three_is_amended_and_all_change_over(tmp_path: Path) -> None:
    three = north, south, east = begin_three(tmp_path)
    gather(north, south, east, north.opens("SOUTH", "EAST"))
    before = current_roster(north.home)
    for place in three:
        place.now_ms += 60_000
    exchange_cards(*three)
    gather(north, south, east, amends(north))
    for place in three:
        assert current_roster(place.home).line == before.line
        change_over(place.bench, leave=False)
        roster = current_roster(place.home)
        assert roster.charter.predecessor == before.line
        assert roster.members == before.members
        assert roster.charter.policy.two_person == ("deesc/cease-propose",)
        review = review_ledgers(place.home.path, None)
        assert review.ok
        assert "both agree" in "\n".join(review.lines())


def gather(north: Place, south: Place, east: Place, opening: bytes) -> None:
    """Have two stations join and all three complete."""
    answers = south.joins(opening), east.joins(opening)
    for place, needed in ((north, answers), (south, answers[1:]), (east, answers[:1])):
        assert place.completes(*needed) == ()


# --- refusals


def test_charter_that_names_a_line_that_is_not_here_is_refused(
    two: tuple[Place, Place], tmp_path: Path
) -> None:
    north, south = two
    stranger = Digest(b"\x07" * 32)
    with pytest.raises(OperatorError, match="follows a line that this home does not have"):
        north.opens("SOUTH", wanted=replace(WANTED, predecessor=stranger))
    opening = amends(north)
    shutil.rmtree(south.home.lines)
    with pytest.raises(OperatorError, match="follows a line that this home does not have"):
        check_file(south.bench, opening, "open")


def test_line_that_follows_nothing_is_still_refused_beside_another(
    two: tuple[Place, Place],
) -> None:
    north, _ = two
    with pytest.raises(OperatorError, match="has a line already"):
        north.opens("SOUTH", wanted=Wanted("more", WANTED.policy))


def test_second_successor_is_refused_until_the_first_is_given_up(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    first = amends(north)
    south.joins(first)
    discard_opening(north.home)
    north.now_ms = south.now_ms = LATER_MS + 60_000
    exchange_cards(north, south)
    second = amends(north, Amendment(name="other"))
    with pytest.raises(OperatorError, match=r"successor n-s-[0-9a-f]+ of this line was set up"):
        check_file(south.bench, second, "open")
    gone = give_up_successor(south.bench)
    assert gone is not None
    north.completes(south.joins(second))
    with pytest.raises(OperatorError, match="was set up already"):
        amends(north, Amendment(name="third"))
    assert give_up_successor(south.bench) is not None
    assert give_up_successor(south.bench) is None


def test_successor_older_than_its_predecessor_is_refused(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "two")
    north, south = places_in(tmp_path / "two", NOW_MS)
    exchange_cards(north, south)
    north.now_ms = NOW_MS - 1
    with pytest.raises(OperatorError, match="older than the one that it follows"):
        amends(north)
    north.now_ms = NOW_MS
    assert check_file(south.bench, amends(north), "open").charter.created_ms == NOW_MS


def test_charter_of_another_realm_does_not_follow(tmp_path: Path, made: Path) -> None:
    from hotline.core.errors import PeerError
    from hotline.sealing.charter import charter_of, read_charter

    before = current_roster(Home(made / "north"))
    other = begin(tmp_path / "live", "NORTH", Realm.EXERCISE)
    record = make_charter(
        other.root(),
        name="n-s",
        members=[("NORTH", other.root().digest), ("SOUTH", Digest(b"\x01" * 32))],
        policy=WANTED.policy,
        at_ms=LATER_MS,
        predecessor=before.line,
    )
    charter = charter_of(read_charter(record))
    with pytest.raises(PeerError, match="another realm"):
        check_successor(before, replace(charter, realm=Realm.LIVE))
    with pytest.raises(PeerError, match="the root that it names for NORTH is not the newest"):
        check_successor(before, charter)
    with pytest.raises(PeerError, match="does not follow this line"):
        check_successor(before, replace(charter, predecessor=None))
    stations = replace(charter, members=(*before.charter.members,))
    check_successor(before, stations)


def test_line_is_not_amended_by_cards_that_were_used_up(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "two")
    north, south = places_in(tmp_path / "two", NOW_MS + 60_000)
    with pytest.raises(OperatorError, match="card of SOUTH that is here was used up") as refused:
        amends(north)
    assert "card import" in refused.value.hint
    assert kept_opening(north.home) is None
    exchange_cards(north, south)
    south.joins(amends(north))
