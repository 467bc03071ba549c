"""The roster: everybody who may speak on a line, worked out from public records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hotline.core.errors import IntegrityError, PeerError
from hotline.core.seams import LedgerIdentity
from hotline.core.values import Digest, Realm
from hotline.sealing.authorisation import AUTHORISATION_TYPE, verify_authorisation_envelope
from hotline.sealing.certificate import (
    CERTIFICATE_TYPE,
    Certificate,
    Usage,
    issuer_of,
    read_certificate,
    verify_certificate,
)
from hotline.sealing.charter import (
    CHARTER_TYPE,
    MAX_CHARTER_ENVELOPE_BYTES,
    Charter,
    verify_charter,
)
from hotline.sealing.dsse import Envelope, decode_envelope
from hotline.sealing.fingerprint import root_words
from hotline.sealing.naming import outside_keys
from hotline.sealing.root import ROOT_TYPE, Root, root_from_envelope

MAX_RECORDS = 4096
JOURNAL_NAME = "station journal"
"""The line name of the ledger that a station keeps of itself."""

_RECORD_TYPES = (ROOT_TYPE, CERTIFICATE_TYPE, CHARTER_TYPE, AUTHORISATION_TYPE)


@dataclass(frozen=True, slots=True)
class Roster:
    """Charter, roots and certificates of one line, verified against one another.

    Key objects are parsed once and kept here.

    Attributes:
        roots: Root of each member, by station.
        certificates: Every accepted certificate, by id.
        record_digests: Digest of every record that was accepted.
    """

    charter: Charter
    roots: Mapping[str, Root]
    certificates: Mapping[Digest, Certificate]
    record_digests: frozenset[Digest]

    @property
    def realm(self) -> Realm:
        """The line's realm."""
        return self.charter.realm

    @property
    def line(self) -> Digest:
        """The line's id."""
        return self.charter.line

    @property
    def name(self) -> str:
        """The line's name in its charter."""
        return self.charter.name

    @property
    def members(self) -> tuple[str, ...]:
        """Station names, in the charter's order."""
        return self.charter.stations

    @property
    def names(self) -> dict[str, str]:
        """Certificate id (hex) to role, rank and name, as they are shown to people."""
        return _names(self.certificates)

    @classmethod
    def read(cls, records: Sequence[bytes]) -> Roster:
        """Verify public records (canonical DSSE envelopes, any order) against one another.

        Raises:
            IntegrityError: a record is unknown or does not verify, the charter
                is missing or not alone, or a member's root is missing.
        Spec: docs/protocol.md §4.11
        """
        try:
            return _read(records)
        except PeerError as error:
            raise IntegrityError(f"the public records do not verify: {error}") from error

    def with_certificate(self, encoded: bytes) -> tuple[Roster, Certificate]:
        """Verify one more certificate and return the roster that has it, and itself.

        Raises:
            PeerError: malformed, not by a member's root, does not verify, or
                certifies a key that already serves somebody or something else.
        """
        certificate = _certify(read_certificate(encoded), self.roots)
        certificates = {**self.certificates, certificate.id: certificate}
        _check_keys(self.roots, certificates)
        digests = self.record_digests | {certificate.id}
        frozen = MappingProxyType(certificates)
        return Roster(self.charter, self.roots, frozen, digests), certificate

    def certified(self, station: str, usage: Usage) -> tuple[Certificate, ...]:
        """Return the certificates of `station` for `usage`, expired ones too, newest last."""
        found = [
            certificate
            for certificate in self.certificates.values()
            if certificate.station == station and certificate.usage == usage
        ]
        return tuple(sorted(found, key=lambda one: (one.not_before_ms, one.id)))

    def ledger_keys(self, station: str) -> tuple[bytes, ...]:
        """Return the Ed25519 keys that may sign heads of the ledger of `station`."""
        return tuple(one.key.ed25519 for one in self.certified(station, Usage.LEDGER))

    def lasting_keys(self, station: str) -> tuple[bytes, ...]:
        """Return the ML-DSA-65 keys that may sign heads of `station` for long."""
        return tuple(one.key.mldsa65 for one in self.certified(station, Usage.LEDGER))

    def console_keys(self, station: str, at_ms: int) -> tuple[bytes, ...]:
        """Return the Ed25519 keys that may sign packets of `station` at `at_ms`."""
        certificates = self.certified(station, Usage.TRANSPORT)
        return tuple(one.key.ed25519 for one in certificates if one.covers(at_ms))


