"""What is signed here verifies with OpenSSL's command and with Node, and not once it is altered.

Both read the public key, the message and the signature alone; they share no line of code
with libsodium, and OpenSSL 3.5 in Node is not the one in the wheel that signs here. Where
they are too old for ML-DSA-65, that half is skipped and says so; a plain reading of FIPS 204
judges it everywhere. And the other way round: what Node signs is taken here.
"""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotline.core import canonical
from hotline.core.messages.statement import STATEMENT_TYPE
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.lasting import parse_lasting, sign_lasting
from hotline.core.values import ZERO_DIGEST, sha256
from hotline.sealing.certificate import CERTIFICATE_TYPE
from hotline.sealing.charter import CHARTER_TYPE
from hotline.sealing.dsse import ED25519, MLDSA65, Envelope, decode_envelope, encode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.hybrid import HybridPublicKey, HybridSignature
from hotline.sealing.mldsa import MldsaSigner, verify_mldsa65
from hotline.sealing.order import ORDER_TYPE, Order, sign_order
from hotline.sealing.root import ROOT_TYPE
from hotline.sealing.statements import verify_statement
from tests.fakes import curve, fips204, node

if TYPE_CHECKING:
    from tests.sealing.conftest import World

SPKI = {ED25519: node.ED25519_SPKI, MLDSA65: node.MLDSA65_SPKI}
PKCS8 = {
    ED25519: bytes.fromhex("302e020100300506032b657004220420"),
    MLDSA65: bytes.fromhex("3034020100300b060960864801650304031204228020"),
}
"""What stands before the bare seed of a private key."""

KINDS = (ROOT_TYPE, CERTIFICATE_TYPE, CHARTER_TYPE, ORDER_TYPE, STATEMENT_TYPE)
OPENSSL = ("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER")
SPOILT = 160
NEEDS_NODE = pytest.mark.skipif(
    not node.reads_mldsa65(), reason="no Node that knows ML-DSA-65 is here"
)


@dataclass(frozen=True)
class Signed:
    """One half of one signature; the key stands as SPKI."""

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
        return decode_envelope(encoded, expect=KINDS, what="x", max_bytes=1 << 20)

    root = world.north.root.signer.public_key
    ledger = world.north.ledger
    order = Order(world.roster.line, "NORTH", 1, 1, ZERO_DIGEST, world.n1.cert_id)
    placed = read(sign_order(order, ledger.signer.ed25519, ledger.cert_id))
    lasting = MldsaSigner(ledger.signer.seeds.mldsa65)
    head = sign_lasting(Checkpoint("hotline/x/NORTH/1", 7, sha256(b"root")), lasting)
    body, _, line = head.note.partition(b"\n\n")
    in_note = base64.b64decode(line.split()[-1])[4:]
    assert parse_lasting(head.note) == head
    return {
        "statement": halves(read(world.signed()), world.n1.signer.public_key),
        "certificate": halves(read(world.n1.certificate), root),
        "charter": halves(read(world.charter), root),
        "root": halves(read(world.north.root.record), root),
        "order": halves(placed, ledger.signer.public_key),
        "head": {MLDSA65: Signed(SPKI[MLDSA65] + lasting.public_key, body + b"\n", in_note)},
    }


HYBRID = ("statement", "certificate", "charter", "root")
SINGLE = (("order", ED25519), ("head", MLDSA65))
SIGNED = (*((name, half) for name in HYBRID for half in SPKI), *SINGLE)


def test_orders_and_heads_for_long_have_one_half(signed: dict[str, dict[str, Signed]]) -> None:
    assert {(name, half) for name, found in signed.items() for half in found} == set(SIGNED)


def write(place: Path, one: Signed) -> list[Path]:
    paths = [place / name for name in ("key", "message", "signature")]
    for path, content in zip(paths, (one.key, one.message, one.signature), strict=True):
        path.write_bytes(content)
    return paths


def by_openssl(place: Path, cases: list[Signed]) -> list[bool]:
    judged = []
    for one in cases:
        key, message, signature = write(place, one)
        done = subprocess.run(
            [*OPENSSL, "-inkey", key, "-sigfile", signature, "-in", message],
            capture_output=True,
        )
        judged.append(done.returncode == 0 and b"Verified Successfully" in done.stdout)
    return judged


def by_node(place: Path, cases: list[Signed]) -> list[bool]:
    answers = node.ask([node.verify(one.key, one.message, one.signature) for one in cases])
    return [one is True for one in answers]


