"""Lines of three and more: how far a statement came at each station.

With one peer nothing of this is shown: the state says it already.
"""

from __future__ import annotations

from collections.abc import Callable

from hotline.core.exchange.delivery import WORDS, Delivery, StatementState
from hotline.core.exchange.situation import Situation
from hotline.desk.views import RecipientView

PAIR = 2


def partly(state: StatementState) -> tuple[str, str] | None:
    """Return the first step that some stations have reached and others have not, or None.

    It is counted, as in "DELIVERED 1 of 2"; a station that went further counts.
    Spec: docs/protocol.md §5.9
    """
    reached = list(state.reached.values())
    if len(reached) < PAIR:
        return None
    if state.rejected:
        return f"REJECTED {len(state.rejected)} of {len(reached)}", "x"
    further = [step for step in reached if step > state.least]
    if not further:
        return None
    step = Delivery.DELIVERED if state.least < Delivery.DELIVERED else min(further)
    word, symbol = WORDS[step]
    return f"{word} {sum(one >= step for one in reached)} of {len(reached)}", symbol


def recipient_views(
    situation: Situation, state: StatementState, sending: Callable[[str, str], str]
) -> tuple[RecipientView, ...]:
    """Return every addressee of a statement with what is known of it there, () for a pair."""
    statement = state.statement
    named = [(one, True) for one in statement.to] + [(one, False) for one in statement.info]
    if len(named) < PAIR:
        return ()
    dialogue = situation.dialogues.get(state.digest)
    waiting = dialogue.waiting if dialogue else set()
    rows = []
    for station, acts in named:
        word, symbol = _word(state, station, sending)
        rows.append(RecipientView(station, acts, word, symbol, station in waiting))
    return tuple(rows)


def _word(
    state: StatementState, station: str, sending: Callable[[str, str], str]
) -> tuple[str, str]:
    if station in state.rejected:
        return "REJECTED", "x"
    step = state.reached.get(station)
    if step is None:
        # A third station's receipt goes to the sender; what its officers say comes to all.
        read = any(reader == station for reader, *_ in state.read_by)
        return WORDS[Delivery.READ] if read else ("NOT KNOWN HERE", " ")
    if not state.outbound and step is Delivery.DELIVERED:
        return "RECEIVED", ">"
    route = sending(state.digest, station) if state.outbound else ""
    if step is Delivery.QUEUED and route:
        return f"SENDING [{route}]", ">"
    return WORDS[step]
