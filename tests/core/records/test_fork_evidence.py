"""Evidence of a fork, made, read and doubted: docs/ledger.md §15.8."""

from __future__ import annotations

import pytest

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.records.checkpoint import build_origin, sign_checkpoint
from hotline.core.records.fork_evidence import (
    MAX_EVIDENCE_BYTES,
    Contradiction,
    make_fork_evidence,
    read_fork_evidence,
    verify_fork_evidence,
)
from hotline.core.values import Realm, sha256
from tests.ledger.rig import LINE, Key, public_record, verifier

NORTH = Key(b"NORTH")
ORIGIN = build_origin(Realm.EXERCISE, LINE, "NORTH")
RECORDS = [public_record("NORTH root")[1], public_record("SOUTH root")[1]]


def head(size: int, history: bytes, origin: str = ORIGIN, key: Key = NORTH) -> bytes:
    return sign_checkpoint(origin, size, sha256(history), key)


HELD, SHOWN = head(9, b"one"), head(9, b"another")
MADE = make_fork_evidence(HELD, SHOWN, RECORDS, "SOUTH")


def test_two_roots_of_one_size_prove_the_fork() -> None:
    evidence = read_fork_evidence(MADE)
    assert (evidence.held, evidence.shown, evidence.observer) == (HELD, SHOWN, "SOUTH")
    assert list(evidence.records) == RECORDS
    found = verify_fork_evidence(evidence, [NORTH.public_key], verifier)
    assert found is Contradiction.FORK


def test_two_sizes_alone_prove_nothing() -> None:
    evidence = read_fork_evidence(make_fork_evidence(HELD, head(12, b"more"), RECORDS, "SOUTH"))
    found = verify_fork_evidence(evidence, [NORTH.public_key], verifier)
    assert found is Contradiction.UNJOINED


@pytest.mark.parametrize("place", ["held", "shown"])
def test_head_by_another_key_accuses_nobody(place: str) -> None:
    forged = head(9, b"forged", key=Key(b"SOMEBODY"))
    notes = {"held": HELD, "shown": SHOWN} | {place: forged}
    made = make_fork_evidence(notes["held"], notes["shown"], RECORDS, "SOUTH")
    with pytest.raises(PeerError):
        verify_fork_evidence(read_fork_evidence(made), [NORTH.public_key], verifier)


@pytest.mark.parametrize(
    "shown",
    [
        HELD,
        head(9, b"other", origin=build_origin(Realm.EXERCISE, LINE, "NORTH", 2)),
        head(9, b"other", origin=build_origin(Realm.LIVE, LINE, "NORTH")),
        head(9, b"other", origin="example.com/log"),
        b"",
        b"\xff",
        SHOWN[:-1],
    ],
)
def test_heads_that_do_not_contradict_make_no_evidence(shown: bytes) -> None:
    with pytest.raises(InvariantError):
        make_fork_evidence(HELD, shown, RECORDS, "SOUTH")


def edited(**changes: object) -> bytes:
    body = canonical.decode(MADE, what="x", max_bytes=MAX_EVIDENCE_BYTES)
    return canonical.encode({**body, **changes})


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"{}",
        b"[]",
        MADE[:-1],
        MADE + b"\n",
        b" " + MADE,
        edited(type="another"),
        edited(more=1),
        edited(held=HELD.decode()[:-1]),
        edited(held=7),
        edited(shown=HELD.decode()),
        edited(observer="south"),
        edited(observer="S\u202eX"),
        edited(records={}),
        edited(records=[1]),
        edited(records=["x"]),
        edited(records=[{"payload": 1}]),
        b"x" * (MAX_EVIDENCE_BYTES + 1),
    ],
)
def test_evidence_that_is_malformed_is_refused(spoiled: bytes) -> None:
    with pytest.raises(PeerError):
        read_fork_evidence(spoiled)
