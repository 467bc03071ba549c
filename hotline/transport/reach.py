"""Whether the other end of a route can be reached: its name, its port, its certificate.

It goes as far as a request that no route makes: no session opens, and one that is open
is not touched. Spec: docs/transport.md §9.12
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl

from hotline.core.errors import LinkError
from hotline.transport.endpoint import FORBIDDEN
from hotline.transport.tls import TlsPeer

MAX_ANSWER_BYTES = 4_096
_REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_NOT_FOUND, _SHUT_OUT = 404, 429


async def reach(
    host: str, port: int, context: ssl.SSLContext, peer: TlsPeer, limit_s: float
) -> None:
    """Return when the end that is pinned answers at `host` and `port`, and takes us.

    Raises:
        LinkError: the name does not resolve, nothing answers, somebody else does, or our
            own certificate is not taken there; says which.
    Spec: docs/transport.md §9.12
    """
    try:
        async with asyncio.timeout(limit_s):
            await _resolve(host, port)
            await _meet(host, port, context, peer)
    except TimeoutError as error:
        raise LinkError(
            f"nothing answered at {host}:{port} within {limit_s:.0f} s",
            hint="ask the other side whether it runs, and look at firewalls on the way",
        ) from error


async def _resolve(host: str, port: int) -> None:
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise LinkError(
            f"the name {host} does not resolve",
            hint="look at the name and at this machine's name service",
        ) from error


async def _meet(host: str, port: int, context: ssl.SSLContext, peer: TlsPeer) -> None:
    try:
        name = peer.server_name or host
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=name
        )
    except ssl.SSLCertVerificationError as error:
        raise _somebody_else(host, port) from error
    except OSError as error:
        raise LinkError(
            f"nothing takes connections at {host}:{port}",
            hint="ask the other side whether it runs, and look at firewalls on the way",
        ) from error
    try:
        if not peer.admits(writer.get_extra_info("ssl_object")):
            raise _somebody_else(host, port)
        _judge(host, port, await _ask(reader, writer, host))
    finally:
        writer.transport.abort()


def _somebody_else(host: str, port: int) -> LinkError:
    return LinkError(
        f"who answers at {host}:{port} shows another certificate than the one this station trusts",
        hint="ask the other side for its newest card, and compare its words by voice",
    )


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> int:
    """Return the HTTP status of a page that no listener has; 0: it hung up instead."""
    with contextlib.suppress(OSError):
        writer.write(_REQUEST % host.encode("idna"))
        found = _STATUS.match(await reader.read(MAX_ANSWER_BYTES))
        if found:
            return int(found[1])
    return 0


def _judge(host: str, port: int, status: int) -> None:
    """Raise unless the answer is the one that says: no such page, and you may ask."""
    where = f"who listens at {host}:{port}"
    if status == FORBIDDEN:
        raise LinkError(
            f"{where} does not take this station's certificate",
            hint="give the other side your newest card (hotline card export)",
        )
    if status == 0:
        raise LinkError(
            f"{where} hung up: it does not take this station's certificate, or is no listener "
            "of this program",
            hint="give the other side your newest card (hotline card export)",
        )
    if status == _SHUT_OUT:
        raise LinkError(
            f"{where} has shut this address out after too many refusals",
            hint="wait a minute, and see who calls from here with a wrong key",
        )
    if status != _NOT_FOUND:
        raise LinkError(
            f"{where} answers as no listener of this program does",
            hint="ask the other side where it listens",
        )