def _names(certificates: Mapping[Digest, Certificate]) -> dict[str, str]:
    return {one.id.hex(): one.shown for one in certificates.values()}


def _read(records: Sequence[bytes]) -> Roster:
    envelopes = _decode(records)
    by_type: dict[str, list[Envelope]] = {kind: [] for kind in _RECORD_TYPES}
    for envelope in envelopes:
        by_type[envelope.payload_type].append(envelope)
    roots = {root.digest: root for root in map(root_from_envelope, by_type[ROOT_TYPE])}
    if len({envelope.digest for envelope in by_type[CHARTER_TYPE]}) != 1:
        raise PeerError("exactly one charter must be among them")
    # Two envelopes of one charter differ in their signatures only: check both.
    charters = [verify_charter(envelope, roots) for envelope in by_type[CHARTER_TYPE]]
    charter = charters[0]
    members = {member.station: roots[member.root] for member in charter.members}
    if len(members) != len(roots):
        raise PeerError("a root record is of no member of the charter")
    issued = [_certify(envelope, members) for envelope in by_type[CERTIFICATE_TYPE]]
    certificates = {certificate.id: certificate for certificate in issued}
    _check_keys(members, certificates)
    digests = frozenset(envelope.digest for envelope in envelopes)
    roster = Roster(charter, MappingProxyType(members), MappingProxyType(certificates), digests)
    for envelope in by_type[AUTHORISATION_TYPE]:
        verify_authorisation_envelope(roster, envelope)
    return roster


def _decode(records: Sequence[bytes]) -> list[Envelope]:
    if len(records) > MAX_RECORDS:
        raise PeerError(f"there are more than {MAX_RECORDS} records")
    bound = MAX_CHARTER_ENVELOPE_BYTES
    return [
        decode_envelope(record, expect=_RECORD_TYPES, what="record", max_bytes=bound)
        for record in records
    ]


def _certify(envelope: Envelope, roots: Mapping[str, Root]) -> Certificate:
    issuer = issuer_of(envelope)
    for root in roots.values():
        if root.digest == issuer:
            return verify_certificate(envelope, root)
    raise PeerError("certificate: its issuer is not a member of the charter")


def _check_keys(roots: Mapping[str, Root], certificates: Mapping[Digest, Certificate]) -> None:
    """Refuse a key that serves two persons, two usages or a root and something else.

    Spec: docs/protocol.md §4.11
    """
    holder: dict[bytes, tuple[str, ...]] = {}
    holders: list[tuple[tuple[bytes, bytes], tuple[str, ...]]] = [
        ((root.key.ed25519, root.key.mldsa65), (root.station,)) for root in roots.values()
    ]
    holders += [
        ((one.key.ed25519, one.key.mldsa65), (one.station, one.person.casefold(), one.usage))
        for one in certificates.values()
    ]
    for keys, owner in holders:
        if any(holder.setdefault(key, owner) != owner for key in keys):
            raise PeerError("one key serves two persons or two usages")