def by_hand(place: Path, cases: list[Signed]) -> list[bool]:
    bare = [(one.key.removeprefix(SPKI[MLDSA65]), one.message, one.signature) for one in cases]
    return [fips204.verify(*one) for one in bare]


Judge = Callable[[Path, list[Signed]], list[bool]]
JUDGES: dict[str, Judge] = {"openssl": by_openssl, "node": by_node, "fips204": by_hand}


def openssl_reads(place: Path, key: bytes) -> bool:
    (place / "known").write_bytes(key)
    command = ["openssl", "pkey", "-pubin", "-inform", "DER", "-noout", "-in", place / "known"]
    return subprocess.run(command, capture_output=True).returncode == 0


def need(tool: str, place: Path, key: bytes, algorithm: str) -> None:
    """Skip, and say why, where `tool` is missing or does not know `algorithm` yet."""
    if tool == "fips204":
        return
    if not (node.node() if tool == "node" else shutil.which(tool)):
        pytest.skip(f"{tool} is not on this machine")
    known = (
        openssl_reads(place, key)
        if tool == "openssl"
        else node.ask([{"ask": "reads", "key": key}]) == [True]
    )
    if not known:
        assert algorithm == MLDSA65, f"{tool} does not read Ed25519"
        pytest.skip(f"this machine's {tool} is too old for {algorithm}")


CASES = [
    (tool, name, algorithm)
    for tool in JUDGES
    for name, algorithm in SIGNED
    if (tool, algorithm) != ("fips204", ED25519)
]


@pytest.mark.parametrize(("tool", "name", "algorithm"), CASES)
def test_outsider_verifies_what_was_signed_here_and_nothing_else(
    signed: dict[str, dict[str, Signed]], tmp_path: Path, tool: str, name: str, algorithm: str
) -> None:
    one = signed[name][algorithm]
    need(tool, tmp_path, one.key, algorithm)
    other = signed["statement" if name != "statement" else "charter"][algorithm].key
    cases = [
        one,
        replace(one, message=bent(one.message, len(one.message) * 8 - 8)),
        replace(one, signature=bent(one.signature, 40 * 8)),
        replace(one, key=other),
    ]
    assert JUDGES[tool](tmp_path, cases) == [True, False, False, False]


