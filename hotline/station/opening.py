"""A line that was opened here and is not complete: what is kept until the answer comes.

HOME/opening/half.key      our half of the line secret, sealed as every key file
HOME/opening/opening.enrol the file that goes to the other station, written last
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError, PeerError, StorageError
from hotline.core.seams import Entropy
from hotline.core.values import Realm
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.enrolment import Enrolment, Step, read_enrolment
from hotline.station.cards import read_file
from hotline.station.home import Home
from hotline.station.shelf import write_durably

OPENING, HALF_KEY, OPENING_FILE = "opening", "half.key", "opening.enrol"
_HALF = "half"


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands in HOME/opening. `encoded` is the file that goes to the other station."""

    enrolment: Enrolment
    encoded: bytes = field(repr=False)


def keep_opening(
    home: Home,
    encoded: bytes,
    half: bytes,
    *,
    station: str,
    realm: Realm,
    passphrase: str | None,
    entropy: Entropy,
) -> None:
    """Keep an opening; its file last, so that one which is there is whole.

    Raises:
        OperatorError: a LIVE half without a passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.2
    """
    directory = home.path / OPENING
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError("the directory of the opening cannot be made") from error
    held = KeyFile(station, realm, {_HALF: half})
    write_key_file(directory / HALF_KEY, held, passphrase, entropy=entropy, replace=True)
    write_durably(directory / OPENING_FILE, encoded)


def kept_opening(home: Home, step: Step = "open") -> Opening | None:
    """Return the line that was opened here and waits for its answer, or None.

    Raises:
        IntegrityError: its file was altered.
    """
    path = home.path / OPENING / OPENING_FILE
    if not path.is_file():
        return None
    encoded = read_file(path, path.name)
    try:
        return Opening(read_enrolment(encoded, step), encoded)
    except PeerError as error:
        raise IntegrityError(f"{OPENING}/{OPENING_FILE} does not verify: {error}") from error


def half_path(home: Home) -> Path:
    """Return where our half of the secret lies until the line is complete."""
    return home.path / OPENING / HALF_KEY


def our_half(home: Home, passphrase: str | None) -> bytes:
    """Return our half of the secret of the line that was opened.

    Raises:
        OperatorError: it is not there, or the passphrase is wrong.
    """
    return read_key_file(half_path(home), passphrase).seeds[_HALF]


def discard_opening(home: Home) -> None:
    """Forget an opening, with our half of its secret.

    Raises:
        StorageError: the disk refused.
    """
    directory = home.path / OPENING
    try:
        # The file first: what is left of a cut removal is then no opening any more.
        (directory / OPENING_FILE).unlink(missing_ok=True)
        if directory.is_dir():
            shutil.rmtree(directory)
    except OSError as error:
        raise StorageError("the opening cannot be removed") from error


def no_opening() -> OperatorError:
    """Return the refusal where there is none."""
    return OperatorError(
        "no line was opened in this home", hint="open one with hotline line open first"
    )
