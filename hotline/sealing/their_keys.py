"""A peer's keys as it announced them, and which one to seal to (docs/protocol.md §7.25)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from hotline.core.errors import PeerError
from hotline.core.protocols.turn_keys import LIFE_MS, Missed
from hotline.sealing.announcement import Announcement
from hotline.sealing.hellos import GREETINGS, HelloAnswerItem, HelloItem
from hotline.sealing.items import CertificateItem, HeadItem, Item, NackItem, RevocationItem
from hotline.sealing.prekey import PrekeyPublic

MAX_USED = 64
"""Keys of the peer that we sealed to and remember, so that we know what it misses."""

RECOVERABLE = (*GREETINGS, CertificateItem, RevocationItem, HeadItem, NackItem)
"""What may be sealed to a recovery key, and what one opens."""


class Purpose(Enum):
    """What a packet is for, which decides how lasting a key it is sealed to."""

    MAIL = auto()
    ASK = auto()
    ANSWER = auto()
    NACK = auto()


_ALONE: Mapping[type[Item], Purpose] = {
    HelloItem: Purpose.ASK,
    HelloAnswerItem: Purpose.ANSWER,
    NackItem: Purpose.NACK,
}
"""What a packet of one such item is for."""


def purpose_of(items: tuple[Item, ...]) -> Purpose:
    """Return what a packet of these items is for."""
    return _ALONE.get(type(items[0]), Purpose.MAIL) if len(items) == 1 else Purpose.MAIL


@dataclass(frozen=True, slots=True)
class TheirPrekey:
    """The newest prekey of a peer that is on our disk."""

    aseq: int
    key: PrekeyPublic
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class _TheirTurn:
    aseq: int
    key: PrekeyPublic
    until_ms: int


class TheirKeys:
    """What we seal to one peer with."""

    def __init__(self, prekey: TheirPrekey, recovery: PrekeyPublic) -> None:
        """Begin with what the disk and the peer's card say."""
        self.prekey, self._recovery = prekey, recovery
        self._turn: _TheirTurn | None = None
        self._turn_aseq = 0
        self._provisional: PrekeyPublic | None = None
        self._prekey_lost = False
        self._asked = 0
        self._used: deque[bytes] = deque(maxlen=MAX_USED)

    @property
    def announced(self) -> bool:
        """Whether a turn key of the peer is known, and not missed since."""
        return self._turn is not None

    @property
    def known(self) -> int:
        """The highest aseq of the peer's that we accepted."""
        return max(self._turn_aseq, self.prekey.aseq)

    def doubt(self) -> None:
        """Begin as if the peer had just started: its turn keys may be gone.

        Spec: docs/protocol.md §7.25
        """
        self._turn, self._asked = None, 1

    def take_turn(self, announced: Announcement, sent_at_ms: int, now_ms: int) -> None:
        """Accept a turn key of a peer that proved it speaks now, if it is newer.

        Args:
            sent_at_ms: By the peer's clock, as is `not_after`: the difference is what counts.
        Raises:
            PeerError: the key is malformed.
        Spec: docs/protocol.md §7.21
        """
        self._asked = 0
        if announced.kind != "turn" or announced.aseq <= self._turn_aseq:
            return
        life_ms = min(LIFE_MS, max(0, announced.not_after_ms - sent_at_ms))
        key = self._provisional
        if key is None or key.encoded != announced.pk:
            key = PrekeyPublic(announced.pk)
        self._turn = _TheirTurn(announced.aseq, key, now_ms + life_ms)
        self._turn_aseq = announced.aseq

    def take_provisional(self, announced: Announcement) -> None:
        """Keep the key of an H1 to answer it, and for nothing else: it may be a replay.

        Raises:
            PeerError: the key is malformed.
        Spec: docs/protocol.md §7.26
        """
        self._provisional = PrekeyPublic(announced.pk)

    def newer_prekey(self, announced: Announcement) -> TheirPrekey | None:
        """Return a prekey that is newer than the known one, for the disk, or None.

        Raises:
            PeerError: the key is malformed.
        Spec: docs/protocol.md §7.21
        """
        if announced.kind != "prekey" or announced.aseq <= self.prekey.aseq:
            return None
        return TheirPrekey(announced.aseq, PrekeyPublic(announced.pk), announced.not_after_ms)

    def adopt(self, prekey: TheirPrekey) -> None:
        """Use a prekey of the peer that is on our disk now."""
        self.prekey, self._prekey_lost = prekey, False

    def missed(self, key_id: bytes | None) -> Missed:
        """Note that the peer has not a key; return which one of those that we sealed to.

        Spec: docs/protocol.md §7.25
        """
        if self._turn is not None and self._turn.key.key_id == key_id:
            self._turn = None
            return Missed.NEWEST
        if key_id not in self._used:
            return Missed.NEVER_USED
        if key_id == self.prekey.key.key_id:
            self._prekey_lost = True
            return Missed.EARLIER if self._turn else Missed.NEWEST
        return Missed.EARLIER

    def choose(self, purpose: Purpose, items: tuple[Item, ...], now_ms: int) -> PrekeyPublic:
        """Return the key to seal a packet to: the shortest lived one that the peer must have.

        Raises:
            PeerError: only the recovery key is left, and it is not for such items.
        Spec: docs/protocol.md §7.25
        """
        key = self._chosen(purpose, now_ms)
        if key == self._recovery and not all(isinstance(one, RECOVERABLE) for one in items):
            raise PeerError("no key of the peer that may carry this is known; it must announce one")
        if key.key_id not in self._used:
            self._used.append(key.key_id)
        return key

    def _chosen(self, purpose: Purpose, now_ms: int) -> PrekeyPublic:
        if purpose is Purpose.NACK:
            # Whoever lost its keys has this one still; two that lost theirs find each other.
            return self._recovery
        if purpose is Purpose.ANSWER and self._provisional is not None:
            return self._provisional
        if self._turn is not None and now_ms > self._turn.until_ms:
            self._turn = None
        if purpose is Purpose.ASK:
            self._asked += 1
            if self._asked > 1:
                return self._lasting(now_ms) if self._asked % 2 == 0 else self._recovery
        return self._turn.key if self._turn else self._lasting(now_ms)

    def _lasting(self, now_ms: int) -> PrekeyPublic:
        usable = not self._prekey_lost and now_ms <= self.prekey.not_after_ms
        return self.prekey.key if usable else self._recovery
