"""How well a route answers right now, in words; nothing of it is in the record."""

from __future__ import annotations

import asyncio

from hotline.core.protocols.route_health import RouteState
from hotline.station.station import Station

_LATELY_S = 60


def health_words(station: Station, peer: str, route: str) -> str:
    """Return round trip and last sign of life of a route that is up, "" when nobody knows."""
    bundle = station.routes.get(peer)
    if bundle is None or route not in bundle.routes or not bundle.routes[route].up:
        return ""
    health = bundle.health(route)
    if health.srtt_s is None or health.last_heard_s is None:
        return ""
    silent_s = max(0, round(asyncio.get_running_loop().time() - health.last_heard_s))
    # By the minute: a count that runs would draw the screen anew all the time.
    heard = "heard now" if silent_s < _LATELY_S else f"silent for {silent_s // 60} min"
    slow = ", SLOW or missing answers" if health.state is RouteState.DEGRADED else ""
    return f"answers in {max(1, round(health.srtt_s * 1000))} ms, {heard}{slow}"
