"""The recipe of docs/protocol.md §9, run as it is printed: every block of the section."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hotline.core import canonical
from hotline.sealing.charter import read_charter
from hotline.sealing.dsse import encode_envelope
from tests.fakes import node

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
TOOLS = ("sh", "sed", "grep", "tr", "cmp", "base64", "xxd", "sha256sum", "openssl", "jq")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="the recipe's tools are not all here"
)


def blocks() -> list[str]:
    section = DOCUMENT.read_text("utf-8").partition("\n## 9 ")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


FUNCTIONS, CHAIN_BLOCK, JQ_BLOCK, MEMBERS_BLOCK, BY_NODE = blocks()
CLASSICAL = 'verify() { check "$1" "$2" ed25519 "$3"; }'
"""In the place of the recipe's own, where nothing knows ML-DSA yet."""


@pytest.fixture
def place(world: World, tmp_path: Path) -> Path:
    """A directory with the files that the recipe names."""
    (tmp_path / "root.json").write_bytes(world.north.root.record)
    (tmp_path / "charter.json").write_bytes(world.charter)
    (tmp_path / "certificate.json").write_bytes(world.n1.certificate)
    (tmp_path / "statement.json").write_bytes(world.signed())
    (tmp_path / "peer.json").write_bytes(world.south.root.record)
    (tmp_path / "recipe.sh").write_text(FUNCTIONS + stand_in())
    return tmp_path


def stand_in() -> str:
    """Return what an openssl of this machine's age needs to take part."""
    if newer_openssl():
        return ""
    return BY_NODE if node.reads_mldsa65() else CLASSICAL


