"""A ledger that was put back and went on, as a reviewer sees it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.errors import OperatorError
from hotline.review.reviewing import Asked, read_since, review_ledgers
from tests.fakes.line import FakeLine, wait_for
from tests.journeys.test_generations import LEDGER_FILES, put_aside, put_back, renew, say
from tests.ledger.rig import tamper
from tests.review.rig import Worked


async def _work(directory: Path) -> None:
    async with FakeLine(directory, deputies=True) as line:
        north = line.north
        await say(north, "early")
        await line.settled()
        await north.stop()
        put_aside(north, directory / "older", LEDGER_FILES)
        await north.start()
        await line.up()
        lost, theirs = await say(north, "lost"), await say(line.south, "lost there")
        await line.settled()
        await north.stop()
        put_back(north, directory / "older", LEDGER_FILES)
        renew(north)
        await north.start()
        await line.up()
        await wait_for(lambda: north.holds(lost) and north.holds(theirs))
        await say(north, "NORTH goes on")
        await line.settled()
        for place in line.places:
            await place.stop()


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("renewed")
    asyncio.run(_work(directory))
    return directory


@pytest.fixture
def copy(renewed: Path, tmp_path: Path) -> Path:
    shutil.copytree(renewed, tmp_path / "copy")
    return tmp_path / "copy"


def line_of(directory: Path, station: str) -> Path:
    return next((directory / station).glob("lines/*"))


def test_reviewer_of_a_directory_sees_what_was_left_behind_lost_and_authorised(
    renewed: Path,
) -> None:
    north, south = line_of(renewed, "NORTH"), line_of(renewed, "SOUTH")
    review = review_ledgers(north, south)
    text = "\n".join(review.lines())
    assert review.ok, text
    assert "Earlier: generation-1." in text
    assert "Generation 1 of NORTH's ledger was left behind at " in text
    assert "are lost to this station; " in text
    assert "A. Ramos and " in text
    assert "the disk was exchanged" in text
    assert "The ledgers of NORTH and SOUTH RECONCILE" in text
    (left,) = review.as_json()["ledger"]["generations"]["left_behind"]
    assert (left["generation"], left["reason"]) == (1, "the disk was exchanged")
    assert review_ledgers(south, north).ok


def test_ledger_that_was_left_behind_is_replayed_with_the_line_s_content_key(
    renewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = line_of(renewed, "NORTH") / "generation-1" / "ledger.db"
    assert not file.with_name("content.key").exists()
    assert main(["replay", str(file), "--json"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(frames) == review_ledgers(file, None).ours.entries
    assert frames[0]["event"]["generation"] == 1
    assert [one["statement"]["text"] for one in frames if one["statement"]] == ["early"]
    assert main(["replay", str(file.parent)]) == 0
    assert "NORTH" in capsys.readouterr().out


def test_missing_file_of_an_earlier_generation_is_said_and_no_fault(copy: Path) -> None:
    north, south = line_of(copy, "NORTH"), line_of(copy, "SOUTH")
    shutil.rmtree(north / "generation-1")
    review = review_ledgers(north, south)
    text = "\n".join(review.lines())
    assert review.ok, text
    assert "The file of generation 1 is not beside the ledger." in text


def test_earlier_file_that_is_not_the_one_left_behind_is_a_fault(copy: Path) -> None:
    north = line_of(copy, "NORTH")
    file = north / "generation-1" / "ledger.db"
    heads = [size for (size,) in sqlite3.connect(file).execute("SELECT size FROM head")]
    size = sorted(heads)[-2]
    tamper(
        file,
        f"DELETE FROM entry WHERE idx >= {size}",
        f"DELETE FROM enclosure WHERE idx >= {size}",
        f"DELETE FROM head WHERE size > {size}",
        f"DELETE FROM cosignature WHERE size > {size}",
        f"DELETE FROM lasting WHERE size > {size}",
        f"DELETE FROM node WHERE ((idx + 1) << level) > {size}",
    )
    review = review_ledgers(north, None)
    assert not review.ok
    assert "when it was left behind; its file now has " in "\n".join(review.lines())


def test_generation_without_its_record_is_a_fault(copy: Path) -> None:
    north = line_of(copy, "NORTH")
    tamper(north / "ledger.db", "DELETE FROM public WHERE seq = (SELECT max(seq) FROM public)")
    assert not review_ledgers(north, None).ok


def test_saved_findings_and_notes_name_a_trusted_head(kept: Worked, tmp_path: Path) -> None:
    review = review_ledgers(kept.north, None)
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(review.as_json()))
    again = review_ledgers(kept.north, None, Asked(since=saved))
    assert again.ok
    assert again.ours.since == read_since(saved)
    text = "\n".join(again.lines())
    assert f"Entries 0 to {review.ours.entries - 1}: not looked at again" in text
    file = next(kept.north.glob("lines/*/ledger.db"))
    connection = sqlite3.connect(file)
    (note,) = connection.execute("SELECT note FROM head ORDER BY size DESC").fetchone()
    connection.close()
    saved.write_bytes(note)
    assert read_since(saved).size == review.ours.entries


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "names no head"),
        ("nothing", "names no head"),
        (
            '{"ok": false, "ledger": {"ok": false, "origin": "x", "entries": 3, "root": "ROOT"}}',
            "d",
        ),
        (
            '{"ok": true, "ledger": {"ok": true, "origin": "x", "entries": -1, "root": "ROOT"}}',
            "no",
        ),
        ('{"ok": true, "ledger": {"ok": true, "origin": "x", "entries": 1, "root": "00"}}', "no"),
    ],
)
def test_file_that_names_no_trusted_head_is_wrong_input(
    tmp_path: Path, content: str, words: str
) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(content.replace("ROOT", "00" * 32))
    with pytest.raises(OperatorError, match=words):
        read_since(saved)


def test_accusation_by_heads_that_nobody_judged_is_looked_into_first(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = next(worked.south.glob("lines/*/ledger.db"))
    tamper(file, "UPDATE witnessed SET root = zeroblob(32) WHERE seq = 2")
    monkeypatch.setattr("hotline.ledger.verify.MAX_AUDITED_HEADS", 1)
    review = review_ledgers(worked.north, worked.south)
    assert not review.ok
    assert review.theirs is not None
    assert [fault.where for fault in review.theirs.faults] == ["witnessed head 2"]
    assert "rewritten" not in "\n".join(review.lines())
