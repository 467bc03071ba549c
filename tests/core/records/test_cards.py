"""Files of public records: docs/ledger.md §15.7."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.records.cards import (
    CERTIFICATE,
    CHARTER,
    ROOT,
    format_cards,
    ledger_records,
    parse_cards,
    roots_in,
)
from hotline.core.records.disclosed import EXTRA_PREFIX, decode_disclosed
from hotline.core.records.fork_evidence import read_fork_evidence
from hotline.core.records.tlog_proof import decode_tlog_proof
from hotline.core.values import sha256


def record(kind: str, **payload: object) -> bytes:
    encoded = canonical.to_base64(canonical.encode(payload))
    return canonical.encode({"payload": encoded, "payloadType": kind, "signatures": []})


ROOTS = [record(ROOT, station="NORTH"), record(ROOT, station="SOUTH")]
LEDGER = record(CERTIFICATE, usage="ledger")
OFFICER = record(CERTIFICATE, usage="statement", name="an officer")
CONSOLE = record(CERTIFICATE, usage="transport")
LINE = record(CHARTER, name="north-south")
ALL = [*ROOTS, LEDGER, OFFICER, CONSOLE, LINE]


def test_cards_are_lines_or_one_array() -> None:
    assert parse_cards(format_cards(ALL)) == ALL
    assert parse_cards(format_cards(ALL).removesuffix(b"\n")) == ALL
    assert parse_cards(b"[" + b",".join(ALL) + b"]\n") == ALL
    assert parse_cards(ROOTS[0]) == ROOTS[:1]


def test_records_for_outsiders_name_no_officer_but_the_one_asked_for() -> None:
    assert ledger_records(ALL) == [*ROOTS, LEDGER, LINE]
    body = canonical.encode({"usage": "statement", "name": "an officer"})
    wanted = sha256(canonical.pae(CERTIFICATE, body))
    assert ledger_records(ALL, {wanted}) == [*ROOTS, LEDGER, OFFICER, LINE]
    assert roots_in(ALL) == ROOTS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["payload", "payloadType", "signatures"]), inner, max_size=3
        )
    ),
    max_leaves=9,
)


@given(st.binary(max_size=90) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_cards_or_is_refused(junk: bytes) -> None:
    for read in (parse_cards, read_fork_evidence, decode_disclosed, decode_tlog_proof):
        with contextlib.suppress(PeerError):
            read(junk)
    with contextlib.suppress(PeerError):
        decode_disclosed(EXTRA_PREFIX + junk)
    with contextlib.suppress(PeerError):
        ledger_records(parse_cards(junk))


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"\n",
        b"[]",
        b"[1]",
        b"junk",
        b"{}",
        b"[" * 100_000,
        ROOTS[0] + b"\r\n",
        ROOTS[0] + b"\n\n" + ROOTS[1],
        ROOTS[0].replace(b":", b": ", 1),
        b'{"payload":"*","payloadType":"x","signatures":[]}',
        b"\xff\xfe",
        b"x" * (2**24 + 1),
    ],
)
def test_file_of_something_else_is_refused(spoiled: bytes) -> None:
    with pytest.raises(PeerError):
        parse_cards(spoiled)
