"""Vectors of root records, certificates and charters."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.fakes import curve
from tests.vectors import second_writer as w
from tests.vectors.case import REFUSED, Case
from tests.vectors.vector_line import POLICY, Line, Station


def root_cases(line: Line) -> Iterator[Case]:
    key, successor = w.Key("root"), w.Key("root/next")
    digest, valid = w.root(key, successor)

    def refused(name: str, about: str, paragraph: str, encoded: bytes, reason: str) -> Case:
        return Case(name, about, paragraph, {"envelope": encoded}, REFUSED, reason)

    accepted = {"identity": digest, "verdict": "ACCEPTED"}
    yield Case("valid", "a root record, signed by itself", "4.6", {"envelope": valid}, accepted)
    body = w.root_body(key, successor)
    payload = w.canonical(body)
    message = w.pae(w.kind("root"), payload)
    mixed = w.envelope(w.kind("root"), payload, key.entries(digest, message, message + b" "))
    yield refused(
        "mldsa-half-of-other-bytes", "only its Ed25519 half verifies", "4.3", mixed, "verify"
    )
    foreign = w.signed("root", payload, (digest, successor))
    yield refused("signed-by-successor", "signed by another key", "4.6", foreign, "not verify")
    named = w.signed("root", payload, (line.north.digest, key))
    yield refused("under-another-key-id", "its key id is not its own", "4.4", named, "by itself")
    both = w.signed("root", payload, (digest, key), (line.north.digest, line.north.key))
    yield refused("signed-by-another-too", "a second signer", "4.6", both, "nobody else")
    for name, point in {
        "small-order-key": curve.encode(curve.IDENTITY),
        "non-canonical-key": curve.encodings(curve.IDENTITY)[2],
    }.items():
        # One signature fits every message: the curve's neutral point, and zero.
        keys = key.keys | {"ed25519": w.b64(point)}
        planted = w.canonical(body | {"keys": keys})
        own = w.identity(w.kind("root"), planted)
        entries = key.entries(own, w.pae(w.kind("root"), planted))
        entries[0]["sig"] = w.b64(curve.encode(curve.IDENTITY) + bytes(32))
        about = "its Ed25519 key is the curve's neutral point, under which one signature fits all"
        yield refused(
            name, about, "4.9", w.envelope(w.kind("root"), planted, entries), "prime-order"
        )
    _, lower = w.root(key, successor, station="north")
    yield refused("name-in-small-letters", "no station's name", "1.3", lower, "station")
    _, more = w.root(key, successor, comment="")
    yield refused("key-too-many", "a key that the document does not name", "4.6", more, "key")
    yield refused("other-kind", "says that it is a charter", "4.2", _as("charter", valid), "kind")


def _as(kind: str, encoded: bytes) -> bytes:
    return w.canonical(json.loads(encoded) | {"payloadType": w.kind(kind)})


def certificate_cases(line: Line) -> Iterator[Case]:
    north, key = line.north, w.Key("certificate")

    def made(prover: w.Key | None = None, by: Station = north, **changes: Any) -> bytes:
        payload = w.canonical(w.certificate_body(key, prover, **changes))
        return w.signed("certificate", payload, (by.digest, by.key))

    def refused(name: str, about: str, paragraph: str, encoded: bytes, reason: str) -> Case:
        return Case(name, about, paragraph, {"envelope": encoded}, REFUSED, reason)

    valid = made()
    payload = base64.b64decode(json.loads(valid)["payload"])
    accepted = {"identity": w.identity(w.kind("certificate"), payload), "verdict": "ACCEPTED"}
    yield Case("valid", "an officer's certificate", "4.8", {"envelope": valid}, accepted)
    renamed = payload.replace(b"Officer N1", b"Officer N2")
    altered = json.loads(valid) | {"payload": w.b64(renamed)}
    yield refused("altered", "its name changed", "4.3", w.canonical(altered), "not verify")
    widened = json.loads(payload) | {"usage": "ledger"}
    about = "the root wrote another usage than the holder of the key proved"
    resigned = w.signed("certificate", w.canonical(widened), (north.digest, north.key))
    yield refused("widened-usage", about, "4.8", resigned, "possession")
    stolen = made(w.Key("somebody else"))
    yield refused("unproved", "proved by another key", "4.8", stolen, "possession")
    long = made(not_after="2027-02-22T13:31:26.001Z")
    yield refused("too-long", "a millisecond over 92 days", "4.8", long, "92 days")
    back = made(not_before="2027-02-22T13:31:26.000Z", not_after="2026-11-22T13:31:26.000Z")
    yield refused("ends-before-it-begins", "negative validity", "4.8", back, "92 days")
    live = made(realm="LIVE")
    yield refused("live-by-exercise-root", "its realm is not its root's", "1.2", live, "realm")
    south = made(station="SOUTH")
    yield refused("other-station", "its station is not its root's", "4.8", south, "root's")
    stranger = made(by=line.east)
    yield refused("by-a-stranger", "its root is no member's", "4.11", stranger, "not a member")
    half = json.loads(valid)
    del half["signatures"][1]
    yield refused("one-half", "the ML-DSA half is missing", "4.3", w.canonical(half), "half")
    many = made(usage="statement transport")
    yield refused("two-usages", "more than one usage", "4.8", many, "usage")
    mixed = _mixed_order(line)
    about = "its Ed25519 key has a part of order 8; every signature verifies"
    yield refused("mixed-order-key", about, "4.9", mixed, "prime-order")
    shared = w.certificate_body(line.north.officers["n2"].key, person="n4")
    again = w.signed("certificate", w.canonical(shared), (north.digest, north.key))
    yield refused("key-of-another-person", "one key for two", "4.11", again, "one key serves")


def _mixed_order(line: Line) -> bytes:
    """Everything about it verifies, and still its key is not of the prime-order group."""
    key = w.Key("mixed order")
    body = w.certificate_body(
        key, keys=key.keys | {"ed25519": w.b64(curve.mixed_key(key.seeds[0]))}
    )
    proof = body.pop("proof")
    message = w.pae(w.kind("possession"), w.canonical(body))
    proof["ed25519"] = w.b64(curve.sign_mixed(key.seeds[0], message))
    payload = w.canonical(body | {"proof": proof})
    return w.signed("certificate", payload, (line.north.digest, line.north.key))


def charter_cases(line: Line) -> Iterator[Case]:
    def made(*signers: tuple[str, w.Key], **changes: Any) -> bytes:
        body = line.charter_body(**changes)
        return w.signed("charter", w.canonical(body), *(signers or line.roots))

    def refused(
        name: str, about: str, encoded: bytes, reason: str, paragraph: str = "4.10"
    ) -> Case:
        return Case(name, about, paragraph, {"envelope": encoded}, REFUSED, reason)

    accepted = {"identity": line.id, "verdict": "ACCEPTED"}
    given = {"envelope": line.charter}
    yield Case("valid", "a charter signed by both roots", "4.10", given, accepted)
    yield refused("one-root", "SOUTH has not signed", made(line.roots[0]), "every member's root")
    third = made(*line.roots, (line.east.digest, line.east.key))
    yield refused("a-stranger-too", "EAST signed, no member", third, "nobody else")
    swapped = made((line.north.digest, line.north.key), (line.south.digest, line.north.key))
    yield refused("signed-by-another", "NORTH's key in SOUTH's name", swapped, "does not verify")
    altered = line.charter.replace(
        w.b64(w.canonical(line.charter_body())).encode(),
        w.b64(w.canonical(line.charter_body(name="north-east"))).encode(),
    )
    yield refused("altered", "its name changed after signing", altered, "not verify", "4.3")
    alone = made(line.roots[0], members=line.members[:1])
    yield refused("one-member", "a line of one", alone, "members")
    twice = made(members=[line.members[0], line.members[0] | {"root": line.south.digest}])
    yield refused("member-twice", "NORTH under two roots", twice, "twice")
    live = made(realm="LIVE")
    yield refused("live-by-exercise-roots", "a realm of other roots", live, "realm", "1.2")
    renamed = made(members=[line.members[0], line.members[1] | {"station": "WEST"}])
    yield refused("member-by-another-name", "SOUTH's root as WEST", renamed, "another name")
    for name, about, reason, changes in (
        ("unknown-suite", "a floor above every suite", "suite", {"suite_floor": 2}),
        (
            "authentic-not-approved",
            "decides in a language not approved",
            "authentic",
            {"authentic": "de"},
        ),
        (
            "two-person-unsorted",
            "templates out of order",
            "sorted",
            {"two_person": ["sea/contact", "sea/commitment"]},
        ),
        ("test-period-too-short", "a test every second", "test_period_s", {"test_period_s": 1}),
        ("presence-as-number", "1 in the place of true", "presence", {"presence": 1}),
    ):
        yield refused(name, about, made(policy=POLICY | changes), reason)
    unknown = made(comment="")
    yield refused("key-too-many", "a key that the document does not name", unknown, "key")
