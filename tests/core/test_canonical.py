from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    decode,
    encode,
    from_base64,
    pae,
    to_base64,
)
from hotline.core.errors import InvariantError, PeerError
from hotline.core.text import refused_character

TEXT = st.text(max_size=20).filter(lambda text: not refused_character(text) and _normal(text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def _normal(text: str) -> bool:
    import unicodedata

    return unicodedata.is_normalized("NFC", text)


def read(data: bytes) -> Any:
    return decode(data, what="thing", max_bytes=10_000)


@given(VALUES)
def test_value_read_back_is_the_value(value: Any) -> None:
    assert read(encode(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_as_the_peers_fault(data: bytes) -> None:
    try:
        value = read(data)
    except PeerError:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" {}",
        b"{} ",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'"\\u0041"',
        b'"\\/"',
        b"01",
        b"-0",
        b"1e3",
        b"1.0",
        b"1.5",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"[1,]",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"a\\u0000"',
        '"\u202e"'.encode(),
        '{"\u200b":1}'.encode(),
        '"e\u0301"'.encode(),
        b"9007199254740992",
        b"-9007199254740992",
        b"9" * 5000,
        b"true false",
    ],
)
def test_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        read(data)


def test_largest_integers_are_read() -> None:
    for value in (MAX_INTEGER, -MAX_INTEGER):
        assert read(str(value).encode()) == value


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_bounded(opening: bytes, closing: bytes) -> None:
    inside = b"{}" if opening == b"[" else b"[]"
    deep = opening * (MAX_DEPTH - 1) + inside + closing * (MAX_DEPTH - 1)
    assert encode(read(deep)) == deep
    with pytest.raises(PeerError, match="nested more than 12 deep"):
        read(opening + deep + closing)


@pytest.mark.parametrize("deep", [b"[" * 9000, b"[" * 4500 + b"]" * 4500, b'{"a":' * 1900])
def test_very_deep_input_is_refused_and_never_a_crash(deep: bytes) -> None:
    with pytest.raises(PeerError):
        read(deep)


def test_brackets_inside_a_text_are_no_nesting() -> None:
    text = json.dumps("[{" * 500).encode()
    assert read(text) == "[{" * 500


def test_bound_on_bytes_is_kept_before_anything_is_read() -> None:
    assert decode(b'"aa"', what="thing", max_bytes=4) == "aa"
    with pytest.raises(PeerError, match="thing has 5 bytes, the bound is 4"):
        decode(b'"aaa"', what="thing", max_bytes=4)


def plainly_read(data: bytes) -> Any:
    """A plain reading of docs/protocol.md §2.1 to §2.3, which takes its time."""
    value = json.loads(data.decode())

    def look(one: Any, depth: int) -> None:
        assert not isinstance(one, float)
        if isinstance(one, str):
            assert refused_character(one) is None
            assert _normal(one)
        elif isinstance(one, int):
            assert abs(one) <= MAX_INTEGER
        elif isinstance(one, dict | list):
            assert depth > 0
            for inner in [*one, *one.values()] if isinstance(one, dict) else one:
                look(inner, depth - 1)

    look(value, MAX_DEPTH)
    told = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert told.encode() == data
    return value


SEEDS = (
    b'{"a":[1,true,null,"x"],"bb":{"c":"line","d":-7},"e":""}',
    b'{"a":"one\\ntwo","b":"\\"q\\"","c":[{"d":0}]}',
    '{"a":"Überfahrt","b":[9007199254740991]}'.encode(),
    b'{"a":' * 12 + b"1" + b"}" * 12,
)
PIECES = (b'"', b"\\", b"\\n", b"\\u0041", b" ", b".0", b"e1", b"-0", b"NaN", b"{}", b"[]", b",")
PIECES += (
    b"\x00",
    b"\x1f",
    b"\t",
    b"\n",
    b"\x7f",
    b"\xc3\xbc",
    b"\xed\xa0\x80",
    b"9" * 17,
    b'"a":1,',
    b"1",
    b"true",
    b"null",
)


def test_quick_reading_says_what_a_plain_one_says() -> None:
    """Bytes of printable ASCII without an escape go another way: it must be the same one."""
    chance, told = random.Random("canonical"), Counter[bool]()
    for _ in range(6_000):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.choice((0, 1, 1, 2))):
            place = chance.randrange(len(data) + 1)
            data[place : place + chance.choice((0, 1, 5))] = chance.choice(PIECES)
        try:
            wanted = plainly_read(bytes(data))
        except (AssertionError, ValueError):
            with pytest.raises(PeerError):
                read(bytes(data))
            told[False] += 1
        else:
            found = read(bytes(data))
            assert encode(found) == data
            assert found == wanted
            told[True] += 1
    assert min(told.values()) > 1_000


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), float("nan"), "\ud800", {b"a": 1}])
def test_value_that_json_cannot_carry_is_our_bug(value: Any) -> None:
    with pytest.raises(InvariantError):
        encode(value)


def test_refusal_never_repeats_what_was_sent() -> None:
    with pytest.raises(PeerError) as caught:
        read('"secret \u202e words"'.encode())
    assert "U+202E RIGHT-TO-LEFT OVERRIDE at character 8" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_pae_is_dsses() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == "DSSEv1 2 é 0 ".encode()


@given(st.text(max_size=8), st.binary(max_size=8), st.text(max_size=8), st.binary(max_size=8))
def test_pae_of_different_things_differs(one: str, first: bytes, two: str, second: bytes) -> None:
    if "\ud800" <= max(one + two + "a") <= "\udfff":
        return
    assert (pae(one, first) == pae(two, second)) == ((one, first) == (two, second))


@given(st.binary(max_size=40))
def test_base64_read_back_is_the_bytes(data: bytes) -> None:
    assert from_base64(to_base64(data), what="thing") == data


@pytest.mark.parametrize("text", ["YR==", "YQ", "YQ=", "Y Q==", "YQ==\n", "_w==", "é", "YQ==YQ=="])
@pytest.mark.parametrize("before", ["", "YWJj"])
def test_other_base64_is_refused(before: str, text: str) -> None:
    with pytest.raises(PeerError):
        from_base64(before + text, what="thing")


@pytest.mark.parametrize(
    "text", ["\\/AA", "\\u0059Q==", "YQ==\\n", 'YQ=="', '"', "\\", "\x00", "\ud800"]
)
def test_base64_that_json_would_read_otherwise_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        from_base64(text, what="thing")
