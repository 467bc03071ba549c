"""Steps of setting a line up: noted before they count, recorded once, whatever a crash leaves."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.station import cards as cards_module
from hotline.station import enrolling, steps
from hotline.station import journal as journal_module
from hotline.station.arriving import check_file
from hotline.station.backing import back_up
from hotline.station.cards import accept_card, kept_stations
from hotline.station.doctor import check_up
from hotline.station.enrolling import answer_again, opening_again
from hotline.station.founded import line_directories
from hotline.station.giving_up import give_up_opening, give_up_successor
from hotline.station.home import open_line
from hotline.station.keeping import open_kept
from hotline.station.officers import level_records
from hotline.station.opening import kept_opening
from hotline.station.restoring import restore
from hotline.station.steps import note_step, waiting_steps
from hotline.station.wanting import Amendment, wanted_after
from tests.fakes.line import FakeLine
from tests.station.cuts import power_cut
from tests.station.homes import (
    ROUTE,
    WANTED,
    Place,
    agreed,
    begin,
    begin_three,
    begin_two,
    never,
    place_at,
)
from tests.station.test_journal import events_of

STEPS = (ev.CardAccepted, ev.OtherRootRefused, ev.LineStepTaken)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes with each other's card, and a third that also calls itself SOUTH."""
    directory = tmp_path_factory.mktemp("made")
    begin_two(directory)
    begin(directory / "false", "SOUTH", route=ROUTE)
    return directory


@pytest.fixture
def places(made: Path, tmp_path: Path) -> tuple[Place, Place, Place]:
    """NORTH, SOUTH and the false SOUTH of the test's own."""
    shutil.copytree(made, tmp_path / "homes")
    north, south, false = (
        place_at(tmp_path / "homes" / one) for one in ("north", "south", "false")
    )
    return north, south, false


def start(place: Place) -> None:
    """Open the journal as a station does when it starts, or as an officer's certificate does."""
    if not line_directories(place.home):
        level_records(place.bench, place.catalogue)
        return
    opened = open_line(place.home, None, place.bench.clock, system_entropy)
    try:
        kept = open_kept(place.home, opened, None, place.catalogue.packs)
        assert kept.journal is not None
        kept.journal.close()
    finally:
        opened.shelf.past.close()
        opened.ledger.close()


def noted(place: Place) -> list[ev.Event]:
    return [event for _, event in waiting_steps(place.home.path).steps]


def recorded(place: Place) -> list[ev.Event]:
    found = events_of(place.home.path / "journal")
    return [event for event in found if isinstance(event, STEPS)]


def said(events: Sequence[ev.Event]) -> list[str]:
    return [
        event.step if isinstance(event, ev.LineStepTaken) else type(event).__name__
        for event in events
    ]


def findings(place: Place, level: str) -> str:
    found = check_up(place.home, place.bench.clock, None)
    return "\n".join(one.what for one in found if one.level == level and one.about == "steps")


# --- the whole way


def test_every_step_of_a_line_of_two_is_recorded_at_both_places(
    places: tuple[Place, Place, Place],
) -> None:
    north, south, _ = places
    opening = north.opens("SOUTH")
    answer = south.joins(opening)
    north.completes(answer)
    assert said(noted(north)) == ["CardAccepted", "OPENED", "ANSWERED", "COMPLETED"]
    start(north)
    start(south)
    assert said(recorded(north)) == ["CardAccepted", "OPENED", "ANSWERED", "COMPLETED"]
    assert said(recorded(south)) == ["CardAccepted", "JOINED", "COMPLETED"]
    assert noted(north) == noted(south) == []
    line = check_file(south.bench, opening, "open").charter.line.hex()
    _, opened, answered, _ = recorded(north)
    _, joined, _ = recorded(south)
    for one in (opened, answered, joined):
        assert isinstance(one, ev.LineStepTaken)
        assert (one.line, one.name) == (line, "n-s")
    assert (opened.peers, opened.sender) == (("SOUTH",), "")  # type: ignore[attr-defined]
    assert (joined.peers, joined.sender) == (("NORTH",), "NORTH")  # type: ignore[attr-defined]
    # Both journals name the answer by the same hash.
    assert answered.file == joined.file != opened.file  # type: ignore[attr-defined]


