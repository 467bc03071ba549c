"""The recipe of docs/ledger.md §17, run as it is printed, and what docs/reviewing.md shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.core.messages.statement import encode_statement, statement_digest
from hotline.core.records.tlog_proof import decode_tlog_proof, encode_tlog_proof
from hotline.ledger.schema import TABLES
from hotline.review.disclosing import Wish, disclose
from hotline.review.exporting import export_tiles
from tests.fakes.warm import warm_python
from tests.ledger.rig import tamper
from tests.review.outsider import Pair, make_pair
from tests.review.test_disclosing import unasked, with_content, with_leaf, with_path

DOCS = Path(__file__).resolve().parents[2] / "docs"
TOOLS = ("sh", "sed", "tr", "cut", "head", "tail", "date", "base64", "xxd", "sha256sum", "openssl")
FILLER = 600
needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="the recipe's tools are not all here"
)


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


LEDGER = (DOCS / "ledger.md").read_text("utf-8")
RECIPE = re.split(r"(?m)^## ", LEDGER.partition("\n## 17 ")[2])[0]
FUNCTIONS, COMMANDS = blocks("sh", RECIPE)
(CHECK_LOG,) = blocks("python", RECIPE)
REVIEWING = (DOCS / "reviewing.md").read_text("utf-8")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("pair"), filler=FILLER)


@pytest.fixture
def place(pair: Pair, tmp_path: Path) -> Path:
    """A directory with the files that the recipe names, and copies of the log."""
    disclose(pair.north.file, tmp_path / "entry.tlog-proof", Wish((10,), statement=True), unasked)
    (tmp_path / "station.json").write_bytes(pair.north.keys.ledger.certificate)
    (tmp_path / "peer.json").write_bytes(pair.south.keys.ledger.certificate)
    (tmp_path / "disclosed.sh").write_text(FUNCTIONS)
    (tmp_path / "check_log.py").write_text(CHECK_LOG)
    shutil.copy(pair.north.file, tmp_path / "ledger.db")
    export_tiles(pair.north.directory, tmp_path / "tiles")
    return tmp_path


def shell(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f". ./disclosed.sh\n{script}"], cwd=place, capture_output=True, text=True
    )


def check_log(place: Path, log: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "check_log.py", log], cwd=place, capture_output=True, text=True
    )


@needs_tools
def test_recipe_as_printed_checks_a_disclosed_entry(place: Path) -> None:
    done = shell(place, COMMANDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Signature Verified Successfully") == 2
    assert "2026" in done.stdout
    assert '"verdict":"VERIFIED"' in done.stdout


@needs_tools
@pytest.mark.parametrize("spoil", [with_path, with_leaf, with_content])
def test_recipe_refuses_a_disclosed_entry_that_was_altered(place: Path, spoil: object) -> None:
    file = place / "entry.tlog-proof"
    assert callable(spoil)
    file.write_bytes(encode_tlog_proof(spoil(decode_tlog_proof(file.read_bytes()))))
    assert shell(place, COMMANDS).returncode != 0


@needs_tools
@pytest.mark.parametrize("swap", ["station.json", "peer.json"])
def test_recipe_refuses_another_key(place: Path, swap: str) -> None:
    other = {"station.json": "peer.json", "peer.json": "station.json"}[swap]
    shutil.copy(place / other, place / swap)
    assert shell(place, COMMANDS).returncode != 0


@pytest.mark.parametrize("log", ["ledger.db", "tiles"])
def test_script_as_printed_checks_a_whole_log(pair: Pair, place: Path, log: str) -> None:
    done = check_log(place, log)
    assert done.returncode == 0, done.stderr
    origin, size, root = done.stdout.split()
    assert (origin, int(size)) == (pair.north.origin, pair.fork_entry + 1 + FILLER)
    assert len(root) == 64


@needs_tools
def test_head_that_the_script_leaves_verifies_with_openssl(place: Path) -> None:
    check_log(place, "ledger.db")
    (command,) = re.findall(r"`(sed -n 1,3p note > body; line 1;[^`]*)`", RECIPE)
    done = shell(place, command)
    assert done.returncode == 0, done.stderr
    wrong = shell(place, command.replace("station.json", "peer.json"))
    assert wrong.returncode != 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE entry SET leaf = zeroblob(148) WHERE idx = 300", "entry 300 is not where it"),
        ("UPDATE entry SET sealed = x'00' WHERE idx = 300", "entry 300: what it seals"),
        ("UPDATE enclosure SET sealed = x'00' WHERE idx = 10", "entry 10: what it seals"),
        ("DELETE FROM entry WHERE idx = 300", "entry 300 is not where it belongs"),
        ("DELETE FROM entry WHERE idx > 600", "the newest head is over other entries"),
    ],
)
def test_script_names_what_was_altered(place: Path, statement: str, words: str) -> None:
    tamper(place / "ledger.db", statement)
    done = check_log(place, "ledger.db")
    assert done.returncode == 1
    assert words in done.stderr


def test_script_finds_an_altered_tile(place: Path) -> None:
    bundle = place / "tiles" / "tile" / "entries" / "001"
    whole = bytearray(bundle.read_bytes())
    whole[5 * 150 + 2 + 60] ^= 1
    bundle.write_bytes(bytes(whole))
    done = check_log(place, "tiles")
    assert done.returncode == 1
    assert "is not where it belongs" in done.stderr


# --- docs/reviewing.md -------------------------------------------------------


def reviewer(place: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a reviewer's commands beside the ledger, with the tools of this environment first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONPATH": str(DOCS.parent), **environment}
    prelude = f'set -e\nhotline() {{ "{warm_python()}" -m hotline "$@"; }}\n'
    command = ["sh", "-c", prelude + script]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, env=variables)


COPY, *LOOKS = blocks("sh", REVIEWING)


@pytest.fixture
def copied(place: Path) -> Path:
    """The reviewer's place after §1.2."""
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 tool is not here")
    done = reviewer(place, COPY)
    assert done.returncode == 0, done.stderr
    assert "VERIFIED" in done.stdout
    return place


def test_reviewer_s_commands_run_as_printed_and_change_nothing(pair: Pair, copied: Path) -> None:
    digest = statement_digest(encode_statement(pair.sent)).hex()
    before = (copied / "copy" / "ledger.db").read_bytes()
    told = ""
    for script in LOOKS:
        done = reviewer(copied, script, DIGEST=digest)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told += done.stdout
    assert re.search(rf"\nentry +{pair.fork_entry + 1 + FILLER}\n", told)
    assert re.search(rf"\n +30 +{FILLER}\n", told)
    assert "2026-11-22T14:31:26.599000+00:00" in told
    assert pair.north.origin in told
    assert pair.south.witness_name in told
    assert re.search(r"\n +10 +4\n", told)
    assert "vnd.hotline.charter.v1+json" in told
    assert (copied / "record.json").read_bytes().rstrip(b"\n") == pair.records[0]
    assert (copied / "copy" / "ledger.db").read_bytes() == before


def test_table_of_reviewing_names_every_table_of_a_ledger() -> None:
    named = set(re.findall(r"(?m)^\| `(\w+)` \|", REVIEWING))
    assert named == {text.split("(")[0].split()[-1] for text in TABLES}
