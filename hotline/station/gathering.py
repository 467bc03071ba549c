"""Answers come in, in any order and as often as somebody brings them: whose, and which is missing.

Spec: docs/enrolment.md §8
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from hotline.core.errors import OperatorError, PeerError
from hotline.sealing.card import read_card
from hotline.sealing.enrolment import Enrolment, read_enrolment
from hotline.station.arriving import check_file
from hotline.station.founded import founded_line
from hotline.station.identity import read_identity
from hotline.station.opening import (
    JOINING,
    Waiting,
    kept_answers,
    waiting_line,
)
from hotline.station.upkeep import Bench


def read_answers(bench: Bench, files: Sequence[tuple[str, bytes]]) -> list[Enrolment]:
    """Verify answers that were brought here; of several files, those that are none are passed over.

    Passed over are cards, openings and what this station wrote: they lie beside the answers. So
    may answers to a line that is complete here: they count if there are no others.

    Args:
        files: Name and content.
    Raises:
        OperatorError: one does not verify, is not for us, not of now, or not of whom we know.
    Spec: docs/enrolment.md §8.4
    """
    if len(files) == 1:
        return [check_file(bench, files[0][1], "join")]
    found: list[Enrolment] = []
    of_before: list[Enrolment] = []
    for name, encoded in files:
        if _lies_beside(bench, encoded):
            continue
        try:
            answer = check_file(bench, encoded, "join")
        except OperatorError as error:
            raise OperatorError(f"{name}: {error}", hint=error.hint) from error
        known = founded_line(bench.home, answer.charter.line) is not None
        (of_before if known else found).append(answer)
    found = found or of_before
    if not found:
        waiting = waiting_line(bench.home)
        meant = " and ".join(waiting.awaited) if waiting is not None else "another station"
        raise OperatorError(
            f"none of these files is the answer of {meant}",
            hint="bring what hotline line join wrote there",
        )
    return found


def _lies_beside(bench: Bench, encoded: bytes) -> bool:
    for read in (read_card, partial(read_enrolment, step="open")):
        with suppress(PeerError):
            read(encoded)
            return True
    with suppress(PeerError):
        ours = read_identity(bench.home).verified().root.digest
        return read_enrolment(encoded, "join").card.root.digest == ours
    return False


def answers_with(waiting: Waiting, answers: Sequence[Enrolment]) -> dict[str, Enrolment]:
    """Return the answers that are kept and those that came now, by station.

    Args:
        answers: As `check_file` verified them.
    Raises:
        OperatorError: one is of another opening, sealed to a key that is not on our card, or
            differs from another one of its station.
        IntegrityError: one that is kept was altered.
    Spec: docs/enrolment.md §8.5
    """
    found = kept_answers(waiting)
    for answer in answers:
        _check_fits(waiting, answer)
        before = found.setdefault(answer.sender, answer)
        if before.encoded != answer.encoded:
            raise OperatorError(
                f"{answer.sender} has answered twice, and the two answers differ",
                hint="every station must use the same one: ask them; the one that came here first"
                f" is HOME/{waiting.directory.name}/from-{answer.sender}.enrol",
            )
    return found


def _check_fits(waiting: Waiting, answer: Enrolment) -> None:
    opener = waiting.opening.sender
    if answer.charter.line != waiting.charter.line:
        if waiting.directory.name == JOINING:
            raise OperatorError(
                f"this file of {answer.sender} answers another opening than the one that was"
                " joined here",
                hint=f"ask {opener} which opening counts; everybody must answer the same one",
            )
        raise OperatorError(
            "this file answers another opening than the one that was made here last",
            hint="ask for the answer to that, or send it again with hotline line open",
        )
    ours = waiting.own.sender
    key_id = next(head.to_kid for head in answer.heads if head.to == ours)
    if key_id != waiting.own.card.prekey.key_id:
        raise OperatorError(
            f"this file of {answer.sender} is sealed to a key that is not on this station's card",
            hint="give them this station's card of today, and ask for the file again",
        )
