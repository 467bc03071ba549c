"""One statement in full, as lines: for the message screen and for the card beside the timeline."""

from __future__ import annotations

from textual.content import Content

from hotline.core.times import format_clock
from hotline.desk.views import Direction, Mark, MessageView, RecipientView, TimelineRow
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, FAULT, KEY, PLAIN, QUIET, WARNING, precedence_symbol


def message_head(message: MessageView) -> list[Content]:
    """Return who, when, what form and what state, then each warning on its own line."""
    way = "from" if message.direction is Direction.IN else "by"
    urgency = f"{precedence_symbol(message.precedence)} {clean(message.precedence)}"
    urgent = FAULT if message.precedence == "FLASH" else BRIGHT
    lines = [
        line_of(
            (f"{clean(message.token)} ", KEY),
            (urgency, urgent),
            (f"  {message.direction.value} {way} {clean(message.sender)}", BRIGHT),
        ),
        literal(f"{message.dtg}  {message.incident}".rstrip(), PLAIN),
        literal(message.title, PLAIN),
        literal(f"signed by {', '.join(message.signers)}", QUIET),
        line_of(("state ", QUIET), literal(message.state_word, BRIGHT)),
    ]
    lines += [_recipient_line(one) for one in message.recipients]
    return lines + [line_of(("! ", WARNING), literal(flag, WARNING)) for flag in message.flags]


def _recipient_line(recipient: RecipientView) -> Content:
    """Return one of several addressees: what it is for it, and how far it came there."""
    way = "TO  " if recipient.acts else "INFO"
    owes = ", must answer" if recipient.must_answer else ""
    return line_of(
        (f"{way} {clean(recipient.station):<16} ", QUIET),
        (f"{recipient.symbol[:1]} ", KEY),
        literal(f"{recipient.word}{owes}", PLAIN),
    )


def message_lines(message: MessageView) -> tuple[list[Content], int]:
    """Return all lines, and how many of them make up the statement itself."""
    lines = message_head(message)
    lines.append(Content())
    lines.extend(literal(line, BRIGHT) for line in message.lines)
    whole = len(lines)
    if message.files:
        lines += [Content(), literal("Files that go with it", QUIET)]
        lines += [literal(line, PLAIN) for line in message.files]
    if message.history:
        lines += [Content(), literal("What happened to it", QUIET)]
    for at_ms, words in message.history:
        lines.append(line_of((f"{format_clock(at_ms)} ", QUIET), literal(words, PLAIN)))
    return lines, whole


def log_lines(row: TimelineRow) -> list[Content]:
    """Return a line of the station's own log: when, what, and all of its words."""
    look = {Mark.ALARM: FAULT, Mark.WARNING: WARNING}.get(row.mark, BRIGHT)
    return [
        line_of((f"{format_clock(row.at_ms)}  ", QUIET), (clean(row.state_word), look)),
        Content(),
        literal(row.headline, BRIGHT),
    ]