def test_every_step_run_again_is_recorded_once(places: tuple[Place, Place, Place]) -> None:
    north, south, _ = places
    opening = north.opens("SOUTH")
    assert opening_again(north.bench, ["SOUTH"], WANTED) == opening
    start(north)
    north.now_ms += 60_000
    assert opening_again(north.bench, ["SOUTH"], WANTED) == opening
    answer = south.joins(opening)
    start(south)
    assert (
        answer_again(south.bench, check_file(south.bench, opening, "open").charter.line) == answer
    )
    start(south)
    north.completes(answer)
    start(north)
    north.completes(answer)
    start(north)
    assert said(recorded(north)) == ["CardAccepted", "OPENED", "ANSWERED", "COMPLETED"]
    assert said(recorded(south)) == ["CardAccepted", "JOINED", "COMPLETED"]
    assert noted(north) == noted(south) == []


def test_line_of_three_records_each_answer_and_what_was_given_up(tmp_path: Path) -> None:
    north, south, east = begin_three(tmp_path)
    first = north.opens("SOUTH", "EAST")
    south.joins(first)
    give_up_opening(north.bench)
    north.now_ms += 1_000
    opening = north.opens("SOUTH", "EAST")
    from_south, from_east = south.joins(opening), east.joins(opening)
    assert north.completes(from_east) == ("SOUTH",)
    assert north.completes(from_east, from_south) == ()
    given_up = ["GIVEN_UP", "OPENED", "ANSWERED", "ANSWERED", "COMPLETED"]
    assert said(noted(north))[2:] == ["OPENED", *given_up]
    answers = [one for one in noted(north) if isinstance(one, ev.LineStepTaken) and one.sender]
    assert [one.sender for one in answers] == ["EAST", "SOUTH"]
    assert south.completes(from_east) == ()
    assert said(noted(south))[2:] == ["JOINED", "GIVEN_UP", "JOINED", "ANSWERED", "COMPLETED"]


def test_successor_that_is_given_up_is_recorded(places: tuple[Place, Place, Place]) -> None:
    north, south, _ = places
    north.completes(south.joins(north.opens("SOUTH")))
    for place in (north, south):
        place.now_ms += 60_000
    for place, other in ((north, south), (south, north)):
        accept_card(place.home, other.card(), never, place.bench.clock)
    _, wanted = wanted_after(north.home, Amendment(name="other"))
    north.completes(south.joins(north.opens("SOUTH", wanted=wanted)))
    assert give_up_successor(south.bench) is not None
    last = noted(south)[-1]
    assert isinstance(last, ev.LineStepTaken)
    assert (last.step, last.name, last.peers) == ("GIVEN_UP", "other", ("NORTH",))


def test_opening_that_was_altered_is_given_up_without_a_name(
    places: tuple[Place, Place, Place],
) -> None:
    north, _, _ = places
    north.opens("SOUTH")
    (north.home.path / "opening" / "opening.enrol").write_bytes(b"junk")
    give_up_opening(north.bench)
    assert said(noted(north)) == ["CardAccepted", "OPENED"]
    assert not (north.home.path / "opening").exists()
    give_up_opening(north.bench)


