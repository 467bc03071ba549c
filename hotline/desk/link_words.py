"""What the link to a peer is called, with each of its routes, in words that fit."""

from __future__ import annotations

from collections.abc import Mapping

from hotline.core.exchange.situation import Link, Situation
from hotline.core.times import format_span
from hotline.desk.views import Mark


def link_words(situation: Situation, peer: str, now_ms: int) -> tuple[tuple[str, ...], Mark]:
    """Return a link's state in words, the fullest first, and how much it matters.

    As in "UP", "DOWN 06:12"; of several routes, one of which is not up, as in
    "UP direct, relay-a DOWN 06:12", "UP, relay-a DOWN" and "UP 1 of 2".
    Spec: docs/transport.md §11.7
    """
    link, routes = situation.links.get(peer), situation.routes.get(peer, {})
    if link is None:
        return ("DOWN",), Mark.WARNING
    if link.state != "UP":
        return (_for_long(link, now_ms),), Mark.WARNING
    if all(route.state == "UP" for route in routes.values()):
        return ("UP",), Mark.CALM
    return _partly(routes, now_ms), Mark.NOTICE


def _partly(routes: Mapping[str, Link], now_ms: int) -> tuple[str, ...]:
    up = [name for name, route in routes.items() if route.state == "UP"]
    others = {name: route for name, route in routes.items() if name not in up}
    full = [f"{name} {_for_long(route, now_ms)}" for name, route in others.items()]
    brief = [f"{name} {route.state}" for name, route in others.items()]
    return (
        f"UP {', '.join([*up, *full])}",
        f"UP, {', '.join(brief)}",
        f"UP {len(up)} of {len(routes)}",
    )


def _for_long(link: Link, now_ms: int) -> str:
    """Return a state with how long it has been so."""
    return f"{link.state} {format_span(now_ms - link.since_ms)}" if link.since_ms else link.state
