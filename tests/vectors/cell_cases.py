"""Vectors of what stations write by themselves: orders, authorisations, packets, cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors import second_writer as w
from tests.vectors.case import REFUSED, Case
from tests.vectors.vector_line import AT, DAY, LATE, Holder, Line


def order_cases(line: Line) -> Iterator[Case]:
    ledger = line.north.ledger
    digest = w.identity(w.kind("statement"), w.canonical(line.statement()))

    def made(by: Holder = ledger, signer: str = "", **changes: Any) -> bytes:
        payload = _order(line, digest, **changes)
        message = w.pae(w.kind("order"), payload)
        entry = {"keyid": f"{signer or by.id}#ed25519", "sig": w.b64(by.key.ed25519(message))}
        return w.envelope(w.kind("order"), payload, [entry])

    def refused(name: str, about: str, encoded: bytes, reason: str, paragraph: str = "7.1") -> Case:
        return Case(name, about, paragraph, {"envelope": encoded}, REFUSED, reason)

    first = _order(line, digest)
    accepted = {"identity": w.identity(w.kind("order"), first), "verdict": "ACCEPTED"}
    yield Case("valid", "the first order", "7.1", {"envelope": made()}, accepted)
    following = {"seq": 2, "prev": accepted["identity"]}
    accepted = {
        "identity": w.identity(w.kind("order"), _order(line, digest, **following)),
        "verdict": "ACCEPTED",
    }
    yield Case(
        "valid-second", "it names the first", "7.1", {"envelope": made(**following)}, accepted
    )
    message = w.pae(w.kind("order"), first)
    officer = line.north.officers["n1"]
    entries = [
        {"keyid": f"{one.id}#ed25519", "sig": w.b64(one.key.ed25519(message))}
        for one in (ledger, officer)
    ]
    both = w.envelope(w.kind("order"), first, entries)
    yield refused("two-signatures", "an officer's besides", both, "exactly one")
    hybrid = w.signed("order", first, (ledger.id, ledger.key))
    yield refused("hybrid", "an ML-DSA half besides", hybrid, "bound", "20.2")
    yield refused("by-an-officer", "an officer's key", made(officer), "ledger key")
    yield refused("by-the-peer", "SOUTH's ledger key", made(line.south.ledger), "another station")
    forged = made(line.south.ledger, ledger.id)
    yield refused("impostor", "another key under the ledger's certificate", forged, "not verify")
    yield refused("another-line", "of another line", made(line="ab" * 32), "another line")
    yield refused("zeros-at-two", "zeros before the second", made(seq=2), "first one")
    yield refused("none-at-one", "something before the first", made(prev="ab" * 32), "first one")
    yield refused("from-zero", "seq 0", made(seq=0), "seq")


def _order(line: Line, digest: str, /, **changes: Any) -> bytes:
    body = {
        "digest": digest,
        "from": "NORTH",
        "generation": 1,
        "line": line.id,
        "prev": "00" * 32,
        "seq": 1,
    }
    return w.canonical(body | changes)


def authorisation_cases(line: Line) -> Iterator[Case]:
    one, two, again = (line.north.officers[label] for label in ("n1", "n2", "n3"))

    def body(**changes: Any) -> bytes:
        plain = {
            "act": "erase",
            "at": AT,
            "details": {"epoch": 202610},
            "line": line.id,
            "reason": "retention ended",
            "station": "NORTH",
            "v": 1,
        }
        return w.canonical(plain | changes)

    def made(*by: Holder, **changes: Any) -> bytes:
        signers = by or (one, two)
        return w.signed("authorisation", body(**changes), *((who.id, who.key) for who in signers))

    def refused(name: str, about: str, encoded: bytes, reason: str) -> Case:
        return Case(name, about, "4.14", {"envelope": encoded}, REFUSED, reason)

    accepted = {"identity": w.identity(w.kind("authorisation"), body()), "verdict": "ACCEPTED"}
    yield Case("valid", "two officers erase a month", "4.14", {"envelope": made()}, accepted)
    yield refused("one-person", "one officer", made(one), "1 persons")
    yield refused("person-twice", "n1 again as N1", made(one, again), "twice")
    yield refused("by-a-console", "a transport key", made(one, line.north.console), "officer's")
    yield refused("by-the-peer", "SOUTH's officer", made(one, line.south.officers["s1"]), "another")
    yield refused("by-a-stranger", "EAST's officer", made(one, line.east.officers["e1"]), "line")
    yield refused("another-line", "of another line", made(line="ab" * 32), "another line")
    yield refused("after-expiry", "made when nobody's key was valid", made(at=LATE), "cover")
    yield refused("unknown-act", "an act of no name", made(act="forget"), "act")
    yield refused("detail-negative", "a number below 0", made(details={"epoch": -1}), "detail")
    altered = json.loads(made()) | {"payload": w.b64(body(details={"epoch": 202611}))}
    yield refused("altered", "another month", w.canonical(altered), "not verify")


def _packet(line: Line, /, **changes: Any) -> bytes:
    """§7.2"""
    body = {
        "announcement": {
            "aseq": 1,
            "kind": "prekey",
            "not_after": "2026-11-23T14:31:26.000Z",
            "pk": w.b64(line.north.sealing),
        },
        "counter": 1,
        "from": "NORTH",
        "instance": "0f" * 16,
        "items": [
            {"at": AT, "digest": "ab" * 32, "t": "displayed"},
            {"code": "gap", "detail": "2", "t": "nack"},
        ],
        "line": line.id,
        "revocation": {"counter": 0, "digest": "00" * 32},
        "sent_at": AT,
        "to": "SOUTH",
        "to_kid": w.key_id(line.south.sealing).hex(),
        "v": 1,
    }
    return w.canonical(body | changes)


def _sign(packet: bytes, by: Holder) -> bytes:
    return by.key.ed25519(w.pae(w.kind("packet"), packet))


def packet_cases(line: Line) -> Iterator[Case]:
    """What came out of a cell at SOUTH: the bytes, their signature, who sealed, to which key."""
    console = line.north.console

    def given(packet: bytes, by: Holder = console, peer: str = "NORTH") -> dict[str, Any]:
        kid = w.key_id(line.south.sealing).hex()
        return {
            "packet": packet,
            "peer": peer,
            "signature": _sign(packet, by),
            "to_kid": kid,
            "us": "SOUTH",
        }

    valid = _packet(line)
    accepted = {"items": ["displayed", "nack"], "refused": [], "verdict": "ACCEPTED"}
    yield Case("valid", "two items", "7.4", given(valid), accepted)
    crafted = [{"t": "nonsense"}, {"at": AT, "digest": "ab" * 32, "t": "displayed"}, {"t": "hello"}]
    aside = {"items": ["displayed"], "refused": [0, 2], "verdict": "ACCEPTED"}
    about = "two items that cannot be read do not keep the third from being read"
    yield Case("items-set-aside", about, "7.3", given(_packet(line, items=crafted)), aside)
    hidden = [{"code": "gap", "detail": "\u202e", "t": "nack"}, crafted[1]]
    aside = aside | {"refused": [0]}
    about = "a refused character in one item"
    yield Case("item-with-bidi", about, "7.3", given(_packet(line, items=hidden)), aside)

    def refused(name: str, about: str, reason: str, inputs: dict[str, Any], at: str = "") -> Case:
        return Case(name, about, "7.4", inputs, REFUSED, reason, at)

    other = _packet(line, line="ab" * 32)
    yield refused("another-line", "of another line", "another line", given(other))
    yield refused("another-sealer", "EAST sealed it", "sealed it", given(valid, peer="EAST"))
    kid = _packet(line, to_kid="ab" * 16)
    yield refused("resealed", "written for another key", "another station or key", given(kid))
    third = _packet(line, to="EAST")
    yield refused("to-another", "written for EAST", "another station or key", given(third))
    own = _packet(line, **{"from": "SOUTH"})
    yield refused(
        "our-own", "sent back to us", "sent back", given(own, line.south.console, peer="SOUTH")
    )
    officer = line.north.officers["n1"]
    yield refused("by-an-officer", "an officer's key", "console key", given(valid, officer))
    peer = given(valid, line.south.console)
    yield refused("by-the-peer", "SOUTH's console key", "console key", peer)
    yield refused("console-expired", "no certificate", "valid now", given(valid), at=LATE)
    altered = given(valid) | {"packet": _packet(line, counter=2)}
    yield refused("altered", "its counter changed", "console key", altered)
    bare = given(valid) | {"signature": console.key.ed25519(valid)}
    yield refused("bare-signature", "not over PAE", "console key", bare)
    twice = valid.replace(b'"v":1}', b'"v":1,"v":1}')
    yield refused("duplicate-key", "`v` stands twice", "canonical", given(twice))
    many = _packet(line, items=[{}] * 65)
    yield refused("too-many-items", "65 items", "items", given(many))


def cell_cases(line: Line) -> Iterator[Case]:
    packet = _packet(line)
    signature = _sign(packet, line.north.console)
    whole = w.padded(packet, signature)
    where = {"public": line.south.sealing, "handle": line.south.handle, "line": line.id}

    def made(content: bytes = whole, **changes: Any) -> bytes:
        return w.seal(content, **(where | {"secret": line.secret, "day": DAY} | changes))

    def given(cell: bytes, **changes: Any) -> dict[str, Any]:
        plain = {
            "cell": cell,
            "line": line.id,
            "peer": "NORTH",
            "sealing_seed": line.south.seed.hex(),
            "secret": line.secret.hex(),
            "secret_day": DAY,
        }
        return plain | changes

    accepted = {
        "day": DAY,
        "packet": w.b64(packet),
        "signature": signature.hex(),
        "verdict": "ACCEPTED",
    }
    valid = made()
    yield Case("valid", "a packet of two items", "7.5", given(valid), accepted)
    tomorrow = made(secret=w.next_day(line.secret), day=DAY + 1)
    later = accepted | {"day": DAY + 1}
    yield Case("valid-next-day", "under the next day's secret", "7.6", given(tomorrow), later)

    def refused(name: str, about: str, cell: bytes, paragraph: str = "7.5", **changes: Any) -> Case:
        return Case(name, about, paragraph, given(cell, **changes), REFUSED, "a cell does not open")

    def flipped(place: int) -> bytes:
        return valid[:place] + bytes([valid[place] ^ 1]) + valid[place + 1 :]

    gone = {"verdict": "UNKNOWN-KEY"}
    yield Case("unknown-key", "the key id is not here", "7.5", given(flipped(7)), gone, "not here")
    yield refused("magic", "no HLC1", flipped(0))
    yield refused("suite-2", "an unknown suite", made(suite=2))
    yield refused("day-altered", "its day changed", flipped(24))
    yield refused("kem-altered", "a bit of the encapsulated key", flipped(25))
    yield refused("ciphertext-altered", "a bit of the ciphertext", flipped(1_200))
    yield refused("tag-altered", "the last bit", flipped(len(valid) - 1))
    yield refused("truncated", "the last byte is missing", valid[:-1])
    yield refused("trailing", "a byte too many", valid + b"\0")
    yield refused("header-only", "nothing but a header", valid[:25])
    yield refused("another-line", "sealed for another line", made(line="ab" * 32))
    wrong = made(secret=bytes(32))
    yield refused("wrong-secret", "under another line secret", wrong, "7.6")
    before = made(day=DAY - 1)
    yield refused("day-before", "of a day before the secret's", before, "7.6")
    ahead = made(day=DAY + 401)
    yield refused("day-far-ahead", "401 days ahead", ahead, "7.6")
    yield refused("padding-not-zero", "a one in the padding", made(whole[:-1] + b"\1"))
    yield refused("padding-too-long", "4,096 zeros too many", made(whole + bytes(4_096)))
    yield refused("padding-short", "not a multiple of 4,096", made(whole[:-1]))
    lying = (len(whole)).to_bytes(4, "big") + whole[4:]
    yield refused("length-beyond", "a length beyond the end", made(lying))
    yield refused("over-bound", "over 61,440 bytes", made(w.padded(bytes(60_000), signature)))
