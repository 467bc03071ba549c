"""Damage for parsers: seeded, fast, and aware of JSON inside JSON inside base64."""

from __future__ import annotations

import base64
import binascii
import json
import random
from collections.abc import Sequence
from typing import Any

TOKENS = (
    b"\0",
    b"\xff",
    b"\n",
    b"\n\n",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[" * 3_000,
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\xe2\x80\xae",
    b"-0",
    b"1e999",
    b"NaN",
    b"null",
    b"true",
    b"9" * 5_000,
    b"=",
    b" ",
    b"+",
    b"%s",
    b"{0.__class__}",
)
STRINGS = (
    "",
    "NORTH",
    "ab" * 32,
    "AAAA",
    "2026-11-22T14:31:26.000Z",
    "\u202e",
    "x" * 5_000,
    "0",
    "-1",
    "1e5",
    "=",
    "statement",
    "\ud800",
    "e\u0301",
)
MAX_OUT = 200_000


def value(chance: random.Random, depth: int = 0) -> Any:
    """A JSON value that nobody expects there."""
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return chance.random() < 0.5
    if kind == 2:
        return chance.choice((0, 1, -1, 2**31, 2**53, 2**63, 2**64, -(2**70), 10**40))
    if kind == 3:
        return chance.choice((0.5, 1e300, -0.0, float("nan"), float("inf")))
    if kind in (4, 5):
        return chance.choice(STRINGS)
    if kind == 6:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {chance.choice(STRINGS): value(chance, depth + 1) for _ in range(3)}
    deep: Any = []
    for _ in range(chance.choice((5, 13, 300))):
        deep = [deep]
    return deep


def within(tree: Any, chance: random.Random) -> Any:
    """A copy of a JSON tree with one node replaced, removed, doubled or added."""
    if isinstance(tree, str) and chance.random() < 0.6:
        inner = _inner(tree, chance)
        if inner is not None:
            return inner
    if not isinstance(tree, dict | list) or not tree or chance.random() < 0.12:
        return value(chance)
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    place = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
    act = chance.random()
    if act < 0.75:
        copy[place] = within(copy[place], chance)
    elif act < 0.85:
        del copy[place]
    elif isinstance(copy, dict):
        copy[chance.choice(STRINGS)] = copy[place]
    else:
        copy.extend([copy[place]] * chance.choice((1, 2, 70)))
    return copy


def _inner(text: str, chance: random.Random) -> str | None:
    """Damage what base64 holds, above all a payload of JSON, and wrap it again."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(raw) < 16:
        return None
    return base64.b64encode(mutated(raw, [raw], chance)).decode()


def _of_json(raw: bytes, chance: random.Random) -> bytes | None:
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, dict | list):
        return None
    text = json.dumps(
        within(tree, chance), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return text.encode("utf-8", "surrogatepass")


def _of_bytes(raw: bytes, samples: Sequence[bytes], chance: random.Random) -> bytes:
    at, length = chance.randint(0, len(raw)), chance.choice((1, 1, 2, 4, 8, 40, 400))
    act = chance.randrange(7)
    if act == 0 and raw:
        at = min(at, len(raw) - 1)
        return raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]
    if act == 1:
        return raw[:at] + raw[at + length :]
    if act == 2:
        return raw[: at + length] + raw[at:]
    if act == 3:
        return raw[:at] + chance.choice(TOKENS) + raw[at + chance.choice((0, 0, length)) :]
    if act == 4:
        return raw[:at]
    if act == 5:
        other = chance.choice(samples)
        return raw[:at] + other[chance.randint(0, len(other)) :]
    return raw[:at] + chance.randbytes(length) + raw[at + length :]


def mutated(raw: bytes, samples: Sequence[bytes], chance: random.Random) -> bytes:
    """Return `raw` damaged once to three times."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        changed = _of_json(raw, chance) if chance.random() < 0.5 else None
        raw = _of_bytes(raw, samples, chance) if changed is None else changed
    return raw[:MAX_OUT]
