"""What a witness's answer means: by its status, its size, its signature lines, and never more."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import PeerError
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.checkpoint import Checkpoint, cosign, parse_note
from hotline.core.records.witness_answer import (
    MAX_ANSWER_BYTES,
    Cosigned,
    Declined,
    Holds,
    WitnessState,
    judge_held,
    read_answer,
)
from hotline.core.values import Digest
from tests.ledger.rig import Key, verifier

NAME = "witness.example/w1"
KEY = Key(b"witness")
KNOWN = WitnessKey(NAME, KEY.public_key)
HEAD = Checkpoint("example.com/log", 7, Digest(hashlib.sha256(b"root").digest()))


def line_of(key: Key = KEY, name: str = NAME, head: Checkpoint = HEAD) -> bytes:
    return cosign(head, name, key, 1_795_357_886).split(b"\n\n", 1)[1]


def read(status: int, body: bytes) -> Cosigned | Holds | Declined:
    return read_answer(status, body, HEAD, KNOWN, verifier)


def test_cosignature_by_the_known_key_is_taken_and_other_lines_are_passed_over() -> None:
    others = line_of(Key(b"next"), "witness.example/w2") + line_of(Key(b"next"))
    taken = read(200, others + line_of())
    assert isinstance(taken, Cosigned)
    assert taken.cosignature.checkpoint == HEAD
    assert taken.cosignature.signer == NAME
    assert len(parse_note(taken.cosignature.note).signatures) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk\n",
        line_of()[:-1],
        line_of() + b"\n",
        line_of() * 2,
        line_of(Key(b"next")),
        line_of(name="witness.example/w2"),
        line_of(head=Checkpoint(HEAD.origin, 8, HEAD.root)),
        line_of(head=Checkpoint("example.com/other", 7, HEAD.root)),
        b"".join(line_of(Key(b"%d" % one)) for one in range(17)),
        b"x" * (MAX_ANSWER_BYTES + 1),
    ],
)
def test_answer_without_a_good_cosignature_is_refused(body: bytes) -> None:
    with pytest.raises(PeerError):
        read(200, body)


def test_spoilt_bit_of_the_signature_is_refused() -> None:
    name, blob = line_of().rstrip(b"\n").rsplit(b" ", 1)
    raw = bytearray(base64.b64decode(blob))
    for place in (4, 11, 12, -1):
        spoilt = bytearray(raw)
        spoilt[place] ^= 1
        with pytest.raises(PeerError):
            read(200, name + b" " + base64.b64encode(spoilt) + b"\n")


def test_conflict_names_the_size_that_the_witness_holds() -> None:
    assert read(409, b"12\n") == Holds(12)
    assert read(409, b"0") == Holds(0)


@pytest.mark.parametrize("body", [b"", b"\n", b"012\n", b"-1\n", b"9" * 19, b"9" * 400, b"1 2\n"])
def test_conflict_without_a_size_is_refused(body: bytes) -> None:
    with pytest.raises(PeerError):
        read(409, body)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (400, WitnessState.REFUSES),
        (403, WitnessState.REFUSES),
        (404, WitnessState.REFUSES),
        (422, WitnessState.CONTRADICTS),
        (204, WitnessState.SILENT),
        (302, WitnessState.SILENT),
        (429, WitnessState.SILENT),
        (500, WitnessState.SILENT),
        (999, WitnessState.SILENT),
    ],
)
def test_other_statuses_say_how_the_witness_stands(status: int, state: WitnessState) -> None:
    answer = read(status, b"<html>you are HACKED</html>")
    assert isinstance(answer, Declined)
    assert answer.state is state
    assert "HACKED" not in answer.reason


@pytest.mark.parametrize(
    ("held", "asked_from", "ours", "state"),
    [
        (3, 0, 9, None),
        (9, 0, 9, None),
        (0, 3, 9, None),
        (7, 3, 9, None),
        (10, 0, 9, WitnessState.CONTRADICTS),
        (7, 7, 9, WitnessState.CONTRADICTS),
        (3, 3, 9, WitnessState.REFUSES),
        (0, 0, 9, WitnessState.REFUSES),
    ],
)
def test_size_that_the_witness_holds_is_judged(
    held: int, asked_from: int, ours: int, state: WitnessState | None
) -> None:
    declined = judge_held(held, asked_from, HEAD, ours)
    assert (declined and declined.state) == state


@given(st.sampled_from([200, 409]), st.binary(max_size=300))
def test_any_bytes_are_judged_or_refused(status: int, body: bytes) -> None:
    try:
        answer = read(status, body)
    except PeerError:
        return
    assert isinstance(answer, Holds)
