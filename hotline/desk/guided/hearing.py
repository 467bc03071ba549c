"""Comparing a card by voice: some words typed as heard, then all of them shown."""

from __future__ import annotations

from hotline.core.seams import Entropy
from hotline.sealing.card import Card
from hotline.sealing.fingerprint import asked_places, root_words, same_word
from hotline.station.cards import words_differ

TRIES = 2


class Hearing:
    """One card on its way in. No word of it is given away before it was typed.

    Spec: docs/enrolment.md §4.2
    """

    def __init__(self, card: Card, encoded: bytes, entropy: Entropy) -> None:
        self.card = card
        self.encoded = encoded
        self.places = asked_places(entropy)
        self.heard = 0
        self._words = tuple(root_words(card.root.digest).split())
        self._tries = TRIES

    def hear(self, typed: str) -> bool:
        """Take the next word; False: not that one, and it may be tried once more.

        Raises:
            OperatorError: not that one a second time: the words differ.
        """
        if self.words:
            return True
        if same_word(typed, self._words[self.places[self.heard]]):
            self.heard, self._tries = self.heard + 1, TRIES
            return True
        self._tries -= 1
        if self._tries == 0:
            raise words_differ(self.card)
        return False

    @property
    def words(self) -> tuple[str, ...]:
        """All words, once those that were asked for were typed right; before that none."""
        return self._words if self.heard == len(self.places) else ()
