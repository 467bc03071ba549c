"""Three exchanges in memory and an adversary between them, played by Hypothesis.

The network drops, doubles, reorders, and replays what it ever saw, on any link and
from another line; stations crash before and after they write; EAST may sign two
statements under one number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hotline.core.errors import OperatorError
from hotline.core.exchange.commands import Note, TakeStatement, Told
from hotline.core.exchange.decide import decide
from hotline.core.exchange.forks import standing_forks
from hotline.core.records import events as ev
from hotline.core.values import Precedence
from tests.core.exchange.rig import LINE, Letter, Side, receipt
from tests.fakes.line import rules

NAMES = ("NORTH", "SOUTH", "EAST")
OTHER_LINE = "cd" * 32
SIDES = st.sampled_from(NAMES)
PLACES = st.integers(0, 1_000)
LINKS = st.sampled_from([(one, other) for one in NAMES for other in NAMES if one != other])
JUMPS_MS = st.sampled_from([-86_400_000, -1_000, 61_000, 3_600_000, 86_400_000])
CRASHES = st.sampled_from(["", "", "", "before", "after"])
OPENERS = ("sea/encounter", "conv/free-text")


@dataclass(frozen=True)
class Receipt:
    """Says that `peer` recorded a statement."""

    digest: str
    peer: str


class Group(RuleBasedStateMachine):
    """NORTH and SOUTH are honest; EAST is, too, unless it equivocates."""

    def __init__(self) -> None:
        super().__init__()
        self.sides = {name: self.make_side(name) for name in NAMES}
        self.links: dict[tuple[str, str], list[Letter | Receipt]] = {
            (one, other): [] for one in NAMES for other in NAMES if one != other
        }
        self.seen: list[Letter] = []
        self.letters: dict[str, Letter] = {}
        self.twins: list[Letter] = []

    def make_side(self, name: str) -> Side:
        return Side(name, next(one for one in NAMES if one != name), rules=rules(NAMES))

    # --- what officers do ------------------------------------------------------------

    def _say(self, side: Side, template: str, to: tuple[str, ...], **given: object) -> None:
        info = tuple(one for one in NAMES if one not in (side.name, *to))
        try:
            letter = side.say(template, _to=to, _info=info, **given)  # type: ignore[arg-type]
        except OperatorError:
            assert standing_forks(side.situation)  # the line is frozen: an alarm is up
            return
        self.letters[letter.digest] = letter
        self._post(side)

    def _post(self, side: Side) -> None:
        """What the station's pump does: each gets what it has not receipted."""
        for digest in side.situation.outbox:
            for peer in side.situation.statements[digest].unreceipted:
                self._put(side.name, peer, self.letters[digest])

    def _put(self, sender: str, to: str, letter: Letter | Receipt) -> None:
        self.links[sender, to].append(letter)
        if isinstance(letter, Letter):
            self.seen.append(letter)

    @rule(
        name=SIDES, template=st.sampled_from(OPENERS), everybody=st.booleans(), flash=st.booleans()
    )
    def say(self, name: str, template: str, everybody: bool, flash: bool) -> None:
        others = tuple(one for one in NAMES if one != name)
        urgent = Precedence.FLASH if flash else Precedence.ROUTINE
        self._say(
            self.sides[name], template, others if everybody else others[:1], precedence=urgent
        )

    @rule(name=SIDES, template=st.sampled_from(["sea/intent", "link/ack-read"]), place=PLACES)
    def answer(self, name: str, template: str, place: int) -> None:
        side = self.sides[name]
        asked = [
            one
            for one in side.situation.statements.values()
            if not one.outbound
            and one.verdict == "VERIFIED"
            and one.statement.template.id == "sea/encounter"
            and (template != "link/ack-read" or all(by[0] != name for by in one.read_by))
        ]
        if asked:
            about = asked[place % len(asked)]
            self._say(side, template, (about.statement.sender,), answers=about.digest)

    @rule()
    def equivocate(self) -> None:
        """EAST signs another statement under the number of its newest one, for SOUTH alone."""
        east = self.sides["EAST"]
        order = east.situation.our_order
        if order is None:
            return
        twin = self._twin(order)
        letter = Letter(twin, "EAST", order.prev, east.now_ms)
        self.twins.append(letter)
        self._put("EAST", "SOUTH", letter)

    def _twin(self, order: ev.OrderRef) -> Told:
        twin = self.sides["EAST"].write("conv/free-text", _to=("NORTH", "SOUTH"), _info=())
        return replace(twin, order=order.model_copy(update={"digest": twin.digest}))

    # --- what the network and the power supply do ---------------------------------------

    @rule(link=LINKS, place=PLACES, crash=CRASHES)
    def deliver(self, link: tuple[str, str], place: int, crash: str) -> None:
        letters = self.links[link]
        if letters:
            self._arrive(link, letters.pop(place % len(letters)), crash)

    @rule(link=LINKS, place=PLACES, twice=st.booleans())
    def drop_or_double(self, link: tuple[str, str], place: int, twice: bool) -> None:
        letters = self.links[link]
        if letters and twice:
            letters.append(letters[place % len(letters)])
        elif letters:
            letters.pop(place % len(letters))

    @precondition(lambda self: self.seen)
    @rule(link=LINKS, place=PLACES, elsewhere=st.booleans())
    def replay(self, link: tuple[str, str], place: int, elsewhere: bool) -> None:
        """Send again what was ever sent, on any link, or as it was said on another line."""
        letter = self._replayed(self.seen[place % len(self.seen)], elsewhere)
        self._arrive(link, letter, "")

    def _replayed(self, letter: Letter, elsewhere: bool) -> Letter:
        if not elsewhere:
            return letter
        foreign = letter.told.statement.model_copy(update={"line": OTHER_LINE})
        return replace(letter, told=replace(letter.told, statement=foreign))

    @rule(name=SIDES, jump_ms=JUMPS_MS)
    def turn_the_clock(self, name: str, jump_ms: int) -> None:
        self.sides[name].tick(jump_ms)

    @rule(name=SIDES)
    def retry(self, name: str) -> None:
        self._post(self.sides[name])

    def _arrive(self, link: tuple[str, str], letter: Letter | Receipt, crash: str) -> None:
        sender, name = link
        side = self.sides[name]
        if isinstance(letter, Receipt):
            self._note(side, letter, crash)
            return
        receipted = self._take(sender, name, letter, crash)
        if crash:
            self._restart(name)
        elif receipted:
            self._put(name, sender, Receipt(letter.digest, name))

    def _take(self, sender: str, name: str, letter: Letter, crash: str) -> bool:
        """Have `name` take a letter in a packet of `sender`; return whether it receipts it."""
        side, statement = self.sides[name], letter.told.statement
        # Signatures and line secrets: what is of another line or another station's is refused.
        if statement.line != LINE or statement.sender != sender:
            return False
        if crash == "before":
            command = TakeStatement(letter.told, sender, "VERIFIED", side.now_ms)
            decide(side.situation, side.rules, command, side.now_ms)
            return False
        return side.take(letter).rejected is None

    def _note(self, side: Side, said: Receipt, crash: str) -> None:
        if crash != "before":
            side.do(Note((receipt(said.digest, said.peer),)))
        if crash:
            self._restart(side.name)

    def _restart(self, name: str) -> None:
        self.sides[name].situation = self.sides[name].refolded()

    # --- what always holds ---------------------------------------------------------------

    @invariant()
    def each_statement_is_accepted_once(self) -> None:
        for side in self.sides.values():
            taken = self.taken_by(side.name)
            assert len(taken) == len(set(taken))

    def taken_by(self, name: str) -> list[str]:
        log = self.sides[name].log
        return [one.event.digest for one in log if isinstance(one.event, ev.StatementReceived)]

    @invariant()
    def receipt_means_durable(self) -> None:
        for side in self.sides.values():
            for state in side.situation.statements.values():
                for peer in state.receipted:
                    assert state.digest in self._durable(peer)

    def _durable(self, name: str) -> set[str]:
        log = self.sides[name].log
        return {one.event.digest for one in log if isinstance(one.event, ev.StatementReceived)}

    @invariant()
    def what_is_accepted_is_of_one_chain_or_an_alarm_is_up(self) -> None:
        for side in self.sides.values():
            numbers: dict[tuple[str, int], str] = {}
            for one in side.log:
                if isinstance(one.event, ev.StatementReceived) and one.statement is not None:
                    key = one.statement.sender, one.event.order.seq
                    assert numbers.setdefault(key, one.event.digest) == one.event.digest
            for (sender, seq), digest in numbers.items():
                sent = self.letters.get(digest)
                if sent is None:
                    # A twin: whoever gets the other one, too, keeps both as evidence.
                    assert sender == "EAST"
                else:
                    assert sent.told.order.seq == seq
        both = [
            (side, twin)
            for side in self.sides.values()
            for twin in self.twins
            if side.name != "EAST"
            and ("EAST", 1, twin.told.order.seq) in side.situation.seen_orders
        ]
        for side, twin in both:
            held = side.situation.seen_orders["EAST", 1, twin.told.order.seq]
            rivals = {digest for _, digest, why in side.situation.quarantine_keys if "fork" in why}
            assert held.digest not in rivals

    def teardown(self) -> None:
        """The network heals: everything arrives, and all three see the same."""
        self.links = {link: [] for link in self.links}
        for _ in range(6):
            for side in self.sides.values():
                self._post(side)
            for link, letters in self.links.items():
                while letters:
                    self._arrive(link, letters.pop(0), "")
        forked = {one.told.order.seq for one in self.twins}
        for side in self.sides.values():
            for digest in side.situation.outbox:
                # Who holds the twin refuses what EAST sent under that number, and what goes on
                # from there; it keeps both as evidence.
                assert side.name == "EAST"
                assert self.letters[digest].told.order.seq >= min(forked)
                for peer in side.situation.statements[digest].unreceipted:
                    kept = self.sides[peer].situation.quarantine_keys
                    assert digest in {one for _, one, _ in kept}
            assert side.situation == side.refolded()
        if not forked:
            self._check_same()

    def _check_same(self) -> None:
        north, *others = self.sides.values()
        for digest, dialogue in north.situation.dialogues.items():
            for other in others:
                found = other.situation.dialogues[digest]
                assert (found.waiting, found.how) == (dialogue.waiting, dialogue.how)
        for other in others:
            assert not other.situation.early
            assert other.situation.statements.keys() == north.situation.statements.keys()
            assert other.situation.clocks.keys() == north.situation.clocks.keys()


TestGroup = Group.TestCase
TestGroup.settings = settings(
    max_examples=max(1_000, settings.default.max_examples), stateful_step_count=20, deadline=None
)
