"""Which of a peer's keys a packet is sealed to (docs/protocol.md §7.21, §7.25)."""

from __future__ import annotations

import pytest

from hotline.core.errors import PeerError
from hotline.core.protocols.turn_keys import LIFE_MS, Missed
from hotline.core.times import format_time
from hotline.host.entropy import system_entropy
from hotline.sealing import their_keys as module
from hotline.sealing.announcement import Announcement
from hotline.sealing.items import LineTestItem, NackItem
from hotline.sealing.prekey import PrekeyPublic, draw_prekey
from hotline.sealing.their_keys import Purpose, TheirKeys, TheirPrekey, purpose_of

T0 = 1_795_357_886_000
MAIL = (LineTestItem(serial=1, phrase="words"),)
NACK = (NackItem(code="unknown-key", detail="seal to a newer key"),)


def drawn() -> PrekeyPublic:
    return draw_prekey(system_entropy).public


def turn(aseq: int, key: PrekeyPublic, not_after_ms: int = T0 + LIFE_MS) -> Announcement:
    return Announcement(aseq=aseq, pk=key.encoded, kind="turn", not_after=format_time(not_after_ms))


PREKEY, RECOVERY = drawn(), drawn()


@pytest.fixture
def theirs() -> TheirKeys:
    return TheirKeys(TheirPrekey(5, PREKEY, T0 + 1000), RECOVERY)


def chosen(theirs: TheirKeys, now_ms: int = T0, purpose: Purpose = Purpose.MAIL) -> PrekeyPublic:
    items = MAIL if purpose is Purpose.MAIL else NACK
    return theirs.choose(purpose, items, now_ms)


def test_mail_goes_to_the_turn_key_then_to_the_prekey_then_nowhere(theirs: TheirKeys) -> None:
    key = drawn()
    theirs.take_turn(turn(6, key, T0 + 500), T0, T0)
    assert chosen(theirs) == key
    assert chosen(theirs, T0 + 500) == key
    assert chosen(theirs, T0 + 501) == PREKEY
    with pytest.raises(PeerError, match="must announce one"):
        chosen(theirs, T0 + 1001)
    assert chosen(theirs, T0 + 1001, Purpose.NACK) == RECOVERY


@pytest.mark.parametrize("life_ms", [-5, LIFE_MS * 50])
def test_turn_key_lives_by_one_clock_and_within_bounds(theirs: TheirKeys, life_ms: int) -> None:
    key = drawn()
    theirs.take_turn(turn(6, key, T0 + life_ms), T0, 0)
    lives_ms = min(LIFE_MS, max(0, life_ms))
    assert chosen(theirs, lives_ms) == key
    assert chosen(theirs, lives_ms + 1) == PREKEY


def test_announcements_of_the_same_or_an_older_number_are_ignored(theirs: TheirKeys) -> None:
    key = drawn()
    theirs.take_turn(turn(6, key), T0, T0)
    for aseq in (6, 5, 0):
        theirs.take_turn(turn(aseq, drawn()), T0, T0)
    assert (chosen(theirs), theirs.known) == (key, 6)
    prekey = Announcement(aseq=5, pk=drawn().encoded, kind="prekey", not_after=format_time(T0 + 9))
    assert theirs.newer_prekey(prekey) is None
    newer = theirs.newer_prekey(prekey.model_copy(update={"aseq": 9}))
    assert newer is not None
    theirs.adopt(newer)
    assert theirs.known == 9


def test_kinds_are_not_mistaken_for_each_other(theirs: TheirKeys) -> None:
    key = drawn()
    assert theirs.newer_prekey(turn(99, key)) is None
    theirs.take_turn(turn(99, key).model_copy(update={"kind": "prekey"}), T0, T0)
    assert chosen(theirs) == PREKEY


def test_malformed_key_is_refused_and_changes_nothing(theirs: TheirKeys) -> None:
    bad = turn(9, PREKEY).model_copy(update={"pk": b"\xff" * 1216})
    for take in (
        lambda: theirs.take_turn(bad, T0, T0),
        lambda: theirs.take_provisional(bad),
        lambda: theirs.newer_prekey(bad.model_copy(update={"kind": "prekey"})),
    ):
        with pytest.raises(PeerError):
            take()
    assert (chosen(theirs), theirs.known) == (PREKEY, 5)


def test_provisional_key_carries_an_answer_and_nothing_else(theirs: TheirKeys) -> None:
    key = drawn()
    theirs.take_provisional(turn(7, key))
    assert chosen(theirs, purpose=Purpose.ANSWER) == key
    assert chosen(theirs) == PREKEY
    assert theirs.known == 5


def test_missed_keys_are_not_sealed_to_again(theirs: TheirKeys) -> None:
    first, second = drawn(), drawn()
    theirs.take_turn(turn(6, first), T0, T0)
    chosen(theirs)
    theirs.take_turn(turn(7, second), T0, T0)
    assert theirs.missed(first.key_id) is Missed.EARLIER
    assert theirs.missed(drawn().key_id) is Missed.NEVER_USED
    assert theirs.missed(None) is Missed.NEVER_USED
    assert chosen(theirs) == second
    assert theirs.missed(second.key_id) is Missed.NEWEST
    assert chosen(theirs) == PREKEY
    assert theirs.missed(PREKEY.key_id) is Missed.NEWEST
    assert chosen(theirs, purpose=Purpose.NACK) == RECOVERY
    with pytest.raises(PeerError):
        chosen(theirs)


def test_used_keys_are_remembered_within_bounds(theirs: TheirKeys) -> None:
    first = drawn()
    theirs.take_turn(turn(6, first), T0, T0)
    chosen(theirs)
    for aseq in range(7, 7 + module.MAX_USED):
        theirs.take_turn(turn(aseq, drawn()), T0, T0)
        chosen(theirs)
    assert theirs.missed(first.key_id) is Missed.NEVER_USED


def test_doubted_peer_gets_its_prekey_until_it_announces_again(theirs: TheirKeys) -> None:
    theirs.take_turn(turn(6, drawn()), T0, T0)
    theirs.doubt()
    assert chosen(theirs) == PREKEY
    assert chosen(theirs, purpose=Purpose.ASK) == PREKEY
    assert chosen(theirs, purpose=Purpose.ASK) == RECOVERY


def test_purpose_of_several_items_is_mail() -> None:
    assert purpose_of(NACK) is Purpose.NACK
    assert purpose_of((*NACK, *MAIL)) is Purpose.MAIL
    assert purpose_of(()) is Purpose.MAIL
