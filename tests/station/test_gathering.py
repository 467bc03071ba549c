"""A line of three set up by hand: answers in any order, what is refused, what a crash leaves."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import is_protected, read_key_file, write_key_file
from hotline.sealing.card import Card, Route
from hotline.sealing.enrol import countersign_charter
from hotline.sealing.enrolment import open_half, read_enrolment, write_enrolment
from hotline.sealing.prekey import Prekey
from hotline.station import laying, opening, side
from hotline.station.arriving import MAX_AGE_MS, check_file
from hotline.station.assembly import Machine, open_station
from hotline.station.cards import accept_card, accepted_card
from hotline.station.enrolling import Wanted, answer_again, opening_again
from hotline.station.founded import ANSWER_FILE, line_directories
from hotline.station.gathering import read_answers
from hotline.station.home import read_card, read_line
from hotline.station.identity import STATION_FILE, Listening, read_identity, write_identity
from hotline.station.opening import discard_opening, kept_joining, kept_opening, waiting_line
from tests.fakes.line import FAST
from tests.station.amended import amends, exchange_cards
from tests.station.cuts import power_cut
from tests.station.homes import (
    DAY_MS,
    NOW_MS,
    ROUTE,
    SOUTH_ROUTE,
    WANTED,
    Place,
    agreed,
    begin,
    begin_three,
    enrol,
    never,
    place_at,
)

Three = tuple[Place, Place, Place]
Files = tuple[bytes, bytes, bytes]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Files]:
    """Three homes, of which one has opened a line and two have joined it, with their files."""
    directory = tmp_path_factory.mktemp("three")
    (directory / "begun").mkdir()
    begin_three(directory / "begun")
    shutil.copytree(directory / "begun", directory / "joined")
    north, south, east = places(directory / "joined")
    opened = north.opens("SOUTH", "EAST")
    return directory, (opened, south.joins(opened), east.joins(opened))


def places(directory: Path) -> Three:
    north, south, east = (place_at(directory / name) for name in ("north", "south", "east"))
    return north, south, east


@pytest.fixture
def begun(template: tuple[Path, Files], tmp_path: Path) -> Three:
    """Three homes of the test's own, with each other's cards."""
    shutil.copytree(template[0] / "begun", tmp_path / "begun")
    return places(tmp_path / "begun")


@pytest.fixture
def joined(template: tuple[Path, Files], tmp_path: Path) -> Three:
    """Three homes of the test's own, which wait for the answers."""
    shutil.copytree(template[0] / "joined", tmp_path / "joined")
    return places(tmp_path / "joined")


@pytest.fixture
def files(template: tuple[Path, Files]) -> Files:
    """The opening, and the answers of SOUTH and EAST."""
    return template[1]


def secrets_of(place: Place) -> dict[str, bytes]:
    """Return the secret of today with each peer, as the home opens them."""
    _, _, line = read_line(place.home, None, place.bench.clock, system_entropy)
    day = NOW_MS // DAY_MS
    return {name: peer.held.secret.for_day(day) for name, peer in line.peers.items()}


def check_one_line(three: Three) -> None:
    """All hold the same records; each pair has a secret of its own."""
    north, south, east = (secrets_of(place) for place in three)
    pairs = [
        (north["SOUTH"], south["NORTH"]),
        (north["EAST"], east["NORTH"]),
        (south["EAST"], east["SOUTH"]),
    ]
    assert all(ours == theirs for ours, theirs in pairs)
    assert len({ours for ours, _ in pairs}) == 3
    cards = [read_card(place.home.only_line()) for place in three]
    assert len({card.records for card in cards}) == 1
    assert all(waiting_line(place.home) is None for place in three)


def complete_all(three: Three, files: Files) -> None:
    """Complete the line at all three."""
    north, south, east = three
    _, of_south, of_east = files
    assert north.completes(of_south, of_east) == ()
    assert south.completes(of_east) == ()
    assert east.completes(of_south) == ()


# --- the whole way


