"""Three stations: clocks, answers and ladder moves by station, in whatever order they come."""

from __future__ import annotations

import itertools
import random

import pytest

from hotline.core.exchange.delivery import Delivery
from hotline.core.exchange.situation import Situation
from hotline.core.messages.template import LadderAct
from hotline.core.protocols.ladder import LadderState, Move, advance, next_acts
from hotline.core.records import events as ev
from hotline.desk.recipients import partly, recipient_views
from tests.core.exchange.rig import INCIDENT, Letter, Side, receipt
from tests.fakes.line import rules

NAMES = ("NORTH", "SOUTH", "EAST")
TABLE = rules(NAMES).ladder
T0 = 1_795_357_886_000


def trio() -> tuple[Side, Side, Side]:
    north, south, east = (
        Side(name, next(one for one in NAMES if one != name), rules=rules(NAMES)) for name in NAMES
    )
    return north, south, east


def say(side: Side, template: str, *, to: tuple[str, ...] = (), **given: object) -> Letter:
    """Say something to `to`, or to all others; who is not named is told."""
    others = tuple(one for one in NAMES if one != side.name)
    acts = to or others
    told = tuple(one for one in others if one not in acts)
    return side.say(template, _to=acts, _info=told, **given)  # type: ignore[arg-type]


def waiting(side: Side, digest: str) -> set[str]:
    return side.situation.dialogues[digest].waiting


def test_each_station_has_clocks_of_its_own_and_who_is_told_need_not_answer() -> None:
    north, south, east = trio()
    letter = say(north, "sea/encounter", to=("SOUTH",))
    for side in (south, east):
        side.take(letter)
    for side in (north, south, east):
        clocks = {(one.clock, one.station) for one in side.situation.clocks.values()}
        assert clocks == {("read", "SOUTH"), ("read", "EAST"), ("reply", "SOUTH")}
        assert waiting(side, letter.digest) == {"SOUTH"}
    # What EAST says besides closes nothing; SOUTH's answer closes it.
    aside = say(east, "sea/intent", to=("NORTH",), answers=letter.digest)
    for side in (north, south):
        side.take(aside)
        assert waiting(side, letter.digest) == {"SOUTH"}
    answer = say(south, "sea/intent", to=("NORTH",), answers=letter.digest)
    north.take(answer)
    assert north.situation.dialogues[letter.digest].how == "ANSWERED"
    assert north.situation.statements[letter.digest].reached == {
        "SOUTH": Delivery.ANSWERED,
        "EAST": Delivery.QUEUED,
    }


def test_dialogue_is_over_when_every_addressee_answered() -> None:
    north, south, east = trio()
    letter = say(north, "sea/encounter")
    for side in (south, east):
        side.take(letter)
    first = say(south, "sea/intent", to=("NORTH",), answers=letter.digest)
    for side in (north, east):
        side.take(first)
    for side in (north, south, east):
        assert waiting(side, letter.digest) == {"EAST"}
        assert not side.situation.dialogues[letter.digest].how
        assert side.situation.clocks[letter.digest, "reply", "EAST"]
        assert (letter.digest, "reply", "SOUTH") not in side.situation.clocks
    assert east.situation.statements[letter.digest].reached == {"EAST": Delivery.DELIVERED}
    second = say(east, "sea/intent", to=("NORTH",), answers=letter.digest)
    for side in (north, south):
        side.take(second)
    for side in (north, south, east):
        assert side.situation.dialogues[letter.digest].how == "ANSWERED"
        assert not [one for one in side.situation.clocks if one[0] == letter.digest]
        assert side.situation == side.refolded()


def test_missed_clock_is_missed_for_one_station_only() -> None:
    north, south, east = trio()
    letter = say(north, "sea/encounter")
    east.take(letter)
    south.take(letter)
    answer = say(south, "sea/intent", to=("NORTH",), answers=letter.digest)
    north.take(answer)
    missed = [one for one in north.tick(7 * 3_600_000) if isinstance(one, ev.DeadlineMissed)]
    about = [(one.clock, one.station) for one in missed if one.digest == letter.digest]
    assert sorted(about) == [("read", "EAST"), ("reply", "EAST")]
    assert "OVERDUE: no reply by EAST" in [
        words for _, words in north.situation.statements[letter.digest].steps
    ]


