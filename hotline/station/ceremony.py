"""What each step of setting a line up says of itself; it is noted before it counts.

Who sat at the machine is not said: none of these steps asks for an officer's key, and the
name of a login proves nothing. Spec: docs/enrolment.md §14, docs/ledger.md §23
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from hotline.core.errors import OperatorError, StorageError
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.sealing.card import Card
from hotline.sealing.charter import MIN_MEMBERS, Charter
from hotline.sealing.enrolment import Enrolment
from hotline.station.steps import note_step

Shown = Literal["CARD", "FILE", "CHARTER"]


def note_card(home: Path, card: Card, at_ms: int, *, compared_before: bool) -> None:
    """Note that a card is accepted, before it is kept.

    Raises:
        OperatorError, StorageError: as `note_step`.
    Spec: docs/enrolment.md §14.1
    """
    accepted = ev.CardAccepted(
        station=card.name,
        root=card.root.digest.hex(),
        card=_sha256(card.encoded),
        how="KNOWN_ROOT" if compared_before else "WORDS",
        made_ms=card.made_ms,
        at_ms=at_ms,
    )
    note_step(home, accepted)


def other_root(
    home: Path,
    refusal: OperatorError,
    roots: tuple[str, Digest, Digest],
    shown: tuple[Shown, bytes, str],
    at_ms: int,
) -> OperatorError:
    """Note that another root than the compared one was shown; return the refusal to raise.

    The refusal stands where the disk refuses the note, too, and says so.

    Args:
        roots: Of which station, the root that was shown, the one that was compared.
        shown: In what, its bytes, and whose it says it is.
    Spec: docs/enrolment.md §14.2
    """
    station, root, known = roots
    shown_in, content, sender = shown
    refused = ev.OtherRootRefused(
        station=station,
        root=root.hex(),
        known=known.hex(),
        shown_in=shown_in,
        file=_sha256(content),
        sender=sender,
        at_ms=at_ms,
    )
    try:
        note_step(home, refused)
    except (OperatorError, StorageError) as error:
        return OperatorError(str(refusal), hint=f"{refusal.hint}; it is not recorded: {error}")
    return refusal


def note_own(home: Path, own: Enrolment) -> None:
    """Note that this station opened or joined a line, before its file leaves.

    Whoever joins a line of two has its own side complete with that.

    Raises:
        OperatorError, StorageError: as `note_step`.
    Spec: docs/enrolment.md §14.3
    """
    charter, opener = own.charter, own.charter.stations[0]
    opened = own.sender == opener
    taken = _line_step(
        charter,
        own.sender,
        "OPENED" if opened else "JOINED",
        own.made_ms,
        file=_sha256(own.encoded),
        sender="" if opened else opener,
    )
    note_step(home, taken)
    if not opened and len(charter.stations) == MIN_MEMBERS:
        note_completed(home, own.sender, charter, own.made_ms)


def note_answer(home: Path, ours: str, answer: Enrolment, at_ms: int) -> None:
    """Note that another station's answer is taken, before it is kept or used.

    Raises:
        OperatorError, StorageError: as `note_step`.
    Spec: docs/enrolment.md §14.3
    """
    file = _sha256(answer.encoded)
    note_step(
        home,
        _line_step(answer.charter, ours, "ANSWERED", at_ms, file=file, sender=answer.sender),
    )


def note_completed(home: Path, ours: str, charter: Charter, at_ms: int) -> None:
    """Note that our side of a line is complete, before it is worked.

    Raises:
        OperatorError, StorageError: as `note_step`.
    Spec: docs/enrolment.md §14.3
    """
    note_step(home, _line_step(charter, ours, "COMPLETED", at_ms))


def note_given_up(home: Path, ours: str, charter: Charter, at_ms: int) -> None:
    """Note that a line is given up, before its secrets go.

    Raises:
        OperatorError, StorageError: as `note_step`.
    Spec: docs/enrolment.md §14.3
    """
    note_step(home, _line_step(charter, ours, "GIVEN_UP", at_ms))


def _line_step(
    charter: Charter,
    ours: str,
    step: Literal["OPENED", "JOINED", "ANSWERED", "COMPLETED", "GIVEN_UP"],
    at_ms: int,
    *,
    file: str = "",
    sender: str = "",
) -> ev.LineStepTaken:
    return ev.LineStepTaken(
        step=step,
        line=charter.line.hex(),
        name=charter.name,
        peers=tuple(station for station in charter.stations if station != ours),
        file=file,
        sender=sender,
        at_ms=at_ms,
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
