"""Routes that come up and go down: what is recorded of them, which letters begin anew."""

from __future__ import annotations

from hotline.core.exchange.links import GONE
from hotline.core.records import events as ev
from hotline.station.receiving import Receiving


class Linking(Receiving):
    """The part of a station that follows its routes.

    Spec: docs/transport.md §11.2
    """

    _leaving: bool

    async def _note_start(self) -> None:
        """Record what the last start left open: no route is up, and some are no more.

        Spec: docs/transport.md §11.2
        """
        for peer, bundle in self.routes.items():
            for route, link in list(self.situation.routes.get(peer, {}).items()):
                if route not in bundle.routes:
                    await self._note_link(peer, route, GONE, "this station works it no longer")
                elif link.state == "UP":
                    await self._note_link(peer, route, "DOWN", "this station was started again")

    async def _note_link(self, peer: str, route: str, state: str, reason: str) -> None:
        await self.note(ev.LinkChanged(peer=peer, route=route, state=state, reason=reason[:400]))

    async def _link_changed(self, peer: str, route: str, state: str, reason: str) -> None:
        """Begin the letters anew with a peer that may be; record what an officer must know.

        The letters begin before anything is awaited: what is written meanwhile must come
        after our introduction, and must not be thrown away with the letters of before.
        Dialling again and again is not news.
        """
        others = any(name != route for name in self.routes[peer].best)
        if state == "UP" and not others:
            self._begin_letters(peer, ask=self._begins(peer))
        elif not others:
            self._outgoings[peer].restart()
            self._comparing.forget_shown(peer)
        link = self.situation.routes.get(peer, {}).get(route)
        before = link.state if link else "DOWN"
        now = "DOWN" if state == "DIALING" else state
        if now != before and not self._leaving:
            await self._note_link(peer, route, now, reason)
        if state == "UP" and not others:
            self.show_head(peer)
