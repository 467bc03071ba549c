"""Two stations' papers, recorders for callbacks, and waits with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection

from hotline.core.values import sha256
from hotline.host.entropy import system_entropy
from hotline.sealing.ed25519 import Ed25519Signer, verify_ed25519
from hotline.transport import greeting
from hotline.transport.allowance import Allowance
from hotline.transport.dialer import Dialer
from hotline.transport.endpoint import WRITE_LIMIT_BYTES, Endpoint
from hotline.transport.link import Timings
from hotline.transport.listener import Listener
from hotline.transport.proof import Certificates, Party, sign_auth
from hotline.transport.tls import PinnedPeer, TlsIdentity, client_context, pinned

DEADLINE_S = 20.0
FAST = Timings(
    open_timeout_s=3.0,
    ping_interval_s=5.0,
    ping_timeout_s=5.0,
    close_timeout_s=0.3,
    send_timeout_s=5.0,
    stable_s=30.0,
    backoff_cap_s=0.05,
    blocked_s=0.05,
)


@dataclass(frozen=True)
class Papers:
    """A station's certificate and key as files, and the certificate as bytes."""

    identity: TlsIdentity
    der: bytes
    spki: bytes
    key: Ed25519PrivateKey
    certificate: x509.Certificate
    console: Ed25519Signer


def mint(
    folder: Path,
    name: str,
    *,
    issuer: Papers | None = None,
    ca: bool = False,
    days_ago: int = 1,
    names: Sequence[x509.GeneralName] = (),
) -> Papers:
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(days=days_ago)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(issuer.key if issuer else key, None)
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    console = Ed25519Signer(sha256(b"console" + spki))
    return Papers(TlsIdentity(*paths), der, spki, key, certificate, console)


@dataclass
class Log:
    """What a route told its station."""

    cells: list[bytes] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    async def on_cell(self, cell: bytes) -> None:
        self.cells.append(cell)

    async def on_state(self, state: str, reason: str) -> None:
        self.states.append((state, reason))

    def on_fault(self, fault: Exception) -> None:
        self.faults.append(fault)

    @property
    def words(self) -> list[str]:
        return [state for state, _ in self.states]

    @property
    def callbacks(self) -> dict[str, Any]:
        return {"on_cell": self.on_cell, "on_state": self.on_state, "on_fault": self.on_fault}


LINE = sha256(b"the line of these tests")
NORTH, SOUTH = (greeting.party_id("EXERCISE", LINE, name) for name in ("NORTH", "SOUTH"))
FREE = Allowance(frames_per_s=60_000.0, burst=60_000, failures_per_minute=10_000)
"""Attackers of these tests have the honest peer's address: a test of a bound sets its own."""


def party(ours: bytes, theirs: bytes, us: Papers, them: Papers, **changes: Any) -> Party:
    """Return who one station is to the other, when it knows that one's console key."""
    known = them.console.public_key
    settings: dict[str, Any] = {
        "signer": us.console,
        "recognises": lambda key, _introduction: key == known,
        "verifier": verify_ed25519,
        "entropy": system_entropy,
    }
    return Party(ours, theirs, **(settings | changes))