def test_answer_that_overtakes_its_question_closes_it_when_the_question_comes() -> None:
    north, south, east = trio()
    letter = say(north, "sea/encounter")
    south.take(letter)
    ack = say(south, "link/ack-read", to=("NORTH",), answers=letter.digest)
    answer = say(south, "sea/intent", to=("NORTH",), answers=letter.digest)
    for side in (north, east):
        side.take(ack)
        side.take(answer)
    assert east.situation.early == {letter.digest: [ack.digest, answer.digest]}
    assert letter.digest not in east.situation.dialogues
    east.take(letter, officers={"cd" * 32: ("Watch officer", "LCDR K. Niven")})
    assert not east.situation.early
    for side in (north, east):
        assert waiting(side, letter.digest) == {"EAST"}
        # The answer itself still wants to be read by NORTH, and nothing more.
        assert (answer.digest in side.situation.expecting) == (
            answer.digest in north.situation.expecting
        )
    read = [one[:3] for one in east.situation.statements[letter.digest].read_by]
    assert read == [("SOUTH", "Watch officer", "LCDR K. Niven")]
    assert east.situation == east.refolded()


@pytest.mark.parametrize("to", [("SOUTH",), ("SOUTH", "SOUTH", "EAST"), ("SOUTH", "EAST", "WEST")])
def test_statement_not_addressed_to_every_other_member_once_is_quarantined(
    to: tuple[str, ...],
) -> None:
    north, south, _ = trio()
    letter = north.say("conv/free-text", _to=to)
    south.take(letter)
    assert not south.situation.statements
    (_, sender, reason) = south.situation.quarantined[0]
    assert (sender, reason) == (
        "NORTH",
        "it is not addressed to every other member of its line, once",
    )


def test_refusals_of_one_station_leave_room_for_those_of_another() -> None:
    north, _, _ = trio()
    north.situation.refusals_kept["SOUTH"] = 10_000
    north.situation.forks_kept["SOUTH"] = 1_000
    for reason in ("fork: number 1", "it is not from the station"):
        assert not north.quarantine("ab" * 32, reason).events
        north.peer = "EAST"
        assert north.quarantine("ab" * 32, reason).events
        north.peer = "SOUTH"


# --- the ladder ------------------------------------------------------------------------------


def accepted(ladder: LadderState, station: str, value: str) -> LadderState | str:
    standing = ladder.standing
    assert standing is not None
    move = Move(LadderAct.ANSWER, value, "", station, f"{station}-{value}", T0, standing.digest)
    return advance(TABLE, ladder, move, NAMES)


def proposed() -> LadderState:
    move = Move(LadderAct.PROPOSE, "", "CEASE", "NORTH", "p" * 64, T0, None)
    ladder = advance(TABLE, LadderState(), move, NAMES)
    assert isinstance(ladder, LadderState)
    return ladder


WORDS = ("ACCEPT", "COUNTER", "DECLINE", "REFERRED-TO-AUTHORITY")


@pytest.mark.parametrize("words", list(itertools.product(WORDS, WORDS)))
def test_answers_of_two_lead_to_one_state_in_either_order(words: tuple[str, str]) -> None:
    states = set()
    for order in ((0, 1), (1, 0)):
        ladder: LadderState | str = proposed()
        for place in order:
            assert isinstance(ladder, LadderState)
            assert LadderAct.ANSWER in next_acts(TABLE, ladder, ("SOUTH", "EAST")[place])
            assert LadderAct.ANSWER not in next_acts(TABLE, ladder, "NORTH")
            ladder = accepted(ladder, ("SOUTH", "EAST")[place], words[place])
        assert isinstance(ladder, LadderState), ladder
        states.add(ladder.state)
    (state,) = states
    assert (state == "ACCEPTED") == (words == ("ACCEPT", "ACCEPT"))
    assert (state == "DECLINED") == ("DECLINE" in words)


def test_proposer_does_not_answer_and_nobody_accepts_twice() -> None:
    ladder = proposed()
    assert isinstance(accepted(ladder, "NORTH", "ACCEPT"), str)
    once = accepted(ladder, "SOUTH", "ACCEPT")
    assert isinstance(once, LadderState)
    assert once.state == "PROPOSED"
    assert not once.agreed
    assert accepted(once, "SOUTH", "DECLINE") == "this side has accepted it already"


