from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.statement import (
    MAX_STATEMENT_BYTES,
    MAX_TEXT_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    STATEMENT_TYPE,
    Statement,
    TemplateRef,
    decode_statement,
    encode_statement,
    statement_digest,
)
from hotline.core.text import refused_character
from hotline.core.times import MAX_TIME_MS, format_time
from hotline.core.values import Precedence, Realm, sha256

GOOD: dict[str, Any] = {
    "v": 1,
    "suite": 1,
    "realm": "EXERCISE",
    "line": "ab" * 32,
    "from": "SOUTH",
    "salt": "5a" * 16,
    "to": ["NORTH"],
    "info": [],
    "by": ["cd" * 32],
    "need": 1,
    "at": "2026-11-22T14:31:26.000Z",
    "precedence": "FLASH",
    "marking": "",
    "incident": None,
    "refs": [],
    "template": {"id": "conv/free-text", "version": 1, "digest": "ef" * 32},
    "fields": {},
    "text": "words",
    "lang": "en",
    "reply_by": None,
    "attachments": [],
}
HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
STATIONS = st.from_regex(r"[A-Z][A-Z0-9-]{0,15}", fullmatch=True)
TIMES = st.integers(0, MAX_TIME_MS).map(format_time)
WORDS = (
    st.text(max_size=40)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: not refused_character(text))
)
STATEMENTS = st.builds(
    Statement,
    v=st.just(1),
    suite=st.just(1),
    realm=st.sampled_from(Realm),
    line=HEX,
    sender=STATIONS,
    salt=st.binary(min_size=16, max_size=16).map(bytes.hex),
    to=st.lists(STATIONS, min_size=1, max_size=3, unique=True).map(tuple),
    info=st.lists(STATIONS, max_size=2, unique=True).map(tuple),
    by=st.lists(HEX, min_size=1, max_size=2, unique=True).map(tuple),
    need=st.integers(1, 8),
    at=TIMES,
    precedence=st.sampled_from(Precedence),
    marking=WORDS,
    incident=st.none() | st.from_regex(r"[A-Z0-9][A-Z0-9-]{2,39}", fullmatch=True),
    refs=st.lists(HEX, max_size=3).map(tuple),
    template=st.builds(
        TemplateRef,
        id=st.from_regex(r"[a-z][a-z0-9-]{0,19}/[a-z][a-z0-9-]{0,39}", fullmatch=True),
        version=st.integers(1, 9999),
        digest=HEX,
    ),
    fields=st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), WORDS, max_size=4),
    text=WORDS,
    lang=st.from_regex(r"[a-z]{2}", fullmatch=True),
    reply_by=st.none() | TIMES,
    attachments=st.just(()),
)


def encoded(**changes: Any) -> bytes:
    return canonical.encode({**GOOD, **changes})


@given(STATEMENTS)
def test_statement_read_back_is_the_statement(statement: Statement) -> None:
    payload = encode_statement(statement)
    assert decode_statement(payload) == statement
    assert encode_statement(decode_statement(payload)) == payload


def test_identity_covers_kind_and_every_byte() -> None:
    payload = encoded()
    assert statement_digest(payload) == sha256(canonical.pae(STATEMENT_TYPE, payload))
    assert statement_digest(payload) != statement_digest(encoded(salt="5b" * 16))


def test_good_statement_is_read() -> None:
    statement = decode_statement(encoded(refs=["aa" * 32, "bb" * 32]))
    assert (statement.sender, statement.answers) == ("SOUTH", "aa" * 32)
    assert statement.at_ms == 1_795_357_886_000
    assert statement.reply_by_ms is None


