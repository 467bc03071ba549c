"""A line is set up between two places: one opens, the other joins, the first completes.

Each step checks everything before it asks for a key, and can be run again: what
was done is handed out again, what was cut short is done anew.
Spec: docs/enrolment.md §5
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.values import Digest
from hotline.host.keyfile import KeyFile
from hotline.sealing.card import Card, read_card
from hotline.sealing.charter import Charter, Policy, charter_of, read_charter, unsigned_charter
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import RootKey, countersign_charter, make_charter
from hotline.sealing.enrolment import (
    Enrolment,
    open_half,
    write_enrolment,
)
from hotline.sealing.line_secret import SECRET_BYTES, combine_halves, day_number
from hotline.sealing.prekey import Prekey
from hotline.sealing.roster import Roster
from hotline.station.arriving import MAX_AGE_MS
from hotline.station.cards import accepted_card, check_current, read_file
from hotline.station.founded import ANSWER_FILE, check_no_line, clear_unfinished, founded_line
from hotline.station.home import ED25519, handle_of
from hotline.station.identity import (
    PREKEY,
    Identity,
    line_card,
    own_card,
    read_identity,
    ready_console,
    spend_prekey,
)
from hotline.station.laying import CONSOLE_KEY, NewLine, lay_line
from hotline.station.opening import (
    discard_opening,
    keep_opening,
    kept_opening,
    no_opening,
    our_half,
)
from hotline.station.upkeep import Bench


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the charter of a new line will say.

    Attributes:
        shown: The charter that a person has read before; it is signed as it was shown, or not.
    """

    name: str
    policy: Policy
    shown: Charter | None = None


def opening_again(bench: Bench, peer: str, wanted: Wanted) -> bytes | None:
    """Return the opening that this home made before for the same line, None if it made none.

    Raises:
        OperatorError: it has a line, or opened another one.
    Spec: docs/enrolment.md §5.2
    """
    check_no_line(bench.home)
    kept = kept_opening(bench.home)
    if kept is None:
        return None
    charter = kept.enrolment.charter
    same = (kept.enrolment.body.to, charter.name) == (peer, wanted.name)
    if not same or charter.policy != wanted.policy:
        raise OperatorError(
            f"this home has opened the line {charter.name} with {kept.enrolment.body.to}",
            hint="complete that, or give it up with hotline line open --anew",
        )
    if kept.enrolment.made_ms + MAX_AGE_MS < bench.clock():
        raise OperatorError(
            "the opening of this line is too old to be answered",
            hint="begin anew with hotline line open --anew",
        )
    return kept.encoded


def check_opening(bench: Bench, peer: str) -> Card:
    """Say whether a line to `peer` can be opened; return the card that it is opened with.

    Raises:
        OperatorError: no accepted card, it is out of date, or nobody can be dialled.
    Spec: docs/enrolment.md §5.1
    """
    check_no_line(bench.home)
    identity = read_identity(bench.home)
    theirs = accepted_card(bench.home, peer)
    check_current(theirs, bench.clock())
    if identity.route is None and theirs.body.route is None:
        raise OperatorError(
            "neither station says where it can be dialled",
            hint="give one of them a route with hotline card export --route HOST:PORT",
        )
    return theirs


def draft_charter(bench: Bench, peer: str, wanted: Wanted) -> Charter:
    """Return the charter of a line that may be opened, for a person to read before it is signed.

    Raises:
        OperatorError: as `check_opening`, or a name or policy that is none.
    """
    theirs = check_opening(bench, peer)
    identity = read_identity(bench.home)
    envelope = unsigned_charter(
        identity.realm,
        name=wanted.name,
        members=_members(identity, theirs),
        policy=wanted.policy,
        at_ms=bench.clock(),
    )
    try:
        return charter_of(envelope)
    except PeerError as error:
        raise OperatorError(str(error)) from error


def _members(identity: Identity, theirs: Card) -> list[tuple[str, Digest]]:
    ours = identity.verified().root.digest
    return [(identity.station, ours), (theirs.name, theirs.root.digest)]


def open_line_with(bench: Bench, peer: str, wanted: Wanted, root: RootKey) -> bytes:
    """Open a line: sign its charter, draw our half of its secret, keep and return the opening.

    Raises:
        OperatorError: as `check_opening`, a name or policy that is none, or another charter
            than the one that was shown.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.1, docs/protocol.md §12.2
    """
    theirs = check_opening(bench, peer)
    identity = read_identity(bench.home)
    now_ms = bench.clock()
    charter = make_charter(
        root,
        name=wanted.name,
        members=_members(identity, theirs),
        policy=wanted.policy,
        at_ms=wanted.shown.created_ms if wanted.shown else now_ms,
    )
    if wanted.shown and read_charter(charter).digest != wanted.shown.line:
        raise OperatorError(
            "what would be signed is not the charter that was shown", hint="read it once more"
        )
    console, passphrase = _console(bench)
    half = bench.entropy(SECRET_BYTES)
    encoded = write_enrolment(
        "open",
        charter=charter,
        half=half,
        root=root,
        own_card=own_card(bench.home, console, bench.clock),
        to=theirs,
        made_ms=now_ms,
    )
    keep_opening(
        bench.home,
        encoded,
        half,
        station=identity.station,
        realm=identity.realm,
        passphrase=passphrase,
        entropy=bench.entropy,
    )
    return encoded


