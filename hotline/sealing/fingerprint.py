"""How officers read a root's digest to one another (docs/protocol.md §4.7)."""

from __future__ import annotations

import base64
import binascii
import functools
import re
from importlib import resources

from hotline.core.errors import InvariantError
from hotline.core.seams import Entropy
from hotline.core.values import DIGEST_BYTES, Digest, sha256

WORDS = 24
CHECK_WORDS = 4
GROUP_CHARACTERS = 4
PREFIX_CHARACTERS = 4
"""No two words of the list begin with the same four letters: so many are enough to type."""

ASKED_WORDS = 6
"""How many of the words a person types to show that they were compared."""

_LIST_LENGTH = 2_048
_WORD_BITS = 11
_CHECK_BITS = WORDS * _WORD_BITS - 8 * DIGEST_BYTES
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_NUMBERS = re.compile(r"\b[0-9]{1,2}[.:]?(?=\s)")


@functools.cache
def word_list() -> tuple[str, ...]:
    """Return the words of BIP-0039's English list, in its order."""
    text = (resources.files("hotline.sealing") / "wordlist" / "english.txt").read_text("ascii")
    words = tuple(text.split())
    if len(words) != _LIST_LENGTH:
        raise InvariantError("the list of words is not whole; install hotline again")
    return words


@functools.cache
def _prefixes() -> dict[str, int]:
    return {word[:PREFIX_CHARACTERS]: place for place, word in enumerate(word_list())}


def root_words(digest: Digest) -> str:
    """Return all 256 bits as WORDS words: "abandon ability ...".

    Each word stands for 11 bits, the last one for three bits and eight of a check sum.
    Officers read them in turn and compare every one of them.
    Spec: docs/protocol.md §4.7
    """
    number = int.from_bytes(digest) << _CHECK_BITS | _check(digest)
    words = word_list()
    shifts = range((WORDS - 1) * _WORD_BITS, -1, -_WORD_BITS)
    return " ".join(words[number >> shift & (_LIST_LENGTH - 1)] for shift in shifts)


def check_words(record: bytes) -> str:
    """Return CHECK_WORDS words that are the same wherever the same bytes are kept.

    They find a mistake. Against somebody who works at it 44 bits are too few.
    Spec: docs/protocol.md §4.29
    """
    return " ".join(root_words(sha256(record)).split()[:CHECK_WORDS])


def root_groups(digest: Digest) -> str:
    """Return all 256 bits as 13 groups of base32, for paper and labels: "K7QX 2M4D ..."."""
    text = base64.b32encode(digest).decode().rstrip("=")
    return " ".join(
        text[start : start + GROUP_CHARACTERS] for start in range(0, len(text), GROUP_CHARACTERS)
    )


def read_fingerprint(text: str) -> Digest | None:
    """Return the digest that words, base32 groups or hex digits spell, None if none.

    Words may be cut to their first four letters and may be numbered.
    Spec: docs/protocol.md §4.7
    """
    text = text.strip()
    if _HEX.fullmatch(text):
        return Digest(bytes.fromhex(text))
    return _from_words(_NUMBERS.sub(" ", text).lower().split()) or _from_groups(text)


def asked_places(entropy: Entropy) -> tuple[int, ...]:
    """Choose which words a person types, places from 0, in order: nobody knows them before.

    Spec: docs/enrolment.md §4.2
    """
    order = sorted(range(WORDS), key=lambda _place: entropy(8))
    return tuple(sorted(order[:ASKED_WORDS]))


def same_word(typed: str, word: str) -> bool:
    """Return whether what was typed is the word, or its first four letters."""
    typed = typed.strip().lower()
    return typed in (word, word[:PREFIX_CHARACTERS])


def _check(digest: bytes) -> int:
    return sha256(digest)[0] >> 8 - _CHECK_BITS


def _from_words(typed: list[str]) -> Digest | None:
    if len(typed) != WORDS:
        return None
    places = [_prefixes().get(one[:PREFIX_CHARACTERS]) for one in typed]
    number = 0
    for one, place in zip(typed, places, strict=True):
        if place is None or not same_word(one, word_list()[place]):
            return None
        number = number << _WORD_BITS | place
    digest = Digest((number >> _CHECK_BITS).to_bytes(DIGEST_BYTES))
    return digest if number & (1 << _CHECK_BITS) - 1 == _check(digest) else None


def _from_groups(text: str) -> Digest | None:
    letters = re.sub(r"[\s-]", "", text).upper()
    try:
        digest = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return None
    if len(digest) != DIGEST_BYTES:
        return None
    # Spare bits at the end would let two texts name one root.
    spelled = root_groups(Digest(digest)).replace(" ", "")
    return Digest(digest) if spelled == letters else None
