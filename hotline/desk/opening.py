"""Sitting down at a desk: the officer's key, the phrasebooks, the caution list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hotline.core.seams import Clock, Entropy
from hotline.desk.desk import OfficerDesk
from hotline.desk.officer import Officer
from hotline.host.config import load_settings
from hotline.host.keyfile import is_protected
from hotline.host.phrases import load_phrasebook
from hotline.station.home import Home, check_trusted, open_officer
from hotline.station.station import Station

LANGUAGE = "en"
"""Both sides read English until packs in other languages are approved."""


def open_desk(
    station: Station,
    home: Home,
    person: str,
    *,
    config: Path,
    passphrase: str | None,
    clock: Clock,
    entropy: Entropy,
    coach: Callable[[], str] = lambda: "",
) -> OfficerDesk:
    """Unlock an officer's key and open a desk at a station.

    Raises:
        OperatorError: no such officer, a wrong passphrase, a certificate that is revoked or
            suspended, or a wrong configuration.
    """

    def unlock(person: str, passphrase: str | None) -> Officer:
        roster = station.line.roster
        certificate, signer = open_officer(home, roster, person, passphrase)
        check_trusted(roster, certificate, clock())
        return Officer(certificate, signer)

    book, settings = load_phrasebook(config, LANGUAGE), load_settings(config)
    return OfficerDesk(
        station,
        unlock(person, passphrase),
        own=book,
        peer=book,
        clock=clock,
        entropy=entropy,
        listed=settings.caution.get(LANGUAGE, ()),
        coach=coach,
        unlock=unlock,
        protected=is_protected(home.officer_here(person)),
        lock_after_ms=settings.lock_after_s(station.line.realm) * 1000,
    )
