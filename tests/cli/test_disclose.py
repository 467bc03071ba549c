"""`hotline disclose`, `check` and `export`, by their exit codes and by what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.records.cards import format_cards
from tests.cli.shell import one_sentence, run
from tests.review.outsider import OutsideWitness, Pair, make_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("pair"), filler=20)


@pytest.fixture
def cards(pair: Pair, tmp_path: Path) -> Path:
    path = tmp_path / "line.cards"
    path.write_bytes(format_cards(pair.records))
    return path


def hotline(*arguments: object) -> int:
    return main([str(one) for one in arguments])


def test_entry_is_disclosed_and_checked_by_two_commands(
    pair: Pair, tmp_path: Path, cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.tlog-proof"
    assert hotline("disclose", pair.north.directory, "--entry", 10, "--out", out) == 0
    assert capsys.readouterr().out == f"Wrote {out}\n"
    assert hotline("check", out, "--card", cards) == 0
    said = capsys.readouterr()
    assert said.out.startswith("PROVED: NORTH recorded entry 10, StatementReceived, at ")
    assert said.err == ""
    assert hotline("check", out, "--card", cards, "--json") == 0
    assert json.loads(capsys.readouterr().out)["entry"] == 10


def test_command_runs_as_a_process_of_its_own(pair: Pair, tmp_path: Path, cards: Path) -> None:
    done = run("disclose", pair.north.directory, "--entry", "10", "--out", tmp_path / "e")
    assert (done.returncode, done.stderr) == (0, "")
    done = run("check", tmp_path / "e", "--card", cards)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SOUTH countersigned the first " in done.stdout


def test_several_entries_go_into_a_directory(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "many"
    arguments = ("disclose", pair.north.file, "--entry", 1, "--entry", 2, "--cards", "--json")
    assert hotline(*arguments, "--out", out) == 0
    written = json.loads(capsys.readouterr().out)["files"]
    assert [Path(one).name for one in written] == [
        "entry-1.tlog-proof",
        "entry-1.tlog-proof.cards",
        "entry-2.tlog-proof",
        "entry-2.tlog-proof.cards",
    ]


def test_fork_is_disclosed_and_proved(
    pair: Pair, tmp_path: Path, cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "forks"
    assert hotline("disclose", pair.north.directory, "--forks", "--out", out, "--json") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert hotline("check", file, "--card", cards) == 0
    assert capsys.readouterr().out.startswith("FORK PROVED: SOUTH's ledger key signed two ")


def test_file_that_was_altered_exits_1_with_one_sentence(
    pair: Pair, tmp_path: Path, cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e"
    hotline("disclose", pair.north.directory, "--entry", 10, "--out", out)
    out.write_bytes(out.read_bytes().replace(b"index 10", b"index 11"))
    capsys.readouterr()
    assert hotline("check", out, "--card", cards) == 1
    said = one_sentence(capsys.readouterr().err)
    assert "does not verify: the leaf is of another entry than the file names" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"junk", "is neither a disclosed entry nor evidence of a fork"),
        (b"c2sp.org/tlog-proof@v1\nindex x\n\n", "is malformed"),
        (b'{"type":"hotline fork evidence v1"}', "is malformed"),
        (b"", "is neither"),
    ],
)
def test_junk_exits_2_with_one_sentence(
    content: bytes, words: str, tmp_path: Path, cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "junk").write_bytes(content)
    assert hotline("check", tmp_path / "junk", "--card", cards) == 2
    assert words in one_sentence(capsys.readouterr().err)


def test_wrong_cards_exit_2(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "e"
    hotline("disclose", pair.north.directory, "--entry", 1, "--out", out)
    (tmp_path / "junk.card").write_bytes(b"junk")
    capsys.readouterr()
    assert hotline("check", out) == 2
    assert "no signature in it can be checked" in one_sentence(capsys.readouterr().err)
    assert hotline("check", out, "--card", tmp_path / "junk.card") == 2
    assert "holds neither a station's root nor the words of one" in one_sentence(
        capsys.readouterr().err
    )
    assert hotline("check", out, "--card", tmp_path / "none") == 2
    assert "there is no " in one_sentence(capsys.readouterr().err)
    assert hotline("check", out, "--witness", "nonsense") == 2
    assert "a witness's key must look like" in one_sentence(capsys.readouterr().err)


def test_cards_with_a_forged_record_exit_1(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e"
    hotline("disclose", pair.north.directory, "--entry", 1, "--out", out)
    forged = tmp_path / "forged.cards"
    charter = pair.records[-1]
    at = charter.index(b'"sig":"') + 7
    other = b"B" if charter[at : at + 1] == b"A" else b"A"
    spoiled = charter[:at] + other + charter[at + 1 :]
    forged.write_bytes(format_cards([*pair.records[:-1], spoiled]))
    capsys.readouterr()
    assert hotline("check", out, "--card", forged) == 1
    assert "do not verify" in one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--entry", "1", "--forks"),
        ("--forks", "--statement"),
        ("--forks", "--cards"),
    ],
)
def test_unclear_wish_exits_2(
    arguments: tuple[str, ...], pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x"
    assert hotline("disclose", pair.north.directory, "--out", out, *arguments) == 2
    assert one_sentence(capsys.readouterr().err)
    assert not out.exists()


def test_ledger_without_its_content_key_exits_2(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger.db").write_bytes(pair.north.file.read_bytes())
    assert hotline("disclose", tmp_path, "--entry", 1, "--out", tmp_path / "x") == 2
    assert "there is no content.key beside" in one_sentence(capsys.readouterr().err)


def test_tiles_are_exported_and_completed(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiles"
    assert hotline("export", pair.north.directory, "--tiles", out, "--cards") == 0
    assert capsys.readouterr().out.startswith("Exported 32 entries; 4 files written")
    assert hotline("export", pair.north.directory, "--tiles", out, "--cards") == 0
    assert "; 0 files written" in capsys.readouterr().out


def test_outside_witness_is_asked_by_files_and_counts(
    pair: Pair, tmp_path: Path, cards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, out = tmp_path / "body", tmp_path / "e"
    assert hotline("export", pair.north.directory, "--add-checkpoint", body) == 0
    witness = OutsideWitness(pair.north.origin, [pair.north.signer.public_key], "w.example")
    status, answer = witness.add_checkpoint(body.read_bytes())
    assert status == 200
    body.write_bytes(body.read_bytes() + answer)
    arguments = ("disclose", pair.north.directory, "--entry", 5, "--out", out)
    assert hotline(*arguments, "--cosigned", body) == 0
    capsys.readouterr()
    assert hotline("check", out, "--card", cards, "--witness", witness.vkey) == 0
    assert "the outside witness w.example countersigned" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("--tiles", "a", "--add-checkpoint", "b")])
def test_unclear_export_exits_2(
    arguments: tuple[str, ...], pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hotline("export", pair.north.directory, *arguments) == 2
    assert "say what to export" in one_sentence(capsys.readouterr().err)


def test_nothing_hostile_in_a_file_reaches_the_screen(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil\x1b]0;title"
    path.write_bytes(b"c2sp.org/tlog-proof@v1\n\x1b[2J")
    assert hotline("check", path) == 2
    assert "\x1b" not in capsys.readouterr().err
