"""A line is set up between places: one opens, the others join, then it is completed.

Each step checks everything before it asks for a key, and can be run again: what
was done is handed out again, what was cut short is done anew.
Spec: docs/enrolment.md §5, §8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.values import Digest
from hotline.sealing.card import Card
from hotline.sealing.charter import (
    MAX_MEMBERS,
    Charter,
    Policy,
    charter_of,
    read_charter,
    unsigned_charter,
)
from hotline.sealing.enrol import RootKey, countersign_charter, make_charter
from hotline.sealing.enrolment import Enrolment, write_enrolment
from hotline.sealing.line_secret import SECRET_BYTES
from hotline.station.amending import (
    charter_shown,
    check_charter,
    check_room,
    check_unspent,
    is_newcomer,
)
from hotline.station.arriving import MAX_AGE_MS, cards_to_answer
from hotline.station.cards import accepted_card, check_current, read_file
from hotline.station.ceremony import note_answer, note_completed, note_own
from hotline.station.dialling import Call, calls_between, routes_of
from hotline.station.founded import ANSWER_FILE, founded_line
from hotline.station.gathering import answers_with
from hotline.station.giving_up import note_waiting_given_up
from hotline.station.identity import own_card, read_identity
from hotline.station.opening import (
    Halves,
    Waiting,
    discard_waiting,
    keep_answer,
    keep_joining,
    keep_opening,
    kept_joining,
    kept_opening,
    no_opening,
    our_halves,
    waiting_line,
)
from hotline.station.side import ConsoleKeys, lay_side, open_console, read_written, their_half
from hotline.station.upkeep import Bench


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the charter of a new line will say.

    Attributes:
        predecessor: The line that it follows.
        shown: The charter that a person has read before; it is signed as it was shown, or not.
    """

    name: str
    policy: Policy
    predecessor: Digest | None = None
    shown: Charter | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """How far a line has come.

    Attributes:
        missing: Whose answers are not here; none: our side of the line is made.
    """

    line: Digest
    missing: tuple[str, ...] = ()


def opening_again(bench: Bench, peers: Sequence[str], wanted: Wanted) -> bytes | None:
    """Return the opening that this home made before for the same line, None if it made none.

    It is noted again: the call that made it may have ended before that.

    Raises:
        OperatorError: it has a line, or opened or joined another one.
    Spec: docs/enrolment.md §5.2, §14.3
    """
    check_room(bench.home, wanted.predecessor)
    joined = kept_joining(bench.home)
    if joined is not None:
        raise _joined_already(joined, "complete that, or give it up by removing HOME/joining")
    kept = kept_opening(bench.home)
    if kept is None:
        return None
    charter = kept.charter
    same = (sorted(kept.own.recipients), charter.name, charter.predecessor) == (
        sorted(peers),
        wanted.name,
        wanted.predecessor,
    )
    if not same or charter.policy != wanted.policy:
        others = " and ".join(kept.own.recipients)
        raise OperatorError(
            f"this home has opened the line {charter.name} with {others}",
            hint="complete that, or give it up with --anew",
        )
    if kept.own.made_ms + MAX_AGE_MS < bench.clock():
        raise OperatorError(
            "the opening of this line is too old to be answered",
            hint="begin anew with --anew",
        )
    note_own(bench.home.path, kept.own)
    return kept.own.encoded


def check_opening(
    bench: Bench, peers: Sequence[str], predecessor: Digest | None = None
) -> list[Card]:
    """Say whether a line to `peers` can be opened; return the cards that it is opened with.

    Raises:
        OperatorError: no accepted card, it is out of date or used up, or nobody of a pair can
            be dialled.
    Spec: docs/enrolment.md §5.1, §8.1
    """
    check_room(bench.home, predecessor)
    identity = read_identity(bench.home)
    if identity.station in peers or len(set(peers)) != len(peers):
        raise OperatorError(
            "the other stations of a line are named with --with, each once, and this one is not",
        )
    if len(peers) >= MAX_MEMBERS:
        raise OperatorError(f"a line has at most {MAX_MEMBERS} stations")
    theirs = [accepted_card(bench.home, peer) for peer in peers]
    for card in theirs:
        check_current(card, bench.clock())
    if predecessor is not None:
        check_unspent(bench.home, theirs)
    calls_between({identity.station: identity.route, **routes_of(theirs)})
    return theirs


