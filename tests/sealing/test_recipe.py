"""The recipe of docs/protocol.md §9, run as it is printed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
TOOLS = ("sh", "sed", "grep", "tr", "base64", "xxd", "sha256sum", "openssl")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="the recipe's tools are not all here"
)


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def place(world: World, tmp_path: Path) -> Path:
    """A directory with the files that the recipe names."""
    (tmp_path / "root.json").write_bytes(world.north.root.record)
    (tmp_path / "charter.json").write_bytes(world.charter)
    (tmp_path / "certificate.json").write_bytes(world.n1.certificate)
    (tmp_path / "statement.json").write_bytes(world.signed())
    (tmp_path / "recipe.sh").write_text(blocks()[0])
    return tmp_path


def run(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f". ./recipe.sh\n{script}"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )


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
    """Checked with a library here: the machine's openssl may be too old for it."""
    script = f'openssl() {{ :; }}\ncheck {signed} "$(identity {signer})" mldsa65 {keys}'
    assert run(place, script).returncode == 0
    key = load_der_public_key((place / f"{signed}.key").read_bytes())
    assert isinstance(key, MLDSA65PublicKey)
    signature = (place / f"{signed}.sig").read_bytes()
    message = (place / f"{signed}.message").read_bytes()
    key.verify(signature, message)
    with pytest.raises(InvalidSignature):
        key.verify(signature, message + b" ")


@pytest.mark.skipif(
    not shutil.which("openssl") or not newer_openssl(), reason="needs OpenSSL 3.5 or later"
)
def test_recipe_as_printed_verifies_the_whole_chain(place: Path) -> None:
    assert run(place, blocks()[1]).returncode == 0
