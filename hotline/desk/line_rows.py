"""Rows of the timeline about tests of the line and missing acknowledgements."""

from __future__ import annotations

from hotline.core.exchange.situation import Situation
from hotline.core.exchange.tested import DAY_MS
from hotline.core.protocols.channel import Channel
from hotline.core.records import events as ev
from hotline.core.times import format_clock
from hotline.desk.views import Mark

LineEvent = (
    ev.ChannelTestEchoed
    | ev.ChannelTestMissed
    | ev.ChannelChanged
    | ev.AcknowledgementMissing
    | ev.QueryReceived
    | ev.OfficerTestMissed
)


def line_row(situation: Situation, at_ms: int, event: LineEvent) -> tuple[str, str, Mark]:
    """Return (state word, sentence, mark) of such a row.

    Spec: docs/transport.md §12.7
    """
    match event:
        case ev.ChannelTestEchoed() | ev.ChannelTestMissed():
            passed, of = situation.tests[event.peer].days[at_ms // DAY_MS]
            words = f"Channel tests with {event.peer} this day: {passed} of {of} came back"
            return f"TESTS {passed} of {of}", words, Mark.CALM if passed == of else Mark.NOTICE
        case ev.ChannelChanged():
            return _changed(event)
        case ev.AcknowledgementMissing():
            return _missing(situation, event)
        case ev.QueryReceived():
            token = situation.statements[event.digest].token
            words = f"{event.peer} asks: no officer here has acknowledged {token}. F8 opens it"
            return "ASKED", words, Mark.ALARM
        case ev.OfficerTestMissed():
            words = f"No officers' test with {event.peer}; it was due {format_clock(event.due_ms)}"
            return "TEST OWED", f"{words}. F3, Link test", Mark.WARNING


def _changed(event: ev.ChannelChanged) -> tuple[str, str, Mark]:
    where = f"{event.peer} by {event.route}"
    match Channel(event.after):
        case Channel.DOWN:
            words = f"{where}: connected, but no test comes back. Use voice"
            return "NO ECHO", words, Mark.ALARM
        case Channel.DEGRADED:
            words = f"{where}: three tests in a row did not come back"
            return "DEGRADED", words, Mark.WARNING
        case _:
            return "TESTS PASS", f"{where}: a test came back again", Mark.CALM


def _missing(situation: Situation, event: ev.AcknowledgementMissing) -> tuple[str, str, Mark]:
    token, minutes = situation.statements[event.digest].token, event.after_ms // 60_000
    asked = f" {event.peer} was asked." if event.queried else ""
    voice = " Use voice." if event.voice else ""
    words = f"{token}: no officer of {event.peer} in {minutes} min.{asked}{voice}"
    return event.stands, words, Mark.ALARM if event.voice else Mark.WARNING
