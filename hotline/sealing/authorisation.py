"""Authorisations: what a station does to its ledger only when two officers signed for it.

Spec: docs/protocol.md §4.14
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Protocol

from pydantic import Field, PlainValidator

from hotline.core import canonical
from hotline.core.errors import InvariantError, OperatorError, PeerError
from hotline.core.text import check_text
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.hybrid import HybridSigner
from hotline.sealing.shapes import (
    DigestHex,
    GivenReason,
    One,
    StationName,
    Strict,
    Time,
    read_shape,
    shape,
    write_shape,
)

AUTHORISATION_TYPE = "application/vnd.hotline.authorisation.v1+json"
LEAST_PERSONS = 2
MAX_PERSONS = 8
MAX_DETAILS = 16
MAX_DETAIL_CHARACTERS = 200
MAX_AUTHORISATION_BYTES = 8_192
MAX_AUTHORISATION_ENVELOPE_BYTES = 53_248
"""It fits one item of a packet, like a statement."""

_WHAT = "authorisation"
_VERIFIED_HERE = object()
_DETAIL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Act(StrEnum):
    """What two officers may authorise; each use of one names its act."""

    GENERATION = "generation"
    ERASE = "erase"
    RELEASE_HOLD = "release-hold"
    SUSPEND = "suspend"
    WITNESS = "witness"
    DROP_WITNESS = "drop-witness"
    RESOLVE_FORK = "resolve-fork"
    TAKE_OVER = "take-over"


class Circle(Protocol):
    """Whose certificates count: a roster, seen without its charter."""

    @property
    def line(self) -> Digest:
        """Line id, or the root record's digest of a station journal."""

    @property
    def certificates(self) -> Mapping[Digest, Certificate]:
        """Every accepted certificate, by id."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What the officers sign.

    Attributes:
        details: What the act is about: at most MAX_DETAILS keys of a-z, 0-9 and '_' with
            texts of at most MAX_DETAIL_CHARACTERS, or whole numbers from 0.
        at_ms: When, milliseconds UTC; their certificates must be valid then.
    """

    line: Digest
    station: str
    act: Act
    details: Mapping[str, str | int]
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class VerifiedAuthorisation:
    """An authorisation whose signatures were checked; only `verify_authorisation` makes one.

    Attributes:
        digest: Its identity, as events and public records name it.
        officers: Certificates of all who signed, in the envelope's order.
    """

    digest: Digest
    authorisation: Authorisation
    officers: tuple[Certificate, ...]
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIED_HERE:
            raise InvariantError("a verified authorisation comes from verify_authorisation only")

    @property
    def names(self) -> tuple[str, ...]:
        """Role, rank and name of each officer, as events keep them."""
        return tuple(one.shown for one in self.officers)


def _read_details(value: Any) -> dict[str, str | int]:
    """Read the details; a name or text of theirs never stands in the error."""
    if not isinstance(value, dict) or len(value) > MAX_DETAILS:
        raise PeerError(f"authorisation: its details are at most {MAX_DETAILS} named values")
    if not all(_DETAIL_NAME.fullmatch(name) for name in value):
        raise PeerError("authorisation: a detail's name is not of a-z, 0-9 and '_'")
    return {name: _read_detail(one) for name, one in value.items()}


def _read_detail(value: Any) -> str | int:
    match value:
        case bool():
            pass
        case int() if 0 <= value <= canonical.MAX_INTEGER:
            return value
        case str() if len(value) <= MAX_DETAIL_CHARACTERS:
            return check_text(value, what="authorisation: a detail", newlines=False)
    raise PeerError("authorisation: a detail is no short text and no whole number from 0")


class _Body(Strict):
    """The signed payload."""

    v: One
    line: DigestHex
    station: StationName
    act: Annotated[Act, Field(strict=False)]
    details: Annotated[dict[str, str | int], PlainValidator(_read_details)]
    reason: GivenReason
    at: Time


