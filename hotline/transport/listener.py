"""The end of a route that is called. It serves one peer, with one session at a time.

Spec: docs/transport.md §4, §5, §13.2
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.protocol import State as SocketState

from hotline.core.errors import LinkError, PeerError
from hotline.transport.allowance import TOO_MANY_FAILURES, Allowance, Failures
from hotline.transport.bounded import BoundedServer
from hotline.transport.door import Door
from hotline.transport.endpoint import FORBIDDEN, PATH, SUBPROTOCOL, Endpoint, socket_limits
from hotline.transport.link import Timings
from hotline.transport.opening import objections
from hotline.transport.proof import Certificates, Party
from hotline.transport.proving import challenge
from hotline.transport.route import Bound, Monotonic, OnCell, OnFault, OnState
from hotline.transport.session import CLOSE_REFUSED, CLOSE_REPLACED, QUIET, hang_up
from hotline.transport.tls import TlsIdentity, TlsPeer, certificate_of, server_context


class Listener(Endpoint):
    """Listens at `host` and `port` (0 for any free one) and tells `bound` where."""

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        bound: Bound,
        identity: TlsIdentity,
        peer: TlsPeer,
        party: Party,
        on_cell: OnCell,
        on_state: OnState,
        on_fault: OnFault,
        clock: Monotonic,
        timings: Timings | None = None,
        allowed: Allowance | None = None,
    ) -> None:
        """Prepare to listen; nothing is bound before `run`.

        Raises:
            OperatorError: a certificate or key cannot be loaded.
        """
        super().__init__(
            name,
            party=party,
            on_cell=on_cell,
            on_state=on_state,
            on_fault=on_fault,
            clock=clock,
            timings=timings or Timings(),
            allowed=allowed or Allowance(),
        )
        self._host, self._port, self._bound, self._peer = host, port, bound, peer
        self._context, self._certificate = server_context(identity, peer), certificate_of(identity)
        self._failures = Failures(self._allowed.failures_per_minute, clock)
        self._floor = asyncio.Lock()
        self._newest: ServerConnection | None = None
        self._handlers: set[asyncio.Task[None]] = set()
        self._door: Door | None = None

    async def _keep(self) -> None:
        door = self._door = self._bind()
        try:
            server = await self._serve(door)
        except BaseException:
            # Cancelled before anybody else knew of the port: it is free at once all the same.
            door.close()
            raise
        try:
            host, port = door.getsockname()[:2]
            self._bound(host, port)
            await asyncio.get_running_loop().create_future()
        finally:
            await self._shut(server, door)

    async def _serve(self, door: Door) -> Server:
        return await serve(
            lambda socket: self._receive(socket, door),
            sock=door,
            ssl=self._context,
            subprotocols=[SUBPROTOCOL],
            process_request=self._judge,
            server_header=None,
            create_connection=BoundedServer,
            logger=QUIET,
            **socket_limits(self._timings),
        )

    def _bind(self) -> Door:
        try:
            return Door(self._host, self._port, self.refused, counts_unopened=True)
        except OSError as error:
            raise LinkError(
                f"port {self._port} of {self._host} cannot be bound",
                hint="stop what uses it, or choose another port",
            ) from error

    async def _shut(self, server: Server, door: Door) -> None:
        """Free the port, end the session, then whoever is still there, in bounded time."""
        server.close(close_connections=False)
        door.dismiss()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=4 * self._timings.close_timeout_s)
        for socket in server.connections:
            socket.transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self._timings.close_timeout_s):
                await server.wait_closed()

    def _judge(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse whoever is not the peer, or asks for anything but the one thing offered.

        Spec: docs/transport.md §3.4, §4.1, §4.2, §4.3, §5.11
        """
        if self._door is not None:
            self._door.hear(socket.remote_address)
        for reason, status in self._objections(socket, request):
            self.refused[reason] += 1
            return socket.respond(status, "")
        return None

    def _objections(self, socket: ServerConnection, request: Request) -> Iterator[tuple[str, int]]:
        if self._failures.is_over(_address(socket)):
            yield "failures", TOO_MANY_FAILURES
        if not self._peer.admits(_tls(socket)):
            yield "pin", FORBIDDEN
        yield from objections(request, PATH, SUBPROTOCOL)

    async def _receive(self, socket: ServerConnection, door: Door) -> None:
        """Hold the newest session; the one before it ends, and ends first.

        Spec: docs/transport.md §5.4
        """
        with self._registered():
            if not await self._greet(socket):
                return
            door.admit(socket.remote_address)
            older, self._newest = self._newest, socket
            if older is not None:
                self.refused["replaced"] += 1
                await hang_up(older, CLOSE_REPLACED, "replaced", self._timings)
            async with self._floor:
                wanted = self._newest is socket and not self._closed
                if wanted and socket.state is SocketState.OPEN:
                    await self._hold(socket, "the peer opened a session", self._allowed)
            if self._newest is socket:
                self._newest = None

    async def _greet(self, socket: ServerConnection) -> bool:
        """Let whoever came prove itself; return whether it did.

        Spec: docs/transport.md §4.5, §4.8, §5.11
        """
        seen = Certificates(self._certificate, _tls(socket).getpeercert(binary_form=True) or b"")
        pause_s, closing = self._timings.blocked_s, None
        try:
            async with asyncio.timeout(self._timings.auth_timeout_s):
                wrong = await challenge(socket, self._party, seen, self._allowed, pause_s)
            closing = ""
        except TimeoutError:
            wrong = "slow"
        except LinkError:
            wrong = "broke"
        except PeerError as error:
            wrong, closing = "junk", str(error)
        except Exception as fault:  # noqa: BLE001 - a bug of ours must not end the listening
            self._report(fault)
            wrong = "fault"
        if wrong:
            await self._turn_away(socket, wrong, closing)
        return not wrong

    async def _turn_away(self, socket: ServerConnection, wrong: str, closing: str | None) -> None:
        """Count it; close with a reason whoever said something, hang up on the others."""
        self.refused[wrong] += 1
        if closing is not None:
            self._failures.add(_address(socket))
            await hang_up(socket, CLOSE_REFUSED, closing, self._timings)
        socket.transport.abort()

    @contextlib.contextmanager
    def _registered(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            yield
        finally:
            self._handlers.discard(task)


def _tls(socket: ServerConnection) -> ssl.SSLObject:
    tls: ssl.SSLObject = socket.transport.get_extra_info("ssl_object")
    return tls


def _address(socket: ServerConnection) -> str:
    return str(socket.remote_address[0]) if socket.remote_address else ""
