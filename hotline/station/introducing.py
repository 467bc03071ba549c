"""What a station tells the other of its keys: roots, certificates, revocations come first.

Spec: docs/protocol.md §4.22 to §4.25, docs/ledger.md §20.11
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hotline.core.errors import PeerError
from hotline.core.exchange.commands import AdmitRecord, Quarantine, TrustEvent
from hotline.core.records import events as ev
from hotline.core.records.events import MAX_REASON_CHARACTERS
from hotline.core.values import Digest
from hotline.ledger.public import record_digest
from hotline.sealing.authorisation import AUTHORISATION_TYPE, Act, act_of
from hotline.sealing.certificate import FIRST_ENDPOINT, Certificate, Usage
from hotline.sealing.dsse import Envelope, decode_envelope
from hotline.sealing.enrol import CLOCK_MARGIN_MS
from hotline.sealing.fingerprint import root_words
from hotline.sealing.items import MAX_ITEM_BYTES, CertificateItem, RevocationItem, RootItem
from hotline.sealing.revocation import REVOCATION_TYPE, Effect, VerifiedRevocation
from hotline.sealing.root import read_root
from hotline.sealing.roster import MAX_RECORDS, Roster
from hotline.sealing.standing import Withdrawal, endpoint_taken, subject_of
from hotline.sealing.take_over import console_of, with_take_over
from hotline.station.admission import MAX_GENERATIONS
from hotline.station.line import Line

MAX_CERTIFICATES = 256
"""Certificates of one peer for one usage that are admitted by the line."""

MAX_LEDGER_KEYS = 64
"""Ledger keys of one peer that are admitted: five years of quarterly ones, and room."""

OUR_RECORDS = 1_024
"""Of a line's public records so many stay free for this station's own."""

Offered = CertificateItem | RevocationItem | RootItem
"""An item that carries a public record; a packet brings one at most."""


def admit_offered(line: Line, peer: str, item: Offered) -> AdmitRecord | Quarantine | None:
    """Judge a record that a peer sent, and let it count at once; None when it is known.

    Call it only while it is decided what to record: the next record is then judged
    beside this one, and what rests on it stands behind it in the queue.

    Returns:
        What to record: that it counts, or why it does not.
    Spec: docs/ledger.md §20.11
    """
    try:
        match item:
            case CertificateItem():
                return _admit_certificate(line, peer, item.envelope)
            case RevocationItem():
                return admit_withdrawal(line, item.envelope)
            case RootItem():
                return _admit_root(line, peer, item.envelope)
    except PeerError as error:
        return Quarantine(peer, "", str(error)[:MAX_REASON_CHARACTERS], None)


def _grow(line: Line, roster: Roster, station: str) -> None:
    """Go on with a roster that has one more record of `station`.

    A line of more records than one may have is not opened any more: no peer, and not
    all of them together, may bring it there.

    Raises:
        PeerError: it is one too many of that station.
    Spec: docs/protocol.md §4.22
    """
    share = (MAX_RECORDS - OUR_RECORDS) // len(line.peers) - MAX_GENERATIONS
    if station != line.station and _count(roster, station) > share:
        raise PeerError(f"a line of so many stations takes {share} public records of each")
    line.admit(roster)


def _count(roster: Roster, station: str) -> int:
    """Return how many records of a station's keys a roster rests on."""
    standing = roster.standing
    unnumbered = [
        *(one.revocation.station for one in standing.prepared.values()),
        *(one.authorisation.station for one in standing.suspensions.values()),
    ]
    return (
        len(roster.lineages[station].roots)
        + len(standing.chains.get(station, ()))
        + unnumbered.count(station)
        + sum(one.station == station for one in roster.certificates.values())
    )


# --- certificates ------------------------------------------------------------------------


def _admit_certificate(line: Line, peer: str, envelope: bytes) -> AdmitRecord | None:
    """Admit a certificate to the roster.

    Raises:
        PeerError: it does not verify under a member's newest root, is not of the peer, is
            for no key that speaks on a line, does not cover this time, or is one of too many.
    Spec: docs/protocol.md §4.22
    """
    roster, certificate = line.roster.with_certificate(envelope)
    if certificate.id in line.roster.certificates:
        return None
    if certificate.station != peer or certificate.usage is Usage.REVOKE:
        raise PeerError("certificate: only those of the sender's own keys come by the line")
    if not certificate.covers(line.clock()):
        raise PeerError("certificate: it is not valid now")
    ledger = certificate.usage is Usage.LEDGER
    known = line.roster.certified(peer, certificate.usage)
    if len(known) >= (MAX_LEDGER_KEYS if ledger else MAX_CERTIFICATES):
        raise PeerError(f"certificate: this station has had too many {certificate.usage} keys")
    _grow(line, roster, peer)
    same = [one for one in known if one.endpoint == certificate.endpoint]
    before = same[-1].id.hex() if same else ""
    return AdmitRecord(certificate.id.hex(), envelope, certified(certificate, before))


