"""Standing: which certificates of a line are revoked or suspended, and since when.

Spec: docs/protocol.md §4.21 to §4.23
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from hotline.core.errors import PeerError
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.authorisation import Act, VerifiedAuthorisation
from hotline.sealing.certificate import FIRST_ENDPOINT, MAX_ENDPOINT, Certificate
from hotline.sealing.revocation import PREPARED, Effect, Revocation, VerifiedRevocation

MAX_CHAIN = 1_024
"""Numbered revocations of one station: two a week for ten years."""

MAX_UNNUMBERED = 512
"""Prepared revocations, and as many suspensions, of one station."""

CERTIFICATE = "certificate"
"""The one detail of an authorisation to suspend: the certificate's id in hex."""

COUNTED = (Act.SUSPEND, Act.TAKE_OVER)
"""What officers authorise that says who may speak."""

ENDPOINT = "endpoint"
"""With that of its console, the details of a take-over: the number of the spare."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a certificate is no longer trusted.

    Attributes:
        since_ms: What arrives from then on is not trusted; `at_ms`: when that was signed.
        record: Digest of the revocation, or of the two officers' authorisation.
    """

    how: Literal["revoked", "suspended"]
    station: str
    certificate: Digest
    since_ms: int
    at_ms: int
    reason: str
    record: Digest

    def covers(self, at_ms: int) -> bool:
        """Return whether what arrives at `at_ms` is not trusted."""
        return at_ms >= self.since_ms


@dataclass(frozen=True, slots=True)
class Standing:
    """Every revocation and suspension that is known, verified.

    Attributes:
        chains: Numbered revocations by station, from number 1.
        prepared, suspensions: Those that stand in no chain, by digest.
        take_overs: The newest by which a spare console took over, by station.
    """

    chains: Mapping[str, tuple[VerifiedRevocation, ...]] = field(default_factory=dict)
    prepared: Mapping[Digest, VerifiedRevocation] = field(default_factory=dict)
    suspensions: Mapping[Digest, VerifiedAuthorisation] = field(default_factory=dict)
    _withdrawn: Mapping[tuple[str, Digest], Withdrawal] = field(default_factory=dict)
    take_overs: Mapping[str, VerifiedAuthorisation] = field(default_factory=dict)

    def head(self, station: str) -> tuple[int, Digest]:
        """Return number and digest of a station's newest revocation; 0 and zeros before one."""
        chain = self.chains.get(station, ())
        return (len(chain), chain[-1].digest) if chain else (0, ZERO_DIGEST)

    def head_at(self, station: str, counter: int) -> Digest | None:
        """Return the digest of a station's revocation with that number, None beyond the chain."""
        chain = self.chains.get(station, ())
        if counter == 0:
            return ZERO_DIGEST
        return chain[counter - 1].digest if counter <= len(chain) else None

    def withdrawal(self, certificate: Certificate) -> Withdrawal | None:
        """Return what is known against a certificate; a revocation before a suspension."""
        return self._withdrawn.get((certificate.station, certificate.id))

    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """Return everything that stands against certificates, in no order that matters."""
        return tuple(self._withdrawn.values())

    def trusts(self, certificate: Certificate, at_ms: int) -> bool:
        """Return whether a certificate covers `at_ms` and nothing withdraws it then.

        Spec: docs/protocol.md §4.23
        """
        found = self.withdrawal(certificate)
        return certificate.covers(at_ms) and (found is None or not found.covers(at_ms))

    def suspended_by(self, certificate: Certificate) -> tuple[Digest, ...]:
        """Return the suspensions of a certificate that the root has not lifted."""
        lifted = _lifted(self.chains, certificate.station)
        return tuple(
            digest
            for digest, one in self.suspensions.items()
            if one.authorisation.station == certificate.station
            and subject_of(one) == certificate.id
            and digest not in lifted
        )

    def endpoint_of(self, station: str) -> int:
        """Return the number of the one console of a station that may speak now.

        Spec: docs/protocol.md §4.35
        """
        found = self.take_overs.get(station)
        return FIRST_ENDPOINT if found is None else endpoint_taken(found)

    def with_take_over(self, one: VerifiedAuthorisation) -> Standing:
        """Return the standing after a spare took over; itself when it is known, or over itself.

        Raises:
            PeerError: it names no console.
        Spec: docs/protocol.md §4.36
        """
        station = one.authorisation.station
        if endpoint_taken(one) <= self.endpoint_of(station):
            return self
        return replace(self, take_overs=MappingProxyType({**self.take_overs, station: one}))

    def with_revocation(self, one: VerifiedRevocation) -> Standing:
        """Return the standing with one more verified revocation; itself when it is known.

        Raises:
            PeerError: it is not the next of its chain, contradicts it, or there are too many.
        Spec: docs/protocol.md §4.21
        """
        said = one.revocation
        if said.counter == PREPARED:
            return self._with_prepared(one)
        chain = self.chains.get(said.station, ())
        known = self.head_at(said.station, said.counter)
        if known == one.digest:
            return self
        if known is not None:
            raise PeerError(f"revocation: another one has number {said.counter} already")
        if said.counter > MAX_CHAIN:
            raise PeerError("revocation: this station has revoked too often")
        if said.counter != len(chain) + 1 or said.previous != self.head(said.station)[1]:
            raise PeerError("revocation: the one before it is missing, or is another one")
        chains = {**self.chains, said.station: (*chain, one)}
        return self._restood(chains, self.prepared, self.suspensions)

    def _with_prepared(self, one: VerifiedRevocation) -> Standing:
        if one.digest in self.prepared:
            return self
        same = [
            other
            for other in self.prepared.values()
            if other.revocation.station == one.revocation.station
        ]
        if len(same) >= MAX_UNNUMBERED:
            raise PeerError("revocation: there are too many prepared ones of this station")
        return self._restood(self.chains, {**self.prepared, one.digest: one}, self.suspensions)

    def with_suspension(self, one: VerifiedAuthorisation) -> Standing:
        """Return the standing with one more verified suspension; itself when it is known.

        Raises:
            PeerError: it names no certificate, or there are too many.
        Spec: docs/protocol.md §4.23
        """
        subject_of(one)
        if one.digest in self.suspensions:
            return self
        station = one.authorisation.station
        same = [
            other for other in self.suspensions.values() if other.authorisation.station == station
        ]
        if len(same) >= MAX_UNNUMBERED:
            raise PeerError("suspension: there are too many of this station")
        return self._restood(self.chains, self.prepared, {**self.suspensions, one.digest: one})

    def _restood(
        self,
        chains: Mapping[str, tuple[VerifiedRevocation, ...]],
        prepared: Mapping[Digest, VerifiedRevocation],
        suspensions: Mapping[Digest, VerifiedAuthorisation],
    ) -> Standing:
        return replace(_stand(chains, prepared, suspensions), take_overs=self.take_overs)


