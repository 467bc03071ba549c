"""Vectors of statements: the envelope's faults, the signers', the bytes'."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors import second_writer as w
from tests.vectors.case import REFUSED, Case
from tests.vectors.vector_line import AT, LATE, TWO_PERSON, Holder, Line

TYPE = w.kind("statement")


def sealed(payload: bytes, *holders: Holder, kind: str = "statement") -> bytes:
    return w.signed(kind, payload, *((one.id, one.key) for one in holders))


def refused(name: str, about: str, paragraph: str, encoded: bytes, reason: str) -> Case:
    return Case(name, about, paragraph, {"envelope": encoded}, REFUSED, reason)


def statement_cases(line: Line) -> Iterator[Case]:
    yield from _accepted(line)
    yield from _envelopes(line)
    yield from _signers(line)
    yield from _bytes(line)


def _accepted(line: Line) -> Iterator[Case]:
    one, two = line.north.officers["n1"], line.north.officers["n2"]
    payload = w.canonical(line.statement())
    given = {"envelope": sealed(payload, one)}
    digest = w.identity(TYPE, payload)
    good = {"identity": digest, "signers": [one.id], "verdict": "VERIFIED"}
    yield Case("valid", "one officer signed", "4.12", given, good)
    late = good | {"verdict": "UNVERIFIED"}
    about = "arrived when its signer's certificate had expired"
    yield Case("valid-but-late", about, "4.12", given, late, at=LATE)
    early = good | {"verdict": "UNVERIFIED"}
    about = "arrived before its signer's certificate began"
    yield Case("valid-but-early", about, "4.12", given, early, at="2026-11-22T13:31:25.999Z")
    template = {"digest": "ab" * 32, "id": TWO_PERSON, "version": 1}
    both = w.canonical(line.statement(one, two, template=template, need=2))
    expected = {
        "identity": w.identity(TYPE, both),
        "signers": [one.id, two.id],
        "verdict": "VERIFIED",
    }
    given = {"envelope": sealed(both, one, two)}
    yield Case("valid-two-persons", "the charter asks for two", "4.12", given, expected)


def _stray(text: str) -> str:
    """Spell the same bytes otherwise: four bits of the last letter count for nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-3] + alphabet[alphabet.index(text[-3]) + 1] + "=="


def _envelopes(line: Line) -> Iterator[Case]:
    one, two = line.north.officers["n1"], line.north.officers["n2"]
    body = line.statement()
    payload = w.canonical(body)
    valid = json.loads(sealed(payload, one))
    other = w.canonical(body | {"text": "EXERCISE: not closing."})

    def envelope(**changes: Any) -> bytes:
        return w.canonical(valid | changes)

    yield refused("altered", "its text changed", "4.3", envelope(payload=w.b64(other)), "verify")
    first, second = valid["signatures"]
    yield refused("one-half", "no ML-DSA half", "4.3", envelope(signatures=[first]), "half")
    yield refused("other-half", "no Ed25519 half", "4.3", envelope(signatures=[second]), "half")
    halves = [first, json.loads(sealed(other, one))["signatures"][1]]
    about = "halves of two signatures by one officer over two texts"
    yield refused("halves-of-two", about, "4.3", envelope(signatures=halves), "not verify")
    strange = [first, json.loads(sealed(payload, two))["signatures"][1]]
    about = "one half by each of two officers"
    yield refused("halves-by-two", about, "4.3", envelope(signatures=strange), "half")
    twice = [first, second, first]
    yield refused("key-id-twice", "one half twice", "4.2", envelope(signatures=twice), "twice")
    order = envelope(payloadType=w.kind("order"))
    yield refused("other-kind", "says that it is an order", "4.2", order, "kind")
    confused = sealed(payload, one, kind="authorisation")
    renamed = confused.replace(b"hotline.authorisation.v1", b"hotline.statement.v1")
    about = "signed as an authorisation, shown as a statement"
    yield refused("kind-confused", about, "4.2", renamed, "not verify")
    empty = envelope(signatures=[])
    yield refused("unsigned", "no signature", "4.2", empty, "signatures")
    short = [first, second | {"sig": second["sig"][:-4]}]
    yield refused("short-signature", "cut", "4.2", envelope(signatures=short), "length")
    for name, about, sig in (
        ("base64-unpadded", "base64 without its padding", first["sig"].rstrip("=")),
        ("base64-stray-bits", "base64 whose last bits say nothing", _stray(first["sig"])),
        ("base64-of-urls", "the other alphabet", "-_" + first["sig"][2:]),
    ):
        spelled = envelope(signatures=[first | {"sig": sig}, second])
        yield refused(name, about, "2.2", spelled, "base64")
    spaced = json.dumps(valid, sort_keys=True).encode()
    yield refused("envelope-with-spaces", "spaces in the envelope", "2.2", spaced, "canonical")
    yield refused("truncated", "the last byte is missing", "2.2", envelope()[:-1], "JSON")


