"""Words for the events of releases and forks, for a reviewer (docs/protocol.md §4.16, §7.11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.records import events as ev
from hotline.core.times import format_time

_SHORT = 16


def _asked(event: ev.ReleaseAsked) -> str:
    until = format_time(event.until_ms)[:19]
    return (
        f"{token_of(event.digest)} signed by {event.officer}, AWAITING RELEASE until {until}Z; "
        f"{event.need} officers must sign"
    )


def _ended(event: ev.ReleaseEnded) -> str:
    by = f" by {event.officer}" if event.officer else ""
    return f"{token_of(event.digest)} {event.how}{by}, not sent: {event.reason}"


def _fork(event: ev.ForkSeen) -> str:
    return (
        f"EVIDENCE: {event.peer} gave number {event.seq} of generation {event.generation} to a "
        f"second statement, {token_of(event.digest)}; orders {event.held[:_SHORT]} and "
        f"{event.other[:_SHORT]}; the line is frozen"
    )


def _split(event: ev.SplitSeen) -> str:
    return (
        f"EVIDENCE: {event.peer} signed two heads of {event.size} entries in generation "
        f"{event.generation}, one for another member; roots {event.held[:_SHORT]} and "
        f"{event.other[:_SHORT]}; the line is frozen"
    )


def _resolved(event: ev.ForkResolved) -> str:
    who = " and ".join(event.officers)
    return f"{event.forks} fork(s) of {event.peer} resolved, authorised by {who}: {event.reason}"


def _resolved_there(event: ev.ForkResolvedThere) -> str:
    return _told(event, "our order")


def _resolved_elsewhere(event: ev.ForkResolvedElsewhere) -> str:
    return _told(event, f"the order of {event.of}")


def _told(event: ev.ForkResolvedThere | ev.ForkResolvedElsewhere, order: str) -> str:
    who = " and ".join(event.officers)
    first = f"from number {event.seq}" if event.seq else "two histories of its ledger first,"
    return (
        f"EVIDENCE: {event.peer} saw {event.forks} fork(s) of {order}, {first} "
        f"of generation {event.generation}; resolved there by {who}: {event.reason}"
    )


STANDING_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.ReleaseAsked: _asked,
    ev.ReleaseEnded: _ended,
    ev.ForkSeen: _fork,
    ev.SplitSeen: _split,
    ev.ForkResolved: _resolved,
    ev.ForkResolvedThere: _resolved_there,
    ev.ForkResolvedElsewhere: _resolved_elsewhere,
}
"""Kind of event to its words."""
