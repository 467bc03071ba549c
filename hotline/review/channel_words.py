"""Words for channel tests and missing acknowledgements, for a reviewer (docs/transport.md §12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.records import events as ev
from hotline.core.times import format_time

_SECONDS = 19


def _sent(event: ev.ChannelTestSent) -> str:
    return f"channel test {event.serial} sent to {event.peer} by {event.route}: {event.phrase}"


def _echoed(event: ev.ChannelTestEchoed) -> str:
    return (
        f"channel test {event.serial} came back from {event.peer} by {event.route} after "
        f"{event.rtt_ms} ms; its ledger has {event.size} entries, it says"
    )


def _missed(event: ev.ChannelTestMissed) -> str:
    if event.why == "NOT UP":
        return f"the channel test to {event.peer} by {event.route} was missed: it is not up"
    return f"channel test {event.serial} to {event.peer} by {event.route} was missed: no echo"


def _answered(event: ev.ChannelTestAnswered) -> str:
    return f"channel test {event.serial} of {event.peer} came by {event.route}: {event.phrase}"


def _changed(event: ev.ChannelChanged) -> str:
    return (
        f"the tests say of the route {event.route} to {event.peer}: {event.after}, "
        f"before {event.before}"
    )


def _missing(event: ev.AcknowledgementMissing) -> str:
    asked = f"; {event.peer} is asked" if event.queried else ""
    voice = "; voice is to be tried" if event.voice else ""
    return (
        f"{token_of(event.digest)} is not acknowledged by {event.peer} after "
        f"{event.after_ms // 1000} s: {event.stands}{asked}{voice}"
    )


def _query(event: ev.QueryReceived) -> str:
    return f"{event.peer} asks, the time {event.step}, why nobody read {token_of(event.digest)}"


def _officers(event: ev.OfficerTestMissed) -> str:
    due = format_time(event.due_ms)[:_SECONDS]
    return f"ALARM: no officer tested the line to {event.peer}; it was due {due}Z"


CHANNEL_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.ChannelTestSent: _sent,
    ev.ChannelTestEchoed: _echoed,
    ev.ChannelTestMissed: _missed,
    ev.ChannelTestAnswered: _answered,
    ev.ChannelChanged: _changed,
    ev.AcknowledgementMissing: _missing,
    ev.QueryReceived: _query,
    ev.OfficerTestMissed: _officers,
}