def test_line_of_three_set_up_by_hand_is_one_line_with_a_secret_for_each_pair(
    joined: Three, files: Files
) -> None:
    north, south, east = joined
    _, of_south, of_east = files
    assert north.completes(of_south, of_east) == ()
    assert south.completes(of_east) == ()
    assert east.completes(of_south) == ()
    check_one_line(joined)
    ports = [
        {peer.station: (peer.port, peer.listen_port) for peer in card.peers}
        for card in (read_card(place.home.only_line()) for place in joined)
    ]
    north_port, south_port = ROUTE.port, SOUTH_ROUTE.port
    assert ports[0] == {"SOUTH": (0, north_port), "EAST": (0, north_port + 1)}
    assert ports[1] == {"NORTH": (north_port, 0), "EAST": (0, south_port)}
    assert ports[2] == {"NORTH": (north_port + 1, 0), "SOUTH": (south_port, 0)}
    # The prekey of the card is the line's now, and the halves are gone.
    for place in joined:
        assert "prekey" not in read_key_file(place.home.keys / "console.key", None).seeds
        assert not list(place.home.path.rglob("half.key"))


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2))))
def test_answers_come_one_by_one_in_any_order_and_more_than_once(
    joined: Three, files: Files, order: tuple[int, int]
) -> None:
    north, south, east = joined
    first, last = order
    name = {1: "SOUTH", 2: "EAST"}
    for _ in range(2):
        assert north.completes(files[first]) == (name[last],)
    assert line_directories(north.home) == []
    assert north.completes(files[last], files[first]) == ()
    assert (south.completes(files[2]), east.completes(files[1])) == ((), ())
    check_one_line(joined)


def test_every_step_run_again_gives_what_it_gave(joined: Three, files: Files) -> None:
    north, south, east = joined
    opened, of_south, of_east = files
    line = read_enrolment(opened, "open").charter.line
    assert opening_again(north.bench, ["EAST", "SOUTH"], WANTED) == opened
    assert answer_again(south.bench, line) == of_south
    assert answer_again(south.bench, line, anew=True) == of_south
    for place, answers in ((north, files[1:]), (south, [of_east]), (east, [of_south])):
        place.completes(*answers)
        before = (place.home.only_line() / "ledger.db").read_bytes()
        assert place.completes(*answers) == ()
        assert (place.home.only_line() / "ledger.db").read_bytes() == before
    assert answer_again(south.bench, line) == of_south
    with pytest.raises(OperatorError, match="this line was opened here"):
        answer_again(north.bench, line)


def test_of_several_files_openings_and_our_own_are_passed_over(joined: Three, files: Files) -> None:
    _, south, _ = joined
    found = read_answers(south.bench, [(str(place), one) for place, one in enumerate(files)])
    assert [one.sender for one in found] == ["EAST"]
    card = (south.home.path / "cards" / "EAST.card").read_bytes()
    found = read_answers(south.bench, [("east.card", card), ("east.enrol", files[2])])
    assert [one.sender for one in found] == ["EAST"]
    with pytest.raises(OperatorError, match="none of these files is the answer of EAST"):
        read_answers(south.bench, [("a", files[0]), ("b", files[1])])
    with pytest.raises(OperatorError, match=r"^bad\.enrol: this file cannot be used"):
        read_answers(south.bench, [("east.enrol", files[2]), ("bad.enrol", files[2][:-9])])
    with pytest.raises(OperatorError, match="the step open, not join"):
        read_answers(south.bench, [("opening.enrol", files[0])])


# --- the secret of two joiners is theirs alone


def prekey_of(place: Place) -> Prekey:
    return Prekey(read_key_file(place.home.keys / "console.key", None).seeds["prekey"])