def draft_charter(bench: Bench, peers: Sequence[str], wanted: Wanted) -> Charter:
    """Return the charter of a line that may be opened, for a person to read before it is signed.

    Raises:
        OperatorError: as `check_opening`, or a name or policy that is none.
    """
    theirs = check_opening(bench, peers, wanted.predecessor)
    identity = read_identity(bench.home)
    ours = (identity.station, identity.verified().newest.digest)
    envelope = unsigned_charter(
        identity.realm,
        name=wanted.name,
        members=[ours, *((card.name, card.station.newest.digest) for card in theirs)],
        policy=wanted.policy,
        at_ms=bench.clock(),
        predecessor=wanted.predecessor,
    )
    try:
        return charter_of(envelope)
    except PeerError as error:
        raise OperatorError(str(error)) from error


def open_line_with(bench: Bench, peers: Sequence[str], wanted: Wanted, root: RootKey) -> bytes:
    """Open a line: sign its charter, draw our half of each secret, keep and return the opening.

    Raises:
        OperatorError: as `check_opening`, a name or policy that is none, or another charter
            than the one that was shown.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.1, docs/protocol.md §12.2
    """
    theirs = check_opening(bench, peers, wanted.predecessor)
    now_ms = bench.clock()
    charter = make_charter(
        root,
        name=wanted.name,
        members=[
            (root.station, root.digest),
            *((card.name, card.station.newest.digest) for card in theirs),
        ],
        policy=wanted.policy,
        at_ms=wanted.shown.created_ms if wanted.shown else now_ms,
        predecessor=wanted.predecessor,
    )
    if wanted.shown and read_charter(charter).digest != wanted.shown.line:
        raise OperatorError(
            "what would be signed is not the charter that was shown", hint="read it once more"
        )
    written = charter_of(read_charter(charter))
    check_charter(bench.home, written)
    keys = open_console(bench)
    halves = _draw_halves(bench, peers)
    encoded = write_enrolment(
        "open",
        charter=charter,
        halves=[(card, halves[card.name]) for card in theirs],
        root=root,
        own_card=own_card(bench.home, keys.held, bench.clock),
        made_ms=now_ms,
        before=charter_shown(bench.home, written),
    )
    opening = read_written(encoded, "open")
    keep_opening(bench.home, opening, Halves(halves, keys.passphrase), bench.entropy)
    note_own(bench.home.path, opening)
    return encoded


def planned_calls(bench: Bench) -> list[Call]:
    """Return who will dial whom on the line that was opened here, by the cards of today.

    Raises:
        OperatorError: as `check_opening`.
    """
    kept = kept_opening(bench.home)
    if kept is None:
        return []
    own = {kept.own.sender: read_identity(bench.home).route}
    cards = [accepted_card(bench.home, peer) for peer in kept.own.recipients]
    return calls_between({**own, **routes_of(cards)})


def answer_again(
    bench: Bench,
    line: Digest,
    predecessor: Digest | None = None,
    *,
    anew: bool = False,
    newcomer: bool = False,
) -> bytes | None:
    """Return the answer that this home gave to the opening of `line`, None if it gave none.

    It is noted again: the call that gave it may have ended before that.

    Args:
        predecessor: The line that it follows, None for a first one.
        newcomer: Whether this station was not on that line.
        anew: Whether an answer to another opening is given up.
    Raises:
        OperatorError: this home has another line, or opened or joined one.
    Spec: docs/enrolment.md §14.3
    """
    directory = founded_line(bench.home, line)
    if directory is None:
        check_room(bench.home, predecessor, newcomer=newcomer)
        if kept_opening(bench.home) is not None:
            raise OperatorError(
                "this home has opened a line itself",
                hint="one of the stations opens; give this one up by removing HOME/opening",
            )
        joined = kept_joining(bench.home)
        if joined is not None and joined.charter.line == line:
            note_own(bench.home.path, joined.own)
            return joined.own.encoded
        if joined is not None and not anew:
            raise _joined_already(
                joined, "complete that, or give it up with hotline line join --anew"
            )
        return None
    path = directory / ANSWER_FILE
    if not path.is_file():
        raise OperatorError("this line was opened here", hint="join it at the other station")
    encoded = read_file(path, ANSWER_FILE)
    note_own(bench.home.path, read_written(encoded, "join"))
    return encoded


