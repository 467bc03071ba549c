"""Two ends of a line with real keys, real cells and real key files, and no ledger.

    ends = make_ends(tmp_path)
    cell = ends["NORTH"].says(1)          # a statement, sealed; kept until it is receipted
    ends["SOUTH"].hears(cell)             # takes it as a station does; answers wait in .answers

An `End` follows the order of a station: open, verify, make durable, answer, destroy.
Statements are `test` items whose serial names them; receipts are `displayed` items.
"""

from __future__ import annotations

import functools
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

from hotline.core.errors import PeerError
from hotline.core.protocols.turn_keys import RESEAL, Reseal
from hotline.core.values import Digest, Realm
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.cell import UnknownKeyError, seal_cell
from hotline.sealing.certificate import MAX_VALIDITY_MS, Usage
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import Subject, issue_certificate
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.joining import join_record
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.packet import Packet, VerifiedPacket, encode_packet, sign_packet
from hotline.sealing.revocation import Effect, Revocation, sign_revocation
from hotline.sealing.roster import Roster
from hotline.sealing.their_keys import Purpose
from hotline.station import home as station_home
from hotline.station.courier import Courier, revocation_head
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, read_card, read_line
from hotline.station.ledger_keys import open_root
from hotline.station.line import Line
from hotline.station.pair import Pair
from tests.fakes.line import catalogue

T0 = 1_795_357_886_000
AT = "2026-11-22T14:31:26.000Z"
PEERS = {"NORTH": "SOUTH", "SOUTH": "NORTH"}
OTHER_LINE = Digest(b"\xcd" * 32)
FORGED = 0
"""Serial of the statement in a forged packet: no end may ever take it."""

FORGERIES = (
    "packet of another line",
    "cell of another line",
    "packet by the ledger key",
    "packet by a key of nobody",
    "packet as if from its receiver",
    "packet to a third station",
    "packet to another key",
    "cell under another secret",
)
"""What a thief of some keys, or the peer itself, can seal and must not get taken."""


@functools.cache
def _founded(directory: Path) -> Path:
    found_line(
        [Founder(Home(directory / name), name, (Subject("ramos", "A. Ramos"),)) for name in PEERS],
        name="north-south",
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=lambda: T0,
        entropy=system_entropy,
    )
    return directory


class _Remembered:
    """Reads a roster; the same records, read at each of thousands of starts, verify once."""

    @staticmethod
    def read(records: Sequence[bytes]) -> Roster:
        return _verified(tuple(records))


@functools.cache
def _verified(records: tuple[bytes, ...]) -> Roster:
    return Roster.read(records)