def test_half_for_another_joiner_opens_for_that_joiner_only(joined: Three, files: Files) -> None:
    north, south, east = joined
    answer = read_enrolment(files[1], "join")
    halves = read_key_file(south.home.path / "joining" / "half.key", None).seeds
    openers, joiners = prekey_of(north), prekey_of(east)
    assert open_half(answer, joiners, "EAST") == halves["half/EAST"]
    assert open_half(answer, openers, "NORTH") == halves["half/NORTH"]
    assert halves["half/NORTH"] != halves["half/EAST"]
    # With its own key the opener gets nothing out of the other half, whatever it is called.
    for_east = answer.heads[1].model_copy(update={"to_kid": openers.key_id})
    for name in ("EAST", "NORTH"):
        claimed = replace(answer, heads=(for_east.model_copy(update={"to": name}),))
        with pytest.raises(PeerError, match="does not open"):
            open_half(claimed, openers, name)
    for encoded in files:
        assert not any(half in encoded for half in halves.values())


def with_key_of(holder: Card, card: Card) -> Card:
    """Return a card as it would be if the key on it were that of `holder`."""
    return replace(card, prekey=holder.prekey)


def test_opener_that_slips_its_own_key_in_for_another_joiner_is_refused(begun: Three) -> None:
    """The joiner seals to the card it compared; that the opener holds another shows at once."""
    north, south, east = begun
    honest = read_enrolment(north.opens("SOUTH", "EAST"), "open")
    card_of_east = accepted_card(north.home, "EAST")
    cards = [accepted_card(north.home, "SOUTH"), with_key_of(honest.card, card_of_east)]
    false = write_enrolment(
        "open",
        charter=honest.charter_record,
        halves=[(card, bytes(32)) for card in cards],
        root=north.root(),
        own_card=honest.card.encoded,
        made_ms=NOW_MS,
    )
    with pytest.raises(OperatorError, match="NORTH has another card of EAST than this station"):
        south.joins(false)
    assert kept_joining(south.home) is None
    answer = read_enrolment(south.joins(honest.encoded), "join")
    assert {head.to: head.to_kid for head in answer.heads} == {
        "NORTH": prekey_of(north).key_id,
        "EAST": prekey_of(east).key_id,
    }


def test_our_halves_wait_under_the_console_s_passphrase(begun: Three) -> None:
    north, south, _ = begun
    opened = north.opens("SOUTH", "EAST")
    console, phrase = south.home.keys / "console.key", "a passphrase for the tests"
    held = read_key_file(console, None)
    write_key_file(console, held, phrase, entropy=system_entropy, replace=True)
    guarded = Place(south.home, south.catalogue)
    guarded.bench = replace(guarded.bench, ask=lambda _name: phrase)
    guarded.joins(opened)
    half = south.home.path / "joining" / "half.key"
    assert is_protected(half)
    assert half.stat().st_mode & 0o077 == 0
    assert (south.home.path / "joining").stat().st_mode & 0o077 == 0


# --- a step that was cut short


@pytest.mark.parametrize(
    ("name", "after"), [("write_key_file", 0), ("write_durably", 0), ("write_durably", 1)]
)
def test_join_cut_short_is_no_join_and_is_done_anew(begun: Three, name: str, after: int) -> None:
    north, south, east = begun
    opened = north.opens("SOUTH", "EAST")
    with power_cut(opening, name, after):
        south.joins(opened)
    line = read_enrolment(opened, "open").charter.line
    assert (kept_joining(south.home), answer_again(south.bench, line)) == (None, None)
    of_south, of_east = south.joins(opened), east.joins(opened)
    north.completes(of_south, of_east)
    south.completes(of_east)
    east.completes(of_south)
    check_one_line(begun)


CUTS = [(laying, "write_key_file", 1), (laying, "_begin_ledger", 0), (laying, "write_json", 0)]
CUTS += [(side, "spend_prekey", 0), (opening, "discard_joining", 0)]
CUTS += [(opening.shutil, "rmtree", 0)]


@pytest.mark.parametrize(("module", "name", "after"), CUTS)
def test_completion_cut_short_is_ended_by_the_same_command(
    joined: Three, files: Files, module: object, name: str, after: int
) -> None:
    north, south, east = joined
    _, of_south, of_east = files
    with power_cut(module, name, after):
        south.completes(of_east)
    assert south.completes(of_east) == ()
    # Our halves are in what waited.
    assert not (south.home.path / opening.JOINING).exists()
    north.completes(of_south, of_east)
    east.completes(of_south)
    check_one_line(joined)


