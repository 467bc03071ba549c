"""One way to write JSON, and the bytes that are signed (docs/protocol.md §2)."""

from __future__ import annotations

import binascii
import json
import re
from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from hotline.core.errors import InvariantError, PeerError
from hotline.core.text import check_text, is_plain

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 12

_WRITER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_QUICK = TypeAdapter(Any, config=ConfigDict(cache_strings="keys")).validator
"""A reader of JSON that takes a third of the time; what it reads is written anew and compared."""
_BASE64 = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64")).validator
"""A quick reader of base64, as a string of JSON; it takes other spellings than ours, too."""
_PLAIN_BYTES = bytes(range(0x20, 0x7F))
"""Text of these alone is plain (`is_plain`), and finding that out costs next to nothing."""


def encode(value: Any) -> bytes:
    """Write `value` as canonical JSON: sorted keys, no spaces, UTF-8.

    A number with a fraction is written, so that one in a single item of a packet
    can be refused by `decode` without refusing the packet; no model here has one.

    Raises:
        InvariantError: `value` holds what canonical JSON cannot carry.
    Spec: docs/protocol.md §2.1
    """
    try:
        return _WRITER.encode(value).encode()
    except (TypeError, ValueError) as error:
        raise InvariantError(f"cannot write canonical JSON: {error}") from error


def decode(data: bytes, *, what: str, max_bytes: int) -> Any:
    """Read canonical JSON and refuse every other spelling of the same value.

    Args:
        data: Bytes from outside.
        what: Names the thing in the error, as in "statement".
        max_bytes: Bound on `data`.
    Raises:
        PeerError: too long, not UTF-8, not JSON, not canonical, a float, an
            integer of 2^53 or more, too deep, or a refused character.
    Spec: docs/protocol.md §2.2
    """
    if len(data) > max_bytes:
        raise PeerError(f"{what} has {len(data)} bytes, the bound is {max_bytes}")
    # Without these it escapes nothing, and every string of it is plain: JSON has no controls.
    if data.isascii() and b"\\" not in data and b"\x7f" not in data:
        with suppress(ValueError):
            value = _QUICK.validate_json(data)
            if _spelled(value, MAX_DEPTH).encode() == data:
                return value
    # Something is wrong with it, or a character needs a closer look: this finds out.
    try:
        text = data.decode()
        value = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PeerError(f"{what} is not JSON in UTF-8") from error
    plain = (not data.translate(None, _PLAIN_BYTES) or is_plain(text)) and not (
        b"\\" in data and _ODD_ESCAPE.search(text)
    )
    _check(value, what, MAX_DEPTH, plain=plain)
    try:
        spelled = encode(value)
    except (InvariantError, UnicodeEncodeError) as error:
        raise PeerError(f"{what} is not canonical JSON") from error
    if spelled != data:
        raise PeerError(f"{what} is not canonical JSON (keys sorted, once each, no spaces)")
    return value


def _spelled(value: Any, depth: int) -> str:
    """Write what JSON without any escape said; checks what `_check` does on the way.

    Raises:
        ValueError: it holds what canonical JSON does not carry.
    """
    kind = type(value)
    if kind is str:
        return f'"{value}"'
    if kind is dict and depth:
        pairs = []
        for key in sorted(value):
            item = value[key]
            # Most are strings, and those need no call.
            told = f'"{item}"' if type(item) is str else _spelled(item, depth - 1)
            pairs.append(f'"{key}":{told}')
        return f"{{{','.join(pairs)}}}"
    if kind is list and depth:
        return f"[{','.join([_spelled(item, depth - 1) for item in value])}]"
    if kind is int and abs(value) <= MAX_INTEGER:
        return str(value)
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    raise ValueError("canonical JSON does not carry it")


_ODD_ESCAPE = re.compile(r'\\[^n"\\]')
"""An escape in JSON that may stand for a character which the text does not show."""


def _check(value: Any, what: str, depth: int, *, plain: bool) -> None:
    """Refuse what canonical JSON does not carry; `plain`: every string is known to be good."""
    kind = type(value)
    if kind is str:
        if not plain:
            check_text(value, what=what)
    elif kind is int:
        if abs(value) > MAX_INTEGER:
            raise PeerError(f"{what} holds an integer of 2^53 or more")
    elif kind is float:
        raise PeerError(f"{what} holds a number with a fraction; write it as text")
    elif kind is dict or kind is list:
        if depth == 0:
            raise PeerError(f"{what} is nested more than {MAX_DEPTH} deep")
        if kind is dict and not plain:
            for key in value:
                check_text(key, what=what)
        for item in value.values() if kind is dict else value:
            # Every string of an envelope comes by here: a plain one needs no call.
            if not plain or type(item) is not str:
                _check(item, what, depth - 1, plain=plain)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: what a signature really covers.

    Formula: "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload
    Spec: docs/protocol.md §2.4
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def to_base64(data: bytes) -> str:
    """Write bytes as JSON carries them: standard base64 with padding."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_base64(text: str, *, what: str) -> bytes:
    """Read standard base64; only the one spelling that `to_base64` writes.

    Raises:
        PeerError: another alphabet, missing padding or stray trailing bits.
    """
    try:
        data: bytes = _BASE64.validate_json(f'"{text}"')
    except ValueError as error:
        raise PeerError(f"{what} is not base64") from error
    if to_base64(data) != text:
        raise PeerError(f"{what} is base64 in another spelling than ours")
    return data
