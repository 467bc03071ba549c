"""A peer known by an authority on the direct route: set, worked, refused, taken back.

Spec: docs/transport.md §3.8, §3.9
"""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from hotline.cli.main import app
from hotline.core.errors import OperatorError
from hotline.host.entropy import system_entropy
from hotline.station.home import read_card
from hotline.station.upkeep import Bench, at_work
from hotline.station.vouching import Vouching, pin_again, vouch
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station.months import no_passphrase, say
from tests.transport.rig import Papers, mint

NAMES = {"NORTH": "north.example", "SOUTH": "south.example"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("authority"), "AUTHORITY", ca=True)


@pytest.fixture
def line(tmp_path: Path) -> FakeLine:
    return FakeLine(tmp_path)


def given(place: Place, authority: Papers, name: str = "") -> Vouching:
    """Return what the authority gave a station; `name`: that it is to know the peer by."""
    folder = place.home.path.parent
    own = mint(folder, place.name, issuer=authority, names=[x509.DNSName(NAMES[place.name])])
    return Vouching(
        authority.identity.certificate_path,
        own.identity.certificate_path,
        own.identity.key_path,
        name or NAMES[place.peer],
    )


def bench_of(place: Place) -> Bench:
    return Bench(place.home, place.clock_ms, system_entropy, no_passphrase)


def is_vouched(place: Place, vouching: Vouching, peer: str = "") -> str:
    with at_work(bench_of(place)) as work:
        return vouch(work, vouching, peer)


def kept(place: Place) -> list[str]:
    return sorted(path.name for path in (place.home.path / "tls").glob("pki-*"))


def test_line_of_two_that_an_authority_vouches_for_works_and_goes_back_to_pins(
    line: FakeLine, authority: Papers
) -> None:
    for place in line.places:
        vouching = given(place, authority)
        assert is_vouched(place, vouching) == place.peer
        vouching.key.unlink()
        assert kept(place) == [f"pki-{place.peer}-{part}.pem" for part in ("ca", "cert", "key")]
        key = place.home.path / "tls" / f"pki-{place.peer}-key.pem"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600

    async def works() -> None:
        async with line:
            await say(line, line.north, line.south)
            direct = line.north.station.route
            assert direct.up

    asyncio.run(works())
    for place in line.places:
        with at_work(bench_of(place)) as work:
            assert pin_again(work, place.peer) == place.peer
        assert kept(place) == []
    asyncio.run(works())


def test_peer_under_another_name_brings_no_link_up(line: FakeLine, authority: Papers) -> None:
    is_vouched(line.north, given(line.north, authority))
    is_vouched(line.south, given(line.south, authority, "else.example"))

    async def go() -> None:
        await line.north.start()
        await wait_for((line.north.directory / "listening.json").exists)
        await line.south.start()
        links = line.south.situation.links
        await wait_for(lambda: "NORTH" in links and links["NORTH"].state == "BLOCKED")
        assert any("else.example" in one for one in line.south.station.faults)
        for place in line.places:
            await place.stop()

    asyncio.run(go())


def test_what_does_not_load_changes_nothing(line: FakeLine, authority: Papers) -> None:
    good, place = given(line.south, authority), line.south
    folder = place.home.path.parent
    stranger = mint(folder, "STRANGER")
    junk, locked = folder / "junk.pem", folder / "locked.pem"
    junk.write_text("no certificate")
    locked.write_bytes(
        stranger.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a passphrase"),
        )
    )
    before = (place.directory / "line.json").read_bytes()
    for wrong in (
        replace(good, authority=junk),
        replace(good, authority=folder / "none.pem"),
        replace(good, certificate=junk),
        replace(good, key=stranger.identity.key_path),
        replace(good, certificate=stranger.identity.certificate_path, key=locked),
        replace(good, name="*.example"),
        replace(good, name=""),
        replace(good, name="north\n.example"),
    ):
        with pytest.raises(OperatorError) as caught:
            is_vouched(place, wrong)
        assert str(folder) not in caught.value.sentence()
    with pytest.raises(OperatorError, match="EAST is not on the line"):
        is_vouched(place, good, "EAST")
    with at_work(bench_of(place)) as work, pytest.raises(OperatorError, match="pinned already"):
        pin_again(work)
    assert (place.directory / "line.json").read_bytes() == before
    assert kept(place) == []


def test_command_takes_all_of_an_authority_or_a_pin(line: FakeLine, authority: Papers) -> None:
    home, good = str(line.south.home.path), given(line.south, authority)
    whole = ["--ca", str(good.authority), "--cert", str(good.certificate)]
    whole += ["--key", str(good.key), "--name", good.name]
    run = CliRunner()
    for wrong in ([], whole[:-2], [*whole, "--pin"]):
        assert run.invoke(app, ["line", "tls", home, *wrong]).exit_code != 0
    assert kept(line.south) == []
    done = run.invoke(app, ["line", "tls", home, *whole])
    assert done.exit_code == 0, done.output
    assert "NORTH is known as north.example" in done.output
    assert read_card(line.south.directory).peers[0].tls_name == "north.example"
    done = run.invoke(app, ["line", "tls", home, "--pin"])
    assert "known by its key" in done.output
    assert read_card(line.south.directory).peers[0].tls_name == ""