def bent(content: bytes, bit: int) -> bytes:
    """Return `content` with one bit turned."""
    whole = bytearray(content)
    whole[bit // 8] ^= 1 << bit % 8
    return bytes(whole)


# --- hundreds of spoilt ones, judged here and by Node ------------------------


def spoilt(one: Signed, chance: random.Random, tail: int) -> Iterator[Signed]:
    """Yield `one` as it is, and bent: key, message, signature and its last `tail` bytes."""
    prefix = len(one.key) - {ED25519: 32, MLDSA65: 1_952}[algorithm_of(one)]
    yield one
    for part in ("key", "message", "signature", "tail") * (SPOILT // 4):
        if part == "key":
            yield replace(one, key=bent(one.key, chance.randrange(prefix * 8, len(one.key) * 8)))
        elif part == "message":
            yield replace(one, message=bent(one.message, chance.randrange(len(one.message) * 8)))
        else:
            first = 0 if part == "signature" else len(one.signature) - tail
            bit = chance.randrange(first * 8, len(one.signature) * 8)
            yield replace(one, signature=bent(one.signature, bit))
    yield replace(one, message=b"")
    yield replace(one, message=one.message + b"\0")
    for size in (0, 1, 63, 65, 3_308, 3_310):
        yield replace(one, signature=one.signature[:size].ljust(size, b"\0"))


def algorithm_of(one: Signed) -> str:
    return next(name for name, prefix in SPKI.items() if one.key.startswith(prefix))


def unusual_ed25519(one: Signed) -> Iterator[Signed]:
    """Yield S + L, and a point R that nobody drew."""
    r, s = one.signature[:32], int.from_bytes(one.signature[32:], "little")
    yield replace(one, signature=r + (s + curve.L).to_bytes(32, "little"))
    yield replace(one, signature=bytes(32) + one.signature[32:])


def unusual_mldsa65(one: Signed) -> Iterator[Signed]:
    """Yield hints in another order, hints behind the last one, and no hint at all."""
    at, ends = len(one.signature) - 61, one.signature[-6:]
    hints = one.signature[at:-6]
    for places in (hints[1::-1] + hints[2:], hints[:54] + b"\xc8", bytes(55)):
        if places != hints:
            yield replace(one, signature=one.signature[:at] + places + ends)
    for count in (0, 55, 56, 255):
        yield replace(one, signature=one.signature[:-1] + bytes([count]))


def ours(one: Signed) -> bool:
    algorithm = algorithm_of(one)
    verify = {ED25519: verify_ed25519, MLDSA65: verify_mldsa65}[algorithm]
    return verify(one.key.removeprefix(SPKI[algorithm]), one.message, one.signature)


@NEEDS_NODE
@pytest.mark.parametrize("algorithm", SPKI)
def test_node_and_we_judge_hundreds_of_spoilt_signatures_alike(
    signed: dict[str, dict[str, Signed]], tmp_path: Path, algorithm: str
) -> None:
    chance = random.Random(f"spoilt {algorithm}")
    tail, unusual = {ED25519: (32, unusual_ed25519), MLDSA65: (61, unusual_mldsa65)}[algorithm]
    cases = []
    for name in ("statement", "certificate"):
        one = signed[name][algorithm]
        cases += [*spoilt(one, chance, tail), *unusual(one)]
    judged = [ours(one) for one in cases]
    counted = Counter(judged)
    assert by_node(tmp_path, cases) == judged
    assert counted[False] > 2 * SPOILT
    # A bit of the message or of a key always counts; the two good ones are there as they are.
    assert counted[True] == sum(one in signed_halves(signed, algorithm) for one in cases)
    assert counted[True] >= 2


def signed_halves(signed: dict[str, dict[str, Signed]], algorithm: str) -> list[Signed]:
    return [found[algorithm] for found in signed.values() if algorithm in found]


# --- what Node signs is taken here -------------------------------------------


def answered(message: bytes, answers: list[list[str]]) -> dict[str, Signed]:
    found = [(base64.b64decode(key), base64.b64decode(sig)) for key, sig in answers]
    return {
        name: Signed(key, message, signature)
        for name, (key, signature) in zip((ED25519, MLDSA65), found, strict=True)
    }


@NEEDS_NODE
def test_signature_by_node_with_keys_drawn_there_verifies_here(world: World) -> None:
    message = canonical.pae(STATEMENT_TYPE, world.payload())
    names = ("ed25519", "ml-dsa-65")
    jobs = [{"ask": "sign", "algorithm": name, "message": message} for name in names]
    theirs = answered(message, node.ask(jobs))
    key = HybridPublicKey(
        *(theirs[half].key.removeprefix(SPKI[half]) for half in (ED25519, MLDSA65))
    )
    whole = HybridSignature(theirs[ED25519].signature, theirs[MLDSA65].signature)
    assert key.verify(message, whole)
    assert not key.verify(bent(message, 7), whole)
    assert not key.verify(message, replace(whole, ed25519=bent(whole.ed25519, 300)))
    assert not key.verify(message, replace(whole, mldsa65=bent(whole.mldsa65, 300)))


@NEEDS_NODE
def test_officer_s_key_in_node_is_the_same_key_and_signs_statements_that_we_take(
    world: World,
) -> None:
    payload, seeds = world.payload(), world.n1.signer.seeds
    message = canonical.pae(STATEMENT_TYPE, payload)
    jobs = [
        {"ask": "sign", "seed": PKCS8[half] + seed, "message": message}
        for half, seed in ((ED25519, seeds.ed25519), (MLDSA65, seeds.mldsa65))
    ]
    theirs = answered(message, node.ask(jobs))
    mine = world.n1.signer.public_key
    assert theirs[ED25519].key == SPKI[ED25519] + mine.ed25519
    assert theirs[MLDSA65].key == SPKI[MLDSA65] + mine.mldsa65
    halves_of_it = HybridSignature(theirs[ED25519].signature, theirs[MLDSA65].signature)
    envelope = Envelope(STATEMENT_TYPE, payload).with_hybrid(world.n1.cert_id, halves_of_it)
    verified = verify_statement(world.roster, encode_envelope(envelope), at_ms=world.now_ms)
    assert verified.signers[0].id == world.n1.cert_id


@NEEDS_NODE
def test_signature_by_node_with_a_context_is_refused_here_as_it_is_there(tmp_path: Path) -> None:
    jobs = [{"ask": "sign", "algorithm": "ml-dsa-65", "message": b"m", "context": b"hotline"}]
    ((key, signature),) = node.ask(jobs)
    one = Signed(base64.b64decode(key), b"m", base64.b64decode(signature))
    question = node.verify(one.key, one.message, one.signature)
    assert node.ask([question | {"context": b"hotline"}, question]) == [True, False]
    assert not ours(one)
