"""What the record says of files beside statements, folded live and anew."""

from __future__ import annotations

import pytest

from hotline.core.exchange.attaching import is_attachment_news, unheld
from hotline.core.records import events as ev
from tests.core.exchange.rig import Letter, Side, pair

FILE = {
    "name": "chart.png",
    "type": "image/png",
    "size": 7,
    "digest": "ab" * 32,
    "sealed": "cd" * 32,
}
NAMED_ONLY = {key: value for key, value in FILE.items() if key != "sealed"}


def with_file() -> tuple[Side, Side, Letter]:
    """Return two sides, of which the second sent a statement with a file beside one named."""
    north, south = pair()
    letter = south.say(_attachments=(NAMED_ONLY, FILE))
    north.take(letter)
    return north, south, letter


def of(kind: type[ev.AttachmentEvent], letter: Letter, place: int = 1) -> ev.AttachmentEvent:
    """Return an event of that file."""
    every = {
        "statement": letter.digest,
        "place": place,
        "digest": "ab" * 32,
        "sealed": "cd" * 32,
        "key": "ef" * 32,
        "size": 7,
        "reason": "no room",
        "peer": "NORTH",
        "by": "LT Ramos",
    }
    return kind(**{name: every[name] for name in kind.model_fields})


def test_only_a_peers_file_that_travels_is_on_its_way() -> None:
    north, south, letter = with_file()
    assert list(north.situation.arriving) == [(letter.digest, 1)]
    assert list(south.situation.arriving) == []
    assert set(north.situation.attachments) == {(letter.digest, 1)}
    assert north.refolded() == north.situation


@pytest.mark.parametrize("kind", [ev.AttachmentReceived, ev.AttachmentRefused])
def test_file_that_ended_is_on_its_way_no_longer_and_its_history_tells(
    kind: type[ev.AttachmentEvent],
) -> None:
    north, _, letter = with_file()
    said = of(kind, letter)
    assert is_attachment_news(north.situation, said)
    north.note(said)
    assert list(north.situation.arriving) == []
    assert not is_attachment_news(north.situation, said)
    assert north.situation.statements[letter.digest].steps[-1][1].startswith("file 2 ")
    assert north.refolded() == north.situation


def test_key_is_taken_once_and_shown_by_no_text() -> None:
    north, _, letter = with_file()
    said = of(ev.AttachmentKeyed, letter)
    assert is_attachment_news(north.situation, said)
    north.note(said)
    assert not is_attachment_news(north.situation, said.model_copy(update={"key": "01" * 32}))
    assert north.situation.attachments[letter.digest, 1].key == "ef" * 32
    assert "efef" not in repr(said)
    assert "efef" not in repr(north.situation.attachments)


def test_word_of_a_peer_is_news_once_and_held_is_the_last_one() -> None:
    _, south, letter = with_file()
    state = south.situation.statements[letter.digest]
    refused, held = of(ev.AttachmentRefusedThere, letter), of(ev.AttachmentHeldThere, letter)
    assert unheld(south.situation, state) == {(1, "NORTH"): None}
    south.note(refused)
    assert not is_attachment_news(south.situation, refused)
    assert unheld(south.situation, state) == {(1, "NORTH"): "no room"}
    south.note(held)
    assert unheld(south.situation, state) == {}
    assert not is_attachment_news(south.situation, held)
    assert not is_attachment_news(south.situation, refused)


@pytest.mark.parametrize("place", [0, 2])
def test_what_is_no_travelling_file_is_no_news(place: int) -> None:
    north, _, letter = with_file()
    for kind in (ev.AttachmentReceived, ev.AttachmentKeyed, ev.AttachmentHeldThere):
        assert not is_attachment_news(north.situation, of(kind, letter, place))
