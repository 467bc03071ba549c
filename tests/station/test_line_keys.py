"""line.key: what a pair shares for its mailboxes, and what opens ours, outlives every rewriting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hotline.core.values import Realm
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.turns import StoredPrekey
from hotline.station.line_keys import (
    LINE_KEY,
    LineKeys,
    PairSecrets,
    open_line_keys,
    pair_seeds,
)

SHARED = PairSecrets(LineSecret(bytes(32), 100), (), b"\x07" * 32)


def _laid(directory: Path, **pairs: PairSecrets) -> LineKeys:
    seeds = {
        name: seed for peer, held in pairs.items() for name, seed in pair_seeds(peer, held).items()
    }
    held = KeyFile("EAST", Realm.EXERCISE, seeds)
    write_key_file(directory / LINE_KEY, held, None, entropy=system_entropy)
    return open_line_keys(directory, None, system_entropy)


def test_mailbox_secret_stays_when_days_and_prekeys_turn(tmp_path: Path) -> None:
    """Spec: docs/transport.md §10.1"""
    keys = _laid(tmp_path, NORTH=SHARED, SOUTH=replace(SHARED, mailboxes=b"\x08" * 32))
    turned = replace(
        keys.pair("NORTH"),
        secret=SHARED.secret.advanced(110),
        prekeys=(StoredPrekey(2, bytes(32), 5),),
    )
    keys.keep("NORTH", turned)
    again = open_line_keys(tmp_path, None, system_entropy)
    assert again.pair("NORTH") == turned
    assert again.pair("NORTH").mailboxes == b"\x07" * 32
    assert again.pair("SOUTH").mailboxes == b"\x08" * 32


def test_line_of_before_has_no_mailbox_secret_and_gets_none(tmp_path: Path) -> None:
    keys = _laid(tmp_path, NORTH=replace(SHARED, mailboxes=b""))
    assert keys.pair("NORTH").mailboxes == b""
    keys.keep("NORTH", keys.pair("NORTH"))
    assert open_line_keys(tmp_path, None, system_entropy).pair("NORTH").mailboxes == b""


def test_openings_of_a_relay_stay_until_they_are_forgotten(tmp_path: Path) -> None:
    """Spec: docs/transport.md §10.2"""
    keys = _laid(tmp_path, NORTH=SHARED, SOUTH=SHARED)
    keys.keep_openings("relay-a", {"NORTH": b"\1" * 64, "SOUTH": b"\2" * 64})
    keys.keep_openings("relay-b", {"NORTH": b"\3" * 64})
    keys.keep("NORTH", keys.pair("NORTH"))
    again = open_line_keys(tmp_path, None, system_entropy)
    assert again.opening("relay-a", "NORTH") == b"\1" * 64
    assert again.opening("relay-a", "SOUTH") == b"\2" * 64
    again.keep_openings("relay-a", {})
    last = open_line_keys(tmp_path, None, system_entropy)
    assert (last.opening("relay-a", "NORTH"), last.opening("relay-b", "NORTH")) == (
        b"",
        b"\3" * 64,
    )
    assert last.pair("SOUTH") == SHARED
