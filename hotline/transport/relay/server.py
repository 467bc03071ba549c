"""The relay: a listening socket, strangers at the door, and a session for each mailbox key.

Spec: docs/transport.md §9.1, §9.3, §9.7
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hotline.core.errors import LinkError, PeerError, StorageError
from hotline.core.seams import Entropy, Signer, Verifier
from hotline.transport.allowance import FAILURES_KEPT_S, TOO_MANY_FAILURES, Failures
from hotline.transport.bounded import BoundedServer
from hotline.transport.door import Door
from hotline.transport.endpoint import socket_limits
from hotline.transport.opening import objections
from hotline.transport.relay import handshake
from hotline.transport.relay.frames import NO_TOKEN, VERSION, Auth, Chal, Refusal, Refuse, Welcome
from hotline.transport.relay.outgoing import PATH, SUBPROTOCOL, Outgoing, receive
from hotline.transport.relay.premises import Premises
from hotline.transport.relay.session import RelaySession
from hotline.transport.relay.tls import relay_context
from hotline.transport.route import Bound
from hotline.transport.session import CLOSE_LEAVING, CLOSE_REFUSED, CLOSE_REPLACED, QUIET, hang_up
from hotline.transport.tls import TlsIdentity, certificate_of, cut_record_buffer

RETRY_BUSY_S = 5


class Relay:
    """Listens at `host` and `port` (0 for any free one) and tells `bound` where."""

    def __init__(
        self,
        premises: Premises,
        *,
        host: str,
        port: int,
        bound: Bound,
        identity: TlsIdentity,
        signer: Signer,
        verifier: Verifier,
        entropy: Entropy,
    ) -> None:
        """Prepare to listen; nothing is bound before `run`.

        Raises:
            OperatorError: the certificate or its key cannot be loaded.
        """
        self._premises = premises
        self._host, self._port, self._bound = host, port, bound
        self._signer, self._verifier, self._entropy = signer, verifier, entropy
        self._context, self._certificate = relay_context(identity), certificate_of(identity)
        self._failures = Failures(premises.limits.failures_per_minute, premises.monotonic)
        self._sessions: dict[bytes, RelaySession] = {}
        self._newcomers: set[bytes] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        premises.store.on_arrival(premises.hub.arrived)

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            LinkError: the address cannot be bound.
        """
        cut_record_buffer()
        door = self._bind()
        server = await serve(
            lambda socket: self._receive(socket, door),
            sock=door,
            ssl=self._context,
            subprotocols=[SUBPROTOCOL],
            process_request=self._judge,
            server_header=None,
            create_connection=BoundedServer,
            logger=QUIET,
            **socket_limits(self._premises.limits.timings),
        )
        try:
            self._bound(*door.getsockname()[:2])
            await asyncio.get_running_loop().create_future()
        finally:
            await self._shut(server, door)

    def _bind(self) -> Door:
        limits = self._premises.limits
        try:
            return Door(
                self._host,
                self._port,
                self._premises.metrics.refused,
                strangers=limits.strangers,
                strangers_per_address=limits.strangers_per_address,
            )
        except OSError as error:
            raise LinkError(
                f"port {self._port} of {self._host} cannot be bound",
                hint="stop what uses it, or name another --listen",
            ) from error

    async def _shut(self, server: Server, door: Door) -> None:
        """Take nobody in, end the sessions, then whoever is left, in bounded time."""
        server.close(close_connections=False)
        door.dismiss()
        ends = [one.end(CLOSE_LEAVING, "leaving") for one in self._sessions.values()]
        await asyncio.gather(*ends, return_exceptions=True)
        if self._handlers:
            close_s = self._premises.limits.timings.close_timeout_s
            await asyncio.wait(self._handlers, timeout=4 * close_s)
        for handler in self._handlers:
            handler.cancel()
        for socket in server.connections:
            socket.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._premises.limits.timings.close_timeout_s):
                await server.wait_closed()

    def _judge(self, socket: ServerConnection, request: Request) -> Response | None:
        """Spec: docs/transport.md §9.1, §9.7."""
        if self._failures.is_over(_address(socket)):
            self._premises.metrics.refused["failures"] += 1
            return socket.respond(TOO_MANY_FAILURES, "")
        for reason, status in objections(request, PATH, SUBPROTOCOL):
            self._premises.metrics.refused[reason] += 1
            return socket.respond(status, "")
        return None

    async def _receive(self, socket: ServerConnection, door: Door) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            auth = await self._greet(socket)
            if auth is not None:
                door.admit(socket.remote_address)
                await self._hold(socket, auth)
        except (ConnectionClosed, LinkError):
            self._premises.metrics.refused["broke"] += 1
        except StorageError:
            self._premises.metrics.refused["store"] += 1
            socket.transport.abort()
        except Exception as fault:  # noqa: BLE001 - a bug of ours must not end the relay
            self._premises.tell("session_fault", fault=type(fault).__name__)
            socket.transport.abort()
        finally:
            self._handlers.discard(task)

    async def _greet(self, socket: ServerConnection) -> Auth | None:
        """Challenge a stranger; return its AUTH once that is verified, or None once refused."""
        timings = self._premises.limits.timings
        try:
            async with asyncio.timeout(self._premises.limits.auth_timeout_s):
                return await self._challenge(socket)
        except TimeoutError:
            self._premises.metrics.refused["slow"] += 1
        except PeerError as error:
            self._premises.metrics.refused["junk"] += 1
            self._failures.add(_address(socket))
            await hang_up(socket, CLOSE_REFUSED, str(error), timings)
        socket.transport.abort()
        return None

    async def _challenge(self, socket: ServerConnection) -> Auth | None:
        outgoing = Outgoing(socket, self._premises.limits.timings.send_timeout_s)
        chal = Chal(VERSION, self._entropy(32))
        await outgoing.send(chal)
        auth = await receive(socket)
        if not isinstance(auth, Auth):
            raise PeerError("the first frame is not AUTH")
        refusal = await self._objection(auth, chal)
        if refusal is not None:
            code, wait_s = refusal
            self._premises.metrics.refused[code.name.lower()] += 1
            if code is not Refusal.BUSY:
                self._failures.add(_address(socket))
            await outgoing.send(Refuse(code, wait_s))
            await hang_up(socket, CLOSE_REFUSED, "", self._premises.limits.timings)
            return None
        await outgoing.send(self._welcome(chal, auth))
        return auth

    async def _objection(self, auth: Auth, chal: Chal) -> tuple[Refusal, int] | None:
        """Say what is wrong with an AUTH, the cheapest question first.

        Spec: docs/transport.md §9.3
        """
        if auth.version != VERSION:
            return Refusal.VERSION, 0
        forbidden = Refusal.FORBIDDEN, int(FAILURES_KEPT_S)
        if not hmac.compare_digest(auth.relay, self._signer.public_key):
            return forbidden
        if not handshake.verify_auth(auth, chal, self._certificate, self._verifier):
            return forbidden
        if not self._premises.admission.admits(auth.token):
            box = await self._premises.store.find(auth.box)
            if box is None or auth.key not in (box.recipient, box.sender):
                return forbidden
        full = len(self._sessions) >= self._premises.limits.sessions
        # One token would otherwise open as many sessions as its holder has keys.
        crowded = auth.token != NO_TOKEN and len(self._newcomers) >= self._premises.limits.strangers
        busy = (full or crowded) and auth.key not in self._sessions
        return (Refusal.BUSY, RETRY_BUSY_S) if busy else None

    def _welcome(self, chal: Chal, auth: Auth) -> Welcome:
        limits = self._premises.limits
        welcome = Welcome(
            session=self._entropy(16),
            window_cells=limits.window_cells,
            window_bytes=limits.window_bytes,
            max_body_bytes=limits.max_body_bytes,
            keep_s=limits.keep_s,
            signature=bytes(64),
        )
        return handshake.sign_welcome(welcome, chal, auth, self._certificate, self._signer)

    async def _hold(self, socket: ServerConnection, auth: Auth) -> None:
        """Serve the newest session of a key; an older one ends.

        Spec: docs/transport.md §9.3
        """
        key = auth.key
        older = self._sessions.get(key)
        session = self._sessions[key] = RelaySession(socket, key, self._premises)
        self._premises.metrics.sessions = len(self._sessions)
        if auth.token != NO_TOKEN:
            self._newcomers.add(key)
        if older is not None:
            self._premises.metrics.refused["replaced"] += 1
            await older.end(CLOSE_REPLACED, "replaced")
        try:
            ended = await session.serve()
            if ended == "stopped reading":
                self._premises.metrics.refused["unread"] += 1
        finally:
            if self._sessions.get(key) is session:
                del self._sessions[key]
                self._newcomers.discard(key)
            self._premises.metrics.sessions = len(self._sessions)


def _address(socket: ServerConnection) -> str:
    return str(socket.remote_address[0]) if socket.remote_address else ""
