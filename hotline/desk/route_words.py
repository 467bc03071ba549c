"""The routes of a link by name, where there is room for more than how many are in order."""

from __future__ import annotations

from collections.abc import Mapping

from hotline.core.exchange.situation import Link
from hotline.core.times import format_span


def route_words(word: str, routes: Mapping[str, Link], now_ms: int) -> tuple[str, ...]:
    """Return what says more than `word` of a link whose routes are not all up, the fullest first.

    As in "UP direct, relay-a DOWN 06:12" and "UP, relay-a DOWN"; () where `word` says
    all, or something graver.
    Spec: docs/transport.md §11.7
    """
    up = [name for name, route in routes.items() if route.state == "UP"]
    graver = word != "UP" and " of " not in word
    if graver or not up or len(up) == len(routes):
        return ()
    others = {name: route for name, route in routes.items() if name not in up}
    full = [
        f"{name} {route.state} {format_span(now_ms - route.since_ms)}"
        for name, route in others.items()
    ]
    brief = [f"{name} {route.state}" for name, route in others.items()]
    return f"UP {', '.join([*up, *full])}", f"UP, {', '.join(brief)}"
