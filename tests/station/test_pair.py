"""Keys between two stations: handshake, turns, prekeys, recovery, stepping of the secret."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.protocols.turn_keys import GRACE_MS, LIFE_MS, TURN_MS
from hotline.core.values import sha256
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import open_key_file, read_key_file
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError, open_cell
from hotline.sealing.hellos import HelloAnswerItem, HelloItem
from hotline.sealing.line_secret import DAY_MS, KEPT_DAYS, LineSecret, day_number
from hotline.sealing.prekey import Prekey
from hotline.sealing.turns import KEPT_MS, MAX_PREKEYS, StoredPrekey
from hotline.station.courier import Courier
from hotline.station.home import read_card, write_json
from hotline.station.line_keys import PairSecrets, read_pair
from hotline.station.pair import MAX_INSTANCES
from tests.fakes.pairs import AT, PEERS, T0, End, exchange, make_ends, names, shake

HOUR_MS = 3_600_000


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("founded")


@pytest.fixture
def ends(tmp_path: Path, founded: Path) -> dict[str, End]:
    return make_ends(tmp_path, founded)


def pass_time(ends: dict[str, End], milliseconds: int) -> None:
    for end in ends.values():
        end.now_ms += milliseconds
        end.pair.keep(end.now_ms)


def held_by(files: Path, recipient: str) -> tuple[dict[bytes, Prekey], object]:
    """Return all that a thief of a home without passphrase can open with."""
    peer = PEERS[recipient]
    seeds = read_key_file(next(files.glob("lines/*/line.key")), None).seeds
    pair = read_pair(seeds, peer)
    recovery = Prekey(read_key_file(files / "keys" / "console.key", None).seeds["recovery"])
    keys = [Prekey(one.seed) for one in pair.prekeys] + [recovery]
    return {key.key_id: key for key in keys}, pair.secret


# --- the handshake -------------------------------------------------------------------------


def test_handshake_makes_both_ready_and_mail_goes_to_turn_keys(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    disk = north.opening | south.opening
    shake(ends)
    assert north.pair.ready
    assert south.pair.ready
    for end in (north, south):
        assert not names([end.says(1)]) & disk


def test_statements_before_any_handshake_go_to_the_prekey(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    cell = north.says(7)
    assert names([cell]) == south.opening
    exchange(ends, ("SOUTH", cell))
    assert south.accepted == {7}
    assert not north.wanted


def test_hello_replayed_after_a_restart_brings_no_old_announcement_back(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.26"""
    north, south = ends["NORTH"], ends["SOUTH"]
    old = north.meets()
    exchange(ends, ("SOUTH", old))
    gone = names([south.says(1)])
    exchange(ends)
    north.start()
    south.start()
    answer_to = south.hears(old)
    assert answer_to is not None, "the prekey that it is sealed to is still there"
    assert not south.pair.ready
    # The old turn key carries the answer to the old question, and nothing else.
    (answer,) = south.answers
    assert isinstance(answer_to.packet.items[0], HelloItem)
    mail = south.says(2)
    assert not names([mail]) & (gone | names([answer]))
    assert names([mail]) == {north.pair.ours.newest_prekey.key_id}
    north.hears(answer)
    assert not south.pair.ready


