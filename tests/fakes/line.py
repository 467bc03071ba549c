"""Two stations with one line between them, over real sockets, in one process.

    async with FakeLine(tmp_path) as line:
        digest = await line.south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: line.south.receipted(digest))
        await line.south.stop()         # close the station; its home stays
        await line.south.start()        # open it again from its home

NORTH listens, SOUTH dials. `place.heard` holds every packet that a place opened,
`place.inject(items)` sends what no honest station would, sealed and signed with
the place's real keys, and `place.item(...)` forges statements with every key the
place has. Nothing sleeps to synchronise: `wait_for` polls a condition.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.messages.catalogue import Catalogue
from hotline.core.messages.fields import parse_field
from hotline.core.messages.phrasing import Phrasebook
from hotline.core.messages.statement import Statement, encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest, Precedence, Realm
from hotline.desk.desk import Officer, OfficerDesk
from hotline.desk.views import DraftView, TemplateChoice
from hotline.host.clock import monotonic_s, system_clock
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.packs import load_catalogue
from hotline.host.phrases import load_phrasebook
from hotline.host.tables import load_ladder
from hotline.ledger.reconcile import Reconciliation, reconcile
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing import items as its
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.enrol import Subject
from hotline.sealing.order import Order, sign_order
from hotline.sealing.packet import VerifiedPacket
from hotline.sealing.roster import identify_ledger
from hotline.sealing.statements import sign_statement
from hotline.station.footing import PlanRoutes
from hotline.station.founding import Founder
from hotline.station.home import Home, OpenLine, open_line, open_officer, read_card, write_json
from hotline.station.keeping import open_kept
from hotline.station.pair import Pair
from hotline.station.routes import route_planner
from hotline.station.station import Station
from hotline.transport.link import Timings
from hotline.transport.route import Route
from tests.fakes.founded import found_or_copy

YEAR_MS = 365 * 86_400_000
DEADLINE_S = 20.0
FAST = Timings(
    open_timeout_s=3.0,
    ping_interval_s=5.0,
    ping_timeout_s=5.0,
    close_timeout_s=0.3,
    send_timeout_s=5.0,
    stable_s=30.0,
    backoff_cap_s=0.05,
    blocked_s=0.05,
)
ENCOUNTER = {
    "own_hull": "F 213",
    "other_hull": "DDG-51",
    "position": "54-31.2N 011-02.5E",
    "course": "210",
    "speed": "12",
    "cpa": "0.6",
    "seen_at": "-2m",
}
UNSAFE_ACT = {
    "act": "LASER",
    "position": "54-31.2N 011-02.5E",
    "at": "-2m",
    "min_distance": "0.4",
    "observation": "Green light on the bridge windows",
}
CEASE = {"act": "Approaches closer than 2 nm", "from": "+5m", "reciprocal": "YES"}
SALT = "5a" * 16


async def wait_for(condition: Callable[[], object], timeout_s: float = DEADLINE_S) -> None:
    """Poll until `condition` holds; fail when it does not within the deadline."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of many sources, one deadline
            await asyncio.sleep(0.005)


@functools.cache
def catalogue() -> Catalogue:
    """Return the shipped templates."""
    return load_catalogue(find_config())


@functools.cache
def phrasebook() -> Phrasebook:
    """Return the shipped English."""
    return load_phrasebook(find_config(), "en")


@functools.cache
def rules(members: tuple[str, ...] = ("NORTH", "SOUTH")) -> Rules:
    """Return the rules of a line between NORTH and SOUTH, or others."""
    return Rules(members, catalogue(), load_ladder(find_config()))