def test_answers_kept_for_an_opening_whose_giving_up_was_cut_short_are_gone(
    joined: Three, files: Files
) -> None:
    north, south, _ = joined
    assert north.completes(files[1]) == ("EAST",)
    with power_cut(opening.shutil, "rmtree"):
        discard_opening(north.home)
    north.now_ms += 1
    other = north.opens("SOUTH", "EAST")
    opening.discard_joining(south.home)
    assert north.completes(south.joins(other)) == ("EAST",)


def test_completion_ended_late_leaves_the_prekey_of_a_newer_card_alone(
    joined: Three, files: Files
) -> None:
    north, _, _ = joined
    with power_cut(opening, "discard_joining"):
        north.completes(*files[1:])
    north.card()
    newer = prekey_of(north)
    north.completes(*files[1:])
    assert prekey_of(north).key_id == newer.key_id
    assert kept_opening(north.home) is None


# --- refusals


def test_file_altered_cut_or_not_of_its_step_is_refused(joined: Three, files: Files) -> None:
    north, south, _ = joined
    for bad in (files[2].replace(b'"sig":"', b'"sig":"A', 1), files[2][:-9], files[2] * 2, b""):
        with pytest.raises(OperatorError, match="this file cannot be used"):
            north.completes(bad)
    with pytest.raises(OperatorError, match="the step join, not open"):
        check_file(south.bench, files[2], "open")
    with pytest.raises(OperatorError, match="this station's own"):
        south.completes(files[1])
    assert kept_opening(north.home) is not None


def test_file_for_others_or_of_another_realm_is_refused(
    joined: Three, files: Files, tmp_path: Path
) -> None:
    west = begin(tmp_path / "west", "WEST")
    with pytest.raises(OperatorError, match="for SOUTH and EAST, not for WEST"):
        check_file(west.bench, files[0], "open")
    south = joined[1]
    about = south.home.path / STATION_FILE
    about.write_text(json.dumps(json.loads(about.read_text()) | {"realm": "LIVE"}))
    with pytest.raises(OperatorError, match="realm EXERCISE, this station is LIVE"):
        check_file(south.bench, files[2], "join")


def test_member_whose_card_was_not_compared_or_has_another_root_is_refused(
    begun: Three, tmp_path: Path
) -> None:
    north, south, _ = begun
    opened = north.opens("SOUTH", "EAST")
    card = south.home.path / "cards" / "EAST.card"
    kept = card.read_bytes()
    card.unlink()
    with pytest.raises(OperatorError, match="no card of EAST was accepted here"):
        south.joins(opened)
    impostor = begin(tmp_path / "impostor", "EAST")
    accept_card(south.home, impostor.card(), agreed, south.bench.clock)
    with pytest.raises(OperatorError, match="another root for EAST than the one"):
        south.joins(opened)
    assert kept_joining(south.home) is None
    card.write_bytes(kept)
    south.joins(opened)
    accept_card(impostor.home, north.card(), agreed, impostor.bench.clock)
    with pytest.raises(OperatorError, match="not of this station and its sender"):
        impostor.joins(opened)


@pytest.mark.parametrize(
    ("moved_ms", "said"),
    [(MAX_AGE_MS + 1, "older than 30 days"), (-2 * DAY_MS, "a time that is yet to come")],
)
def test_file_out_of_its_time_is_refused(
    joined: Three, files: Files, moved_ms: int, said: str
) -> None:
    _, south, _ = joined
    south.now_ms += moved_ms
    for encoded, step in ((files[0], "open"), (files[2], "join")):
        with pytest.raises(OperatorError, match=said):
            check_file(south.bench, encoded, step)


def again(place: Place, opened: bytes) -> bytes:
    """Return another answer of a station that has lost what it had."""
    shutil.rmtree(place.home.path / "joining")
    return place.joins(opened)


