"""Our keys towards one peer, without a station round them (docs/protocol.md §7.22 to §7.24)."""

from __future__ import annotations

import pytest

from hotline.core.protocols.turn_keys import LIFE_MS, TURN_MS
from hotline.core.times import format_time
from hotline.host.entropy import system_entropy
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.line_secret import DAY_MS
from hotline.sealing.prekey import PrekeyPublic, draw_prekey
from hotline.sealing.turns import KEPT_MS, StoredPrekey, TurnKeys

T0 = 1_795_357_886_000


@pytest.fixture
def keys() -> TurnKeys:
    first = StoredPrekey(1, system_entropy(32), T0)
    return TurnKeys([first], draw_prekey(system_entropy), system_entropy)


def test_turn_keys_begin_with_the_prekey_and_the_recovery_key(keys: TurnKeys) -> None:
    assert set(keys.opening) == {keys.recovery.key_id, keys.newest_prekey.key_id}
    assert keys.newest == 1


def test_announcement_names_a_key_that_opens_and_its_end(keys: TurnKeys) -> None:
    announced = keys.announce(T0)
    assert (announced.kind, announced.aseq) == ("turn", T0)
    assert announced.not_after == format_time(T0 + LIFE_MS)
    assert PrekeyPublic(announced.pk).key_id in keys.opening
    assert keys.announce(T0 + 1) == announced


def test_announcement_changes_on_a_turn_on_age_and_when_asked(keys: TurnKeys) -> None:
    first = keys.announce(T0)
    keys.took(PrekeyPublic(first.pk).key_id, T0)
    second = keys.announce(T0)
    keys.want_turn()
    third = keys.announce(T0)
    fourth = keys.announce(T0 + TURN_MS)
    assert [one.aseq for one in (first, second, third, fourth)] == [
        T0,
        T0 + 1,
        T0 + 2,
        T0 + TURN_MS,
    ]
    alive = {PrekeyPublic(one.pk).key_id for one in (third, fourth)}
    assert set(keys.opening) == alive | {keys.recovery.key_id, keys.newest_prekey.key_id}


def test_prekey_drawn_counts_only_when_it_is_adopted(keys: TurnKeys) -> None:
    assert keys.fresh_prekey(T0) is None
    fresh = keys.fresh_prekey(T0 + DAY_MS)
    assert fresh is not None
    assert keys.offer.aseq == 1
    keys.adopt(fresh)
    assert keys.offer.aseq == fresh.aseq == T0 + DAY_MS
    assert keys.offer.not_after == format_time(T0 + DAY_MS + MAX_VALIDITY_MS)
    assert keys.fresh_prekey(T0 + DAY_MS) is None
    assert keys.announce(T0).aseq == fresh.aseq + 1, "one count for both kinds"


def test_prekey_is_left_until_72_hours_after_the_peer_has_a_newer_one(keys: TurnKeys) -> None:
    old = keys.newest_prekey.key_id
    fresh = keys.fresh_prekey(T0 + DAY_MS)
    assert fresh is not None
    keys.adopt(fresh)
    assert len(keys.left(T0 + 90 * DAY_MS)) == 2, "nobody has the newer one"
    keys.took(keys.newest_prekey.key_id, T0 + DAY_MS)
    keys.took(keys.newest_prekey.key_id, T0 + 2 * DAY_MS)
    assert len(keys.left(T0 + DAY_MS + KEPT_MS - 1)) == 2
    keys.destroy(keys.left(T0 + DAY_MS + KEPT_MS))
    assert old not in keys.opening
    assert [one.aseq for one in keys.prekeys] == [fresh.aseq]


def test_prekey_that_the_peer_has_and_we_have_not_makes_a_new_one_due(keys: TurnKeys) -> None:
    keys.lift(T0 + DAY_MS)
    keys.held(T0 + DAY_MS, T0)
    fresh = keys.fresh_prekey(T0)
    assert fresh is not None
    assert fresh.aseq == T0 + DAY_MS + 1
    keys.adopt(fresh)
    assert not keys.prekey_due(T0)


def test_nothing_secret_prints(keys: TurnKeys) -> None:
    assert "seed" not in repr(keys.prekeys[0])
    assert keys.prekeys[0].seed.hex() not in repr(keys.prekeys) + repr(keys)