@dataclass
class Place:
    """One station's home, and the running station and desk while it is open."""

    name: str
    person: str
    home: Home
    peer: str
    clock_ms: Callable[[], int] = system_clock
    timings: Timings = FAST
    tests_routes: bool = True
    """Whether it begins channel tests; they are entries, too, and no hour is idle with them."""
    planned: Callable[[PlanRoutes], PlanRoutes] = field(default=lambda plan: plan, repr=False)
    """Changes which routes are worked."""
    opened: OpenLine = field(init=False, repr=False)
    station: Station = field(init=False, repr=False)
    desk: OfficerDesk = field(init=False, repr=False)
    officer: Officer = field(init=False, repr=False)
    heard: list[VerifiedPacket] = field(default_factory=list, repr=False)
    cells: list[bytes] = field(default_factory=list, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def directory(self) -> Path:
        return self.home.only_line()

    @property
    def situation(self) -> Situation:
        return self.station.situation

    @property
    def direct(self) -> Route:
        """The direct route to the peer."""
        return self.station.route.routes["direct"]

    @property
    def pair(self) -> Pair:
        """The keys towards the peer."""
        return self.station._courier.pairs[self.peer]

    async def start(self, *, run: bool = True) -> None:
        self.opened = open_line(self.home, None, self.clock_ms, system_entropy)
        planner = route_planner(
            self.home, self.opened, monotonic=monotonic_s, chance=lambda: 1.0, timings=self.timings
        )
        kept = open_kept(self.home, self.opened, None, catalogue().packs)
        members = rules(self.opened.line.roster.members)
        if not self.tests_routes:
            never = replace(members.channel, settle_ms=YEAR_MS, interval_ms=YEAR_MS)
            members = replace(members, channel=never)
        plan = self.planned(planner)
        self.station = Station(self.opened.line, self.opened.ledger, members, plan, kept)
        self._listen_in()
        self.officer = self.unlock(self.person, None)
        self.desk = self.desk_of(self.person)
        if run:
            self.run()

    def unlock(self, person: str, passphrase: str | None) -> Officer:
        return Officer(*open_officer(self.home, self.opened.line.roster, person, passphrase))

    def desk_of(self, person: str) -> OfficerDesk:
        """Return a desk of its own for an officer, at this station."""
        return OfficerDesk(
            self.station,
            self.unlock(person, None),
            own=phrasebook(),
            peer=phrasebook(),
            clock=self.clock_ms,
            entropy=system_entropy,
            unlock=self.unlock,
        )

    def run(self) -> None:
        self.task = asyncio.create_task(self.station.run())

    def _listen_in(self) -> None:
        courier = self.station._courier
        opening, sealing = courier.open, courier.seal

        def heard(cell: bytes) -> VerifiedPacket:
            verified = opening(cell)
            self.heard.append(verified)
            return verified

        def said(peer: str, items: Sequence[its.Item]) -> bytes:
            cell = sealing(peer, items)
            self.cells.append(cell)
            return cell

        courier.open, courier.seal = heard, said  # type: ignore[method-assign]

    async def stop(self) -> None:
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self.station.close()

    async def died(self) -> BaseException:
        """Wait until the station stops by itself; return what stopped it."""
        assert self.task is not None
        await asyncio.wait([self.task], timeout=DEADLINE_S)
        error = self.task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert error is not None
        return error

    def reach(self, host: str, port: int) -> None:
        """Dial `host` and `port` from the next start on, not where the peer's home says."""
        card = read_card(self.directory)
        peer = card.peers[0].model_copy(update={"home": "", "host": host, "port": port})
        write_json(self.directory / "line.json", card.model_copy(update={"peers": (peer,)}))

    def listening(self) -> tuple[str, int]:
        """Return where this place listens."""
        import json

        told = json.loads((self.directory / "listening.json").read_text())
        return told["host"], told["port"]

    # --- what is so ------------------------------------------------------------------

    def state(self, digest: str) -> StatementState:
        return self.situation.statements[digest]

    def holds(self, digest: str) -> bool:
        return digest in self.situation.statements

    def receipted(self, digest: str) -> bool:
        return self.peer in self.state(digest).receipted

    def happenings(self) -> list[Happening]:
        """Return everything recorded, read back from the ledger."""
        from hotline.station.happenings import happenings

        ledger = self.opened.ledger
        return list(happenings(ledger.entries(0, ledger.size), ledger.enclosure))

    def recorded(self, kind: type[ev.Event]) -> list[Any]:
        """Return all recorded events of a kind."""
        return [one.event for one in self.happenings() if isinstance(one.event, kind)]

    @property
    def reasons(self) -> list[str]:
        """Return why things were quarantined here."""
        return [reason for _, _, reason in self.situation.quarantined]

    def heard_items(self, kind: type[its.Item]) -> list[Any]:
        return [item for one in self.heard for item in one.packet.items if isinstance(item, kind)]

    # --- what the officer does -------------------------------------------------------

    def choice(
        self, template: str, answers: str | None = None, incident: str | None = None
    ) -> TemplateChoice:
        precedence = catalogue().templates[template].precedence.value
        return TemplateChoice(template, "", "", "", precedence, answers, incident, "")

    def draft(
        self,
        template: str,
        fields: Mapping[str, str],
        *,
        answers: str | None = None,
        incident: str | None = None,
        text: str = "",
        precedence: str = "",
    ) -> DraftView:
        view = self.desk.open_draft(self.choice(template, answers, incident))
        return self.desk.fill(view.draft, fields=fields, text=text, precedence=precedence)

    async def say(self, template: str, fields: Mapping[str, str], **more: Any) -> str:
        view = self.draft(template, fields, **more)
        assert view.ready, view.faults
        return await self.desk.send(view.draft, view.code)

    def go_on_from(self, order: ev.OrderRef) -> None:
        """Take an order that was injected for the newest of this station's."""
        recorder = self.station._recorder
        for situation in (recorder.situation, recorder._ahead):
            situation.our_order = order

    # --- what no officer does --------------------------------------------------------

    def inject(self, *items: its.Item) -> None:
        """Send items to the peer in one packet, with this place's real keys."""
        self.station._outgoing.put(lambda: items)

    def statement(self, template: str = "conv/free-text", **changes: Any) -> Statement:
        """Return a statement of this place that is in order; `changes` spoil it."""
        form = catalogue().templates[template]
        now_ms = self.clock_ms()
        fields = {
            spec.name: parse_field(spec, spec.example, now_ms=now_ms)
            for spec in form.fields
            if spec.required
        }
        values: dict[str, Any] = {
            "v": 1,
            "suite": 1,
            "realm": self.opened.line.realm,
            "line": self.opened.line.roster.line.hex(),
            "sender": self.name,
            "salt": system_entropy(16).hex(),
            "to": (self.peer,),
            "by": (self.officer.certificate.id.hex(),),
            "need": 1,
            "at": format_time(now_ms),
            "precedence": Precedence.PRIORITY,
            "marking": "",
            "incident": None,
            "template": catalogue().ref(template),
            "fields": fields,
            "text": "honest words" if template == "conv/free-text" else "",
            "lang": "en",
            "reply_by": None,
        }
        return Statement(**(values | changes))

    def order(self, digest: Digest, **changes: Any) -> bytes:
        """Return a signed order for the next place in this station's sequence."""
        before = self.situation.our_order
        values: dict[str, Any] = {
            "line": self.opened.line.roster.line,
            "sender": self.name,
            "generation": self.situation.generation,
            "seq": self.situation.next_seq(),
            "prev": Digest(bytes.fromhex(before.digest)) if before else ZERO_DIGEST,
            "digest": digest,
        }
        line = self.opened.line
        return sign_order(Order(**(values | changes)), line.ledger, line.ledger_certificate)

    def item(
        self, statement: Statement | None = None, *, envelope: bytes = b"", **order: Any
    ) -> its.StatementItem:
        """Return a statement item, signed with the officer's and the ledger's real keys."""
        payload = encode_statement(statement or self.statement())
        envelope = envelope or self.sign(payload)
        return its.StatementItem(
            envelope=envelope, order=self.order(statement_digest(payload), **order)
        )

    def sign(self, payload: bytes) -> bytes:
        return sign_statement(payload, self.officer.signer, self.officer.certificate.id)

    def verdict(self) -> Verdict:
        return verify_ledger(
            self.directory / "ledger.db", identify=identify_ledger, verifier=verify_ed25519
        )


class FakeLine:
    """A line of two places; the context closes whatever still runs."""

    def __init__(
        self,
        directory: Path,
        *,
        run: bool = True,
        realm: Realm = Realm.EXERCISE,
        clock: Callable[[], int] = system_clock,
        deputies: bool = False,
        two_person: Sequence[str] = (),
        found: bool = True,
    ) -> None:
        """Found the line; `deputies`: each station has a second officer, vega and sorel.

        Args:
            found: False: its homes are there already.
        """
        self._run = run
        north, south = Home(directory / "NORTH"), Home(directory / "SOUTH")
        officers = {
            "NORTH": Subject("ramos", "A. Ramos", "LT", "Duty officer"),
            "SOUTH": Subject("niven", "K. Niven", "LCDR", "Watch officer"),
        }
        seconds = {
            "NORTH": (Subject("vega", "B. Vega", "CDR", "Commander"),) * deputies,
            "SOUTH": (Subject("sorel", "M. Sorel", "CDR", "Commander"),) * deputies,
        }
        if found:
            found_or_copy(
                [
                    Founder(north, "NORTH", (officers["NORTH"], *seconds["NORTH"])),
                    Founder(south, "SOUTH", (officers["SOUTH"], *seconds["SOUTH"])),
                ],
                name="north-south",
                realm=realm,
                catalogue=catalogue(),
                clock=clock,
                two_person=two_person,
            )
        self.north = Place("NORTH", "ramos", north, "SOUTH", clock)
        self.south = Place("SOUTH", "niven", south, "NORTH", clock)

    @property
    def places(self) -> tuple[Place, Place]:
        return self.north, self.south

    async def __aenter__(self) -> FakeLine:
        await self.north.start(run=self._run)
        if self._run:
            await wait_for((self.north.directory / "listening.json").exists)
        await self.south.start(run=self._run)
        if self._run:
            await self.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for place in self.places:
            with contextlib.suppress(Exception):
                await place.stop()

    async def up(self) -> None:
        """Wait until both say that the link is up."""
        await wait_for(
            lambda: all(
                place.station.route.up
                and place.peer in place.situation.links
                and place.situation.links[place.peer].state == "UP"
                for place in self.places
            )
        )

    async def settled(self) -> None:
        """Wait until all is delivered and all that was recorded is countersigned."""

        def quiet() -> bool:
            for place in self.places:
                if not place.station.settled:
                    place.station.show_head()
            return all(place.station.settled for place in self.places)

        await wait_for(quiet)

    async def judged(self) -> Reconciliation:
        """Close both stations; verify both ledgers, then one against the other."""
        for place in self.places:
            await place.stop()
        verdicts = [place.verdict() for place in self.places]
        assert all(verdict.ok for verdict in verdicts), verdicts
        paths = [place.directory / "ledger.db" for place in self.places]
        return reconcile(verdicts[0], paths[0], verdicts[1], paths[1])
