"""Files that travel beside statements, over real sockets between real stations."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import OperatorError, StorageError
from hotline.core.messages.attachments import MAX_ATTACHMENT_BYTES
from hotline.core.messages.statement import encode_statement
from hotline.core.records import events as ev
from hotline.core.values import Digest, Precedence
from hotline.host.entropy import system_entropy
from hotline.sealing import attachment_items as said
from hotline.sealing import items as its
from hotline.sealing.attachment import stream_bytes
from hotline.station import attaching
from hotline.station.attachments import ATTACHMENTS, Attached, read_to_attach
from tests.fakes.group import FakeGroup
from tests.fakes.line import FakeLine, Place, wait_for
from tests.fakes.warm import warm_python

PATIENT_S = 60.0
SMALL, LARGE = 40_000, 1024 * 1024


def a_file(directory: Path, name: str = "chart.png", size: int = SMALL) -> Path:
    path = directory / name
    path.write_bytes(system_entropy(size))
    return path


async def send_with(place: Place, *files: Path, **more: Any) -> str:
    """Send a statement with files; return its digest."""
    view = place.draft("conv/free-text", {}, text="see the chart", **more)
    for file in files:
        view = await place.desk.attach(view.draft, str(file))
    assert view.ready, view.faults
    return await place.desk.send(view.draft, view.code)


def state_of(place: Place, digest: str, at: int = 0) -> str:
    found = place.situation.attachments.get((digest, at))
    return found.state if found else ""


def kept(place: Place) -> list[str]:
    """Return the names of the files in a station's directory of attachments."""
    directory = place.directory / ATTACHMENTS
    return sorted(os.listdir(directory)) if directory.is_dir() else []


async def test_files_arrive_whole_are_saved_and_both_records_say_so(tmp_path: Path) -> None:
    files = [a_file(tmp_path, "chart.png", 100_000), a_file(tmp_path, "words.txt", 1)]
    out = tmp_path / "out"
    out.mkdir()
    async with FakeLine(tmp_path) as line:
        digest = await send_with(line.south, *files)
        for at in range(2):
            await wait_for(lambda at=at: state_of(line.north, digest, at) == "HELD", PATIENT_S)  # type: ignore[misc]
        there = line.south.situation.attachments
        await wait_for(lambda: there[digest, 1].there == {"NORTH": ""}, PATIENT_S)
        # A piece is asked for when the one before is here: a FLASH waits behind one at most.
        asked = [one.first for one in line.south.heard_items(said.ChunksWantedItem)]
        came = [one.index for one in line.north.heard_items(said.ChunkItem)]
        assert asked == came == [0, 1, 2, 3, 0]
        assert len(line.north.heard_items(said.AttachmentKeyItem)) == 2
        assert kept(line.north) == kept(line.south)
        assert len(kept(line.north)) == 2
        stored = [line.north.directory / ATTACHMENTS / one for one in kept(line.north)]
        whole = b"".join(path.read_bytes() for path in stored)
        assert files[0].read_bytes()[:64] not in whole
        for at, file in enumerate(files):
            path = await line.north.station.save_attachment((digest, at), out, "NORTH's officer")
            assert path == out / file.name
            assert path.read_bytes() == file.read_bytes()
            assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(OperatorError, match="there already"):
            await line.north.station.save_attachment((digest, 0), out, "again")
        message = line.north.desk.message(digest)
        assert message is not None
        assert message.files[1] == "2. words.txt: HERE, 1 bytes, compared with what was signed"
        assert any("chart.png" in shown and "image/png" in shown for shown in message.lines)
        sent = line.south.desk.message(digest)
        assert sent is not None
        assert sent.files[0] == "1. chart.png: NORTH holds it"
        assert len(line.north.recorded(ev.AttachmentSaved)) == 2
        (first, _) = line.north.recorded(ev.AttachmentReceived)
        assert first.sealed in kept(line.north)
        await line.settled()
        assert (await line.judged()).ok


