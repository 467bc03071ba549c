"""Callers that the direct listeners turned away: counted there, recorded here now and then.

Spec: docs/transport.md §13.3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hotline.core.records import events as ev
from hotline.station.bundle import Bundle
from hotline.transport.listener import Listener

PAUSE_S = 3_600.0
"""Between two entries: whoever calls must not be able to fill the record."""

MIN_CALLERS = 20
"""Fewer are a network's everyday accidents."""

IN_A_SESSION = frozenset({"text", "oversized", "slowed", "replaced"})
"""What is counted of a peer that proved itself."""


class TurnedAway:
    """Says how many callers were turned away since it last did, and why."""

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()
        self._said_s: float | None = None

    def summary(self, bundles: Iterable[Bundle], now_s: float) -> ev.CellsRefused | None:
        """Return what is to be recorded; None while there is too little, or too soon.

        Spec: docs/transport.md §13.3
        """
        if self._said_s is not None and now_s - self._said_s < PAUSE_S:
            return None
        found = _counted(bundles)
        news = found - self._said
        if news.total() < MIN_CALLERS:
            return None
        self._said, self._said_s = found, now_s
        words = ", ".join(f"{count} {word}" for word, count in news.most_common())
        return ev.CellsRefused(count=news.total(), reason=f"callers turned away: {words}")


def _counted(bundles: Iterable[Bundle]) -> Counter[str]:
    found: Counter[str] = Counter()
    for bundle in bundles:
        for route in bundle.routes.values():
            if isinstance(route, Listener):
                found.update(route.refused)
    for word in IN_A_SESSION:
        del found[word]
    return found
