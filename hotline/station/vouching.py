"""How TLS knows a peer on the direct route: by its pinned key, or by an authority.

HOME/tls/pki-<PEER>-{ca,cert,key}.pem    the authority, and what it issued to this station

line.json has the last word (`tls_name`): the files are copied before it, and go after it.
Spec: docs/transport.md §3.8, §3.9
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.station.home import Home, PeerCard, read_card, write_json
from hotline.station.shelf import write_durably
from hotline.station.upkeep import Work
from hotline.transport.tls import TlsIdentity, TlsPeer, client_context, pinned
from hotline.transport.vouched import VouchedPeer

MAX_PEM_BYTES = 262_144
AUTHORITY, CERTIFICATE, KEY = "ca", "cert", "key"
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Vouching:
    """What an officer was given by an authority.

    Attributes:
        authority: PEM: whom this station believes.
        certificate, key: PEM: what this station shows, with what issued it, and its key.
        name: The peer's, in the certificate that it shows.
    """

    authority: Path
    certificate: Path
    key: Path
    name: str


def own_identity(home: Home) -> TlsIdentity:
    """Return the certificate and key that this station shows where pins are in force."""
    return TlsIdentity(home.path / "tls" / "cert.pem", home.path / "tls" / "key.pem")


def identity_towards(home: Home, peer: PeerCard) -> TlsIdentity:
    """Return the certificate and key that this station shows to a peer."""
    if peer.tls_name:
        certificate, key = (_file(home, peer.station, part) for part in (CERTIFICATE, KEY))
        return TlsIdentity(certificate, key, passphrase=_none)
    return own_identity(home)


def tls_peer_of(home: Home, peer: PeerCard, *certificates: bytes) -> TlsPeer:
    """Return how TLS knows a peer, whose consoles' certificates (DER) the cards gave."""
    if peer.tls_name:
        return VouchedPeer(_file(home, peer.station, AUTHORITY), peer.tls_name)
    return pinned(*certificates)


def vouch(work: Work, given: Vouching, peer: str = "") -> str:
    """Know a peer by an authority from the next start on; return its name.

    Args:
        peer: Which station; "" for the only one.
    Raises:
        OperatorError: no such peer, or a file or the name is none of its kind.
        StorageError: it could not be made durable.
    Spec: docs/transport.md §3.9
    """
    home, station = work.bench.home, _peer(work, peer)
    _check(given)
    parts = ((AUTHORITY, given.authority), (CERTIFICATE, given.certificate), (KEY, given.key))
    for part, source in parts:
        path = _file(home, station, part)
        write_durably(path, _read(source))
        try:
            path.chmod(_PRIVATE)
        except OSError as error:
            raise StorageError(f"{path.name} cannot be kept from others") from error
    _write(work, station, given.name)
    return station


def pin_again(work: Work, peer: str = "") -> str:
    """Know a peer by its pinned key from the next start on, and forget what vouched for it.

    Raises:
        OperatorError: no such peer, or its key is pinned already.
        StorageError: it could not be made durable.
    Spec: docs/transport.md §3.9
    """
    home, station = work.bench.home, _peer(work, peer)
    if not any(one.tls_name for one in work.opened.card.peers if one.station == station):
        raise OperatorError(f"the key of {station} is pinned already", hint="nothing was changed")
    _write(work, station, "")
    for part in (AUTHORITY, CERTIFICATE, KEY):
        with contextlib.suppress(FileNotFoundError):
            _file(home, station, part).unlink()
    return station


def _write(work: Work, station: str, name: str) -> None:
    """Write it for every console of the station: an authority knows them under one name."""
    directory = work.opened.directory
    card = read_card(directory)

    def named(one: PeerCard) -> PeerCard:
        return one.model_copy(update={"tls_name": name}) if one.station == station else one

    peers, spares = tuple(map(named, card.peers)), tuple(map(named, card.spares))
    write_json(directory / "line.json", card.model_copy(update={"peers": peers, "spares": spares}))


def _check(given: Vouching) -> None:
    if not (given.name.isascii() and given.name.isprintable() and 1 <= len(given.name) <= 253):
        raise OperatorError("a name in a certificate has 1 to 253 plain characters")
    if "*" in given.name or " " in given.name:
        raise OperatorError("the peer's name is given whole", hint="a wildcard fits nothing")
    identity = TlsIdentity(given.certificate, given.key, passphrase=_none)
    try:
        client_context(identity, VouchedPeer(given.authority, given.name))
    except OperatorError as error:
        raise OperatorError(
            str(error), hint="look at --ca, --cert and --key: PEM files, the key without passphrase"
        ) from error


def _peer(work: Work, peer: str) -> str:
    names = [one.station for one in work.opened.card.peers]
    found = [name for name in names if peer in ("", name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise OperatorError(f"{peer} is not on the line", hint=f"on it are {', '.join(names)}")
    raise OperatorError(
        "several stations are on the line", hint=f"say which with --peer: {', '.join(names)}"
    )


def _file(home: Home, station: str, part: str) -> Path:
    return home.path / "tls" / f"pki-{station}-{part}.pem"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(MAX_PEM_BYTES + 1)
    except OSError as error:
        raise OperatorError(f"{path.name} cannot be read", hint="check the path") from error
    if len(found) > MAX_PEM_BYTES:
        raise OperatorError(f"{path.name} has more than {MAX_PEM_BYTES} bytes")
    return found


def _none() -> bytes:
    """Keep OpenSSL from asking at the terminal for the passphrase of a key."""
    return b""