def run(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    found = node.node()
    first = f"{Path(found).parent}:" if found else ""
    return subprocess.run(
        ["sh", "-c", f". ./recipe.sh\n{script}"],
        cwd=place,
        env={**os.environ, "PATH": first + os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def newer_openssl() -> bool:
    shown = subprocess.run(
        ["openssl", "version"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    version = re.search(r"OpenSSL (\d+)\.(\d+)", shown)
    return bool(version) and (int(version[1]), int(version[2])) >= (3, 5)


def test_recipe_identities_are_ours(world: World, place: Path) -> None:
    done = run(place, "identity charter.json; identity certificate.json; identity root.json")
    ours = [world.roster.line, world.n1.cert_id, world.north.root.digest]
    assert done.stdout.split() == [digest.hex() for digest in ours]


CHAIN = [
    ("root.json", "root.json", "root.json"),
    ("charter.json", "root.json", "root.json"),
    ("certificate.json", "root.json", "root.json"),
    ("statement.json", "certificate.json", "certificate.json"),
]


@pytest.mark.parametrize(("signed", "signer", "keys"), CHAIN)
def test_recipe_checks_the_classical_half(place: Path, signed: str, signer: str, keys: str) -> None:
    signer_id = run(place, f"identity {signer}").stdout.strip()
    script = f"check {signed} {signer_id} ed25519 {keys}"
    assert run(place, script).returncode == 0
    whole = (place / signed).read_bytes()
    altered = whole.replace(b'"payload":"eyJ', b'"payload":"eyK')
    assert altered != whole
    (place / signed).write_bytes(altered)
    done = run(place, script)
    assert done.returncode != 0
    assert "Verification Failure" in done.stdout + done.stderr


@pytest.mark.parametrize(("signed", "signer", "keys"), CHAIN)
def test_recipe_lays_out_the_other_half_for_openssl(
    place: Path, signed: str, signer: str, keys: str
) -> None:
    """Checked with a library here, wherever it runs: openssl may be too old, Node be missing."""
    script = f'openssl() {{ :; }}\ncheck {signed} "$(identity {signer})" mldsa65 {keys}'
    assert run(place, script).returncode == 0
    key = load_der_public_key((place / f"{signed}.key").read_bytes())
    assert isinstance(key, MLDSA65PublicKey)
    signature = (place / f"{signed}.sig").read_bytes()
    message = (place / f"{signed}.message").read_bytes()
    key.verify(signature, message)
    with pytest.raises(InvalidSignature):
        key.verify(signature, message + b" ")


def altered(envelope: bytes, old: str, new: str) -> bytes:
    """Change the payload of an envelope and nothing else."""
    body = json.loads(envelope)
    payload = base64.b64decode(body["payload"])
    assert old.encode() in payload
    body["payload"] = base64.b64encode(payload.replace(old.encode(), new.encode())).decode()
    return canonical.encode(body)


def answers(place: Path) -> list[str]:
    return run(place, CHAIN_BLOCK + JQ_BLOCK).stdout.splitlines()[-13:]


def test_recipe_as_printed_verifies_the_whole_chain(place: Path) -> None:
    """Without an openssl 3.5, and without Node in its place, the Ed25519 half of it."""
    done = run(place, CHAIN_BLOCK)
    both = newer_openssl() or node.reads_mldsa65()
    assert (done.returncode, done.stdout.count("Verified Successfully")) == (0, 8 if both else 4)


@pytest.mark.parametrize(("signed", "signer", "keys"), CHAIN)
def test_recipe_as_printed_refuses_the_other_half_alone(
    place: Path, signed: str, signer: str, keys: str
) -> None:
    if not (newer_openssl() or node.reads_mldsa65()):
        pytest.skip("neither openssl nor Node knows ML-DSA-65 here")
    script = f'check {signed} "$(identity {signer})" mldsa65 {keys}'
    assert run(place, script).returncode == 0
    body = json.loads((place / signed).read_bytes())
    second = next(one for one in body["signatures"] if one["keyid"].endswith("mldsa65"))
    second["sig"] = (
        second["sig"][:100] + ("B" if second["sig"][100] == "A" else "A") + (second["sig"][101:])
    )
    (place / signed).write_bytes(canonical.encode(body))
    done = run(place, script)
    assert done.returncode != 0
    assert "Verification Failure" in done.stdout + done.stderr


def test_recipe_as_printed_compares_what_the_records_say(place: Path) -> None:
    assert answers(place) == ["true"] * 13


@pytest.mark.parametrize(
    ("name", "old", "new", "place_of_fault"),
    [
        ("statement", '"v":1}', '"v": 1}', 7),
        ("charter", '"presence":false', '"presence":0.0', 3),
        ("statement", '"from":"NORTH"', '"from":"SOUTH"', 11),
        ("statement", '"at":"2026', '"at":"2028', 11),
        ("statement", '"line":"', '"line":"0', 9),
        ("certificate", '"usage":"statement"', '"usage":"ledger"', 11),
        ("root", '"station":"NORTH"', '"station":"NORD"', 12),
    ],
)
def test_recipe_as_printed_says_false_of_what_does_not_fit(
    place: Path, name: str, old: str, new: str, place_of_fault: int
) -> None:
    file = place / f"{name}.json"
    file.write_bytes(altered(file.read_bytes(), old, new))
    # The signatures fail as well, before jq is asked: here only what jq says counts.
    script = FUNCTIONS + 'check() { message "$1"; message "$4"; }\n' + CHAIN_BLOCK + JQ_BLOCK
    found = run(place, script).stdout.splitlines()
    assert found[place_of_fault].startswith("false")


def test_recipe_as_printed_asks_for_every_member(world: World, place: Path) -> None:
    done = run(place, CHAIN_BLOCK + MEMBERS_BLOCK)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "true")
    (place / "peer.json").write_bytes(world.east.root.record)
    assert run(place, CHAIN_BLOCK + MEMBERS_BLOCK).returncode != 0


def test_recipe_as_printed_sees_a_stranger_among_the_signers(world: World, place: Path) -> None:
    envelope = read_charter(world.charter)
    signed = envelope.with_hybrid(world.east.root.digest, world.east.root.signer.sign(b""))
    (place / "charter.json").write_bytes(encode_envelope(signed))
    assert run(place, CHAIN_BLOCK + MEMBERS_BLOCK).stdout.splitlines()[-1] == "false"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("root.json", '"created":"2026', '"created":"2025'),
        ("charter.json", '"presence":false', '"presence":true'),
        ("certificate.json", '"rank":"CDR"', '"rank":"ADM"'),
        ("statement.json", "closing fast", "going home"),
    ],
)
def test_recipe_as_printed_stops_at_what_was_altered(
    place: Path, file: str, old: str, new: str
) -> None:
    (place / file).write_bytes(altered((place / file).read_bytes(), old, new))
    assert run(place, CHAIN_BLOCK).returncode != 0
