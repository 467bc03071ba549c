"""Keeping the record: anchors of the journal, hourly and closing heads, the situation cache.

Spec: docs/ledger.md §18
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from typing import Literal

from hotline.core.errors import HotlineError, StorageError
from hotline.core.messages.catalogue import PackRef
from hotline.core.records import events as ev
from hotline.station.anchors import newest_anchor
from hotline.station.footing import Footing, Kept
from hotline.station.home import Home, OpenLine
from hotline.station.intake import Taken
from hotline.station.journal import Journal, JournalOwner, open_journal, own_records
from hotline.station.outsiders import open_outsiders
from hotline.station.requests import Recorded
from hotline.station.snapshotting import SituationCache

HOUR_MS = 3_600_000
MAX_CACHE_PAUSE_S = 0.25
"""The console stands still while a cache is made: what takes longer is made at the close only."""

Occasion = Literal["hour", "watch", "close"]


class Keeping(Footing):
    """The part of a station that keeps its record in good order."""

    _hour: int | None = None
    _cache_pause_s = 0.0

    async def note(self, *events: ev.Event) -> Recorded:
        """Record facts of this station; a sign-on in the journal first.

        Spec: docs/ledger.md §18.5
        """
        watches = [event for event in events if isinstance(event, ev.WatchOpened)]
        journal = self._kept.journal
        if journal is None or not watches:
            return await super().note(*events)
        await asyncio.to_thread(journal.record, *watches)
        return await super().note(*events, await _anchor(journal, "watch"))

    async def conclude(self) -> None:
        """End the watch in good order: the closing head, which others are asked to countersign.

        Raises:
            StorageError, IntegrityError: it could not be recorded.
        Spec: docs/ledger.md §18.7
        """
        await self._sign_for_long("close")
        await self._cosigning.settle()

    async def _keep_hour(self, now_ms: int) -> None:
        """At each full hour, UTC: anchor, sign, show, and write the cache."""
        hour = now_ms // HOUR_MS
        if self._hour is None:
            self._hour = hour
        if hour <= self._hour:
            return
        self._hour = hour
        await self._sign_for_long("hour")
        # A station that speaks to nobody must not keep head.db behind for ever.
        await self._recorder.release()
        if self._cache_pause_s <= MAX_CACHE_PAUSE_S:
            self._write_cache()

    async def _sign_for_long(self, occasion: Occasion) -> None:
        """Sign our newest head for long, unless nothing was recorded since the last one.

        Spec: docs/ledger.md §18.7
        """
        journal = self._kept.journal
        grew = self.situation.length > self._longterm.signed_size
        if not grew and not (journal and journal.unanchored):
            return
        if journal is not None:
            await self.note(await _anchor(journal, occasion))
        signed = self._longterm.sign(self.situation.length)
        await self._record(lambda _situation, _now_ms: (), lasting=[signed])
        self._show_lasting()
        self._cosigning.wake()

    def _show_lasting(self, peer: str = "") -> None:
        """Ask a peer, or all, to countersign our newest long-signed head, if it has not."""
        for one in [peer] if peer else self.peers:
            self._put(one, functools.partial(self._longterm.show, one), key="lasting")

    def _answer_lasting(self, taken: Taken) -> None:
        """Countersign the peer's long-signed heads, which are recorded now."""
        for head in taken.long_signed:
            items = functools.partial(self._longterm.countersign, taken.peer, head)
            self._put(taken.peer, items, key=f"lasting {head.size}")

    def _write_cache(self) -> None:
        if self._kept.cache is None:
            return
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            self._kept.cache.write(self.situation, self._ledger)
        except StorageError as error:
            self._fault(error)
        self._cache_pause_s = loop.time() - began_s

    async def _close_record(self) -> None:
        """The last things of an orderly close; a station that failed leaves all as it is."""
        try:
            if self._recorder.failure is None:
                with contextlib.suppress(HotlineError):
                    await self._sign_for_long("close")
                    await self._recorder.release()
                    self._write_cache()
        finally:
            if self._kept.journal is not None:
                self._kept.journal.close()


async def _anchor(journal: Journal, occasion: Occasion) -> ev.JournalAnchored:
    head = await asyncio.to_thread(journal.head)
    return ev.JournalAnchored(
        origin=head.origin, size=head.size, root=head.root.hex(), occasion=occasion
    )


def open_kept(
    home: Home, opened: OpenLine, passphrase: str | None, packs: Sequence[PackRef]
) -> Kept:
    """Open what a station keeps beside a line: its journal, made if there is none, and the cache.

    Args:
        passphrase: Of the station's key files.
        packs: The packs of templates in use.
    Raises:
        OperatorError: the journal's key file does not open.
        IntegrityError: the journal was altered, lost or put back, by itself or by what
            the line's ledger anchors of it.
        StorageError: the disk.
    Spec: docs/ledger.md §18.6
    """
    line = opened.line
    owner = _owner(opened, passphrase, {one.name: one.digest.hex() for one in packs})
    anchored = newest_anchor(opened.ledger, opened.shelf.past.readers)
    journal = open_journal(home.path, owner, line.clock, line.entropy, anchored)
    cache = SituationCache(opened.directory, opened.months, opened.shelf.past.readers)
    records = opened.ledger.public_records()
    outsiders = open_outsiders(opened.directory, line.roster, line.station, records)
    return Kept(journal, opened.months, cache, opened.shelf, outsiders)


def _owner(opened: OpenLine, passphrase: str | None, packs: dict[str, str]) -> JournalOwner:
    roster, station = opened.line.roster, opened.line.station
    root = roster.roots[station].digest
    own = {one.id for one in roster.certificates.values() if one.station == station}
    own |= {one.digest for one in roster.lineages[station].roots}
    records = [record.encode() for record in opened.card.records]
    return JournalOwner(
        station=station,
        realm=opened.line.realm,
        root=root,
        records=own_records(records, frozenset(own)),
        packs=packs,
        signer=opened.line.ledger,
        trusted_keys=roster.ledger_keys(station),
        passphrase=passphrase,
    )
