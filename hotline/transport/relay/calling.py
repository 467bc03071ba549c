"""Opening a session at a relay: TLS with a pin, the challenge, both signatures.

Spec: docs/transport.md §9.1, §9.3
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from hotline.core.errors import LinkError, PeerError
from hotline.core.seams import Entropy, Signer, Verifier
from hotline.transport.bounded import BoundedClient
from hotline.transport.endpoint import socket_limits
from hotline.transport.link import Timings
from hotline.transport.relay import handshake
from hotline.transport.relay.client import Mailboxes, OnExpired
from hotline.transport.relay.codec import encode
from hotline.transport.relay.frames import NO_TOKEN, VERSION, Auth, Chal, Frame, Refuse, Welcome
from hotline.transport.relay.outgoing import PATH, SUBPROTOCOL, receive
from hotline.transport.relay.tls import pinned_context
from hotline.transport.session import QUIET
from hotline.transport.tls import PinnedPeer


class NotTheRelayError(LinkError):
    """Somebody answered who is not the relay that was set up; no cell leaves."""

    default_hint = "ask its operator for its card, and compare the key by voice"


class TurnedAwayError(LinkError):
    """The relay opens no session for this key.

    Attributes:
        code: One of `Refusal`.
    """

    default_hint = "ask its operator for an admission token, or wait"

    def __init__(self, code: int) -> None:
        super().__init__(f"the relay refuses this key ({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is and how it is known.

    Attributes:
        key: Its Ed25519 public key, 32 bytes; signs WELCOME.
        tls: Its certificate with the pins of its key.
    """

    host: str
    port: int
    key: bytes
    tls: PinnedPeer


@contextlib.asynccontextmanager
async def open_mailboxes(
    relay: RelayAddress,
    box: bytes,
    signer: Signer,
    *,
    verifier: Verifier,
    entropy: Entropy,
    token: bytes = NO_TOKEN,
    timings: Timings | None = None,
    on_expired: OnExpired = lambda _: None,
) -> AsyncIterator[Mailboxes]:
    """Open a session with one mailbox key, and work it until the block ends.

    Args:
        box: A mailbox that the key belongs to, or that it is about to create.
        signer: The mailbox key. One key for all mailboxes tells the relay that
            they belong together.
        token: An admission token, for a key that no mailbox knows yet.

    Raises:
        NotTheRelayError: it is not the relay that it should be.
        TurnedAwayError: it knows no such mailbox of this key, or not the token.
        LinkError: it cannot be reached.
    """
    waits = timings or Timings()
    try:
        socket, welcome = await _open(relay, box, signer, verifier, entropy, token, waits)
    except ssl.SSLCertVerificationError as error:
        raise NotTheRelayError("the relay's certificate is not the pinned one") from error
    except InvalidStatus as error:
        status = error.response.status_code
        raise LinkError(f"the relay answered HTTP {status}") from error
    except (OSError, WebSocketException, TimeoutError) as error:
        raise LinkError("the relay could not be reached") from error
    mailboxes = Mailboxes(socket, welcome, waits, on_expired)
    running = asyncio.create_task(mailboxes.run())
    try:
        yield mailboxes
    finally:
        await mailboxes.close()
        await running


async def _open(
    relay: RelayAddress,
    box: bytes,
    signer: Signer,
    verifier: Verifier,
    entropy: Entropy,
    token: bytes,
    timings: Timings,
) -> tuple[ClientConnection, Welcome]:
    authority = f"[{relay.host}]" if ":" in relay.host else relay.host
    socket = await connect(
        f"wss://{authority}:{relay.port}{PATH}",
        host=relay.host,
        port=relay.port,
        ssl=pinned_context(relay.tls),
        subprotocols=[SUBPROTOCOL],
        proxy=None,
        user_agent_header=None,
        create_connection=BoundedClient,
        logger=QUIET,
        **socket_limits(timings),
    )
    try:
        async with asyncio.timeout(timings.open_timeout_s):
            welcome = await _prove(socket, relay, box, signer, verifier, entropy, token)
    except PeerError as error:
        socket.transport.abort()
        raise NotTheRelayError(f"the relay could not be believed: {error}") from error
    except BaseException:
        socket.transport.abort()
        raise
    return socket, welcome


async def _prove(
    socket: ClientConnection,
    relay: RelayAddress,
    box: bytes,
    signer: Signer,
    verifier: Verifier,
    entropy: Entropy,
    token: bytes,
) -> Welcome:
    """Check the pin, answer the challenge, check the answer. Spec: docs/transport.md §9.3."""
    tls: ssl.SSLObject = socket.transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True)
    if certificate is None or not relay.tls.matches(certificate):
        raise PeerError("its certificate is not the pinned one")
    if socket.subprotocol != SUBPROTOCOL:
        raise PeerError(f"it does not speak {SUBPROTOCOL}")
    chal = await _next(socket)
    if not isinstance(chal, Chal) or chal.version != VERSION:
        raise PeerError("it speaks another version")
    unsigned = Auth(VERSION, box, signer.public_key, relay.key, entropy(32), token, bytes(64))
    auth = handshake.sign_auth(unsigned, chal, certificate, signer)
    await socket.send(encode(auth))
    answer = await _next(socket)
    if isinstance(answer, Refuse):
        raise TurnedAwayError(answer.code)
    if not isinstance(answer, Welcome):
        raise PeerError("it answered AUTH with something else")
    if not handshake.verify_welcome(answer, chal, auth, certificate, verifier):
        raise PeerError("its signature does not verify")
    if not answer.window_cells:
        raise PeerError("it leaves no room for a single cell")
    return answer


async def _next(socket: ClientConnection) -> Frame:
    try:
        return await receive(socket)
    except ConnectionClosed as error:
        raise LinkError("the relay hung up during the handshake") from error
