"""Lines of three and more: each peer's link, and how far a statement came at each station.

With one peer nothing of this is shown: the link and the state say it already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotline.core.exchange.delivery import WORDS, Delivery, StatementState
from hotline.core.exchange.situation import Situation
from hotline.desk.link_words import link_words
from hotline.desk.views import LinkView, Mark, RecipientView

PAIR = 2
_LINK_SYMBOLS = {"UP": "+", "DOWN": "-", "BLOCKED": "x"}


def link_views(situation: Situation, peers: Sequence[str], now_ms: int) -> tuple[LinkView, ...]:
    """Return the link to each of several peers, () where there is one."""
    if len(peers) < PAIR:
        return ()
    views = []
    for peer in peers:
        link = situation.links.get(peer)
        words, mark = link_words(situation, peer, now_ms)
        symbol = _LINK_SYMBOLS.get(link.state if link else "DOWN", "-")
        views.append(LinkView(peer, words[-1], symbol, mark))
    return tuple(views)


def summary_of(links: Sequence[LinkView]) -> tuple[tuple[str, ...], Mark]:
    """Return the state of several links in a few words, and the gravest of their marks."""
    up = sum(link.symbol == _LINK_SYMBOLS["UP"] for link in links)
    gravest = max((link.mark for link in links), key=list(Mark).index)
    return (f"{up} of {len(links)} UP",), gravest


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
