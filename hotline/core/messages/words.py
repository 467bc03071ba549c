"""Words of caution for a draft: threats, ultimata and length. They never forbid sending."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from hotline.core.messages.phrasing import Phrasebook, say
from hotline.core.values import Precedence

MAX_URGENT_WORDS = 200
"""Words that a FLASH or IMMEDIATE statement should not exceed (docs/templates.md §8.2)."""

_URGENT = (Precedence.FLASH, Precedence.IMMEDIATE)
_WORD = re.compile(r"[\w'’-]+")


def cautions(
    fields: Mapping[str, str],
    text: str,
    precedence: Precedence,
    listed: Iterable[str],
    phrasebook: Phrasebook,
) -> tuple[str, ...]:
    """Return warnings about the wording of a draft, in the reader's language.

    Args:
        fields: Values as typed or canonical; only their wording counts.
        listed: Expressions of the draft's language from the configuration; an
            expression ending in "*" stands for every word that begins so.
    Spec: docs/templates.md §8
    """
    words = [word for part in (*fields.values(), text) for word in _words(part)]
    found = [
        say(phrasebook, "caution-word", "may read as a threat or an ultimatum", word=expression)
        for expression in _found(words, listed)
    ]
    if precedence in _URGENT and len(words) > MAX_URGENT_WORDS:
        found.append(
            say(
                phrasebook,
                "caution-length",
                "long for its precedence",
                words=str(len(words)),
                most=str(MAX_URGENT_WORDS),
                precedence=precedence.value,
            )
        )
    return tuple(found)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("’", "'"))


def _found(words: list[str], listed: Iterable[str]) -> Iterator[str]:
    for expression in listed:
        wanted = expression.casefold().replace("’", "'").split()
        places = range(len(words) - len(wanted) + 1)
        if wanted and any(_begins(words[at : at + len(wanted)], wanted) for at in places):
            yield expression


def _begins(words: list[str], wanted: list[str]) -> bool:
    return all(
        word.startswith(want[:-1]) if want.endswith("*") else word == want
        for word, want in zip(words, wanted, strict=True)
    )
