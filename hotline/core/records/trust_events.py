"""Events of trust: certificates that come and go, and roots that change."""

from __future__ import annotations

from typing import ClassVar, Literal

from hotline.core.messages.statement import HexDigest
from hotline.core.records.event import Event, Reason


class KeyCertified(Event):
    """The root of a station certified one more officer or console key; the certificate is bound.

    Attributes:
        usage: What the key may do; `name`: role, rank and name.
        root: Digest of the root that certified it.
    """

    kind: ClassVar[int] = 70
    station: str
    certificate: HexDigest
    usage: Literal["statement", "transport", "ledger"]
    name: str
    root: HexDigest


class TrustWithdrawn(Event):
    """A certificate is not trusted any more; the record that says so is bound.

    Attributes:
        record: Digest of the revocation, or of the authorisation by two officers.
        name: Role, rank and name of whom the certificate is for, "" when it is not here.
        since_ms: What arrives from then on is not trusted.
    """

    kind: ClassVar[int] = 71
    station: str
    certificate: HexDigest
    how: Literal["revoked", "suspended"]
    record: HexDigest
    name: str
    since_ms: int
    reason: Reason


class SuspensionLifted(Event):
    """The root lifted a suspension; what arrives from now on is judged without it.

    Attributes:
        certificate: The certificate that was suspended, "" when the suspension is not here.
        suspension: Digest of the authorisation that suspended it.
    """

    kind: ClassVar[int] = 72
    station: str
    certificate: str
    suspension: HexDigest
    record: HexDigest
    reason: Reason


class RevocationsRefused(Event):
    """A packet showed a list of revocations that was rolled back, or is another one.

    Attributes:
        counter: The number that the packet showed; `known`: the highest that is known here.
        digest: Of the revocation that it showed under `counter`.
    """

    kind: ClassVar[int] = 73
    peer: str
    counter: int
    digest: HexDigest
    known: int


class RootChanged(Event):
    """A station's root was followed by the one it had committed to; its record is bound.

    Attributes:
        words: The new root's fingerprint, which officers compare by voice.
    """

    kind: ClassVar[int] = 74
    station: str
    root: HexDigest
    before: HexDigest
    words: str


class RootCompared(Event):
    """An officer compared the words of a changed root with the other station by voice."""

    kind: ClassVar[int] = 75
    station: str
    root: HexDigest
    agreed: bool
    role: str
    name: str


class ReachRenewed(Event):
    """A newer card of another station said otherwise how it is reached; that counts from now on.

    Attributes:
        pin: SHA-256 of the public key that its links show; `recovery`: id of its recovery key.
    """

    kind: ClassVar[int] = 85
    station: str
    pin: HexDigest
    recovery: str


class EndpointTaken(Event):
    """A spare console took its station's place on the line; the authorisation is bound.

    From then on nothing of the console before it is taken.

    Attributes:
        endpoint: The spare's number, which only rises; `record`: digest of the authorisation.
        certificate: Of the spare's console.
        officers: Role, rank and name of who signed.
    """

    kind: ClassVar[int] = 86
    station: str
    endpoint: int
    certificate: HexDigest
    record: HexDigest
    officers: tuple[str, ...]
    reason: Reason


class SpareAdmitted(Event):
    """A spare console of a station shares a secret with the peer now; it may not speak yet.

    Attributes:
        pin: SHA-256 of the public key that its links show.
    """

    kind: ClassVar[int] = 87
    station: str
    endpoint: int
    pin: HexDigest


class SpareTested(Event):
    """A spare console of a station and the peer proved their keys to each other.

    Attributes:
        instance: Names the spare's start, as its packets did.
    """

    kind: ClassVar[int] = 88
    station: str
    endpoint: int
    peer: str
    instance: str
