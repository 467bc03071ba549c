"""Attachments as sealed streams: chunks of secretstream under a key of their own.

The stream is the same in transit and at rest: who holds it can pass it on, count
it and compare its digest without the key, and read it only with the key.
Spec: docs/protocol.md §13.3
"""

from __future__ import annotations

from dataclasses import dataclass, field

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.messages.attachments import MAX_ATTACHMENT_BYTES
from hotline.core.seams import Entropy
from hotline.core.values import Digest, sha256

ATTACHMENT_TYPE = "application/vnd.hotline.attachment.v1"
ATTACHMENT_KEY_BYTES = sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES
CHUNK_BYTES = 32_768
PADDED_BYTES = 4_096
_HEADER_BYTES = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_ADDED_BYTES = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL

DAMAGED = "attachment: its sealed stream was altered, cut short or put together anew"


@dataclass(frozen=True, slots=True)
class SealedAttachment:
    """A sealed file: digests of the content and of the stream, and what opens it."""

    size: int
    digest: Digest
    sealed: Digest
    key: bytes = field(repr=False)
    stream: bytes = field(repr=False)


def stream_bytes(size: int) -> int:
    """Return how long the sealed stream of a file of `size` bytes is.

    Spec: docs/protocol.md §13.3
    """
    padded = _padded(size)
    chunks = -(-padded // CHUNK_BYTES)
    return _HEADER_BYTES + padded + chunks * _ADDED_BYTES


def _padded(size: int) -> int:
    return -(-size // PADDED_BYTES) * PADDED_BYTES


def _bound_to(line: Digest, digest: Digest, size: int) -> bytes:
    return canonical.pae(ATTACHMENT_TYPE, line + digest + size.to_bytes(8))


def seal_attachment(content: bytes, line: Digest, entropy: Entropy) -> SealedAttachment:
    """Seal a file for one line under a fresh key.

    Raises:
        InvariantError: it is empty or over MAX_ATTACHMENT_BYTES.
    Spec: docs/protocol.md §13.3
    """
    if not 1 <= len(content) <= MAX_ATTACHMENT_BYTES:
        raise InvariantError("a file that may not travel was to be sealed")
    key, digest = entropy(ATTACHMENT_KEY_BYTES), sha256(content)
    bound = _bound_to(line, digest, len(content))
    padded = content.ljust(_padded(len(content)), b"\0")
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    parts = [sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)]
    for at in range(0, len(padded), CHUNK_BYTES):
        tag = _FINAL if at + CHUNK_BYTES >= len(padded) else _MESSAGE
        chunk = padded[at : at + CHUNK_BYTES]
        parts.append(sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, bound, tag))
    stream = b"".join(parts)
    return SealedAttachment(len(content), digest, sha256(stream), key, stream)


def open_attachment(
    stream: bytes, key: bytes, *, line: Digest, size: int, digest: Digest, sealed: Digest
) -> bytes:
    """Return the file whose size and digests a statement signs, or nothing of it.

    Raises:
        PeerError: the stream or what is in it is not what was signed.
    Spec: docs/protocol.md §13.4
    """
    if len(stream) != stream_bytes(size) or sha256(stream) != sealed:
        raise PeerError("attachment: its sealed stream is not the one that was signed")
    try:
        padded = _opened(stream, key, _bound_to(line, digest, size))
    except (CryptoError, ValueError) as error:
        raise PeerError(DAMAGED) from error
    content = padded[:size]
    if len(padded) != _padded(size) or any(padded[size:]):
        raise PeerError("attachment: it is not padded as it must be")
    if sha256(content) != digest:
        raise PeerError("attachment: its content is not what was signed")
    return content


def _opened(stream: bytes, key: bytes, bound: bytes) -> bytes:
    """Open every chunk; the last one, and no other, must say that it is the last."""
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = stream[:_HEADER_BYTES]
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    parts = []
    step = CHUNK_BYTES + _ADDED_BYTES
    for at in range(_HEADER_BYTES, len(stream), step):
        chunk, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(
            state, stream[at : at + step], bound
        )
        if (tag == _FINAL) != (at + step >= len(stream)):
            raise PeerError(DAMAGED)
        parts.append(chunk)
    return b"".join(parts)
