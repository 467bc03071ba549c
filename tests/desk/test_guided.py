"""A station set up step by step: what each step makes, refuses and remembers."""

from __future__ import annotations

import asyncio
import itertools
import resource
import shutil
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hotline.core.errors import HotlineError, OperatorError, StorageError
from hotline.core.values import Realm
from hotline.desk.guided.setting_up import SettingUp
from hotline.desk.guided.views import NewStationAnswers, OfficerAnswers, Unlocking
from hotline.station.cards import kept_stations
from hotline.station.enrolling import open_line_with
from hotline.station.home import Home
from hotline.station.officers import unlock_root
from hotline.station.opening import kept_opening
from tests.fakes.guided import machine
from tests.station.homes import ROUTE, WANTED, begin

OPEN = Unlocking()
NAMES = ("north", "south", "east")
Made = TypeVar("Made")


def done(act: Coroutine[Any, Any, Made]) -> Made:
    """Do an act to its end."""
    return asyncio.run(act)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NORTH and SOUTH, each with an officer, made by the commands' own calls."""
    directory = tmp_path_factory.mktemp("made")
    clock = machine().clock()
    begin(directory / "north", "NORTH", route=ROUTE, now_ms=clock)
    begin(directory / "south", "SOUTH", now_ms=clock)
    begin(directory / "east", "EAST", now_ms=clock)
    cards(Two(directory))
    return directory


