"""Three exchanges in memory and an adversary between them, played by Hypothesis.

The network drops, doubles, reorders, and replays what it ever saw, on any link and
from another line; stations crash before and after they write; EAST may sign two
statements under one number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hotline.core.errors import OperatorError
from hotline.core.exchange.commands import (
    AdmitGeneration,
    Note,
    RecoverStatement,
    SendAgain,
    TakeStatement,
    Told,
)
from hotline.core.exchange.decide import decide
from hotline.core.exchange.forks import standing_forks
from hotline.core.exchange.gaps import Range
from hotline.core.exchange.generations import our_missing, owed, their_missing
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Precedence, sha256
from tests.core.exchange.rig import LINE, Letter, Side, receipt
from tests.fakes.line import rules

pytestmark = pytest.mark.timeout(400)
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


@dataclass(frozen=True)
class Opened:
    """Two officers of the sender opened the next generation of its ledger; it misses these."""

    ours: tuple[Range, ...]
    yours: tuple[Range, ...]


@dataclass(frozen=True)
class Returned:
    """A statement of the receiver's, given back."""

    told: Told


Sent = Letter | Receipt | Opened | Returned


class Group(RuleBasedStateMachine):
    """NORTH and SOUTH are honest; EAST is, too, unless it equivocates."""

    def __init__(self) -> None:
        super().__init__()
        self.sides = {name: self.make_side(name) for name in NAMES}
        self.links: dict[tuple[str, str], list[Sent]] = {
            (one, other): [] for one in NAMES for other in NAMES if one != other
        }
        self.seen: list[Letter] = []
        self.letters: dict[str, Letter] = {}
        self.twins: list[Letter] = []
        self.places: dict[str, set[tuple[int, int]]] = {}
        self.left: dict[str, set[str]] = {name: set() for name in NAMES}

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
        self._number(letter)
        self._post(side)

    def _number(self, letter: Letter) -> None:
        self.letters[letter.digest] = letter
        order = letter.told.order
        self.places.setdefault(letter.digest, set()).add((order.generation, order.seq))

    def _post(self, side: Side) -> None:
        """What the station's pump does: each gets what it has not receipted."""
        if side.situation.generation > 1:
            self._say_what_is_missing(side)
        for digest in side.situation.outbox:
            for peer in side.situation.statements[digest].unreceipted:
                self._put(side.name, peer, self._letter(side, digest))

    def _say_what_is_missing(self, side: Side) -> None:
        for digest in list(side.situation.outbox):
            self._letter(side, digest)
        for peer in NAMES:
            if peer != side.name:
                missing = (our_missing(side.situation, peer), their_missing(side.situation, peer))
                self._put(side.name, peer, Opened(*map(tuple, missing)))

    def _letter(self, side: Side, digest: str) -> Letter:
        """Return what to send of a statement, under a new number if its own was left behind."""
        if side.situation.statements[digest].order.generation < side.situation.generation:
            before = side.situation.our_order
            prev = before.digest if before else ZERO_DIGEST.hex()
            told = self._placed(side, self.letters[digest].told, prev)
            side.do(SendAgain(told))
            self._number(Letter(told, side.name, prev, side.now_ms))
        return self.letters[digest]

    def _placed(self, side: Side, told: Told, prev: str) -> Told:
        order = ev.OrderRef(
            generation=side.situation.generation,
            seq=side.situation.next_seq(),
            prev=prev,
            digest=sha256(f"again {told.digest}".encode()).hex(),
        )
        return replace(told, order=order)

    def _put(self, sender: str, to: str, letter: Sent) -> None:
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
        if order is None or any(self.left.values()):
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

    @precondition(lambda self: not self.twins)
    @rule(name=SIDES, place=PLACES)
    def restore(self, name: str, place: int) -> None:
        """Put a ledger back, once; two officers open its next generation (docs/ledger.md §19)."""
        side = self.sides[name]
        if side.situation.generation == 1:
            self.left[name] = {*self.taken_by(name), name}
            side.put_back(side.commits[place % len(side.commits)])

    @rule(name=SIDES, jump_ms=JUMPS_MS)
    def turn_the_clock(self, name: str, jump_ms: int) -> None:
        self.sides[name].tick(jump_ms)

    @rule(name=SIDES)
    def retry(self, name: str) -> None:
        self._post(self.sides[name])

    def _arrive(self, link: tuple[str, str], letter: Sent, crash: str) -> None:
        sender, name = link
        side = self.sides[name]
        if not isinstance(letter, Letter):
            if crash != "before":
                self._recover(side, sender, letter)
            if crash:
                self._restart(name)
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

    def _recover(self, side: Side, sender: str, said: Receipt | Opened | Returned) -> None:
        match said:
            case Receipt() if said.digest in side.situation.statements:
                side.do(Note((receipt(said.digest, said.peer),)))
            case Opened():
                side.do(AdmitGeneration(opened(sender), b"{}"))
                for digest in owed(side.situation, sender, said.ours, said.yours):
                    state = side.situation.statements[digest]
                    if state.outbound:
                        self._put(side.name, sender, self._letter(side, digest))
                    else:
                        told = replace(self.letters[digest].told, order=state.order)
                        self._put(side.name, sender, Returned(told))
            case Returned():
                side.do(RecoverStatement(said.told, sender))

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
        """What a station recorded, in this ledger or in one that was put back."""
        return {*self.taken_by(name), *self.left[name]}

    @invariant()
    def what_is_accepted_is_of_one_chain_or_an_alarm_is_up(self) -> None:
        for side in self.sides.values():
            numbers: dict[tuple[str, int, int], str] = {}
            for one in side.log:
                if isinstance(one.event, ev.StatementReceived) and one.statement is not None:
                    order = one.event.order
                    key = one.statement.sender, order.generation, order.seq
                    assert numbers.setdefault(key, one.event.digest) == one.event.digest
            for (sender, *place), digest in numbers.items():
                if digest in self.letters:
                    assert tuple(place) in self.places[digest]
                else:
                    # A twin: whoever gets the other one, too, keeps both as evidence.
                    assert sender == "EAST"
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
        self.each_statement_is_accepted_once()
        self.receipt_means_durable()
        self.what_is_accepted_is_of_one_chain_or_an_alarm_is_up()
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


def opened(station: str) -> ev.PeerGenerationAdmitted:
    return ev.PeerGenerationAdmitted(
        peer=station,
        generation=2,
        authorisation="ab" * 32,
        kept_size=1,
        held_size=1,
        fits=True,
        reason="it was put back",
    )


TestGroup = Group.TestCase
TestGroup.settings = settings(
    max_examples=max(1_000, settings.default.max_examples), stateful_step_count=20, deadline=None
)
