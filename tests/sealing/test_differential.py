"""What is signed here verifies with OpenSSL's command and with Node, and not once it is altered.

Both read the public key, the message and the signature alone; they share no line of code
with libsodium or with the wheel that signs here. Where they are too old for ML-DSA-65, that
half is skipped and says so; a plain reading of FIPS 204 judges it everywhere.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotline.core.values import ZERO_DIGEST
from hotline.sealing.certificate import CERTIFICATE_TYPE
from hotline.sealing.charter import CHARTER_TYPE
from hotline.sealing.dsse import ED25519, MLDSA65, Envelope, decode_envelope
from hotline.sealing.hybrid import HybridPublicKey
from hotline.sealing.order import ORDER_TYPE, Order, sign_order
from hotline.sealing.root import ROOT_TYPE
from tests.fakes import fips204

if TYPE_CHECKING:
    from tests.sealing.conftest import World

SPKI = {
    ED25519: bytes.fromhex("302a300506032b6570032100"),
    MLDSA65: bytes.fromhex("308207b2300b0609608648016503040312038207a100"),
}
KINDS = (ROOT_TYPE, CERTIFICATE_TYPE, CHARTER_TYPE, ORDER_TYPE)
STATEMENT = "application/vnd.hotline.statement.v1+json"
OPENSSL = ("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER")
NODE = """
const fs = require("fs"), crypto = require("crypto");
const [key, message, signature] = process.argv.slice(1).map((name) => fs.readFileSync(name));
const spki = crypto.createPublicKey({ key, format: "der", type: "spki" });
process.exit(crypto.verify(null, message, spki, signature) ? 0 : 1);
"""


@dataclass(frozen=True)
class Signed:
    """One half of one signature."""

    key: bytes
    message: bytes
    signature: bytes


def halves(envelope: Envelope, key: HybridPublicKey) -> dict[str, Signed]:
    keys = {ED25519: key.ed25519, MLDSA65: key.mldsa65}
    return {
        entry.algorithm: Signed(
            SPKI[entry.algorithm] + keys[entry.algorithm], envelope.message, entry.signature
        )
        for entry in envelope.signatures[:2]
    }


@pytest.fixture(scope="module")
def signed(world: World) -> dict[str, dict[str, Signed]]:
    def read(encoded: bytes) -> Envelope:
        kinds = (*KINDS, STATEMENT)
        return decode_envelope(encoded, expect=kinds, what="x", max_bytes=1 << 20)

    root = world.north.root.signer.public_key
    ledger = world.north.ledger
    order = Order(world.roster.line, "NORTH", 1, 1, ZERO_DIGEST, world.n1.cert_id)
    placed = read(sign_order(order, ledger.signer.ed25519, ledger.cert_id))
    return {
        "statement": halves(read(world.signed()), world.n1.signer.public_key),
        "certificate": halves(read(world.n1.certificate), root),
        "charter": halves(read(world.charter), root),
        "root": halves(read(world.north.root.record), root),
        "order": halves(placed, ledger.signer.public_key),
    }


def write(place: Path, one: Signed) -> list[Path]:
    paths = [place / name for name in ("key", "message", "signature")]
    for path, content in zip(paths, (one.key, one.message, one.signature), strict=True):
        path.write_bytes(content)
    return paths


def by_openssl(place: Path, one: Signed) -> bool:
    key, message, signature = write(place, one)
    done = subprocess.run(
        [*OPENSSL, "-inkey", key, "-sigfile", signature, "-in", message],
        capture_output=True,
    )
    return done.returncode == 0 and b"Verified Successfully" in done.stdout


def by_node(place: Path, one: Signed) -> bool:
    done = subprocess.run(["node", "-e", NODE, *write(place, one)], capture_output=True)
    return done.returncode == 0


def by_hand(place: Path, one: Signed) -> bool:
    return fips204.verify(one.key.removeprefix(SPKI[MLDSA65]), one.message, one.signature)


Judge = Callable[[Path, Signed], bool]
JUDGES: dict[str, Judge] = {"openssl": by_openssl, "node": by_node, "fips204": by_hand}


READS = {
    "openssl": ("openssl", "pkey", "-pubin", "-inform", "DER", "-noout", "-in"),
    "node": (
        "node",
        "-e",
        'const key = require("fs").readFileSync(process.argv[1]);'
        'require("crypto").createPublicKey({ key, format: "der", type: "spki" });',
    ),
}
"""What reads a public key and fails where its algorithm is not known."""


BOTH = [(tool, half) for tool in ("openssl", "node") for half in SPKI]


@pytest.fixture(params=[*BOTH, ("fips204", MLDSA65)], ids="-".join)
def outsider(
    request: pytest.FixtureRequest, signed: dict[str, dict[str, Signed]], tmp_path: Path
) -> tuple[Judge, str]:
    tool, algorithm = request.param
    if tool in READS:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not on this machine")
        key = tmp_path / "known"
        key.write_bytes(signed["statement"][algorithm].key)
        if subprocess.run([*READS[tool], key], capture_output=True).returncode:
            assert algorithm == MLDSA65, f"{tool} does not read Ed25519"
            pytest.skip(f"this machine's {tool} is too old for {algorithm}")
    return JUDGES[tool], algorithm


@pytest.mark.parametrize("name", ["statement", "certificate", "charter", "root", "order"])
def test_outsider_verifies_what_was_signed_here_and_nothing_else(
    outsider: tuple[Judge, str], signed: dict[str, dict[str, Signed]], tmp_path: Path, name: str
) -> None:
    judge, algorithm = outsider
    if name == "order" and algorithm == MLDSA65:
        assert algorithm not in signed[name], "an order has an Ed25519 signature only"
        return
    one = signed[name][algorithm]
    assert judge(tmp_path, one)
    last = len(one.message) - 1
    flipped = one.message[:last] + bytes([one.message[last] ^ 1])
    assert not judge(tmp_path, Signed(one.key, flipped, one.signature))
    bent = one.signature[:40] + bytes([one.signature[40] ^ 1]) + one.signature[41:]
    assert not judge(tmp_path, Signed(one.key, one.message, bent))
    other = signed["statement" if name != "statement" else "charter"][algorithm].key
    assert not judge(tmp_path, Signed(other, one.message, one.signature))
