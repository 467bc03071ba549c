"""Routes that come up and go down: what is recorded of them, which letters begin anew."""

from __future__ import annotations

import asyncio

from hotline.core.exchange.links import GONE
from hotline.core.records import events as ev
from hotline.station.receiving import Receiving
from hotline.transport.route import Route


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
        Dialling again and again is not news, nor that a blocked route looks again.
        """
        link = self.situation.routes.get(peer, {}).get(route)
        before = link.state if link else "DOWN"
        now = state
        if state == "DIALING":
            now = "BLOCKED" if before == "BLOCKED" else "DOWN"
        begins = state == "UP" and self._begins_by(peer, route)
        if begins:
            self._begin_letters(peer, ask=self._begins(peer))
        elif state != "UP":
            self._lose_route(peer, route, was_up=before == "UP")
        if now != before and not self._leaving:
            await self._note_link(peer, route, now, reason)
        if begins:
            self.show_head(peer)

    def _others(self, peer: str, route: str) -> list[Route]:
        """Return the peer's other routes that are up."""
        bundle = self.routes[peer]
        return [one for name, one in bundle.routes.items() if name != route and one.up]

    def _begins_by(self, peer: str, route: str) -> bool:
        """Return whether a route that came up may lead to a peer that was started again.

        Where a session with it stands it was not; that a relay is there says nothing of it.
        Spec: docs/transport.md §11.2
        """
        others = self._others(peer, route)
        stores = self.routes[peer].routes[route].stores
        return not others if stores else all(one.stores for one in others)

    def _lose_route(self, peer: str, route: str, *, was_up: bool) -> None:
        """Give the letters up where no route is left; else see what the lost one carried.

        Where only relays are left the peer may be away: what goes there is sealed to a key
        on its disk until it proves itself again.
        Spec: docs/transport.md §11.2, docs/protocol.md §7.38
        """
        others, outgoing = self._others(peer, route), self._outgoings[peer]
        if not others:
            outgoing.restart()
            self._comparing.forget_shown(peer)
        elif was_up:
            outgoing.lost(route, asyncio.get_running_loop().time())
            stored = self.routes[peer].routes[route].stores
            if not stored and all(one.stores for one in others):
                self._courier.pairs[peer].doubt()
                self._ask_hello(peer)
