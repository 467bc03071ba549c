"""Our keys towards one peer: turn keys in memory, prekeys on disk, the recovery key.

Whoever holds these objects opens; a key that is dropped here is destroyed
(docs/threat-model.md §4.1). Spec: docs/protocol.md §7.22 to §7.24
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hotline.core.protocols import turn_keys as tables
from hotline.core.protocols.turn_keys import Moment, Ring
from hotline.core.seams import Entropy
from hotline.core.times import format_time
from hotline.sealing.announcement import Announcement
from hotline.sealing.certificate import MAX_VALIDITY_MS
from hotline.sealing.line_secret import DAY_MS, day_number
from hotline.sealing.prekey import PREKEY_SEED_BYTES, Prekey, PrekeyPublic, draw_prekey

KEPT_MS = 3 * DAY_MS
"""How long a prekey opens after the peer has a newer one."""
MAX_PREKEYS = 32
"""Prekeys towards one peer; while it is silent, no more are drawn than that."""


@dataclass(frozen=True, slots=True)
class StoredPrekey:
    """A prekey as it lies on the disk.

    Attributes:
        replaced_ms: Since when the peer has a newer one; 0: as far as we know it has none.
    """

    aseq: int
    seed: bytes = field(repr=False)
    made_ms: int
    replaced_ms: int = 0

    def over(self, now_ms: int) -> bool:
        """Return whether it is to be destroyed."""
        return self.replaced_ms > 0 and now_ms - self.replaced_ms >= KEPT_MS


class TurnKeys:
    """What we open with from one peer."""

    def __init__(self, prekeys: Sequence[StoredPrekey], recovery: Prekey, entropy: Entropy) -> None:
        """Begin without a turn key.

        Args:
            prekeys: At least one, oldest first.
            recovery: Opens announcements, heads and NACKs only.
        """
        self.recovery, self._entropy = recovery, entropy
        self.prekeys = tuple(prekeys)
        self._stored = {one.aseq: Prekey(one.seed) for one in prekeys}
        self._turns: dict[int, Prekey] = {}
        self._ring = Ring(floor=max(one.aseq for one in prekeys))
        self._outdone = False
        self._announced: Announcement | None = None
        self._offered: Announcement | None = None

    @property
    def opening(self) -> dict[bytes, Prekey]:
        """Every key that opens now, by its key id."""
        keys = (self.recovery, *self._stored.values(), *self._turns.values())
        return {key.public.key_id: key for key in keys}

    @property
    def newest(self) -> int:
        """The highest aseq that was given out, or that the peer knows."""
        return self._ring.floor

    # --- turn keys, in memory only -------------------------------------------------------

    def announce(self, now_ms: int) -> Announcement:
        """Return the newest turn key as the next packet announces it; draw it when one is due.

        Spec: docs/protocol.md §7.22
        """
        if tables.reason(tables.ROTATE, Moment(self._ring, now_ms)):
            self._ring = tables.rotated(self._ring, now_ms)
            self._turns[self._ring.floor] = draw_prekey(self._entropy)
            self._forget()
        turn = self._ring.current
        assert turn is not None, "the table has a row for it"
        if self._announced is None or self._announced.aseq != turn.aseq:
            self._announced = Announcement(
                aseq=turn.aseq,
                pk=self._turns[turn.aseq].public.encoded,
                kind="turn",
                not_after=format_time(turn.made_ms + tables.LIFE_MS),
            )
        return self._announced

    def want_turn(self) -> None:
        """Have the next packet announce a new turn key."""
        ring = self._ring
        self._ring = Ring(ring.current, ring.previous, ring.floor, wanted=True)

    def must_speak(self, now_ms: int) -> bool:
        """Return whether a new turn key is due although nothing else is to be said."""
        return bool(tables.reason(tables.SPEAK, Moment(self._ring, now_ms)))

    def lift(self, known: int) -> None:
        """Go on above what the peer says it knows of ours.

        Raises:
            PeerError: nobody can have counted that far.
        """
        self._ring = tables.lifted(self._ring, known)

    def took(self, key_id: bytes, now_ms: int) -> None:
        """Note what a packet was sealed to; call it when what the packet said is durable."""
        for aseq, key in self._turns.items():
            if key.key_id == key_id:
                self._ring = tables.opened(self._ring, aseq, now_ms)
        for aseq, key in self._stored.items():
            if key.key_id == key_id:
                self.held(aseq, now_ms)

    def expire(self, now_ms: int, *, whole: bool) -> None:
        """Destroy the turn keys whose time is over.

        Spec: docs/protocol.md §7.23
        """
        left = tables.expired(self._ring, now_ms, whole=whole)
        if left is not self._ring:
            self._ring = left
            self._forget()

    def _forget(self) -> None:
        for aseq in self._turns.keys() - self._ring.alive:
            del self._turns[aseq]

    # --- prekeys, one a day, on disk -------------------------------------------------------

    @property
    def newest_prekey(self) -> PrekeyPublic:
        """The newest key on the disk."""
        return self._stored[self.prekeys[-1].aseq].public

    @property
    def offer(self) -> Announcement:
        """The newest prekey, for the handshake."""
        newest = self.prekeys[-1]
        if self._offered is None or self._offered.aseq != newest.aseq:
            self._offered = Announcement(
                aseq=newest.aseq,
                pk=self.newest_prekey.encoded,
                kind="prekey",
                not_after=format_time(newest.made_ms + MAX_VALIDITY_MS),
            )
        return self._offered

    def prekey_due(self, now_ms: int) -> bool:
        """Return whether the newest prekey is of an earlier day, or older than the peer knows."""
        aged = day_number(now_ms) > day_number(self.prekeys[-1].made_ms)
        return (aged or self._outdone) and len(self.prekeys) < MAX_PREKEYS

    def fresh_prekey(self, now_ms: int) -> StoredPrekey | None:
        """Draw today's prekey, or one that the peer will not think old; None if none is due.

        It counts for nothing before `adopt`, which is for when it is on the disk.
        Spec: docs/protocol.md §7.24
        """
        if not self.prekey_due(now_ms):
            return None
        aseq = tables.next_aseq(self._ring.floor, now_ms)
        return StoredPrekey(aseq, self._entropy(PREKEY_SEED_BYTES), now_ms)

    def adopt(self, fresh: StoredPrekey) -> None:
        """Use a prekey that is on the disk now."""
        self.prekeys = (*self.prekeys, fresh)
        self._stored[fresh.aseq] = Prekey(fresh.seed)
        self._ring = replace(self._ring, floor=max(self._ring.floor, fresh.aseq))
        self._outdone = False

    def held(self, aseq: int, now_ms: int) -> None:
        """Note that the peer has the prekey `aseq` on its disk: those before it are replaced.

        One that is newer than all of ours is lost here: our disk was put back.
        """
        self._outdone = self._outdone or aseq > self.prekeys[-1].aseq
        if aseq not in self._stored:
            return
        self.prekeys = tuple(
            [
                replace(one, replaced_ms=now_ms) if one.aseq < aseq and not one.replaced_ms else one
                for one in self.prekeys
            ]
        )

    def left(self, now_ms: int) -> tuple[StoredPrekey, ...]:
        """Return the prekeys that stay at `now_ms`.

        Spec: docs/protocol.md §7.24
        """
        return tuple([one for one in self.prekeys if not one.over(now_ms)])

    def destroy(self, left: tuple[StoredPrekey, ...]) -> None:
        """Destroy every prekey that is not in `left`."""
        if left == self.prekeys:
            return
        self.prekeys = left
        for aseq in self._stored.keys() - {one.aseq for one in left}:
            del self._stored[aseq]
