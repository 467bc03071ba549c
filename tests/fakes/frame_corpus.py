"""Websocket frames as a hostile client writes them: what RFC 6455 forbids, and its edges.

    for case in CORPUS:
        socket.transport.write(case.raw)    # masked, as a client's are
        # the listener closes with one of case.codes; or, where there are none, goes on

It stands for Autobahn's fuzzing client, which needs an interpreter that is no longer made;
its sections 1 (framing), 2 (pings), 3 (reserved bits), 4 (opcodes), 5 (fragments), 6 (UTF-8)
and 7 (closing) are the groups here. Sections 9 (sizes) and 12, 13 (compression) have no
counterpart: sizes are bounded far lower, and nothing is compressed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"
PROTOCOL_ERROR, BAD_DATA, TOO_BIG, REFUSED = 1002, 1007, 1009, 4400


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    width: int | None = None,
    length: int | None = None,
) -> bytes:
    """Return one frame.

    Args:
        reserved: The three reserved bits, 1 to 7.
        width: Bytes of the extended length: 0, 2 or 8; None for the shortest that fits.
        length: What the header claims, if not the payload's own.
    """
    size = len(payload) if length is None else length
    if width is None:
        width = 0 if size < 126 else 2 if size < 65_536 else 8
    first = opcode | reserved << 4 | fin << 7
    masked = 0x80 if mask is not None else 0
    head = bytes((first, masked | {0: size & 0x7F, 2: 126, 8: 127}[width]))
    head += {0: b"", 2: struct.pack(">H", size & 0xFFFF), 8: struct.pack(">Q", size)}[width]
    if mask is None:
        return head + payload
    hidden = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + hidden


@dataclass(frozen=True)
class Case:
    """Bytes to write, and the codes one of which ends the session; none: it goes on."""

    name: str
    raw: bytes
    codes: tuple[int, ...] = ()


def _closing(code: int | None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, (b"" if code is None else struct.pack(">H", code)) + reason)


BELOW = (
    *(
        Case(f"reserved bits {bits}", frame(BINARY, b"x", reserved=bits), (PROTOCOL_ERROR,))
        for bits in range(1, 8)
    ),
    *(
        Case(f"reserved bits {bits} in a ping", frame(PING, b"x", reserved=bits), (PROTOCOL_ERROR,))
        for bits in (1, 4)
    ),
    *(
        Case(f"opcode {opcode}", frame(opcode, b"x"), (PROTOCOL_ERROR,))
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    Case("no mask", frame(BINARY, b"x", mask=None), (PROTOCOL_ERROR,)),
    Case("ping without a mask", frame(PING, b"x", mask=None), (PROTOCOL_ERROR,)),
    Case("close without a mask", frame(CLOSE, b"\x03\xe8", mask=None), (PROTOCOL_ERROR,)),
    *(
        Case(f"{name} in fragments", frame(opcode, b"x", fin=False), (PROTOCOL_ERROR,))
        for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE))
    ),
    *(
        Case(f"{name} of 126 bytes", frame(opcode, b"x" * 126), (PROTOCOL_ERROR,))
        for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE))
    ),
    Case("ping of 64 KiB less one", frame(PING, bytes(65_535)), (PROTOCOL_ERROR,)),
    Case("continuation of nothing", frame(CONTINUED, b"x"), (PROTOCOL_ERROR,)),
    Case("continuation of nothing, unended", frame(CONTINUED, b"x", fin=False), (PROTOCOL_ERROR,)),
    Case(
        "message within a message",
        frame(BINARY, b"x", fin=False) + frame(BINARY, b"y"),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "text within a binary message",
        frame(BINARY, b"x", fin=False) + frame(TEXT, b"y"),
        (PROTOCOL_ERROR,),
    ),
    Case("close of one byte", frame(CLOSE, b"\x03"), (PROTOCOL_ERROR,)),
    *(
        Case(f"close with {code}", _closing(code), (PROTOCOL_ERROR,))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    ),
    Case("close with a reason that is no UTF-8", _closing(1000, b"\xff"), (PROTOCOL_ERROR, 1007)),
    Case("length over the bound", frame(BINARY, length=65_537), (TOO_BIG,)),
    Case("length of 2 GiB", frame(BINARY, length=1 << 31), (TOO_BIG,)),
    Case("length of 2^63-1", frame(BINARY, length=(1 << 63) - 1), (TOO_BIG, PROTOCOL_ERROR)),
    Case("length with its highest bit", frame(BINARY, length=1 << 63), (TOO_BIG, PROTOCOL_ERROR)),
    Case(
        "fragments over the bound",
        frame(BINARY, bytes(40_000), fin=False) + frame(CONTINUED, bytes(40_000)),
        (TOO_BIG,),
    ),
    Case(
        "5,000 fragments",
        frame(BINARY, b"\x01", fin=False) + frame(CONTINUED, b"x", fin=False) * 5_000,
        (TOO_BIG,),
    ),
    Case(
        "5,000 fragments of nothing",
        frame(BINARY, fin=False) + frame(CONTINUED, fin=False) * 5_000,
        (TOO_BIG,),
    ),
)
"""What the library refuses: the same before a session is open and in one."""

REFUSED_ABOVE = (
    Case("nothing", frame(BINARY), (REFUSED,)),
    Case("text", frame(TEXT, b"a text"), (REFUSED,)),
    Case("empty text", frame(TEXT), (REFUSED,)),
    Case("text in fragments", frame(TEXT, b"a", fin=False) + frame(CONTINUED, b"b"), (REFUSED,)),
    *(
        Case(f"UTF-8 broken: {bad.hex()}", frame(TEXT, bad), (BAD_DATA,))
        for bad in (
            b"\xff",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xe4\xbd",
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80",
        )
    ),
    Case(
        "UTF-8 broken in the second fragment",
        frame(TEXT, b"\xce", fin=False) + frame(CONTINUED, b"\xff"),
        (BAD_DATA,),
    ),
    *(
        Case(f"type {kind}", frame(BINARY, bytes((kind,)) + b"x" * 8), (REFUSED,))
        for kind in (0, 10, 255)
    ),
    Case(
        "junk in three fragments",
        frame(BINARY, b"\xff", fin=False) + frame(CONTINUED, fin=False) + frame(CONTINUED, b"junk"),
        (REFUSED,),
    ),
)
"""What is well-formed and no frame of ours."""

IN_A_SESSION = (
    *(
        Case(f"handshake frame {kind}", frame(BINARY, bytes((kind,)) + bytes(size)), (REFUSED,))
        for kind, size in ((5, 40), (6, 225), (7, 152), (8, 5), (9, 2))
    ),
    Case("cell of nothing", frame(BINARY, b"\x01"), (REFUSED,)),
    Case("cell over its bound", frame(BINARY, b"\x01" + bytes(61_441)), (REFUSED,)),
    Case("ping frame of 7 bytes", frame(BINARY, b"\x02" + bytes(7)), (REFUSED,)),
    Case("ping frame of 9 bytes", frame(BINARY, b"\x02" + bytes(9)), (REFUSED,)),
    Case("pong frame of 0 bytes", frame(BINARY, b"\x03"), (REFUSED,)),
    Case("bye frame of 1 byte", frame(BINARY, b"\x04\x03"), (REFUSED,)),
    Case("bye", frame(BINARY, b"\x04\x03\xe9"), (1000,)),
    *(
        Case(f"close with {code}", _closing(code), (code,))
        for code in (1000, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999)
    ),
    Case("close with nothing", _closing(None), (1005,)),
    Case("close with a reason", _closing(1000, "fré".encode() * 20), (1000,)),
    Case("close and more behind it", _closing(1000) + frame(BINARY, b"\xff"), (1000,)),
)
"""What ends a session with a code of its own."""

GOES_ON = (
    Case("ping of nothing", frame(PING)),
    Case("ping of 125 bytes", frame(PING, bytes(125))),
    Case("pong that nobody asked for", frame(PONG, b"x" * 125)),
    Case("pong of ours that nobody waits for", frame(BINARY, b"\x03" + bytes(8))),
    Case("mask of zeros", frame(BINARY, b"\x03" + bytes(8), mask=bytes(4))),
    Case("length in two bytes that fits one", frame(BINARY, b"\x03" + bytes(8), width=2)),
    Case("length in eight bytes that fits one", frame(BINARY, b"\x03" + bytes(8), width=8)),
    Case(
        "ping between fragments",
        frame(BINARY, b"\x03", fin=False) + frame(PING, b"x") + frame(CONTINUED, bytes(8)),
    ),
    Case(
        "fragments of one byte",
        frame(BINARY, b"\x03", fin=False)
        + frame(CONTINUED, b"\0", fin=False) * 7
        + frame(CONTINUED, b"\0"),
    ),
    Case(
        "empty fragments around a message",
        frame(BINARY, fin=False)
        + frame(CONTINUED, fin=False) * 50
        + frame(CONTINUED, b"\x03" + bytes(8), fin=False)
        + frame(CONTINUED),
    ),
)
"""What is odd and allowed: the session goes on, and the next ping is answered."""
