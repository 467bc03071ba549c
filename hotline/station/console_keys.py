"""Which key of the console signs packets now, and what a peer must be shown of it.

Spec: docs/protocol.md §4.34
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.values import Digest
from hotline.ledger.public import record_digest
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import CLOCK_MARGIN_MS
from hotline.sealing.roster import Roster
from hotline.station.staged_keys import key_pair, staged_pair

CONSOLE = "console"


def signing_console(
    seeds: Mapping[str, bytes], roster: Roster, station: str, now_ms: int
) -> tuple[Ed25519Signer, Certificate | None]:
    """Return the console's key that signs packets, and its newest certificate that counts.

    A key that was made to follow signs as soon as it is certified; None: nothing certifies
    any of them now.
    Spec: docs/protocol.md §4.34
    """
    known = roster.certified(station, Usage.TRANSPORT)
    trusted = [one for one in known if roster.trusts(one, now_ms)]
    staged, present = staged_pair(seeds, CONSOLE), Ed25519Signer(key_pair(seeds, CONSOLE).ed25519)
    for signer in [Ed25519Signer(staged.ed25519), present] if staged else [present]:
        for certificate in reversed(trusted):
            if certificate.key.ed25519 == signer.public_key:
                return signer, certificate
    return present, None


def to_introduce(certificate: Certificate | None, roster: Roster, records: Iterable[str]) -> bytes:
    """Return the envelope of a console's certificate that enrolment did not make known, or b"".

    Spec: docs/protocol.md §4.34
    """
    enrolled_ms = roster.charter.created_ms - CLOCK_MARGIN_MS
    if certificate is None or certificate.not_before_ms <= enrolled_ms:
        return b""
    return _of_digest(records, certificate.id)


def own_take_over(roster: Roster, station: str, records: Iterable[str]) -> bytes:
    """Return the envelope of the authorisation by which a spare of ours took over, or b"".

    Spec: docs/protocol.md §4.36
    """
    found = roster.standing.take_overs.get(station)
    return b"" if found is None else _of_digest(records, found.digest)


def check_in_office(roster: Roster, station: str, endpoint: int) -> None:
    """Refuse to work a line with a console that is not the one in office.

    Raises:
        IntegrityError: another one took its place.
        OperatorError: it is a spare that has not taken over.
    Spec: docs/protocol.md §4.35, §4.38
    """
    in_office = roster.standing.endpoint_of(station)
    if endpoint < in_office:
        raise left_behind(station, in_office)
    if endpoint > in_office:
        raise OperatorError(
            f"this is spare console {endpoint} of {station}, which has not taken over",
            hint="test it with hotline spare test; hotline spare take-over puts it in office",
        )


def left_behind(station: str, endpoint: int, undelivered: int = 0) -> IntegrityError:
    """Return what a console says that another one took its place."""
    waiting = f"; {undelivered} statements of it were not delivered" if undelivered else ""
    return IntegrityError(
        f"spare console {endpoint} of {station} took this line over, and this console speaks "
        f"on it no more{waiting}",
        hint="keep this home as it is; hotline spare show HOME lists what was not delivered",
    )


def _of_digest(records: Iterable[str], digest: Digest) -> bytes:
    encoded = (record.encode() for record in records)
    return next((one for one in encoded if _digest(one) == digest), b"")


def _digest(record: bytes) -> Digest | None:
    try:
        return record_digest(record)
    except PeerError:
        return None
