"""Cards against the roots in a ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError
from hotline.core.records.cards import roots_in
from hotline.core.values import sha256
from hotline.review.identity import read_vouched
from hotline.review.reviewing import Asked, review_ledgers
from hotline.sealing.fingerprint import root_groups, root_words
from hotline.sealing.root import verify_root
from tests.review.rig import Worked, ledger_of


def roots(kept: Worked) -> dict[str, bytes]:
    """Return each station's root record as it stands in NORTH's ledger."""
    connection = sqlite3.connect(ledger_of(kept.north))
    records = [row[0] for row in connection.execute("SELECT bytes FROM public")]
    connection.close()
    return {verify_root(record).station: record for record in roots_in(records)}


def test_cards_of_all_members_establish_identity(kept: Worked, tmp_path: Path) -> None:
    north, south = tmp_path / "north.card", tmp_path / "south.card"
    north.write_bytes(roots(kept)["NORTH"] + b"\n")
    digest = verify_root(roots(kept)["SOUTH"]).digest
    south.write_text(f"SOUTH: {root_words(digest)}\n")
    review = review_ledgers(kept.north, kept.south, Asked(cards=[str(north), str(south)]))
    assert review.ok
    assert review.known.word == "established"
    text = "\n".join(review.lines())
    assert "Identity established for NORTH, SOUTH: by card." in text
    assert "not established" not in text
    found = review.as_json()
    assert found["identity"]["established"] == ["NORTH", "SOUTH"]
    assert found["ledger"]["identity"] == "established"


def test_card_of_one_member_leaves_the_other_open(kept: Worked) -> None:
    digest = verify_root(roots(kept)["NORTH"]).digest
    review = review_ledgers(kept.north, None, Asked(cards=[digest.hex()]))
    assert review.ok
    assert review.known.word == "partly established"
    text = "\n".join(review.lines())
    assert "Identity not established for SOUTH: no card names it. Compare:" in text
    assert f"SOUTH: {review.ours.root_words['SOUTH']}" in text


def test_card_of_a_stranger_does_not_verify(kept: Worked) -> None:
    stranger = root_words(sha256(b"a stranger"))
    review = review_ledgers(kept.north, None, Asked(cards=[stranger]))
    assert review.ours.ok
    assert not review.ok
    assert review.known.word == "contradicted"
    assert "A card names a root that is not in this evidence:" in review.lines()
    assert f"  {stranger}" in review.lines()


@pytest.mark.parametrize(
    "spelled",
    [
        "{words}",
        "NORTH: {words}",
        "{upper}",
        "{short}",
        "{numbered}",
        "{groups}",
        "NORTH: {groups}",
        "{plain}",
        "{lower}",
        "{hex}",
    ],
)
def test_root_is_read_however_it_is_written(spelled: str) -> None:
    digest = sha256(b"a root")
    words, groups = root_words(digest), root_groups(digest)
    text = spelled.format(
        words=words,
        upper=words.upper(),
        short=" ".join(word[:4] for word in words.split()),
        numbered=" ".join(f"{place} {word}" for place, word in enumerate(words.split(), 1)),
        groups=groups,
        plain=groups.replace(" ", ""),
        lower=groups.lower(),
        hex=digest.hex(),
    )
    assert read_vouched([text]) == {words}


def test_file_of_several_roots_names_them_all(tmp_path: Path) -> None:
    words = [root_words(sha256(name)) for name in (b"a", b"b")]
    card = tmp_path / "roots.txt"
    card.write_text("\n\n".join(f"S-{at}: {said}" for at, said in enumerate(words)))
    assert read_vouched([str(card)]) == set(words)


@pytest.mark.parametrize("content", ["", "words that name nothing", "K7QX 2M4D", "{}", "\x00\xff"])
def test_file_that_is_no_card_is_wrong_input(tmp_path: Path, content: str) -> None:
    card = tmp_path / "card"
    card.write_text(content)
    with pytest.raises(OperatorError, match="neither a station's root nor the words of one"):
        read_vouched([str(card)])


def test_text_with_spare_bits_is_no_root() -> None:
    words = root_groups(sha256(b"a root"))
    # 52 letters hold 260 bits, a root has 256: the last letter is A or Q, four bits are spare.
    assert words[-1] in "AQ"
    with pytest.raises(OperatorError):
        read_vouched([f"{words[:-1]}B"])


def test_altered_root_on_a_card_is_wrong_input(kept: Worked, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.write_bytes(roots(kept)["NORTH"].replace(b'"sig":"', b'"sig":"AAAA', 1))
    with pytest.raises(OperatorError):
        read_vouched([str(card)])
