"""One ledger, two copies at work: whoever copies a station finds out, or its peer does. §10, §8."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError
from hotline.core.records.checkpoint import verify_checkpoint
from hotline.core.records.witness import HeadVerdict, judge_head
from hotline.ledger.reconcile import reconcile
from hotline.ledger.store import Ledger
from tests.ledger.rig import Station, deliver, draft, verifier
from tests.ledger.tamper.judging import verify
from tests.ledger.tamper.scene import Scene, play


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return play(tmp_path_factory.mktemp("scene"), statements=2)


@pytest.fixture
def scene(played: Scene, tmp_path: Path) -> Scene:
    return played.copy(tmp_path)


@pytest.fixture
def twin(scene: Scene) -> Station:
    """NORTH's whole directory, head.db and all, a second time."""
    copy = Station("NORTH", scene.north.home.parent / "twin")
    shutil.copytree(scene.north.home, copy.home)
    return copy


def show(ours: Ledger, station: Station, theirs: Ledger) -> HeadVerdict:
    """Show our newest head to the other station; return what it makes of it."""
    held = theirs.witnessed(ours.origin)
    assert held is not None
    old_size = min(held.size, ours.size)
    checkpoint = verify_checkpoint(ours.head(), [station.key.public_key], verifier)
    return judge_head(held, checkpoint, old_size, ours.prove_consistency(old_size))


def test_second_copy_beside_the_same_head_db_is_refused_once_the_first_went_on(
    scene: Scene,
) -> None:
    """Two directories, one head.db, as it should be when that lies on another disk."""
    heads = scene.north.home / "head.db"
    second = Station("NORTH", scene.north.home.parent / "second")
    shutil.copytree(scene.north.home, second.home)
    first = scene.north.open(heads=heads)
    first.append([draft(200)])
    first.close()
    with pytest.raises(IntegrityError, match="put back"):
        second.open(heads=heads)


def test_second_copy_that_released_meanwhile_stops_the_first_at_its_next_release(
    scene: Scene,
) -> None:
    """The lock is gone (another machine, a network disk): the swap itself must find out."""
    first = scene.north.open()
    stolen = Station("NORTH", scene.north.home.parent / "stolen")
    shutil.copytree(scene.north.home, stolen.home)
    second = stolen.open()
    second.append([draft(201)])
    second.close()
    # The other machine's head.db is the one that both look at from here on.
    held, first._heads._connection = first._heads._connection, _connected(stolen.home)
    first.append([draft(202, content=b'{"the":"first copy"}')])
    with pytest.raises(IntegrityError, match=r"head\.db"):
        first.release()
    held.close()


def _connected(home: Path):  # type: ignore[no-untyped-def]
    from hotline.ledger.connection import open_heads_file

    return open_heads_file(home / "head.db")


def test_copy_of_everything_is_a_fork_to_the_peer_at_the_same_size(
    scene: Scene, twin: Station
) -> None:
    ours, theirs, second = scene.north.open(), scene.south.open(), twin.open()
    deliver(scene.north, ours, scene.south, theirs, 300)
    held = theirs.witnessed(ours.origin)
    assert held is not None
    while second.size < held.size:
        second.append([draft(second.size)])
    cut = verify_checkpoint(second.head(held.size), [twin.key.public_key], verifier)
    assert judge_head(held, cut, held.size, []) is HeadVerdict.FORK
    for ledger in (ours, theirs, second):
        ledger.close()


def test_copy_of_everything_is_inconsistent_to_the_peer_at_a_larger_size(
    scene: Scene, twin: Station
) -> None:
    ours, theirs, second = scene.north.open(), scene.south.open(), twin.open()
    deliver(scene.north, ours, scene.south, theirs, 300)
    second.append([draft(number) for number in range(301, 330)])
    assert show(second, twin, theirs) is HeadVerdict.INCONSISTENT
    for ledger in (ours, theirs, second):
        ledger.close()


def test_copy_of_everything_that_lags_is_stale_and_reconciling_names_it(
    scene: Scene, twin: Station
) -> None:
    ours, theirs, second = scene.north.open(), scene.south.open(), twin.open()
    deliver(scene.north, ours, scene.south, theirs, 300)
    assert show(second, twin, theirs) is HeadVerdict.STALE
    for ledger in (ours, theirs, second):
        ledger.close()
    alone, peer = verify(twin.file, audit=True), verify(scene.south.file, audit=True)
    assert alone.ok
    found = reconcile(alone, twin.file, peer, scene.south.file)
    assert found.missing_tail
    assert not found.ok


def test_peers_view_given_at_the_start_stops_a_copy_that_lags(scene: Scene, twin: Station) -> None:
    ours, theirs = scene.north.open(), scene.south.open()
    deliver(scene.north, ours, scene.south, theirs, 300)
    held = theirs.witnessed(ours.origin)
    assert held is not None
    view = verify_checkpoint(held.note, [scene.north.key.public_key], verifier)
    ours.close()
    theirs.close()
    with pytest.raises(IntegrityError, match="put back: the peer's countersigned view"):
        twin.open(peer_view=view)
    scene.north.open(peer_view=view).close()
