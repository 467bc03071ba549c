"""Kinds of fields that packet items have (docs/protocol.md §7.3)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.text import check_text
from hotline.sealing.shapes import Count, DigestHex

MAX_CHECKPOINT_CHARACTERS = 16_384
MAX_NOTE_CHARACTERS = 8_192
MAX_PROOF_DIGESTS = 128
MAX_RANGES = 32


def _read_object(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, dict):
        raise PeerError("an item's envelope must be an object")
    try:
        return canonical.encode(value)
    except InvariantError as error:
        raise PeerError("an item's envelope is not canonical JSON") from error


def _check_lines(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHECKPOINT_CHARACTERS:
        raise PeerError(f"a checkpoint is text of at most {MAX_CHECKPOINT_CHARACTERS} characters")
    return check_text(value, what="checkpoint")


def _check_note(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_NOTE_CHARACTERS:
        raise PeerError(f"a note line is text of at most {MAX_NOTE_CHARACTERS} characters")
    return check_text(value, what="note line", newlines=False)


EnvelopeObject = Annotated[
    bytes, PlainValidator(_read_object), PlainSerializer(json.loads, return_type=dict)
]
"""An envelope as canonical JSON bytes here, as an object in the packet."""

Lines = Annotated[str, PlainValidator(_check_lines)]
"""A signed note."""

NoteLine = Annotated[str, PlainValidator(_check_note)]
"""One line of a signed note."""

Proof = Annotated[tuple[DigestHex, ...], Field(strict=False, max_length=MAX_PROOF_DIGESTS)]
Range = Annotated[tuple[Count, Count, Count], Field(strict=False)]
Ranges = Annotated[tuple[Range, ...], Field(strict=False, max_length=MAX_RANGES)]
Origin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/-]{1,120}\z")]