def answer_again(bench: Bench, line: Digest) -> bytes | None:
    """Return the answer that this home gave to the opening of `line`, None if it gave none.

    Raises:
        OperatorError: this home has another line.
    """
    directory = founded_line(bench.home, line)
    if directory is None:
        check_no_line(bench.home)
        if kept_opening(bench.home) is not None:
            raise OperatorError(
                "this home has opened a line itself",
                hint="one of the two stations opens; give this one up by removing HOME/opening",
            )
        return None
    path = directory / ANSWER_FILE
    if not path.is_file():
        raise OperatorError("this line was opened here", hint="join it at the other station")
    return read_file(path, ANSWER_FILE)


def join_line(bench: Bench, opening: Enrolment, root: RootKey, catalogue: Catalogue) -> bytes:
    """Join a line: sign its charter, draw our half, make our side, return the answer.

    Raises:
        OperatorError: our key does not open the other half, or a wrong passphrase.
        IntegrityError: the records do not verify together.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.3
    """
    console, passphrase = _console(bench)
    theirs = _other_half(opening, console)
    charter = countersign_charter(opening.charter_record, root)
    half = bench.entropy(SECRET_BYTES)
    ours = own_card(bench.home, console, bench.clock)
    answer = write_enrolment(
        "join",
        charter=charter,
        half=half,
        root=root,
        own_card=ours,
        to=opening.card,
        made_ms=bench.clock(),
    )
    halves = {root.station: half, opening.card.name: theirs}
    side = _Side(charter, _verified(ours), opening.card, halves, passphrase)
    _lay(bench, side, console, catalogue, {ANSWER_FILE: answer})
    return answer


def complete_line(bench: Bench, answer: Enrolment, catalogue: Catalogue) -> Digest:
    """Complete the line that was opened here; return its id.

    Raises:
        OperatorError: nothing was opened, it answers another opening, or a half does not open.
        IntegrityError: the records do not verify together.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.4
    """
    line = answer.charter.line
    if founded_line(bench.home, line) is not None:
        discard_opening(bench.home)
        return line
    check_no_line(bench.home)
    kept = kept_opening(bench.home)
    if kept is None:
        raise no_opening()
    if kept.enrolment.charter.line != line:
        raise OperatorError(
            "this file answers another opening than the one that was made here last",
            hint="ask for the answer to that, or send it again with hotline line open",
        )
    console, passphrase = _console(bench)
    halves = {
        kept.enrolment.body.sender: our_half(bench.home, passphrase),
        answer.card.name: _other_half(answer, console),
    }
    side = _Side(answer.charter_record, kept.enrolment.card, answer.card, halves, passphrase)
    _lay(bench, side, console, catalogue, {})
    discard_opening(bench.home)
    return line


@dataclass(frozen=True, slots=True)
class _Side:
    charter: bytes
    ours: Card
    theirs: Card
    halves: dict[str, bytes] = field(repr=False)
    passphrase: str | None = field(repr=False)


def _lay(
    bench: Bench, side: _Side, console: KeyFile, catalogue: Catalogue, beside: dict[str, bytes]
) -> None:
    """Make our side of a line whose charter everybody has signed.

    Spec: docs/enrolment.md §5.5
    """
    cards = {card.name: card for card in (side.ours, side.theirs)}
    records = [side.charter, *side.ours.records, *side.theirs.records]
    roster = Roster.read(records)
    first = [cards[name] for name in roster.members]
    records = [side.charter, *(record for card in first for record in card.records)]
    listener = next((card.name for card in first if card.body.route is not None), None)
    if listener is None:
        raise OperatorError("neither card in these files says where its station can be dialled")
    line = NewLine(
        card=line_card(read_identity(bench.home), side.theirs, roster, records, listener),
        roster=roster,
        secrets={side.theirs.name: combine_halves(roster.line, side.halves)},
        day=day_number(roster.charter.created_ms),
        prekey=console.seeds[PREKEY],
        ledger=Ed25519Signer(console.seeds[f"ledger/{ED25519}"]),
        passphrase=side.passphrase,
        beside=beside,
    )
    directory = bench.home.lines / handle_of(roster.name, roster.line)
    clear_unfinished(directory)
    lay_line(directory, line, catalogue, bench.clock(), bench.entropy)
    spend_prekey(bench.home, side.passphrase, bench.entropy)


def _console(bench: Bench) -> tuple[KeyFile, str | None]:
    path = bench.home.keys / CONSOLE_KEY
    passphrase = bench.passphrase(path)
    return ready_console(bench.home, passphrase, bench.entropy), passphrase


def _other_half(enrolment: Enrolment, console: KeyFile) -> bytes:
    try:
        return open_half(enrolment, Prekey(console.seeds[PREKEY]))
    except PeerError as error:
        raise OperatorError(
            f"this file cannot be used: {error}",
            hint="give them this station's card of today, and ask for the file again",
        ) from error


def _verified(encoded: bytes) -> Card:
    try:
        return read_card(encoded)
    except PeerError as error:
        raise IntegrityError(f"this station's own card does not verify: {error}") from error
