"""A spare console takes its station's place on a line: what makes that count.

Spec: docs/protocol.md §4.35, §4.36
"""

from __future__ import annotations

from dataclasses import replace

from hotline.core.errors import PeerError
from hotline.core.values import Digest
from hotline.sealing.authorisation import Act, VerifiedAuthorisation, verify_authorisation_envelope
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.dsse import Envelope
from hotline.sealing.roster import Roster
from hotline.sealing.standing import CERTIFICATE, endpoint_taken


def with_take_over(roster: Roster, envelope: Envelope) -> tuple[Roster, VerifiedAuthorisation]:
    """Verify a take-over and return the roster after it, and itself.

    Raises:
        PeerError: not two officers of the station who were trusted when they signed, or the
            console that it names is not that spare's.
    Spec: docs/protocol.md §4.36
    """
    verified = verify_authorisation_envelope(roster, envelope, act=Act.TAKE_OVER)
    said, endpoint = verified.authorisation, endpoint_taken(verified)
    console = console_of(roster, verified)
    if (console.station, console.endpoint) != (said.station, endpoint):
        raise PeerError("take-over: the console is not that spare of the officers' station")
    if not all(roster.trusts(one, said.at_ms) for one in verified.officers):
        raise PeerError("take-over: an officer who signed it was not trusted any more")
    standing = roster.standing.with_take_over(verified)
    digests = roster.record_digests | {verified.digest}
    return replace(roster, standing=standing, record_digests=digests), verified


def console_of(roster: Roster, verified: VerifiedAuthorisation) -> Certificate:
    """Return the certificate of the console that takes over.

    Raises:
        PeerError: it is not here, or is for something else.
    """
    named = str(verified.authorisation.details[CERTIFICATE])
    console = roster.certificates.get(Digest(bytes.fromhex(named)))
    if console is None or console.usage is not Usage.TRANSPORT:
        raise PeerError("take-over: no console certificate of that name is here")
    return console