class Links:
    """Three sides whose links keep each sender's order and are as slow as chance wants."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sides = {side.name: side for side in trio()}
        self.waiting: dict[tuple[str, str], list[Letter]] = {
            (one, other): [] for one in NAMES for other in NAMES if one != other
        }

    def say(self, name: str, template: str, **given: object) -> None:
        letter = say(self.sides[name], template, incident=INCIDENT, **given)  # type: ignore[arg-type]
        for other in NAMES:
            if other != name:
                self.waiting[name, other].append(letter)

    def deliver_one(self) -> bool:
        links = [link for link, letters in self.waiting.items() if letters]
        if links:
            link = self.chance.choice(links)
            self.sides[link[1]].take(self.waiting[link].pop(0))
        return bool(links)

    def act(self, name: str) -> bool:
        """Do what the ladder waits for at a side, as its officer sees it."""
        side = self.sides[name]
        ladder = side.ladder()
        acts = next_acts(TABLE, ladder, name)
        standing = ladder.standing
        if standing is None or ladder.state == "CLOSED":
            return False
        if LadderAct.ANSWER in acts:
            self.say(name, "deesc/answer", answers=standing.digest, answer="ACCEPT")
        elif LadderAct.VERIFY in acts:
            self.say(name, "deesc/verify-result", answers=standing.digest, confirmed="YES")
        elif LadderAct.CLOSE in acts and ladder.state in ("VERIFIED", "CLOSING"):
            self.say(name, "deesc/close")
        else:
            return False
        return True


@pytest.mark.parametrize("seed", range(40))
def test_ladder_of_three_comes_to_the_same_whatever_link_is_slow(seed: int) -> None:
    links = Links(seed)
    links.say("NORTH", "deesc/cease-propose")
    busy = True
    while busy:
        acting = links.chance.sample(NAMES, 3)
        busy = any(
            [links.chance.random() < 0.5 and links.act(name) for name in acting]
            + [links.deliver_one()]
        ) or any(links.act(name) for name in acting)
    assert [side.ladder().state for side in links.sides.values()] == ["CLOSED"] * 3
    for side in links.sides.values():
        assert side.situation == side.refolded()
        assert not side.situation.quarantined
        assert side.situation.incidents[INCIDENT].closed_at_ms is not None


# --- the console -------------------------------------------------------------------------------


def test_state_counts_the_first_step_that_not_all_have_reached() -> None:
    north, _, _ = trio()
    letter = say(north, "sea/encounter", to=("SOUTH",))
    state = north.situation.statements[letter.digest]
    assert partly(state) is None
    north.note(receipt(letter.digest, "SOUTH"))
    assert partly(state) == ("DELIVERED 1 of 2", ">")
    state.reached["SOUTH"] = Delivery.READ
    assert partly(state) == ("DELIVERED 1 of 2", ">")
    north.note(receipt(letter.digest, "EAST"))
    assert partly(state) == ("READ BY OFFICER 1 of 2", "v")
    state.reached["EAST"] = Delivery.READ
    assert partly(state) is None
    state.rejected["EAST"] = "no"
    assert partly(state) == ("REJECTED 1 of 2", "x")


def test_recipients_are_told_one_by_one_with_who_must_answer() -> None:
    north, south, _ = trio()
    letter = say(north, "sea/encounter", to=("SOUTH",))
    south.take(letter)
    north.note(receipt(letter.digest, "SOUTH"))

    def told(situation: Situation) -> list[tuple[object, ...]]:
        views = recipient_views(
            situation,
            situation.statements[letter.digest],
            lambda _digest, peer: "direct" if peer == "EAST" else "",
        )
        return [(one.station, one.acts, one.word, one.symbol, one.must_answer) for one in views]

    assert told(north.situation) == [
        ("SOUTH", True, "DELIVERED", ">", True),
        ("EAST", False, "SENDING [direct]", ">", False),
    ]
    assert told(south.situation) == [
        ("SOUTH", True, "RECEIVED", ">", True),
        ("EAST", False, "NOT KNOWN HERE", " ", False),
    ]
