"""This station and one peer: whose keys open what, which packet is new, who speaks now.

Nothing here is changed by a packet before it was verified, and no key is destroyed
on its account before what it said is durable: only then `settle` is called.
Spec: docs/protocol.md §7.21 to §7.26
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hotline.core.errors import PeerError, StorageError
from hotline.core.protocols.counters import Counters
from hotline.core.protocols.handshake import ANSWERING, ASKING, Heard, Run, Step, digest_of
from hotline.core.protocols.turn_keys import GRACE_MS, next_aseq
from hotline.sealing.announcement import Announcement
from hotline.sealing.hellos import HelloAnswerItem, HelloEndItem, HelloItem
from hotline.sealing.items import Item, encode_item
from hotline.sealing.packet import Packet, VerifiedPacket
from hotline.sealing.prekey import PREKEY_SEED_BYTES, Prekey
from hotline.sealing.their_keys import TheirKeys
from hotline.sealing.turns import StoredPrekey, TurnKeys
from hotline.station.line import Line, PeerKeys
from hotline.station.line_keys import FIRST_ASEQ, PairSecrets

NONCE_BYTES = 32
MAX_INSTANCES = 64
"""Starts of a peer whose counters are remembered; the one that speaks now is never forgotten."""
RETRY_MS = 3_600_000
"""After line.key could not be written, it is tried again an hour later."""


class Pair:
    """What one station holds towards one peer while it runs.

    Attributes:
        ready: Whether the peer has proved itself since it was doubted.
        faults: What the disk refused, until somebody takes it.
        begins_anew: Whether letters were lost with a key.
        asked_s, nacked_s, resealed_s: When that was done last, by the event loop's clock.
        asked_in_vain: How often the peer was asked since it proved itself.
    """

    def __init__(self, line: Line, peer: str, keys: PeerKeys | None = None) -> None:
        """Begin a new start: no turn key, nobody has proved anything.

        The first prekey is drawn where line.key holds none.

        Args:
            keys: Of one of the peer's consoles that is not in office.
        Raises:
            StorageError: that one could not be written.
        """
        keys = keys or line.peers[peer]
        self.endpoint = keys.endpoint
        self._line, self.peer, self._store = line, peer, keys.store
        held = keys.held if keys.held.prekeys else self._first(keys.held)
        self.ours = TurnKeys(held.prekeys, line.recovery, line.entropy)
        self.theirs = TheirKeys(keys.announced, keys.recovery)
        self.secret = keys.held.secret
        self.counter = 0
        self.ready = False
        self.faults: list[StorageError] = []
        self.begins_anew = False
        self.asked_s = self.nacked_s = self.resealed_s = float("-inf")
        self.asked_in_vain = 0
        self._written, self._not_before_ms = held, 0
        self._heard: dict[str, Counters] = {}
        self._gap_ms: int | None = None
        self._instance = ""
        self._asking, self._answering = Run(ASKING), Run(ANSWERING)
        self._question, self._answered = b"", ("", 0)

    def _first(self, held: PairSecrets) -> PairSecrets:
        now_ms = self._line.clock()
        seed = self._line.entropy(PREKEY_SEED_BYTES)
        held = replace(held, prekeys=(StoredPrekey(next_aseq(FIRST_ASEQ, now_ms), seed, now_ms),))
        if self._store is not None:
            self._store.keep(self.peer, held)
        return held

    # --- which packets are new ---------------------------------------------------------------

    def check_counter(self, packet: Packet, now_ms: int) -> bool:
        """Refuse a packet that came before: routes overtake each other, and every packet is new.

        Returns:
            Whether a newer one of that start came before.
        Raises:
            PeerError: it came before, or nobody knows.
        Spec: docs/protocol.md §7.4, §7.35
        """
        before = self._heard.get(packet.instance)
        after = before.after(packet.counter) if before else Counters(packet.counter)
        if before is not None and packet.counter > before.newest + 1:
            self._gap_ms = now_ms
        self._heard[packet.instance] = after
        while len(self._heard) > MAX_INSTANCES:
            # The start that proved itself stays, or its packets could be played again.
            del self._heard[next(one for one in self._heard if one != self._instance)]
        return after.newest > packet.counter

    def speaks_now(self, packet: Packet) -> bool:
        """Return whether a packet is of the start of the peer that proved itself.

        Of any other nobody knows when it was made.
        Spec: docs/protocol.md §7.26
        """
        return packet.instance == self._instance

    @property
    def instance(self) -> str:
        """The start of the peer that proved itself last, "" when none did."""
        return self._instance

    def _whole(self, now_ms: int) -> bool:
        return self._gap_ms is None or not 0 <= now_ms - self._gap_ms < GRACE_MS

    def opening(self, now_ms: int) -> dict[bytes, Prekey]:
        """Return the keys that open now; those whose time is over are destroyed first.

        Spec: docs/protocol.md §7.23
        """
        self._destroy_over(now_ms)
        return self.ours.opening

    def _destroy_over(self, now_ms: int) -> None:
        self.ours.expire(now_ms, whole=self._whole(now_ms))
        self.ours.destroy(self.ours.left(now_ms))

    # --- what a packet changes, once what it says is durable ------------------------------------

    def settle(self, verified: VerifiedPacket, now_ms: int) -> Sequence[Item]:
        """Take all that a packet says of keys; return what is to be said to that.

        Raises:
            PeerError: its part of the handshake does not fit, or a key is malformed;
                everything else of it is taken.
        """
        try:
            return self._hear(verified, now_ms)
        finally:
            self._use(verified, now_ms)

    def _use(self, verified: VerifiedPacket, now_ms: int) -> None:
        """Use what a packet showed: of our keys that it used, of the day, of the peer's new key.

        Spec: docs/protocol.md §7.6, §7.21
        """
        packet = verified.packet
        self.ours.took(packet.to_kid, now_ms)
        if verified.day > self.secret.floor_day:
            self.secret = self.secret.advanced(verified.day)
        if self.speaks_now(packet):
            self.theirs.take_turn(packet.announcement, packet.sent_at_ms, now_ms)
            self.ready = True
        self.keep(now_ms)

    def keep(self, now_ms: int) -> None:
        """Destroy what is over, and put on the disk what changed: at most a few times a day.

        What the disk refuses is tried again in an hour; meanwhile the memory is ahead of it.
        Spec: docs/protocol.md §7.6, §7.23, §7.24
        """
        self._destroy_over(now_ms)
        held = replace(self._written, secret=self.secret, prekeys=self.ours.prekeys)
        if held != self._written and not self._refused_lately(now_ms):
            self._write(held, now_ms)

    def _write(self, held: PairSecrets, now_ms: int) -> bool:
        try:
            if self._store is not None:
                self._store.keep(self.peer, held)
        except StorageError as error:
            self._not_before_ms = now_ms + RETRY_MS
            self.faults.append(error)
            return False
        self._written = held
        return True

    # --- the handshake -----------------------------------------------------------------------

    def doubt(self) -> None:
        """Begin as if the peer had just started; until it proves itself it gets our prekey.

        Spec: docs/protocol.md §7.25
        """
        self.ready = False
        self.theirs.doubt()
        self.ours.want_turn()

    def must_ask(self, now_ms: int) -> bool:
        """Return whether the peer has not proved itself, or a key of ours is to be told.

        Spec: docs/protocol.md §7.22, §7.24
        """
        fresh = self.ours.prekey_due(now_ms) and not self._refused_lately(now_ms)
        return fresh or not self.ready or self.ours.must_speak(now_ms)

    def _refused_lately(self, now_ms: int) -> bool:
        return 0 < self._not_before_ms - now_ms <= RETRY_MS

    def ask(self, now_ms: int) -> HelloItem:
        """Return a new H1."""
        self._renew(now_ms)
        item = HelloItem(
            nonce=self._line.entropy(NONCE_BYTES),
            prekey=self.ours.offer,
            known=self.theirs.known,
            holds=self.theirs.prekey.aseq,
        )
        self._question = encode_item(item)
        self._asking, _ = self._asking.after(Heard.BEGIN, digest_of(self._question))
        return item

    def _hear(self, verified: VerifiedPacket, now_ms: int) -> Sequence[Item]:
        """Take the first item of the handshake in a packet; return what to say to it.

        Spec: docs/protocol.md §7.26, §7.36
        """
        packet = verified.packet
        for item in packet.items:
            match item:
                case HelloItem():
                    return self._asked_by(packet, item, now_ms)
                case HelloAnswerItem():
                    return [self._end(packet, item, now_ms)]
                case HelloEndItem():
                    self._answering = self._proved(self._answering, packet, item, now_ms)
                    return []
        return []

    def _asked_by(self, packet: Packet, item: HelloItem, now_ms: int) -> list[Item]:
        """Answer an H1, but none that the same start asked before one that was answered.

        It would end the run that the peer takes for the newest, and prove nothing.
        """
        instance, counter = self._answered
        if packet.instance == instance and packet.counter < counter:
            return []
        self._answered = packet.instance, packet.counter
        return [self._answer(packet, item, now_ms)]

    def _answer(self, packet: Packet, item: HelloItem, now_ms: int) -> HelloAnswerItem:
        self._learn(item.known, item.holds, now_ms)
        self._take_prekey(item.prekey)
        self.theirs.take_provisional(packet.announcement)
        self.ours.want_turn()
        self._renew(now_ms)
        question = encode_item(item)
        answer = HelloAnswerItem(
            answers=digest_of(question),
            nonce=self._line.entropy(NONCE_BYTES),
            prekey=self.ours.offer,
            known=self.theirs.known,
            holds=self.theirs.prekey.aseq,
        )
        expected = digest_of(question, encode_item(answer))
        self._answering, _ = self._answering.after(Heard.H1, expected)
        return answer

    def _end(self, packet: Packet, item: HelloAnswerItem, now_ms: int) -> HelloEndItem:
        self._asking = self._proved(self._asking, packet, item, now_ms)
        self._take_prekey(item.prekey)
        return HelloEndItem(
            answers=digest_of(self._question, encode_item(item)),
            known=self.theirs.known,
            holds=self.theirs.prekey.aseq,
        )

    def _proved(
        self, run: Run, packet: Packet, item: HelloAnswerItem | HelloEndItem, now_ms: int
    ) -> Run:
        """Return the run when `item` fits: only somebody who heard our nonce can have said it."""
        after, step = run.after(run.judge(item.answers))
        if step is not Step.PROVED:
            raise PeerError("hello: it answers nothing that was asked")
        self._learn(item.known, item.holds, now_ms)
        self._instance = packet.instance
        return after

    def _learn(self, known: int, holds: int, now_ms: int) -> None:
        self.ours.lift(max(known, holds))
        self.ours.held(holds, now_ms)

    def _take_prekey(self, announced: Announcement) -> None:
        newer = self.theirs.newer_prekey(announced)
        if newer is None:
            return
        try:
            if self._store is not None:
                self._store.keep_announced(self.peer, newer)
        except StorageError as error:
            # We go on without it: the peer is told which one we have, and keeps that one.
            self.faults.append(error)
            return
        self.theirs.adopt(newer)

    def _renew(self, now_ms: int) -> None:
        """Put today's prekey on the disk before anybody hears of it."""
        fresh = self.ours.fresh_prekey(now_ms)
        if fresh is None or self._refused_lately(now_ms):
            return
        prekeys = (*self.ours.prekeys, fresh)
        if self._write(replace(self._written, secret=self.secret, prekeys=prekeys), now_ms):
            self.ours.adopt(fresh)