def subject_of(suspension: VerifiedAuthorisation) -> Digest:
    """Return the id of the certificate that an authorisation suspends.

    Raises:
        PeerError: its details are not one certificate's id.
    Spec: docs/protocol.md §4.23
    """
    details = suspension.authorisation.details
    if set(details) != {CERTIFICATE}:
        raise PeerError("suspension: its details are not one certificate")
    return _certificate_named(details, "suspension")


def _certificate_named(details: Mapping[str, str | int], what: str) -> Digest:
    text = details.get(CERTIFICATE)
    if not isinstance(text, str):
        raise PeerError(f"{what}: its details are not one certificate")
    if len(text) != 64 or text.strip("0123456789abcdef"):
        raise PeerError(f"{what}: the certificate is not 64 lowercase hex digits")
    return Digest(bytes.fromhex(text))


def read_standing(
    revocations: Iterable[VerifiedRevocation], authorised: Iterable[VerifiedAuthorisation]
) -> Standing:
    """Join records that came in any order.

    Args:
        authorised: Suspensions and take-overs.

    Raises:
        PeerError: a chain has a gap or two of one number, or as `with_revocation`.
    """
    standing = Standing()
    for one in sorted(revocations, key=lambda one: one.revocation.counter):
        standing = standing.with_revocation(one)
    for one_act in authorised:
        over = one_act.authorisation.act is Act.TAKE_OVER
        standing = (standing.with_take_over if over else standing.with_suspension)(one_act)
    return standing


def endpoint_taken(take_over: VerifiedAuthorisation) -> int:
    """Return the number of the spare console that takes over.

    Raises:
        PeerError: its details are not those of a spare console.
    Spec: docs/protocol.md §4.36
    """
    details = take_over.authorisation.details
    endpoint = details.get(ENDPOINT)
    if set(details) != {ENDPOINT, CERTIFICATE} or not isinstance(endpoint, int):
        raise PeerError("take-over: its details are not those of a spare console")
    if not FIRST_ENDPOINT < endpoint <= MAX_ENDPOINT:
        raise PeerError(f"take-over: a spare console has a number from 2 to {MAX_ENDPOINT}")
    _certificate_named(details, "take-over")
    return endpoint


def _stand(
    chains: Mapping[str, tuple[VerifiedRevocation, ...]],
    prepared: Mapping[Digest, VerifiedRevocation],
    suspensions: Mapping[Digest, VerifiedAuthorisation],
) -> Standing:
    found: dict[tuple[str, Digest], Withdrawal] = {}
    for digest, one in suspensions.items():
        station = one.authorisation.station
        if digest not in _lifted(chains, station):
            key = (station, subject_of(one))
            found.setdefault(key, _suspended(one))
    numbered = [one for chain in chains.values() for one in chain]
    for revocation in sorted((*prepared.values(), *numbered), key=_order):
        said = revocation.revocation
        if said.effect is Effect.REVOKE:
            key = (said.station, said.subject)
            found[key] = _earlier(found.get(key), _revoked(revocation.digest, said))
    return Standing(
        MappingProxyType(dict(chains)),
        MappingProxyType(dict(prepared)),
        MappingProxyType(dict(suspensions)),
        MappingProxyType(found),
    )


def _order(one: VerifiedRevocation) -> tuple[int, int]:
    return one.revocation.since_ms, one.revocation.counter


def _earlier(held: Withdrawal | None, new: Withdrawal) -> Withdrawal:
    """Return the revocation that counts; nothing that is known reaches less far back for it."""
    if held is None:
        return new
    if held.how == "revoked":
        return held
    return replace(new, since_ms=min(held.since_ms, new.since_ms))


def _lifted(
    chains: Mapping[str, tuple[VerifiedRevocation, ...]], station: str
) -> frozenset[Digest]:
    chain = chains.get(station, ())
    return frozenset(
        one.revocation.subject for one in chain if one.revocation.effect is Effect.LIFT
    )


def _revoked(record: Digest, said: Revocation) -> Withdrawal:
    return Withdrawal(
        "revoked", said.station, said.subject, said.since_ms, said.at_ms, said.reason, record
    )


def _suspended(one: VerifiedAuthorisation) -> Withdrawal:
    said = one.authorisation
    return Withdrawal(
        "suspended",
        said.station,
        subject_of(one),
        said.at_ms,
        said.at_ms,
        said.reason,
        one.digest,
    )
