"""The handshake on an open websocket: each end proves its console's key to the other.

Nothing here bounds time: whoever calls gives it the handshake's timeout.
Spec: docs/transport.md §4.5 to §4.9
"""

from __future__ import annotations

import hmac

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from hotline.core.errors import LinkError, PeerError
from hotline.transport import greeting
from hotline.transport.allowance import Allowance
from hotline.transport.frames import MAX_CELL_BYTES
from hotline.transport.greeting import (
    MAX_PARTS,
    NOTHING_BROUGHT,
    VERSION,
    Auth,
    Chal,
    Greeting,
    Part,
    Refusal,
    Refuse,
    Welcome,
)
from hotline.transport.proof import (
    Certificates,
    Party,
    sign_auth,
    sign_welcome,
    verify_auth,
    verify_welcome,
)
from hotline.transport.transcript import NO_SIGNATURE

NONCE_BYTES, SESSION_BYTES = 32, 16
MAX_TOLD = 65_535
"""WELCOME tells a bound in two bytes."""


async def answer(socket: Connection, party: Party, seen: Certificates) -> Welcome | Refuse:
    """Prove ourselves to the listener that we dialled, and have it prove itself.

    Raises:
        PeerError: it is not the peer, or does not speak the handshake.
        LinkError: it hung up, or speaks no version that we do.
    Spec: docs/transport.md §4.5, §4.7
    """
    chal = await _next(socket)
    if not isinstance(chal, Chal):
        raise PeerError("the listener did not begin with a challenge")
    version = greeting.choose(chal.versions, VERSION)
    if not version:
        raise LinkError(
            "the listener speaks no version of the handshake that this station does",
            hint="bring the older of the two stations up to date",
        )
    auth = sign_auth(_auth(party, version), chal, seen, party.signer)
    await _say(socket, auth, *greeting.cut(party.introduction))
    said = await _next(socket)
    if isinstance(said, Refuse):
        return said
    if not isinstance(said, Welcome):
        raise PeerError("the listener answered AUTH with something else")
    if not verify_welcome(said, chal, auth, seen, party.verifier):
        raise PeerError("the listener did not sign this opening; another one may stand between")
    if not (said.frames_per_s and said.burst and said.max_cell_bytes >= MAX_CELL_BYTES):
        raise PeerError("the listener leaves no room for cells")
    if not party.recognises(said.key, await _introduction(socket, said.brings)):
        raise PeerError("the listener's console is none that may speak for the other station")
    return said


def _auth(party: Party, version: int) -> Auth:
    return Auth(
        version=version,
        ours=party.ours,
        theirs=party.theirs,
        key=party.signer.public_key,
        nonce=party.entropy(NONCE_BYTES),
        brings=greeting.digest_of(party.introduction),
        signature=NO_SIGNATURE,
    )


async def challenge(
    socket: Connection,
    party: Party,
    seen: Certificates,
    allowed: Allowance,
    retry_after_s: float,
) -> str:
    """Have whoever dialled prove itself, and prove ourselves to it, or refuse it.

    Returns:
        "" once the session is open; else the word under which the refusal is counted.

    Raises:
        PeerError: the caller does not speak the handshake.
        LinkError: it hung up.
    Spec: docs/transport.md §4.5, §4.8
    """
    chal = Chal(greeting.offer(VERSION), party.entropy(NONCE_BYTES))
    await _say(socket, chal)
    auth = await _next(socket)
    if not isinstance(auth, Auth):
        raise PeerError("the first frame is not AUTH")
    objection = await _objection(socket, auth, chal, party, seen)
    if objection:
        code = Refusal.VERSION if objection == "version" else Refusal.FORBIDDEN
        await _say(socket, Refuse(code, int(retry_after_s)))
        return objection
    welcome = sign_welcome(_welcome(party, allowed), chal, auth, seen, party.signer)
    await _say(socket, welcome, *greeting.cut(party.introduction))
    return ""


async def _objection(
    socket: Connection, auth: Auth, chal: Chal, party: Party, seen: Certificates
) -> str:
    """Say in a word what is wrong with an AUTH, the cheapest question first.

    Spec: docs/transport.md §4.8
    """
    if auth.version != VERSION:
        return "version"
    named = auth.ours + auth.theirs
    if not hmac.compare_digest(named, party.theirs + party.ours):
        return "name"
    if not verify_auth(auth, chal, seen, party.verifier):
        return "signature"
    introduction = await _introduction(socket, auth.brings)
    return "" if party.recognises(auth.key, introduction) else "key"


def _welcome(party: Party, allowed: Allowance) -> Welcome:
    return Welcome(
        session=party.entropy(SESSION_BYTES),
        key=party.signer.public_key,
        brings=greeting.digest_of(party.introduction),
        max_cell_bytes=MAX_CELL_BYTES,
        frames_per_s=min(int(allowed.frames_per_s), MAX_TOLD),
        burst=min(allowed.burst, MAX_TOLD),
        signature=NO_SIGNATURE,
    )


async def _introduction(socket: Connection, brings: bytes) -> bytes:
    """Return what an end brings that its signature covers, b"" when that is nothing.

    Raises:
        PeerError: the parts are too many, out of order, or other bytes.
    Spec: docs/transport.md §4.9
    """
    if brings == NOTHING_BROUGHT:
        return b""
    pieces: list[bytes] = []
    left = MAX_PARTS
    while left:
        part = await _next(socket)
        if not isinstance(part, Part) or part.left >= left or (pieces and part.left != left - 1):
            raise PeerError("an introduction comes in parts that count down to 0")
        left = part.left
        pieces.append(part.piece)
    introduction = b"".join(pieces)
    if not hmac.compare_digest(greeting.digest_of(introduction), brings):
        raise PeerError("an introduction is not the one that was signed")
    return introduction


async def _say(socket: Connection, *said: Greeting) -> None:
    try:
        for one in said:
            await socket.send(greeting.encode(one))
    except ConnectionClosed as error:
        raise LinkError("the other end hung up during the handshake") from error


async def _next(socket: Connection) -> Greeting:
    try:
        message = await socket.recv()
    except ConnectionClosed as error:
        raise LinkError("the other end hung up during the handshake") from error
    if isinstance(message, str):
        raise PeerError("a text message is not a frame")
    return greeting.decode(message)
