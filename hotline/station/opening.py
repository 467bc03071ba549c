"""A line that was opened or joined here and is not complete: what is kept until answers come.

HOME/opening/                our side opened it
HOME/joining/                our side answered, and the line has other members who answer, too
  half.key                   our half of the secret of each pair, sealed as every key file
  opening.enrol              the file that opened the line
  answer.enrol               in joining/: our answer
  from-<STATION>.enrol       what another station answered, while others are missing

Our own file is written last: without it nothing was opened or joined.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError, PeerError, StorageError
from hotline.core.seams import Entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.charter import Charter
from hotline.sealing.enrolment import Enrolment, Step, read_enrolment
from hotline.station.cards import read_file
from hotline.station.founded import ANSWER_FILE
from hotline.station.home import Home
from hotline.station.shelf import write_durably

OPENING, JOINING, HALF_KEY = "opening", "joining", "half.key"
OPENING_FILE = "opening.enrol"
_HALF = "half/"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line that was opened or joined here.

    Attributes:
        opening: The file that opened it.
        own: The file that this station wrote: the opening itself, or an answer to it.
    """

    directory: Path
    opening: Enrolment
    own: Enrolment

    @property
    def charter(self) -> Charter:
        """The charter, whose signatures are still being gathered."""
        return self.own.charter

    @property
    def awaited(self) -> tuple[str, ...]:
        """The stations whose answers this one needs, in the charter's order."""
        joiners = self.charter.stations[1:]
        return tuple(station for station in joiners if station != self.own.sender)


@dataclass(frozen=True, slots=True)
class Halves:
    """Our half of the secret of each pair, and what protects it on the disk."""

    by_station: Mapping[str, bytes] = field(repr=False)
    passphrase: str | None = field(repr=False)


def keep_opening(home: Home, opening: Enrolment, halves: Halves, entropy: Entropy) -> None:
    """Keep an opening until the answers come; nothing that a crash left of another one stays.

    Raises:
        OperatorError: a LIVE half without a passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.2
    """
    discard_opening(home)
    directory = _make(home.path / OPENING)
    _keep_halves(directory, opening, halves, entropy)
    write_durably(directory / OPENING_FILE, opening.encoded)


def keep_joining(
    home: Home, opening: Enrolment, answer: Enrolment, halves: Halves, entropy: Entropy
) -> None:
    """Keep our answer to an opening until the other answers come; forget an earlier one.

    Raises:
        OperatorError: a LIVE half without a passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §8.3
    """
    discard_joining(home)
    directory = _make(home.path / JOINING)
    _keep_halves(directory, answer, halves, entropy)
    write_durably(directory / OPENING_FILE, opening.encoded)
    write_durably(directory / ANSWER_FILE, answer.encoded)


def kept_opening(home: Home, step: Step = "open") -> Waiting | None:
    """Return the line that was opened here and waits for answers, or None.

    Raises:
        IntegrityError: its file was altered.
    """
    directory = home.path / OPENING
    opening = _read_own(directory / OPENING_FILE, step)
    return None if opening is None else Waiting(directory, opening, opening)


def kept_joining(home: Home) -> Waiting | None:
    """Return the line that was joined here and waits for other answers, or None.

    Raises:
        IntegrityError: one of its files was altered, or is missing.
    """
    directory = home.path / JOINING
    answer = _read_own(directory / ANSWER_FILE, "join")
    if answer is None:
        return None
    opening = _read_own(directory / OPENING_FILE, "open")
    if opening is None:
        raise IntegrityError(f"{JOINING}/{OPENING_FILE} is missing")
    return Waiting(directory, opening, answer)


def waiting_line(home: Home) -> Waiting | None:
    """Return the line that was opened or joined here and is not complete, or None.

    Raises:
        IntegrityError: one of its files was altered.
    """
    return kept_opening(home) or kept_joining(home)


def keep_answer(waiting: Waiting, answer: Enrolment) -> None:
    """Keep the answer of another station while others are missing.

    Raises:
        StorageError: the disk refused.
    Spec: docs/enrolment.md §8.4
    """
    write_durably(_answer_path(waiting, answer.sender), answer.encoded)


def kept_answers(waiting: Waiting) -> dict[str, Enrolment]:
    """Return the answers that are kept, by station.

    Raises:
        IntegrityError: one of them was altered.
    """
    found = {one: _read_own(_answer_path(waiting, one), "join") for one in waiting.awaited}
    return {station: answer for station, answer in found.items() if answer is not None}


def half_path(home: Home) -> Path:
    """Return where our half of the secret of a line lies that was opened here."""
    return home.path / OPENING / HALF_KEY


def our_halves(waiting: Waiting, passphrase: str | None) -> dict[str, bytes]:
    """Return our half of the secret of each pair, by the other station.

    Raises:
        OperatorError: they are not there, or the passphrase is wrong.
    """
    seeds = read_key_file(waiting.directory / HALF_KEY, passphrase).seeds
    return {name.removeprefix(_HALF): half for name, half in seeds.items()}


def discard_opening(home: Home) -> None:
    """Forget an opening, with our halves.

    Raises:
        StorageError: the disk refused.
    """
    _discard(home.path / OPENING, OPENING_FILE)


def discard_joining(home: Home) -> None:
    """Forget what was joined, with our halves.

    Raises:
        StorageError: the disk refused.
    """
    _discard(home.path / JOINING, ANSWER_FILE)


def discard_waiting(home: Home) -> None:
    """Forget what was opened or joined, once our side of the line is made.

    Raises:
        StorageError: the disk refused.
    """
    discard_joining(home)
    discard_opening(home)


def no_opening(charter: Charter, station: str) -> OperatorError:
    """Return the refusal where nothing was opened or joined that an answer could belong to."""
    opener = charter.stations[0]
    if station == opener:
        return OperatorError(
            "no line was opened in this home", hint="open one with hotline line open first"
        )
    return OperatorError(
        f"the line {charter.name} was not joined in this home yet",
        hint=f"join it first: hotline line join, with the opening of {opener}",
    )


def _make(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the directory {directory.name} cannot be made") from error
    return directory


def _keep_halves(directory: Path, own: Enrolment, halves: Halves, entropy: Entropy) -> None:
    seeds = {f"{_HALF}{station}": half for station, half in halves.by_station.items()}
    held = KeyFile(own.sender, own.charter.realm, seeds)
    path = directory / HALF_KEY
    write_key_file(path, held, halves.passphrase, entropy=entropy, replace=True)


def _answer_path(waiting: Waiting, station: str) -> Path:
    return waiting.directory / f"from-{station}.enrol"


def _read_own(path: Path, step: Step) -> Enrolment | None:
    if not path.is_file():
        return None
    try:
        return read_enrolment(read_file(path, path.name), step)
    except PeerError as error:
        raise IntegrityError(f"{path.parent.name}/{path.name} does not verify: {error}") from error


def _discard(directory: Path, own: str) -> None:
    try:
        # Our file first: what is left of a cut removal is then nothing that waits any more.
        (directory / own).unlink(missing_ok=True)
        if directory.is_dir():
            shutil.rmtree(directory)
    except OSError as error:
        raise StorageError(f"the directory {directory.name} cannot be removed") from error
