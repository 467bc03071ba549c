"""Frames as a table: a type byte, fixed fields, then nothing or one tail. Pure.

The direct link's handshake and the relay's protocol are each one such table.
Spec: docs/transport.md §2.5, §9.2
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from hotline.core.errors import InvariantError, PeerError

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Tail:
    """What may follow the fixed fields, at least one byte of it.

    Attributes:
        encode: Raises InvariantError for what does not fit.
        decode: Raises PeerError; never gets an empty tail.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Layout(Generic[F]):
    """One frame: its type byte, its class, and its fields in their order."""

    kind: int
    frame: type[F]
    head: struct.Struct
    widths: tuple[int, ...]
    tail: Tail | None


def layout(kind: int, frame: type[F], head: tuple[str, ...], tail: Tail | None = None) -> Layout[F]:
    """Describe a frame; `head` has one struct code for each field, `32s` for bytes."""
    widths = tuple(int(part[:-1]) if part.endswith("s") else 0 for part in head)
    return Layout(kind, frame, struct.Struct(">" + "".join(head)), widths, tail)


class Table(Generic[F]):
    """Reads and writes the frames of one protocol."""

    def __init__(self, layouts: Sequence[Layout[Any]], max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._by_kind = {one.kind: one for one in layouts}
        self._by_frame = {one.frame: one for one in layouts}
        self._names = {one.frame: tuple(f.name for f in fields(one.frame)) for one in layouts}

    def kind_of(self, frame: type[F]) -> int:
        """Return the type byte of a frame."""
        return self._by_frame[frame].kind

    def encode(self, frame: F) -> bytes:
        """Return the frame's bytes.

        Raises:
            InvariantError: a field has another length, or a number does not fit.
        """
        found = self._by_frame[type(frame)]
        values = [getattr(frame, name) for name in self._names[type(frame)]]
        tail = found.tail.encode(values.pop()) if found.tail else b""
        for value, width in zip(values, found.widths, strict=True):
            if width and len(value) != width:
                raise InvariantError(f"a field of {width} bytes has {len(value)}")
        try:
            return bytes((found.kind,)) + found.head.pack(*values) + tail
        except struct.error as error:
            raise InvariantError("a number does not fit its field") from error

    def decode(self, message: bytes) -> F:
        """Read one frame from one binary message.

        Raises:
            PeerError: unknown type, a wrong length, or more than the table's bound.
        """
        if not 1 <= len(message) <= self._max_bytes:
            raise PeerError(f"a frame has 1 to {self._max_bytes} bytes")
        found = self._by_kind.get(message[0])
        if found is None:
            raise PeerError(f"frame type {message[0]} is not known")
        size = 1 + found.head.size
        tail = message[size:]
        if len(message) < size or (found.tail is not None) != bool(tail):
            raise PeerError(f"a frame of type {found.kind} has another length")
        values: tuple[object, ...] = found.head.unpack_from(message, 1)
        if found.tail is not None:
            values = (*values, found.tail.decode(tail))
        frame: F = found.frame(*values)
        return frame
