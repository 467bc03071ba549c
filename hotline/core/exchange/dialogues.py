"""Dialogues: which one a statement answers, and which clocks that meets."""

from __future__ import annotations

from collections.abc import Iterator

from hotline.core.exchange.commands import Told
from hotline.core.exchange.situation import Dialogue, Situation
from hotline.core.records import events as ev


def answered(situation: Situation, told: Told) -> Dialogue | None:
    """Return the dialogue that `told` refers to first and its sender must still answer, or None."""
    dialogue = situation.dialogues.get(told.statement.answers or "")
    if dialogue is None or told.statement.sender not in dialogue.waiting:
        return None
    return dialogue


def met(
    situation: Situation,
    digest: str,
    statement: str,
    clocks: tuple[str, ...],
    station: str = "",
) -> Iterator[ev.Event]:
    """Yield DeadlineMet for each of the named clocks of `digest` that is not met yet.

    Args:
        station: Whose clocks; "" for everybody's.
    """
    for clock in clocks:
        for deadline in situation.deadlines_of(digest, clock):
            if deadline.state != "MET" and station in ("", deadline.station):
                yield ev.DeadlineMet.model_validate(
                    {
                        "digest": digest,
                        "clock": clock,
                        "statement": statement,
                        "station": deadline.station,
                    }
                )
