"""The charter: who is on a line and by which rules, signed by every member's root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, StringConstraints

from hotline.core import canonical
from hotline.core.errors import OperatorError, PeerError
from hotline.core.messages.lifelines import is_lifeline
from hotline.core.times import format_time, parse_time
from hotline.core.values import Digest, Realm
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope, hybrid_signatures
from hotline.sealing.root import Root
from hotline.sealing.shapes import (
    DigestHex,
    One,
    RealmName,
    StationName,
    Strict,
    Time,
    read_shape,
    shape,
)

CHARTER_TYPE = "application/vnd.hotline.charter.v1+json"
SUITE = 1
MIN_MEMBERS = 2
MAX_MEMBERS = 16
MAX_CHARTER_BYTES = 16_384
MAX_CHARTER_ENVELOPE_BYTES = 131_072

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}\z")]
TemplateName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,19}/[a-z][a-z0-9-]{0,39}\z")
]
LineName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}\z")]


class Policy(Strict):
    """The rules of a line.

    Attributes:
        suite_floor: Lowest suite of algorithms that members accept.
        languages: Approved languages; `authentic` is the one that decides.
        test_period_s: How often the line is tested, seconds.
        two_person: Templates that two persons must sign, sorted.
        presence: Whether a peer may see that nobody is at the desk.
    """

    suite_floor: Annotated[int, Field(ge=1, le=255)]
    languages: Annotated[tuple[Language, ...], Field(strict=False, min_length=1, max_length=8)]
    authentic: Language
    test_period_s: Annotated[int, Field(ge=60, le=2_678_400)]
    two_person: Annotated[tuple[TemplateName, ...], Field(strict=False, max_length=64)]
    presence: bool


class Member(Strict):
    """A station of the line and the digest of its root record."""

    station: StationName
    root: DigestHex


class CharterBody(Strict):
    """The signed payload of a charter."""

    v: One
    realm: RealmName
    name: LineName
    created: Time
    members: Annotated[
        tuple[Member, ...], Field(strict=False, min_length=MIN_MEMBERS, max_length=MAX_MEMBERS)
    ]
    policy: Policy
    predecessor: DigestHex | None


@dataclass(frozen=True, slots=True)
class Charter:
    """What a charter says. `line` is its digest and the line's id."""

    line: Digest
    realm: Realm
    name: str
    created_ms: int
    members: tuple[Member, ...]
    policy: Policy
    predecessor: Digest | None

    @property
    def stations(self) -> tuple[str, ...]:
        """Names of the members, in the charter's order."""
        return tuple([member.station for member in self.members])

    def least_signers(self, template: str, need: int) -> int:
        """Return how many persons must sign: the policy's minimum, which `need` only raises.

        Spec: docs/protocol.md §4.12
        """
        return max(need, 2 if template in self.policy.two_person else 1)


def default_policy(two_person: Sequence[str] = ()) -> Policy:
    """Return the policy that a drill's charter has: one signature, English, daily tests.

    Args:
        two_person: Ids of the templates that two officers must sign.
    Raises:
        OperatorError: one of them is not a template's id, or there are too many.
    """
    policy = {
        "suite_floor": 1,
        "languages": ("en",),
        "authentic": "en",
        "test_period_s": 86_400,
        "two_person": tuple(sorted(set(two_person))),
        "presence": False,
    }
    try:
        return shape(Policy, policy, what="policy")
    except PeerError as error:
        raise OperatorError(str(error), hint="name templates as in deesc/cease-propose") from error


def unsigned_charter(
    realm: Realm,
    *,
    name: str,
    members: Sequence[tuple[str, Digest]],
    policy: Policy,
    at_ms: int,
    predecessor: Digest | None = None,
) -> Envelope:
    """Write a charter that nobody has signed yet: what it says can be read before it is."""
    payload = canonical.encode(
        {
            "created": format_time(at_ms),
            "members": [{"root": digest.hex(), "station": member} for member, digest in members],
            "name": name,
            "policy": policy.model_dump(mode="json"),
            "predecessor": None if predecessor is None else predecessor.hex(),
            "realm": realm.value,
            "v": 1,
        }
    )
    return Envelope(CHARTER_TYPE, payload)


