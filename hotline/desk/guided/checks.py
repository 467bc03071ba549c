"""What a person typed in the guided setup, checked before anything is made of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hotline.core.errors import OperatorError, PeerError
from hotline.core.values import MIN_PASSPHRASE_CHARACTERS, Realm, check_station
from hotline.desk.guided.views import OfficerAnswers
from hotline.sealing.certificate import PersonId
from hotline.sealing.charter import LineName
from hotline.sealing.shapes import ShortText
from hotline.station.beginning import check_free
from hotline.station.home import Home
from hotline.station.reach import read_listening, read_route

_PERSON: TypeAdapter[str] = TypeAdapter(PersonId)
_SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
_LINE: TypeAdapter[str] = TypeAdapter(LineName)


def path_of(text: str) -> Path:
    """Return the path that was typed; "~" is the home directory.

    Raises:
        OperatorError: it is none.
    """
    text = text.strip()
    if not text or "\0" in text:
        raise OperatorError("a file or directory must be named", hint="type its path")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise OperatorError("that path cannot be read", hint="type it from / on") from error


def shown(path: Path) -> str:
    """Return a path as a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) and path != here else path)


def place_faults(home: str, station: str, realm: str) -> dict[str, str]:
    """Say what is wrong with directory, name and realm, by field."""
    faults = {}
    try:
        check_station(station)
    except PeerError:
        faults["station"] = "1 to 16 of A-Z, 0-9 and -, a letter first; no small letters"
    try:
        check_free(Home(path_of(home or station.lower() or "-")))
    except OperatorError as error:
        faults["home"] = error.sentence()
    except OSError:
        faults["home"] = "The system refuses this path. Name another directory."
    if realm not in list(Realm):
        faults["realm"] = "Choose one: Right and Left go through them."
    return faults


def address_fault(text: str, *, dialled: bool) -> str:
    """Say what is wrong with HOST:PORT."""
    try:
        read_route(text) if dialled else read_listening(text)
    except OperatorError as error:
        return str(error)
    return ""


def phrase_fault(typed: str, again: str) -> dict[str, str]:
    """Say what is wrong with a new passphrase.

    Spec: docs/enrolment.md §1.4
    """
    if len(typed) < MIN_PASSPHRASE_CHARACTERS:
        return {"new": f"Too short: at least {MIN_PASSPHRASE_CHARACTERS} characters."}
    if typed != again:
        return {"again": "The two are not the same. Type both again."}
    return {}


def officer_faults(officer: OfficerAnswers, known: set[str]) -> dict[str, str]:
    """Say what is wrong with an officer's particulars; `known` are the ids in use."""
    faults = {}
    if not _fits(_PERSON, officer.person):
        faults["person"] = "1 to 40 letters, digits, . or -, a letter or digit first"
    elif officer.person.casefold() in {one.casefold() for one in known}:
        faults["person"] = "That id is in use here. Choose another."
    if not officer.name.strip():
        faults["name"] = "A name must stand here: the other station sees it."
    for name, text in (("name", officer.name), ("rank", officer.rank), ("role", officer.role)):
        if not _fits(_SHORT, text):
            faults[name] = "At most 80 characters, all of them printable."
    return faults


def line_fault(name: str) -> str:
    """Say what is wrong with a line's name."""
    return "" if _fits(_LINE, name) else "1 to 40 letters, digits and -, no blanks"


def _fits(kind: TypeAdapter[str], text: str) -> bool:
    try:
        kind.validate_python(text)
    except (ValidationError, PeerError):
        return False
    return True
