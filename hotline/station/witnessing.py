"""Between witnesses: telling each peer what we hold of the others, and what contradicts.

Spec: docs/ledger.md §8.8, §8.9
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from hotline.core.errors import StorageError
from hotline.core.records import events as ev
from hotline.sealing import items as its
from hotline.station.comparing import FORK, UNJOINED, SplitView, refused_head, split_events
from hotline.station.footing import Footing
from hotline.station.requests import Recorded

SEEN_RANK = 10
"""What we hold of third stations goes after everything that somebody waits for."""

SEEN_EVERY_S = 10.0


class Witnessing(Footing):
    """The part of a station that compares notes with the other witnesses of its line."""

    _seen_said_s = 0.0

    def _show_seen(self, peer: str) -> None:
        """Tell a peer our newest head of each third station, as it is at the letter's turn."""
        for third in self.peers:
            if third != peer:
                items = partial(self._comparing.news_for, peer, third)
                self._put(peer, items, rank=SEEN_RANK, key=f"seen {third}")

    async def _keep_comparing(self) -> None:
        """Tell what was witnessed since, ask for what is not joined, record who stays silent."""
        if len(self.peers) == 1:
            return
        now_s = asyncio.get_running_loop().time()
        if now_s - self._seen_said_s >= SEEN_EVERY_S:
            self._seen_said_s = now_s
            for peer in self.peers:
                self._show_seen(peer)
        self._ask_to_join(now_s)
        splits = [*self._comparing.judge_early(), *self._comparing.unanswered(now_s)]
        if splits:
            recorded = await self.note(*[seen for one in splits for seen in split_events(one)])
            self._say_splits(splits, recorded)

    def _ask_to_join(self, now_s: float) -> None:
        """Ask who can answer: what a station says whose list is behind is not read.

        Spec: docs/ledger.md §8.9, docs/protocol.md §7.33
        """

        def hears(one: str) -> bool:
            return self.routes[one].up and one not in self._unread

        for third, asked in self._comparing.due(hears, now_s):
            self._put(third, lambda asked=asked: [asked])  # type: ignore[misc]

    def _say_splits(self, splits: Sequence[SplitView], recorded: Recorded) -> None:
        """Keep the proof of a split view and tell everybody; once, when it was recorded.

        Spec: docs/ledger.md §8.8
        """
        told = [one.event for one in recorded.happenings if isinstance(one.event, ev.HeadRefused)]
        for split in splits:
            if refused_head(split) not in told:
                continue
            self._keep_split(split)
            if split.verdict != UNJOINED:
                refused = its.HeadRefusedItem(
                    origin=split.shown.origin,
                    size=split.shown.size,
                    verdict="FORK" if split.verdict == FORK else "INCONSISTENT",
                )
                self._put(split.station, lambda refused=refused: [refused])  # type: ignore[misc]
            ours = its.SeenItem(checkpoint=split.held.note.decode())
            for peer in self.peers:
                if peer != split.station:
                    self._put(peer, lambda ours=ours: [ours])  # type: ignore[misc]

    def _keep_split(self, split: SplitView) -> None:
        shelf = self._kept.shelf
        if split.verdict != FORK or shelf is None:
            return
        try:
            records = self._ledger.public_records()
            shelf.keep_fork(split.held.note, split.shown, split.note, records)
        except StorageError as error:
            # The event of it is in the ledger; the file is a copy for others.
            self._fault(error)
