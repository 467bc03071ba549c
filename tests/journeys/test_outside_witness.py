"""Two stations and an outside witness, from naming it to a review by somebody who trusts it.

Everything is done as an operator does it: by commands, over real sockets, and
judged from the files alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.records.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from hotline.core.records.checkpoint import Checkpoint, parse_note
from hotline.ledger.store import Ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.station.upkeep import at_work
from hotline.transport.posting import Trust, parse_url, post
from tests.fakes.line import ENCOUNTER, FakeLine, Place, wait_for
from tests.fakes.witness import FakeWitness, certificate, read_request
from tests.ledger.rig import draft
from tests.station.months import copied, say
from tests.station.test_cosigning import bench_of
from tests.station.test_keeping import hour, set_clocks

TWO = ("--officer", "ramos", "--officer", "vega")


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[FakeWitness]:
    (tmp_path / "tls").mkdir()
    with FakeWitness(tls=tmp_path / "tls") as made:
        yield made


def run(*words: object) -> int:
    return main([str(one) for one in words])


def name(place: Place, witness: FakeWitness, tmp_path: Path) -> None:
    chain, _, pin = certificate()
    (tmp_path / "ca.pem").write_bytes(chain)
    where = ("--url", witness.url, "--ca", tmp_path / "ca.pem", "--pin", pin.hex())
    assert run("ledger", "witness", place.home.path, "--add", witness.vkey, *where, *TWO) == 0
    with at_work(bench_of(place)) as work:
        witness.trust(work.opened.line.origin, work.opened.line.ledger.public_key)


async def work(line: FakeLine, witness: FakeWitness) -> int:
    """Let the line work over an hour and close; return what the witness countersigned."""
    clock = set_clocks(line)
    async with line:
        report = await line.south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: line.south.receipted(report))
        await hour(line, clock)
        north = line.north
        await wait_for(lambda: north.opened.ledger.cosigned_size(witness.name))
        await say(line, line.north, line.south)
        await north.station.conclude()
        await line.settled()
        return north.opened.ledger.cosigned_size(witness.name)


async def test_line_is_witnessed_and_a_reviewer_who_trusts_the_witness_sees_how_far(
    tmp_path: Path, witness: FakeWitness, capsys: pytest.CaptureFixture[str]
) -> None:
    line = FakeLine(tmp_path, deputies=True)
    north = line.north
    name(north, witness, tmp_path)
    size = await work(line, witness)
    assert witness.seen[next(iter(witness.logs))][0] == size
    homes = north.home.path, "--peer", line.south.home.path
    capsys.readouterr()

    assert run("ledger", "witness", north.home.path) == 0
    assert f"countersigned {size} of" in capsys.readouterr().out

    # Who trusts nobody hears of it, and is told that it counts for nothing yet.
    assert run("verify", *homes) == 0
    alone = capsys.readouterr().out
    assert f"Not counted: {witness.name} countersigned the first {size} entries" in alone
    assert run("verify", *homes, "--witness", witness.vkey) == 0
    trusted = capsys.readouterr().out
    assert f"The outside witness {witness.name} countersigned the first {size} entries." in trusted
    assert "Not counted" not in trusted
    assert run("verify", *homes, "--witness", witness.vkey, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    (told,) = found["ledger"]["outside_witnesses"]
    assert (told["size"], told["trusted"], told["vkey"]) == (size, True, witness.vkey)
    assert found["peer"]["outside_witnesses"] == []
    assert set(found["ledger"]["countersigned"]) == {"SOUTH"}

    assert run("doctor", north.home.path) == 0
    assert f"the outside witness {witness.name} countersigned {size} of" in capsys.readouterr().out
    assert run("replay", north.home.path) == 0
    told = capsys.readouterr().out
    assert f"the outside witness {witness.vkey} is asked from here on" in told
    assert f"the outside witness {witness.name} now COSIGNS" in told

    stranger = FakeWitness("witness.example/stranger").vkey
    assert run("verify", *homes, "--witness", stranger) == 0
    assert "witness.example/stranger countersigned nothing of this" in capsys.readouterr().out
    assert run("verify", *homes, "--witness", "junk") == 2

    await _disclosures_carry_it(north, witness, tmp_path, capsys)
    await _fork_is_refused(north, witness, tmp_path)


async def _disclosures_carry_it(
    north: Place, witness: FakeWitness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = tmp_path / "entry.tlog-proof"
    entry = ("--entry", "12", "--cards", "--out", shown)
    assert run("disclose", north.home.path, *entry) == 0
    capsys.readouterr()
    assert run("check", shown, "--json") == 0
    assert json.loads(capsys.readouterr().out)["not_judged"] == [witness.name]
    assert run("check", shown, "--witness", witness.vkey, "--json") == 0
    signers = json.loads(capsys.readouterr().out)["countersigned"]
    assert [(one["by"], one["outside"]) for one in signers if one["outside"]] == [
        (witness.name, True)
    ]
    # What the witness signs when it is asked by hand takes the place of what is stored.
    reader = Ledger.open_read_only(north.directory)
    size = reader.cosigned_size(witness.name)
    note, body = reader.head(size), parse_note(reader.head(size)).checkpoint.body()
    reader.close()
    by_hand = tmp_path / "cosigned"
    seen = read_request(b"old 0\n\n" + note)
    assert seen.body == body
    by_hand.write_bytes(note + witness.cosign(seen))
    again = tmp_path / "again.tlog-proof"
    entry = ("--entry", "12", "--cards", "--out", again, "--cosigned", by_hand)
    assert run("disclose", north.home.path, *entry) == 0
    assert run("check", again, "--witness", witness.vkey) == 0


async def _fork_is_refused(north: Place, witness: FakeWitness, tmp_path: Path) -> None:
    """Write another history with every key of the station; the witness signs none of it."""
    origin, (size, root) = next(iter(witness.seen.items()))
    forged = Place("NORTH", "ramos", copied(north.home, tmp_path / "forged"), "SOUTH")
    with at_work(bench_of(forged)) as other:
        ledger = other.opened.ledger
        assert ledger.origin == origin
        history = Ledger.create(
            tmp_path / "history",
            origin=origin,
            signer=other.opened.line.ledger,
            sealer=other.opened.months,
            verifier=verify_ed25519,
            entropy=other.bench.entropy,
        )
        history.append([draft(number) for number in range(size)])
        same = history.head()
        history.append([draft(number) for number in range(3)])
        longer, proof = history.head(), tuple(history.prove_consistency(size))
        history.close()
    answers = []
    for old, note, path in ((size, same, ()), (size, longer, proof), (0, longer, ())):
        body = encode_add_checkpoint(AddCheckpoint(old, path, note))
        reply = await post(
            parse_url(witness.url),
            "add-checkpoint",
            body,
            trust=Trust(certificate()[0].decode()),
            timeout_s=5,
        )
        answers.append(reply.status)
        assert parse_note(note).checkpoint != Checkpoint(origin, size, root)
    assert answers == [409, 422, 409]
    assert witness.seen[origin] == (size, root)
