"""Every event in one sentence: a row of the table for each kind (docs/ledger.md §3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.exchange.situation import Happening
from hotline.core.messages.catalogue import Catalogue
from hotline.core.messages.phrasing import Phrasebook
from hotline.core.messages.rendering import headline
from hotline.core.messages.statement import Statement
from hotline.core.records import events as ev
from hotline.core.text import refused_character
from hotline.core.times import format_clock, format_span, format_time
from hotline.review.attachment_words import ATTACHMENT_WORDS
from hotline.review.ceremony_words import CEREMONY_WORDS
from hotline.review.channel_words import CHANNEL_WORDS
from hotline.review.keeping_words import KEEPING_WORDS
from hotline.review.standing_words import STANDING_WORDS
from hotline.review.trust_words import TRUST_WORDS

_SHORT = 16
_SECONDS = 19
_DIGEST = re.compile(r"[0-9a-f]{64}")

_AWAITED = {
    "read": "an officer's acknowledgement of",
    "reply": "a reply to",
    "promise": "the full reply promised in",
}


def printable(text: str) -> str:
    """Return `text` on one line, with a `?` for each character no screen should be given."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if refused_character(char, newlines=False) is None else "?"
        for char in text.replace("\n", " ")
    )


def _ledger_opened(event: ev.LedgerOpened) -> str:
    return f"the ledger of {event.station} begins, {event.realm}, generation {event.generation}"


def _receipt(event: ev.ReceiptObtained) -> str:
    flaw = "" if event.verdict == "VERIFIED" else f" as {event.verdict}"
    return (
        f"{event.peer} proved that it recorded {token_of(event.digest)}{flaw} as its entry "
        f"{event.index}, and countersigned our first {event.our_size} entries"
    )


def _read(event: ev.OfficerAcknowledged) -> str:
    who = f"{event.role} {event.name} at {event.station}"
    return f"{token_of(event.digest)} READ BY OFFICER: {who}"


def _read_back(event: ev.ReadBack) -> str:
    outcome = "agrees" if event.agreed else "DIFFERS"
    return f"{event.station} read {token_of(event.digest)} back: it {outcome}"


def _dialogue_opened(event: ev.DialogueOpened) -> str:
    return f"{token_of(event.digest)} of {event.station} expects an answer ({event.reply})"


def _held(event: ev.DialogueHeld) -> str:
    until = "" if event.until_ms is None else f", the full one by {format_clock(event.until_ms)}"
    return f"{token_of(event.digest)} got a holding reply {token_of(event.statement)}{until}"


def _dialogue_closed(event: ev.DialogueClosed) -> str:
    return f"{token_of(event.digest)} is {event.how}, by {token_of(event.statement)}"


def _moved(event: ev.LadderMoved) -> str:
    what = " ".join(word for word in (event.act, event.value, event.step) if word)
    change = f"{event.before} to {event.after}"
    return f"{event.incident}: {event.station} {what} ({token_of(event.statement)}): {change}"


def _out_of_turn(event: ev.StepOutOfTurn) -> str:
    what = " ".join(word for word in (event.act, event.value) if word)
    return (
        f"{event.incident}: {event.station} {what} ({token_of(event.statement)}) has no effect "
        f"in {event.state}: {event.reason}"
    )


def _awaited(event: ev.DeadlineSet | ev.DeadlineMet | ev.DeadlineMissed) -> str:
    return f"{_AWAITED[event.clock]} {token_of(event.digest)}"


def _deadline_set(event: ev.DeadlineSet) -> str:
    due = format_time(event.due_ms)[:_SECONDS]
    return f"{event.station} has until {due}Z for {_awaited(event)}"


def _locked(event: ev.DeskLocked) -> str:
    why = "on a key"
    if event.why == "IDLE":
        why = f"no key was pressed for {format_span(event.idle_ms)}"
    return f"the desk of {event.role} {event.name} is LOCKED: {why}"


def _unlocked(event: ev.DeskUnlocked) -> str:
    how = "by the passphrase" if event.how == "PASSPHRASE" else "by a confirmation, no passphrase"
    failed = f", after {event.failed} tries in vain" if event.failed else ""
    return f"{event.role} {event.name} unlocked the desk {how}{failed}"


def _inject(event: ev.InjectPlayed) -> str:
    by = f", set off by {token_of(event.trigger)}" if _DIGEST.fullmatch(event.trigger) else ""
    return f"inject {event.inject} played{by}"


def _head_refused(event: ev.HeadRefused) -> str:
    return f"EVIDENCE: {event.peer} showed a head that contradicts an earlier one ({event.verdict})"


def _gap(event: ev.GapSeen) -> str:
    return f"numbers {event.first_seq} to {event.last_seq} of {event.peer} are missing"