def certified(certificate: Certificate, before: str) -> ev.LedgerKeyChanged | ev.KeyCertified:
    """Return the event that says of a new certificate whose key it is.

    A spare's ledger key changes no ledger before the spare takes over.

    Args:
        before: Id in hex of the certificate of the ledger key before it.
    """
    if certificate.usage is Usage.LEDGER and certificate.endpoint == FIRST_ENDPOINT:
        return ev.LedgerKeyChanged(
            station=certificate.station, certificate=certificate.id.hex(), before=before
        )
    return ev.KeyCertified.model_validate(
        {
            "station": certificate.station,
            "certificate": certificate.id.hex(),
            "usage": certificate.usage.value,
            "name": certificate.shown,
            "root": certificate.root.hex(),
        }
    )


# --- revocations and suspensions -----------------------------------------------------------


def admit_withdrawal(line: Line, envelope: bytes) -> AdmitRecord | None:
    """Admit a revocation, a suspension or a take-over to the roster; None when it is known.

    Raises:
        PeerError: it does not verify, or does not continue its chain.
    Spec: docs/protocol.md §4.21, §4.23, §4.36
    """
    decoded = decode_envelope(
        envelope,
        expect=(REVOCATION_TYPE, AUTHORISATION_TYPE),
        what="revocation",
        max_bytes=MAX_ITEM_BYTES,
    )
    if decoded.payload_type == REVOCATION_TYPE:
        admit: Callable[[Line, Envelope], TrustEvent | None] = _admit_revocation
    else:
        admit = _admit_take_over if act_of(decoded) is Act.TAKE_OVER else _admit_suspension
    admitted = admit(line, decoded)
    if admitted is None:
        return None
    return AdmitRecord(decoded.digest.hex(), envelope, admitted)


def _admit_revocation(
    line: Line, envelope: Envelope
) -> ev.TrustWithdrawn | ev.SuspensionLifted | None:
    before = line.roster
    roster, verified = before.with_revocation(envelope)
    if verified.digest in before.record_digests:
        return None
    _grow(line, roster, verified.revocation.station)
    if verified.revocation.effect is Effect.LIFT:
        return _lifted(roster, verified)
    return _withdrawn(roster, _of_revocation(verified))


def _admit_suspension(line: Line, envelope: Envelope) -> ev.TrustWithdrawn | None:
    before = line.roster
    roster, verified = before.with_suspension(envelope)
    if verified.digest in before.record_digests:
        return None
    said = verified.authorisation
    _grow(line, roster, said.station)
    withdrawal = Withdrawal(
        "suspended",
        said.station,
        subject_of(verified),
        said.at_ms,
        said.at_ms,
        said.reason,
        verified.digest,
    )
    return _withdrawn(roster, withdrawal)


def _admit_take_over(line: Line, envelope: Envelope) -> ev.EndpointTaken | None:
    """Admit the take-over of a spare, of either station: its number only rises.

    Raises:
        PeerError: it does not verify, an officer who signed is not trusted any more, or a
            console with that number or a higher one took over before.
    Spec: docs/protocol.md §4.36
    """
    before = line.roster
    if envelope.digest in before.record_digests:
        return None
    roster, verified = with_take_over(before, envelope)
    said, endpoint = verified.authorisation, endpoint_taken(verified)
    if endpoint <= before.standing.endpoint_of(said.station):
        raise PeerError("take-over: that console of the station was left behind")
    if any(before.is_withdrawn(one, line.clock()) for one in verified.officers):
        raise PeerError("take-over: an officer who signed it is not trusted any more")
    line.admit(roster)
    return ev.EndpointTaken(
        station=said.station,
        endpoint=endpoint,
        certificate=console_of(roster, verified).id.hex(),
        record=verified.digest.hex(),
        officers=verified.names,
        reason=said.reason,
    )


def _of_revocation(verified: VerifiedRevocation) -> Withdrawal:
    said = verified.revocation
    return Withdrawal(
        "revoked",
        said.station,
        said.subject,
        said.since_ms,
        said.at_ms,
        said.reason,
        verified.digest,
    )