@pytest.fixture(scope="module")
def acquainted(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and each has compared the other's words."""
    directory = tmp_path_factory.mktemp("acquainted") / "two"
    shutil.copytree(made, directory)
    two = Two(directory)
    compare(two.north, two.south)
    compare(two.south, two.north)
    return directory


@dataclass
class Two:
    directory: Path

    @property
    def north(self) -> SettingUp:
        """NORTH's setup, just started: nothing is remembered from the one before."""
        return SettingUp(machine(), self.directory / "north")

    @property
    def south(self) -> SettingUp:
        return SettingUp(machine(), self.directory / "south")


@pytest.fixture
def two(made: Path, tmp_path: Path) -> Two:
    shutil.copytree(made, tmp_path / "two")
    return Two(tmp_path / "two")


@pytest.fixture
def known(acquainted: Path, tmp_path: Path) -> Two:
    shutil.copytree(acquainted, tmp_path / "known")
    return Two(tmp_path / "known")


def compare(guide: SettingUp, other: SettingUp) -> None:
    """Take the other's card in; every word is right."""
    guide.look_at_card(other.card_file())
    words = other.own_words()
    for place in guide.asked_places():
        assert guide.their_words() == ()
        assert guide.hear(words[place - 1][:4])
    assert guide.their_words() == words
    guide.settle(agreed=True)


def cards(two: Two) -> None:
    for guide in (two.north, two.south, SettingUp(machine(), two.directory / "east")):
        done(guide.write_card(guide.card_file(), OPEN))


def opened(two: Two) -> str:
    """Open the line at NORTH; return the opening file."""
    north = two.north
    north.draft(north.suggest("SOUTH")[1])
    done(north.sign(OPEN))
    return done(two.north.write_travelling(two.north.travelling_file()))


# --- the line


def test_homes_of_the_commands_come_to_a_whole_line(known: Two) -> None:
    opening = opened(known)
    south = known.south
    shown = south.look_at_opening(opening)
    done(south.sign(OPEN))
    answer = done(known.south.write_travelling(known.south.travelling_file()))
    done(known.north.complete(answer, OPEN))
    ours, theirs = known.north.view().line, known.south.view().line
    assert ours is not None
    assert theirs is not None
    assert (ours.whole, ours.joined, theirs.whole, theirs.joined) == (True, False, True, True)
    assert ours.charter == theirs.charter == shown
    assert ours.dialled == f"NORTH listens at 127.0.0.1:{ROUTE.port}; SOUTH dials it."
    assert theirs.dialled == f"SOUTH dials NORTH at 127.0.0.1:{ROUTE.port}."
    # Again and again: the answer that was given before.
    again = known.south
    again.look_at_opening(opening)
    assert Path(done(again.write_travelling(answer))).read_bytes() == Path(answer).read_bytes()


def test_charter_that_was_shown_is_the_one_that_is_signed(known: Two) -> None:
    north = known.north
    shown = dict(north.draft(north.suggest("SOUTH")[1]))
    done(north.sign(OPEN))
    kept = kept_opening(Home(known.directory / "north"))
    assert kept is not None
    assert kept.charter.line.hex() == shown["Number"]
    with pytest.raises(OperatorError, match="has opened the line"):
        known.north.draft(known.north.suggest("SOUTH")[1])


def test_charter_other_than_the_one_that_was_shown_is_not_signed(known: Two) -> None:
    north = known.north
    usual = north.suggest("SOUTH")[1]
    north.draft(usual)
    assert isinstance(north._lining._shown, tuple)
    peer, wanted = north._lining._shown
    north._lining._shown = (peer, replace(wanted, name="another"))
    with pytest.raises(OperatorError, match="not the charter that was shown"):
        done(north.sign(OPEN))
    assert known.north.view().line is None


def test_nothing_is_signed_that_was_not_shown(known: Two) -> None:
    with pytest.raises(OperatorError, match="no charter was shown"):
        done(known.north.sign(OPEN))
    assert known.north.view().line is None


def test_opening_that_is_given_up_leaves_the_way_free(known: Two) -> None:
    opening = opened(known)
    assert known.north.give_up().line is None
    south = known.south
    south.draft(south.suggest("NORTH")[1])
    done(south.sign(OPEN))
    with pytest.raises(OperatorError) as refused:
        known.south.look_at_opening(opening)
    assert known.south.advise(refused.value).endswith("give this one up in step 9, then join.")


def test_line_that_nobody_can_dial_says_which_step_to_go_back_to(known: Two) -> None:
    south = known.south
    home = Home(known.directory / "south")
    (home.path / "cards" / "NORTH.card").unlink()
    east = SettingUp(machine(), known.directory / "east")
    compare(south, east)
    with pytest.raises(OperatorError) as refused:
        known.south.draft(known.south.suggest("EAST")[1])
    assert "go back to step 2" in known.south.advise(refused.value)
    assert known.south.change_route("south.example:4711", "").route == "south.example:4711"
    assert known.south.draft(known.south.suggest("EAST")[1])


def test_both_sides_suggest_the_same_opener() -> None:
    from hotline.desk.guided.lining import Lining
    from tests.fakes.guided_scenes import KNOWING, SOUTH

    catalogue = SettingUp(machine())._catalogue
    lining = Lining(catalogue)
    officers = KNOWING.officers * 2
    for ours, theirs in (("a:1", ""), ("", "b:2"), ("a:1", "b:2"), ("", "")):
        peer = replace(SOUTH, route=theirs, officers=("One", "Two"))
        north = replace(KNOWING, route=ours, peers=(peer,), officers=officers)
        us = replace(SOUTH, station="NORTH", route=ours, officers=("One", "Two"))
        south = replace(KNOWING, station="SOUTH", route=theirs, peers=(us,), officers=officers)
        one, usual = lining.suggest(north, "SOUTH")
        other, same = lining.suggest(south, "NORTH")
        assert one == other == ("SOUTH" if theirs and not ours else "NORTH")
        assert (usual.name, usual.two_officers) == (same.name, same.two_officers)
        assert usual.two_officers == "ladder"
    assert lining.suggest(KNOWING, "SOUTH")[1].two_officers == "none"
    rules = {
        one: lining.policy(replace(usual, two_officers=one)).two_person
        for one in ("none", "ladder", "most")
    }
    assert rules["none"] == ()
    assert all(one.startswith("deesc/") for one in rules["ladder"])
    assert set(rules["ladder"]) < set(rules["most"])
    assert not {"sea/encounter", "link/test", "conv/holding"} & set(rules["most"])


def test_line_of_three_is_left_to_the_commands(known: Two) -> None:
    """Its files go round otherwise: the setup says so, of a file and of a home."""
    three = Two(known.directory)
    guides = {name: SettingUp(machine(), three.directory / name) for name in NAMES}
    for one, other in itertools.permutations(NAMES, 2):
        if other.upper() not in kept_stations(Home(three.directory / one)):
            compare(guides[one], guides[other])
    bench = guides["north"]._bench(OPEN)
    root = unlock_root(bench, bench.home.keys / "root.key")
    done(guides["south"].write_card(guides["south"].card_file(), OPEN))
    guides["south"].change_route("south.example:4711", "")
    done(guides["south"].write_card(guides["south"].card_file(), OPEN))
    for one in ("north", "east"):
        guides[one].look_at_card(guides["south"].card_file())
    opening = three.directory / "opening.enrol"
    opening.write_bytes(open_line_with(bench, ["SOUTH", "EAST"], WANTED, root))
    with pytest.raises(OperatorError, match="has 3 stations"):
        guides["south"].look_at_opening(str(opening))
    with pytest.raises(OperatorError, match="has 3 stations"):
        three.north.view()


# --- cards and words


def test_words_that_differ_twice_keep_no_card(two: Two) -> None:
    guide = two.north
    guide.look_at_card(two.south.card_file())
    assert guide.hear("wrong") is False
    with pytest.raises(OperatorError, match="it was not accepted"):
        guide.hear("wrong")
    assert (guide.asked_places(), guide.their_words()) == ((), ())
    with pytest.raises(OperatorError, match="no card is being compared"):
        guide.settle(agreed=True)
    assert kept_stations(Home(two.directory / "north")) == []


def test_card_is_settled_only_after_the_words(two: Two) -> None:
    guide = two.north
    guide.look_at_card(two.south.card_file())
    with pytest.raises(OperatorError, match="not all words were heard"):
        guide.settle(agreed=True)
    with pytest.raises(OperatorError, match="it was not accepted"):
        guide.settle(agreed=False)
    assert guide.view().peers == ()


def test_newer_card_of_a_compared_root_needs_no_words(known: Two) -> None:
    cards(known)
    peer, compared = known.north.look_at_card(known.south.card_file())
    assert (peer.station, compared) == ("SOUTH", True)


HOSTILE = {
    "junk": lambda card: b"\x00\x1b[31m no card\n\n",
    "empty": lambda card: b"",
    "altered": lambda card: card.replace(b"a", b"b", 1),
    "cut": lambda card: card[:-200],
    "huge": lambda card: card * 500,
}


@pytest.mark.parametrize("damage", HOSTILE)
def test_hostile_card_file_is_one_sentence_and_changes_nothing(two: Two, damage: str) -> None:
    file = Path(two.south.card_file())
    file.write_bytes(HOSTILE[damage](file.read_bytes()))
    refused(two.north, file)
    refused(two.north, two.directory)
    refused(two.north, Path(two.north.card_file()))
    refused(two.north, Path("\0"))
    assert kept_stations(Home(two.directory / "north")) == []


def refused(guide: SettingUp, file: Path) -> None:
    with pytest.raises(OperatorError) as error:
        guide.look_at_card(str(file))
    said = guide.advise(error.value)
    assert said.endswith(".")
    assert said.isprintable()
    assert "hotline " not in said
    assert guide.asked_places() == ()


# --- making


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """No file may grow beyond `most_bytes`, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_is_said_and_the_same_step_works_afterwards(tmp_path: Path) -> None:
    guide = SettingUp(machine())
    home = tmp_path / "north"
    new = NewStationAnswers(str(home), "NORTH", "EXERCISE", "127.0.0.1:4711")
    with full_disk(2_000), pytest.raises(StorageError) as error:
        done(guide.make(new))
    assert "press the button again" in guide.advise(error.value)
    assert not guide.view().made
    assert not home.exists()
    done(guide.make(new))
    officer = OfficerAnswers("n1", "A. Lind")
    with full_disk(500), pytest.raises(StorageError):
        done(guide.certify(officer, OPEN))
    done(guide.certify(officer, OPEN))
    assert [person for person, _, _ in guide.view().officers] == ["n1"]
    with full_disk(500), pytest.raises(StorageError):
        done(guide.write_card(guide.card_file(), OPEN))
    assert not Path(guide.card_file()).exists()
    done(guide.write_card(guide.card_file(), OPEN))


def test_answers_are_checked_by_field(tmp_path: Path) -> None:
    guide = SettingUp(machine())
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a").touch()
    taken = str(tmp_path / "taken")
    assert set(guide.place_faults(taken, "north", "")) == {"home", "station", "realm"}
    assert guide.place_faults(str(tmp_path / "new"), "NORTH", "LIVE") == {}
    assert guide.place_faults("x" * 5_000, "NORTH", "LIVE")["home"]
    assert guide.place_faults("a\0b", "NORTH", "LIVE")["home"]
    assert guide.place_faults(str(tmp_path / "no" / "such"), "NORTH", "LIVE")["home"]
    assert guide.address_fault("nowhere", dialled=True)
    assert guide.address_fault("host:0", dialled=True)
    assert not guide.address_fault("host:0", dialled=False)
    assert guide.phrase_fault("short", "short") == {"new": "Too short: at least 12 characters."}
    assert set(guide.phrase_fault("long enough 12", "long enough 13")) == {"again"}
    assert guide.phrase_fault("long enough 12", "long enough 12") == {}
    assert guide.line_fault("a b")
    assert not guide.line_fault("north-south")
    assert not guide.holds_station(taken)
    assert not guide.holds_station("")
    assert not guide.holds_station("a\0b")


def test_officer_answers_are_checked_by_field(two: Two) -> None:
    check = two.north.officer_faults
    assert check(OfficerAnswers("lind", "A. Lind")) == {}
    assert set(check(OfficerAnswers("NORTH1", "A. Lind"))) == {"person"}
    assert set(check(OfficerAnswers("a b", " ", "x" * 81, "\x1b"))) == {
        "person",
        "name",
        "rank",
        "role",
    }


# --- passphrases


def test_root_key_that_lies_elsewhere_under_another_name_is_asked_for_once(two: Two) -> None:
    guide = two.north
    bench = guide._bench(Unlocking({"root.key": "a phrase"}, "/safe/north-root.key"))
    assert bench.ask("north-root.key") == "a phrase"
    with pytest.raises(OperatorError, match="is protected") as error:
        bench.ask("console.key")
    assert guide.advise(error.value).endswith("type it below.")
    (two.directory / "north" / "keys" / "root.key").rename(two.directory / "safe")
    officer = OfficerAnswers("n2", "B. Lind")
    with pytest.raises(OperatorError, match="is not there") as gone:
        done(guide.certify(officer, OPEN))
    assert guide.advise(gone.value).endswith("type below where it is now.")
    assert not guide.view().root_here
    done(guide.certify(officer, Unlocking({}, str(two.directory / "safe"))))
    assert len(guide.view().officers) == 2


def test_live_station_without_passphrases_is_refused(tmp_path: Path) -> None:
    guide = SettingUp(machine())
    with pytest.raises(OperatorError, match="LIVE"):
        done(guide.make(NewStationAnswers(str(tmp_path / "n"), "NORTH", Realm.LIVE.value)))
    assert list(tmp_path.iterdir()) == []


def test_error_that_is_not_ours_says_only_its_kind(two: Two) -> None:
    assert "secret" not in two.north.advise(RuntimeError("secret"))
    with pytest.raises(HotlineError, match="no home was named"):
        SettingUp(machine()).card_file()
