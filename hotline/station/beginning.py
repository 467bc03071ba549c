"""A station begins: keys, certificates of its unattended keys, TLS identity, journal.

All is made in a directory beside the home and moved into its place at the end, so
a home is there whole or not at all. Spec: docs/enrolment.md §2
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.seams import Clock, Entropy
from hotline.core.values import Realm
from hotline.ledger.connection import sync_directory
from hotline.sealing.card import Route
from hotline.sealing.enrol import new_station_keys
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station.home import Home
from hotline.station.identity import Identity, Listening, read_identity
from hotline.station.laying import (
    CONSOLE_KEY,
    ROOT_KEY,
    SUCCESSOR_KEY,
    NewHome,
    Passphrases,
    lay_home,
)

AskNew = Callable[[str], str | None]
"""Asks for the passphrase of a key file that is about to be made; None: leave it open."""


@dataclass(frozen=True, slots=True)
class NewStation:
    """What a new station is told of itself.

    Attributes:
        route: Where others will dial it; None: it only dials.
        listening: Where it listens for that, when that is another address.
    """

    station: str
    realm: Realm
    route: Route | None = None
    listening: Listening | None = None


def begin_home(
    home: Home,
    new: NewStation,
    ask: AskNew,
    catalogue: Catalogue,
    clock: Clock,
    entropy: Entropy,
) -> Identity:
    """Make a station's home; it has no officer and no line yet.

    Raises:
        OperatorError: the home exists, the name is none, or LIVE without a passphrase.
        StorageError: the disk refused; nothing is left but what may be deleted.
    Spec: docs/enrolment.md §2.1, §2.2, §2.4
    """
    check_free(home)
    keys = new_station_keys(
        station=new.station, realm=new.realm, officers=(), at_ms=clock(), entropy=entropy
    )
    phrases = Passphrases(
        root=ask(ROOT_KEY), successor=ask(SUCCESSOR_KEY), console=ask(CONSOLE_KEY)
    )
    tls = make_tls_identity(station=new.station, at_ms=clock(), entropy=entropy)
    part = home.path.with_name(f".{home.path.name}.part")
    try:
        with _alone(part):
            made = NewHome(keys, tls, phrases, new.route, new.listening)
            lay_home(Home(part), made, catalogue, clock, entropy)
            os.replace(part, home.path)
            sync_directory(home.path.parent)
    except OSError as error:
        raise StorageError(
            f"the home {home.path.name} cannot be put in its place: "
            f"{error.strerror or 'the system refused'}",
            hint="see that nothing stands there and that the disk has room",
        ) from error
    return read_identity(home)


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Make a directory to make a home in, emptied of what a crash left; a failure leaves none.

    It is locked meanwhile: two homes that are made in one would mix their keys.

    Raises:
        OperatorError: another process makes this home.
    Spec: docs/enrolment.md §2.4
    """
    part.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _lock(lock, part)
        try:
            for left in part.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def _lock(lock: int, part: Path) -> None:
    """Lock the directory and see that it still stands at its place, not moved there whole."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), os.stat(part)):
            return
    except (BlockingIOError, FileNotFoundError):
        pass
    raise OperatorError(
        "another process makes this home now", hint="let it end, then look at what it made"
    )


def check_free(home: Home) -> None:
    """Refuse a directory in which something stands: keys are never written over.

    Raises:
        OperatorError: something stands there, or there is no place for it.
    Spec: docs/enrolment.md §2.2
    """
    path = home.path
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OperatorError(
            f"{path.name} exists already", hint="choose a new or an empty directory"
        )
    if not path.absolute().parent.is_dir():
        raise OperatorError(
            f"there is no directory to make {path.name} in", hint="make it, or name another"
        )
