"""Mailboxes at relays that the two stations of a pair know without telling each other.

Whoever enrolled the pair knows where its mail lies; a relay that holds it sees chance.
Spec: docs/transport.md §10.1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core import canonical
from hotline.core.errors import InvariantError
from hotline.core.values import Digest
from hotline.sealing.aead import expand
from hotline.sealing.ed25519 import PUBLIC_KEY_BYTES
from hotline.sealing.line_secret import SECRET_BYTES, combine_halves, join_halves

MAILBOXES_TYPE = "application/vnd.hotline.mailboxes.v1"
BOX_TYPE = "application/vnd.hotline.mailbox-id.v1"
PUT_KEY_TYPE = "application/vnd.hotline.mailbox-put-key.v1"
BOX_BYTES = 16
MAX_NUMBER = 3
"""Numbers of mailboxes, from 0; one that was given up has its number for a while."""


@dataclass(frozen=True, slots=True)
class SharedSecrets:
    """What a pair of stations shares from the day of its enrolment.

    Attributes:
        line: The line secret of that day; it is hashed forward (docs/protocol.md §7.6).
        mailboxes: Names the pair's mailboxes; it stays as it is and opens nothing.
    """

    line: bytes = field(repr=False)
    mailboxes: bytes = field(repr=False)


def share(line: Digest, halves: Mapping[str, bytes]) -> SharedSecrets:
    """Join the halves of the two stations of a pair into all that they share.

    Args:
        line: Binds the secrets to the line.
        halves: As `combine_halves` takes them.
    Spec: docs/protocol.md §7.6, docs/transport.md §10.1
    """
    return SharedSecrets(combine_halves(line, halves), join_halves(MAILBOXES_TYPE, line, halves))


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: where one console of a station takes what one console of the other leaves.

    Attributes:
        id: 16 bytes that are chance to the relay.
        put_seed: Ed25519 seed of the key that may put into it.
    """

    id: bytes
    put_seed: bytes = field(repr=False)


def mailbox_of(
    secret: bytes, *, relay: bytes, recipient: str, endpoint: int, number: int
) -> Mailbox:
    """Return a mailbox of the pair that shares `secret`.

    Args:
        secret: `SharedSecrets.mailboxes`.
        relay: The relay's Ed25519 public key: no two relays see one id or key.
        recipient: The station that takes from it; `endpoint`: its console.
        number: 0 to MAX_NUMBER.
    Spec: docs/transport.md §10.1
    """
    if len(secret) != SECRET_BYTES or len(relay) != PUBLIC_KEY_BYTES:
        raise InvariantError("a mailbox is derived from a secret and a relay's key of 32 bytes")
    context = canonical.encode([endpoint, number, recipient, relay.hex()])
    return Mailbox(
        id=expand(secret, canonical.pae(BOX_TYPE, context))[:BOX_BYTES],
        put_seed=expand(secret, canonical.pae(PUT_KEY_TYPE, context)),
    )
