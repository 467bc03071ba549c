"""Sealed attachments: nothing of a stream opens that is not, to the byte, what was signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import nacl.bindings as sodium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.core.errors import InvariantError, PeerError
from hotline.core.messages.attachments import MAX_ATTACHMENT_BYTES
from hotline.core.values import Digest, sha256
from hotline.host.entropy import system_entropy
from hotline.sealing.attachment import (
    CHUNK_BYTES,
    PADDED_BYTES,
    SealedAttachment,
    open_attachment,
    seal_attachment,
    stream_bytes,
)
from hotline.sealing.attachment_items import (
    AttachmentKeyItem,
    AttachmentStateItem,
    ChunkItem,
    ChunksWantedItem,
)
from hotline.sealing.items import Item, decode_item, encode_item

LINE, OTHER_LINE = Digest(b"\1" * 32), Digest(b"\2" * 32)
HEADER, STEP = 24, CHUNK_BYTES + 17
THREE = system_entropy(3 * CHUNK_BYTES)


def sealed(content: bytes = THREE, line: Digest = LINE) -> SealedAttachment:
    return seal_attachment(content, line, system_entropy)


def opened(made: SealedAttachment, stream: bytes | None = None, line: Digest = LINE) -> bytes:
    """Open a stream under the digest of its own: what is left to find is inside."""
    stream = made.stream if stream is None else stream
    return open_attachment(
        stream, made.key, line=line, size=made.size, digest=made.digest, sealed=sha256(stream)
    )


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=3 * PADDED_BYTES))
def test_file_sealed_and_opened_is_the_same(content: bytes) -> None:
    made = sealed(content)
    assert opened(made) == content
    assert len(made.stream) == stream_bytes(len(content))
    assert content[:64] not in made.stream or len(content) < 8


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 100_000])
def test_stream_tells_its_size_in_steps_only(size: int) -> None:
    made = sealed(system_entropy(size))
    assert opened(made)
    assert len(made.stream) == stream_bytes(size)
    assert stream_bytes(size) == stream_bytes(-(-size // PADDED_BYTES) * PADDED_BYTES)


def test_largest_file_opens_and_an_empty_or_larger_one_is_not_sealed() -> None:
    assert opened(sealed(bytes(MAX_ATTACHMENT_BYTES))) == bytes(MAX_ATTACHMENT_BYTES)
    for size in (0, MAX_ATTACHMENT_BYTES + 1):
        with pytest.raises(InvariantError):
            sealed(bytes(size))


def test_one_file_sealed_twice_has_nothing_in_common() -> None:
    one, other = sealed(), sealed()
    assert one.digest == other.digest
    assert one.sealed != other.sealed
    assert one.key != other.key
    assert one.key.hex() not in repr(one)


def chunks(stream: bytes) -> list[bytes]:
    return [stream[at : at + STEP] for at in range(HEADER, len(stream), STEP)]


def swapped(made: SealedAttachment) -> bytes:
    first, second, last = chunks(made.stream)
    return made.stream[:HEADER] + second + first + last


def doubled(made: SealedAttachment) -> bytes:
    first, _, last = chunks(made.stream)
    return made.stream[:HEADER] + first + first + last


def of_another(made: SealedAttachment) -> bytes:
    """Another attachment under the same key, of which one chunk is put in."""
    first, _, last = chunks(made.stream)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_push(state, made.key)
    foreign = sodium.crypto_secretstream_xchacha20poly1305_push(state, bytes(CHUNK_BYTES))
    return made.stream[:HEADER] + first + foreign + last


def other_header(made: SealedAttachment) -> bytes:
    return bytes(HEADER) + made.stream[HEADER:]


def pushed(made: SealedAttachment, tags: list[int], bound: bytes) -> bytes:
    """Return a stream of whoever has the key, with other tags or bound to something else."""
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    out = [sodium.crypto_secretstream_xchacha20poly1305_init_push(state, made.key)]
    for place, tag in enumerate(tags):
        part = THREE[place * CHUNK_BYTES :][:CHUNK_BYTES]
        out.append(sodium.crypto_secretstream_xchacha20poly1305_push(state, part, bound, tag))
    return b"".join(out)


def bound_of(made: SealedAttachment) -> bytes:
    from hotline.sealing.attachment import _bound_to

    return _bound_to(LINE, made.digest, made.size)


def no_end(made: SealedAttachment) -> bytes:
    return pushed(made, [0, 0, 0], bound_of(made))


def early_end(made: SealedAttachment) -> bytes:
    return pushed(made, [0, 3, 3], bound_of(made))


def unbound(made: SealedAttachment) -> bytes:
    return pushed(made, [0, 0, 3], b"")


@pytest.mark.parametrize(
    "spoil",
    [swapped, doubled, of_another, other_header, no_end, early_end, unbound],
    ids=lambda spoil: spoil.__name__,
)
def test_stream_put_together_anew_is_refused(spoil: Callable[[SealedAttachment], bytes]) -> None:
    made = sealed()
    assert opened(made, pushed(made, [0, 0, 3], bound_of(made))) == THREE
    stream = spoil(made)
    assert len(stream) == len(made.stream)
    with pytest.raises(PeerError, match="altered, cut short or put together anew"):
        opened(made, stream)


@pytest.mark.parametrize("cut", [1, 17, STEP, 2 * STEP, 3 * STEP])
def test_stream_cut_short_or_continued_is_refused(cut: int) -> None:
    made = sealed()
    for stream in (made.stream[:-cut], made.stream + made.stream[-cut:], b""):
        with pytest.raises(PeerError, match="not the one that was signed"):
            opened(made, stream)


def test_stream_with_a_flipped_bit_is_refused_by_its_digest_and_without_it() -> None:
    made = sealed(b"words" * 1_000)
    for at in (0, HEADER, HEADER + 100, len(made.stream) - 1):
        stream = bytearray(made.stream)
        stream[at] ^= 1
        with pytest.raises(PeerError):
            opened(made, bytes(stream))
        with pytest.raises(PeerError, match="not the one that was signed"):
            open_attachment(
                bytes(stream),
                made.key,
                line=LINE,
                size=made.size,
                digest=made.digest,
                sealed=made.sealed,
            )


def test_other_key_line_size_or_content_than_was_signed_is_refused() -> None:
    made, other = sealed(), sealed(system_entropy(3 * CHUNK_BYTES))
    for wrong in (
        replace(made, key=other.key),
        replace(made, digest=other.digest),
        replace(made, size=made.size - 1),
    ):
        with pytest.raises(PeerError):
            opened(wrong)
    with pytest.raises(PeerError):
        opened(made, line=OTHER_LINE)


def test_padding_that_is_not_zeros_is_refused() -> None:
    made = sealed(b"short")
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, made.key)
    padded = b"short".ljust(PADDED_BYTES - 1, b"\0") + b"\1"
    body = sodium.crypto_secretstream_xchacha20poly1305_push(state, padded, bound_of(made), 3)
    with pytest.raises(PeerError, match="padded"):
        opened(made, header + body)


def test_content_other_than_was_signed_is_refused_though_the_sender_sealed_it() -> None:
    made = sealed(b"signed")
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, made.key)
    padded = b"forged".ljust(PADDED_BYTES, b"\0")
    body = sodium.crypto_secretstream_xchacha20poly1305_push(state, padded, bound_of(made), 3)
    with pytest.raises(PeerError, match="its content is not what was signed"):
        opened(made, header + body)


ITEMS: list[Item] = [
    ChunksWantedItem(statement=LINE, place=3, first=511, key=True),
    AttachmentKeyItem(statement=LINE, place=0, key=b"k" * 32),
    ChunkItem(statement=LINE, place=0, index=7, content=b"\0" * 32_768),
    AttachmentStateItem(statement=LINE, place=0, state="REFUSED", reason="no room"),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.t)
def test_item_written_and_read_is_the_same_and_shows_no_secret(item: Item) -> None:
    assert decode_item(encode_item(item)) == item
    assert "kkkk" not in repr(item)
    assert "content" not in repr(item)


@pytest.mark.parametrize(
    ("item", "before", "after"),
    [
        (ITEMS[0], b'"place":3', b'"place":16'),
        (ITEMS[0], b'"place":3', b'"place":-1'),
        (ITEMS[0], b'"key":true', b'"key":1'),
        (ITEMS[0], b'"first":511', b'"first":9007199254740992'),
        (ITEMS[1], b'"key":"a2tr', b'"key":"'),
        (ITEMS[2], b'"content":"AA', b'"content":"AAAAAA'),
        (ITEMS[3], b"REFUSED", b"PERHAPS"),
        (ITEMS[3], b"no room", b"no\\nroom"),
    ],
)
def test_item_out_of_bounds_is_refused(item: Item, before: bytes, after: bytes) -> None:
    encoded = encode_item(item)
    assert before in encoded
    with pytest.raises(PeerError):
        decode_item(encoded.replace(before, after, 1))
