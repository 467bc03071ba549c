"""Stations without keys, sockets or disks: commands decided and folded, nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hotline.core.exchange.commands import (
    Command,
    Note,
    Quarantine,
    SendStatement,
    TakeStatement,
    Tick,
    Told,
)
from hotline.core.exchange.decide import decide
from hotline.core.exchange.decision import Decision
from hotline.core.exchange.fold import apply, fold
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.messages.fields import parse_field
from hotline.core.messages.statement import Statement, encode_statement, statement_digest
from hotline.core.protocols.ladder import LadderState
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Precedence, Realm, sha256
from tests.fakes.line import catalogue, rules

NOW_MS = 1_795_357_886_000  # 2026-11-22T14:31:26Z
MINUTE_MS = 60_000
INCIDENT = "SOUTH-261122-01"
LINE = "ab" * 32
_SALTS = itertools.count(1)


def form_fields(template: str, **given: str) -> dict[str, str]:
    """Return canonical values for every required field, from its example unless given."""
    form = catalogue().templates[template]
    return {
        spec.name: parse_field(spec, given.get(spec.name, spec.example), now_ms=NOW_MS)
        for spec in form.fields
        if spec.required or spec.name in given
    }


@dataclass
class Side:
    """One station's record and what is so; every change goes through `decide` and `apply`."""

    name: str
    peer: str
    now_ms: int = NOW_MS
    rules: Rules = field(default_factory=rules)
    situation: Situation = field(default_factory=Situation)
    log: list[Happening] = field(default_factory=list)
    earlier: list[Happening] = field(default_factory=list)
    commits: list[int] = field(default_factory=lambda: [1])

    def __post_init__(self) -> None:
        opened = ev.LedgerOpened(realm="EXERCISE", line=LINE, station=self.name, generation=1)
        self._record(opened, None)

    def _record(
        self, event: ev.Event, statement: Statement | None, signers: tuple[str, ...] = ()
    ) -> None:
        # Through bytes and back, as the ledger keeps it.
        kept = ev.decode_event(event.kind, ev.encode_event(event))
        assert kept == event
        happening = Happening(len(self.log), self.now_ms, kept, statement, signers)
        self.log.append(happening)
        apply(self.situation, happening)

    def put_back(self, entries: int, generation: int = 2) -> None:
        """Cut the ledger to its first entries, and begin another generation of it."""
        kept = self.log[:entries]
        self.earlier = [replace(one, index=one.index - len(kept)) for one in kept]
        self.log, self.commits = [], [1]
        self.situation = fold(self.earlier)
        self.situation.length = 0
        opened = ev.LedgerOpened(
            realm="EXERCISE", line=LINE, station=self.name, generation=generation
        )
        self._record(opened, None)

    def do(self, command: Command) -> Decision:
        decision = decide(self.situation, self.rules, command, self.now_ms)
        for planned in decision.events:
            self._record(planned.event, planned.statement, planned.signers)
        self.commits.append(len(self.log))
        return decision

    def write(
        self,
        template: str = "conv/free-text",
        *,
        answers: str | None = None,
        incident: str | None = None,
        at_ms: int | None = None,
        precedence: Precedence = Precedence.PRIORITY,
        **given: Any,
    ) -> Told:
        """Return a statement of this side, next in its order, not recorded yet."""
        changes = {key[1:]: given.pop(key) for key in list(given) if key.startswith("_")}
        form = catalogue().templates[template]
        if answers is not None and form.field("reference"):
            given.setdefault("reference", answers)
        values: dict[str, Any] = {
            "v": 1,
            "suite": 1,
            "realm": Realm.EXERCISE,
            "line": LINE,
            "sender": self.name,
            "salt": f"{next(_SALTS):032x}",
            "to": (self.peer,),
            "by": ("cd" * 32,),
            "need": 1,
            "at": format_time(self.now_ms if at_ms is None else at_ms),
            "precedence": precedence,
            "marking": "",
            "incident": incident,
            "refs": (answers,) if answers else (),
            "template": catalogue().ref(template),
            "fields": form_fields(template, **given),
            "text": "words" if template == "conv/free-text" else "",
            "lang": "en",
            "reply_by": None,
        }
        statement = Statement(**(values | changes))
        digest = statement_digest(encode_statement(statement)).hex()
        before = self.situation.our_order
        order = ev.OrderRef(
            generation=self.situation.generation,
            seq=self.situation.next_seq(),
            prev=before.digest if before else ZERO_DIGEST.hex(),
            digest=sha256(f"{digest}{before}".encode()).hex(),
        )
        return Told(
            statement=statement,
            digest=digest,
            order=order,
            item=digest.encode(),
            template=self.rules.template_for(statement),
            role="Duty officer",
            name=f"Officer of {self.name}",
        )

    def send(self, told: Told, inject: tuple[str, str] | None = None) -> Letter:
        before = self.situation.our_order
        self.do(SendStatement(told, inject))
        return Letter(told, self.name, before.digest if before else ZERO_DIGEST.hex(), self.now_ms)

    def say(self, template: str = "conv/free-text", **given: Any) -> Letter:
        return self.send(self.write(template, **given))

    def take(self, letter: Letter, **changes: Any) -> Decision:
        prev = changes.pop("prev", letter.prev)
        order = letter.told.order.model_copy(update={"prev": prev})
        template = self.rules.template_for(letter.told.statement)
        command = TakeStatement(
            told=replace(letter.told, template=template, order=order),
            peer=letter.sender,
            verdict="VERIFIED",
            sent_at_ms=letter.sent_at_ms,
        )
        return self.do(replace(command, **changes))

    def note(self, *events: ev.Event) -> Decision:
        return self.do(Note(events))

    def tick(self, after_ms: int) -> list[ev.Event]:
        self.now_ms += after_ms
        return kinds(self.do(Tick()))

    def quarantine(self, digest: str, reason: str) -> Decision:
        return self.do(Quarantine(self.peer, digest, reason, b"{}"))

    def ladder(self, incident: str = INCIDENT) -> LadderState:
        found = self.situation.incidents.get(incident)
        return found.ladder if found else LadderState()

    def clock(self, digest: str, clock: str) -> str:
        found = self.situation.deadlines_of(digest, clock)
        return found[0].state if found else ""

    def refolded(self) -> Situation:
        return fold([*self.earlier, *self.log])


