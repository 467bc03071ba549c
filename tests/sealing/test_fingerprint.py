"""Words for a root's digest: those of BIP-0039, every bit in them, every slip found."""

from __future__ import annotations

import hashlib

import pytest

from hotline.core.values import Digest, sha256
from hotline.sealing.fingerprint import (
    PREFIX_CHARACTERS,
    WORDS,
    read_fingerprint,
    root_groups,
    root_words,
    same_word,
    word_list,
)

PUBLISHED = {
    0x00: " ".join(["abandon"] * 23 + ["art"]),
    0x7F: "legal winner thank year wave sausage worth useful legal winner thank year wave sausage "
    "worth useful legal winner thank year wave sausage worth title",
    0x80: "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount "
    "doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
    0xFF: " ".join(["zoo"] * 23 + ["vote"]),
}
"""Entropy of 32 equal bytes to words: from the test vectors that BIP-0039 refers to."""


@pytest.mark.parametrize("byte", PUBLISHED)
def test_words_are_those_of_the_published_vectors(byte: int) -> None:
    digest = Digest(bytes([byte]) * 32)
    assert root_words(digest) == PUBLISHED[byte]
    assert read_fingerprint(PUBLISHED[byte]) == digest


def test_word_list_is_the_published_one() -> None:
    text = "".join(f"{word}\n" for word in word_list())
    found = hashlib.sha256(text.encode()).hexdigest()
    assert found == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert len({word[:PREFIX_CHARACTERS] for word in word_list()}) == len(word_list())


def test_words_and_groups_show_every_bit() -> None:
    words, groups = root_words(Digest(bytes(range(32)))), root_groups(Digest(bytes(range(32))))
    assert len(words.split()) == WORDS
    assert [len(group) for group in groups.split()] == [4] * 13
    for bit in range(256):
        changed = bytearray(range(32))
        changed[bit // 8] ^= 1 << bit % 8
        assert root_words(Digest(bytes(changed))) != words
        assert root_groups(Digest(bytes(changed))) != groups
        assert read_fingerprint(root_words(Digest(bytes(changed)))) == bytes(changed)


def test_words_with_one_replaced_or_two_changed_over_name_no_root() -> None:
    words = root_words(sha256(b"a root")).split()
    found = sum(
        read_fingerprint(" ".join([*words[:place], other, *words[place + 1 :]])) is not None
        for place in range(WORDS - 1)
        for other in word_list()[::41]
        if other != words[place]
    )
    # The check sum has eight bits: one slip in 256 passes, and then names another root.
    assert found < 20
    for place in range(WORDS - 1):
        turned = list(words)
        turned[place], turned[place + 1] = turned[place + 1], turned[place]
        assert read_fingerprint(" ".join(turned)) != sha256(b"a root")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abandon",
        " ".join(["abandon"] * 24),
        " ".join(["abandon"] * 23),
        "ab" * 31,
        " ".join(["abandonx"] + ["abandon"] * 22 + ["art"]),
        " ".join(["aban"] * 23 + ["ar"]),
    ],
)
def test_text_that_spells_no_root_is_none(text: str) -> None:
    assert read_fingerprint(text) is None


def test_word_is_the_same_whole_or_by_its_first_letters_only() -> None:
    assert same_word(" Abandon ", "abandon")
    assert same_word("aban", "abandon")
    assert same_word("art", "art")
    assert not same_word("aba", "abandon")
    assert not same_word("abandons", "abandon")
    assert not same_word("", "abandon")
