"""A line set up by hand between two homes: what works, what is refused, what a crash leaves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import HotlineError, OperatorError, StorageError
from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file
from hotline.sealing.enrol import RootKey
from hotline.sealing.roster import identify_ledger
from hotline.station import enrolling, laying, side
from hotline.station import opening as opening_module
from hotline.station.arriving import MAX_AGE_MS, check_file
from hotline.station.backing import back_up
from hotline.station.beginning import NewStation, begin_home
from hotline.station.cards import accept_card, kept_stations
from hotline.station.doctor import check_up
from hotline.station.enrolling import (
    Wanted,
    answer_again,
    opening_again,
)
from hotline.station.founded import line_directories
from hotline.station.home import Home, read_card, read_line
from hotline.station.identity import read_identity
from hotline.station.manifest import may_hold
from hotline.station.opening import discard_opening, half_path, kept_opening
from hotline.station.upkeep import at_work
from tests.station.cuts import power_cut
from tests.station.homes import (
    DAY_MS,
    NOW_MS,
    ROUTE,
    WANTED,
    Place,
    agreed,
    begin,
    begin_two,
    enrol,
    never,
    nothing,
    place_at,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes with each other's card, which no test changes."""
    directory = tmp_path_factory.mktemp("made")
    begin_two(directory)
    return directory


@pytest.fixture
def two(made: Path, tmp_path: Path) -> tuple[Place, Place]:
    """Two homes of the test's own."""
    shutil.copytree(made, tmp_path / "two")
    north, south = (place_at(tmp_path / "two" / name) for name in ("north", "south"))
    return north, south


