"""What still stands on a line that is about to be closed: some forbids that, the rest is named.

Spec: docs/enrolment.md §9.4
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotline.core.errors import OperatorError
from hotline.core.exchange.delivery import StatementState, token_of
from hotline.core.exchange.forks import standing_forks
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.situation import Dialogue
from hotline.core.exchange.standing import Release
from hotline.core.messages.statement import Statement
from hotline.core.records import events as ev
from hotline.core.records.line_events import MAX_LEFT
from hotline.core.times import format_time
from hotline.sealing.charter import Charter
from hotline.sealing.roster import Roster
from hotline.station.upkeep import Work

_MINUTES = 16
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Left:
    """What stands on a line.

    Attributes:
        undelivered: Statements of ours that another station has not receipted.
        unreleased: Statements of ours that await a second officer.
        unanswered: Dialogues that are open, ours and theirs, of what was delivered.
        notes: A sentence for everything else that an officer must know.
    """

    undelivered: tuple[StatementState, ...]
    unreleased: tuple[Release, ...]
    unanswered: tuple[tuple[Dialogue, Statement], ...]
    notes: tuple[str, ...]

    @property
    def must_be_seen(self) -> bool:
        """Whether an officer must say that it may be left behind."""
        return bool(self.undelivered or self.unreleased or self.unanswered)

    def lines(self) -> Iterator[str]:
        """Yield what an officer reads before the line is closed."""
        for state in self.undelivered:
            whom = ", ".join(state.unreceipted)
            yield f"NOT DELIVERED to {whom}: {_named(state.digest, state.statement)}"
        for release in self.unreleased:
            yield f"NOT RELEASED: {_named(release.digest, release.statement)}"
        for dialogue, statement in self.unanswered:
            whom = ", ".join(sorted(dialogue.waiting)) or "nobody"
            yield f"NO ANSWER by {whom}: {_named(dialogue.digest, statement)}"
        yield from self.notes

    def closing(self, after: Charter) -> ev.LineClosed:
        """Return the event that closes the line in favour of another one."""
        digests = [state.digest for state in self.undelivered]
        digests += [release.digest for release in self.unreleased]
        digests += [dialogue.digest for dialogue, _ in self.unanswered]
        return ev.LineClosed(
            successor=after.line.hex(),
            name=after.name,
            undelivered=len(self.undelivered),
            unreleased=len(self.unreleased),
            unanswered=len(self.unanswered),
            left=tuple(dict.fromkeys(digests))[:MAX_LEFT],
        )


def left_on(work: Work) -> Left:
    """Return what stands on the line that is open."""
    situation = work.situation
    statements = situation.statements
    return Left(
        undelivered=tuple(statements[digest] for digest in situation.outbox),
        unreleased=tuple(awaiting(situation)),
        unanswered=tuple(
            (one, statements[digest].statement)
            for digest, one in situation.expecting.items()
            if digest in statements and digest not in situation.outbox
        ),
        notes=tuple(_notes(work)),
    )


def check_closed_for(closed_for: str, after: Charter) -> None:
    """Refuse to close a line for a second other one.

    Raises:
        OperatorError: it was closed for another one.
    Spec: docs/enrolment.md §9.2
    """
    if closed_for not in ("", after.line.hex()):
        raise OperatorError(
            f"this line was closed in favour of the line {closed_for[:_SHORT]}",
            hint="a line has one successor; ask the other stations which one they work",
        )


def check_may_close(work: Work, after: Roster) -> None:
    """Refuse to close a line on which something stands that another line would do away with.

    Raises:
        OperatorError: it was closed for another one; a fork stands; a certificate of ours is
            suspended; or the new charter rests on a changed root that no officer has found right.
    Spec: docs/enrolment.md §9.4, docs/protocol.md §4.33
    """
    forks = standing_forks(work.situation)
    if forks:
        raise OperatorError(
            f"the line is FROZEN: {forks[0].words}",
            hint="two officers resolve that first: hotline ledger resolve",
        )
    check_closed_for(work.situation.closed_for, after.charter)
    line, now_ms = work.opened.line, work.bench.clock()
    for one in line.roster.certificates.values():
        found = line.roster.standing.withdrawal(one)
        ours = one.station == line.station and one.covers(now_ms)
        if ours and found is not None and found.how == "suspended":
            raise OperatorError(
                f"the certificate of {one.person} is suspended on this line alone",
                hint="have the root revoke it, or lift that: hotline officer revoke",
            )
    compared = work.situation.compared_roots
    for station, lineage in line.roster.lineages.items():
        known = after.lineages.get(station)
        for root in lineage.later if station != line.station else ():
            enrolled = known is not None and known.is_enrolled(root.digest)
            if enrolled and not compared.get(root.digest.hex(), False):
                raise OperatorError(
                    f"nobody has found the words of the changed root of {station} right yet",
                    hint="compare them by voice in the console of this line first",
                )


def _notes(work: Work) -> Iterator[str]:
    situation, opened = work.situation, work.opened
    for one in situation.running():
        if one.state == "MISSED":
            yield f"OVERDUE, and stays so in this record: {one.clock} of {token_of(one.digest)}."
    for incident in situation.incidents.values():
        if incident.closed_at_ms is None:
            yield f"Incident {incident.name} stays open in this record; name it anew on the next."
    for case, reason in situation.holds.items():
        yield f"The legal hold on case {case} stays on this record ({reason})."
    for witness in situation.witnesses:
        yield f"The outside witness {witness} is asked on this line only; name it anew on the next."
    for peer in opened.line.peers:
        size = opened.ledger.cosigned_size(opened.line.witness_of(peer))
        if size < opened.ledger.size:
            more = opened.ledger.size - size
            words = f"{peer} has not countersigned the last {more} entries"
            yield f"{words}; the record of the next line binds them."


def _named(digest: str, statement: Statement) -> str:
    at = format_time(statement.at_ms)[:_MINUTES]
    return f"{token_of(digest)} {statement.precedence.value} {statement.template.id} of {at}Z"
