"""A peer whose certificate an authority vouches for, instead of a pin on its key.

Which console speaks is settled by the handshake in either mode.
Spec: docs/transport.md §3.8
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from hotline.core.errors import OperatorError


@dataclass(frozen=True, slots=True)
class VouchedPeer:
    """The other station as an authority knows it.

    Attributes:
        authority_path: PEM, one or several certificates: the whole trust store.
        name: The DNS name or IP address in the peer's certificate, whole: no wildcard fits.
    """

    authority_path: Path
    name: str

    @property
    def server_name(self) -> str | None:
        """The name that a dialer asks TLS for."""
        return self.name

    @property
    def mismatch(self) -> str:
        """What a dialer says of a listener that is another one."""
        return f"no authority vouches for the listener's certificate under the name {self.name}"

    def trust(self, context: ssl.SSLContext) -> None:
        """Have a context trust the authority alone, for chain, dates and, dialing, the name.

        Raises:
            OperatorError: the authority's file cannot be loaded.
        """
        context.check_hostname = context.protocol is ssl.PROTOCOL_TLS_CLIENT
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(cafile=self.authority_path)
        except (OSError, ValueError) as error:
            raise OperatorError("the authority's certificate cannot be loaded") from error

    def admits(self, tls: ssl.SSLObject | ssl.SSLSocket) -> bool:
        """Return whether the certificate of a finished handshake bears the name."""
        shown: Any = tls.getpeercert() or {}
        names: tuple[tuple[str, str], ...] = shown.get("subjectAltName", ())
        return any(_same(self.name, kind, value) for kind, value in names)


def _same(wanted: str, kind: str, value: str) -> bool:
    if kind == "DNS":
        return value.casefold() == wanted.casefold()
    if kind == "IP Address":
        try:
            return ip_address(value.strip()) == ip_address(wanted)
        except ValueError:
            return False
    return False
