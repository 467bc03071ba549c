"""One POST to an outside witness: bounded in time and bytes, TLS 1.3 beyond this machine.

Spec: docs/transport.md §8
"""

from __future__ import annotations

import asyncio
import hmac
import http.client
import io
import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from typing import cast

from hotline.core.errors import LinkError, OperatorError, PeerError
from hotline.transport.tls import pin_of

MAX_REPLY_BYTES = 32_768
"""Status, headers and body together."""
MAX_URL_CHARACTERS = 500

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253})"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)*)"
)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes.

    Attributes:
        path: Without a slash at its end; "" for the root.
        tls: Whether over TLS; only a place on this machine may do without.
    """

    host: str
    port: int
    path: str
    tls: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """What a witness's TLS certificate must be.

    Attributes:
        authority: PEM certificates that are trusted instead of the system's, or "".
        pins: SHA-256 of the public keys (SPKI) that it may have; none takes any.
    """

    authority: str = ""
    pins: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes


def parse_url(url: str) -> Destination:
    """Read the address of a witness: https, or http for this machine itself.

    Raises:
        OperatorError: another scheme or form, or http to another machine.
    Spec: docs/transport.md §8.1
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS else None
    port = int(match["port"] or _PORTS[match["scheme"]]) if match else 0
    if match is None or not 1 <= port <= 65_535:
        raise OperatorError(
            "a witness's address must look like https://witness.example/prefix",
            hint="leave out user names, queries and fragments",
        )
    host, tls = match["host"].strip("[]"), match["scheme"] == "https"
    if not tls and not _is_here(host):
        raise OperatorError(
            "a witness on another machine is asked over https only",
            hint="give its https address",
        )
    return Destination(host, port, match["path"].rstrip("/"), tls)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def trust_context(trust: Trust) -> ssl.SSLContext:
    """Return the TLS side of a request: 1.3, name and chain checked.

    Raises:
        OperatorError: the authority is no certificate.
    Spec: docs/transport.md §8.2
    """
    try:
        context = ssl.create_default_context(cadata=trust.authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise OperatorError(
            "the certificate of the witness's authority does not read", hint="give it as PEM"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def post(
    destination: Destination, call: str, body: bytes, *, trust: Trust, timeout_s: float
) -> Reply:
    """Send one request on a connection of its own; return the reply.

    Follows no redirect and asks no proxy.

    Args:
        call: What stands behind the destination's path, as in "add-checkpoint".
        timeout_s: For all of it together.
    Raises:
        LinkError: nobody there, not in time, a wrong certificate, no HTTP, too much of it.
        OperatorError: the trusted authority is no certificate.
    Spec: docs/transport.md §8.3
    """
    context = trust_context(trust) if destination.tls else None
    try:
        async with asyncio.timeout(timeout_s):
            return read_reply(await _exchange(destination, call, body, context, trust))
    except TimeoutError as error:
        raise LinkError("it did not answer in time") from error
    except ssl.SSLCertVerificationError as error:
        raise LinkError("its certificate is not one that this station trusts") from error
    except ssl.SSLError as error:
        raise LinkError("the TLS 1.3 handshake with it failed") from error
    except ConnectionRefusedError as error:
        raise LinkError("nothing listens at its address") from error
    except (OSError, UnicodeError) as error:
        raise LinkError("the connection to it failed") from error


async def _exchange(
    destination: Destination, call: str, body: bytes, context: ssl.SSLContext | None, trust: Trust
) -> bytes:
    reader, writer = await asyncio.open_connection(
        destination.host, destination.port, ssl=context, limit=MAX_REPLY_BYTES
    )
    try:
        if context is not None:
            _check_pin(writer, trust)
        writer.write(_request(destination, call, body))
        await writer.drain()
        return await _read(reader)
    finally:
        # Nothing is said after the reply: there is nobody to wait for.
        writer.transport.abort()


def _check_pin(writer: asyncio.StreamWriter, trust: Trust) -> None:
    tls = writer.get_extra_info("ssl_object")
    if not trust.pins:
        return
    try:
        shown = pin_of(tls.getpeercert(binary_form=True) or b"")
    except PeerError:
        shown = b""
    if not any(hmac.compare_digest(shown, pin) for pin in trust.pins):
        raise LinkError("its TLS key is not the pinned one")


def _request(destination: Destination, call: str, body: bytes) -> bytes:
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    usual = destination.port == _PORTS["https" if destination.tls else "http"]
    return (
        f"POST {destination.path}/{call} HTTP/1.1\r\n"
        f"Host: {host if usual else f'{host}:{destination.port}'}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii") + body


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read to the end of the stream."""
    found = bytearray()
    while part := await reader.read(4_096):
        found += part
        if len(found) > MAX_REPLY_BYTES:
            raise LinkError(f"its answer is longer than {MAX_REPLY_BYTES} bytes")
    return bytes(found)


class _Received:
    """What http.client reads a response from, in the place of a socket."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


def read_reply(received: bytes) -> Reply:
    """Read an HTTP/1 response of which every byte is here.

    Raises:
        LinkError: it is none.
    """
    response = http.client.HTTPResponse(cast(socket.socket, _Received(received)), method="POST")
    try:
        response.begin()
        return Reply(response.status, response.read())
    except (http.client.HTTPException, ValueError, OverflowError) as error:
        raise LinkError("its answer is no HTTP") from error
