"""Signing statements, and the only way to a verified one (docs/protocol.md §4.12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from enum import StrEnum

from hotline.core.errors import InvariantError, OperatorError, PeerError
from hotline.core.messages.statement import STATEMENT_TYPE, Statement, decode_statement
from hotline.core.values import Digest
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.hybrid import HybridSigner
from hotline.sealing.roster import Roster

MAX_STATEMENT_ENVELOPE_BYTES = 53_248
"""With its order and the rest of a packet it still fits one cell."""

_WHAT = "statement"
_VERIFIED_HERE = object()


class UnknownSignerError(PeerError):
    """The statement is signed by a certificate that no record here holds.

    Told apart so that a station can ask for the certificate and verify again.
    """


class Verdict(StrEnum):
    """What a station may say of a statement whose signatures all verify.

    UNVERIFIED: a signer's certificate does not cover the time of arrival, or is
    revoked or suspended then, so nobody can say that the signature was made while the
    key was good.
    """

    VERIFIED = "VERIFIED"
    UNVERIFIED = "UNVERIFIED"


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement whose signatures were checked; only `verify_statement` makes one.

    Attributes:
        payload: The verbatim bytes that were signed.
        digest: The statement's identity.
        signers: Certificates of all who signed, in the envelope's order.
    """

    statement: Statement
    payload: bytes
    digest: Digest
    signers: tuple[Certificate, ...]
    verdict: Verdict
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIED_HERE:
            raise InvariantError("a verified statement comes from verify_statement only")


@dataclass(frozen=True, slots=True)
class PartlySigned:
    """A statement whose signatures so far are good and too few; only for a release.

    Attributes:
        signers: Certificates of who signed so far, at least one.
        need: How many persons must sign.
    """

    statement: Statement
    payload: bytes
    digest: Digest
    signers: tuple[Certificate, ...]
    need: int


def sign_statement(payload: bytes, signer: HybridSigner, cert_id: Digest) -> bytes:
    """Sign the exact bytes that the officer was shown; return the envelope.

    Args:
        payload: As `encode_statement` wrote it.
        signer: The officer's unlocked key.
        cert_id: Id of the officer's certificate; the statement must name it in `by`.
    Raises:
        OperatorError: the statement does not expect this officer's signature.
        PeerError: `payload` is not a statement.
    Spec: docs/protocol.md §4.12
    """
    return _signed(Envelope(STATEMENT_TYPE, payload), signer, cert_id)


def add_signature(encoded: bytes, signer: HybridSigner, cert_id: Digest) -> bytes:
    """Add a second officer's signature over the same bytes; return the envelope.

    Raises:
        OperatorError: this officer has signed already or is not expected to,
            or the statement with all signatures is too long for one cell.
        PeerError: `encoded` is not an envelope of a statement.
    Spec: docs/protocol.md §4.12
    """
    return _signed(_decode(encoded), signer, cert_id)


def _signed(envelope: Envelope, signer: HybridSigner, cert_id: Digest) -> bytes:
    if cert_id.hex() not in decode_statement(envelope.payload).by:
        raise OperatorError(
            "the statement does not name you among its signers",
            hint="name every signer before the first one signs",
        )
    if any(entry.signer == cert_id for entry in envelope.signatures):
        raise OperatorError("you have signed this statement already", hint="another must sign it")
    encoded = encode_envelope(envelope.with_hybrid(cert_id, signer.sign(envelope.message)))
    if len(encoded) > MAX_STATEMENT_ENVELOPE_BYTES:
        raise OperatorError("the statement with its signatures is too long", hint="shorten it")
    return encoded


def _decode(encoded: bytes) -> Envelope:
    return decode_envelope(
        encoded, expect=(STATEMENT_TYPE,), what=_WHAT, max_bytes=MAX_STATEMENT_ENVELOPE_BYTES
    )


