"""A whole ledger told as text: one sentence for each event, then how things stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hotline.core.exchange.rules import Rules
from hotline.core.messages.phrasing import Phrasebook
from hotline.core.times import format_clock, format_time
from hotline.desk.views import Direction, TimelineRow
from hotline.review.opening import Record
from hotline.review.replay import ReplayFeed
from hotline.review.sentences import Sentences, printable
from hotline.review.verdicts import headline_of

_DAY = 10


def tell(record: Record, rules: Rules, phrasebook: Phrasebook) -> Iterator[str]:
    """Yield whose ledger it is, every event under its day, and the state at the end."""
    yield headline_of(record.verdict)
    sentences = Sentences(rules.catalogue, phrasebook)
    day = ""
    for happening in record.happenings:
        today = format_time(happening.at_ms)[:_DAY]
        if today != day:
            yield f"-- {today} --"
            day = today
        yield f"{happening.index:5d}  {sentences.say(happening)}"
    feed = ReplayFeed(record, rules, phrasebook)
    feed.jump(feed.length)
    yield from standing(feed)


def standing(feed: ReplayFeed) -> Iterator[str]:
    """Yield how things stood at the feed's position, in lines for a page."""
    view = feed.watch()
    status = view.status
    at = format_time(feed.clock_ms())
    yield f"-- state at {at}, after {feed.position} of {feed.length} events --"
    yield printable(f"station    {status.station}: {status.officer} had the watch")
    for link in status.links:
        yield printable(f"link       to {link.peer}: {link.word}")
    if not status.links:
        yield printable(f"link       to {status.peer}: {status.link_word}")
    rows = feed.timeline(0, view.timeline_length)
    out, in_ = _states(rows, Direction.OUT), _states(rows, Direction.IN)
    yield f"statements {out}, {in_}; acknowledgements are not counted"
    for incident in view.incidents:
        words = f"{incident.name} {incident.state_word}, ladder {incident.ladder_word}"
        yield printable(f"incident   {words}: {incident.title}")
    for clock in view.deadlines:
        overdue = ", OVERDUE" if clock.overdue else ""
        due = format_clock(clock.due_ms)
        yield printable(f"waits for  {clock.word}, {clock.label}, due {due}{overdue}")
    if not view.deadlines:
        yield "waits for  nothing"


def _states(rows: tuple[TimelineRow, ...], direction: Direction) -> str:
    """Count the statements of one direction by their state, as in "2 out (2 ANSWERED)"."""
    found = Counter(row.state_word for row in rows if row.direction is direction)
    way = direction.value.lower()
    if not found:
        return f"none {way}"
    states = ", ".join(f"{count} {word}" for word, count in sorted(found.items()))
    return f"{found.total()} {way} ({states})"
