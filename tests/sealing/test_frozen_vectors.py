"""Every file of tests/vectors/v1: written by another writer, judged here as it says.

A failure means that a format or a rule changed: give it a new version instead, and
write vectors for that. Spec: docs/protocol.md §20.8
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import IntegrityError, PeerError
from hotline.core.messages.statement import MAX_STATEMENT_BYTES
from hotline.core.times import parse_time
from hotline.core.values import digest_from_hex, sha256
from hotline.sealing.authorisation import (
    MAX_AUTHORISATION_BYTES,
    MAX_AUTHORISATION_ENVELOPE_BYTES,
    verify_authorisation,
)
from hotline.sealing.cell import OpenedCell, UnknownKeyError, open_cell
from hotline.sealing.certificate import MAX_CERTIFICATE_BYTES, MAX_CERTIFICATE_ENVELOPE_BYTES
from hotline.sealing.charter import (
    MAX_CHARTER_BYTES,
    MAX_CHARTER_ENVELOPE_BYTES,
    read_charter,
    verify_charter,
)
from hotline.sealing.line_secret import LineSecret, combine_halves
from hotline.sealing.order import (
    MAX_ORDER_BYTES,
    MAX_ORDER_ENVELOPE_BYTES,
    order_digest,
    verify_order,
)
from hotline.sealing.packet import verify_packet
from hotline.sealing.prekey import Prekey
from hotline.sealing.root import MAX_ROOT_BYTES, MAX_ROOT_ENVELOPE_BYTES, verify_root
from hotline.sealing.roster import Roster
from hotline.sealing.statements import (
    MAX_STATEMENT_ENVELOPE_BYTES,
    UnknownSignerError,
    verify_statement,
)

HERE = Path(__file__).resolve().parents[1]
VECTORS = HERE / "vectors" / "v1"
PROTOCOL = HERE.parent / "docs" / "protocol.md"
FILES = sorted(path.relative_to(VECTORS).as_posix() for path in VECTORS.glob("*/*.json"))
LINE: dict[str, Any] = json.loads((VECTORS / "line.json").read_text("utf-8"))
LEAST = {
    "authorisation": 11,
    "cell": 21,
    "certificate": 13,
    "charter": 15,
    "order": 11,
    "packet": 15,
    "statement": 54,
    "station-root": 10,
}
Verdict = dict[str, Any]


@pytest.fixture(scope="module")
def roster() -> Roster:
    return Roster.read([base64.b64decode(record) for record in LINE["records"]])


def of_root(_: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    return {"identity": verify_root(given["envelope"]).digest.hex(), "verdict": "ACCEPTED"}


def of_certificate(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    _, certificate = roster.with_certificate(given["envelope"])
    return {"identity": certificate.id.hex(), "verdict": "ACCEPTED"}


def of_charter(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    roots = {root.digest: root for root in roster.roots.values()}
    charter = verify_charter(read_charter(given["envelope"]), roots)
    return {"identity": charter.line.hex(), "verdict": "ACCEPTED"}


def of_statement(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    found = verify_statement(roster, given["envelope"], at_ms=at_ms)
    return {
        "identity": found.digest.hex(),
        "signers": [signer.id.hex() for signer in found.signers],
        "verdict": found.verdict.value,
    }


def of_order(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    order, _ = verify_order(roster, given["envelope"])
    return {"identity": order_digest(order).hex(), "verdict": "ACCEPTED"}


def of_authorisation(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    found = verify_authorisation(roster, given["envelope"])
    return {"identity": found.digest.hex(), "verdict": "ACCEPTED"}


def of_packet(roster: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    kid = bytes.fromhex(given["to_kid"])
    opened = OpenedCell(given["packet"], given["signature"], given["peer"], kid, 0)
    packet = verify_packet(roster, opened, our_station=given["us"], at_ms=at_ms).packet
    return {
        "items": [item.t for item in packet.items],
        "refused": [place for place, _ in packet.refused],
        "verdict": "ACCEPTED",
    }


def of_cell(_: Roster, given: dict[str, Any], at_ms: int) -> Verdict:
    prekey = Prekey(bytes.fromhex(given["sealing_seed"]))
    secret = LineSecret(bytes.fromhex(given["secret"]), given["secret_day"])
    opened = open_cell(
        given["cell"],
        line=digest_from_hex(given["line"]),
        prekeys={prekey.key_id: prekey},
        secrets={given["peer"]: secret},
    )
    assert opened.peer == given["peer"]
    return {
        "day": opened.day,
        "packet": base64.b64encode(opened.packet).decode(),
        "signature": opened.signature.hex(),
        "verdict": "ACCEPTED",
    }


JUDGES: dict[str, Callable[[Roster, dict[str, Any], int], Verdict]] = {
    "authorisation": of_authorisation,
    "cell": of_cell,
    "certificate": of_certificate,
    "charter": of_charter,
    "order": of_order,
    "packet": of_packet,
    "station-root": of_root,
    "statement": of_statement,
}
IN_BASE64 = {"cell", "envelope", "packet", "signature"}


def judged(roster: Roster, vector: dict[str, Any]) -> tuple[Verdict, str]:
    """What hotline says of a vector, and its sentence when it refuses."""
    given = {
        name: base64.b64decode(one) if name in IN_BASE64 else one
        for name, one in vector["input"].items()
    }
    try:
        return JUDGES[vector["kind"]](roster, given, parse_time(vector["at"])), ""
    except UnknownSignerError as error:
        return {"verdict": "UNKNOWN-SIGNER"}, str(error)
    except UnknownKeyError as error:
        return {"verdict": "UNKNOWN-KEY"}, str(error)
    except PeerError as error:
        return {"verdict": "REFUSED"}, str(error)


@pytest.mark.parametrize("name", FILES)
def test_frozen_vector_is_judged_as_it_says(roster: Roster, name: str) -> None:
    vector = json.loads((VECTORS / name).read_text("utf-8"))
    assert vector["kind"] == name.partition("/")[0]
    found, sentence = judged(roster, vector)
    assert found == vector["expected"], sentence
    if found["verdict"] not in ("ACCEPTED", "VERIFIED", "UNVERIFIED"):
        assert vector["reason"], "a refusal names its reason"
        assert vector["reason"] in sentence
    assert f"\n{vector['paragraph']} " in PROTOCOL.read_text("utf-8")


def test_frozen_vectors_of_every_kind_are_all_there() -> None:
    found = [name.partition("/")[0] for name in FILES]
    assert {kind: found.count(kind) for kind in JUDGES} == LEAST
    assert {f"{kind}/valid.json" for kind in JUDGES} <= set(FILES)


def test_frozen_line_gives_what_it_says(roster: Roster) -> None:
    assert roster.line.hex() == LINE["line"]
    held = {cert_id for cert_id, one in LINE["certificates"].items() if "EAST" not in one["label"]}
    assert {cert_id.hex() for cert_id in roster.certificates} == held
    for name, root in roster.roots.items():
        assert root.digest.hex() == LINE["roots"][name]["digest"]
    for one in LINE["sealing_keys"].values():
        prekey = Prekey(bytes.fromhex(one["seed"]))
        assert prekey.key_id.hex() == one["key_id"]
        assert prekey.public.encoded == base64.b64decode(one["public"])
    halves = {name: bytes.fromhex(half) for name, half in LINE["halves"].items()}
    secret = LineSecret(combine_halves(roster.line, halves), LINE["line_secret"]["day"])
    for one in (LINE["line_secret"], LINE["next_line_secret"]):
        assert secret.for_day(one["day"]).hex() == one["secret"]


def test_frozen_identity_is_the_digest_of_the_pae() -> None:
    for kind in ("station-root", "certificate", "charter", "statement", "order", "authorisation"):
        vector = json.loads((VECTORS / kind / "valid.json").read_text("utf-8"))
        envelope = json.loads(base64.b64decode(vector["input"]["envelope"]))
        payload = base64.b64decode(envelope["payload"])
        message = canonical.pae(envelope["payloadType"], payload)
        assert sha256(message).hex() == vector["expected"]["identity"]


def test_frozen_refusals_differ_from_what_is_valid(roster: Roster) -> None:
    """No vector is refused for the line that it is tried on: its valid sister passes."""
    for kind in JUDGES:
        vector = json.loads((VECTORS / kind / "valid.json").read_text("utf-8"))
        assert judged(roster, vector)[0]["verdict"] in ("ACCEPTED", "VERIFIED")


@pytest.mark.parametrize("name", ["mixed-order-key", "by-a-stranger", "key-of-another-person"])
def test_frozen_certificate_that_is_refused_spoils_the_records(name: str) -> None:
    vector = json.loads((VECTORS / "certificate" / f"{name}.json").read_text("utf-8"))
    records = [base64.b64decode(record) for record in LINE["records"]]
    with pytest.raises(IntegrityError, match=re.escape(vector["reason"])):
        Roster.read([*records, base64.b64decode(vector["input"]["envelope"])])


def test_documented_bounds_are_those_of_the_code() -> None:
    rows = re.findall(
        r"(?m)^\| `([a-z]+)` \| ([\d,]+) \| ([\d,]+) \|$", PROTOCOL.read_text("utf-8")
    )
    found = {kind: tuple(int(size.replace(",", "")) for size in sizes) for kind, *sizes in rows}
    assert found == {
        "statement": (MAX_STATEMENT_BYTES, MAX_STATEMENT_ENVELOPE_BYTES),
        "order": (MAX_ORDER_BYTES, MAX_ORDER_ENVELOPE_BYTES),
        "root": (MAX_ROOT_BYTES, MAX_ROOT_ENVELOPE_BYTES),
        "certificate": (MAX_CERTIFICATE_BYTES, MAX_CERTIFICATE_ENVELOPE_BYTES),
        "charter": (MAX_CHARTER_BYTES, MAX_CHARTER_ENVELOPE_BYTES),
        "authorisation": (MAX_AUTHORISATION_BYTES, MAX_AUTHORISATION_ENVELOPE_BYTES),
    }
