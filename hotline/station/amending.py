"""A changed charter is a new line that follows the one a home has; what may follow what.

Spec: docs/protocol.md §4.30, §4.31, §4.40, docs/enrolment.md §9
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError, PeerError
from hotline.core.values import Digest
from hotline.sealing.amendment import check_follows, check_successor
from hotline.sealing.card import Card
from hotline.sealing.charter import Charter
from hotline.sealing.roster import Roster
from hotline.station.closing import ended_for
from hotline.station.founded import check_no_line
from hotline.station.home import Home, read_card
from hotline.station.identity import read_identity
from hotline.station.lineup import read_lineup
from hotline.station.opening import kept_joining, waiting_line

_CHANGE = "end that with hotline line change, or give it up with --anew"


def roster_in(directory: Path) -> Roster:
    """Return the roster of a line as its line.json has it.

    Raises:
        OperatorError: there is no line.json; IntegrityError: its records do not verify.
    """
    return Roster.read([record.encode() for record in read_card(directory).records])


def current_roster(home: Home) -> Roster:
    """Return the roster of the line that a home works.

    Raises:
        OperatorError: it has none.
        IntegrityError: the records do not verify.
    """
    return roster_in(home.only_line())


def predecessor_of(home: Home, charter: Charter) -> Charter | None:
    """Return the charter of this home that another one follows, None if it follows none here.

    Raises:
        IntegrityError: its records do not verify.
    """
    for one in read_lineup(home.lines).all:
        if charter.predecessor is not None and one.line == charter.predecessor.hex():
            return roster_in(one.directory).charter
    return None


def is_newcomer(home: Home, charter: Charter, before: Charter | None = None) -> bool:
    """Return whether a charter follows a line that this station is shown never to have been on.

    Args:
        before: The charter of that line as the opening shows it; of a line that was joined
            here it is the one that was kept with it.
    Spec: docs/protocol.md §4.40
    """
    if before is None:
        joined = kept_joining(home)
        if joined is not None and joined.charter.line == charter.line:
            before = joined.opening.before
    if before is None or before.line != charter.predecessor:
        return False
    identity = read_identity(home)
    return identity.station not in before.stations


def check_room(
    home: Home, predecessor: Digest | None, *, anew: bool = False, newcomer: bool = False
) -> None:
    """Say whether a line may be set up in a home: its first one, or one that follows its last.

    Args:
        newcomer: Whether this station was not on the line that is followed.
        anew: Whether a successor that waits is about to be given up.
    Raises:
        OperatorError: it has a line that this one does not follow, has not the one that it
            follows, or has another successor of that one already.
    Spec: docs/enrolment.md §5.6, §9.2, §9.9, §9.11
    """
    if predecessor is None or newcomer:
        check_no_line(home)
        return
    found = read_lineup(home.lines)
    if any(one.line == predecessor.hex() for one in found.earlier):
        raise OperatorError(
            "the line that this charter follows has been followed by another one already",
            hint="a line has one successor; amend the one that is worked now",
        )
    if found.current is None or found.current.line != predecessor.hex():
        raise OperatorError(
            "this charter follows a line that this home does not have",
            hint="ask the other station which line it amends: hotline line show; where this"
            " station was on it, use the home that has it",
        )
    if found.pending is None and ended_for(found.current) is not None:
        raise OperatorError(
            "the other stations closed this line in favour of one that this station is not on",
            hint="nothing follows it here; another line begins in another home",
        )
    if found.pending is not None and not anew:
        raise OperatorError(
            f"the successor {found.pending.directory.name} of this line was set up already",
            hint=_CHANGE,
        )


def check_charter(
    home: Home, charter: Charter, *, before: Charter | None = None, anew: bool = False
) -> None:
    """Refuse a charter that does not rightly follow the line that it names.

    Roots are compared with those that this line knows, those that followed included:
    nobody reads words to anybody again. A newcomer compares with the charter that is shown.

    Args:
        before: The charter of that line, where the opening shows it.
    Raises:
        OperatorError: as `check_room`; or another realm, an older charter, another root.
        IntegrityError: the records of the line do not verify.
    Spec: docs/protocol.md §4.30, §4.31, §4.40
    """
    if charter.predecessor is None or _has(home, charter.line):
        return
    newcomer = is_newcomer(home, charter, before)
    check_room(home, charter.predecessor, anew=anew, newcomer=newcomer)
    try:
        if not newcomer:
            check_successor(current_roster(home), charter)
        elif before is not None:
            check_follows(before, charter)
    except PeerError as error:
        raise OperatorError(
            f"this charter cannot be used: {error}",
            hint="nothing was signed; speak with the other station, then amend anew",
        ) from error


def check_unspent(home: Home, cards: Sequence[Card]) -> None:
    """Refuse cards that the line which is worked was set up with: a prekey serves one line.

    Raises:
        OperatorError: one of them is such a card; nobody could open what is sealed to it.
    Spec: docs/enrolment.md §9.1
    """
    spent = {one.station: one.prekey for one in read_card(home.only_line()).peers}
    old = [one.name for one in cards if to_base64(one.prekey.encoded) == spent.get(one.name)]
    if old:
        raise OperatorError(
            f"the card of {' and '.join(old)} that is here was used up by the line of today",
            hint="ask for a card of today and import it: hotline card export there, hotline"
            " card import here",
        )


def charter_shown(home: Home, charter: Charter) -> bytes:
    """Return the envelope of the line's charter where one that follows it names a newcomer.

    It shows the newcomer who was on that line and by which rules, and nothing that was said.
    Spec: docs/protocol.md §4.40
    """
    if charter.predecessor is None:
        return b""
    directory = home.only_line()
    if set(charter.stations) <= set(roster_in(directory).members):
        return b""
    return read_card(directory).records[0].encode()


def check_keys_stay(home: Home) -> None:
    """Refuse to change root or ledger key while a line that names them is being set up.

    Raises:
        OperatorError: an opening or a successor waits here.
    Spec: docs/enrolment.md §9.6
    """
    if read_lineup(home.lines).pending is not None or waiting_line(home) is not None:
        raise OperatorError(
            "a line that names the keys of today is being set up in this home", hint=_CHANGE
        )


def _has(home: Home, line: Digest) -> bool:
    return any(one.line == line.hex() for one in read_lineup(home.lines).all)