def test_answer_or_end_replayed_proves_nothing(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    question = north.meets()
    south.hears(question)
    answer = south.answers.popleft()
    north.hears(answer)
    end = north.answers.popleft()
    south.hears(end)
    assert south.pair.ready
    north.start()
    south.start()
    # What is sealed to turn keys does not even open; the answer under another question is refused.
    with pytest.raises(UnknownKeyError):
        north.courier.open(answer)
    with pytest.raises(UnknownKeyError):
        south.courier.open(end)
    stale = south.seals(
        HelloAnswerItem(
            answers=sha256(b"another question"),
            nonce=bytes(32),
            prekey=south.pair.ours.offer,
            known=1,
            holds=1,
        )
    )
    north.asks()
    refused = north.refused
    north.hears(stale)
    assert north.refused == refused + 1
    assert not north.pair.ready


def test_announcement_that_is_older_is_ignored(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.21"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    older = south.pair.ours.announce(south.now_ms)
    for number in range(2):
        exchange(ends, ("SOUTH", north.says(number)))
    newest = names([north.says(2)])
    known = north.pair.theirs.known
    assert known > older.aseq
    north.pair.theirs.take_turn(older, south.now_ms, north.now_ms)
    assert north.pair.theirs.known == known
    assert names([north.says(3)]) == newest
    prekey = south.pair.ours.offer.model_copy(update={"aseq": 0})
    assert north.pair.theirs.newer_prekey(prekey) is None


def test_station_whose_clock_fell_is_heard_again_after_the_handshake(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.21"""
    north, south = ends["NORTH"], ends["SOUTH"]
    pass_time(ends, 20 * HOUR_MS)
    shake(ends)
    known = north.pair.theirs.known
    south.start()
    south.now_ms -= 19 * HOUR_MS
    shake(ends)
    assert north.pair.theirs.known > known
    assert names([north.says(1)]) <= south.opening


def test_hello_that_counts_beyond_all_is_refused(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    newest = south.pair.ours.newest
    item = north.pair.ask(T0).model_copy(update={"known": 2**53 - 1})
    refused = south.refused
    south.hears(north.seals(item))
    assert south.refused == refused + 1
    assert south.pair.ours.newest < newest + LIFE_MS + T0


# --- packets that overtake each other ----------------------------------------------------------


def test_packets_in_any_order_are_taken_once(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.35"""
    shake(ends)
    north, south = ends["NORTH"], ends["SOUTH"]
    cells = [north.says(number) for number in range(1, 6)]
    for cell in (*reversed(cells), *cells):
        south.hears(cell)
    assert south.accepted == {1, 2, 3, 4, 5}
    assert south.refused == len(cells)
    exchange(ends)
    assert not north.wanted


def test_packet_is_late_only_after_a_newer_one(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.36"""
    north, south = ends["NORTH"], ends["SOUTH"]
    first, second, third = (north.says(number) for number in (1, 2, 3))
    late = [south.courier.open(cell).late for cell in (second, first, third)]
    assert late == [False, True, False]


def test_handshake_whose_packets_overtake_each_other_ends_well(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.36"""
    north, south = ends["NORTH"], ends["SOUTH"]
    first, second = north.meets(), north.asks()
    south.hears(second)
    south.hears(first)
    assert len(south.answers) == 1, "the older question is not answered any more"
    exchange(ends)
    assert north.pair.ready
    assert south.pair.ready


def test_answer_of_an_overtaken_run_proves_nothing(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    south.hears(north.meets())
    south.hears(north.asks())
    old, new = south.answers
    refused = north.refused
    for cell in (new, old):
        north.hears(cell)
    assert north.pair.ready
    assert north.refused == refused + 1
    exchange(ends)
    assert south.pair.ready


def test_turn_key_outlives_a_turn_while_a_packet_is_missing(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.23, §7.35"""
    shake(ends)
    north, south = ends["NORTH"], ends["SOUTH"]
    overtaken, first = north.says(1), north.says(2)
    exchange(ends, ("SOUTH", first))
    later = north.says(3)
    assert not names([later]) & names([first])
    south.pair.settle(south.courier.open(later), south.now_ms)
    south.hears(overtaken)
    assert south.accepted == {1, 2}
    assert not south.nacked
    pass_time(ends, GRACE_MS)
    with pytest.raises(UnknownKeyError):
        south.courier.open(overtaken)


def test_announcement_that_comes_late_is_ignored(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.21, §7.35"""
    shake(ends)
    north, south = ends["NORTH"], ends["SOUTH"]
    early = south.says(1)
    exchange(ends, ("SOUTH", north.says(2)))
    newest = names([north.says(3)])
    known = north.pair.theirs.known
    north.hears(early)
    assert 1 in north.accepted
    assert north.pair.theirs.known == known
    assert names([north.says(4)]) == newest


# --- turn keys -----------------------------------------------------------------------------


def test_each_turn_has_a_key_of_its_own(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.22"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    used = []
    for number in range(5):
        cell = north.says(number)
        used.append(names([cell]).pop())
        exchange(ends, ("SOUTH", cell))
    assert len(set(used)) == 5
    assert not set(used[:-2]) & south.opening


def test_a_destroyed_turn_key_opens_nothing(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.23"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    recorded = north.says(1)
    exchange(ends, ("SOUTH", recorded))
    for number in (2, 3):
        exchange(ends, ("SOUTH", north.says(number)))
    with pytest.raises(UnknownKeyError):
        south.courier.open(recorded)


@pytest.mark.parametrize("wait_ms", [LIFE_MS, -2 * GRACE_MS])
def test_a_turn_key_is_gone_when_its_time_is_over(ends: dict[str, End], wait_ms: int) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    cell = north.says(1)
    south.now_ms += wait_ms
    with pytest.raises(UnknownKeyError):
        south.courier.open(cell)
    exchange(ends, ("SOUTH", cell))
    assert south.nacked == 1
    assert south.accepted == {1}
    assert not north.wanted


def test_peer_with_another_clock_uses_turn_keys_all_the_same(ends: dict[str, End]) -> None:
    ends["SOUTH"].now_ms += 5 * HOUR_MS
    shake(ends)
    for end in ends.values():
        assert not names([end.says(1)]) <= {ends[end.peer].pair.ours.newest_prekey.key_id}


def test_key_that_expired_at_the_sender_is_not_sealed_to(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.25"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    north.now_ms += LIFE_MS + 1
    assert names([north.says(1)]) == {south.pair.ours.newest_prekey.key_id}


def test_idle_station_must_speak_after_ten_minutes(ends: dict[str, End]) -> None:
    shake(ends)
    exchange(ends)
    ours = ends["NORTH"].pair.ours
    assert not ours.must_speak(T0 + TURN_MS - 1)
    assert ours.must_speak(T0 + TURN_MS)


# --- what was lost with a start ---------------------------------------------------------------


@pytest.mark.parametrize("restarted", [("SOUTH",), ("NORTH",), ("NORTH", "SOUTH")])
def test_statements_to_lost_keys_are_sealed_anew(
    ends: dict[str, End], restarted: tuple[str, ...]
) -> None:
    """Spec: docs/protocol.md §7.25"""
    shake(ends)
    lost = [(end.peer, end.says(number)) for number, end in enumerate(ends.values())]
    for name in restarted:
        ends[name].start()
    exchange(ends, *lost)
    for end in ends.values():
        end.repeats()
    exchange(ends)
    assert ends["SOUTH"].accepted == {0}
    assert ends["NORTH"].accepted == {1}
    assert not any(end.wanted for end in ends.values())


def test_nack_for_a_key_that_was_never_used_changes_nothing(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    north.says(1)
    sent = its.NackItem(code="unknown-key", detail="seal anew", kid=b"\x5a" * 16)
    north.hears(south.seals(sent))
    assert not north.answers
    assert names([north.says(2)]) <= south.opening - {south.pair.ours.newest_prekey.key_id}


def test_stations_that_both_lost_all_prekeys_find_each_other(ends: dict[str, End]) -> None:
    """Both were put back from copies of another day: only the recovery keys are left."""
    copies = {name: end.line_key.read_bytes() for name, end in ends.items()}
    announced = {}
    for _ in range(3):
        pass_time(ends, 2 * DAY_MS)
        shake(ends)
    for name, end in ends.items():
        announced[name] = end.line_key.with_name("announced.json").read_bytes()
        end.line_key.write_bytes(copies[name])
    for end in ends.values():
        end.start()
    north = ends["NORTH"]
    with pytest.raises(UnknownKeyError):
        ends["SOUTH"].courier.open(north.says(1))
    exchange(ends, ("SOUTH", north.meets()))
    for end in ends.values():
        end.repeats()
    exchange(ends)
    assert north.pair.ready
    assert ends["SOUTH"].accepted == {1}


# --- the recovery key ---------------------------------------------------------------------------


def to_recovery(sender: End, receiver: End, *items: its.Item) -> bytes:
    """Seal as no honest station would: anything to the recovery key."""
    theirs = sender.pair.theirs
    theirs.choose = lambda *_: receiver.line.recovery.public  # type: ignore[method-assign]
    try:
        return sender.seals(*items)
    finally:
        del theirs.choose  # type: ignore[attr-defined]


def test_recovery_key_opens_no_statement(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.24"""
    north, south = ends["NORTH"], ends["SOUTH"]
    item = its.LineTestItem(serial=3, phrase="statement")
    verified = south.hears(to_recovery(north, south, item, north.pair.ask(T0)))
    assert verified is not None
    assert [one.t for one in verified.packet.items] == ["hello"]
    assert not south.accepted


def test_statement_is_never_sealed_to_the_recovery_key(ends: dict[str, End]) -> None:
    north = ends["NORTH"]
    north.says(1)
    north.pair.theirs.missed(ends["SOUTH"].pair.ours.newest_prekey.key_id)
    with pytest.raises(PeerError, match="must announce one"):
        north.says(2)
    assert names([north.asks()]) == {ends["SOUTH"].line.recovery.key_id}


def test_question_without_an_answer_goes_to_ever_more_lasting_keys(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    prekey, recovery = south.pair.ours.newest_prekey.key_id, south.line.recovery.key_id
    first = names([north.asks()])
    assert not first & {prekey, recovery}
    assert [names([north.asks()]) for _ in range(3)] == [{prekey}, {recovery}, {prekey}]


# --- prekeys -----------------------------------------------------------------------------------


def test_prekey_is_new_each_day_and_the_old_one_goes_after_72_hours(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.24"""
    north, south = ends["NORTH"], ends["SOUTH"]
    recorded = north.says(1)
    first = south.pair.ours.newest_prekey.key_id
    pass_time(ends, DAY_MS)
    shake(ends)
    assert south.pair.ours.newest_prekey.key_id != first
    assert north.pair.theirs.prekey.key == south.pair.ours.newest_prekey
    pass_time(ends, KEPT_MS - 1)
    assert first in south.opening
    pass_time(ends, 1)
    assert first not in south.opening
    with pytest.raises(UnknownKeyError):
        south.courier.open(recorded)
    south.start()
    assert first not in south.opening, "it is gone from the disk, too"
    north.start()
    exchange(ends, ("SOUTH", north.says(2)))
    assert 2 in south.accepted


def test_seized_key_files_after_72_hours_open_no_recorded_cell(
    ends: dict[str, End], tmp_path: Path
) -> None:
    """Spec: docs/protocol.md §7.6, §7.24"""
    north, south = ends["NORTH"], ends["SOUTH"]
    recorded = [north.says(1)]  # relay mail, to the prekey
    shake(ends)
    recorded += [north.says(2), south.says(3)]
    exchange(ends, ("SOUTH", recorded[1]), ("NORTH", recorded[2]))

    def opened_by_a_thief(files: dict[str, Path]) -> int:
        found = 0
        for cell in recorded:
            for name, path in files.items():
                keys, secret = held_by(path, name)
                try:
                    open_cell(
                        cell,
                        line=north.line.roster.line,
                        prekeys=keys,
                        secrets={PEERS[name]: secret},  # type: ignore[dict-item]
                    )
                    found += 1
                except PeerError:
                    continue
        return found

    homes = {name: end.home.path for name, end in ends.items()}
    assert opened_by_a_thief(homes) == 1, "today's prekey opens what was sealed to it"
    shutil.copytree(homes["SOUTH"], tmp_path / "stolen today")
    pass_time(ends, DAY_MS)
    shake(ends)
    pass_time(ends, KEPT_MS + DAY_MS)
    shake(ends)
    assert opened_by_a_thief(homes) == 0
    assert opened_by_a_thief({"SOUTH": tmp_path / "stolen today"}) == 1
    # Even with the old prekeys, the line secret of that day cannot be had any more.
    _, secret = held_by(homes["SOUTH"], "SOUTH")
    old_keys, _ = held_by(tmp_path / "stolen today", "SOUTH")
    with pytest.raises(PeerError):
        open_cell(
            recorded[0],
            line=north.line.roster.line,
            prekeys=old_keys,
            secrets={"NORTH": secret},  # type: ignore[dict-item]
        )


def test_prekeys_towards_a_silent_peer_are_kept_and_bounded(ends: dict[str, End]) -> None:
    south = ends["SOUTH"]
    first = south.opening
    for _ in range(MAX_PREKEYS + 5):
        south.now_ms += DAY_MS
        south.asks()
        south.pair.keep(south.now_ms)
    assert len(south.pair.ours.prekeys) == MAX_PREKEYS
    assert first < south.opening


def full(*_: object) -> None:
    raise StorageError("the disk is full")


def test_prekey_that_cannot_be_written_is_not_announced(
    ends: dict[str, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/protocol.md §7.24"""
    pair, keys = ends["SOUTH"].pair, ends["SOUTH"].line.peers["NORTH"].store
    assert keys is not None
    before, tomorrow = pair.ours.offer, T0 + DAY_MS
    with monkeypatch.context() as patch:
        patch.setattr(keys, "keep", full)
        assert pair.must_ask(tomorrow)
        for _ in range(2):
            assert pair.ask(tomorrow).prekey == before
        assert len(pair.faults) == 1, "it is tried once an hour"
    assert pair.ask(tomorrow + HOUR_MS).prekey.aseq > before.aseq


def test_prekey_of_the_peer_that_cannot_be_written_is_not_used(
    ends: dict[str, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    pass_time(ends, DAY_MS)
    first = south.opening
    store = north.line.peers["SOUTH"].store
    assert store is not None
    monkeypatch.setattr(store, "keep_announced", full)
    shake(ends)
    assert north.pair.ready
    assert south.pair.ready
    assert north.pair.theirs.prekey.aseq == 1
    assert north.pair.faults
    pass_time(ends, KEPT_MS + DAY_MS)
    shake(ends)
    assert first <= south.opening, "the peer holds no newer one: this one stays"


# --- the line secret -------------------------------------------------------------------------


def test_line_secret_steps_with_verified_packets_and_is_on_the_disk(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.6"""
    north, south = ends["NORTH"], ends["SOUTH"]
    today = day_number(T0)
    north.now_ms += 10 * DAY_MS
    exchange(ends, ("SOUTH", north.says(1)))
    assert south.pair.secret.floor_day == today + 10
    assert south.pair.secret.base_day == today + 10 - KEPT_DAYS
    south.start()
    assert south.pair.secret.floor_day == today + 10
    south.wanted.clear()
    north.now_ms = T0
    exchange(ends, ("NORTH", south.says(2)))
    assert north.accepted == {2}
    assert north.pair.secret.sealing_day(T0) == today + 10, "it never goes below what it verified"


@pytest.mark.parametrize("change", [lambda cell: cell[:-1] + b"\0", lambda cell: cell[:25] * 60])
def test_cell_that_does_not_verify_moves_no_secret(
    ends: dict[str, End], change: Callable[[bytes], bytes]
) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    secret, opening = south.pair.secret, south.opening
    north.now_ms += 50 * DAY_MS
    exchange(ends, ("SOUTH", change(north.says(1))))
    assert (south.pair.secret, south.opening) == (secret, opening)


def test_cell_of_a_day_too_far_ahead_is_refused(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    north.pair.secret = north.pair.secret.advanced(day_number(T0) + 5)
    cell = bytearray(north.says(1))
    cell[21:25] = (day_number(T0) + 401).to_bytes(4)
    south.hears(bytes(cell))
    assert south.refused == 1
    assert south.pair.secret.floor_day == 0


def test_cell_under_another_line_secret_is_refused(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    north.pair.secret = north.pair.secret.__class__(bytes(32), north.pair.secret.base_day)
    south.hears(north.says(1))
    assert south.refused == 1
    assert not south.accepted


def test_line_key_is_written_at_most_when_a_day_turns(ends: dict[str, End]) -> None:
    shake(ends)
    written = {name: end.line_key.read_bytes() for name, end in ends.items()}
    for number in range(6):
        exchange(ends, ("SOUTH", ends["NORTH"].says(number)))
        exchange(ends, ("NORTH", ends["SOUTH"].says(number + 100)))
        pass_time(ends, 1000)
    shake(ends)
    assert written == {name: end.line_key.read_bytes() for name, end in ends.items()}


# --- counters --------------------------------------------------------------------------------


def test_gap_in_the_numbers_keeps_the_previous_key_for_a_minute(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.23"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    exchange(ends, ("SOUTH", north.says(1)))
    north.says(2)  # lost
    before = names([north.says(3)])
    exchange(ends, ("SOUTH", north.says(4)))
    nothing = its.DisplayedItem(digest=sha256(b"nothing"), at=AT)
    south.hears(north.seals(nothing))
    assert before <= south.opening
    pass_time(ends, GRACE_MS)
    assert not before & south.opening


def test_packet_of_the_start_that_speaks_is_refused_again_after_many_other_starts(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.4"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    early = north.says(1)
    south.hears(early)
    for number in range(MAX_INSTANCES + 1):
        other = Courier(north.line)
        cell = other.seal("SOUTH", [its.LineTestItem(serial=number, phrase="of another start")])
        south.courier.open(cell)
    with pytest.raises(PeerError, match="second time"):
        south.courier.open(early)
    assert south.pair.speaks_now(south.courier.open(north.says(2)).packet)


def test_line_key_without_a_secret_for_a_peer_is_an_operators_matter() -> None:
    for held in ({"secret/NORTH": bytes(32)}, {"day/NORTH": bytes(4)}, {}):
        with pytest.raises(OperatorError, match="holds no secret for NORTH"):
            read_pair(held, "NORTH")


def test_line_that_begins_with_recovery_keys_alone_gets_its_prekeys_by_the_handshake(
    ends: dict[str, End],
) -> None:
    """Where a card has one key only, it is the recovery key: no statement goes to it."""
    for end in ends.values():
        held = open_key_file(end.line_key, None)
        kept = (f"secret/{end.peer}", f"day/{end.peer}")
        held.rewrite({name: held.keys.seeds[name] for name in kept}, system_entropy)
        card = read_card(end.line_key.parent)
        peers = tuple(one.model_copy(update={"prekey": one.recovery}) for one in card.peers)
        write_json(end.line_key.with_name("line.json"), card.model_copy(update={"peers": peers}))
        end.start()
    north, south = ends["NORTH"], ends["SOUTH"]
    with pytest.raises(PeerError, match="must announce one"):
        north.says(1)
    first = [end.opening for end in ends.values()]
    shake(ends)
    assert all(end.pair.ready for end in ends.values())
    for end in ends.values():
        end.start()
    assert [end.opening for end in ends.values()] == first
    exchange(ends, ("SOUTH", north.says(1)))
    assert south.accepted == {1}


@pytest.mark.parametrize("text", ["", "[]", '{"NORTH": 1}', '{"NORTH": [1, "AAAA", 2]}', "junk"])
def test_announced_file_that_does_not_read_is_as_good_as_none(
    ends: dict[str, End], text: str
) -> None:
    south = ends["SOUTH"]
    pass_time(ends, DAY_MS)
    shake(ends)
    path = south.line_key.with_name("announced.json")
    assert path.is_file()
    path.write_text(text)
    south.start()
    assert south.pair.theirs.prekey.aseq == 1
    shake(ends)
    assert south.pair.theirs.prekey.aseq > 1


# --- both at once, and more than one peer -------------------------------------------------------


def test_handshakes_that_cross_prove_both(ends: dict[str, End]) -> None:
    asked = [(end.peer, end.meets()) for end in ends.values()]
    count = exchange(ends, *asked)
    assert count == 6, "a question, an answer and an end of each"
    for end in ends.values():
        assert end.pair.ready
        assert names([end.says(1)]) <= ends[end.peer].opening


def test_handshake_is_not_answered_twice_in_one_packet(ends: dict[str, End]) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    south.hears(north.seals(*(north.pair.ask(T0) for _ in range(5))))
    assert len(south.answers) == 1


def test_packet_to_a_key_that_another_peer_has_is_refused(ends: dict[str, End]) -> None:
    """Each peer has prekeys of its own: one cannot use what another one announced."""
    north, south = ends["NORTH"], ends["SOUTH"]
    ours = south.line.peers["NORTH"]
    stranger = StoredPrekey(1, bytes(range(32)), T0)
    secret = LineSecret(bytes(32), day_number(T0))
    east = replace(ours, held=PairSecrets(secret, (stranger,)))
    south.line.peers = {"NORTH": ours, "EAST": east}
    south.courier = Courier(south.line)
    public = Prekey(stranger.seed).public
    north.pair.theirs.choose = lambda *_: public  # type: ignore[method-assign]
    cell = north.says(1)
    with pytest.raises(PeerError, match="another peer has"):
        south.courier.open(cell)
    south.hears(cell)
    assert not south.accepted


def test_counters_of_one_peer_have_no_gap_for_what_goes_to_another(ends: dict[str, End]) -> None:
    """Spec: docs/protocol.md §7.2"""
    north, south = ends["NORTH"], ends["SOUTH"]
    ours = north.line.peers["SOUTH"]
    north.line.peers = {"SOUTH": ours, "EAST": ours}
    north.courier = Courier(north.line)
    counters = []
    for number in range(3):
        north.courier.seal("EAST", [its.LineTestItem(serial=number, phrase="to the other")])
        counters.append(south.courier.open(north.says(number)).packet.counter)
    assert counters == [1, 2, 3]


def test_handshake_brings_a_new_key_to_a_peer_for_whom_the_old_one_expired(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §7.22"""
    north, south = ends["NORTH"], ends["SOUTH"]
    shake(ends)
    north.hears(south.says(1))
    north.answers.clear()  # SOUTH's newest key is known, young and was never used
    north.now_ms += LIFE_MS + 1
    prekey = south.pair.ours.newest_prekey.key_id
    assert names([north.says(2)]) == {prekey}
    exchange(ends, ("SOUTH", north.asks()))
    assert names([north.says(3)]) <= south.opening - {prekey}
