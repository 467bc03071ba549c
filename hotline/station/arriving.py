"""Files of another station on their way in: are they for us, of now, and of whom we know?

Spec: docs/enrolment.md §5.3, §5.4
"""

from __future__ import annotations

from hotline.core.errors import OperatorError, PeerError
from hotline.sealing.card import Card
from hotline.sealing.enrolment import Enrolment, Step, read_enrolment
from hotline.station.amending import check_charter
from hotline.station.cards import MAX_AHEAD_MS, accepted_card, check_current, check_realm
from hotline.station.ceremony import Shown, other_root
from hotline.station.identity import read_identity
from hotline.station.upkeep import Bench

MAX_AGE_MS = 30 * 86_400_000
"""An opening older than this is not answered, an answer not completed."""


def check_file(bench: Bench, encoded: bytes, step: Step, *, anew: bool = False) -> Enrolment:
    """Verify a file of the other station, and that it is for us, of now, and of whom we know.

    Args:
        anew: Whether a line that waits here to take over is given up for this one.
    Raises:
        OperatorError: it is not; the sentence says what to do.
    Spec: docs/enrolment.md §5.3, §5.4
    """
    identity = read_identity(bench.home)
    try:
        found = read_enrolment(encoded, step)
    except PeerError as error:
        raise OperatorError(
            f"this file cannot be used: {error}", hint="take the right one, or ask for it again"
        ) from error
    check_realm(found.charter.realm, identity.realm, "this line")
    ours = identity.verified()
    if found.card.root.digest == ours.root.digest:
        raise OperatorError("this file is this station's own", hint="it goes to the other station")
    if identity.station not in found.recipients:
        meant = " and ".join(found.recipients)
        raise OperatorError(f"this file is for {meant}, not for {identity.station}")
    members = {(one.station, one.root) for one in found.charter.members}
    theirs = (found.sender, found.card.station.newest.digest)
    if not members >= {(identity.station, ours.newest.digest), theirs}:
        raise OperatorError(
            "the charter in this file is not of this station and its sender",
            hint="compare the cards again on both sides, then open the line anew",
        )
    _check_compared(bench, found, identity.station)
    check_age(found, bench.clock())
    check_current(found.card, bench.clock())
    check_charter(bench.home, found.charter, before=found.before, anew=anew)
    return found


def cards_to_answer(bench: Bench, opening: Enrolment) -> list[Card]:
    """Return whom our answer is sealed to: the opener by the card in its file, the others by ours.

    Raises:
        OperatorError: the opener sealed to another key of a station than the one on our card.
    Spec: docs/enrolment.md §8.2
    """
    ours = read_identity(bench.home).station
    cards = [opening.card]
    for head in opening.heads:
        if head.to == ours:
            continue
        card = accepted_card(bench.home, head.to)
        check_current(card, bench.clock())
        if card.prekey.key_id != head.to_kid:
            raise OperatorError(
                f"{opening.sender} has another card of {head.to} than this station",
                hint=f"import the newest card of {head.to} here; if it is here, at {opening.sender}"
                ", who then begins anew with hotline line open --anew",
            )
        cards.append(card)
    return cards


def _check_compared(bench: Bench, found: Enrolment, ours: str) -> None:
    """Refuse a line of whose members one is not known here by its card, or by another root.

    Spec: docs/enrolment.md §8.2, §14.2
    """
    for member in found.charter.members:
        if member.station == ours:
            continue
        card = accepted_card(bench.home, member.station)
        sender = member.station == found.sender
        # The sender's own file may show a root that followed; that of others must be here.
        known, named = (
            (card.root.digest, found.card.root.digest)
            if sender
            else (card.station.newest.digest, member.root)
        )
        if known == named:
            continue
        roots = (member.station, named, known)
        shown: Shown = "FILE" if sender else "CHARTER"
        refusal = _not_compared(member.station, found.sender)
        content = (shown, found.encoded, found.sender)
        raise other_root(bench.home.path, refusal, roots, content, bench.clock())


def _not_compared(station: str, sender: str) -> OperatorError:
    if station == sender:
        return OperatorError(
            f"this file is not of the {sender} whose card was compared here",
            hint="nothing was changed; ask their officers in person what happened",
        )
    return OperatorError(
        f"the charter in this file names another root for {station} than the one"
        " whose card was compared here",
        hint=f"nothing was changed; compare the words of {station} again, at {sender}, too",
    )


def check_age(found: Enrolment, now_ms: int, *, old_charter: bool = False) -> None:
    """Refuse a file that is too old to be used, or of a time that is yet to come.

    Args:
        old_charter: Whether it is about a line that there is already.
    Raises:
        OperatorError: it is.
    Spec: docs/enrolment.md §5.3
    """
    made = {found.made_ms} if old_charter else {found.made_ms, found.charter.created_ms}
    oldest, newest = min(made), max(made)
    if oldest + MAX_AGE_MS < now_ms:
        raise OperatorError(
            "this file is older than 30 days", hint="begin again with hotline line open --anew"
        )
    if newest > now_ms + MAX_AHEAD_MS:
        raise OperatorError(
            "this file was made at a time that is yet to come",
            hint="set the clocks right on both sides",
        )
