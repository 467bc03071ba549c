"""An officer's desk: the feed of the watch, and what the officer does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial

from hotline.core.errors import OperatorError
from hotline.core.exchange.rules import ACKNOWLEDGEMENT, READ_BACK
from hotline.core.exchange.situation import Situation
from hotline.core.messages import phrasing
from hotline.core.messages.readback import compare
from hotline.core.messages.statement import Statement
from hotline.core.messages.template import Template
from hotline.core.records.events import WatchOpened
from hotline.core.seams import Clock, Entropy
from hotline.core.times import format_time
from hotline.core.values import Digest, Precedence
from hotline.desk.attaching import Attachable
from hotline.desk.drafts import MAX_AGE_MS, Draft, Writer, draft_view, fill
from hotline.desk.health import health_words
from hotline.desk.lock import DeskLock, Lockable
from hotline.desk.messages import fault_as_asked
from hotline.desk.officer import Officer, Unlock, no_keys_here
from hotline.desk.presenter import Presenter, Surroundings
from hotline.desk.releases import Releases, seconds_for
from hotline.desk.views import (
    Difference,
    DraftView,
    ReadBackView,
    ReleaseView,
    RootView,
    TemplateChoice,
)
from hotline.sealing.fingerprint import root_words
from hotline.sealing.statements import sign_statement
from hotline.station.attachments import Attached
from hotline.station.endings import Ending, alarming, endings
from hotline.station.station import Station

SALT_BYTES = 16
MAX_INCIDENTS_A_DAY = 999


class OfficerDesk(Attachable, Lockable):
    """One officer at one station's desk; implements hotline.desk.port.Desk."""

    def __init__(
        self,
        station: Station,
        officer: Officer,
        *,
        own: phrasing.Phrasebook,
        peer: phrasing.Phrasebook,
        clock: Clock,
        entropy: Entropy,
        listed: tuple[str, ...] = (),
        coach: Callable[[], str] = lambda: "",
        unlock: Unlock = no_keys_here,
        protected: bool = False,
        lock_after_ms: int = 0,
    ) -> None:
        """Sit down; `sign_on` tells the ledger.

        Args:
            unlock: Opens a second officer's key, and this one's after it was locked.
            protected: Whether this officer's key file has a passphrase.
            lock_after_ms: How long no key is pressed before it is locked; 0: for ever.
        """
        self.station, self.lock_after_ms = station, lock_after_ms
        self._lock = DeskLock(
            officer, unlock, protected=protected, clock=clock, record=station.note
        )
        self._clock, self._entropy = clock, entropy
        line = station.line
        self._writer = Writer(
            station=line.station,
            members=line.roster.members,
            realm=line.realm,
            line=line.roster.line.hex(),
            by=officer.certificate.id.hex(),
            rules=station.rules,
            own=own,
            peer=peer,
            listed=listed,
            least=lambda template: line.roster.charter.least_signers(template, 1),
            seconds=lambda: seconds_for(station, self._lock.certificate),
        )
        self._releases = Releases(station, self._lock, self._writer, unlock)
        super().__init__(
            Presenter(lambda: station.situation, station.rules, own, self._around(coach))
        )
        self._drafts: dict[str, Draft] = {}
        self._names = itertools.count(1)

    def _around(self, coach: Callable[[], str]) -> Surroundings:
        """Return what the feed cannot read from the ledger."""
        station, line = self.station, self.station.line
        return Surroundings(
            station=line.station,
            peers=station.peers,
            mode=line.realm.value,
            clock=self._clock,
            sending=station.sending,
            coach=coach,
            names=lambda: line.roster.names,
            new_root=self.new_root,
            ending=self.ending,
            line=line.roster.name,
            lock=self._lock.view,
            health=partial(health_words, station),
        )

    # --- feed --------------------------------------------------------------------

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each commit; returns what ends that."""
        return self.station.subscribe(changed)

    # --- watch -------------------------------------------------------------------

    @property
    def situation(self) -> Situation:
        """What is so, as the ledger says."""
        return self.station.situation

    async def sign_on(self) -> None:
        """Record that this officer has the watch here."""
        certificate = self._lock.certificate
        await self.station.note(
            WatchOpened(
                certificate=certificate.id.hex(), name=self._lock.name, role=certificate.role
            )
        )

    async def displayed(self, digest: str) -> None:
        """Record that the officer's console has shown an inbound statement.

        Spec: docs/enrolment.md §13.7
        """
        state = self.situation.statements.get(digest)
        # A locked desk shows it to whoever stands there: that is nobody's display.
        if state is not None and not state.outbound and not self._lock.locked:
            await self.station.displayed(digest, self._lock.certificate.role)

    # --- certificates and roots ------------------------------------------------------

    def ending(self) -> tuple[Ending, ...]:
        """Return the certificates of the line whose end is an alarm, the most urgent first."""
        line = self.station.line
        return alarming(endings(line.roster, line.station, line.clock()))

    def new_root(self) -> RootView | None:
        """Return the changed root of another station that waits to be compared, or None.

        Spec: docs/protocol.md §4.25
        """
        waiting = next(iter(self.station.open_roots()), None)
        if waiting is None:
            return None
        roots = self.station.line.roster.lineages[waiting.station].roots
        before = roots[roots.index(waiting) - 1]
        return RootView(
            station=waiting.station,
            root=waiting.digest.hex(),
            words=tuple(root_words(waiting.digest).split()),
            before=before.digest.hex(),
            before_words=tuple(root_words(before.digest).split()),
        )

    async def compare_root(self, root: str, *, agreed: bool) -> None:
        """Record what the officer found who compared a changed root's words by voice.

        Raises:
            OperatorError: no such root waits.
        Spec: docs/protocol.md §4.25
        """
        certificate = self._lock.officer().certificate
        await self.station.compare_root(
            Digest(bytes.fromhex(root)),
            agreed=agreed,
            role=certificate.role,
            name=self._lock.name,
        )

    # --- composing -----------------------------------------------------------------

    def choices(self, incident: str | None = None) -> tuple[TemplateChoice, ...]:
        """Return templates on offer, those that the protocol expects next first."""
        return self.presenter.offers.all(self.situation, incident)

    def open_draft(self, choice: TemplateChoice) -> DraftView:
        """Start a draft from a template.

        Raises:
            OperatorError: the template is not held here.
        """
        draft = self._new_draft(choice)
        self._drafts[draft.name] = draft
        return draft_view(self._writer, draft)

    def fill(
        self, draft: str, *, fields: Mapping[str, str], text: str, precedence: str
    ) -> DraftView:
        """Put values into a draft and check every field.

        Raises:
            OperatorError: there is no such draft.
        """
        filled = fill(self._writer, self._draft(draft), fields, text, precedence, self._clock())
        self._drafts[draft] = filled
        return draft_view(self._writer, filled)

    async def send(self, draft: str, code: str, *, inject: tuple[str, str] | None = None) -> str:
        """Sign the previewed bytes and hand them to the station; return the digest in hex.

        Where a second officer must sign, the statement then awaits its release.

        Args:
            code: What the officer typed; must be the draft's code where it has one.
            inject: (id, trigger) when a drill's script sends it.
        Raises:
            OperatorError: not checked yet, the code differs, or it may not be sent now.
        """
        ready = self._draft(draft)
        if ready.statement is None:
            raise OperatorError("this draft has not passed its check", hint="check it with ^P")
        if self._clock() - ready.statement.at_ms > MAX_AGE_MS:
            raise OperatorError("this preview is too old", hint="check it again with ^P")
        if ready.code and code.strip().upper() != ready.code:
            raise OperatorError("the code does not match", hint=f"type {ready.code}")
        digest = await self._sign_and_submit(ready.statement, ready.payload, inject, ready.attached)
        self._drafts.pop(draft, None)
        return digest

    # --- releasing -------------------------------------------------------------------

    def awaiting(self, digest: str) -> ReleaseView | None:
        """Return a statement that awaits its second officer; None when it does not wait."""
        return self._releases.view(digest)

    async def release(
        self, digest: str, *, code: str = "", person: str = "", passphrase: str = ""
    ) -> None:
        """Sign as the second officer the bytes that the first one signed, and send them.

        Args:
            code: What the officer typed; must be the statement's code where it has one.
            person: Another officer, whose key `passphrase` unlocks for this signature only.
        Raises:
            OperatorError: that officer may not, the code differs, or it may not be sent now.
        """
        await self._releases.release(digest, code, person, passphrase)

    async def refuse_release(
        self, digest: str, reason: str, *, person: str = "", passphrase: str = ""
    ) -> None:
        """Refuse, as the second officer, to release it; the reason is recorded.

        Raises:
            OperatorError: that officer may not, or there is no reason.
        """
        await self._releases.refuse(digest, reason, person, passphrase)

    async def withdraw_release(self, digest: str, reason: str) -> None:
        """Withdraw what this officer signed first and nobody released yet.

        Raises:
            OperatorError: somebody else signed it first, or there is no reason.
        """
        await self._releases.withdraw(digest, reason)

    # --- reading --------------------------------------------------------------------

    async def acknowledge(self, digest: str) -> None:
        """Say READ BY OFFICER of an inbound statement: read, not agreed.

        Raises:
            OperatorError: it needs no acknowledgement from us.
        """
        await self._say_about(digest, ACKNOWLEDGEMENT, {})

    async def read_back(self, digest: str, typed: Mapping[str, str]) -> ReadBackView:
        """Compare blind-typed critical fields and tell the sender the outcome.

        Raises:
            OperatorError: a value does not read, or there is nothing to read back.
        """
        self._lock.officer()
        state = self.situation.statements.get(digest)
        if state is None:
            raise OperatorError("that statement is not in the record")
        template = self.station.rules.template_of(state.statement.template)
        if template is None or not template.readback:
            raise OperatorError("that statement asks for no read-back")
        try:
            found = compare(state.statement, template, typed, self._clock())
        except OperatorError as error:
            raise OperatorError(fault_as_asked(str(error), template, self._writer.own)) from error
        differences = tuple(
            Difference(self._label(template, one.field), one.sent, one.typed) for one in found
        )
        said = {"result": "DIFFERS" if found else "AGREES"}
        if differences:
            words = "; ".join(f"{one.label}: read back {one.typed}" for one in differences)
            said["differing"] = words[:480]
        await self._say_about(digest, READ_BACK, said)
        return ReadBackView(agreed=not found, differences=differences)

    # --- parts -----------------------------------------------------------------------

    def _new_draft(self, choice: TemplateChoice) -> Draft:
        template = self.station.rules.catalogue.get(choice.id)
        if template is None:
            raise OperatorError(f"template {choice.id} is not held here")
        incident = choice.incident
        if incident is None and template.opens_incident:
            incident = self._new_incident()
        to, info = self._addressees(choice, template)
        return Draft(
            name=f"draft-{next(self._names)}",
            choice=choice,
            template=template,
            incident=incident,
            salt=self._entropy(SALT_BYTES).hex(),
            to=to,
            info=info,
            precedence=Precedence(choice.precedence),
        )

    def _addressees(
        self, choice: TemplateChoice, template: Template
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return who must act and who is told; every other member is one of them.

        An answer is for whom it answers; a ladder move is everybody's.
        Spec: docs/protocol.md §5.5
        """
        others = self.station.peers
        about = self.situation.statements.get(choice.answers or "")
        if about is None or about.outbound or template.ladder is not None:
            return others, ()
        asked = about.statement.sender
        return (asked,), tuple(one for one in others if one != asked)

    def _new_incident(self) -> str:
        """Name an incident after its station and day, as in NORTH-261122-01."""
        day = format_time(self._clock())[2:10].replace("-", "")
        for number in range(1, MAX_INCIDENTS_A_DAY + 1):
            name = f"{self._writer.station}-{day}-{number:02d}"
            if name not in self.situation.incidents:
                return name
        raise OperatorError("today has no incident numbers left", hint="continue in an open one")

    async def _say_about(self, digest: str, template_id: str, fields: Mapping[str, str]) -> None:
        """Sign and send one of the exchange's own statements about another."""
        state = self.situation.statements.get(digest)
        if state is None or state.outbound:
            raise OperatorError("only a statement of the other side can be answered so")
        choice = TemplateChoice(
            id=template_id,
            number="",
            title="",
            purpose="",
            precedence=state.statement.precedence.value,
            answers=digest,
            incident=state.statement.incident,
            why="",
        )
        draft = fill(
            self._writer, self._new_draft(choice), fields, "", choice.precedence, self._clock()
        )
        if draft.statement is None:
            raise OperatorError("; ".join(draft.faults.values()))
        await self._sign_and_submit(draft.statement, draft.payload, None)

    async def _sign_and_submit(
        self,
        statement: Statement,
        payload: bytes,
        inject: tuple[str, str] | None,
        attached: tuple[Attached, ...] = (),
    ) -> str:
        officer = self._lock.officer()
        envelope = sign_statement(payload, officer.signer, Digest(officer.certificate.id))
        if statement.need > 1:
            return await self.station.ask_release(envelope, inject=inject, attached=attached)
        return await self.station.submit(envelope, inject=inject, attached=attached)

    def _label(self, template: Template, name: str) -> str:
        spec = template.field(name)
        return phrasing.label(template, spec, self._writer.own) if spec else name
