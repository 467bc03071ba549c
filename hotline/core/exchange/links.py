"""The routes to a peer, each and all together, as the ledger's events tell of them."""

from __future__ import annotations

from collections.abc import Mapping

from hotline.core.exchange.situation import Link, Situation
from hotline.core.records.events import LinkChanged

GONE = "GONE"
"""The state of a route that this station works no longer; it counts for nothing."""

_SUMMARY = ("UP", "BLOCKED")
"""A peer's link is in the first of these states that one of its routes is in; else DOWN."""


def fold_link(situation: Situation, event: LinkChanged, at_ms: int) -> None:
    """Take one route's change, and what it makes of the peer's link as a whole.

    Spec: docs/transport.md §11.2
    """
    routes = situation.routes.setdefault(event.peer, {})
    if event.state == GONE:
        routes.pop(event.route, None)
    else:
        routes[event.route] = Link(event.state, at_ms, event.reason)
    before = situation.links.get(event.peer)
    state = state_of(routes)
    if before is None or before.state != state or len(routes) == 1:
        situation.links[event.peer] = Link(state, at_ms, event.reason)


def state_of(routes: Mapping[str, Link]) -> str:
    """Return the state of the link that has these routes: up if any is."""
    states = {route.state for route in routes.values()}
    return next((state for state in _SUMMARY if state in states), "DOWN")