def sign_authorisation(
    authorisation: Authorisation, officers: Sequence[tuple[Certificate, HybridSigner]]
) -> bytes:
    """Sign as every one of `officers`; return the canonical envelope.

    Args:
        officers: Certificate and unlocked key of LEAST_PERSONS to MAX_PERSONS persons.
    Raises:
        OperatorError: not as `verify_authorisation` will ask for it.
    Spec: docs/protocol.md §4.14
    """
    for certificate, signer in officers:
        if certificate.key != signer.public_key:
            raise InvariantError("an officer's key is not the one that is certified")
    try:
        body = _body_of(authorisation)
        _check_officers(authorisation, [certificate for certificate, _ in officers])
    except PeerError as error:
        raise OperatorError(str(error), hint="have two officers of the station sign") from error
    envelope = Envelope(AUTHORISATION_TYPE, write_shape(body))
    message = envelope.message
    for certificate, signer in officers:
        envelope = envelope.with_hybrid(certificate.id, signer.sign(message))
    return encode_envelope(envelope)


def _body_of(authorisation: Authorisation) -> _Body:
    body = {
        "v": 1,
        "line": authorisation.line.hex(),
        "station": authorisation.station,
        "act": authorisation.act.value,
        "details": dict(authorisation.details),
        "reason": authorisation.reason,
        "at": format_time(authorisation.at_ms),
    }
    return shape(_Body, body, what=_WHAT)


def verify_authorisation(
    circle: Circle, encoded: bytes, *, act: Act | None = None
) -> VerifiedAuthorisation:
    """Check all that makes an authorisation one of this line's.

    Args:
        circle: The line's roster.
        encoded: Canonical DSSE envelope from outside.
        act: The act that it must be for; None takes any.
    Raises:
        PeerError: malformed, of another line or act, signed by fewer than two persons, by a
            person twice, by somebody who is no officer of its station or was none at that
            time, or a signature does not verify.
    Spec: docs/protocol.md §4.14
    """
    envelope = decode_envelope(
        encoded,
        expect=(AUTHORISATION_TYPE,),
        what=_WHAT,
        max_bytes=MAX_AUTHORISATION_ENVELOPE_BYTES,
    )
    return verify_authorisation_envelope(circle, envelope, act=act)


def verify_authorisation_envelope(
    circle: Circle, envelope: Envelope, *, act: Act | None = None
) -> VerifiedAuthorisation:
    """Check an envelope that is already decoded, as `verify_authorisation` does."""
    authorisation = _read(envelope.payload)
    if authorisation.line != circle.line:
        raise PeerError("authorisation: it is of another line")
    if act is not None and authorisation.act is not act:
        raise PeerError(f"authorisation: it is for {authorisation.act}, not for {act}")
    signatures = hybrid_signatures(envelope, what=_WHAT)
    officers = tuple(_officer(circle, cert_id) for cert_id in signatures)
    _check_officers(authorisation, officers)
    message = envelope.message
    for officer in officers:
        if not officer.key.verify(message, signatures[officer.id]):
            raise PeerError("authorisation: a signature does not verify")
    return VerifiedAuthorisation(envelope.digest, authorisation, officers, _VERIFIED_HERE)


def act_of(envelope: Envelope) -> Act:
    """Return the act that an authorisation is for; nothing is verified.

    Raises:
        PeerError: malformed.
    """
    return _read(envelope.payload).act


def _read(payload: bytes) -> Authorisation:
    body = read_shape(_Body, payload, what=_WHAT, max_bytes=MAX_AUTHORISATION_BYTES)
    details = MappingProxyType(body.details)
    at_ms = parse_time(body.at)
    return Authorisation(body.line, body.station, body.act, details, body.reason, at_ms)


def _officer(circle: Circle, cert_id: Digest) -> Certificate:
    certificate = circle.certificates.get(cert_id)
    if certificate is None:
        raise PeerError("authorisation: somebody signed whose certificate is not of this line")
    return certificate


def _check_officers(authorisation: Authorisation, officers: Sequence[Certificate]) -> None:
    """Refuse signers who are too few, too many, or not officers of the station at the time."""
    for one in officers:
        if one.usage != Usage.STATEMENT:
            raise PeerError(f"authorisation: a {one.usage} key is no officer's")
        if one.station != authorisation.station:
            raise PeerError("authorisation: an officer of another station signed")
        if not one.covers(authorisation.at_ms):
            raise PeerError("authorisation: an officer's certificate does not cover its time")
    persons = {one.person.casefold() for one in officers}
    if len(persons) != len(officers):
        raise PeerError("authorisation: the same person signed twice")
    if not LEAST_PERSONS <= len(persons) <= MAX_PERSONS:
        raise PeerError(
            f"authorisation: {len(persons)} persons signed, {LEAST_PERSONS} to {MAX_PERSONS} must"
        )
