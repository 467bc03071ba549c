"""The roster: everybody who may speak on a line, worked out from public records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from hotline.core.errors import IntegrityError, PeerError
from hotline.core.seams import LedgerIdentity
from hotline.core.values import Digest, Realm
from hotline.sealing.authorisation import (
    AUTHORISATION_TYPE,
    Act,
    VerifiedAuthorisation,
    verify_authorisation_envelope,
)
from hotline.sealing.certificate import CERTIFICATE_TYPE, Certificate, Usage, read_certificate
from hotline.sealing.charter import (
    CHARTER_TYPE,
    MAX_CHARTER_ENVELOPE_BYTES,
    Charter,
    verify_charter,
)
from hotline.sealing.dsse import Envelope, decode_envelope
from hotline.sealing.fingerprint import root_words
from hotline.sealing.lineage import Lineage, read_lineages, succeeds
from hotline.sealing.naming import outside_keys
from hotline.sealing.provenance import certify, check_keys, check_subject, find_revocation
from hotline.sealing.revocation import PREPARED, REVOCATION_TYPE, VerifiedRevocation
from hotline.sealing.root import ROOT_TYPE, Root
from hotline.sealing.standing import COUNTED, Standing, read_standing, subject_of

MAX_RECORDS = 4096
JOURNAL_NAME = "station journal"
"""The line name of the ledger that a station keeps of itself."""

RECORD_TYPES = (
    ROOT_TYPE,
    CERTIFICATE_TYPE,
    CHARTER_TYPE,
    AUTHORISATION_TYPE,
    REVOCATION_TYPE,
)


@dataclass(frozen=True, slots=True)
class Roster:
    """Charter, roots, certificates and revocations of one line, verified against one another.

    Key objects are parsed once and kept here.

    Attributes:
        lineages: Roots of each member, by station.
        certificates: Every accepted certificate, by id.
        record_digests: Digest of every record that was accepted.
        standing: What is revoked and suspended.
    """

    charter: Charter
    lineages: Mapping[str, Lineage]
    certificates: Mapping[Digest, Certificate]
    record_digests: frozenset[Digest]
    standing: Standing

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
    def roots(self) -> dict[str, Root]:
        """The root of each member that officers compared first, by station."""
        return {station: lineage.first for station, lineage in self.lineages.items()}

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
            PeerError: malformed, not by the newest root of a member, does not verify, or
                certifies a key that already serves somebody or something else.
        """
        envelope = read_certificate(encoded)
        known = envelope.digest in self.certificates
        lineages = self.lineages.values()
        # What an older root certifies from now on, its thief may have certified.
        roots = [root for one in lineages for root in (one.roots if known else [one.newest])]
        certificate = certify(envelope, roots)
        certificates = {**self.certificates, certificate.id: certificate}
        check_keys(self.lineages, certificates)
        digests = self.record_digests | {certificate.id}
        frozen = MappingProxyType(certificates)
        return replace(self, certificates=frozen, record_digests=digests), certificate

    def with_revocation(self, envelope: Envelope) -> tuple[Roster, VerifiedRevocation]:
        """Verify one more revocation and return the roster that has it, and itself.

        Raises:
            PeerError: malformed, not by a root of the station whose certificate it ends,
                does not verify, or is not the next of its chain.
        Spec: docs/protocol.md §4.21
        """
        verified = find_revocation(envelope, self.lineages)
        check_subject(verified, self.certificates)
        self._check_newest(verified)
        standing = self.standing.with_revocation(verified)
        digests = self.record_digests | {verified.digest}
        return replace(self, standing=standing, record_digests=digests), verified

    def _check_newest(self, one: VerifiedRevocation) -> None:
        """Refuse a numbered revocation that is new and by an older root: it may be stolen."""
        numbered = one.revocation.counter != PREPARED
        older = one.root != self.lineages[one.revocation.station].newest.digest
        if numbered and older and one.digest not in self.record_digests:
            raise PeerError("revocation: it is by a root that another one has followed")

    def with_suspension(self, envelope: Envelope) -> tuple[Roster, VerifiedAuthorisation]:
        """Verify one more suspension and return the roster that has it, and itself.

        Raises:
            PeerError: as `verify_authorisation`; it is of a certificate of another station or
                of none that is here; or an officer who signed was not trusted any more.
        Spec: docs/protocol.md §4.23
        """
        verified = verify_authorisation_envelope(self, envelope, act=Act.SUSPEND)
        said = verified.authorisation
        subject = self.certificates.get(subject_of(verified))
        if subject is None or subject.station != said.station:
            raise PeerError("suspension: it is of no certificate of the officers' station")
        if not all(self.trusts(one, said.at_ms) for one in verified.officers):
            raise PeerError("suspension: an officer who signed it was not trusted any more")
        standing = self.standing.with_suspension(verified)
        digests = self.record_digests | {verified.digest}
        return replace(self, standing=standing, record_digests=digests), verified

    def with_successor(self, envelope: Envelope) -> tuple[Roster, Root]:
        """Verify the root record that follows a member's newest one; return the roster and it.

        Raises:
            PeerError: it is not the committed successor of a member's root, signed by both.
        Spec: docs/protocol.md §4.24
        """
        signers = {entry.signer for entry in envelope.signatures} - {envelope.digest}
        for station, lineage in self.lineages.items():
            if any(root.digest in signers for root in lineage.roots):
                grown = lineage.with_successor(envelope)
                lineages = MappingProxyType({**self.lineages, station: grown})
                check_keys(lineages, self.certificates)
                digests = self.record_digests | {envelope.digest}
                roster = replace(self, lineages=lineages, record_digests=digests)
                return roster, grown.find(envelope.digest) or grown.newest
        raise PeerError("successor root: it follows no root of a member of the charter")

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Return whether a certificate is good for what arrives at `at_ms`.

        Spec: docs/protocol.md §4.23
        """
        return self.standing.trusts(certificate, at_ms)

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
        return tuple(one.key.ed25519 for one in certificates if self.trusts(one, at_ms))

    def unrevoked(self, station: str, usage: Usage, at_ms: int) -> tuple[Certificate, ...]:
        """Return the certificates that nothing withdraws at `at_ms`, expired ones too.

        Spec: docs/protocol.md §4.23
        """
        found = self.certified(station, usage)
        return tuple(one for one in found if not self.is_withdrawn(one, at_ms))

    def is_withdrawn(self, certificate: Certificate, at_ms: int) -> bool:
        """Return whether a certificate is revoked or suspended for what arrives at `at_ms`."""
        found = self.standing.withdrawal(certificate)
        return found is not None and found.covers(at_ms)


def _names(certificates: Mapping[Digest, Certificate]) -> dict[str, str]:
    return {one.id.hex(): one.shown for one in certificates.values()}


def _read(records: Sequence[bytes]) -> Roster:
    envelopes = _decode(records)
    by_type: dict[str, list[Envelope]] = {kind: [] for kind in RECORD_TYPES}
    for envelope in envelopes:
        by_type[envelope.payload_type].append(envelope)
    found = read_lineages(by_type[ROOT_TYPE])
    if len({envelope.digest for envelope in by_type[CHARTER_TYPE]}) != 1:
        raise PeerError("exactly one charter must be among them")
    # Two envelopes of one charter differ in their signatures only: check both.
    of_root = {root.digest: one for one in found.values() for root in one.roots}
    known = {root.digest: root for one in found.values() for root in one.roots}
    charters = [verify_charter(envelope, known) for envelope in by_type[CHARTER_TYPE]]
    charter = charters[0]
    lineages = {one.station: of_root[one.root].naming(one.root) for one in charter.members}
    if len(lineages) != len(found):
        raise PeerError("a root record is of no member of the charter")
    roots = [root for lineage in lineages.values() for root in lineage.roots]
    issued = [certify(envelope, roots) for envelope in by_type[CERTIFICATE_TYPE]]
    certificates = {certificate.id: certificate for certificate in issued}
    check_keys(lineages, certificates)
    digests = frozenset(envelope.digest for envelope in envelopes)
    frozen = MappingProxyType(certificates)
    roster = Roster(charter, MappingProxyType(lineages), frozen, digests, Standing())
    return replace(roster, standing=_standing(roster, by_type))


def _standing(roster: Roster, by_type: Mapping[str, Sequence[Envelope]]) -> Standing:
    """Verify revocations and authorisations; those that suspend or take over count here.

    What officers signed before they were revoked themselves stays as it was taken.
    """
    revocations = [find_revocation(one, roster.lineages) for one in by_type[REVOCATION_TYPE]]
    authorised = [verify_authorisation_envelope(roster, one) for one in by_type[AUTHORISATION_TYPE]]
    counted = [one for one in authorised if one.authorisation.act in COUNTED]
    return read_standing(revocations, counted)


def _decode(records: Sequence[bytes]) -> list[Envelope]:
    if len(records) > MAX_RECORDS:
        raise PeerError(f"there are more than {MAX_RECORDS} records")
    bound = MAX_CHARTER_ENVELOPE_BYTES
    return [
        decode_envelope(record, expect=RECORD_TYPES, what="record", max_bytes=bound)
        for record in records
    ]


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
        root: The first one, whose words officers compare.
        newest: The one that signs now: of its successors the last.
        certificates: By id.
        record_digests: Of the root record and every certificate.
    """

    root: Root
    newest: Root
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
    if any(one.payload_type not in (ROOT_TYPE, CERTIFICATE_TYPE) for one in envelopes):
        return None
    found = [envelope for envelope in envelopes if envelope.payload_type == ROOT_TYPE]
    others = [envelope for envelope in envelopes if envelope.payload_type != ROOT_TYPE]
    if len({one.digest for one in found if not succeeds(one)}) != 1:
        return None
    (lineage,) = read_lineages(found).values()
    issued = [certify(envelope, lineage.roots) for envelope in others]
    certificates = {certificate.id: certificate for certificate in issued}
    check_keys({lineage.first.station: lineage}, certificates)
    digests = frozenset(envelope.digest for envelope in envelopes)
    return StationRecords(lineage.first, lineage.newest, certificates, digests)


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