def test_answer_of_a_line_that_is_complete_does_not_stand_for_one_that_waits(
    tmp_path: Path,
) -> None:
    north, south = enrol(tmp_path)
    before = (south.home.only_line() / ANSWER_FILE).read_bytes()
    north.now_ms = south.now_ms = NOW_MS + 60_000
    exchange_cards(north, south)
    now = south.joins(amends(north))
    found = read_answers(north.bench, [("1.enrol", before), ("2.enrol", now)])
    assert [one.encoded for one in found] == [now]
    found = read_answers(north.bench, [("1.enrol", before), ("0.enrol", before)])
    assert [one.encoded for one in found] == [before, before]


def test_station_that_answered_twice_with_other_content_is_refused(
    joined: Three, files: Files
) -> None:
    north, south, _ = joined
    opened, of_south, of_east = files
    second = again(south, opened)
    with pytest.raises(OperatorError, match="SOUTH has answered twice, and the two answers differ"):
        north.completes(of_south, second)
    assert not list((north.home.path / "opening").glob("from-*"))
    assert north.completes(of_south) == ("EAST",)
    for answers in ([second], [second, of_east], [of_east, second]):
        with pytest.raises(OperatorError, match=r"answered twice.*") as refused:
            north.completes(*answers)
        assert "from-SOUTH.enrol" in refused.value.hint
    assert north.completes(of_east) == ()
    assert read_card(north.home.only_line()).station == "NORTH"


def test_stations_that_hold_two_answers_of_one_show_different_check_words(
    joined: Three, files: Files
) -> None:
    from hotline.sealing.fingerprint import check_words

    north, south, east = joined
    opened, of_south, of_east = files
    north.completes(of_south, of_east)
    east.completes(again(south, opened))
    south.completes(of_east)
    words = [check_words(read_card(place.home.only_line()).records[0].encode()) for place in joined]
    assert (words[1] == words[2], words[0] == words[1]) == (True, False)
    assert all(len(one.split()) == 4 for one in words)


def test_answer_to_another_opening_is_refused_at_the_opener_and_at_joiners(
    joined: Three, files: Files
) -> None:
    north, south, east = joined
    of_south = files[1]
    discard_opening(north.home)
    with pytest.raises(OperatorError, match="no line was opened in this home"):
        north.completes(of_south)
    north.now_ms += 1_000
    other = north.opens("SOUTH", "EAST")
    with pytest.raises(OperatorError, match="answers another opening than the one that was made"):
        north.completes(of_south)
    found = check_file(east.bench, other, "open")
    with pytest.raises(OperatorError, match="has joined the line n-s of NORTH") as refused:
        answer_again(east.bench, found.charter.line)
    assert "--anew" in refused.value.hint
    assert answer_again(east.bench, found.charter.line, anew=True) is None
    newer = east.joins(other)
    # Answers of members to two openings do not make one line, in whatever order they come.
    with pytest.raises(OperatorError, match="answers another opening than the one that was joined"):
        south.completes(newer)
    with pytest.raises(OperatorError, match="answers another opening"):
        north.completes(newer, of_south)
    assert north.completes(newer) == ("SOUTH",)
    assert answer_again(south.bench, found.charter.line, anew=True) is None
    fresh = south.joins(other)
    north.completes(fresh)
    south.completes(newer)
    east.completes(fresh)
    check_one_line(joined)


def test_answer_before_the_join_says_that_the_join_is_missing(begun: Three, files: Files) -> None:
    _, south, _ = begun
    with pytest.raises(OperatorError, match="the line n-s was not joined") as refused:
        south.completes(files[2])
    assert "with the opening of NORTH" in refused.value.hint


def test_home_that_has_joined_a_line_opens_none(joined: Three) -> None:
    with pytest.raises(OperatorError, match="has joined the line n-s of NORTH"):
        opening_again(joined[1].bench, ["NORTH"], WANTED)