async def test_sign_on_records_what_waits_before_the_line_anchors_the_journal(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        step = _some_step()
        note_step(line.south.home.path, step)
        await line.south.desk.sign_on()
        assert waiting_steps(line.south.home.path).steps == ()
        await line.south.stop()
    found = events_of(line.south.home.path / "journal")
    assert found[-2:] == [step, found[-1]]
    assert isinstance(found[-1], ev.WatchOpened)


# --- cards


def test_card_is_recorded_with_how_its_root_was_known(places: tuple[Place, Place, Place]) -> None:
    north, south, _ = places
    start(north)
    card = (north.home.path / "cards" / "SOUTH.card").read_bytes()
    accept_card(north.home, card, never, north.bench.clock)
    assert noted(north) == []
    south.now_ms += 60_000
    north.now_ms += 90_000
    accept_card(north.home, south.card(), never, north.bench.clock)
    start(north)
    first, second = recorded(north)
    assert isinstance(first, ev.CardAccepted)
    assert isinstance(second, ev.CardAccepted)
    assert (first.how, second.how) == ("WORDS", "KNOWN_ROOT")
    assert (first.station, first.root) == (second.station, second.root)
    assert first.card != second.card
    assert (second.made_ms, second.at_ms) == (south.now_ms, north.now_ms)


def test_another_root_under_a_known_name_is_an_alarm_that_is_recorded_once(
    places: tuple[Place, Place, Place],
) -> None:
    north, _, false = places
    card = false.card()
    for _ in range(2):
        with pytest.raises(OperatorError, match="another root than the one that was compared"):
            accept_card(north.home, card, agreed, north.bench.clock)
        north.now_ms += 1_000
    assert "Another root was shown for SOUTH" in findings(north, "WARN")
    start(north)
    assert findings(north, "WARN") == ""
    accepted, refused = recorded(north)
    assert isinstance(accepted, ev.CardAccepted)
    assert isinstance(refused, ev.OtherRootRefused)
    assert (refused.known, refused.shown_in, refused.sender) == (accepted.root, "CARD", "SOUTH")
    assert refused.root != accepted.root


def test_another_root_in_a_file_of_a_line_is_recorded(places: tuple[Place, Place, Place]) -> None:
    north, _, false = places
    accept_card(false.home, north.card(), agreed, false.bench.clock)
    opening = false.opens("NORTH")
    with pytest.raises(OperatorError, match="not of the SOUTH whose card was compared"):
        check_file(north.bench, opening, "open")
    refused = noted(north)[-1]
    assert isinstance(refused, ev.OtherRootRefused)
    assert (refused.shown_in, refused.station, refused.sender) == ("FILE", "SOUTH", "SOUTH")


def test_other_root_is_refused_where_the_disk_refuses_the_note(
    places: tuple[Place, Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    north, _, false = places
    monkeypatch.setattr(steps, "write_durably", _full)
    with pytest.raises(OperatorError, match="another root") as refused:
        accept_card(north.home, false.card(), agreed, north.bench.clock)
    assert "ask their officers in person" in refused.value.hint
    assert "it is not recorded: the disk refused" in refused.value.hint


def test_nothing_counts_that_cannot_be_noted(
    places: tuple[Place, Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, south, false = places
    opening = places[0].opens("SOUTH")
    with monkeypatch.context() as patch:
        patch.setattr(steps, "write_durably", _full)
        with pytest.raises(StorageError):
            accept_card(false.home, places[0].card(), agreed, false.bench.clock)
        with pytest.raises(StorageError):
            give_up_opening(places[0].bench)
        with pytest.raises(StorageError):
            south.joins(opening)
    assert kept_stations(false.home) == []
    assert kept_opening(places[0].home) is not None


def _full(*_given: object) -> None:
    raise StorageError("the disk refused")


# --- crashes


def test_card_noted_and_not_kept_is_accepted_by_the_next_call_and_recorded_once(
    places: tuple[Place, Place, Place],
) -> None:
    north, _, false = places
    card = north.card()
    with power_cut(cards_module, "write_durably"):
        accept_card(false.home, card, agreed, false.bench.clock)
    assert kept_stations(false.home) == []
    # The journal has it before the card is there, and the call after that notes it again.
    start(false)
    false.now_ms += 60_000
    accept_card(false.home, card, agreed, false.bench.clock)
    start(false)
    assert said(recorded(false)) == ["CardAccepted"]
    assert kept_stations(false.home) == ["NORTH"]


def test_step_recorded_and_its_note_left_is_not_recorded_again(
    places: tuple[Place, Place, Place],
) -> None:
    north, _, _ = places
    with power_cut(journal_module, "forget_notes"):
        start(north)
    assert said(noted(north)) == said(recorded(north)) == ["CardAccepted"]
    start(north)
    assert said(recorded(north)) == ["CardAccepted"]
    assert noted(north) == []


@pytest.mark.parametrize("name", ["keep_opening", "note_own"])
def test_opening_cut_short_is_recorded_once_by_the_next_call(
    places: tuple[Place, Place, Place], name: str
) -> None:
    north, _, _ = places
    with power_cut(enrolling, name):
        north.opens("SOUTH")
    if opening_again(north.bench, ["SOUTH"], WANTED) is None:
        north.opens("SOUTH")
    assert said(noted(north)) == ["CardAccepted", "OPENED"]


@pytest.mark.parametrize("name", ["lay_side", "note_completed", "discard_waiting"])
def test_completion_cut_short_is_recorded_once_by_the_next_call(
    places: tuple[Place, Place, Place], name: str
) -> None:
    north, south, _ = places
    answer = south.joins(north.opens("SOUTH"))
    with power_cut(enrolling, name):
        north.completes(answer)
    if name == "lay_side":
        assert "COMPLETED" not in said(noted(north))
    north.completes(answer)
    start(north)
    assert said(recorded(north)) == ["CardAccepted", "OPENED", "ANSWERED", "COMPLETED"]


# --- notes


def test_home_made_before_there_were_notes_goes_on(places: tuple[Place, Place, Place]) -> None:
    north, south, _ = places
    for place in (north, south):
        shutil.rmtree(place.home.path / "steps")
        start(place)
        assert recorded(place) == []
    assert findings(north, "WARN") == findings(north, "OK") == ""
    north.completes(south.joins(north.opens("SOUTH")))
    start(north)
    assert said(recorded(north)) == ["OPENED", "ANSWERED", "COMPLETED"]


def test_file_that_is_no_note_is_told_and_stops_nobody(places: tuple[Place, Place, Place]) -> None:
    north, _, _ = places
    ((path, event),) = waiting_steps(north.home.path).steps
    altered = path.read_bytes().replace(b"WORDS", b"KNOWN_ROOT")
    assert altered != path.read_bytes()
    path.write_bytes(altered)
    directory = path.parent
    locked = ev.DeskLocked(certificate="00" * 32, name="A", role="B", why="ASKED", idle_ms=0)
    (directory / f"90-{'0' * 64}.json").write_bytes(ev.encode_event(locked))
    (directory / f"94-{'0' * 64}.json").write_bytes(ev.encode_event(event))
    (directory / f"95-{'0' * 64}.json").mkdir()
    (directory / "junk").write_bytes(b"\x00" * 99)
    (directory / f"{path.name}.part").write_bytes(b"")
    assert "5 files there are no steps" in findings(north, "WARN")
    start(north)
    assert recorded(north) == []
    assert (directory / "junk").exists()


def test_more_notes_than_any_ceremony_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MAX_NOTES", 2)
    first = _some_step()
    note_step(tmp_path, first)
    note_step(tmp_path, first.model_copy(update={"name": "two"}))
    note_step(tmp_path, first)
    with pytest.raises(OperatorError, match="2 steps wait in HOME/steps") as refused:
        note_step(tmp_path, first.model_copy(update={"name": "three"}))
    assert "start the station" in refused.value.hint


def test_backup_takes_what_waits_and_a_restored_home_records_it_once(
    places: tuple[Place, Place, Place], tmp_path: Path
) -> None:
    north, south, _ = places
    north.completes(south.joins(north.opens("SOUTH")))
    backup = back_up(north.home, tmp_path / "b", with_keys=True, clock=north.bench.clock)
    assert sum(name.startswith("steps/") for name in backup.manifest.files) == 4
    start(north)
    line = north.home.only_line()
    (line / "ledger.db").unlink()
    restore(north.bench, tmp_path / "b")
    assert len(noted(north)) == 4
    start(north)
    assert said(recorded(north)) == ["CardAccepted", "OPENED", "ANSWERED", "COMPLETED"]
    assert noted(north) == []


def _some_step() -> ev.LineStepTaken:
    return ev.LineStepTaken(
        step="OPENED", line="ab" * 32, name="n-s", peers=("NORTH",), file="", sender="", at_ms=7
    )
