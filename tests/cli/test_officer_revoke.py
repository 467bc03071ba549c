"""hotline officer revoke, suspend, lift, successor, as a shell sees them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.shell import one_sentence, run
from tests.fakes.line import FakeLine


def founded(tmp_path: Path) -> tuple[Path, Path]:
    line = FakeLine(tmp_path, deputies=True)
    return line.north.home.path, line.south.home.path


def test_key_is_revoked_and_the_reviewer_is_told(tmp_path: Path) -> None:
    north, _ = founded(tmp_path)
    done = run("officer", "revoke", north, "--person", "ramos", "--reason", "the key was stolen")
    assert done.returncode == 0, done.stderr
    assert "Ramos (ramos, statement) is revoked" in done.stdout
    told = run("verify", north)
    assert told.returncode == 0, told.stdout + told.stderr
    (note,) = [line for line in told.stdout.splitlines() if "revoked" in line]
    assert "A. Ramos of NORTH" in note
    assert "the key was stolen" in note
    assert "countersigned by nobody yet" in note
    again = run("officer", "revoke", north, "--person", "ramos", "--reason", "once more")
    assert again.returncode == 2
    assert "revoked already" in one_sentence(again.stderr)


def test_slip_is_prepared_printed_and_used_by_either_station(tmp_path: Path) -> None:
    north, south = founded(tmp_path)
    slip = tmp_path / "slip.txt"
    made = run("officer", "revoke", north, "--person", "ramos", "--prepare", slip)
    assert made.returncode == 0, made.stderr
    pictures = sorted(tmp_path.glob("slip.txt.*.svg"))
    assert len(pictures) == slip.read_text().count("HLR1:")
    assert all(one.read_text().lstrip().startswith("<?xml") for one in pictures)
    twice = run("officer", "revoke", north, "--person", "ramos", "--prepare", slip)
    assert twice.returncode == 2
    assert "is there already" in one_sentence(twice.stderr)
    for home in (south, north):
        used = run("officer", "revoke", home, "--slip", slip)
        assert used.returncode == 0, used.stderr
        assert "Ramos" in used.stdout
    spoilt = tmp_path / "spoilt.txt"
    spoilt.write_text(slip.read_text().replace("HLR1:1/", "HLR1:2/"))
    refused = run("officer", "revoke", south, "--slip", spoilt)
    assert refused.returncode == 2
    assert "part 1 of the slip is missing" in one_sentence(refused.stderr)


def test_key_is_suspended_by_two_and_lifted_by_the_root(tmp_path: Path) -> None:
    north, _ = founded(tmp_path)
    why = ("--person", "console", "--reason", "lost sight of")
    alone = run("officer", "suspend", north, *why, "--officer", "ramos")
    assert alone.returncode == 2
    assert "1 persons signed" in one_sentence(alone.stderr)
    both = ("--officer", "ramos", "--officer", "vega")
    done = run("officer", "suspend", north, *why, *both)
    assert done.returncode == 0, done.stderr
    assert "is suspended" in done.stdout
    lifted = run("officer", "lift", north, "--person", "console", "--reason", "found again")
    assert lifted.returncode == 0, lifted.stderr
    assert "no longer suspended" in lifted.stdout


def test_refusals_are_one_sentence_each(tmp_path: Path) -> None:
    north, _ = founded(tmp_path)
    for arguments, words in (
        (("--reason", "x"), "nobody is named"),
        (("--person", "nobody", "--reason", "x"), "nobody of this station"),
        (("--person", "ramos"), "the reason must have"),
        (("--person", "ramos", "--reason", "x", "--since", "yesterday"), "--since is no time"),
        (("--slip", tmp_path / "nowhere"), "nowhere"),
        (("--person", "ramos", "--reason", "x", "--root", tmp_path / "nokey"), "nokey"),
    ):
        refused = run("officer", "revoke", north, *arguments)
        assert refused.returncode == 2, refused.stdout + refused.stderr
        assert words in one_sentence(refused.stderr)


def test_successor_comes_into_office_and_its_words_are_shown(tmp_path: Path) -> None:
    north, _ = founded(tmp_path)
    done = run("officer", "successor", north)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    words = [word for row in rows[:6] for word in row[1::2]]
    assert len(words) == 24
    told = run("verify", north)
    assert told.returncode == 0, told.stderr
    assert "committed next root" in told.stdout
