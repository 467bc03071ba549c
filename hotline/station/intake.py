"""From a cell to what is recorded of it and answered (design: authenticate, then commit)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import (
    AdmitGeneration,
    AdmitResolution,
    Command,
    HearEcho,
    HearQuery,
    HearTest,
    Note,
    Quarantine,
    RecoverStatement,
    TakeStatement,
    Told,
)
from hotline.core.exchange.gaps import Range
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Situation
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint, Cosignature
from hotline.core.records.events import MAX_REASON_CHARACTERS, OrderRef
from hotline.core.records.lasting import LastingHead
from hotline.core.records.witness import HeadVerdict
from hotline.sealing import items as its
from hotline.sealing.certificate import Certificate
from hotline.sealing.line_tests import LineEchoItem, LineTestItem, QueryItem
from hotline.sealing.order import verify_order
from hotline.sealing.packet import VerifiedPacket
from hotline.sealing.roster import Roster
from hotline.sealing.statements import Verdict, VerifiedStatement, verify_statement
from hotline.station.admission import read_generation
from hotline.station.comparing import Comparing, SplitView, split_events
from hotline.station.forks import read_resolution
from hotline.station.introducing import Offered
from hotline.station.line import Line
from hotline.station.longterm import LongTerm
from hotline.station.refusing import reference_of, refuse_item
from hotline.station.tested import read_tested
from hotline.station.witness import JudgedHead, ShownBack, Witness


@dataclass(slots=True)
class Taken:
    """What one packet asks for, sorted; nothing is recorded yet.

    Attributes:
        statements: One command for each statement item: take it or quarantine it.
        facts: Events that may be news.
        lasting: Long-lasting signatures to store; `long_signed`: the peer's heads to
            countersign for long.
        their_size: Set when the peer says that it holds our head of that size.
        shown_back: Our newest head as the peer holds it.
        refetch: The peer lost the end of its ledger and asks for what was in it.
        returned: Statements of ours that the peer gives back.
        offered: Public records; they are judged when they are recorded.
        revocations_wanted: The peer holds our numbered revocations up to that one.
        splits: Third stations, or the peer, that signed two histories.
        joined: Proofs that two heads of ours are of one history, to send.
        missing: Ranges of our order that the peer asks for.
        resolutions: The peer's officers resolved forks of ours.
        by: The route that brought it; `tested`: what it says of the channel.
    """

    peer: str
    statements: list[TakeStatement | Quarantine] = field(default_factory=list)
    facts: list[ev.Event] = field(default_factory=list)
    faults: list[Quarantine] = field(default_factory=list)
    head: JudgedHead | None = None
    cosignatures: list[Cosignature] = field(default_factory=list)
    records: list[its.RecordItem] = field(default_factory=list)
    lasting_items: list[its.LastingItem] = field(default_factory=list)
    lasting: list[LastingHead] = field(default_factory=list)
    long_signed: list[Checkpoint] = field(default_factory=list)
    their_size: int | None = None
    shown_back: ShownBack | None = None
    admissions: list[AdmitGeneration] = field(default_factory=list)
    offered: list[Offered] = field(default_factory=list)
    revocations_wanted: int | None = None
    refetch: its.RefetchItem | None = None
    returned: list[RecoverStatement] = field(default_factory=list)
    splits: list[SplitView] = field(default_factory=list)
    joined: list[its.JoinedItem] = field(default_factory=list)
    missing: list[Range] = field(default_factory=list)
    resolutions: list[AdmitResolution] = field(default_factory=list)
    by: str = ""
    tested: list[HearTest | HearEcho | HearQuery] = field(default_factory=list)

    def commands(self) -> Sequence[Command]:
        """Return everything but the statements after the first, for one commit."""
        facts = Note(tuple(self.facts))
        told = [*self.admissions, *self.resolutions, *self.faults, *self.tested]
        return [*self.statements[:1], *told, facts]


class Intake:
    """Sorts the items of verified packets of one line."""

    def __init__(
        self,
        line: Line,
        rules: Rules,
        witness: Witness,
        longterm: LongTerm,
        comparing: Comparing,
    ) -> None:
        """Serve one line."""
        self._longterm, self._comparing = longterm, comparing
        self._line, self._rules, self._witness = line, rules, witness
        self._officers_of: tuple[Roster | None, dict[str, tuple[str, str]]] = None, {}

    def sort(self, verified: VerifiedPacket, situation: Situation, by: str = "") -> Taken:
        """Check each item by itself: one bad item is quarantined, the next is taken.

        Args:
            by: The route that brought the packet.
        """
        packet = verified.packet
        taken = Taken(packet.sender, by=by)
        for place, reason in packet.refused:
            self._fault(taken, f"item {place + 1} of a packet: {reason}")
        for item in packet.items:
            try:
                self._item(taken, item, packet.sent_at_ms, situation)
            except PeerError as error:
                self._fault(taken, str(error))
        self._receipts(taken, situation)
        self._lasting(taken)
        return taken

    def _fault(self, taken: Taken, reason: str) -> None:
        fault = Quarantine(taken.peer, "", reason[:MAX_REASON_CHARACTERS], None)
        if fault not in taken.faults:
            taken.faults.append(fault)

    def _item(self, taken: Taken, item: its.Item, sent_at_ms: int, situation: Situation) -> None:
        match item:
            case its.StatementItem():
                taken.statements.append(self._statement(taken.peer, item, sent_at_ms, situation))
            case its.HeadItem():
                self._head(taken, item)
            case its.CosignatureItem():
                cosignature = self._witness.take_cosignature(taken.peer, item)
                if cosignature is not None:
                    taken.cosignatures.append(cosignature)
            case its.RecordItem():
                taken.records.append(item)
            case its.LastingItem():
                taken.lasting_items.append(item)
            case its.DisplayedItem():
                digest = item.digest.hex()
                taken.facts.append(
                    ev.DisplayedThere(digest=digest, peer=taken.peer, at_ms=item.at_ms)
                )
            case its.RejectedItem():
                digest = item.digest.hex()
                taken.facts.append(
                    ev.RejectionReceived(digest=digest, peer=taken.peer, reason=item.reason)
                )
            case (
                its.HeadConflictItem()
                | its.HeadRefusedItem()
                | its.HeldItem()
                | its.GenerationItem()
                | its.RefetchItem()
                | its.ReturnedItem()
                | its.ForkResolvedItem()
            ):
                self._of_recovery(taken, item, situation)
            case its.SeenItem() | its.JoinItem() | its.JoinedItem():
                self._of_comparing(taken, item)
            case its.NackItem():
                taken.missing += item.ranges
            case (
                its.CertificateItem()
                | its.RevocationItem()
                | its.RootItem()
                | its.RevocationsWantedItem()
            ):
                self._offer(taken, item)
            case LineTestItem() | LineEchoItem() | QueryItem():
                self._of_channel(taken, item)

    def _of_channel(self, taken: Taken, item: LineTestItem | LineEchoItem | QueryItem) -> None:
        """Take what is said of the channel; one such thing in a packet is all that is honest."""
        if taken.tested:
            raise PeerError("test: a packet brings one test, one echo or one query")
        taken.tested.append(read_tested(item, taken.peer, taken.by))

    def _offer(self, taken: Taken, item: Offered | its.RevocationsWantedItem) -> None:
        """Take the public records of a packet: one, or the two that a greeting brings.

        Raises:
            PeerError: it is one more.
        Spec: docs/ledger.md §20.11
        """
        if isinstance(item, its.RevocationsWantedItem):
            taken.revocations_wanted = item.counter
            return
        if item in taken.offered:
            return
        kinds = [type(one) for one in taken.offered]
        if kinds and (type(item) in kinds or its.RootItem in (*kinds, type(item))):
            raise PeerError("certificate: only one public record comes in a packet")
        taken.offered.append(item)

    def _of_recovery(self, taken: Taken, item: its.Item, situation: Situation) -> None:
        """Sort what stations say of each other's ledgers (docs/ledger.md §8, §19)."""
        match item:
            case its.HeadConflictItem():
                if item.origin != self._line.origin:
                    raise PeerError("a head conflict is about another ledger")
                taken.their_size = item.size
            case its.HeadRefusedItem():
                taken.facts.append(self._refused_there(taken.peer, item))
            case its.HeldItem():
                shown = self._witness.check_shown_back(item)
                if taken.shown_back is None or not taken.shown_back.fault:
                    taken.shown_back = shown
            case its.GenerationItem():
                self._generation(taken, item, situation)
            case its.RefetchItem():
                taken.refetch = item
            case its.ForkResolvedItem():
                resolution = read_resolution(self._line, taken.peer, item)
                told_before = {one.event.authorisation for one in taken.resolutions}
                if resolution.event.authorisation not in told_before:
                    taken.resolutions.append(resolution)
            case its.ReturnedItem():
                taken.returned.append(self._returned(taken.peer, item))

    def _of_comparing(self, taken: Taken, item: its.Item) -> None:
        """Sort what witnesses of one ledger ask of each other (docs/ledger.md §8.8, §8.9)."""
        split = None
        match item:
            case its.SeenItem():
                split = self._comparing.judge(taken.peer, item)
            case its.JoinedItem():
                split = self._comparing.check_joined(taken.peer, item)
            case its.JoinItem():
                shown = self._comparing.check_own(item)
                if shown is not None and shown.fault:
                    taken.shown_back = shown
                elif shown is not None:
                    taken.joined.append(self._comparing.join(item, shown))
        if split is not None:
            taken.splits.append(split)
            taken.facts.extend(split_events(split))

    def _generation(self, taken: Taken, item: its.GenerationItem, situation: Situation) -> None:
        """Judge a generation after those before it in the packet: they only rise."""
        before = [one.event.generation for one in taken.admissions]
        newest = max([situation.generation_of(taken.peer), *before])
        admission = read_generation(self._line, newest, taken.peer, item, self._witness)
        taken.admissions += [admission] if admission else []

    def _statement(
        self, peer: str, item: its.StatementItem, sent_at_ms: int, situation: Situation
    ) -> TakeStatement | Quarantine:
        line, now_ms = self._line, self._line.clock()
        try:
            verified = verify_statement(line.roster, item.envelope, at_ms=now_ms)
            order, orderer = verify_order(line.roster, item.order)
            if order.digest != verified.digest:
                raise PeerError("its order is of another statement")
            if not order.sender == verified.statement.sender == peer:
                raise PeerError("it is not from the station that sent the packet")
        except PeerError as error:
            return refuse_item(line.roster, peer, item, str(error))
        return TakeStatement(
            told=told(verified, reference_of(order), its.encode_item(item), self._rules),
            peer=peer,
            verdict=self._verdict(verified, orderer, situation, now_ms).value,
            sent_at_ms=sent_at_ms,
            officers=self._officers(),
        )

    def _verdict(
        self, verified: VerifiedStatement, orderer: Certificate, situation: Situation, now_ms: int
    ) -> Verdict:
        """Return what may be said of a statement that arrives now.

        It is UNVERIFIED, too, under an order by a withdrawn ledger key, and while nobody
        has compared the words of the changed root that certified its signer.
        Spec: docs/protocol.md §4.23, §4.25
        """
        roster = self._line.roster
        compared = all(
            roster.lineages[one.station].is_enrolled(one.root)
            or situation.compared_roots.get(one.root.hex(), False)
            for one in verified.signers
        )
        if not compared or roster.is_withdrawn(orderer, now_ms):
            return Verdict.UNVERIFIED
        return verified.verdict

    def _officers(self) -> Mapping[str, tuple[str, str]]:
        """Return role and name of every officer, read once for each roster."""
        roster = self._line.roster
        if self._officers_of[0] is not roster:
            found = {one.id.hex(): _role_and_name(one) for one in roster.certificates.values()}
            self._officers_of = roster, found
        return self._officers_of[1]

    def _returned(self, peer: str, item: its.ReturnedItem) -> RecoverStatement:
        """Verify a statement of ours that the peer gives back.

        Raises:
            PeerError: it, or its order, is not one that we signed for this line.
        Spec: docs/ledger.md §19.7
        """
        line = self._line
        verified = verify_statement(line.roster, item.envelope, at_ms=line.clock())
        order, _ = verify_order(line.roster, item.order)
        if order.digest != verified.digest:
            raise PeerError("returned: its order is of another statement")
        if not order.sender == verified.statement.sender == line.station:
            raise PeerError("returned: it is not one of this station's statements")
        again = its.StatementItem(envelope=item.envelope, order=item.order)
        encoded = its.encode_item(again)
        lost = told(verified, reference_of(order), encoded, self._rules)
        return RecoverStatement(lost, peer, self._officers())

    def _refused_there(self, peer: str, item: its.HeadRefusedItem) -> ev.HeadRefusedThere:
        if item.origin != self._line.origin or not self._witness.signed(item.size):
            raise PeerError("a refusal is of a head that we never signed")
        return ev.HeadRefusedThere(
            peer=peer, origin=item.origin, size=item.size, verdict=item.verdict
        )

    def _head(self, taken: Taken, item: its.HeadItem) -> None:
        judged = taken.head = self._witness.judge(taken.peer, item)
        if judged.verdict in (HeadVerdict.FORK, HeadVerdict.INCONSISTENT):
            taken.facts.append(
                ev.HeadRefused(peer=taken.peer, verdict=judged.verdict.name, note=item.checkpoint)
            )

    def _receipts(self, taken: Taken, situation: Situation) -> None:
        """Judge proofs of recording; those under a stale head come again with a fresh one."""
        head = self._proved_head(taken)
        sizes = [one.checkpoint.size for one in taken.cosignatures]
        our_size = max([self._witness.cosigned_size(taken.peer), *sizes])
        for item in taken.records:
            if head is None:
                continue
            try:
                event = self._witness.receipt(situation, taken.peer, item, head, our_size)
            except PeerError as error:
                self._fault(taken, str(error))
                continue
            if event is not None:
                taken.facts.append(event)

    def _lasting(self, taken: Taken) -> None:
        """Judge long-lasting signatures when every head of the packet is judged."""
        for item in taken.lasting_items:
            try:
                judged = self._longterm.judge(taken.peer, item, taken.head)
            except PeerError as error:
                self._fault(taken, str(error))
                continue
            taken.lasting += [judged.fresh] if judged.fresh else []
            taken.long_signed += [judged.answer] if judged.answer else []

    def _proved_head(self, taken: Taken) -> Checkpoint | None:
        """Return the head that proofs of recording in this packet may lead to, if any."""
        if taken.head is None:
            return self._witness.held(taken.peer)
        return taken.head.checkpoint if taken.head.verdict.may_countersign else None


def told(verified: VerifiedStatement, order: OrderRef, item: bytes, rules: Rules) -> Told:
    """Return what decisions need of a verified statement."""
    role, name = _role_and_name(verified.signers[0])
    return Told(
        statement=verified.statement,
        digest=verified.digest.hex(),
        order=order,
        item=item,
        template=rules.template_for(verified.statement),
        role=role,
        name=name,
        signers=tuple(one.id.hex() for one in verified.signers),
    )


def _role_and_name(officer: Certificate) -> tuple[str, str]:
    return officer.role, f"{officer.rank} {officer.name}".strip()