def verify_statement(roster: Roster, envelope: bytes, *, at_ms: int) -> VerifiedStatement:
    """Check all that makes a statement a statement of this line.

    Args:
        roster: The line's roster.
        envelope: Canonical DSSE envelope from outside.
        at_ms: When it arrived here; in replay, when it was recorded.
    Raises:
        UnknownSignerError: a signer's certificate is not in the roster.
        PeerError: altered, spelled otherwise, one half of a signature, wrong usage, realm, line or
            station, a person twice, too few persons, an unexpected signer.
    Spec: docs/protocol.md §1.2, §3.2, §4.12, §4.23
    """
    parsed, statement, signers, _ = _verify(roster, envelope, whole=True)
    good = all(roster.trusts(signer, at_ms) for signer in signers)
    verdict = Verdict.VERIFIED if good else Verdict.UNVERIFIED
    return VerifiedStatement(
        statement, parsed.payload, parsed.digest, signers, verdict, _VERIFIED_HERE
    )


def verify_partly_signed(roster: Roster, envelope: bytes) -> PartlySigned:
    """Check a statement that waits for another officer: everything but how many signed.

    Raises:
        UnknownSignerError, PeerError: as `verify_statement`, or enough persons have signed.
    Spec: docs/protocol.md §4.16
    """
    parsed, statement, signers, least = _verify(roster, envelope, whole=False)
    if len(signers) >= least:
        raise PeerError("statement: everybody who must sign it has signed it")
    return PartlySigned(statement, parsed.payload, parsed.digest, signers, least)


def _verify(
    roster: Roster, envelope: bytes, *, whole: bool
) -> tuple[Envelope, Statement, tuple[Certificate, ...], int]:
    """Check all but when it was signed; with `whole` that enough persons signed, too.

    Returns:
        The envelope, what it says, its signers in its order, and how many must sign.
    """
    parsed = _decode(envelope)
    statement = decode_statement(parsed.payload)
    _check_line(roster, statement)
    signatures = hybrid_signatures(parsed, what=_WHAT)
    signers = tuple(_signer(roster, statement, cert_id) for cert_id in signatures)
    _check_persons(signers)
    least = roster.charter.least_signers(statement.template.id, statement.need)
    if whole and len(signers) < least:
        raise PeerError(f"statement: {len(signers)} of {least} persons needed have signed")
    message = parsed.message
    for signer in signers:
        if not signer.key.verify(message, signatures[signer.id]):
            raise PeerError("statement: a signature does not verify")
    return parsed, statement, signers, least


def _check_line(roster: Roster, statement: Statement) -> None:
    if statement.realm != roster.realm:
        raise PeerError(f"statement: its realm is {statement.realm}, the line's {roster.realm}")
    if statement.line != roster.line.hex():
        raise PeerError("statement: it belongs to another line")
    if not {statement.sender, *statement.to, *statement.info} <= set(roster.members):
        raise PeerError("statement: it is from or to a station outside the charter")


def _signer(roster: Roster, statement: Statement, cert_id: Digest) -> Certificate:
    if cert_id.hex() not in statement.by:
        raise PeerError("statement: it is signed by somebody whom it does not name")
    certificate = roster.certificates.get(cert_id)
    if certificate is None:
        raise UnknownSignerError("statement: a signer's certificate is not in the charter's circle")
    if certificate.usage != Usage.STATEMENT:
        raise PeerError(f"statement: a {certificate.usage} key may not sign statements")
    if certificate.station != statement.sender:
        raise PeerError("statement: a signer belongs to another station than the sender")
    return certificate


def _check_persons(signers: Sequence[Certificate]) -> None:
    """Refuse one person, or one key, behind two certificates."""
    persons = {signer.person.casefold() for signer in signers}
    halves = {half for one in signers for half in (one.key.ed25519, one.key.mldsa65)}
    if len(persons) != len(signers) or len(halves) != 2 * len(signers):
        raise PeerError("statement: the same person signed twice")