LONG = {f"f{n}": "x" * MAX_VALUE_CHARACTERS for n in range(20)}


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"suite": 0},
        {"realm": "LIVELY"},
        {"line": "AB" * 32},
        {"line": "ab" * 31},
        {"from": "south"},
        {"from": "SOUTH\n"},
        {"salt": "5a" * 15},
        {"to": []},
        {"to": "NORTH"},
        {"to": ["north"]},
        {"to": ["N"] * 65},
        {"by": []},
        {"by": ["cd" * 32, "cd" * 32]},
        {"by": ["cd" * 32] * 9},
        {"need": 0},
        {"need": 9},
        {"need": "1"},
        {"need": True},
        {"at": "2026-11-22T14:31:26Z"},
        {"at": "2026-02-30T14:31:26.000Z"},
        {"at": None},
        {"precedence": "flash"},
        {"precedence": 1},
        {"marking": "m" * 81},
        {"marking": None},
        {"incident": "x"},
        {"incident": "A" * 41},
        {"refs": ["zz"]},
        {"refs": ["aa" * 32] * 33},
        {"template": {"id": "conv/free-text", "version": 1}},
        {"template": {"id": "../etc", "version": 1, "digest": "ef" * 32}},
        {"template": {"id": "conv/free-text", "version": 0, "digest": "ef" * 32}},
        {"template": {"id": "conv/free-text", "version": 1, "digest": "ef" * 32, "x": 1}},
        {"fields": []},
        {"fields": {"a": 1}},
        {"fields": {"a b": "x"}},
        {"fields": {"": "x"}},
        {"fields": {"a" * 41: "x"}},
        {"fields": {"a": "x" * (MAX_VALUE_CHARACTERS + 1)}},
        {"fields": {f"f{n}": "" for n in range(41)}},
        {"fields": LONG},
        {"text": "x" * (MAX_TEXT_CHARACTERS + 1)},
        {"text": None},
        {"lang": "EN"},
        {"lang": "eng"},
        {"reply_by": "soon"},
        {"attachments": [{"name": "", "type": "t", "size": 1, "digest": "ef" * 32}]},
        {"attachments": [{"name": "a", "type": "t", "size": -1, "digest": "ef" * 32}]},
        {"unknown": 1},
        {"need": 1.5},
        {"need": 2**53},
    ],
    ids=str,
)
def test_statement_out_of_order_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        decode_statement(
            json.dumps(
                {**GOOD, **changes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ).encode()
        )


@pytest.mark.parametrize("key", sorted(GOOD))
def test_statement_without_one_of_its_keys_is_refused(key: str) -> None:
    with pytest.raises(PeerError):
        decode_statement(canonical.encode({k: v for k, v in GOOD.items() if k != key}))


@pytest.mark.parametrize("key", sorted(GOOD))
def test_statement_with_a_key_twice_is_refused(key: str) -> None:
    value = canonical.encode(GOOD[key])
    pair = b'"%s":%s' % (key.encode(), value)
    doubled = encoded().replace(pair, pair + b"," + pair)
    assert doubled != encoded()
    with pytest.raises(PeerError):
        decode_statement(doubled)


@pytest.mark.parametrize("where", ["text", "marking", "fields"])
@pytest.mark.parametrize(
    ("character", "named"),
    [
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\x1b", "U+001B"),
        ("\x07", "U+0007"),
        ("\r", "U+000D"),
        ("\u2066", "U+2066"),
        ("\U000e0041", "U+E0041"),
    ],
)
def test_refused_character_is_named_by_its_code_point(
    where: str, character: str, named: str
) -> None:
    value = f"ab{character}"
    changes = {where: {"remarks": value} if where == "fields" else value}
    with pytest.raises(PeerError) as caught:
        decode_statement(encoded(**changes))
    assert named in str(caught.value)
    assert "at character 3" in str(caught.value)
    assert character not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"\xff" * 100,
        b'"' + b"x" * (MAX_STATEMENT_BYTES + 1) + b'"',
    ],
    ids=len,
)
def test_junk_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        decode_statement(data)


@given(st.binary(max_size=200), st.integers(0, 600))
def test_damaged_statement_is_refused_or_another_statement(noise: bytes, place: int) -> None:
    good = encoded()
    damaged = good[:place] + noise + good[place + len(noise) :]
    try:
        statement = decode_statement(damaged)
    except PeerError:
        return
    assert encode_statement(statement) == damaged


def test_own_text_that_the_peer_would_refuse_is_the_operators_fault() -> None:
    statement = decode_statement(encoded())
    with pytest.raises(OperatorError, match="U\\+202E"):
        encode_statement(statement.model_copy(update={"text": "\u202e"}))
    with pytest.raises(OperatorError, match="bound is 16384"):
        encode_statement(statement.model_copy(update={"fields": LONG}))


def test_fault_never_repeats_the_value() -> None:
    with pytest.raises(PeerError) as caught:
        decode_statement(encoded(salt="secret-salt"))
    assert "secret" not in str(caught.value)
