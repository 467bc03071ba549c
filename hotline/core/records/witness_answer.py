"""What an outside witness says of a head that it was shown: C2SP tlog-witness answers. Pure.

Spec: docs/ledger.md §16.11
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hotline.core.errors import PeerError
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.checkpoint import (
    COSIGNATURE_V1,
    MAX_SIZE,
    Checkpoint,
    Cosignature,
    format_note,
    key_id,
    parse_note,
    verify_cosignature,
)
from hotline.core.records.tlog_proof import parse_number
from hotline.core.seams import Verifier

MAX_ANSWER_BYTES = 16_384
GOOD, CONFLICT = 200, 409


class WitnessState(StrEnum):
    """How an outside witness stands to our log; each change is recorded."""

    COSIGNS = "COSIGNS"
    REFUSES = "REFUSES"
    SILENT = "SILENT"
    CONTRADICTS = "CONTRADICTS"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """It countersigned the head; verified by its key."""

    cosignature: Cosignature


@dataclass(frozen=True, slots=True)
class Holds:
    """It wants the proof to begin at the head that it holds, of `size` entries."""

    size: int


@dataclass(frozen=True, slots=True)
class Declined:
    """It gave no cosignature; `held_size` is what it says it holds, 0 if it did not say."""

    state: WitnessState
    reason: str
    held_size: int = 0


ANSWERS: Mapping[int, Declined] = MappingProxyType(
    {
        400: Declined(WitnessState.REFUSES, "it calls the request malformed"),
        403: Declined(WitnessState.REFUSES, "it does not know the key that signs our heads"),
        404: Declined(WitnessState.REFUSES, "it does not know this log"),
        422: Declined(
            WitnessState.CONTRADICTS, "it says that our ledger does not extend the head it holds"
        ),
    }
)
"""Status to what it means; 200 and 409 have a body that says more, any other is no answer."""


def read_answer(
    status: int, body: bytes, head: Checkpoint, key: WitnessKey, verifier: Verifier
) -> Cosigned | Holds | Declined:
    """Judge the answer to `head`; signature lines by other keys are passed over.

    Raises:
        PeerError: too long, malformed, no line by `key`, or it does not verify.
    Spec: docs/ledger.md §16.11
    """
    if len(body) > MAX_ANSWER_BYTES:
        raise PeerError(f"a witness's answer is longer than {MAX_ANSWER_BYTES} bytes")
    if status == GOOD:
        return Cosigned(_take_line(body, head, key, verifier))
    if status == CONFLICT:
        size = parse_number(body.removesuffix(b"\n"), what="the size that a witness holds")
        if size > MAX_SIZE:
            raise PeerError("a witness holds more entries than a log can have")
        return Holds(size)
    return ANSWERS.get(status) or Declined(WitnessState.SILENT, f"it answered HTTP {status}")


def judge_held(held: int, asked_from: int, head: Checkpoint, our_size: int) -> Declined | None:
    """Judge a size that the witness says it holds; None to show the head again from there.

    Args:
        asked_from: The old size that the request named.
        our_size: How many entries our ledger has.
    Spec: docs/ledger.md §16.12
    """
    if held > our_size:
        words = f"it says that it holds {held} entries of our ledger, which has {our_size}"
        return Declined(WitnessState.CONTRADICTS, words, held)
    if held != asked_from:
        return None
    if held == head.size:
        words = f"it says that it holds another head of {held} entries than ours"
        return Declined(WitnessState.CONTRADICTS, words, held)
    return Declined(WitnessState.REFUSES, "it asks again for the proof that it was given", held)


def _take_line(body: bytes, head: Checkpoint, key: WitnessKey, verifier: Verifier) -> Cosignature:
    known = key_id(key.name, key.public_key, COSIGNATURE_V1)
    for line in parse_note(head.body() + b"\n" + body).signatures:
        if (line.name, line.key_id) == (key.name, known):
            return verify_cosignature(
                format_note(head, [line]), key.name, [key.public_key], verifier
            )
    raise PeerError("a witness's answer has no signature by the key that we know it by")
