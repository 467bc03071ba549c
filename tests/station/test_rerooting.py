"""A root is followed by the one it committed to, and the peer's officers have the last word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.ledger.verify import verify_ledger
from hotline.sealing import items as its
from hotline.sealing.certificate import Usage
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.enrol import (
    RootKey,
    Subject,
    issue_certificate,
    make_root,
    make_successor,
    rejoin_root,
)
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.root import ROOT_TYPE, Root, parse_root
from hotline.sealing.roster import identify_ledger
from hotline.station import outgoing, rerooting
from hotline.station.home import hybrid_seeds
from hotline.station.identity import read_identity
from hotline.station.rerooting import succeed_root
from hotline.station.revoking import revoke, root_of, take_into_card
from hotline.station.upkeep import Bench, Work, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station import homes
from tests.station.months import no_passphrase, say

Found = TypeVar("Found")


class CrashError(Exception):
    pass


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


def at(place: Place, act: Callable[[Work], Found]) -> Found:
    with at_work(Bench(place.home, place.clock_ms, system_entropy, no_passphrase)) as work:
        return act(work)


def certify_anew(place: Place, person: str) -> None:
    """Give an officer a new key under the newest root."""
    seeds = draw_hybrid_seeds(system_entropy)

    def add(work: Work) -> None:
        line = work.opened.line
        issued = issue_certificate(
            root_of(work),
            HybridSigner(seeds),
            subject=Subject(person, f"Officer {person}", "LT", "Duty officer"),
            usage=Usage.STATEMENT,
            serial=100,
            not_before_ms=place.clock_ms() - 1_000,
            not_after_ms=place.clock_ms() + 86_400_000,
        )
        held = {"officer/ed25519": seeds.ed25519, "officer/mldsa65": seeds.mldsa65}
        key = KeyFile(line.station, line.realm, held)
        write_key_file(place.home.officer(person), key, None, entropy=system_entropy)
        roster, certificate = line.roster.with_certificate(issued.certificate)
        line.admit(roster)
        admitted = ev.RecordAdmitted(record=certificate.id.hex())
        work.record(Planned(admitted, public=issued.certificate))
        take_into_card(work, issued.certificate)

    at(place, add)


def test_what_a_new_root_certifies_counts_once_officers_have_compared_its_words(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        async with line:
            await say(line, line.north, line.south)
        old = read_key_file(line.north.home.keys / "root.key", None).seeds
        root = at(line.north, succeed_root)
        new = read_key_file(line.north.home.keys / "root.key", None).seeds
        assert new["root/ed25519"] == old["next/ed25519"]
        assert new["next/ed25519"] not in old.values()
        assert set(new) == set(old)
        certify_anew(line.north, "third")
        line.north.person = "third"
        async with line:
            await wait_for(lambda: line.south.recorded(ev.RootChanged))
            waiting = line.south.desk.watch().new_root
            assert waiting is not None
            assert (waiting.station, waiting.root) == ("NORTH", root.digest.hex())
            assert line.north.desk.watch().new_root is None
            early = await line.north.say("conv/free-text", {}, text="by the new key")
            await wait_for(lambda: line.south.holds(early))
            assert line.south.state(early).verdict == "UNVERIFIED"
            with pytest.raises(OperatorError, match="no changed root"):
                await line.south.desk.compare_root("ab" * 32, agreed=True)
            await line.south.desk.compare_root(waiting.root, agreed=False)
            assert line.south.desk.watch().new_root == waiting
            await line.south.desk.compare_root(waiting.root, agreed=True)
            assert line.south.desk.watch().new_root is None
            late = await say(line, line.north, line.south)
            assert line.south.state(late).verdict == "VERIFIED"
            assert line.south.state(early).verdict == "UNVERIFIED"
        # The new root revokes what the old one certified, and the chain goes on.
        at(line.north, lambda work: revoke(work, "ramos", "the old key is gone"))
        async with line:
            await wait_for(lambda: line.south.recorded(ev.TrustWithdrawn))
            await say(line, line.north, line.south)
            assert line.south.desk.watch().new_root is None
        for place in line.places:
            assert place.verdict().ok
            journal = place.home.path / "journal"
            assert verify_ledger(journal, identify=identify_ledger, verifier=verify_ed25519).ok

    asyncio.run(go())


@pytest.mark.parametrize("step", ["_admit", "_KeyFiles.move_up", "take_into_card"])
def test_succession_that_was_cut_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    place = FakeLine(tmp_path, run=False).north

    def crash(*_: object) -> None:
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(f"hotline.station.rerooting.{step}", crash)
        with pytest.raises(CrashError):
            at(place, succeed_root)
    staged = read_key_file(place.home.keys / "root.key", None).seeds
    root = at(place, succeed_root)
    seeds = read_key_file(place.home.keys / "root.key", None).seeds
    assert seeds["root/ed25519"] == staged["next/ed25519"]
    assert seeds["next/ed25519"] == staged["after/ed25519"]
    assert not [name for name in seeds if name.startswith("after")]

    def lineage(work: Work) -> list[bytes]:
        return [bytes(one.digest) for one in work.opened.line.roster.lineages["NORTH"].roots]

    assert at(place, lineage)[1:] == [root.digest]
    assert place.verdict().ok


def enrolled(directory: Path) -> tuple[homes.Place, Path]:
    """A station that was set up by hand, whose successor.key lies in another place."""
    north, _ = homes.enrol(directory)
    apart = directory / "safe" / "successor.key"
    apart.parent.mkdir()
    (north.home.keys / "successor.key").rename(apart)
    return north, apart


def succeed(place: homes.Place, apart: Path) -> Root:
    with at_work(place.bench) as work:
        return succeed_root(work, successor_file=apart)


def seeds_in(path: Path) -> dict[str, bytes]:
    return dict(read_key_file(path, None).seeds)


def test_successor_kept_apart_takes_office_and_the_next_one_lies_there(tmp_path: Path) -> None:
    north, apart = enrolled(tmp_path)
    before = seeds_in(apart)
    root = succeed(north, apart)
    assert seeds_in(north.root_file)["root/ed25519"] == before["next/ed25519"]
    assert not [name for name in seeds_in(north.root_file) if not name.startswith("root")]
    following = seeds_in(apart)
    assert {name.partition("/")[0] for name in following} == {"next"}
    assert following["next/ed25519"] != before["next/ed25519"]
    # The new root certifies, and the station's own file says so after that.
    north.add("north2")
    assert north.root().digest == root.digest
    assert {"north1", "north2"} <= read_identity(north.home).officers().keys()
    # And the one after it follows in its turn.
    assert succeed(north, apart).key == HybridSigner(hybrid_seeds(following, "next")).public_key


@pytest.mark.parametrize("write", range(3))
def test_succession_from_two_files_that_dies_at_any_write_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    north, apart = enrolled(tmp_path)
    committed = seeds_in(apart)
    writes = iter(range(9))

    def dying(*arguments: object, **more: object) -> None:
        if next(writes) == write:
            raise CrashError
        write_key_file(*arguments, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(rerooting, "write_key_file", dying)
        with pytest.raises(CrashError):
            succeed(north, apart)
    root = succeed(north, apart)
    assert root.key == HybridSigner(hybrid_seeds(committed, "next")).public_key
    assert seeds_in(north.root_file)["root/ed25519"] == committed["next/ed25519"]
    assert north.root().digest == root.digest
    assert {name.partition("/")[0] for name in seeds_in(apart)} == {"next"}
    assert succeed(north, apart).digest != root.digest


def test_succession_without_the_successors_file_or_with_a_strange_one_is_refused(
    tmp_path: Path,
) -> None:
    north, apart = enrolled(tmp_path)
    with (
        pytest.raises(OperatorError, match=r"successor\.key is not there"),
        at_work(north.bench) as work,
    ):
        succeed_root(work)
    with pytest.raises(OperatorError, match="holds no successor"):
        succeed(north, north.home.officer("north1"))
    strange = homes.begin(tmp_path / "strange", "NORTH").home.keys / "successor.key"
    before = seeds_in(north.root_file)
    with pytest.raises(OperatorError, match="commit"):
        succeed(north, strange)
    assert seeds_in(north.root_file) == before
    assert succeed(north, apart).station == "NORTH"


def test_root_that_was_followed_certifies_and_revokes_nothing_more(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, run=False)
    path = line.north.home.keys / "root.key"
    older = path.read_bytes()
    at(line.north, succeed_root)
    path.write_bytes(older)
    with pytest.raises(OperatorError, match="not the root of this station that counts now"):
        at(line.north, lambda work: revoke(work, "ramos", "by a thief"))
    path.unlink()
    with pytest.raises(OperatorError, match=r"root\.key is not there"):
        at(line.north, succeed_root)


async def test_successor_that_was_not_committed_is_refused(tmp_path: Path) -> None:
    """A thief of the root in use signs a successor of the thief's own making."""
    async with FakeLine(tmp_path) as line:
        records = [one.encode() for one in line.north.opened.card.records]
        seeds = read_key_file(line.north.home.keys / "root.key", None).seeds
        stolen = _root_key(records, seeds)
        thief = make_root(
            station="NORTH",
            realm=stolen.realm,
            at_ms=line.north.clock_ms(),
            entropy=system_entropy,
        )
        envelope = decode_envelope(
            thief.record, expect=(ROOT_TYPE,), what="root", max_bytes=1 << 20
        )
        signed = envelope.with_hybrid(stolen.digest, stolen.signer.sign(envelope.message))
        line.north.inject(its.RootItem(envelope=encode_envelope(signed)))
        await wait_for(lambda: line.south.reasons)
        assert "not the one that the root before committed to" in line.south.reasons[0]
        assert not line.south.recorded(ev.RootChanged)
        assert line.south.desk.watch().new_root is None
        await say(line, line.north, line.south)


