"""The end of a route that calls, and calls again.

Spec: docs/transport.md §4, §6
"""

from __future__ import annotations

import asyncio
import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException

from hotline.core.errors import LinkError, PeerError
from hotline.transport.allowance import Allowance
from hotline.transport.bounded import BoundedClient, bound_unsent
from hotline.transport.endpoint import FORBIDDEN, PATH, SUBPROTOCOL, Endpoint, socket_limits
from hotline.transport.greeting import Refusal, Refuse
from hotline.transport.link import Event, State, Timings, backoff_s, count_failures
from hotline.transport.proof import Certificates, Party
from hotline.transport.proving import answer
from hotline.transport.route import Chance, Monotonic, OnCell, OnFault, OnState, Where
from hotline.transport.session import CLOSE_REFUSED, QUIET, hang_up
from hotline.transport.tls import TlsIdentity, TlsPeer, certificate_of, client_context

_NOT_US = "the listener does not accept this station's certificate"
_REFUSES_US = "the listener does not let this station's console in"
_COMPARE = "compare the station cards by voice"
_ASK = "ask the other station whether it has revoked this console, or knows its key"
MAX_RETRY_AFTER_S = 300
"""A refusal may ask for no longer a pause than this."""


class Dialer(Endpoint):
    """Dials `where`, holds the session, waits with full jitter, dials again.

    Attributes:
        dials: Attempts so far.
    """

    def __init__(
        self,
        name: str,
        *,
        where: Where,
        identity: TlsIdentity,
        peer: TlsPeer,
        party: Party,
        on_cell: OnCell,
        on_state: OnState,
        on_fault: OnFault,
        clock: Monotonic,
        chance: Chance,
        timings: Timings | None = None,
        allowed: Allowance | None = None,
    ) -> None:
        """Prepare to dial; nothing is opened before `run`.

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
        self._where, self._peer, self._chance = where, peer, chance
        self._context, self._certificate = client_context(identity, peer), certificate_of(identity)
        self._retry_s = 0.0
        self.dials = 0

    async def _keep(self) -> None:
        """Dial for as long as it takes. Spec: docs/transport.md §6.2, §6.3."""
        failures = 0
        while not self._closed:
            up_s = await self._attempt()
            failures = count_failures(failures, up_s, self._timings.stable_s)
            await asyncio.sleep(self._wait_s(failures))

    def _wait_s(self, failures: int) -> float:
        if self._state is State.BLOCKED:
            return max(self._timings.blocked_s, self._retry_s)
        return backoff_s(failures, self._chance(), self._timings.backoff_cap_s)

    async def _attempt(self) -> float:
        """Dial once and hold what opens; return the seconds it was UP."""
        self.dials += 1
        self._retry_s = 0.0
        await self._happen(Event.DIALED, f"attempt {self.dials}")
        try:
            socket = await self._open()
        except ssl.SSLCertVerificationError:
            await self._block(self._peer.mismatch)
        except (LinkError, OSError, WebSocketException) as error:
            if isinstance(error, InvalidStatus) and error.response.status_code == FORBIDDEN:
                await self._block(_NOT_US)
            else:
                await self._happen(Event.FAILED, _clause(error))
        except Exception as fault:  # noqa: BLE001 - a bug of ours must not end the dialing
            self._report(fault)
            await self._happen(Event.FAILED, "dialing met a fault of this station")
        else:
            return await self._check_and_hold(socket)
        return 0.0

    async def _open(self) -> ClientConnection:
        host, port = self._where()
        authority = f"[{host}]" if ":" in host else host
        # Naming host and port again keeps a redirect from leading anywhere else,
        # and proxies from the environment do not decide where a hotline goes.
        return await connect(
            f"wss://{authority}:{port}{PATH}",
            host=host,
            port=port,
            ssl=self._context,
            server_hostname=self._peer.server_name or host,
            subprotocols=[SUBPROTOCOL],
            proxy=None,
            user_agent_header=None,
            create_connection=BoundedClient,
            logger=QUIET,
            **socket_limits(self._timings),
        )

    async def _check_and_hold(self, socket: ClientConnection) -> float:
        """Spec: docs/transport.md §3.4, §4.2."""
        bound_unsent(socket.transport.get_extra_info("socket"))
        tls = socket.transport.get_extra_info("ssl_object")
        if not self._peer.admits(tls):
            socket.transport.abort()
            await self._block(self._peer.mismatch)
            return 0.0
        if socket.subprotocol != SUBPROTOCOL:
            socket.transport.abort()
            await self._happen(Event.FAILED, f"the listener does not speak {SUBPROTOCOL}")
            return 0.0
        pace = await self._prove(socket, Certificates(_shown(tls), self._certificate))
        if pace is None:
            return 0.0
        began = self._clock()
        await self._hold(socket, "the session opened", pace)
        return self._clock() - began

    async def _prove(self, socket: ClientConnection, seen: Certificates) -> Allowance | None:
        """Prove each console to the other; whatever is not proved leaves the route not UP.

        Returns:
            What the listener reads without letting us wait.
        Spec: docs/transport.md §4.5, §4.8
        """
        try:
            async with asyncio.timeout(self._timings.auth_timeout_s):
                said = await answer(socket, self._party, seen)
        except PeerError as error:
            await hang_up(socket, CLOSE_REFUSED, "", self._timings)
            await self._block(str(error), "proof")
            return None
        except (LinkError, TimeoutError) as error:
            socket.transport.abort()
            await self._happen(Event.FAILED, _clause(error))
            return None
        except BaseException:
            socket.transport.abort()
            raise
        if isinstance(said, Refuse):
            socket.transport.abort()
            await self._refused_by_peer(said)
            return None
        return Allowance(said.frames_per_s, said.burst)

    async def _refused_by_peer(self, said: Refuse) -> None:
        if said.code == Refusal.VERSION:
            await self._happen(Event.FAILED, "the listener does not speak our handshake's version")
            return
        self._retry_s = min(said.retry_after_s, MAX_RETRY_AFTER_S)
        await self._block(_REFUSES_US, "console", _ASK)

    async def _block(self, reason: str, word: str = "pin", hint: str = _COMPARE) -> None:
        self.refused[word] += 1
        self._report(LinkError(reason, hint=hint))
        await self._happen(Event.MISMATCHED, reason)


def _shown(tls: ssl.SSLObject) -> bytes:
    return tls.getpeercert(binary_form=True) or b""


def _clause(error: Exception) -> str:
    """Say what failed without repeating what the other end wrote."""
    if isinstance(error, LinkError):
        return str(error)
    if isinstance(error, InvalidStatus):
        return f"the listener answered HTTP {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "the listener did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at that address"
    if isinstance(error, ssl.SSLError):
        return "the TLS handshake failed"
    if isinstance(error, InvalidMessage):
        # Under TLS 1.3 a listener that rejects our certificate just hangs up here.
        return "the listener hung up before it answered; it may not know our certificate"
    return "the connection could not be opened"