def _signers(line: Line) -> Iterator[Case]:
    north, south, east = line.north, line.south, line.east
    one, two, again = (north.officers[label] for label in ("n1", "n2", "n3"))

    def by(*holders: Holder, sign: tuple[Holder, ...] = (), **changes: Any) -> bytes:
        return sealed(w.canonical(line.statement(*holders, **changes)), *(sign or holders))

    commitment = {"digest": "ab" * 32, "id": TWO_PERSON, "version": 1}
    for name, about, reason, encoded in (
        ("by-a-console", "a transport key signed", "transport", by(north.console)),
        ("by-a-ledger", "a ledger key signed", "ledger key", by(north.ledger)),
        (
            "by-the-peer",
            "an officer of SOUTH for NORTH",
            "another station",
            by(south.officers["s1"]),
        ),
        ("by-one-unnamed", "n2 is not in `by`", "does not name", by(one, sign=(two,))),
        ("person-twice", "person n1 again as N1", "same person", by(one, again)),
        ("one-where-two", "the charter asks for two", "1 of 2", by(one, template=commitment)),
        (
            "one-of-need-two",
            "its own need asks for two",
            "1 of 2",
            by(one, two, sign=(one,), need=2),
        ),
        ("another-line", "made for another line", "another line", by(one, line="ab" * 32)),
        ("live", "LIVE on an EXERCISE line", "realm", by(one, realm="LIVE")),
        ("to-a-stranger", "EAST is no member", "outside the charter", by(one, to=["EAST"])),
        ("from-a-stranger", "from EAST", "outside the charter", by(one, **{"from": "EAST"})),
    ):
        yield refused(name, about, "4.12", encoded, reason)
    unknown = {"envelope": by(east.officers["e1"])}
    about = "signed under a certificate that is not here: ask for it"
    yield Case("unknown-signer", about, "8.3", unknown, {"verdict": "UNKNOWN-SIGNER"}, "not in")
    impostor = w.canonical(line.statement())
    forged = w.signed("statement", impostor, (one.id, east.officers["e1"].key))
    yield refused("impostor", "another key under n1's certificate", "4.3", forged, "not verify")
    lowered = json.loads(by(one, two, need=2, template=commitment))
    body = line.statement(one, two, template=commitment)
    del lowered["signatures"][2:]
    lowered["payload"] = w.b64(w.canonical(body))
    about = "need lowered after signing, one signature taken away"
    yield refused("need-lowered", about, "4.12", w.canonical(lowered), "1 of 2")


def _bytes(line: Line) -> Iterator[Case]:
    """Well signed, and still not what may be said: the signer is no better than its bytes."""
    one = line.north.officers["n1"]
    body = line.statement()
    payload = w.canonical(body)
    less = {name: value for name, value in body.items() if name != "lang"}
    deep: Any = {}
    for _ in range(13):
        deep = {"a": deep}
    for name, about, paragraph, reason, written in (
        (
            "duplicate-key",
            "`v` stands twice",
            "2.2",
            "canonical",
            payload.replace(b'"v":1}', b'"v":1,"v":1}'),
        ),
        (
            "keys-unsorted",
            "keys in another order",
            "2.2",
            "canonical",
            b'{"v":1,' + payload[1:].replace(b',"v":1}', b"}"),
        ),
        (
            "spaces",
            "a space in the payload",
            "2.2",
            "canonical",
            payload.replace(b'"v":1}', b'"v": 1}'),
        ),
        (
            "escaped",
            "a letter written as an escape",
            "2.2",
            "canonical",
            payload.replace(b"closing", b"\\u0063losing"),
        ),
        (
            "fraction",
            "a number with a fraction",
            "2.1",
            "fraction",
            w.canonical(body | {"need": 1.0}),
        ),
        ("large-integer", "2^53", "2.1", "2^53", w.canonical(body | {"need": 2**53})),
        ("true-for-one", "true in the place of 1", "2.2", "v", w.canonical(body | {"v": True})),
        (
            "not-utf8",
            "a byte that is no UTF-8",
            "2.1",
            "UTF-8",
            payload.replace(b"fast", b"f\xffst"),
        ),
        (
            "bidi-override",
            "U+202E in the text",
            "2.3",
            "U+202E",
            w.canonical(body | {"text": "EXERCISE \u202e closing"}),
        ),
        (
            "zero-width",
            "U+200B in a field",
            "2.3",
            "U+200B",
            w.canonical(body | {"fields": {"track": "T4\u200b471"}}),
        ),
        (
            "escape-sequence",
            "U+001B in the text",
            "2.3",
            "U+001B",
            w.canonical(body | {"text": "\x1b[2J"}),
        ),
        (
            "not-nfc",
            "a decomposed letter",
            "2.3",
            "NFC",
            w.canonical(body | {"text": "a\u0300 vous"}),
        ),
        (
            "five-marks",
            "five combining marks",
            "2.3",
            "U+",
            w.canonical(body | {"text": "x" + "\u0332" * 5}),
        ),
        (
            "newline-in-marking",
            "a newline in a name",
            "2.3",
            "U+000A",
            w.canonical(body | {"marking": "A\nB"}),
        ),
        ("deep", "nested 13 deep", "2.2", "deep", w.canonical(body | {"fields": deep})),
        (
            "too-long",
            "over 16,384 bytes",
            "3.1",
            "bound",
            w.canonical(body | {"attachments": ["x" * 16_384]}),
        ),
        ("key-missing", "no `lang`", "3.2", "missing or unknown", w.canonical(less)),
        (
            "key-unknown",
            "`cc` besides",
            "3.2",
            "missing or unknown",
            w.canonical(body | {"cc": []}),
        ),
        (
            "no-such-day",
            "the 30th of February",
            "2.1",
            "time",
            w.canonical(body | {"at": AT.replace("11-22", "02-30")}),
        ),
        (
            "precedence-unknown",
            "URGENT",
            "3.2",
            "precedence",
            w.canonical(body | {"precedence": "URGENT"}),
        ),
        (
            "signer-twice",
            "one certificate twice in `by`",
            "3.2",
            "twice",
            w.canonical(body | {"by": [one.id, one.id]}),
        ),
    ):
        yield refused(name, about, paragraph, sealed(written, one), reason)
