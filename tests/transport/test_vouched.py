"""TLS by an authority: chain, dates and name, and the handshake of the consoles all the same.

Spec: docs/transport.md §3.8, §4.5, §4.7
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import InvalidStatus

from hotline.core.errors import OperatorError
from hotline.transport.tls import TlsIdentity, client_context
from hotline.transport.vouched import VouchedPeer
from tests.transport.rig import Pair, Papers, mint, until
from tests.transport.test_listener import REFUSED, call
from tests.transport.test_proving import middleman

NORTH, SOUTH = "north.example", "south.example"


class Authority:
    """An authority of two stations, with what it issued to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = mint(folder, "AUTHORITY", ca=True)
        self.file = self.own.identity.certificate_path
        self.other = mint(folder, "OTHER", ca=True)

    def issue(self, name: str, *, days_ago: int = 1, by: Papers | None = None) -> Papers:
        try:
            known: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            known = x509.DNSName(name)
        file = f"{name}-{days_ago}-{by is None}".replace("*", "any")
        return mint(self.folder, file, issuer=by or self.own, days_ago=days_ago, names=[known])

    def vouches_for(self, name: str) -> VouchedPeer:
        return VouchedPeer(self.file, name)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def pki(pair: Pair, authority: Authority) -> Pair:
    """Return a pair whose certificates the authority issued; consoles as ever."""
    north, south = authority.issue(NORTH), authority.issue(SOUTH)
    pair.north = replace(north, console=pair.north.console)
    pair.south = replace(south, console=pair.south.console)
    return pair


async def test_stations_that_an_authority_vouches_for_meet(pki: Pair, authority: Authority) -> None:
    listener = pki.listener(peer=authority.vouches_for(SOUTH))
    dialer = pki.dialer(peer=authority.vouches_for(NORTH.upper()))
    async with pki.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
        await dialer.send(b"cell")
        await until(lambda: pki.north_log.cells == [b"cell"])


async def test_pin_at_one_end_and_authority_at_the_other_go_together(
    pki: Pair, authority: Authority
) -> None:
    """Each end says for itself how it knows the other."""
    listener, dialer = pki.listener(), pki.dialer(peer=authority.vouches_for(NORTH))
    async with pki.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("else.example", {}),
        ("*.example", {}),
        (NORTH, {"days_ago": 400}),
        (NORTH, {"days_ago": -10}),
    ],
    ids=["another name", "wildcard", "expired", "not yet valid"],
)
async def test_listener_whose_certificate_does_not_fit_blocks(
    pki: Pair, authority: Authority, name: str, how: dict[str, int]
) -> None:
    shown = authority.issue(name, **how)
    listener = pki.listener(identity=shown.identity, peer=authority.vouches_for(SOUTH))
    dialer = pki.dialer(peer=authority.vouches_for(NORTH))
    async with pki.running(listener, dialer):
        await until(lambda: "BLOCKED" in pki.south_log.words)
    assert "UP" not in pki.south_log.words + pki.north_log.words
    assert any("under the name north.example" in str(one) for one in pki.south_log.faults)


async def test_listener_of_another_authority_or_of_none_blocks(
    pki: Pair, authority: Authority
) -> None:
    for shown in (authority.issue(NORTH, by=authority.other), pki.stranger):
        listener = pki.listener(identity=shown.identity, peer=authority.vouches_for(SOUTH))
        dialer = pki.dialer(peer=authority.vouches_for(NORTH))
        async with pki.running(listener, dialer):
            await until(lambda: "BLOCKED" in pki.south_log.words)
        pki.south_log.states.clear()


async def test_dialer_under_another_name_gets_403(pki: Pair, authority: Authority) -> None:
    listener = pki.listener(peer=authority.vouches_for(SOUTH))
    async with pki.running(listener):
        for name in ("else.example", "*.example", "sub.south.example"):
            with pytest.raises(InvalidStatus) as caught:
                await call(pki, ssl=pki.as_south(authority.issue(name)))
            assert caught.value.response.status_code == 403
        assert listener.refused["pin"] == 3


async def test_dialer_with_an_expired_certificate_or_of_another_authority_is_refused(
    pki: Pair, authority: Authority
) -> None:
    listener = pki.listener(peer=authority.vouches_for(SOUTH))
    async with pki.running(listener):
        for shown in (
            authority.issue(SOUTH, days_ago=400),
            authority.issue(SOUTH, by=authority.other),
        ):
            with pytest.raises(REFUSED):
                await call(pki, ssl=pki.as_south(shown))
        await until(lambda: listener.refused["unopened"] == 2)


async def test_middleman_whom_the_authority_vouches_for_is_found_by_both_ends(
    pki: Pair, authority: Authority
) -> None:
    """The authority was deceived: a certificate of its own, with both names, stands between."""
    listener = pki.listener(peer=authority.vouches_for(SOUTH))
    both = mint(
        authority.folder,
        "BETWEEN",
        issuer=authority.own,
        names=[x509.DNSName(NORTH), x509.DNSName(SOUTH)],
    )
    pki.stranger = replace(both, console=pki.stranger.console)
    async with pki.running(listener), middleman(pki):
        dialer = pki.dialer(peer=authority.vouches_for(NORTH))
        async with pki.running(dialer):
            await until(lambda: listener.refused["signature"] >= 1)
            await until(lambda: "BLOCKED" in pki.south_log.words)
        assert "UP" not in pki.north_log.words + pki.south_log.words


async def test_address_in_place_of_a_name_is_compared_as_an_address(
    pki: Pair, authority: Authority
) -> None:
    shown = authority.issue("2001:db8::1")
    listener = pki.listener(identity=shown.identity, peer=authority.vouches_for(SOUTH))
    pki.north = replace(shown, console=pki.north.console)
    dialer = pki.dialer(peer=authority.vouches_for("2001:DB8:0:0::1"))
    async with pki.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)


def test_context_of_a_vouched_peer_trusts_its_authority_alone(authority: Authority) -> None:
    mine = authority.issue(SOUTH)
    context = client_context(mine.identity, authority.vouches_for(NORTH))
    assert context.get_ca_certs(binary_form=True) == [authority.own.der]
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert not context.verify_flags & 0x200000


def test_authority_that_does_not_load_is_the_operators_fault(
    authority: Authority, tmp_path: Path
) -> None:
    mine, junk = authority.issue(SOUTH), tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for file in (junk, tmp_path / "none.pem"):
        with pytest.raises(OperatorError) as caught:
            client_context(mine.identity, VouchedPeer(file, NORTH))
        assert str(tmp_path) not in str(caught.value)


async def test_chain_with_an_intermediate_is_shown_whole(pki: Pair, authority: Authority) -> None:
    between = mint(authority.folder, "INTERMEDIATE", issuer=authority.own, ca=True)
    leaf = mint(authority.folder, "LEAF", issuer=between, names=[x509.DNSName(NORTH)])
    chain = authority.folder / "chain.pem"
    pem = serialization.Encoding.PEM
    chain.write_bytes(leaf.certificate.public_bytes(pem) + between.certificate.public_bytes(pem))
    identity = TlsIdentity(chain, leaf.identity.key_path)
    listener = pki.listener(identity=identity, peer=authority.vouches_for(SOUTH))
    dialer = pki.dialer(peer=authority.vouches_for(NORTH))
    async with pki.running(listener, dialer):
        await until(lambda: listener.up and dialer.up)
