"""A peer must not write the reason for which its statement is refused."""

from __future__ import annotations

import pytest

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.messages.statement import decode_statement, encode_statement
from tests.core.exchange.rig import pair

WORDS = "HQ SAYS ALL CLEAR"


def _body() -> dict[str, object]:
    north, _ = pair()
    payload = encode_statement(north.write("sea/encounter", incident="NORTH-261122-01").statement)
    body: dict[str, object] = canonical.decode(payload, what="statement", max_bytes=20_000)
    return body


@pytest.mark.parametrize("place", ["template", "fields", "top"])
def test_words_of_the_peer_in_a_key_are_not_repeated_in_the_reason(place: str) -> None:
    body = _body()
    if place == "template":
        body["template"] = {**body["template"], WORDS: "x"}  # type: ignore[dict-item]
    elif place == "fields":
        body["fields"] = {**body["fields"], WORDS: 7}  # type: ignore[dict-item]
    else:
        body[WORDS] = 1
    with pytest.raises(PeerError) as refused:
        decode_statement(canonical.encode(body))
    assert WORDS not in str(refused.value)
    assert "statement" in str(refused.value)


@pytest.mark.parametrize("marking", ["two\nlines"])
def test_marking_of_two_lines_is_refused(marking: str) -> None:
    with pytest.raises(PeerError, match=r"U\+000A"):
        decode_statement(canonical.encode({**_body(), "marking": marking}))