async def test_committed_successor_that_the_root_in_use_did_not_sign_is_refused(
    tmp_path: Path,
) -> None:
    """A thief of the successor's seeds alone cannot bring it into office."""
    async with FakeLine(tmp_path) as line:
        records = [one.encode() for one in line.north.opened.card.records]
        seeds = read_key_file(line.north.home.keys / "root.key", None).seeds
        stolen = _root_key(records, seeds)
        after = draw_hybrid_seeds(system_entropy)
        made = make_successor(stolen, after, at_ms=line.north.clock_ms())
        whole = decode_envelope(made.record, expect=(ROOT_TYPE,), what="root", max_bytes=1 << 20)
        alone = Envelope(ROOT_TYPE, whole.payload, whole.signatures[:2])
        line.north.inject(its.RootItem(envelope=encode_envelope(alone)))
        await wait_for(lambda: line.south.reasons)
        assert not line.south.recorded(ev.RootChanged)
        line.south.inject(its.RootItem(envelope=made.record))
        await wait_for(lambda: line.north.reasons)
        assert "not that of the station that sent it" in line.north.reasons[0]


def _root_key(records: Sequence[bytes], seeds: Mapping[str, bytes]) -> RootKey:
    pair, following = hybrid_seeds(seeds, "root"), hybrid_seeds(seeds, "next")
    key = HybridSigner(pair).public_key
    for record in records:
        if ROOT_TYPE in record.decode() and parse_root(record).key == key:
            return rejoin_root(parse_root(record), record, pair, following)
    raise AssertionError("no such root")
