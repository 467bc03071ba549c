"""What other witnesses hold of a third station's ledger, compared with what we hold.

A station that shows one history to one member and another one to another is found out
when these two show each other its heads: both carry its signature.
Spec: docs/ledger.md §8.8
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hotline.core.errors import PeerError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import (
    Checkpoint,
    parse_note,
    parse_origin,
    verify_checkpoint,
)
from hotline.core.records.merkle import check_consistency
from hotline.core.records.witness import WitnessedHead
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.items import HeldItem, JoinedItem, JoinItem, SeenItem
from hotline.station.line import Line
from hotline.station.witness import ShownBack, Witness

MAX_ASKS = 4
"""So often a station is asked to join two of its heads before its silence is recorded."""

ASK_AGAIN_S = 20.0
FORK, INCONSISTENT, UNJOINED = "FORK", "INCONSISTENT", "UNJOINED"


@dataclass(frozen=True, slots=True)
class SplitView:
    """Two heads that a station signed and that do not go together, as far as is known.

    Attributes:
        station: Who signed both.
        shown, note: What another witness holds.
        held: What we hold.
    """

    station: str
    verdict: str
    shown: Checkpoint
    note: bytes
    held: WitnessedHead


@dataclass(slots=True)
class _Question:
    """A head that another witness holds, to be joined to one of ours by who signed both."""

    shown: Checkpoint
    note: bytes
    held: WitnessedHead
    asks: int = 0
    asked_s: float = 0.0


class Comparing:
    """Shows peers what we witnessed of the others, and judges what they witnessed."""

    def __init__(
        self, line: Line, ledger: Ledger, witness: Witness, generation_of: Callable[[str], int]
    ) -> None:
        """Serve one line; of two stations there is no third to compare."""
        self._line, self._ledger, self._witness = line, ledger, witness
        self._generation_of = generation_of
        self._questions: dict[tuple[str, str], _Question] = {}
        self._early: dict[tuple[str, str], SeenItem] = {}
        self._current: set[str] = set()
        self._settled: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str], int] = {}

    # --- showing -----------------------------------------------------------------------

    def forget_told(self, peer: str) -> None:
        """Begin anew with a peer: the link came up."""
        self.forget_shown(peer)
        self._told = {key: size for key, size in self._told.items() if key[0] != peer}
        self._settled = {key for key in self._settled if key[0] != peer}

    def forget_shown(self, peer: str) -> None:
        """The link to a peer is down: it may come back with keys that it has not shown here."""
        self._current.discard(peer)

    def take_shown(self, peer: str) -> None:
        """A peer showed a head on the link that stands, and so its keys before it."""
        self._current.add(peer)

    def news_for(self, peer: str, third: str) -> list[SeenItem]:
        """Return the newest head of a third station that we witnessed, if `peer` does not know.

        Spec: docs/ledger.md §8.8
        """
        held = self._witness.held_of(third)
        if held is None or self._told.get((peer, held.origin)) == held.size:
            return []
        self._told[peer, held.origin] = held.size
        return [SeenItem(checkpoint=held.note.decode())]

    # --- judging -----------------------------------------------------------------------

    def judge(self, peer: str, item: SeenItem) -> SplitView | None:
        """Compare what `peer` witnessed of a third station with what we did.

        Returns:
            None when both say the same, when the question is put to who signed, when it
            was answered badly since the link came up (one alarm is enough), or when who
            signed has shown no head here since its link is up: its key may be new.
        Raises:
            PeerError: malformed, not of a third member's ledger, or not signed by it.
        Spec: docs/ledger.md §8.8
        """
        note = item.checkpoint.encode()
        third, shown = self._of_third(peer, note)
        if shown is None:
            self._early[peer, third] = item
            return None
        if shown.origin != self._line.origin_of(third, self._generation_of(third)):
            # Of a generation that was left behind, or that was not admitted here yet.
            return None
        key, newest = (peer, third), self._witness.held_of(third)
        same = self._witness.held_at(shown.origin, shown.size)
        if same is not None:
            self._questions.pop(key, None)
            agrees = same.root == shown.root
            return None if agrees else SplitView(third, FORK, shown, note, same)
        if newest is None:
            self._early[key] = item
            return None
        before = self._questions.get(key)
        if key not in self._settled and (before is None or before.shown != shown):
            self._questions[key] = _Question(shown, note, newest)
        return None

    def judge_early(self) -> list[SplitView]:
        """Judge what was seen of a station before we held any head of it, or knew its key."""
        found = []
        for key in [key for key in self._early if key[1] in self._current]:
            # What still nobody signed was no head, and whoever sent it said so long ago.
            with contextlib.suppress(PeerError):
                found.append(self.judge(key[0], self._early.pop(key)))
        return [split for split in found if split is not None]

    def _of_third(self, peer: str, note: bytes) -> tuple[str, Checkpoint | None]:
        """Return which third member signed a head; no head when its key may not be known yet.

        Raises:
            PeerError: malformed, or of no third member; or none of the keys signed it that a
                member has who showed its newest one.
        """
        for third in self._line.roster.members:
            if third in (peer, self._line.station):
                continue
            keys = self._line.roster.ledger_keys(third)
            try:
                shown = verify_checkpoint(note, keys, verify_ed25519)
            except PeerError:
                continue
            if parse_origin(shown.origin).station == third:
                return third, shown
        named = parse_origin(parse_note(note).checkpoint.origin).station
        thirds = {*self._line.roster.members} - {peer, self._line.station, *self._current}
        if named in thirds:
            return named, None
        raise PeerError("a head that was seen is signed by no third member of this line")

    # --- joining -----------------------------------------------------------------------

    def due(self, up: Callable[[str], bool], now_s: float) -> Iterator[tuple[str, JoinItem]]:
        """Yield whom to ask now to join two of its heads, and how."""
        for (_, third), question in self._questions.items():
            waited = question.asks == 0 or now_s - question.asked_s >= ASK_AGAIN_S
            if up(third) and waited and question.asks < MAX_ASKS:
                question.asks, question.asked_s = question.asks + 1, now_s
                note = question.note.decode()
                yield third, JoinItem(checkpoint=note, size=question.held.size)

    def unanswered(self, now_s: float) -> list[SplitView]:
        """Return, once, what a station was asked often enough and did not join."""
        over = [
            key
            for key, question in self._questions.items()
            if question.asks >= MAX_ASKS and now_s - question.asked_s >= ASK_AGAIN_S
        ]
        return [self._split(key, UNJOINED) for key in over]

    def _split(self, key: tuple[str, str], verdict: str) -> SplitView:
        question = self._questions.pop(key)
        self._settled.add(key)
        return SplitView(key[1], verdict, question.shown, question.note, question.held)

    def check_own(self, item: JoinItem) -> ShownBack | None:
        """Compare a head of ours, as a third station holds it, with our ledger.

        Raises:
            PeerError: as `Witness.check_shown_back`.
        Spec: docs/ledger.md §8.6
        """
        return self._witness.check_shown_back(HeldItem(checkpoint=item.checkpoint))

    def join(self, item: JoinItem, shown: ShownBack) -> JoinedItem:
        """Prove that two heads of ours are of one history; `shown` fits our ledger.

        Raises:
            PeerError: the other one is of a size that our ledger does not have.
        Spec: docs/ledger.md §8.9
        """
        size = shown.checkpoint.size
        if not 0 < item.size <= self._ledger.size:
            raise PeerError("join: a head of that size was never signed here")
        old, new = sorted((size, item.size))
        proof = tuple(self._ledger.prove_consistency(old, new))
        return JoinedItem(shown=size, held=item.size, proof=proof)

    def check_joined(self, peer: str, item: JoinedItem) -> SplitView | None:
        """Judge the proof by which `peer` joins two of its heads.

        Returns:
            None when it holds, or answers nothing that we ask.
        Spec: docs/ledger.md §8.9
        """
        for key, question in list(self._questions.items()):
            sizes = question.shown.size, question.held.size
            if key[1] != peer or sizes != (item.shown, item.held):
                continue
            if not _joins(question, item):
                return self._split(key, INCONSISTENT)
            del self._questions[key]
        return None


def _joins(question: _Question, item: JoinedItem) -> bool:
    shown = question.shown.size, question.shown.root
    held = question.held.size, question.held.root
    (old, old_root), (new, new_root) = sorted((shown, held))
    return check_consistency(old, new, old_root, new_root, item.proof)


def refused_head(split: SplitView) -> ev.HeadRefused:
    """Return the event that a station signed a head which contradicts one that we hold."""
    return ev.HeadRefused(peer=split.station, verdict=split.verdict, note=split.note.decode())


def split_events(split: SplitView) -> list[ev.Event]:
    """Return what is recorded of a split view: one that is proven freezes the line, too.

    Spec: docs/protocol.md §7.34
    """
    events: list[ev.Event] = [refused_head(split)]
    if split.verdict == FORK:
        shown, held = split.shown, split.held
        generation = parse_origin(shown.origin).generation
        roots = {"held": held.root.hex(), "other": shown.root.hex()}
        seen = {"peer": split.station, "generation": generation, "size": shown.size, **roots}
        events.append(ev.SplitSeen.model_validate(seen))
    return events
