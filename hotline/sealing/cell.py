"""The cell: a packet sealed for one station (docs/protocol.md §7.5)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.seams import Entropy
from hotline.core.values import Digest
from hotline.sealing.aead import NONCE_BYTES, TAG_BYTES, mac, open_xchacha, seal_xchacha
from hotline.sealing.ed25519 import SIGNATURE_BYTES
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.prekey import Prekey, PrekeyPublic

CELL_TYPE = "application/vnd.hotline.cell.v1"
MAGIC = b"HLC1"
SUITE = 1
PADDING_BYTES = 4_096
MAX_CELL_BYTES = 61_440

_HEADER = struct.Struct(">4sB16sI")
_LENGTH = struct.Struct(">I")
_ENC_BYTES = 1_120
_PADDING = bytes(PADDING_BYTES)
_OVERHEAD_BYTES = _HEADER.size + _ENC_BYTES + TAG_BYTES + NONCE_BYTES + TAG_BYTES
MAX_PACKET_BYTES = (
    (MAX_CELL_BYTES - _OVERHEAD_BYTES) // PADDING_BYTES * PADDING_BYTES
    - _LENGTH.size
    - SIGNATURE_BYTES
)
_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class UnknownKeyError(PeerError):
    """The cell is sealed to a key that is not here: the one failure that is answered.

    Attributes:
        key_id: The key that it names.
    """

    key_id: bytes = b""


@dataclass(frozen=True, slots=True)
class OpenedCell:
    """What came out of a cell: sealed under the secret of `peer`, not yet verified.

    Attributes:
        packet: The packet's bytes.
        signature: 64 bytes over the packet by a console key.
        peer: The station whose line secret opened it; the packet must be from it.
        key_id: Our key that opened it; the packet must be to it.
        day: UTC day of the line secret.
    """

    packet: bytes
    signature: bytes
    peer: str
    key_id: bytes
    day: int


def _refusal() -> PeerError:
    # One text for every cause: whoever sends junk learns nothing from the answer.
    return PeerError("a cell does not open")


def _context(header: bytes, line: Digest) -> bytes:
    return canonical.pae(CELL_TYPE, header + line)


def seal_cell(
    packet: bytes,
    signature: bytes,
    *,
    recipient: PrekeyPublic,
    line: Digest,
    secret: LineSecret,
    day: int,
    entropy: Entropy,
) -> bytes:
    """Seal a signed packet for one station.

    Args:
        packet: At most MAX_PACKET_BYTES.
        signature: `sign_packet` of it.
        secret: The secret shared with that station; `day` as `sealing_day` says.
    Returns:
        At most MAX_CELL_BYTES; the length shows the packet's in steps of PADDING_BYTES.
    Spec: docs/protocol.md §7.5
    """
    if len(packet) > MAX_PACKET_BYTES or len(signature) != SIGNATURE_BYTES:
        raise InvariantError(f"a packet for a cell has at most {MAX_PACKET_BYTES} bytes")
    header = _HEADER.pack(MAGIC, SUITE, recipient.key_id, day)
    filled = _LENGTH.pack(len(packet)) + packet + signature
    padded = filled + bytes(-len(filled) % PADDING_BYTES)
    key = mac(secret.for_day(day), header)
    inner = seal_xchacha(key, entropy(NONCE_BYTES), padded, header)
    return header + _HPKE.encrypt(inner, recipient.handle, _context(header, line))


def open_cell(
    cell: bytes,
    *,
    line: Digest,
    prekeys: Mapping[bytes, Prekey],
    secrets: Mapping[str, LineSecret],
) -> OpenedCell:
    """Open a cell; nothing in it is verified but that a holder of a secret sealed it.

    Args:
        cell: Bytes from outside.
        line: The line that it came by.
        prekeys: Our sealing keys by key id.
        secrets: Line secrets by peer; on a direct link that peer's alone.
    Raises:
        UnknownKeyError: it names a key that is not in `prekeys`.
        PeerError: anything else, always with the same text.
    Spec: docs/protocol.md §7.5
    """
    if not _OVERHEAD_BYTES < len(cell) <= MAX_CELL_BYTES:
        raise _refusal()
    header = cell[: _HEADER.size]
    magic, suite, key_id, day = _HEADER.unpack(header)
    if magic != MAGIC or suite != SUITE:
        raise _refusal()
    prekey = prekeys.get(key_id)
    if prekey is None:
        refusal = UnknownKeyError("a cell is sealed to a key that is not here")
        refusal.key_id = key_id
        raise refusal
    try:
        inner = _HPKE.decrypt(cell[_HEADER.size :], prekey.handle, _context(header, line))
    except (InvalidTag, ValueError) as error:
        raise _refusal() from error
    peer, padded = _open_inner(inner, header, day, secrets)
    packet, signature = _unpad(padded)
    return OpenedCell(packet, signature, peer, key_id, day)


def _open_inner(
    inner: bytes, header: bytes, day: int, secrets: Mapping[str, LineSecret]
) -> tuple[str, bytes]:
    for peer, secret in secrets.items():
        try:
            key = mac(secret.for_day(day), header)
        except PeerError:
            continue
        padded = open_xchacha(key, inner, header)
        if padded is not None:
            return peer, padded
    raise _refusal()


def _unpad(padded: bytes) -> tuple[bytes, bytes]:
    if len(padded) % PADDING_BYTES or not padded:
        raise _refusal()
    (size,) = _LENGTH.unpack_from(padded)
    end = _LENGTH.size + size + SIGNATURE_BYTES
    # Fewer than PADDING_BYTES of zeros: one packet has one padded length.
    if not 0 <= len(padded) - end < PADDING_BYTES or not _PADDING.startswith(padded[end:]):
        raise _refusal()
    return padded[_LENGTH.size : end - SIGNATURE_BYTES], padded[end - SIGNATURE_BYTES : end]
