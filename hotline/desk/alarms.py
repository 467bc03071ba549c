"""What stands until somebody acts, in words: the line over every screen, and the alarm screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotline.core.exchange.forks import standing_forks
from hotline.core.exchange.gaps import standing_gaps
from hotline.core.exchange.situation import Situation
from hotline.core.exchange.standing import Fork, Gap
from hotline.core.times import format_clock
from hotline.desk.line_alarms import LineAlarm
from hotline.desk.views import AlarmView, Mark
from hotline.sealing.certificate import Usage
from hotline.station.endings import Ending, Nearness

STILL_SENT = (
    "You can still send: READ BY OFFICER (F8), a read-back, a holding reply, an encounter, "
    "your intention, tests, aid and safety. Everything else waits."
)
MAX_TOLD = 20

Headline = Callable[[str], str]
"""Returns token and first line of a recorded statement by its digest, "" when it is not here."""


def alarm_line(
    situation: Situation, ending: Sequence[Ending] = (), line: Sequence[LineAlarm] = ()
) -> str:
    """Return the one line that stands on every screen, "" when nothing stands.

    Args:
        ending: Certificates that are an alarm, the most urgent first.
        line: Alarms of the line itself, the most urgent first.
    """
    forks, gaps = standing_forks(situation), standing_gaps(situation)
    if forks:
        first = forks[-1]
        return f"LINE FROZEN: {first.words}. F9: what now"
    urgent = next((one.view for one in line if one.view.mark is Mark.ALARM), None)
    if urgent is not None:
        return f"{urgent.title}. F9: what now"
    if gaps:
        count = sum(last - first + 1 for gap in gaps for first, last in gap.missing)
        begin = gaps[0].missing[0][0]
        peer = gaps[0].peer
        many = f"{count} statements of {peer} are" if count > 1 else f"number {begin} of {peer} is"
        return f"MISSING: {many} not here yet; asked for again. F9: more"
    if line and not any(_is_over(one) for one in ending):
        return f"{line[0].view.title}. F9: more"
    if ending:
        return f"CERTIFICATE: {ending[0].what}. F9: what to do"
    return ""


def frozen_by(situation: Situation) -> str:
    """Name the fork that froze the line last, "" when it is not frozen.

    A further one of a station whose fork stands freezes nothing anew: however many it
    makes, they do not take the officer from what can still be said.
    """
    firsts: dict[str, Fork] = {}
    for fork in standing_forks(situation):
        firsts.setdefault(fork.peer, fork)
    return next(reversed(firsts.values())).other if firsts else ""


def alarm_views(
    situation: Situation,
    headline: Headline,
    ending: Sequence[Ending] = (),
    line: Sequence[LineAlarm] = (),
) -> tuple[AlarmView, ...]:
    """Return every alarm that stands: forks first, then what is urgent, then what can wait."""
    forks, gaps = standing_forks(situation)[-MAX_TOLD:], standing_gaps(situation)[-MAX_TOLD:]
    told = [_fork(situation, one, headline) for one in reversed(forks)]
    urgent = [one.view for one in line if one.view.mark is Mark.ALARM]
    others = [one.view for one in line if one.view.mark is not Mark.ALARM]
    over = [_ending(one) for one in ending if _is_over(one)]
    soon = [_ending(one) for one in ending if not _is_over(one)]
    return tuple([*told, *urgent, *map(_gap, reversed(gaps)), *over, *others, *soon][:MAX_TOLD])


def _is_over(ending: Ending) -> bool:
    """Return whether a certificate's end is an alarm that goes before what can still wait."""
    return ending.nearness > Nearness.SOON


def _fork(situation: Situation, fork: Fork, headline: Headline) -> AlarmView:
    if fork.split:
        return _split(fork)
    stands = next(
        (
            state.digest
            for state in situation.statements.values()
            if any(order.digest == fork.held for order in state.orders)
        ),
        "",
    )
    first = headline(stands) if stands else "a statement that is not readable here any more"
    return AlarmView(
        title=f"LINE FROZEN: two statements with number {fork.seq} of {fork.peer}",
        mark=Mark.ALARM,
        lines=(
            f"Seen at {format_clock(fork.at_ms)}. Both orders are signed with the ledger key of "
            f"{fork.peer}, for number {fork.seq} of generation {fork.generation}.",
            f"The first stands: {first}",
            f"  its order {fork.held}",
            f"The second is kept as evidence and not shown: {fork.digest[:16]}",
            f"  its order {fork.other}",
            f"It means: {fork.peer} tells two stories, or somebody else has its ledger key.",
            f"DO NOW: speak with {fork.peer} by voice. Compare what each side holds.",
            STILL_SENT,
            "TO END IT: stop this station; two officers run: hotline ledger resolve HOME "
            "--reason TEXT --officer A --officer B. Every other station is told.",
        ),
    )


def _split(fork: Fork) -> AlarmView:
    return AlarmView(
        title=f"LINE FROZEN: two histories of the ledger of {fork.peer}",
        mark=Mark.ALARM,
        lines=(
            f"Seen at {format_clock(fork.at_ms)}. {fork.peer} signed two heads of one size of "
            f"generation {fork.generation}: one for this station, one for another member.",
            f"  the one witnessed here {fork.held}",
            f"  the other one {fork.other}",
            f"It means: {fork.peer} tells members different things, or somebody else has its "
            "ledger key. Nobody knows yet which of its statements another member did not get.",
            "DO NOW: speak with every member by voice. Compare what each holds of "
            f"{fork.peer}, statement by statement.",
            STILL_SENT,
            "TO END IT: stop this station; two officers run: hotline ledger resolve HOME "
            "--reason TEXT --officer A --officer B. All other stations are told.",
        ),
    )


def _gap(gap: Gap) -> AlarmView:
    ranges = ", ".join(
        f"{first} to {last}" if last > first else f"{first}" for first, last in gap.missing
    )
    return AlarmView(
        title=f"MISSING: numbers {ranges} of {gap.peer}",
        mark=Mark.WARNING,
        lines=(
            f"A later number came at {format_clock(gap.at_ms)}; nothing is held back for these.",
            f"{gap.peer} is asked for them while the link is up. They show when they come.",
            f"If they do not come: ask {gap.peer} by voice what they say.",
        ),
    )


def _ending(ending: Ending) -> AlarmView:
    """Say of a certificate what its end means, and the command that renews it.

    Spec: docs/enrolment.md §10.6
    """
    means = {
        Usage.TRANSPORT: f"Without it nothing that {ending.station} sends is read.",
        Usage.LEDGER: f"It certifies the key of the ledger of {ending.station}.",
    }.get(ending.usage, f"Without it what {ending.person} signs counts as UNVERIFIED.")
    if ending.spare:
        means = "Without it that spare console could not take the line over."
    return AlarmView(
        title=f"CERTIFICATE: {ending.what}",
        mark=Mark.ALARM if _is_over(ending) else Mark.WARNING,
        lines=(means, f"DO NOW: {ending.remedy}."),
    )