def join_line(bench: Bench, opening: Enrolment, root: RootKey, catalogue: Catalogue) -> bytes:
    """Join a line: sign its charter, draw our halves, return the answer.

    Our side of a line of two is made at once; that of a line of more waits for the others.

    Raises:
        OperatorError: our key does not open the opener's half, a card is not the newest, or a
            wrong passphrase.
        IntegrityError: the records do not verify together.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.3, §8.3, §14.3
    """
    keys = open_console(bench)
    their_half(opening, keys)
    cards = cards_to_answer(bench, opening)
    charter = countersign_charter(opening.charter_record, root)
    halves = _draw_halves(bench, [card.name for card in cards])
    encoded = write_enrolment(
        "join",
        charter=charter,
        halves=[(card, halves[card.name]) for card in cards],
        root=root,
        own_card=own_card(bench.home, keys.held, bench.clock),
        made_ms=bench.clock(),
    )
    answer = read_written(encoded, "join")
    if len(cards) == 1:
        beside = {ANSWER_FILE: encoded}
        lay_side(bench, [opening, answer], halves, keys, catalogue, beside)
    else:
        note_waiting_given_up(bench, kept_joining(bench.home))
        kept = Halves(halves, keys.passphrase)
        keep_joining(bench.home, opening, answer, kept, bench.entropy)
    note_own(bench.home.path, answer)
    return encoded


def complete_line(bench: Bench, answers: Sequence[Enrolment], catalogue: Catalogue) -> Gathered:
    """Complete the line that was opened or joined here, once all answers are here.

    Answers are kept while others are missing.

    Raises:
        OperatorError: nothing was opened, they answer another opening, a station answered
            twice, or a half does not open.
        IntegrityError: the records do not verify together.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.4, §8.4, §14.3
    """
    charter = answers[0].charter
    line, waiting = charter.line, waiting_line(bench.home)
    if founded_line(bench.home, line) is not None:
        note_completed(bench.home.path, read_identity(bench.home).station, charter, bench.clock())
        if waiting is None or waiting.charter.line == line:
            # Also what a crash left of it: our halves are in it.
            discard_waiting(bench.home)
        return Gathered(line)
    check_room(bench.home, charter.predecessor, newcomer=is_newcomer(bench.home, charter))
    if waiting is None:
        raise no_opening(charter, read_identity(bench.home).station)
    found = answers_with(waiting, answers)
    for answer in answers:
        note_answer(bench.home.path, waiting.own.sender, answer, bench.clock())
    missing = tuple(station for station in waiting.awaited if station not in found)
    if missing:
        for answer in found.values():
            keep_answer(waiting, answer)
        return Gathered(line, missing)
    keys = open_console(bench)
    _lay_waiting(bench, waiting, [*found.values()], keys, catalogue)
    return Gathered(line)


def _lay_waiting(
    bench: Bench,
    waiting: Waiting,
    answers: Sequence[Enrolment],
    keys: ConsoleKeys,
    catalogue: Catalogue,
) -> None:
    halves = our_halves(waiting, keys.passphrase)
    joined = waiting.own is not waiting.opening
    files = [waiting.opening, *([waiting.own] if joined else []), *answers]
    beside = {ANSWER_FILE: waiting.own.encoded} if joined else {}
    lay_side(bench, files, halves, keys, catalogue, beside)
    note_completed(bench.home.path, waiting.own.sender, waiting.charter, bench.clock())
    discard_waiting(bench.home)


def _draw_halves(bench: Bench, peers: Sequence[str]) -> dict[str, bytes]:
    """Draw our half of the secret of each pair.

    Spec: docs/protocol.md §4.28
    """
    return {peer: bench.entropy(SECRET_BYTES) for peer in peers}


def _joined_already(joined: Waiting, hint: str) -> OperatorError:
    return OperatorError(
        f"this home has joined the line {joined.charter.name} of {joined.opening.sender},"
        " which is not complete",
        hint=hint,
    )