def _withdrawn(roster: Roster, withdrawal: Withdrawal) -> ev.TrustWithdrawn:
    certificate = roster.certificates.get(withdrawal.certificate)
    return ev.TrustWithdrawn(
        station=withdrawal.station,
        certificate=withdrawal.certificate.hex(),
        how=withdrawal.how,
        record=withdrawal.record.hex(),
        name=certificate.shown if certificate else "",
        since_ms=withdrawal.since_ms,
        reason=withdrawal.reason,
    )


def _lifted(roster: Roster, verified: VerifiedRevocation) -> ev.SuspensionLifted:
    said = verified.revocation
    suspension = roster.standing.suspensions.get(said.subject)
    return ev.SuspensionLifted(
        station=said.station,
        certificate=subject_of(suspension).hex() if suspension else "",
        suspension=said.subject.hex(),
        record=verified.digest.hex(),
        reason=said.reason,
    )


# --- roots -------------------------------------------------------------------------------


def _admit_root(line: Line, peer: str, envelope: bytes) -> AdmitRecord | None:
    """Admit the committed successor of the peer's root; its officers' words wait for ours.

    Raises:
        PeerError: it is not the peer's, or not the committed successor, signed by both.
    Spec: docs/protocol.md §4.24, §4.25
    """
    before = line.roster
    roster, root = before.with_successor(read_root(envelope))
    if root.station != peer:
        raise PeerError("successor root: it is not that of the station that sent it")
    if root.digest in before.record_digests:
        return None
    _grow(line, roster, peer)
    return AdmitRecord(root.digest.hex(), envelope, root_changed(before, roster, root.station))


def root_changed(before: Roster, after: Roster, station: str) -> ev.RootChanged:
    """Return the event that says of a station's new root which one it is."""
    root = after.lineages[station].newest
    return ev.RootChanged(
        station=station,
        root=root.digest.hex(),
        before=before.lineages[station].newest.digest.hex(),
        words=root_words(root.digest),
    )


# --- what we show ------------------------------------------------------------------------


def introductions(line: Line, records: Sequence[bytes]) -> list[Offered]:
    """Return what the peer must know of this station before anything else reaches it.

    Args:
        records: Public records of our ledger.
    Spec: docs/protocol.md §4.22, docs/ledger.md §20.11
    """
    roster, station = line.roster, line.station
    roots = [root.digest for root in roster.lineages[station].later]
    shown = [one.id for one in _later(roster, station, line.clock())]
    withdrawn = [*_unnumbered(line), *_numbered(roster, station, 0)]
    if not (roots or shown or withdrawn):
        return []
    held = {record_digest(record): record for record in records}
    found: list[Offered] = [RootItem(envelope=held[one]) for one in roots if one in held]
    found += [CertificateItem(envelope=held[one]) for one in shown if one in held]
    return [*found, *(RevocationItem(envelope=held[one]) for one in withdrawn if one in held)]


def _later(roster: Roster, station: str, now_ms: int) -> Iterator[Certificate]:
    """Yield the certificates of a station that enrolment did not make known and that count.

    Earlier ledger keys are shown, too: heads and orders under them are still to be verified.
    """
    yield from roster.certified(station, Usage.LEDGER)[1:]
    enrolled_ms = roster.charter.created_ms - CLOCK_MARGIN_MS
    for usage in (Usage.TRANSPORT, Usage.STATEMENT):
        for one in roster.certified(station, usage):
            if one.not_before_ms > enrolled_ms and one.covers(now_ms):
                yield one


def _unnumbered(line: Line) -> Iterator[Digest]:
    """Yield suspensions of our own certificates, every prepared revocation and take-over.

    One of the peer's may have been used here: its own station hears of it so.
    """
    standing = line.roster.standing
    for digest, suspension in standing.suspensions.items():
        certificate = line.roster.certificates.get(subject_of(suspension))
        ours = suspension.authorisation.station == line.station
        if ours and certificate is not None and certificate.covers(line.clock()):
            yield digest
    yield from standing.prepared
    yield from (one.digest for one in standing.take_overs.values())


def revocations_after(
    line: Line, records: Sequence[bytes], station: str, counter: int
) -> list[RevocationItem]:
    """Return the numbered revocations of a station after number `counter`, in their order.

    Args:
        records: Public records of our ledger.
    """
    held = {record_digest(record): record for record in records}
    wanted = _numbered(line.roster, station, counter)
    return [RevocationItem(envelope=held[one]) for one in wanted if one in held]


def _numbered(roster: Roster, station: str, counter: int) -> list[Digest]:
    return [one.digest for one in roster.standing.chains.get(station, ())[counter:]]
