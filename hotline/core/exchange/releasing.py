"""Two-person release: from the first signature to the second, or to no release. Pure.

Spec: docs/protocol.md §4.16
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hotline.core.errors import InvariantError, OperatorError
from hotline.core.exchange.commands import AskRelease, EndRelease
from hotline.core.exchange.decision import Decision, Planned
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.exchange.standing import Release
from hotline.core.records import events as ev
from hotline.core.times import format_clock

MAX_AWAITING = 32
"""Statements of one station that may await release at once; a person reads each of them."""

AWAITING, RELEASED = "AWAITING", "RELEASED"

TABLE: Mapping[tuple[str, str], str] = {
    (AWAITING, "RELEASED"): RELEASED,
    (AWAITING, "REFUSED"): "REFUSED",
    (AWAITING, "WITHDRAWN"): "WITHDRAWN",
    (AWAITING, "EXPIRED"): "EXPIRED",
}
"""State and what happens to the next state; whatever ended has no row and stays as it is."""


def ask_release(situation: Situation, rules: Rules, command: AskRelease, now_ms: int) -> Decision:
    """Let a statement await its release; an inject that asked for it has been played.

    The time limit is the handling time of its precedence, counted from when it was
    written: its bytes, that time among them, do not change any more.

    Raises:
        OperatorError: it was signed before, is too old already, or too many await release.
    Spec: docs/protocol.md §4.16
    """
    if command.inject in situation.injects:
        return Decision(duplicate=True)
    if command.digest in situation.statements or command.digest in situation.releases:
        raise OperatorError("that statement was signed already")
    if len(awaiting(situation)) >= MAX_AWAITING:
        raise OperatorError(
            f"{MAX_AWAITING} statements await release", hint="release or withdraw one of them first"
        )
    statement = command.statement
    until_ms = statement.at_ms + rules.read_clocks_ms[statement.precedence]
    if until_ms <= now_ms:
        raise OperatorError("that statement is too old to be released", hint="write it again")
    asked = ev.ReleaseAsked(
        digest=command.digest,
        certificate=command.certificate,
        officer=command.officer,
        need=command.need,
        until_ms=until_ms,
    )
    played = []
    if command.inject:
        inject, trigger = command.inject
        played.append(Planned(ev.InjectPlayed(inject=inject, trigger=trigger)))
    first = (command.certificate,)
    waits = Planned(asked, statement, command.envelope, signers=first)
    return Decision((*played, waits))


def end_release(situation: Situation, command: EndRelease) -> Decision:
    """End the waiting of a statement without sending it.

    Raises:
        OperatorError: it does not await release any more.
    Spec: docs/protocol.md §4.16
    """
    check_awaiting(situation, command.digest)
    return Decision(
        (
            Planned(
                ev.ReleaseEnded.model_validate(
                    {
                        "digest": command.digest,
                        "how": command.how,
                        "certificate": command.certificate,
                        "officer": command.officer,
                        "reason": command.reason,
                    }
                )
            ),
        )
    )


def check_awaiting(situation: Situation, digest: str) -> Release:
    """Return a release that still waits.

    Raises:
        OperatorError: there is none of that digest, or it has ended; it says how.
    """
    release = situation.releases.get(digest)
    if release is None:
        raise OperatorError("no such statement awaits release", hint="look at the timeline")
    if release.state != AWAITING:
        raise OperatorError(
            f"{release.token} is {release.state} already", hint="write it again if it must be said"
        )
    return release


def check_release(situation: Situation, digest: str, now_ms: int) -> None:
    """Refuse to send what awaited its release and may not be released any more.

    Raises:
        OperatorError: it was refused, withdrawn, or its time is over.
    Spec: docs/protocol.md §4.16
    """
    if digest not in situation.releases:
        return
    release = check_awaiting(situation, digest)
    if release.until_ms <= now_ms:
        raise OperatorError(
            f"{release.token} expired at {format_clock(release.until_ms)} and cannot be released",
            hint="write it again if it must be said",
        )


def expired(situation: Situation, now_ms: int) -> Iterator[ev.ReleaseEnded]:
    """Yield the end of everything that waited too long.

    Spec: docs/protocol.md §4.16
    """
    for release in awaiting(situation):
        if release.until_ms <= now_ms:
            yield ev.ReleaseEnded(
                digest=release.digest,
                how="EXPIRED",
                certificate="",
                officer="",
                reason="nobody released it in time",
            )


def awaiting(situation: Situation) -> list[Release]:
    """Return what awaits release, oldest first."""
    return [one for one in situation.releases.values() if one.state == AWAITING]


# --- the fold ------------------------------------------------------------------------


def fold_release(
    situation: Situation, happening: Happening, event: ev.ReleaseAsked | ev.ReleaseEnded
) -> None:
    """Fold what happens to a statement before it is sent."""
    if isinstance(event, ev.ReleaseAsked):
        if happening.statement is None:
            raise InvariantError(f"entry {happening.index} came without its statement")
        release = Release(
            digest=event.digest,
            statement=happening.statement,
            index=happening.index,
            at_ms=happening.at_ms,
            certificate=event.certificate,
            officer=event.officer,
            need=event.need,
            until_ms=event.until_ms,
        )
        release.steps.append((happening.at_ms, f"AWAITING RELEASE: signed by {event.officer}"))
        situation.releases[event.digest] = release
        return
    release = situation.releases[event.digest]
    release.state = TABLE.get((release.state, event.how), release.state)
    release.reason = event.reason
    by = f" by {event.officer}" if event.officer else ""
    release.steps.append((happening.at_ms, f"{event.how}{by}: {event.reason}"))


def fold_released(
    situation: Situation, event: ev.StatementSent | ev.StatementReceived | ev.StatementRecovered
) -> list[tuple[int, str]]:
    """Fold that a statement was sent, if it was; return what had happened to it before."""
    release = situation.releases.get(event.digest)
    if release is None or not isinstance(event, ev.StatementSent):
        return []
    release.state = TABLE.get((release.state, RELEASED), release.state)
    return release.steps