def read_charter(encoded: bytes) -> Envelope:
    """Decode a charter's envelope, wholly or partly signed; nothing is verified yet.

    Raises:
        PeerError: it is not an envelope of a charter.
    """
    return decode_envelope(
        encoded, expect=(CHARTER_TYPE,), what="charter", max_bytes=MAX_CHARTER_ENVELOPE_BYTES
    )


def charter_of(envelope: Envelope) -> Charter:
    """Read what a charter says; who signed it is not looked at.

    Raises:
        PeerError: malformed, a member twice, or a suite that this program does not know.
    Spec: docs/protocol.md §4.10
    """
    what = "charter"
    body = read_shape(CharterBody, envelope.payload, what=what, max_bytes=MAX_CHARTER_BYTES)
    _check_members(body.members)
    _check_policy(body.policy)
    return Charter(
        line=envelope.digest,
        realm=body.realm,
        name=body.name,
        created_ms=parse_time(body.created),
        members=body.members,
        policy=body.policy,
        predecessor=body.predecessor,
    )


def gather_charter(signed: Mapping[str, bytes]) -> bytes:
    """Return the charter with the signature of each member, in the charter's order.

    Args:
        signed: Station to the charter's envelope as that station signed it, others maybe, too.
    Returns:
        The envelope; `verify_charter` says whether its signatures are good.
    Raises:
        PeerError: these are not envelopes of one charter, or a member's signature is missing.
    Spec: docs/protocol.md §4.27
    """
    envelopes = {station: read_charter(encoded) for station, encoded in signed.items()}
    if len({envelope.digest for envelope in envelopes.values()}) != 1:
        raise PeerError("charter: these files are not of one charter")
    whole = replace(next(iter(envelopes.values())), signatures=())
    for member in charter_of(whole).members:
        given = envelopes.get(member.station, whole)
        signature = hybrid_signatures(given, what="charter").get(member.root)
        if signature is None:
            raise PeerError(f"charter: the signature of {member.station} is missing")
        whole = whole.with_hybrid(member.root, signature)
    return encode_envelope(whole)


def _check_members(members: tuple[Member, ...]) -> None:
    stations = {member.station for member in members}
    roots = {member.root for member in members}
    if len(stations) != len(members) or len(roots) != len(members):
        raise PeerError("charter: a station or a root is a member twice")


def _check_policy(policy: Policy) -> None:
    if policy.suite_floor > SUITE:
        raise PeerError("charter: it asks for a suite that this program does not know")
    if len(set(policy.languages)) != len(policy.languages):
        raise PeerError("charter: a language stands twice")
    if policy.authentic not in policy.languages:
        raise PeerError("charter: the authentic language is not an approved one")
    if list(policy.two_person) != sorted(set(policy.two_person)):
        raise PeerError("charter: the two-person templates must be sorted, each once")
    _check_nobody_muted(policy)


def _check_nobody_muted(policy: Policy) -> None:
    """Refuse a policy under which an officer alone could not call for help or keep ships apart.

    Read as strictly as made: if one member passed over such a line and another obeyed it,
    they would disagree which statements are good.
    Spec: docs/protocol.md §4.15
    """
    muted = [template for template in policy.two_person if is_lifeline(template)]
    if muted:
        raise PeerError(f"charter: {muted[0]} must stay possible for one officer alone")


def verify_charter(envelope: Envelope, roots: Mapping[Digest, Root]) -> Charter:
    """Check that every member's root, and nobody else, signed the charter.

    Args:
        roots: Verified root records by digest.
    Raises:
        PeerError: malformed, a member's root is missing or names another
            station or realm, or a signature is missing or does not verify.
    Spec: docs/protocol.md §1.2, §4.10
    """
    charter = charter_of(envelope)
    signatures = hybrid_signatures(envelope, what="charter")
    if set(signatures) != {member.root for member in charter.members}:
        raise PeerError("charter: every member's root must sign it, and nobody else")
    for member in charter.members:
        root = roots.get(member.root)
        if root is None:
            raise PeerError(f"charter: the root record of {member.station} is missing")
        if (root.station, root.realm) != (member.station, charter.realm):
            raise PeerError(f"charter: the root of {member.station} has another name or realm")
        if not root.key.verify(envelope.message, signatures[member.root]):
            raise PeerError(f"charter: the signature of {member.station} does not verify")
    return charter