@dataclass(frozen=True)
class Letter:
    """A statement on its way."""

    told: Told
    sender: str
    prev: str
    sent_at_ms: int

    @property
    def digest(self) -> str:
        return self.told.digest


def pair() -> tuple[Side, Side]:
    return Side("NORTH", "SOUTH"), Side("SOUTH", "NORTH")


def kinds(decision: Decision) -> list[ev.Event]:
    return [planned.event for planned in decision.events]


def of_kind(decision: Decision, kind: type[ev.Event]) -> list[Any]:
    return [event for event in kinds(decision) if isinstance(event, kind)]


def receipt(digest: str, peer: str) -> ev.ReceiptObtained:
    values: Mapping[str, Any] = {
        "digest": digest,
        "peer": peer,
        "our_size": 5,
        "verdict": "VERIFIED",
        "received_at_ms": NOW_MS,
        "index": 1,
        "size": 2,
        "leaf": "AA==",
        "salt": "00",
        "content": "e30=",
        "proof": (),
    }
    return ev.ReceiptObtained(**values)


def exchange(first: Side, second: Side, says: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """Let `first` and `second` say things in turn, each delivered at once; return the digests."""
    digests = []
    for place, (template, given) in enumerate(says):
        speaker, listener = (first, second) if place % 2 == 0 else (second, first)
        letter = speaker.say(template, **given)
        listener.take(letter)
        digests.append(letter.digest)
    return digests
