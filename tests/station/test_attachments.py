"""Files beside a ledger: examined, backed up, restored, erased with their month."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.errors import OperatorError
from hotline.host.clock import system_clock
from hotline.review.reviewing import review_ledgers
from hotline.station.attachments import ATTACHMENTS
from hotline.station.doctor import check_up
from hotline.station.erasing import erase_epoch
from hotline.station.home import Home
from hotline.station.restoring import restore
from hotline.station.stored_files import stored_files
from hotline.station.upkeep import at_work
from tests.fakes.line import FakeLine, wait_for
from tests.journeys.test_attachments import PATIENT_S, a_file, kept, send_with, state_of
from tests.station.backups import backup_of, bench_of
from tests.station.months import NORTHERN, OCTOBER, Calendar, Years


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return two closed homes, of which SOUTH sent NORTH a file, and the statement's digest."""
    directory = tmp_path_factory.mktemp("filed")

    async def go() -> str:
        async with FakeLine(directory) as line:
            digest = await send_with(line.south, a_file(directory))
            await wait_for(lambda: state_of(line.north, digest) == "HELD", PATIENT_S)
            await wait_for(
                lambda: line.south.situation.attachments[digest, 0].there == {"NORTH": ""},
                PATIENT_S,
            )
            await line.settled()
            return digest

    return directory, asyncio.run(go())


@pytest.fixture
def homes(filed: tuple[Path, str], tmp_path: Path) -> Path:
    """Return the two homes, to be spoiled."""
    shutil.copytree(filed[0], tmp_path / "homes")
    return tmp_path / "homes"


def the_file(home: Path) -> Path:
    (found,) = home.glob(f"lines/*/{ATTACHMENTS}/*")
    return found


def spoil(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[1_000] ^= 1
    file.write_bytes(content)


def said(home: Path, level: str) -> str:
    found = check_up(Home(home), system_clock, None)
    return "\n".join(one.what for one in found if one.level == level)


def notes(home: Path) -> tuple[str, ...]:
    review = review_ledgers(home, None)
    assert review.ok
    return review.ours.notes


@pytest.mark.parametrize("station", ["NORTH", "SOUTH"])
def test_examination_counts_files_and_finds_one_altered_or_gone(homes: Path, station: str) -> None:
    home = homes / station
    assert "1 sealed files lie beside it." in said(home, "OK")
    assert "1 sealed file lies beside the ledger, each is what its name says" in notes(home)
    digest = the_file(home).name[:16]
    spoil(the_file(home))
    assert f"The file {digest} beside it was altered" in said(home, "FAIL")
    assert f"EVIDENCE: the file {digest} beside the ledger was altered" in notes(home)
    the_file(home).unlink()
    assert f"The file {digest}, which it has recorded, is gone" in said(home, "FAIL")


def test_begun_file_is_no_leftover_and_a_stray_one_is_not_counted(homes: Path) -> None:
    directory = the_file(homes / "NORTH").parent
    (directory / ("ab" * 32 + ".part")).write_bytes(b"x")
    (directory / "stray").write_bytes(b"x")
    found = stored_files(directory.parent)
    assert (found.whole, found.coming, found.altered) == (1, 1, ())
    assert ".part" not in said(homes / "NORTH", "WARN")
    assert "1 more are on their way" in said(homes / "NORTH", "OK")


def test_backup_holds_whole_files_and_a_restore_places_what_is_missing(
    homes: Path, tmp_path: Path
) -> None:
    home = homes / "NORTH"
    file, content = the_file(home), the_file(home).read_bytes()
    (file.parent / ("ab" * 32 + ".part")).write_bytes(b"x")
    made = backup_of(home, tmp_path / "b")
    stored = [name for name in made.manifest.files if f"/{ATTACHMENTS}/" in name]
    assert stored == [file.relative_to(home).as_posix()]
    for spoilt in (Path.unlink, spoil):
        spoilt(file)
        assert restore(bench_of(home), tmp_path / "b") == []
        assert file.read_bytes() == content
    with pytest.raises(OperatorError, match="holds all that the backup holds"):
        restore(bench_of(home), tmp_path / "b")


def ran(*words: str) -> tuple[int, str]:
    out = StringIO()
    with contextlib.redirect_stdout(out):
        code = main(list(words))
    return code, out.getvalue()


def test_commands_list_and_save_what_came(
    homes: Path, filed: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, digest = str(homes / "NORTH"), filed[1]
    code, told = ran("attachment", "list", home)
    assert code == 0
    assert f"{digest[:16]} 1. chart.png: HERE, 39.1 KiB, compared with what was signed" in told
    _, told = ran("attachment", "list", str(homes / "SOUTH"), "--json")
    assert json.loads(told)[0]["line"] == "1. chart.png: NORTH holds it"
    into = str(tmp_path)
    code, told = ran("attachment", "save", home, digest[:9], "--into", into)
    assert (code, told) == (0, f"Saved {tmp_path}/chart.png, as it was signed.\n")
    assert (tmp_path / "chart.png").read_bytes() == (filed[0] / "chart.png").read_bytes()
    for words, fault in (
        ((digest[:9], "--into", into), "is there already"),
        ((digest[:9], "--into", f"{into}/none"), "is not there"),
        (("ffff", "--into", into), "no statement with a file"),
    ):
        assert ran("attachment", "save", home, *words)[0] == 2
        assert fault in capsys.readouterr().err
    _, told = ran("inbox", home)
    assert "FILE 1. chart.png: HERE" in told
    spoil(the_file(homes / "NORTH"))
    (tmp_path / "chart.png").unlink()
    assert ran("attachment", "save", home, digest, "--into", into)[0] == 2
    assert "put it back from a backup" in capsys.readouterr().err
    assert not (tmp_path / "chart.png").exists()


def test_file_is_erased_with_its_month(tmp_path: Path) -> None:
    calendar = Calendar("2026-10-20T08:00:00.000Z")
    line = FakeLine(tmp_path, clock=calendar, deputies=True)
    years = Years(line, calendar)

    async def october() -> str:
        async with line:
            digest = await send_with(line.south, a_file(tmp_path))
            await wait_for(lambda: state_of(line.north, digest) == "HELD", PATIENT_S)
            await line.settled()
            return digest

    async def november() -> list[str]:
        calendar.set("2026-11-03T08:00:00.000Z")
        async with line:
            await years.exchange()
            second = await send_with(line.south, a_file(tmp_path))
            await wait_for(lambda: state_of(line.north, second) == "HELD", PATIENT_S)
            await line.settled()
            return kept(line.north)

    async def afterwards(digest: str) -> list[str]:
        async with line:
            with pytest.raises(OperatorError, match="no such file"):
                line.north.station.saved_content((digest, 0))
            return kept(line.north)

    digest = asyncio.run(october())
    both = asyncio.run(november())
    assert len(both) == 2
    with at_work(years.bench) as work:
        erase_epoch(work, OCTOBER, "the month is kept no longer", NORTHERN)
    (left,) = asyncio.run(afterwards(digest))
    assert left in both