def identify_ledger(records: Sequence[bytes]) -> LedgerIdentity:
    """Say who may sign heads of a ledger; implements `hotline.core.seams.IdentifyLedger`.

    Records without a charter and with exactly one root are those of that
    station's journal: its line id is the root's digest, its one member the station.

    Raises:
        IntegrityError: as `Roster.read`.
    Spec: docs/protocol.md §4.11, docs/ledger.md §18.4
    """
    journal = _try_journal(records)
    if journal is not None:
        return _journal_identity(journal)
    roster = Roster.read(records)
    return LedgerIdentity(
        realm=roster.realm,
        line=roster.line,
        name=roster.name,
        members=roster.members,
        ledger_keys={station: roster.ledger_keys(station) for station in roster.members},
        lasting_keys={station: roster.lasting_keys(station) for station in roster.members},
        root_words={
            station: root_words(roster.roots[station].digest) for station in roster.members
        },
        record_digests=roster.record_digests,
        outside_keys=_outside_keys(roster, records),
    )


def _outside_keys(
    roster: Roster, records: Sequence[bytes]
) -> Mapping[str, Mapping[str, tuple[bytes, ...]]]:
    try:
        return outside_keys(roster, records)
    except PeerError as error:
        raise IntegrityError(f"the public records do not verify: {error}") from error


@dataclass(frozen=True, slots=True)
class StationRecords:
    """A root and what it certified, verified: no line yet.

    Attributes:
        certificates: By id.
        record_digests: Of the root record and every certificate.
    """

    root: Root
    certificates: Mapping[Digest, Certificate]
    record_digests: frozenset[Digest]

    def certified(self, usage: Usage) -> tuple[Certificate, ...]:
        """Return the certificates for `usage`, expired ones too, newest last."""
        found = [one for one in self.certificates.values() if one.usage == usage]
        return tuple(sorted(found, key=lambda one: (one.not_before_ms, one.id)))


def read_station(records: Sequence[bytes]) -> StationRecords:
    """Verify the records of one station: one root, and nothing but its certificates.

    Raises:
        PeerError: another record, no root or two, or one does not verify.
    Spec: docs/protocol.md §4.11
    """
    found = _read_journal(_decode(records))
    if found is None:
        raise PeerError("the records are not one root and its certificates")
    return found


def names_of(records: Sequence[bytes]) -> dict[str, str]:
    """Return whom the certificates among public records name, as `Roster.names` does.

    Raises:
        IntegrityError: as `Roster.read`.
    """
    journal = _try_journal(records)
    return Roster.read(records).names if journal is None else _names(journal.certificates)


def _try_journal(records: Sequence[bytes]) -> StationRecords | None:
    try:
        return _read_journal(_decode(records))
    except PeerError as error:
        raise IntegrityError(f"the public records do not verify: {error}") from error


def _read_journal(envelopes: Sequence[Envelope]) -> StationRecords | None:
    """Read the records of a station journal, None when they are of something else."""
    found = [envelope for envelope in envelopes if envelope.payload_type == ROOT_TYPE]
    others = [envelope for envelope in envelopes if envelope.payload_type != ROOT_TYPE]
    if len({envelope.digest for envelope in found}) != 1:
        return None
    if any(envelope.payload_type != CERTIFICATE_TYPE for envelope in others):
        return None
    # Two envelopes of one root differ in their signatures only: check both.
    root, *_ = [root_from_envelope(envelope) for envelope in found]
    issued = [_certify(envelope, {root.station: root}) for envelope in others]
    certificates = {certificate.id: certificate for certificate in issued}
    _check_keys({root.station: root}, certificates)
    digests = frozenset(envelope.digest for envelope in envelopes)
    return StationRecords(root, certificates, digests)


def _journal_identity(journal: StationRecords) -> LedgerIdentity:
    root, certificates = journal.root, journal.certificates.values()
    ledger = [one.key for one in certificates if one.usage == Usage.LEDGER]
    return LedgerIdentity(
        realm=root.realm,
        line=root.digest,
        name=JOURNAL_NAME,
        members=(root.station,),
        ledger_keys={root.station: tuple(key.ed25519 for key in ledger)},
        lasting_keys={root.station: tuple(key.mldsa65 for key in ledger)},
        root_words={root.station: root_words(root.digest)},
        record_digests=journal.record_digests,
    )
