"""Which consoles may open a direct link: by the roster of the moment, and what they bring.

Spec: docs/transport.md §4.5, §4.8, §4.9
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.host.entropy import system_entropy
from hotline.sealing.certificate import Usage
from hotline.sealing.enrol import CertifiedKey
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.station.calling_in import party_towards
from hotline.station.revoking import revoke, use_prepared
from hotline.transport.greeting import MAX_INTRODUCTION_BYTES
from tests.fakes.line import FakeLine, wait_for
from tests.fakes.pairs import End, make_ends, replace_console
from tests.station.homes import DAY_MS
from tests.station.test_consoles import console_of, root_key
from tests.station.test_revoking import _records, at

FIRST = (1,)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("founded")


@pytest.fixture
def ends(tmp_path: Path, founded: Path) -> dict[str, End]:
    return make_ends(tmp_path, founded)


def lets_in(end: End, key: bytes, introduction: bytes = b"") -> bool:
    return party_towards(end.line, end.peer, FIRST).recognises(key, introduction)


def test_two_stations_name_each_other_alike_and_know_each_others_console(
    ends: dict[str, End],
) -> None:
    north, south = (party_towards(ends[name].line, ends[name].peer, FIRST) for name in ends)
    assert (north.ours, north.theirs) == (south.theirs, south.ours)
    assert north.recognises(south.signer.public_key, b"")
    assert south.recognises(north.signer.public_key, b"")
    assert not north.recognises(north.signer.public_key, b"")


def test_only_a_console_of_the_peer_may_open_a_link(ends: dict[str, End]) -> None:
    north = ends["NORTH"]
    certified = ends["SOUTH"].line.roster.certificates.values()
    others = [one for one in certified if (one.station, one.usage) != ("SOUTH", Usage.TRANSPORT)]
    assert {one.usage for one in others} >= {Usage.STATEMENT, Usage.LEDGER}
    assert not any(lets_in(north, one.key.ed25519) for one in others)


def test_console_with_a_number_that_this_route_does_not_lead_to_is_refused(
    ends: dict[str, End],
) -> None:
    line = ends["NORTH"].line
    key = ends["SOUTH"].line.console.public_key
    assert party_towards(line, "SOUTH", (1, 2)).recognises(key, b"")
    assert not party_towards(line, "SOUTH", (2,)).recognises(key, b"")


def test_replaced_console_is_refused_and_the_one_after_it_let_in(ends: dict[str, End]) -> None:
    before = ends["SOUTH"].line.console.public_key
    replace_console(ends, "SOUTH")
    assert not lets_in(ends["NORTH"], before)
    assert lets_in(ends["NORTH"], ends["SOUTH"].line.console.public_key)


def test_dates_of_a_certificate_do_not_close_the_link(ends: dict[str, End]) -> None:
    """Packets are judged by them; two stations whose clocks differ must still meet."""
    for end in ends.values():
        end.now_ms += 400 * DAY_MS
    assert lets_in(ends["NORTH"], ends["SOUTH"].line.console.public_key)


def test_console_that_brings_its_certificate_is_let_in_and_nothing_is_kept(
    ends: dict[str, End],
) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    new = console_of(south, root_key(south))
    key = new.signer.public_key.ed25519
    assert len(new.certificate) <= MAX_INTRODUCTION_BYTES
    assert not lets_in(north, key)
    assert lets_in(north, key, new.certificate)
    assert new.cert_id not in north.line.roster.certificates
    assert not lets_in(north, key)


WRONG: dict[str, Callable[[End, End], CertifiedKey]] = {
    "of the receiver's own root": lambda n, _s: console_of(n, root_key(n)),
    "for an officer": lambda _n, s: console_of(s, root_key(s), usage=Usage.STATEMENT),
    "for a ledger": lambda _n, s: console_of(s, root_key(s), usage=Usage.LEDGER),
}


@pytest.mark.parametrize("how", WRONG)
def test_console_that_brings_a_certificate_that_does_not_fit_is_refused(
    ends: dict[str, End], how: str
) -> None:
    wrong = WRONG[how](ends["NORTH"], ends["SOUTH"])
    assert not lets_in(ends["NORTH"], wrong.signer.public_key.ed25519, wrong.certificate)


def test_console_that_brings_another_ones_certificate_or_junk_is_refused(
    ends: dict[str, End],
) -> None:
    north, south = ends["NORTH"], ends["SOUTH"]
    honest = console_of(south, root_key(south))
    thief = HybridSigner(draw_hybrid_seeds(system_entropy)).public_key.ed25519
    for brought in (honest.certificate, honest.certificate[:-1], b"junk", b"{}"):
        assert not lets_in(north, thief, brought)
    altered = honest.certificate.replace(b'"sig":"', b'"sig":"AA', 1)
    assert not lets_in(north, honest.signer.public_key.ed25519, altered)


def test_revoked_console_brings_no_link_up(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, run=False)
        at(line.north, lambda work: revoke(work, "console", "the console was taken"))
        (record,) = [one.encode() for one in _records(line.north) if "revocation" in one]
        at(line.south, lambda work: use_prepared(work, record))
        async with line:
            line.north.run()
            await wait_for((line.north.directory / "listening.json").exists)
            line.south.run()
            links = line.south.situation.links
            await wait_for(lambda: "NORTH" in links and links["NORTH"].state == "BLOCKED")
            assert any("is none that may speak" in one for one in line.south.station.faults)
            assert not line.south.station.up

    asyncio.run(go())