@dataclass
class Pair:
    """NORTH listens, SOUTH dials; STRANGER is on nobody's card."""

    north: Papers
    south: Papers
    stranger: Papers
    north_log: Log = field(default_factory=Log)
    south_log: Log = field(default_factory=Log)
    address: tuple[str, int] = ("127.0.0.1", 0)
    binds: int = 0

    def _bound(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.binds += 1

    @contextlib.asynccontextmanager
    async def running(self, *routes: Endpoint) -> AsyncIterator[None]:
        """Run the routes in turn, a listener until bound; afterwards close them all."""
        tasks: list[asyncio.Task[None]] = []
        try:
            for route in routes:
                goal = self.binds + isinstance(route, Listener)
                tasks.append(asyncio.create_task(route.run()))
                await until(lambda goal=goal: self.binds >= goal)
            yield
        finally:
            async with asyncio.timeout(DEADLINE_S):
                for route in reversed(routes):
                    await route.close()
                await asyncio.gather(*tasks)

    def listener(self, timings: Timings = FAST, **changes: Any) -> Listener:
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.address[1],
            "bound": self._bound,
            "identity": self.north.identity,
            "peer": pinned(self.south.der),
            "party": self.as_north_party(),
            "clock": time.monotonic,
            "timings": timings,
            "allowed": FREE,
            **self.north_log.callbacks,
        }
        return Listener("direct", **(settings | changes))

    def dialer(self, timings: Timings = FAST, **changes: Any) -> Dialer:
        settings: dict[str, Any] = {
            "where": lambda: self.address,
            "identity": self.south.identity,
            "peer": pinned(self.north.der),
            "party": self.as_south_party(),
            "allowed": FREE,
            "clock": time.monotonic,
            "chance": lambda: 1.0,
            "timings": timings,
            **self.south_log.callbacks,
        }
        return Dialer("direct", **(settings | changes))

    def as_north_party(self, **changes: Any) -> Party:
        return party(NORTH, SOUTH, self.north, self.south, **changes)

    def as_south_party(self, **changes: Any) -> Party:
        return party(SOUTH, NORTH, self.south, self.north, **changes)

    @property
    def seen(self) -> Certificates:
        """Both certificates, as an honest end sees them."""
        return Certificates(self.north.der, self.south.der)

    async def prove(self, socket: ClientConnection, **changes: Any) -> greeting.Greeting:
        """Answer NORTH's challenge as SOUTH, `changes` made before signing; return its word."""
        chal = greeting.decode(await socket.recv(decode=False))
        assert isinstance(chal, greeting.Chal)
        return await self.say_auth(socket, self.auth(chal, **changes))

    def auth(self, chal: greeting.Chal, **changes: Any) -> greeting.Auth:
        """Return SOUTH's answer to a challenge, `changes` made before signing."""
        signer = changes.pop("signer", self.south.console)
        shown = changes.pop("shown", self.south.der)
        settings: dict[str, Any] = {
            "version": greeting.VERSION,
            "ours": SOUTH,
            "theirs": NORTH,
            "key": signer.public_key,
            "nonce": system_entropy(32),
            "brings": greeting.NOTHING_BROUGHT,
            "signature": bytes(64),
        }
        unsigned = greeting.Auth(**(settings | changes))
        return sign_auth(unsigned, chal, Certificates(self.north.der, shown), signer)

    async def say_auth(
        self, socket: ClientConnection, auth: greeting.Auth, *parts: greeting.Part
    ) -> greeting.Greeting:
        for one in (auth, *parts):
            await socket.send(greeting.encode(one))
        return greeting.decode(await socket.recv(decode=False))

    def as_south(self, papers: Papers | None = None) -> ssl.SSLContext:
        """Return a context that dials NORTH with `papers`, SOUTH's own by default."""
        return client_context((papers or self.south).identity, pinned(self.north.der))

    @property
    def uri(self) -> str:
        return f"wss://127.0.0.1:{self.address[1]}/hotline"


def with_wrong_pin(papers: Papers) -> PinnedPeer:
    """Trust the certificate, but expect another key."""
    return replace(pinned(papers.der), pins=(bytes(32),))


async def flood(socket: Connection, over: Callable[[], object]) -> None:
    """Send pings, which the other end's library answers, until something is over."""
    masked = isinstance(socket, ClientConnection)
    ping = b"\x89\xfd" + bytes(4 + 125) if masked else b"\x89\x7d" + bytes(125)

    def one_more() -> object:
        if socket.transport.get_write_buffer_size() < WRITE_LIMIT_BYTES:
            socket.transport.write(ping * 500)
        return over()

    await until(one_more)


async def until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Poll until `condition` holds; fail when it does not within the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of many sources, one deadline
            await asyncio.sleep(0.005)
