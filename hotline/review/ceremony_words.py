"""Words for the events of setting a line up, for a reviewer (docs/ledger.md §23)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.records import events as ev
from hotline.core.times import format_time

_SHORT = 16

_HOW = {
    "WORDS": "its words were compared",
    "KNOWN_ROOT": "a newer one of the root that was compared before",
}
_SHOWN_IN = {
    "CARD": "a card",
    "FILE": "the card in a file of a line",
    "CHARTER": "the charter in a file of a line",
}


def _accepted(event: ev.CardAccepted) -> str:
    return (
        f"the card of {event.station} ({event.card[:_SHORT]}, root {event.root[:_SHORT]}) was "
        f"accepted, {_HOW[event.how]}, {_noted(event.at_ms)}"
    )


def _other_root(event: ev.OtherRootRefused) -> str:
    of = f" of {event.sender}" if event.sender != event.station else ""
    return (
        f"ALARM: {_SHOWN_IN[event.shown_in]}{of} showed the root {event.root[:_SHORT]} for "
        f"{event.station}, whose root {event.known[:_SHORT]} had been compared; it was refused, "
        f"{_noted(event.at_ms)}"
    )


def _step(event: ev.LineStepTaken) -> str:
    what = {
        "OPENED": "was opened here",
        "JOINED": f"was joined here, opened by {event.sender}",
        "ANSWERED": f"was answered by {event.sender}",
        "COMPLETED": "is complete on this side",
        "GIVEN_UP": "was given up here",
    }[event.step]
    file = f", file {event.file[:_SHORT]}" if event.file else ""
    return (
        f"the line {event.name} ({event.line[:_SHORT]}) with {' and '.join(event.peers)} "
        f"{what}{file}, {_noted(event.at_ms)}"
    )


def _noted(at_ms: int) -> str:
    return f"noted {format_time(at_ms)[:19]}Z"


CEREMONY_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.CardAccepted: _accepted,
    ev.OtherRootRefused: _other_root,
    ev.LineStepTaken: _step,
}
"""Kind of event to its words."""
