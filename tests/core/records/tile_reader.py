"""A reader of C2SP tlog-tiles that shares no code with the exporter."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 over hashes, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node(mth(hashes[:half]), mth(hashes[half:]))


def name_of(prefix: str, number: int, width: int) -> str:
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{prefix}/{path}" + ("" if width == 256 else f".p/{width}")


def level_of(files: Mapping[str, bytes], level: int, size: int) -> list[bytes]:
    """Return every hash of one level, from full and partial tiles."""
    count, hashes = size // 256**level, []
    for number in range(-(-count // 256)):
        width = min(256, count - number * 256)
        found = files[name_of(str(level), number, width)]
        assert len(found) == 32 * width
        hashes += [found[at : at + 32] for at in range(0, len(found), 32)]
    return hashes


def read_entries(files: Mapping[str, bytes], size: int) -> list[bytes]:
    leaves: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        bundle, at = files[name_of("entries", number, width)], 0
        while at < len(bundle):
            length = int.from_bytes(bundle[at : at + 2], "big")
            leaves.append(bundle[at + 2 : at + 2 + length])
            at += 2 + length
        assert at == len(bundle)
    assert len(leaves) == size
    return leaves


def read_tiles(files: Mapping[str, bytes], size: int) -> tuple[list[bytes], bytes]:
    """Return every leaf and the root, after each tile was compared with the level below."""
    leaves = read_entries(files, size)
    hashes = level_of(files, 0, size)
    assert hashes == [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    root, level, used = mth(hashes), 0, 0
    while True:
        found = level_of(files, level, size)
        used += -(-len(found) // 256) * (2 if level == 0 else 1)
        if len(found) < 256:
            break
        above = [mth(found[at : at + 256]) for at in range(0, len(found) - 255, 256)]
        level += 1
        assert level_of(files, level, size) == above
    assert len([name for name in files if name.startswith("tile/")]) == used
    return leaves, root