def test_answer_sealed_to_a_key_that_is_not_on_our_card_is_refused(
    joined: Three, files: Files
) -> None:
    _, south, east = joined
    honest, root = read_enrolment(files[0], "open"), south.root()
    own = read_enrolment(files[1], "join").card
    card_of_east = with_key_of(own, accepted_card(south.home, "EAST"))
    false = write_enrolment(
        "join",
        charter=countersign_charter(honest.charter_record, root),
        halves=[(honest.card, bytes(32)), (card_of_east, bytes(32))],
        root=root,
        own_card=own.encoded,
        made_ms=NOW_MS,
    )
    with pytest.raises(OperatorError, match="a key that is not on this station's card"):
        east.completes(false)
    assert line_directories(east.home) == []
    assert east.completes(files[1]) == ()


def test_kept_file_that_was_altered_is_found(joined: Three, files: Files) -> None:
    north, south, _ = joined
    north.completes(files[1])
    kept = north.home.path / "opening" / "from-SOUTH.enrol"
    kept.write_bytes(kept.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match=r"opening/from-SOUTH\.enrol does not verify"):
        north.completes(files[2])
    (south.home.path / "joining" / "opening.enrol").unlink()
    with pytest.raises(IntegrityError, match=r"joining/opening\.enrol is missing"):
        south.completes(files[2])


def test_line_with_a_pair_that_nobody_of_can_be_dialled_is_not_opened(
    begun: Three, tmp_path: Path
) -> None:
    north, _, east = begun
    west = begin(tmp_path / "west", "WEST")
    accept_card(north.home, west.card(), agreed, north.bench.clock)
    with pytest.raises(OperatorError, match="neither EAST nor WEST says where"):
        north.opens("EAST", "WEST")
    for names in (["EAST", "EAST"], ["NORTH", "EAST"]):
        with pytest.raises(OperatorError, match="each once"):
            north.opens(*names)
    assert kept_opening(north.home) is None
    assert east.home.path.is_dir()


def test_other_words_than_those_of_the_waiting_opening_are_refused(joined: Three) -> None:
    north, _, _ = joined
    for peers, wanted in ((["SOUTH"], WANTED), (["SOUTH", "EAST"], Wanted("other", WANTED.policy))):
        with pytest.raises(OperatorError, match="has opened the line n-s with SOUTH and EAST"):
            opening_again(north.bench, peers, wanted)


# --- where they dial


async def test_newer_card_of_a_station_that_several_dial_is_followed_to_our_own_port(
    joined: Three, files: Files
) -> None:
    complete_all(joined, files)
    north, _, east = joined
    at_first = read_card(east.home.only_line()).peers[0]
    assert (at_first.host, at_first.port) == ("127.0.0.1", ROUTE.port + 1)
    for moved, at in ((ROUTE, ROUTE.port + 1), (Route(host="north.example", port=9), 10)):
        identity = read_identity(north.home)
        write_identity(north.home, identity.model_copy(update={"route": moved}))
        north.now_ms = east.now_ms = east.now_ms + 60_000
        accept_card(east.home, north.card(), never, east.bench.clock)
        machine = Machine(find_config(), east.bench.clock, system_entropy)
        station, _ = open_station(east.home, machine, passphrase=None, timings=FAST)
        await station.close()
        peer = read_card(east.home.only_line()).peers[0]
        assert (peer.station, peer.host, peer.port) == ("NORTH", moved.host, at)


def test_ports_that_do_not_suffice_to_listen_are_refused_until_they_do(
    joined: Three, files: Files
) -> None:
    north = joined[0]
    listens_at(north, 65_535)
    with pytest.raises(OperatorError, match="listens at port 65535 and needs more") as refused:
        north.completes(*files[1:])
    assert "--listen" in refused.value.hint
    listens_at(north, 65_534)
    assert north.completes(*files[1:]) == ()
    ports = [peer.listen_port for peer in read_card(north.home.only_line()).peers]
    assert ports == [65_534, 65_535]


def listens_at(place: Place, port: int) -> None:
    listening = Listening(host="127.0.0.1", port=port)
    identity = read_identity(place.home)
    write_identity(place.home, identity.model_copy(update={"listening": listening}))
