"""Whose ledger it is: the roots in it against the cards that the reviewer got by hand.

Spec: docs/ledger.md §11.7
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records.cards import MAX_CARD_BYTES, parse_cards, roots_in
from hotline.ledger.verdict import Verdict
from hotline.review.cards import vouched_by
from hotline.review.files import read_bounded
from hotline.review.locating import shown
from hotline.sealing.fingerprint import read_fingerprint, root_words

MAX_WRITTEN_CARDS = 100

_LABEL = re.compile(r"[A-Z0-9-]{1,16}:")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the cards say of the roots in a ledger.

    Attributes:
        cards: How many roots the cards name; 0 without a card.
        established: Members whose root stands on a card, in the charter's order.
        open: Members whose root no card names, with its words.
        strange: Words of each root that stands on a card and in no ledger under review.
    """

    cards: int
    established: tuple[str, ...]
    open: Mapping[str, str]
    strange: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether no card contradicts."""
        return not self.strange

    @property
    def word(self) -> str:
        """What a machine is told."""
        if self.strange:
            return "contradicted"
        if not self.established:
            return "not established"
        return "partly established" if self.open else "established"


def identify_by_cards(verdicts: Sequence[Verdict], vouched: frozenset[str]) -> Identity:
    """Compare the roots of all members with the root words that stand on cards."""
    words: dict[str, str] = {}
    for verdict in verdicts:
        words.update(verdict.root_words)
    return Identity(
        cards=len(vouched),
        established=tuple(name for name, said in words.items() if said in vouched),
        open={name: said for name, said in words.items() if said not in vouched},
        strange=tuple(sorted(vouched - set(words.values()))),
    )


def read_vouched(cards: Sequence[str]) -> frozenset[str]:
    """Return the root words that the cards name.

    Args:
        cards: Each a card file, a text file with a root's words or hex digits on each
            line, or the words or hex digits themselves.
    Raises:
        OperatorError: one of them is none of these, or a record on a card does not verify.
    """
    found: set[str] = set()
    for card in cards:
        written = _written(card)
        found |= {written} if written else _in_file(Path(card))
    return frozenset(found)


def _in_file(path: Path) -> set[str]:
    content = read_bounded(path, MAX_CARD_BYTES)
    try:
        roots = roots_in(parse_cards(content))
    except PeerError:
        roots = []
    if roots:
        return vouched_by(roots)
    lines = [line for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    written = [_written(line) for line in lines[: MAX_WRITTEN_CARDS + 1]]
    if not lines or len(lines) > MAX_WRITTEN_CARDS or None in written:
        raise OperatorError(
            f"{shown(path)} holds neither a station's root nor the words of one",
            hint="a card is a file of public records, or the 24 words or 64 hex digits of a root",
        )
    return {words for words in written if words}


def _written(text: str) -> str | None:
    """Return the words of the root that `text` spells, as in "NORTH: abandon ...", or None."""
    digest = read_fingerprint(_LABEL.sub("", text.strip(), count=1))
    return None if digest is None else root_words(digest)
