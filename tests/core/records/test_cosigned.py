"""Heads with several signature lines: docs/ledger.md §15.3, §15.4."""

from __future__ import annotations

import pytest

from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import (
    Checkpoint,
    NoteSignature,
    build_origin,
    cosign,
    format_note,
    key_id,
    parse_note,
    sign_checkpoint,
    witness_name,
)
from hotline.core.records.cosigned import Cosigner, judge_note, merge_notes
from hotline.core.values import Realm, sha256
from tests.ledger.rig import LINE, Key, verifier

NORTH, SOUTH, OTHER = Key(b"NORTH"), Key(b"SOUTH"), Key(b"OTHER")
ORIGIN = build_origin(Realm.EXERCISE, LINE, "NORTH")
WITNESS = witness_name(Realm.EXERCISE, LINE, "SOUTH")
HEAD = Checkpoint(ORIGIN, 7, sha256(b"root"))
OWN = sign_checkpoint(ORIGIN, 7, HEAD.root, NORTH)
THEIRS = cosign(HEAD, WITNESS, SOUTH, 1_795_357_886)
MERGED = merge_notes([OWN, THEIRS])
KEYS = {WITNESS: (SOUTH.public_key,)}


def judge(note: bytes, keys: dict[str, tuple[bytes, ...]] = KEYS) -> tuple[Cosigner, ...]:
    return judge_note(note, [NORTH.public_key], keys, verifier).cosigners


def test_merged_note_holds_each_line_once() -> None:
    assert merge_notes([OWN, THEIRS, OWN, THEIRS]) == MERGED
    assert [one.name for one in parse_note(MERGED).signatures] == [ORIGIN, WITNESS]
    assert MERGED.startswith(OWN)


def test_heads_of_two_sizes_are_not_merged() -> None:
    with pytest.raises(InvariantError):
        merge_notes([OWN, sign_checkpoint(ORIGIN, 8, HEAD.root, NORTH)])


def test_cosigner_with_a_known_key_counts_with_its_time() -> None:
    assert judge(MERGED) == (Cosigner(WITNESS, 1_795_357_886),)


def test_line_of_nobody_known_is_listed_and_not_counted() -> None:
    judged = judge_note(MERGED, [NORTH.public_key], {}, verifier)
    assert (judged.cosigners, judged.unjudged) == ((), (WITNESS,))
    other = merge_notes([OWN, cosign(HEAD, WITNESS, OTHER, 5)])
    assert judge_note(other, [NORTH.public_key], KEYS, verifier).unjudged == (WITNESS,)


def test_note_without_a_line_by_the_log_is_refused() -> None:
    with pytest.raises(PeerError, match="not signed by a ledger key"):
        judge(THEIRS)
    with pytest.raises(PeerError, match="not signed by a ledger key"):
        judge(merge_notes([sign_checkpoint(ORIGIN, 7, HEAD.root, OTHER), THEIRS]))


def swapped() -> bytes:
    """Each line under the other's name and key id."""
    own, theirs = parse_note(MERGED).signatures
    lines = [
        NoteSignature(own.name, own.key_id, theirs.signature),
        NoteSignature(theirs.name, theirs.key_id, own.signature),
    ]
    return format_note(HEAD, lines)


def spoiled(place: int) -> bytes:
    lines = list(parse_note(MERGED).signatures)
    line = lines[place]
    lines[place] = NoteSignature(line.name, line.key_id, line.signature[:-1] + b"\x00")
    return format_note(HEAD, lines)


def claimed() -> bytes:
    """A line that claims SOUTH's key id without SOUTH's signature."""
    line = NoteSignature(WITNESS, key_id(WITNESS, SOUTH.public_key, 4), bytes(72))
    return merge_notes([OWN, format_note(HEAD, [line])])


@pytest.mark.parametrize("note", [swapped(), spoiled(0), spoiled(1), claimed()])
def test_line_that_names_a_known_key_and_does_not_verify_refuses_the_note(note: bytes) -> None:
    with pytest.raises(PeerError):
        judge(note)


def test_note_signed_by_an_old_and_a_new_ledger_key_verifies_under_both() -> None:
    both = merge_notes([OWN, sign_checkpoint(ORIGIN, 7, HEAD.root, OTHER)])
    keys = [NORTH.public_key, OTHER.public_key]
    assert judge_note(both, keys, {}, verifier).unjudged == ()
    assert judge_note(both, keys[:1], {}, verifier).unjudged == (ORIGIN,)
