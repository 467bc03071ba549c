"""Who records everything between two stations learns no word of it; nor does a TLS server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.core.exchange.delivery import Delivery
from tests.fakes.line import CEASE, ENCOUNTER, UNSAFE_ACT, FakeLine, wait_for
from tests.fakes.proxy import FaultProxy

SAID = "Pelagius turns northwards at dawn"

SHORTEST_BYTES = 6
"""Shorter spellings stand in a megabyte of random bytes by chance, and prove nothing."""


def spellings(word: str) -> Iterator[bytes]:
    """Yield the ways in which a word may stand in a recording, none too short to be evidence."""
    return (spelling for spelling in all_spellings(word) if len(spelling) >= SHORTEST_BYTES)


def all_spellings(word: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        plain = word.encode(encoding)
        yield plain
        yield plain.hex().encode()
        yield plain.hex().upper().encode()
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + plain)
            # Without the characters that also depend on what stands beside the word.
            first, last = -(-shift * 8 // 6), (shift + len(plain)) * 8 // 6
            yield coded[first + (shift > 0) : last]


def found(words: list[str], recording: bytes) -> list[str]:
    assert min(map(len, words)) >= SHORTEST_BYTES
    lowered = recording.lower()
    return [
        word
        for word in words
        if word.lower().encode() in lowered or any(one in recording for one in spellings(word))
    ]


@pytest.mark.parametrize("word", ["Pelagius", "sea/encounter", "DDG-51"])
def test_search_finds_a_word_in_every_spelling(word: str) -> None:
    text = f"xy{word}z"
    for coded in (
        text.encode(),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        base64.b64encode(text.encode()),
        base64.b64encode(b"." + text.encode()),
        base64.b64encode(b".." + text.encode()),
        text.encode().hex().encode(),
    ):
        assert found([word], b"\x00\xff" + coded + b"\x01") == [word]
    assert not found([word], b"Pelagios sea-encounter DDG-52")


async def test_recording_holds_no_word_name_template_or_incident(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    async with FaultProxy(line.north.listening) as proxy:
        line.south.reach(*proxy.address)
        async with line:
            north, south = line.north, line.south
            digest = await south.say("sea/encounter", ENCOUNTER, text=SAID)
            await wait_for(lambda: south.receipted(digest))
            incident = south.state(digest).statement.incident
            assert incident is not None
            await north.desk.displayed(digest)
            await north.desk.acknowledge(digest)
            await wait_for(lambda: south.state(digest).least is Delivery.READ)
            await north.say("deesc/cease-propose", CEASE, incident=incident)
            await north.say("sea/unsafe-act", UNSAFE_ACT, incident=incident)
            await line.settled()
            words = [
                *("Pelagius", " turns ", "northwards"),
                *("A. Ramos", '"Ramos', '"Niven', "B. Niven", '"LCDR"', "Duty officer"),
                *("DDG-51", '"F 213"', "54-31.200N", "Approaches", "Green light", '"LASER"'),
                *("sea/encounter", "deesc/cease-propose", "link/ack-read", "sea/unsafe-act"),
                *("IMMEDIATE", "statement", "payloadType", "own_hull", incident, digest),
            ]
            wire = proxy.record().both
            cells = b"".join(cell for place in line.places for cell in place.cells)
    assert len(wire) > len(cells) > 4 * 4096
    assert not found(words, wire)
    assert not found(words, cells)


async def test_cells_show_their_length_in_steps_only(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        for words in ("a", "a" * 900, "b" * 2000):
            digest = await line.south.say("conv/free-text", {}, text=words)
            await wait_for(lambda digest=digest: line.south.receipted(digest))
        lengths = {len(cell) % 4096 for place in line.places for cell in place.cells}
        assert len(lengths) == 1