async def test_station_killed_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        await line.south.stop()
        digest = await send_with(line.north, a_file(tmp_path, size=LARGE))
        with receiving(line.south) as process:
            moved = lambda: line.north.station.file_progress((digest, 0), "SOUTH") or 0  # noqa: E731
            await wait_for(lambda: moved() >= LARGE // 4, PATIENT_S)
            process.send_signal(signal.SIGKILL)
            process.wait()
        (part,) = kept(line.south)
        assert part.endswith(".part")
        held = (line.south.directory / ATTACHMENTS / part).stat().st_size
        assert LARGE // 4 <= held < LARGE
        line.north.heard.clear()
        await line.south.start()
        await wait_for(lambda: state_of(line.south, digest) == "HELD", PATIENT_S)
        (first, *_) = line.north.heard_items(said.ChunksWantedItem)
        assert first.first == held // said.PIECE_BYTES
        assert kept(line.south) == [part.removesuffix(".part")]


@contextlib.contextmanager
def receiving(
    place: Place, largest_bytes: int = 0, wait_s: int = 60
) -> Iterator[subprocess.Popen[str]]:
    """Let a station receive in a process of its own; `largest_bytes`: of a file on its disk."""

    def small() -> None:
        if largest_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, largest_bytes))

    process = subprocess.Popen(
        [warm_python(), "-m", "hotline", "inbox", str(place.home.path), "--wait", str(wait_s)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=small,  # noqa: PLW1509 - it sets a limit and nothing else
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.soak
async def test_disk_that_takes_no_more_stops_the_file_and_not_the_line(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        await line.south.stop()
        digest = await send_with(line.north, a_file(tmp_path, size=LARGE))
        with receiving(line.south, LARGE // 2, wait_s=30) as process:
            moved = lambda: line.north.station.file_progress((digest, 0), "SOUTH") or 0  # noqa: E731
            await wait_for(lambda: moved() >= LARGE // 2 - said.PIECE_BYTES, PATIENT_S)
            later = await line.north.say("conv/free-text", {}, text="and the line?")
            await wait_for(lambda: line.north.receipted(later), PATIENT_S)
            assert process.poll() is None
        await line.south.start()
        await wait_for(lambda: state_of(line.south, digest) == "HELD", PATIENT_S)


async def test_too_little_room_or_a_disk_that_refuses_is_said_and_the_file_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "ROOM_S", 0.2)
    async with FakeLine(tmp_path) as line:
        free = [0]
        assert line.north.station._files is not None
        line.north.station._files._free = lambda _: free[0]
        digest = await send_with(line.south, a_file(tmp_path))
        await wait_for(lambda: line.north.station.faults, PATIENT_S)
        assert line.north.station.faults[0].startswith("too little room is left on the disk")
        later = await line.south.say("conv/free-text", {}, text="and the line?")
        await wait_for(lambda: line.south.receipted(later), PATIENT_S)
        assert kept(line.north) == []
        # Where the beginning should go lies something that nobody can write to.
        sealed = line.south.state(digest).statement.attachments[0].sealed
        (line.north.directory / ATTACHMENTS / f"{sealed}.part").mkdir(parents=True)
        free[0] = 2**40
        refused = "the disk refused to write an attachment"
        faults = line.north.station.faults
        await wait_for(lambda: any(one.startswith(refused) for one in faults), PATIENT_S)
        later = await line.south.say("conv/free-text", {}, text="and now?")
        await wait_for(lambda: line.south.receipted(later), PATIENT_S)
        (line.north.directory / ATTACHMENTS / f"{sealed}.part").rmdir()
        await wait_for(lambda: state_of(line.north, digest) == "HELD", PATIENT_S)
        free[0] = 0
        with pytest.raises(StorageError, match="too little room"):
            line.north.station._files.keep_draft(Digest(bytes(32)), b"x")


async def test_least_urgent_statement_passes_every_piece_that_waits(tmp_path: Path) -> None:
    files = [a_file(tmp_path, f"chart{number}.png") for number in range(4)]
    async with FakeLine(tmp_path) as line:
        south = line.south.station
        digest = await send_with(line.south, *files)
        await wait_for(lambda: state_of(line.north, digest, 3) == "HELD", PATIENT_S)
        sealed: list[str] = []
        seal = south._courier.seal

        def logged(peer: str, items: Any) -> bytes:
            sealed.extend(item.t for item in items if item.t in ("chunk", "test"))
            return seal(peer, items)

        south._courier.seal = logged  # type: ignore[method-assign]
        assert south._files is not None
        for place in range(4):
            wanted = said.ChunksWantedItem(
                statement=Digest(bytes.fromhex(digest)), place=place, first=0, key=False
            )
            south._attaching._bringing.bring(south._files, "NORTH", wanted)
        least = its.LineTestItem(serial=1, phrase="as a ROUTINE statement")
        line.south.station._outgoing.put(lambda: [least], rank=Precedence.ROUTINE.rank)
        await wait_for(lambda: len(sealed) == 5, PATIENT_S)
        assert sealed == ["test", *["chunk"] * 4]


Spoil = Callable[[Place, Attached], Attached]


def another_stream(place: Place, made: Attached) -> Attached:
    (place.directory / ATTACHMENTS / f"{made.ref.sealed}.draft").write_bytes(
        system_entropy(stream_bytes(made.ref.size))
    )
    return made


def short_piece(place: Place, made: Attached) -> Attached:
    (place.directory / ATTACHMENTS / f"{made.ref.sealed}.draft").write_bytes(b"short")
    return made


def smaller_size(place: Place, made: Attached) -> Attached:
    return replace(made, ref=made.ref.model_copy(update={"size": made.ref.size - 5_000}))


def wrong_key(place: Place, made: Attached) -> Attached:
    return replace(made, key="ab" * 32)


def other_content(place: Place, made: Attached) -> Attached:
    return replace(made, ref=made.ref.model_copy(update={"digest": "ab" * 32}))


async def test_file_that_is_not_what_was_signed_is_refused_and_nothing_of_it_stays(
    tmp_path: Path,
) -> None:
    file = a_file(tmp_path)
    async with FakeLine(tmp_path) as line:
        south = line.south
        spoils: dict[Spoil, str] = {
            another_stream: "its sealed stream is not the one that was signed",
            short_piece: "a piece of it has another length",
            smaller_size: "a piece of it has another length",
            wrong_key: "its sealed stream was altered, cut short or put together anew",
            other_content: "its sealed stream was altered, cut short or put together anew",
        }
        for spoil, reason in spoils.items():
            made = spoil(south, await south.station.attach(file))
            statement = south.statement(attachments=(made.ref,))
            envelope = south.sign(encode_statement(statement))
            digest = await south.station.submit(envelope, attached=[made])
            await wait_for(lambda: state_of(line.north, digest) == "REFUSED", PATIENT_S)  # noqa: B023
            assert line.north.situation.attachments[digest, 0].reason == reason, spoil
            ours = south.situation.attachments[digest, 0]
            await wait_for(lambda: ours.there == {"NORTH": reason}, PATIENT_S)  # noqa: B023
            assert kept(line.north) == []
            with pytest.raises(OperatorError, match="not here whole"):
                line.north.station.saved_content((digest, 0))


async def test_what_was_never_asked_for_is_passed_over(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        digest = await send_with(line.south, a_file(tmp_path))
        await wait_for(lambda: state_of(line.north, digest) == "HELD", PATIENT_S)
        known = Digest(bytes.fromhex(digest))
        size = line.north.situation.length
        for statement in (known, Digest(bytes(32))):
            for index in (0, 1, 2, 2**53 - 1):
                line.south.inject(
                    said.ChunkItem(statement=statement, place=0, index=index, content=b"x" * 9),
                    said.AttachmentKeyItem(statement=statement, place=0, key=bytes(32)),
                    said.ChunksWantedItem(statement=statement, place=0, first=index, key=True),
                    said.AttachmentStateItem(
                        statement=statement, place=0, state="GONE", reason="no"
                    ),
                    said.AttachmentStateItem(
                        statement=statement, place=9, state="REFUSED", reason="no"
                    ),
                )
        later = await line.south.say("conv/free-text", {}, text="after")
        await wait_for(lambda: line.south.receipted(later), PATIENT_S)
        assert state_of(line.north, digest) == "HELD"
        assert len(kept(line.north)) == 1
        recorded = line.north.happenings()[size:]
        assert not [one for one in recorded if isinstance(one.event, ev.AttachmentEvent)]
        assert line.north.reasons == []
        asked = said.ChunksWantedItem(statement=known, place=0, first=2**53 - 1, key=False)
        line.north.inject(asked)
        later = await line.north.say("conv/free-text", {}, text="after")
        await wait_for(lambda: line.north.receipted(later), PATIENT_S)
        assert line.south.station.faults == []


async def test_peer_that_keeps_no_more_says_so_and_one_that_lost_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLine(tmp_path) as line:
        first = await send_with(line.south, a_file(tmp_path))
        await wait_for(lambda: state_of(line.north, first) == "HELD", PATIENT_S)
        monkeypatch.setattr(attaching, "QUOTA_BYTES", stream_bytes(SMALL))
        second = await send_with(line.south, a_file(tmp_path))
        ours = line.south.situation.attachments[second, 0]
        await wait_for(lambda: ours.there, PATIENT_S)
        assert ours.there == {"NORTH": "its files fill all the room that a peer has"}
        shown = line.south.desk.message(second)
        assert shown is not None
        assert shown.files == (
            "1. chart.png: NORTH did not take it: its files fill all the room that a peer has",
        )
        monkeypatch.undo()
        made = await line.south.station.attach(a_file(tmp_path))
        statement = line.south.statement(attachments=(made.ref,))
        await line.south.station.submit(
            line.south.sign(encode_statement(statement)), attached=[made]
        )
        (line.south.directory / ATTACHMENTS / made.ref.sealed).unlink()
        await wait_for(lambda: line.north.recorded(ev.AttachmentRefused)[1:], PATIENT_S)
        assert line.north.recorded(ev.AttachmentRefused)[1].reason == "SOUTH has it no more"


async def test_draft_that_is_discarded_or_left_at_a_crash_leaves_no_file(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, run=False) as line:
        desk, file = line.south.desk, a_file(tmp_path)
        view = line.south.draft("conv/free-text", {}, text="x")
        view = await desk.attach(view.draft, str(file))
        assert view.attached == ("chart.png",)
        assert len(kept(line.south)) == 1
        desk.discard(view.draft)
        assert kept(line.south) == []
        view = line.south.draft("conv/free-text", {}, text="x")
        for _ in range(4):
            view = await desk.attach(view.draft, str(file))
        with pytest.raises(OperatorError, match="at most 4 files"):
            await desk.attach(view.draft, str(file))
        assert desk.detach(view.draft).attached == ()
        await desk.attach(view.draft, str(file))
        await line.south.stop()
        assert len(kept(line.south)) == 1
        await line.south.start(run=False)
        assert kept(line.south) == []


@pytest.mark.parametrize("name", ["run.exe", ".png", "~chart.png", "empty.png", "missing.png", "x"])
def test_file_that_may_not_travel_is_not_attached(tmp_path: Path, name: str) -> None:
    if name not in ("missing.png", "x"):
        (tmp_path / name).write_bytes(b"" if name == "empty.png" else b"x")
    if name == "x":
        (tmp_path / "x").mkdir()
    with pytest.raises(OperatorError):
        read_to_attach(tmp_path / name)


def test_file_of_the_largest_size_may_travel_and_one_byte_more_may_not(tmp_path: Path) -> None:
    path = tmp_path / "image.tiff"
    with path.open("wb") as file:
        file.truncate(MAX_ATTACHMENT_BYTES)
    assert read_to_attach(path)[:2] == ("image.tiff", "image/tiff")
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(OperatorError, match="1 to 16777216 bytes"):
        read_to_attach(path)


async def test_file_waits_with_its_statement_for_the_second_officer(tmp_path: Path) -> None:
    forms = ("conv/free-text",)
    async with FakeLine(tmp_path, deputies=True, two_person=forms) as line:
        digest = await send_with(line.south, a_file(tmp_path))
        assert digest not in line.south.situation.statements
        assert len(kept(line.south)) == 1
        await line.south.stop()
        await line.south.start()
        await line.up()
        await line.south.desk_of("sorel").release(digest)
        await wait_for(lambda: state_of(line.north, digest) == "HELD", PATIENT_S)


async def test_each_of_two_receivers_gets_its_own_and_the_sender_sees_both(tmp_path: Path) -> None:
    async with FakeGroup(tmp_path) as group:
        digest = await send_with(group.south, a_file(tmp_path))
        there = group.south.situation.attachments[digest, 0].there
        await wait_for(lambda: there == {"NORTH": "", "EAST": ""}, PATIENT_S)
        assert kept(group.north) == kept(group.east) == kept(group.south)
        message = group.south.desk.message(digest)
        assert message is not None
        assert message.files == ("1. chart.png: NORTH holds it; EAST holds it",)
        wanted = said.ChunksWantedItem(
            statement=Digest(bytes.fromhex(digest)), place=0, first=0, key=True
        )
        brought = len(group.east.heard_items(said.ChunkItem))
        group.east.station._put("NORTH", lambda: [wanted])
        later = await group.north.say("conv/free-text", {}, text="whose file is it?")
        await wait_for(lambda: not group.north.state(later).unreceipted, PATIENT_S)
        assert len(group.east.heard_items(said.ChunkItem)) == brought


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_largest_file_arrives_through_breaks_while_the_line_speaks(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        north, south = line.north, line.south
        digest = await send_with(south, a_file(tmp_path, "image.tiff", MAX_ATTACHMENT_BYTES))
        for share in range(1, 5):
            held = share * MAX_ATTACHMENT_BYTES // 5
            moved = lambda: south.station.file_progress((digest, 0), "NORTH") or 0  # noqa: E731
            await wait_for(lambda: moved() >= held, 300)  # noqa: B023
            await (north if share % 2 else south).stop()
            await (north if share % 2 else south).start()
            await line.up()
            urgent = await south.say("conv/free-text", {}, text="now", precedence="FLASH")
            await wait_for(lambda: south.receipted(urgent), PATIENT_S)  # noqa: B023
        await wait_for(lambda: state_of(north, digest) == "HELD", 300)
        assert len(kept(north)) == 1
