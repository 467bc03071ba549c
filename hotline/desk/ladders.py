"""The ladder of an incident as an officer reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hotline.core.exchange.rules import Rules
from hotline.core.messages.template import LadderAct
from hotline.core.protocols.ladder import CLOSED, CONFIRMED, INITIAL, LadderState, next_acts
from hotline.desk.views import LadderView, RungView

TITLES: Mapping[str, str] = {
    "CEASE": "cease the act",
    "HOLD": "hold where agreed",
    "SEPARATE": "separate the units",
    "CLOSE": "close the incident together",
}
_TURN_WORDS = {
    LadderAct.PROPOSE: "propose a step",
    LadderAct.ANSWER: "answer the proposal",
    LadderAct.VERIFY: "confirm what you observe",
    LadderAct.CLOSE: "close the incident",
}


def ladder_view(
    rules: Rules, ladder: LadderState, station: str, peers: Sequence[str]
) -> LadderView:
    """Return the rungs from the lowest up, with who has done what on each."""
    rungs = [
        _rung(number, step, ladder, rules.members, station)
        for number, step in enumerate(rules.ladder.steps, start=1)
    ]
    rungs.append(_closing_rung(len(rungs) + 1, ladder, station))
    return LadderView(ladder.state, tuple(rungs), whose_turn(rules, ladder, station, peers))


def _rung(
    number: int, step: str, ladder: LadderState, members: Sequence[str], station: str
) -> RungView:
    current = ladder.standing is not None and ladder.standing.step == step
    word, symbol = "", " "
    if current and ladder.state not in ("CLOSING", CLOSED):
        word, symbol = ladder.state, _symbol(ladder, station)
    elif ladder.confirmed(step, members):
        word, symbol = "VERIFIED", "*"
    return RungView(number, step, TITLES.get(step, step.lower()), word, symbol, current)


def _symbol(ladder: LadderState, station: str) -> str:
    """`*` both, `v` we did, `p` the peer did, `!` breach alleged."""
    own, peer = "v", "p"
    match ladder.state:
        case "VERIFIED":
            return "*"
        case "BREACH-ALLEGED":
            return "!"
        case "EXECUTING":
            said = {name for name, value in ladder.verdicts if value == CONFIRMED}
            return own if station in said else peer
        case "ACCEPTED":
            return "+"
        case _:
            return own if ladder.mover == station else peer


def _closing_rung(number: int, ladder: LadderState, station: str) -> RungView:
    word, symbol = "", " "
    if ladder.state == CLOSED:
        word, symbol = "CLOSED", "*"
    elif ladder.state == "CLOSING":
        word, symbol = "CLOSING", "v" if station in ladder.closers else "p"
    return RungView(number, "CLOSE", TITLES["CLOSE"], word, symbol, bool(word))


def ladder_word(ladder: LadderState) -> str:
    """Return the ladder in two words: the step that stands and its state."""
    if ladder.state in (INITIAL, "CLOSING", CLOSED) or ladder.standing is None:
        return "no step yet" if ladder.state == INITIAL else ladder.state
    return f"{ladder.standing.step} {ladder.state}"


def whose_turn(rules: Rules, ladder: LadderState, station: str, peers: Sequence[str]) -> str:
    """Say what each side can do next; several may be able to act."""
    if ladder.state == CLOSED:
        return "Closed by both sides." if len(peers) == 1 else "Closed by all sides."
    ours = _expected(next_acts(rules.ladder, ladder, station))
    said = [f"You can {' or '.join(ours)}."] if ours else []
    for peer in peers:
        theirs = _expected(next_acts(rules.ladder, ladder, peer))
        said += [f"{peer} can {' or '.join(theirs)}."] if theirs else []
    return " ".join(said) or "Nothing can move now."


def _expected(acts: tuple[LadderAct, ...]) -> list[str]:
    """Put the acts that a state waits for before those that are always possible."""
    order = [LadderAct.ANSWER, LadderAct.VERIFY, LadderAct.PROPOSE, LadderAct.CLOSE]
    return [_TURN_WORDS[act] for act in order if act in acts]