def secret_of(place: Place) -> tuple[bytes, bytes, bytes]:
    """Return line id, secret of today and ledger origin's station as the home opens them."""
    _, card, line = read_line(place.home, None, place.bench.clock, system_entropy)
    (peer,) = line.peers.values()
    return line.roster.line, peer.held.secret.for_day(NOW_MS // DAY_MS), card.station.encode()


# --- the whole way


def test_line_set_up_by_hand_is_one_line_with_one_secret(two: tuple[Place, Place]) -> None:
    north, south = two
    north.completes(south.joins(north.opens("SOUTH")))
    ours, theirs = secret_of(north), secret_of(south)
    assert ours[:2] == theirs[:2]
    assert (ours[2], theirs[2]) == (b"NORTH", b"SOUTH")
    card = read_card(north.home.only_line())
    assert (card.listens, card.host, card.port) == (True, ROUTE.host, ROUTE.port)
    other = read_card(south.home.only_line())
    assert (other.listens, other.peers[0].host, other.peers[0].port) == (
        False,
        ROUTE.host,
        ROUTE.port,
    )
    assert card.records == other.records
    assert kept_opening(north.home) is None
    assert not half_path(north.home).exists()


def test_line_whose_joiner_alone_can_be_dialled_is_listened_at_there(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    south = begin(tmp_path / "s", "SOUTH", route=ROUTE)
    accept_card(north.home, south.card(), agreed, north.bench.clock)
    accept_card(south.home, north.card(), agreed, south.bench.clock)
    north.completes(south.joins(north.opens("SOUTH")))
    assert not read_card(north.home.only_line()).listens
    assert read_card(south.home.only_line()).listens


def test_founding_ledgers_hold_the_same_records_and_verify(two: tuple[Place, Place]) -> None:
    from hotline.review.reviewing import Asked, review_ledgers

    north, south = two
    north.completes(south.joins(north.opens("SOUTH")))
    review = review_ledgers(north.home.path, south.home.path, Asked())
    assert review.ok


def test_charter_says_what_was_wanted(two: tuple[Place, Place]) -> None:
    north, south = two
    policy = WANTED.policy.model_copy(
        update={"two_person": ("deesc/propose",), "languages": ("en", "fr"), "presence": True}
    )
    north.completes(south.joins(north.opens("SOUTH", wanted=Wanted("other", policy))))
    _, _, line = read_line(south.home, None, south.bench.clock, system_entropy)
    assert (line.roster.name, line.roster.charter.policy) == ("other", policy)
    assert line.roster.members == ("NORTH", "SOUTH")


# --- a step again, a step that was cut short


def test_every_step_run_again_gives_what_it_gave(two: tuple[Place, Place]) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    assert opening_again(north.bench, ["SOUTH"], WANTED) == opening
    answer = south.joins(opening)
    found = check_file(south.bench, opening, "open")
    assert answer_again(south.bench, found.charter.line) == answer
    north.completes(answer)
    before = (north.home.only_line() / "ledger.db").read_bytes()
    north.completes(answer)
    assert (north.home.only_line() / "ledger.db").read_bytes() == before


LAYING_CUTS = [("write_key_file", 0), ("write_key_file", 1), ("_begin_ledger", 0)]
LAYING_CUTS += [("write_durably", 0), ("write_json", 0)]


@pytest.mark.parametrize(("name", "after"), LAYING_CUTS)
def test_join_cut_short_is_done_anew_by_the_same_command(
    two: tuple[Place, Place], name: str, after: int
) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    with power_cut(laying, name, after):
        south.joins(opening)
    assert line_directories(south.home) == []
    found = check_file(south.bench, opening, "open")
    assert answer_again(south.bench, found.charter.line) is None
    north.completes(south.joins(opening))
    assert secret_of(north)[:2] == secret_of(south)[:2]


@pytest.mark.parametrize(("name", "after"), [*LAYING_CUTS[:3], LAYING_CUTS[4]])
def test_completion_cut_short_is_done_anew_by_the_same_command(
    two: tuple[Place, Place], name: str, after: int
) -> None:
    north, south = two
    answer = south.joins(north.opens("SOUTH"))
    with power_cut(laying, name, after):
        north.completes(answer)
    assert line_directories(north.home) == []
    north.completes(answer)
    assert secret_of(north)[:2] == secret_of(south)[:2]


def test_founding_cut_before_the_prekey_goes_is_ended_when_the_line_is_opened(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    with power_cut(side, "spend_prekey"):
        south.joins(opening)
    console = south.home.keys / "console.key"
    assert "prekey" in read_key_file(console, None).seeds
    with at_work(south.bench):
        assert "prekey" not in read_key_file(console, None).seeds
    # A card of later shows a prekey that no line has: that one stays.
    south.card()
    with at_work(south.bench):
        assert "prekey" in read_key_file(console, None).seeds


def test_completion_cut_before_the_opening_goes_is_ended_by_the_same_command(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    answer = south.joins(north.opens("SOUTH"))
    with power_cut(opening_module, "discard_opening"):
        north.completes(answer)
    assert half_path(north.home).exists()
    north.completes(answer)
    assert not half_path(north.home).exists()


def test_opening_cut_before_its_file_is_written_is_no_opening(two: tuple[Place, Place]) -> None:
    north, south = two
    with power_cut(opening_module, "write_durably"):
        north.opens("SOUTH")
    assert half_path(north.home).exists()
    assert opening_again(north.bench, ["SOUTH"], WANTED) is None
    north.completes(south.joins(north.opens("SOUTH")))


@pytest.mark.parametrize("name", ["lay_tls", "_lay_keys", "open_journal", "write_identity"])
def test_home_whose_making_was_cut_short_is_not_there(tmp_path: Path, name: str) -> None:
    home, catalogue = Home(tmp_path / "h"), place_at(tmp_path).catalogue
    new = NewStation("NORTH", Realm.EXERCISE)
    with power_cut(laying, name):
        begin_home(home, new, nothing, catalogue, system_clock, system_entropy)
    assert not home.path.exists()
    begin_home(home, new, nothing, catalogue, system_clock, system_entropy)
    assert read_identity(home).station == "NORTH"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h"]


def test_opening_that_waits_is_in_no_backup_and_the_doctor_says_so(
    two: tuple[Place, Place], tmp_path: Path
) -> None:
    """Spec: docs/ledger.md §21.9"""
    north, south = two

    def told() -> str:
        return " ".join(one.what for one in check_up(north.home, north.bench.clock, None))

    answer = south.joins(north.opens("SOUTH"))
    assert "no backup holds it: if it is lost, all begin anew with --anew" in told()
    backup = back_up(north.home, tmp_path / "b", with_keys=True, clock=north.bench.clock)
    assert not any(name.startswith(("opening", "joining")) for name in backup.manifest.files)
    assert not may_hold("opening/half.key")
    north.completes(answer)
    assert "no backup holds it" not in told()


# --- refusals


def test_another_opening_of_the_home_is_refused_until_it_is_given_up(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    first = north.opens("SOUTH")
    with pytest.raises(OperatorError, match="has opened the line n-s with SOUTH") as refused:
        opening_again(north.bench, ["SOUTH"], Wanted("other", WANTED.policy))
    assert "--anew" in refused.value.hint
    discard_opening(north.home)
    answer = south.joins(first)
    with pytest.raises(OperatorError, match="no line was opened in this home"):
        north.completes(answer)
    north.now_ms += 1_000
    north.opens("SOUTH")
    with pytest.raises(OperatorError, match="answers another opening"):
        north.completes(answer)


def test_second_line_of_a_home_is_refused(two: tuple[Place, Place]) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    north.completes(south.joins(opening))
    with pytest.raises(OperatorError, match="has a line already"):
        opening_again(north.bench, ["SOUTH"], Wanted("more", WANTED.policy))
    with pytest.raises(OperatorError, match="has a line already"):
        north.opens("SOUTH")


def test_line_without_an_accepted_card_is_refused(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH", route=ROUTE)
    south = begin(tmp_path / "s", "SOUTH")
    with pytest.raises(OperatorError, match="no card of SOUTH was accepted here"):
        north.opens("SOUTH")
    accept_card(north.home, south.card(), agreed, north.bench.clock)
    opening = north.opens("SOUTH")
    with pytest.raises(OperatorError, match="no card of NORTH was accepted here"):
        south.joins(opening)
    assert line_directories(south.home) == []


def test_line_between_stations_that_only_dial_is_refused(tmp_path: Path) -> None:
    north, south = begin(tmp_path / "n", "NORTH"), begin(tmp_path / "s", "SOUTH")
    accept_card(north.home, south.card(), agreed, north.bench.clock)
    with pytest.raises(OperatorError, match="neither station says where it can be dialled"):
        north.opens("SOUTH")


def test_opening_is_refused_by_whom_it_is_not_for(two: tuple[Place, Place], tmp_path: Path) -> None:
    north, _ = two
    opening = north.opens("SOUTH")
    with pytest.raises(OperatorError, match="this station's own"):
        check_file(north.bench, opening, "open")
    east = begin(tmp_path / "e", "EAST")
    accept_card(east.home, north.card(), agreed, east.bench.clock)
    with pytest.raises(OperatorError, match="for SOUTH, not for EAST"):
        east.joins(opening)
    impostor = begin(tmp_path / "i", "SOUTH")
    accept_card(impostor.home, north.card(), agreed, impostor.bench.clock)
    with pytest.raises(OperatorError, match="not of this station and its sender"):
        impostor.joins(opening)


def test_opening_of_a_root_that_was_not_compared_is_refused(
    two: tuple[Place, Place], tmp_path: Path
) -> None:
    _, south = two
    false = begin(tmp_path / "f", "NORTH", route=ROUTE)
    accept_card(false.home, south.card(), agreed, false.bench.clock)
    with pytest.raises(OperatorError, match="not of the NORTH whose card was compared here"):
        south.joins(false.opens("SOUTH"))


def test_opening_or_answer_that_was_altered_is_refused(two: tuple[Place, Place]) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    altered = opening.replace(b'"sig":"', b'"sig":"A', 1)
    for bad in (altered, opening[:-10], b"", b"{}\n", opening * 2):
        with pytest.raises(OperatorError, match="this file cannot be used"):
            check_file(south.bench, bad, "open")
    answer = south.joins(opening)
    with pytest.raises(OperatorError, match="this file cannot be used"):
        north.completes(answer.replace(b'"sig":"', b'"sig":"A', 1))
    with pytest.raises(OperatorError, match="the step join, not open"):
        check_file(north.bench, answer, "open")


@pytest.mark.parametrize(
    ("moved_ms", "said"),
    [(MAX_AGE_MS + 1, "older than 30 days"), (-2 * DAY_MS, "a time that is yet to come")],
)
def test_opening_or_answer_out_of_its_time_is_refused(
    two: tuple[Place, Place], moved_ms: int, said: str
) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    south.now_ms += moved_ms
    with pytest.raises(OperatorError, match=said):
        check_file(south.bench, opening, "open")
    south.now_ms = NOW_MS
    answer = south.joins(opening)
    north.now_ms += moved_ms
    with pytest.raises(OperatorError, match=said):
        north.completes(answer)


def test_opening_too_old_to_be_answered_is_not_handed_out_again(two: tuple[Place, Place]) -> None:
    north, _ = two
    north.opens("SOUTH")
    north.now_ms += MAX_AGE_MS + 1
    with pytest.raises(OperatorError, match="too old to be answered"):
        opening_again(north.bench, ["SOUTH"], WANTED)


def test_join_at_a_home_that_opened_a_line_itself_is_refused(two: tuple[Place, Place]) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    south.home.path.joinpath("opening").mkdir()
    (south.home.path / "opening" / "opening.enrol").write_bytes(opening)
    with pytest.raises(OperatorError, match="has opened a line itself"):
        answer_again(south.bench, check_file(south.bench, opening, "open").charter.line)


def test_charter_signed_by_another_root_than_the_sender_s_does_not_join(
    two: tuple[Place, Place],
) -> None:
    north, south = two
    opening = north.opens("SOUTH")
    root = north.root()
    stranger = replace(root, signer=south.root().signer)
    with pytest.raises(HotlineError):
        join_with(south, opening, stranger)
    assert line_directories(south.home) == []


def join_with(place: Place, opening: bytes, root: RootKey) -> None:
    found = check_file(place.bench, opening, "open")
    enrolling.join_line(place.bench, found, root, place.catalogue)


def test_answer_sealed_to_a_key_that_is_gone_is_refused(two: tuple[Place, Place]) -> None:
    from hotline.host.keyfile import KeyFile, write_key_file

    north, south = two
    answer = south.joins(north.opens("SOUTH"))
    path = north.home.keys / "console.key"
    held = read_key_file(path, None)
    changed = KeyFile(held.station, held.realm, {**held.seeds, "prekey": bytes(32)})
    write_key_file(path, changed, None, entropy=system_entropy, replace=True)
    with pytest.raises(OperatorError, match="a key that is not here"):
        north.completes(answer)
    assert line_directories(north.home) == []


def test_disk_that_refuses_while_a_line_is_made_leaves_no_line(
    two: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = two
    opening = north.opens("SOUTH")

    def full(*_given: object) -> None:
        raise StorageError("the disk refused")

    with monkeypatch.context() as patch:
        patch.setattr(laying, "write_json", full)
        with pytest.raises(StorageError):
            south.joins(opening)
    assert line_directories(south.home) == []
    south.joins(opening)


# --- cards


def test_card_is_refused_of_another_realm_own_or_of_our_name(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    live = begin_live(tmp_path / "l")
    with pytest.raises(OperatorError, match="realm LIVE, this station is EXERCISE"):
        accept_card(north.home, live, never, north.bench.clock)
    with pytest.raises(OperatorError, match="own card"):
        accept_card(north.home, north.card(), never, north.bench.clock)
    twin = begin(tmp_path / "t", "NORTH")
    with pytest.raises(OperatorError, match="calls itself NORTH, too"):
        accept_card(north.home, twin.card(), never, north.bench.clock)
    assert kept_stations(north.home) == []


def begin_live(path: Path) -> bytes:
    """Return the card of a LIVE station."""
    phrase = "a passphrase for the tests"
    place = Place(Home(path), place_at(path).catalogue)
    begin_home(
        place.home,
        NewStation("SOUTH", Realm.LIVE),
        lambda _name: phrase,
        place.catalogue,
        place.bench.clock,
        system_entropy,
    )
    from hotline.station.identity import own_card, ready_console

    console = ready_console(place.home, phrase, system_entropy)
    return own_card(place.home, console, place.bench.clock)


def test_card_whose_words_differ_is_not_kept(tmp_path: Path) -> None:
    north, south = begin(tmp_path / "n", "NORTH"), begin(tmp_path / "s", "SOUTH")

    def differ(_card: object) -> None:
        raise OperatorError("the words differ")

    with pytest.raises(OperatorError, match="the words differ"):
        accept_card(north.home, south.card(), differ, north.bench.clock)
    assert kept_stations(north.home) == []


def test_newer_card_of_a_known_root_needs_no_second_comparison(two: tuple[Place, Place]) -> None:
    north, south = two
    south.now_ms += 60_000
    south.add("s2")
    newer, older = south.card(), (north.home.path / "cards" / "SOUTH.card").read_bytes()
    accept_card(north.home, newer, never, north.bench.clock)
    with pytest.raises(OperatorError, match="a newer card of SOUTH was accepted before"):
        accept_card(north.home, older, never, north.bench.clock)


def test_card_of_another_root_under_a_known_name_changes_nothing(
    two: tuple[Place, Place], tmp_path: Path
) -> None:
    north, _ = two
    before = (north.home.path / "cards" / "SOUTH.card").read_bytes()
    false = begin(tmp_path / "f", "SOUTH")
    with pytest.raises(OperatorError, match="another root than the one that was compared"):
        accept_card(north.home, false.card(), agreed, north.bench.clock)
    assert (north.home.path / "cards" / "SOUTH.card").read_bytes() == before


def test_card_of_the_future_or_with_ended_certificates_is_refused(tmp_path: Path) -> None:
    north, south = begin(tmp_path / "n", "NORTH"), begin(tmp_path / "s", "SOUTH")
    card = south.card()
    north.now_ms -= 2 * DAY_MS
    with pytest.raises(OperatorError, match="which is yet to come"):
        accept_card(north.home, card, never, north.bench.clock)
    north.now_ms = NOW_MS + 93 * DAY_MS
    with pytest.raises(OperatorError, match="have ended"):
        accept_card(north.home, card, never, north.bench.clock)


# --- homes


def test_home_is_not_made_where_something_stands(tmp_path: Path) -> None:
    catalogue = place_at(tmp_path).catalogue
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "note").write_text("mine")
    new = NewStation("NORTH", Realm.EXERCISE)
    for path in (tmp_path / "h", tmp_path / "h" / "note"):
        with pytest.raises(OperatorError, match="exists already"):
            begin_home(Home(path), new, nothing, catalogue, system_clock, system_entropy)
    with pytest.raises(OperatorError, match="no directory to make"):
        begin_home(
            Home(tmp_path / "a" / "b"), new, nothing, catalogue, system_clock, system_entropy
        )
    assert (tmp_path / "h" / "note").read_text() == "mine"


def test_second_making_of_one_home_at_once_is_refused(tmp_path: Path) -> None:
    """Spec: docs/enrolment.md §2.4"""
    home, catalogue = Home(tmp_path / "h"), place_at(tmp_path).catalogue
    first, second = NewStation("NORTH", Realm.EXERCISE), NewStation("SOUTH", Realm.EXERCISE)
    refused: list[str] = []

    def meanwhile(count: int) -> bytes:
        if (tmp_path / ".h.part" / "tls").exists() and not refused:
            with pytest.raises(OperatorError, match="another process makes this home") as told:
                begin_home(home, second, nothing, catalogue, system_clock, system_entropy)
            refused.append(str(told.value))
        return system_entropy(count)

    begin_home(home, first, nothing, catalogue, system_clock, meanwhile)
    assert refused
    assert read_identity(home).station == "NORTH"
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_making_of_a_home_that_another_one_finished_first_changes_nothing(tmp_path: Path) -> None:
    """Spec: docs/enrolment.md §2.4"""
    home, catalogue = Home(tmp_path / "h"), place_at(tmp_path).catalogue
    first, second = NewStation("NORTH", Realm.EXERCISE), NewStation("SOUTH", Realm.EXERCISE)

    def first_finishes(_name: str) -> None:
        if not home.path.exists():
            begin_home(home, first, nothing, catalogue, system_clock, system_entropy)

    with pytest.raises(StorageError, match="cannot be put in its place: Directory not empty"):
        begin_home(home, second, first_finishes, catalogue, system_clock, system_entropy)
    assert read_identity(home).station == "NORTH"
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_live_home_without_passphrases_is_not_made(tmp_path: Path) -> None:
    catalogue = place_at(tmp_path).catalogue
    new = NewStation("NORTH", Realm.LIVE)
    with pytest.raises(OperatorError, match="must be protected by a passphrase"):
        begin_home(Home(tmp_path / "h"), new, nothing, catalogue, system_clock, system_entropy)
    assert list(tmp_path.iterdir()) == []


def test_root_and_successor_lie_in_files_of_their_own(tmp_path: Path) -> None:
    north = begin(tmp_path / "n", "NORTH")
    root = read_key_file(north.root_file, None).seeds
    successor = read_key_file(north.home.keys / "successor.key", None).seeds
    assert set(root) == {"root/ed25519", "root/mldsa65"}
    assert set(successor) == {"next/ed25519", "next/mldsa65"}
    from hotline.sealing.hybrid import HybridSigner
    from hotline.sealing.root import next_root_hash
    from hotline.station.home import hybrid_seeds

    next_key = HybridSigner(hybrid_seeds(successor, "next")).public_key
    assert read_identity(north.home).verified().root.next_root_hash == next_root_hash(next_key)


def test_enrolled_homes_hold_no_half_and_no_open_file(tmp_path: Path) -> None:
    north, south = enrol(tmp_path)
    for place in (north, south):
        loose = [
            path.name
            for path in place.home.path.rglob("*")
            if path.is_file() and path.suffix in (".key", ".db") and path.stat().st_mode & 0o077
        ]
        assert loose == []
        assert not (place.home.path / "opening").exists()
        # The prekey of the card is the line's now, which destroys it in time.
        assert "prekey" not in read_key_file(place.home.keys / "console.key", None).seeds


def test_public_records_identify_both_ledgers(tmp_path: Path) -> None:
    from hotline.ledger.store import Ledger

    north, south = enrol(tmp_path)
    identities = []
    for place in (north, south):
        reader = Ledger.open_read_only(place.home.only_line() / "ledger.db")
        identities.append(identify_ledger(reader.public_records()))
        reader.close()
    assert identities[0] == identities[1]
    assert identities[0].members == ("NORTH", "SOUTH")