def _doubted(event: ev.ClockDoubted) -> str:
    span = format_span(abs(event.difference_ms))
    return f"the clocks of the stations differ by {span}, seen with {token_of(event.digest)}"


_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.LedgerOpened: _ledger_opened,
    ev.RecordAdmitted: lambda e: f"public record {e.record[:_SHORT]} admitted",
    ev.StatementQuarantined: lambda e: f"QUARANTINED, from {e.sender or 'unknown'}: {e.reason}",
    ev.ReceiptObtained: _receipt,
    ev.RejectionReceived: lambda e: f"{e.peer} REJECTED {token_of(e.digest)}: {e.reason}",
    ev.DisplayedHere: lambda e: f"{token_of(e.digest)} stood on the screen of our {e.role}",
    ev.DisplayedThere: lambda e: f"{token_of(e.digest)} stood on a screen at {e.peer}",
    ev.OfficerAcknowledged: _read,
    ev.ReadBack: _read_back,
    ev.DialogueOpened: _dialogue_opened,
    ev.DialogueHeld: _held,
    ev.DialogueClosed: _dialogue_closed,
    ev.IncidentOpened: lambda e: f"{e.incident} opened by {e.station}, {token_of(e.statement)}",
    ev.IncidentClosed: lambda e: f"{e.incident} closed by every side, {token_of(e.statement)}",
    ev.LadderMoved: _moved,
    ev.StepOutOfTurn: _out_of_turn,
    ev.DeadlineSet: _deadline_set,
    ev.DeadlineMet: lambda e: f"{_awaited(e)} came: {token_of(e.statement)}",
    ev.DeadlineMissed: lambda e: f"OVERDUE: {_awaited(e)}",
    ev.LinkChanged: lambda e: f"the link to {e.peer} by {e.route} is {e.state}: {e.reason}",
    ev.StatementRetracted: lambda e: f"{token_of(e.digest)} RETRACTED by {token_of(e.statement)}",
    ev.StatementCorrected: lambda e: f"{token_of(e.digest)} CORRECTED by {token_of(e.statement)}",
    ev.PackLoaded: lambda e: f"pack {e.pack} in use, {e.digest[:_SHORT]}",
    ev.WatchOpened: lambda e: f"{e.role} {e.name} has the watch here",
    ev.DeskLocked: _locked,
    ev.DeskUnlocked: _unlocked,
    ev.DrillStarted: lambda e: f"EXERCISE EXERCISE EXERCISE: {e.title} ({e.scenario})",
    ev.InjectPlayed: _inject,
    ev.DrillEnded: lambda e: f"the exercise is over: {e.outcome}",
    ev.CellsRefused: lambda e: f"{e.count} refused: {e.reason}",
    ev.HeadRefused: _head_refused,
    ev.GapSeen: _gap,
    ev.ClockDoubted: _doubted,
    **ATTACHMENT_WORDS,
    **CEREMONY_WORDS,
    **CHANNEL_WORDS,
    **KEEPING_WORDS,
    **STANDING_WORDS,
    **TRUST_WORDS,
}
"""Kind of event to its words; statements have theirs in `Sentences`."""


def event_words(event: ev.Event) -> str:
    """Return what an event says without its statement; "" where only the statement says it."""
    words = _WORDS.get(type(event))
    return printable(words(event)) if words else ""


class Sentences:
    """Says events, in the language of one phrasebook."""

    def __init__(self, catalogue: Catalogue, phrasebook: Phrasebook) -> None:
        """Take the headline of a statement from its template in `catalogue`."""
        self._catalogue, self._phrasebook = catalogue, phrasebook

    def say(self, happening: Happening) -> str:
        """Return time, kind and words on one line, as in "13:03:24Z WatchOpened: ..."."""
        event = happening.event
        words = self._statement(happening) or _WORDS[type(event)](event)
        return printable(f"{format_clock(happening.at_ms)} {type(event).__name__}: {words}")

    def _statement(self, happening: Happening) -> str:
        event, statement = happening.event, happening.statement
        if statement is None or not isinstance(event, ev.StatementSent | ev.StatementReceived):
            return ""
        received = isinstance(event, ev.StatementReceived)
        way = f"from {statement.sender}" if received else f"to {' '.join(statement.to)}"
        flaw = ", UNVERIFIED" if getattr(event, "verdict", "") == "UNVERIFIED" else ""
        incident = f", {statement.incident}" if statement.incident else ""
        return (
            f"{token_of(event.digest)} {statement.precedence} {statement.template.id} {way}"
            f"{incident}{flaw}: {self._headline(statement)}"
        )

    def _headline(self, statement: Statement) -> str:
        template = self._catalogue.get(statement.template.id)
        return headline(statement, template, self._phrasebook)
