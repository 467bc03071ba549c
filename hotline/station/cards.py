"""Cards of other stations: accepted once officers have compared the words, kept in HOME/cards.

Spec: docs/enrolment.md §4
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.seams import Clock
from hotline.core.times import format_time
from hotline.core.values import Realm
from hotline.sealing.card import MAX_CARD_BYTES, Card, read_card
from hotline.sealing.certificate import Usage
from hotline.station.ceremony import note_card, other_root
from hotline.station.home import Home
from hotline.station.identity import Identity, read_identity
from hotline.station.shelf import write_durably

CARDS = "cards"
MAX_AHEAD_MS = 86_400_000
"""A card, charter or file that was made later than this from now: a clock is wrong."""

Compare = Callable[[Card], None]
"""Has a person compare the words of a card; raises OperatorError when they differ."""


def read_file(path: Path, what: str) -> bytes:
    """Read a file that came from outside, at most MAX_CARD_BYTES of it and one more.

    Raises:
        OperatorError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise OperatorError(f"{what} cannot be read", hint="check the path") from error


def read_outside(encoded: bytes) -> Card:
    """Verify a card from outside.

    Raises:
        OperatorError: it is none, or was altered.
    """
    try:
        return read_card(encoded)
    except PeerError as error:
        raise OperatorError(f"this is no good card: {error}", hint="ask for it again") from error


def accept_card(home: Home, encoded: bytes, compare: Compare, clock: Clock) -> Card:
    """Accept another station's card once its words were compared, and keep it.

    A newer card of a root that was compared before needs no second comparison. That it is
    accepted is noted before it is kept; the card that is kept, given again, is no news.

    Raises:
        OperatorError: it is no good, of another realm, our own, older than the one that is
            kept, of another root than the one that was compared, or the words differ.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §4.2, §4.3, §4.4
    """
    card, compared = check_card(home, encoded, clock)
    if not compared:
        compare(card)
    if _kept_bytes(home, card.name) != encoded:
        # Spec: docs/enrolment.md §14.1
        note_card(home.path, card, clock(), compared_before=compared)
    directory = home.path / CARDS
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError("the directory of cards cannot be made") from error
    write_durably(_path(home, card.name), encoded)
    return card


def check_card(home: Home, encoded: bytes, clock: Clock) -> tuple[Card, bool]:
    """Say whether a card may be accepted, and whether its root was compared before.

    Another root under a known name is noted: that is an alarm.

    Raises:
        OperatorError: as `accept_card`, but for the words.
    Spec: docs/enrolment.md §4.3, §4.4, §14.2
    """
    identity = read_identity(home)
    card = read_outside(encoded)
    _check_stranger(identity, card)
    check_current(card, clock())
    known = kept_card(home, card.name)
    if known is None:
        return card, False
    if known.root.digest != card.root.digest:
        refusal = OperatorError(
            f"this card shows another root than the one that was compared for {card.name}",
            hint="nothing was changed; ask their officers in person what happened",
        )
        roots = (card.name, card.root.digest, known.root.digest)
        raise other_root(home.path, refusal, roots, ("CARD", encoded, card.name), clock())
    if card.made_ms < known.made_ms:
        raise OperatorError(
            f"a newer card of {card.name} was accepted before", hint="ask for the newest one"
        )
    return card, True


def words_differ(card: Card) -> OperatorError:
    """Return the refusal of a card whose words are not those that were read out."""
    return OperatorError(
        f"the words are not those of this card of {card.name}: it was not accepted",
        hint="have them read again; if they differ again, the card was exchanged on its way",
    )


def kept_card(home: Home, station: str) -> Card | None:
    """Return the card of a station that was accepted, or None.

    Raises:
        OperatorError: it does not verify any more.
    """
    kept = _kept_bytes(home, station)
    return None if kept is None else read_outside(kept)


def _kept_bytes(home: Home, station: str) -> bytes | None:
    path = _path(home, station)
    return read_file(path, path.name) if path.is_file() else None


def accepted_card(home: Home, station: str) -> Card:
    """Return the card of a station that was accepted.

    Raises:
        OperatorError: none was.
    """
    card = kept_card(home, station)
    if card is None:
        raise OperatorError(
            f"no card of {station} was accepted here",
            hint="compare its words and accept it with hotline card import",
        )
    return card


def kept_stations(home: Home) -> list[str]:
    """Return the stations whose cards were accepted."""
    return sorted(path.stem for path in (home.path / CARDS).glob("*.card"))


def check_current(card: Card, now_ms: int) -> None:
    """Refuse a card of the future, or whose console is not certified any more.

    Raises:
        OperatorError: it is.
    Spec: docs/enrolment.md §4.4
    """
    if card.made_ms > now_ms + MAX_AHEAD_MS:
        raise OperatorError(
            f"this card was made on {format_time(card.made_ms)}, which is yet to come",
            hint="set the clocks right on both sides",
        )
    consoles = card.station.certified(Usage.TRANSPORT)
    if not any(one.not_after_ms >= now_ms for one in consoles):
        raise OperatorError(
            f"the certificates on this card of {card.name} have ended", hint="ask for a new card"
        )


def check_realm(realm: Realm, ours: Realm, what: str) -> None:
    """Refuse what is of the other realm.

    Raises:
        OperatorError: it is.
    Spec: docs/protocol.md §1.2
    """
    if realm != ours:
        raise OperatorError(
            f"{what} is of the realm {realm}, this station is {ours}",
            hint="live and exercise never join; use a home of that realm",
        )


def _check_stranger(identity: Identity, card: Card) -> None:
    check_realm(card.root.realm, identity.realm, "this card")
    if card.root.digest == identity.verified().root.digest:
        raise OperatorError(
            "this is this station's own card", hint="give it to them, and import theirs"
        )
    if card.name == identity.station:
        raise OperatorError(
            f"this card is of another station that calls itself {card.name}, too",
            hint="one of the two must begin anew under another name",
        )


def _path(home: Home, station: str) -> Path:
    return home.path / CARDS / f"{station}.card"