@dataclass
class End:
    """One station's end: what survives a crash is on its disk, in `wanted` and in `accepted`.

    `roster` and `signer`, the console key, are those of the disk where they are not set.
    """

    name: str
    home: Home
    now_ms: int = T0
    wanted: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)
    roster: Roster | None = None
    signer: Ed25519Signer | None = None
    answers: deque[bytes] = field(default_factory=deque)
    nacked: int = 0
    refused: int = 0
    line: Line = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start from the disk: what was in memory only is gone."""
        with patch.object(station_home, "Roster", _Remembered):
            _, _, self.line = read_line(self.home, None, lambda: self.now_ms, system_entropy)
        self.line.admit(self.roster or self.line.roster)
        self.line.console = self.signer or self.line.console
        self.courier = Courier(self.line)
        self.answers.clear()

    @property
    def peer(self) -> str:
        return PEERS[self.name]

    @property
    def pair(self) -> Pair:
        return self.courier.pairs[self.peer]

    @property
    def opening(self) -> set[bytes]:
        return set(self.pair.ours.opening) - {self.line.recovery.key_id}

    @property
    def line_key(self) -> Path:
        return self.home.only_line() / "line.key"

    def seals(self, *items: its.Item) -> bytes:
        return self.courier.seal(self.peer, items)

    def says(self, number: int) -> bytes:
        self.wanted.add(number)
        return self.seals(its.LineTestItem(serial=number, phrase="statement"))

    def asks(self) -> bytes:
        return self.seals(self.pair.ask(self.now_ms))

    def meets(self) -> bytes:
        """Begin as when a link comes up."""
        self.pair.doubt()
        return self.asks()

    def repeats(self) -> None:
        """Seal anew whatever is not receipted; a key that may not carry it stops it for now."""
        for number in sorted(self.wanted):
            self._answer(its.LineTestItem(serial=number, phrase="statement"))

    def forges(self, how: str) -> bytes:
        """Return a cell that is good but for one thing, with a statement that nobody signed."""
        line, pair, now_ms = self.line, self.pair, self.now_ms
        recipient = pair.theirs.choose(Purpose.MAIL, (), now_ms)
        packet = Packet(
            line=line.roster.line,
            sender=self.name,
            to=self.peer,
            to_kid=recipient.key_id,
            counter=pair.counter + 1,
            instance=self.courier._instance,
            announcement=pair.ours.announce(now_ms),
            items=(its.LineTestItem(serial=FORGED, phrase="forged"),),
            revocation=revocation_head(line),
            sent_at_ms=now_ms,
        )
        around, signer, secret = line.roster.line, line.console, pair.secret
        match how:
            case "packet of another line":
                packet = replace(packet, line=OTHER_LINE)
            case "cell of another line":
                around = OTHER_LINE
            case "packet by the ledger key":
                signer = line.ledger
            case "packet by a key of nobody":
                signer = Ed25519Signer(bytes(32))
            case "packet as if from its receiver":
                packet = replace(packet, sender=self.peer)
            case "packet to a third station":
                packet = replace(packet, to="EAST")
            case "packet to another key":
                packet = replace(packet, to_kid=bytes(16))
            case "cell under another secret":
                secret = LineSecret(bytes(32), secret.base_day, secret.floor_day)
        encoded = encode_packet(packet)
        return seal_cell(
            encoded,
            sign_packet(encoded, signer),
            recipient=recipient,
            line=around,
            secret=secret,
            day=secret.sealing_day(now_ms),
            entropy=system_entropy,
        )

    def hears(self, cell: bytes, crash: str = "") -> VerifiedPacket | None:
        """Take a cell; with `crash` the power fails before it is kept, when it is, or later."""
        try:
            verified = self.courier.open(cell)
        except UnknownKeyError as error:
            self.nacked += 1
            self._answer(its.NackItem(code="unknown-key", detail="gone", kid=error.key_id))
            return None
        except PeerError:
            self.refused += 1
            return None
        if crash != "before":
            for item in verified.packet.items:
                self._keep(item)
        if crash not in ("before", "kept"):
            self._settle(verified)
        if crash:
            self.start()
            return verified
        for item in verified.packet.items:
            self._act(item)
        return verified

    def _settle(self, verified: VerifiedPacket) -> None:
        try:
            said = self.pair.settle(verified, self.now_ms)
        except PeerError:
            self.refused += 1
            return
        for item in said:
            self._answer(item)

    def _keep(self, item: its.Item) -> None:
        match item:
            case its.LineTestItem():
                self.accepted.add(item.serial)
            case its.DisplayedItem():
                self.wanted.discard(int.from_bytes(item.digest))

    def _act(self, item: its.Item) -> None:
        match item:
            case its.LineTestItem():
                digest = Digest(item.serial.to_bytes(32))
                self._answer(its.DisplayedItem(digest=digest, at=AT))
            case its.NackItem():
                what = RESEAL[self.pair.theirs.missed(item.kid)]
                if what is Reseal.EVERYTHING:
                    self.pair.doubt()
                    self._answer(self.pair.ask(self.now_ms))
                if what is not Reseal.NOTHING:
                    self.repeats()

    def _answer(self, item: its.Item) -> None:
        try:
            self.answers.append(self.seals(item))
        except PeerError:
            return


def make_ends(directory: Path, founded: Path) -> dict[str, End]:
    """Return two ends with homes in `directory`, copied from those in `founded`."""
    _founded(founded)
    for name in PEERS:
        shutil.copytree(founded / name, directory / name)
    return {name: End(name, Home(directory / name)) for name in PEERS}


def replace_console(ends: dict[str, End], name: str) -> None:
    """Let a root revoke an end's console key and certify another one; both ends learn of it."""
    end = ends[name]
    records = [one.encode() for one in read_card(end.home.only_line()).records]
    root = open_root(end.home.keys / "root.key", None, records)
    (held,) = end.line.roster.unrevoked(name, Usage.TRANSPORT, T0)
    counter, newest = end.line.roster.standing.head(name)
    revocation = Revocation(
        station=name,
        realm=end.line.realm,
        counter=counter + 1,
        previous=newest,
        effect=Effect.REVOKE,
        subject=held.id,
        reason="the console was lost sight of",
        at_ms=T0,
        since_ms=T0,
    )
    key = HybridSigner(draw_hybrid_seeds(system_entropy))
    issued = issue_certificate(
        root,
        key,
        subject=Subject("console", f"{name} console"),
        usage=Usage.TRANSPORT,
        serial=100 + counter,
        not_before_ms=T0,
        not_after_ms=T0 + MAX_VALIDITY_MS,
    )
    roster = end.line.roster
    for record in (sign_revocation(revocation, root), issued.certificate):
        roster = join_record(roster, record)
    for one in ends.values():
        one.roster = roster
        one.line.admit(roster)
    end.signer = end.line.console = key.ed25519


def exchange(ends: dict[str, End], *cells: tuple[str, bytes], limit: int = 400) -> int:
    """Deliver cells, given with their receivers, and all answers, in order; return how many."""
    queue = deque(cells)
    for count in range(limit):
        for end in ends.values():
            queue += [(end.peer, end.answers.popleft()) for _ in range(len(end.answers))]
        if not queue:
            return count
        receiver, cell = queue.popleft()
        ends[receiver].hears(cell)
    raise AssertionError("the two ends do not come to rest")


def shake(ends: dict[str, End], begins: str = "NORTH") -> None:
    """Let the two ends meet as when a link comes up."""
    ends[PEERS[begins]].pair.doubt()
    exchange(ends, (PEERS[begins], ends[begins].meets()))


def names(cells: Sequence[bytes]) -> set[bytes]:
    """Return the key ids that stand in cells."""
    return {cell[5:21] for cell in cells}
