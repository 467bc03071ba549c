"""The two files that make a spare console known, and what both sides work out from them.

Spec: docs/protocol.md §12.3
"""

from __future__ import annotations

from typing import Final

from hotline.core.errors import OperatorError, PeerError
from hotline.sealing.card import Card
from hotline.sealing.certificate import FIRST_ENDPOINT, Usage
from hotline.sealing.enrolment import Enrolment, Step, read_enrolment
from hotline.sealing.line_secret import LineSecret, day_number
from hotline.sealing.mailboxes import share
from hotline.sealing.roster import Roster
from hotline.sealing.turns import StoredPrekey
from hotline.station.arriving import check_age
from hotline.station.cards import check_current, check_realm
from hotline.station.identity import read_identity
from hotline.station.line_keys import FIRST_ASEQ, PairSecrets
from hotline.station.upkeep import Bench

OPEN: Final = "spare-open"
JOIN: Final = "spare-join"


def check_spare_file(bench: Bench, encoded: bytes, step: Step) -> Enrolment:
    """Verify a file of the other station's, and that it is for us and of now.

    Raises:
        OperatorError: it is not; the sentence says what to do.
    """
    identity = read_identity(bench.home)
    try:
        found = read_enrolment(encoded, step)
    except PeerError as error:
        raise OperatorError(
            f"this file cannot be used: {error}", hint="ask for it again"
        ) from error
    check_realm(found.charter.realm, identity.realm, "this line")
    if identity.station not in found.recipients:
        raise OperatorError(
            f"this file is for {' and '.join(found.recipients)}, not for {identity.station}"
        )
    check_age(found, bench.clock(), old_charter=True)
    check_current(found.card, bench.clock())
    return found


def check_spare_line(found: Enrolment, roster: Roster) -> None:
    """Refuse a file of another line, or of a station whose root the charter does not name.

    Raises:
        OperatorError: it is.
    Spec: docs/enrolment.md §11.2
    """
    known = roster.roots.get(found.card.name)
    if found.charter.line != roster.line or known is None or known.digest != found.card.root.digest:
        raise OperatorError(
            "this file is not of this line, or not of the root that its charter names",
            hint="nothing was changed; ask their officers in person what happened",
        )


def number_of_spare(card: Card) -> int:
    """Return which console wrote a card: the one that its newest certificates are for.

    Raises:
        OperatorError: the station's first one.
    """
    number = max(one.endpoint for one in card.station.certified(Usage.TRANSPORT))
    if number == FIRST_ENDPOINT:
        raise OperatorError("this file is not of a spare console")
    return number


def spare_secrets(
    opening: Enrolment, halves: dict[str, bytes], prekey: bytes, now_ms: int
) -> PairSecrets:
    """Return the secrets of the pair from the day of the opening on, and the first prekey."""
    shared = share(opening.charter.line, halves)
    first = StoredPrekey(FIRST_ASEQ, prekey, now_ms)
    secret = LineSecret(shared.line, day_number(opening.made_ms))
    return PairSecrets(secret, (first,), shared.mailboxes)
