"""Frozen vectors: what was signed and sealed once must verify and open for ever.

A failure here means that the format changed: give it a new version instead.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hotline.core.values import digest_from_hex
from hotline.sealing.cell import OpenedCell, open_cell
from hotline.sealing.items import StatementItem
from hotline.sealing.line_secret import LineSecret, combine_halves
from hotline.sealing.order import order_digest, verify_order
from hotline.sealing.packet import verify_packet
from hotline.sealing.prekey import Prekey
from hotline.sealing.roster import Roster, identify_ledger
from hotline.sealing.statements import Verdict, verify_statement

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def load(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((VECTORS / name).read_text("utf-8"))
    return vector


@pytest.fixture(scope="module")
def line() -> dict[str, Any]:
    return load("line.json")


@pytest.fixture(scope="module")
def roster(line: dict[str, Any]) -> Roster:
    return Roster.read([record.encode() for record in line["records"]])


def opened_cell() -> OpenedCell:
    vector = load("cell.json")
    prekey = Prekey(bytes.fromhex(vector["prekey_seed"]))
    secret = LineSecret(bytes.fromhex(vector["line_secret"]), vector["base_day"])
    return open_cell(
        base64.b64decode(vector["cell"]),
        line=digest_from_hex(vector["line"]),
        prekeys={prekey.key_id: prekey},
        secrets={"NORTH": secret},
    )


def test_frozen_records_give_the_same_roster(line: dict[str, Any], roster: Roster) -> None:
    assert roster.line.hex() == line["line"]
    assert (roster.realm, roster.name) == (line["realm"], line["name"])
    named = {
        cert_id.hex(): f"{one.station}/{one.person}/{one.usage}"
        for cert_id, one in roster.certificates.items()
    }
    assert named == line["certificates"]


def test_frozen_records_identify_the_same_ledger(line: dict[str, Any]) -> None:
    identity = identify_ledger([record.encode() for record in line["records"]])
    keys = {name: [key.hex() for key in held] for name, held in identity.ledger_keys.items()}
    assert keys == line["ledger_keys"]
    assert identity.root_words == line["root_words"]


@pytest.mark.parametrize(
    ("statement", "digest", "signers"),
    [("statement", "statement_digest", 1), ("two_person_statement", "two_person_digest", 2)],
)
def test_frozen_statement_verifies(
    line: dict[str, Any], roster: Roster, statement: str, digest: str, signers: int
) -> None:
    envelope = line[statement].encode()
    verified = verify_statement(roster, envelope, at_ms=line["verified_at_ms"])
    assert verified.verdict is Verdict.VERIFIED
    assert verified.digest.hex() == line[digest]
    assert len(verified.signers) == signers
    late = verify_statement(roster, envelope, at_ms=line["unverified_at_ms"])
    assert late.verdict is Verdict.UNVERIFIED


def test_frozen_order_verifies(line: dict[str, Any], roster: Roster) -> None:
    order, _ = verify_order(roster, line["order"].encode())
    assert order.digest.hex() == line["statement_digest"]
    assert order_digest(order).hex() == line["order_digest"]


def test_frozen_cell_opens_to_the_same_packet() -> None:
    vector, opened = load("cell.json"), opened_cell()
    assert opened.packet == vector["packet"].encode()
    assert (opened.signature.hex(), opened.day) == (vector["signature"], vector["day"])
    assert opened.key_id.hex() == vector["prekey_id"]


def test_frozen_packet_verifies(line: dict[str, Any], roster: Roster) -> None:
    found = verify_packet(roster, opened_cell(), our_station="SOUTH", at_ms=line["verified_at_ms"])
    item = found.packet.items[0]
    assert isinstance(item, StatementItem)
    assert not found.packet.refused
    assert item.envelope == line["statement"].encode()
    assert item.order == line["order"].encode()


def test_frozen_halves_give_the_same_line_secret() -> None:
    vector = load("cell.json")
    halves = {
        "NORTH": bytes.fromhex(vector["half_north"]),
        "SOUTH": bytes.fromhex(vector["half_south"]),
    }
    secret = combine_halves(digest_from_hex(vector["line"]), halves)
    assert secret.hex() == vector["line_secret"]
    later = LineSecret(secret, vector["base_day"]).for_day(vector["day"])
    assert later.hex() == vector["secret_of_day"]
