"""`hotline relay`: keeps sealed cells in mailboxes until their recipients have taken them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hotline.sealing.ed25519 import Ed25519Signer
    from hotline.transport.relay.metrics import Metrics
    from hotline.transport.relay.premises import Tell
    from hotline.transport.relay.service import Service
    from hotline.transport.relay.store import RelayStore

SQLITE, NATS = "sqlite:", "nats://"
DEFAULT_STORE = "sqlite:relay.db"
SEED_BYTES = 32
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - nothing is bound here, it is what --listen may say

NatsMonitors = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST:PORT", help="Each NATS server's monitoring address."),
]
NatsReplicas = Annotated[int, typer.Option(min=1, max=5, help="Servers that hold each cell.")]
CardFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the relay's card for stations there; no secret."),
]
CalledAt = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where stations call, on its card; else --listen."),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    store: str
    listen: tuple[str, int]
    cert: Path
    key: Path
    admission: Path
    identity: Path
    metrics: tuple[str, int] | None
    per_address: int
    free_floor: float
    nats_monitors: tuple[tuple[str, int], ...]
    nats_replicas: int
    card: Path | None
    address: tuple[str, int] | None


def relay(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where stations call.")],
    cert: Annotated[Path, typer.Option(metavar="FILE", help="TLS certificate, PEM.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Its private key, PEM.")],
    admission: Annotated[
        Path, typer.Option(metavar="FILE", help="Tokens, one a line; each admits one mailbox.")
    ],
    store: Annotated[
        str, typer.Option(metavar="STORE", help="sqlite:PATH or nats://HOST:PORT[,HOST:PORT...].")
    ] = DEFAULT_STORE,
    identity: Annotated[
        Path, typer.Option(metavar="FILE", help="The relay's own key; made when it is missing.")
    ] = Path("relay.key"),
    metrics: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serve /metrics and /healthz there.")
    ] = None,
    per_address: Annotated[
        int, typer.Option(min=1, max=64, help="Connections of one address that may wait.")
    ] = 4,
    free_floor: Annotated[
        float, typer.Option(min=0, max=90, help="Percent of the volume that cells leave free.")
    ] = 10.0,
    nats_monitor: NatsMonitors = None,
    nats_replicas: NatsReplicas = 3,
    card: CardFile = None,
    address: CalledAt = None,
) -> None:
    """Keep sealed cells in mailboxes; knows no station, no sender and no line.

    Ends cleanly on SIGTERM. Logs JSON to stderr; its key is in the line relay_started.
    """
    wanted = _Wanted(
        store=store,
        listen=_address(listen, "--listen"),
        cert=cert,
        key=key,
        admission=admission,
        identity=identity,
        metrics=None if metrics is None else _address(metrics, "--metrics"),
        per_address=per_address,
        free_floor=free_floor / 100,
        nats_monitors=tuple(_address(one, "--nats-monitor") for one in nats_monitor or ()),
        nats_replicas=nats_replicas,
        card=card,
        address=None if address is None else _address(address, "--address"),
    )
    with suppress(asyncio.CancelledError):
        asyncio.run(_serve(wanted))


def _address(text: str, option: str) -> tuple[str, int]:
    """Read HOST:PORT; an IPv6 address stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise typer.BadParameter(f"{option} takes HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def _serve(wanted: _Wanted) -> None:
    """Run until SIGTERM or SIGINT, or until the store is lost."""
    from hotline.core.errors import OperatorError
    from hotline.transport.relay.metrics import Metrics

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if wanted.card is not None and wanted.address is None and wanted.listen[0] in EVERYWHERE:
        raise OperatorError(
            "a card must say where stations call the relay", hint="say it with --address HOST:PORT"
        )
    tell, metrics = _log(), Metrics()
    store = await _open_store(wanted, metrics)
    try:
        service = _assemble(wanted, store, metrics, tell)
        await service.run(wanted.metrics)
    finally:
        await store.close()
        tell("relay_stopped")


async def _open_store(wanted: _Wanted, metrics: Metrics) -> RelayStore:
    from hotline.core.errors import OperatorError
    from hotline.host.clock import monotonic_s
    from hotline.transport.relay.store import Quota

    if wanted.store.startswith(SQLITE):
        from hotline.transport.relay.room import Room
        from hotline.transport.relay.sqlite_store import SqliteStore

        path = Path(wanted.store.removeprefix(SQLITE))
        return SqliteStore(
            path,
            quota=Quota(),
            room=Room(path, floor_part=wanted.free_floor),
            clock=monotonic_s,
            on_commit=metrics.on_commit,
        )
    if wanted.store.startswith(NATS):
        return await _open_nats(wanted, Quota().cells)
    raise OperatorError(
        "--store names no store that a relay knows", hint="write sqlite:PATH or nats://HOST:PORT"
    )


async def _open_nats(wanted: _Wanted, cells_per_box: int) -> RelayStore:
    from hotline.core.errors import OperatorError
    from hotline.host.clock import monotonic_s
    from hotline.transport.relay.limits import Limits

    try:
        from hotline.transport.relay.nats_opening import open_nats
    except ModuleNotFoundError as error:
        raise OperatorError(
            "this installation cannot talk to NATS", hint="install hotline[nats]"
        ) from error
    return await open_nats(
        [NATS + server for server in wanted.store.removeprefix(NATS).split(",")],
        wanted.nats_monitors,
        replicas=wanted.nats_replicas,
        keep_s=Limits().keep_s,
        cells_per_box=cells_per_box,
        clock=monotonic_s,
    )


def _assemble(wanted: _Wanted, store: RelayStore, metrics: Metrics, tell: Tell) -> Service:
    from hotline.host.clock import monotonic_s, system_clock
    from hotline.host.entropy import system_entropy
    from hotline.sealing.ed25519 import verify_ed25519
    from hotline.transport.relay.admission import Admission
    from hotline.transport.relay.limits import Limits
    from hotline.transport.relay.premises import Premises
    from hotline.transport.relay.server import Relay
    from hotline.transport.relay.service import Service
    from hotline.transport.relay.steady import SteadyClock
    from hotline.transport.tls import TlsIdentity

    def jumped(off_ms: int) -> None:
        metrics.clock_jumps += 1
        tell("clock_jumped", off_ms=off_ms)

    signer, admission = _own_key(wanted.identity), Admission(wanted.admission)
    premises = Premises(
        store=store,
        limits=Limits(strangers_per_address=wanted.per_address),
        metrics=metrics,
        admission=admission,
        clock=SteadyClock(system_clock, monotonic_s, jumped),
        monotonic=monotonic_s,
        tell=tell,
    )
    host, port = wanted.listen
    relay = Relay(
        premises,
        host=host,
        port=port,
        bound=_announcer(tell, wanted, signer.public_key, admission.size),
        # Without an answer of ours OpenSSL would ask for a passphrase on the terminal.
        identity=TlsIdentity(wanted.cert, wanted.key, lambda: b""),
        signer=signer,
        verifier=verify_ed25519,
        entropy=system_entropy,
    )
    return Service(premises, relay)


def _announcer(
    tell: Tell, wanted: _Wanted, public_key: bytes, tokens: int
) -> Callable[[str, int], None]:
    kind = wanted.store.partition(":")[0]

    def announce(host: str, port: int) -> None:
        if wanted.card is not None:
            _write_card(wanted, public_key, wanted.address or (host, port))
        tell("relay_started", host=host, port=port, key=public_key.hex(), store=kind, tokens=tokens)

    return announce


def _write_card(wanted: _Wanted, public_key: bytes, at: tuple[str, int]) -> None:
    """Write what stations need to know of the relay; its first certificate is what it shows."""
    import ssl

    from hotline.station.relays import RelayCard
    from hotline.station.shelf import write_durably
    from hotline.transport.tls import TlsIdentity, certificate_of

    assert wanted.card is not None
    der = certificate_of(TlsIdentity(wanted.cert, wanted.key))
    card = RelayCard(
        host=at[0],
        port=at[1],
        key=public_key.hex(),
        certificates=(ssl.DER_cert_to_PEM_cert(der),),
    )
    write_durably(wanted.card, card.model_dump_json().encode() + b"\n")


def _own_key(path: Path) -> Ed25519Signer:
    """Read the relay's seed (64 hex digits), or make one that only its owner may read."""
    from hotline.core.errors import OperatorError
    from hotline.host.entropy import system_entropy
    from hotline.sealing.ed25519 import Ed25519Signer

    try:
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(system_entropy(SEED_BYTES).hex() + "\n")
        if path.stat().st_mode & 0o077:
            raise OperatorError("others may read the relay's key", hint="chmod 600 it")
        return Ed25519Signer(bytes.fromhex(path.read_text("ascii")))
    except (OSError, ValueError) as error:
        raise OperatorError(
            "the relay's key can neither be read nor made", hint="look at --identity"
        ) from error


def _log() -> Tell:
    """Return a log of JSON lines on stderr."""
    import structlog

    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )

    def tell(event: str, **fields: str | int | float) -> None:
        logger.info(event, **fields)

    return tell
